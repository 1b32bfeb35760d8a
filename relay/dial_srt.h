/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a host over SRT: its name becomes addresses, and each attempt goes to the next of them.
 *
 * The name is asked for anew when all addresses were tried, and after a connection. Owner: the loop of the SRT thread.
 * Lifetime: a value, dial_srt_init to dial_srt_stop. Not here: when to try (relay/call_srt).
 */
#ifndef ISARIBI_RELAY_DIAL_SRT_H
#define ISARIBI_RELAY_DIAL_SRT_H

#include "base/loop_resolve.h"
#include "config/plan.h"
#include "relay/poll_srt.h"

struct dial_srt_ops {
	/* The socket is the owner's now. */
	void (*connected)(void *arg, int sock);
	/* reason: English, static or valid during the call; may be called inside dial_srt_try. */
	void (*failed)(void *arg, const char *reason);
};

struct dial_srt {
	struct poll_srt_watch watch; /* first: ready gets a pointer to it. sock -1: none */
	struct loop *loop;
	struct poll_srt *poll;
	const struct dial_srt_ops *ops;
	void *arg;
	const struct plan_transfer *to; /* of this attempt */
	struct resolve *resolve;
	struct resolved_list addresses;
	size_t n_tried;	  /* of the addresses */
	unsigned n_ticks; /* of this attempt */
	bool is_doubted;  /* it looked as if it were over, without a reason */
};

/* loop, poll, ops and arg are set, the rest is zero. */
void dial_srt_init(struct dial_srt *d);
/* One attempt; to is borrowed until it is over, or until dial_srt_rebase. */
void dial_srt_try(struct dial_srt *d, const struct plan_transfer *to);
/* Every HUB_TICK_MS: an answer that came before the socket was watched is seen here. */
void dial_srt_tick(struct dial_srt *d);
/* What is tried lies elsewhere now. */
void dial_srt_rebase(struct dial_srt *d, const struct plan_transfer *to);
void dial_srt_stop(struct dial_srt *d); /* nothing is called any more, until the next attempt */

enum {
	/* When the plan says nothing: 4 times the RTT is what a link needs, and it is only known once one is up. */
	DIAL_SRT_LATENCY_MS = 500,
};

#endif
