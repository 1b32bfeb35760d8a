/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SRT connection that came in at our door: a publisher or a player, and how it ends.
 *
 * Owner: the loop of the SRT thread. Lifetime: conn_srt_create to its on_gone; the memory goes at the end of that turn.
 * Not here: who may come in (ingest/door), packets (relay/ts_lane, media/ts_demux), the list of connections
 * (ingest/in_srt).
 */
#ifndef ISARIBI_INGEST_CONN_SRT_H
#define ISARIBI_INGEST_CONN_SRT_H

#include "relay/poll_srt.h"
#include "relay/ts_lane.h"

struct conn_srt;

typedef void (*conn_srt_gone_fn)(void *arg, struct conn_srt *conn);

enum {
	CONN_SRT_GRANT_US = 10 * 1000000, /* from the door to the stream */
	CONN_SRT_MEDIA_US = 10 * 1000000, /* play before publish waits so long */
	CONN_SRT_LINGER_US = 2 * 1000000, /* for what was sent, or for the end, to arrive */
};

struct conn_srt_config {
	struct relay_local *local;
	struct poll_srt *poll;
	struct ts_lanes *lanes;
	int sock; /* taken over, also when creating fails */
	const char *peer;
	conn_srt_gone_fn on_gone;
	void *arg;
};

/* 0 or a negative errno. */
int conn_srt_create(struct conn_srt **out, const struct conn_srt_config *config);
/* Publisher or player? May call on_gone. */
void conn_srt_begin(struct conn_srt *c);
void conn_srt_tick(struct conn_srt *c); /* every HUB_TICK_MS */
void conn_srt_plan(struct conn_srt *c); /* local->plan is a new one */
void conn_srt_stop(struct conn_srt *c); /* the node stops; who has a stream is told by it */
void conn_srt_abort(struct conn_srt *c, enum close_reason reason);

/* The list of whoever holds them. */
struct conn_srt *conn_srt_next(const struct conn_srt *c);
void conn_srt_link(struct conn_srt **list, struct conn_srt *c);
void conn_srt_unlink(struct conn_srt **list, struct conn_srt *c);

#endif
