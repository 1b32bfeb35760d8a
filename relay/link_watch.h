/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks every 2 s at what an SRT link measured: counts it, tells the control, and says what would be better.
 *
 * Owner: the loop of the SRT thread. Lifetime: a value, for one connection. Not here: what follows from a loss
 * (relay/out_srt).
 */
#ifndef ISARIBI_RELAY_LINK_WATCH_H
#define ISARIBI_RELAY_LINK_WATCH_H

#include "relay/link_advice.h"
#include "relay/local.h"

struct link_watch {
	struct relay_local *local;
	int sock;
	bool is_receiving;
	bool is_told; /* the control hears about it: a stream that comes in or is passed on, not every player */
	const char *stream;
	const char *name; /* of a push or pull, as in EVENT_LINK (borrowed); NULL: who came in at our door */
	uint64_t session_id;
	int64_t looked_us;
	struct link_figures last;
	struct link_advice advice;
};

/* local, sock, is_receiving, is_told, stream (borrowed), name and session_id are set, the rest is zero. */
void link_watch_init(struct link_watch *w);
/* Every HUB_TICK_MS. How many packets were lost for good since the last look. */
uint64_t link_watch_tick(struct link_watch *w);
/* Is all that was sent before so long with the receiver, and its latency over? A socket that closes takes it back. */
bool link_watch_has_arrived(const struct link_watch *w, int64_t waited_us);
/* The connection is over: the last look, and what was advised is over, too. */
void link_watch_end(struct link_watch *w);

#endif
