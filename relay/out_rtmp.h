/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RTMP player: a cursor in a mirror and gathered writes of bytes that all players share (design §4.3).
 *
 * Owner: the loop of its connection. Lifetime: out_rtmp_create to out_rtmp_destroy; the connection is borrowed and
 * outlives it. Callbacks may destroy it. Not here: commands and deadlines (ingest/in_rtmp), whether the player may
 * watch (relay/gate).
 */
#ifndef ISARIBI_RELAY_OUT_RTMP_H
#define ISARIBI_RELAY_OUT_RTMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/tcp.h"
#include "relay/local.h"

struct out_rtmp;

struct out_rtmp_ops {
	/* The stream is over or has a codec that the player cannot have, the player is too slow, or a write failed.
	 * Nothing is written after it but what control() gets. */
	void (*over)(void *arg, enum close_reason reason);
};

struct out_rtmp_config {
	const char *stream;
	struct tcp_conn *conn;
	const struct out_rtmp_ops *ops;
	void *arg;
	/* A bit (1u << codec) for each codec that the player announced. H.264 and AAC need none. */
	unsigned announced_codecs;
};

struct out_rtmp_counts {
	uint64_t frames;
	unsigned skips;
};

/* 0 or -ENOMEM. Media comes later, never inside this call. */
int out_rtmp_create(struct out_rtmp **out, struct relay_local *local, const struct out_rtmp_config *config);
void out_rtmp_destroy(struct out_rtmp **player);
/* A reply for the player: goes out now, or after the message that is half written. 0 or a negative errno. */
int out_rtmp_control(struct out_rtmp *p, const void *data, size_t len);
/* The connection has room again. */
void out_rtmp_writable(struct out_rtmp *p);
/* After a pause the player goes on at the newest key frame. */
void out_rtmp_pause(struct out_rtmp *p, bool is_paused);
/* No more media: only the rest of a half-written message and what control() gets. `over` does not come any more. */
void out_rtmp_stop(struct out_rtmp *p);
bool out_rtmp_has_started(const struct out_rtmp *p);
/* After `over` or out_rtmp_stop: is everything written? */
bool out_rtmp_is_drained(const struct out_rtmp *p);
struct out_rtmp_counts out_rtmp_counts(const struct out_rtmp *p);

#endif
