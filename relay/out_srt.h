/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SRT player: a reader of a TS lane whose messages go into an SRT socket, in bursts.
 *
 * Owner: the loop of the SRT thread. Lifetime: out_srt_create to out_srt_destroy; the watched socket is borrowed and
 * outlives it. Callbacks may destroy it. Not here: who may watch (ingest/door), goodbyes (ingest/conn_srt).
 */
#ifndef ISARIBI_RELAY_OUT_SRT_H
#define ISARIBI_RELAY_OUT_SRT_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/poll_srt.h"
#include "relay/ts_lane.h"

struct out_srt;

struct out_srt_ops {
	/* The stream is over, the player is too slow, or the connection is gone. Nothing is sent after it. */
	void (*over)(void *arg, enum close_reason reason);
};

struct out_srt_config {
	const char *stream;
	struct poll_srt_watch *watch; /* of its socket; its events are set here */
	const struct out_srt_ops *ops;
	void *arg;
};

struct out_srt_counts {
	uint64_t messages;
	uint64_t bytes;
	unsigned skips;
};

/* 0 or -ENOMEM. Media comes later, never inside this call. */
int out_srt_create(struct out_srt **out, struct ts_lanes *lanes, const struct out_srt_config *config);
void out_srt_destroy(struct out_srt **player);
/* The socket has room again. */
void out_srt_writable(struct out_srt *p);
/* libsrt gave up messages that waited too long: the player goes on at the next key frame. */
void out_srt_lost(struct out_srt *p);
bool out_srt_has_started(const struct out_srt *p);
struct out_srt_counts out_srt_counts(const struct out_srt *p);

#endif
