/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One push or pull over SRT: we dial, and dial again for as long as the plan says so.
 *
 *   RESTING ─▶ WAITING (a push, for its stream) ─▶ DIALLING ─▶ UP ─▶ LINGERING (a push) ─▶ RESTING
 *
 * A push dials when there is something to send and hangs up when its stream is over; a pull dials at once. After a
 * failure it rests by relay/call_rules.
 * Owner: the loop of the SRT thread. Lifetime: call_srt_create to its on_gone; the memory goes at the end of that turn.
 * Not here: which calls there are (relay/calls_srt), names and addresses (relay/dial_srt), what is done with a
 * connection (relay/out_srt, relay/pull_srt).
 */
#ifndef ISARIBI_RELAY_CALL_SRT_H
#define ISARIBI_RELAY_CALL_SRT_H

#include <stdbool.h>

#include "config/plan.h"
#include "relay/poll_srt.h"
#include "relay/ts_lane.h"

struct call_srt;

typedef void (*call_srt_gone_fn)(void *arg, struct call_srt *call);

enum {
	CALL_SRT_NAME_SIZE = 288,
	CALL_SRT_LINGER_US = 2 * 1000000, /* for what was sent to arrive and be shown */
};

struct call_srt_config {
	struct poll_srt *poll;
	struct ts_lanes *lanes;
	const struct plan_transfer *transfer; /* borrowed until call_srt_rebase or call_srt_leave */
	bool is_push;
	const char *name; /* copied: "push HOST:PORT", told in events; no other call of the stream has it */
	call_srt_gone_fn on_gone;
	void *arg;
};

/* 0 or -ENOMEM. */
int call_srt_create(struct call_srt **out, const struct call_srt_config *config);
void call_srt_begin(struct call_srt *c); /* after it was linked; may call on_gone */
void call_srt_tick(struct call_srt *c);	 /* every HUB_TICK_MS */
/* The plan is a new one and says the same. */
void call_srt_rebase(struct call_srt *c, const struct plan_transfer *transfer);
/* The plan does not name it any more: it ends, politely, and is gone. */
void call_srt_leave(struct call_srt *c);
/* The node stops: as leaving, but a push that is up first sends all that its stream still has. */
void call_srt_stop(struct call_srt *c);
void call_srt_abort(struct call_srt *c);

/* What it was made for; NULL once it leaves. */
const struct plan_transfer *call_srt_transfer(const struct call_srt *c);
bool call_srt_is_push(const struct call_srt *c);
const char *call_srt_stream(const struct call_srt *c);
const char *call_srt_name(const struct call_srt *c);

/* The list of whoever holds them. */
struct call_srt *call_srt_next(const struct call_srt *c);
void call_srt_link(struct call_srt **list, struct call_srt *c);
void call_srt_unlink(struct call_srt **list, struct call_srt *c);

#endif
