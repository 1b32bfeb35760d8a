/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connected pull: what comes out of an SRT socket that we dialled becomes the stream, as if a publisher had come
 * in.
 *
 * The stream is taken when the first bytes come, not when the call is through: a far side that has nothing to show
 * keeps nobody else from publishing. Owner: the loop of the SRT thread. Lifetime: pull_srt_create to pull_srt_destroy;
 * the watched socket is borrowed and outlives it. Not here: dialling and trying again (relay/call_srt).
 */
#ifndef ISARIBI_RELAY_PULL_SRT_H
#define ISARIBI_RELAY_PULL_SRT_H

#include "base/log.h"
#include "relay/poll_srt.h"
#include "relay/ts_lane.h"

struct pull_srt;

enum {
	PULL_SRT_SILENCE_US = 10 * 1000000, /* without a frame, also before the first */
	PULL_SRT_UNREADABLE_MAX = 100,	    /* messages in a row that could not be read */
};

struct pull_srt_ops {
	/* The stream does not take it (any more). Comes from the loop, never inside a call; may destroy the pull. */
	void (*over)(void *arg, enum close_reason reason);
};

struct pull_srt_config {
	const char *stream;
	const struct log_ctx *log;    /* borrowed for its life */
	struct poll_srt_watch *watch; /* of its socket; its events are set here */
	const struct pull_srt_ops *ops;
	void *arg;
};

struct pull_srt_counts {
	uint64_t messages;
	uint64_t bytes;
	uint64_t frames;
};

/* 0 or a negative errno. */
int pull_srt_create(struct pull_srt **out, struct ts_lanes *lanes, const struct pull_srt_config *config);
/* reason: what ended it. NULL is fine. */
void pull_srt_destroy(struct pull_srt **pull, enum close_reason reason);
/* There is something on the socket. CLOSE_NONE, or why it must end. */
enum close_reason pull_srt_readable(struct pull_srt *p);
/* Every HUB_TICK_MS. The same. */
enum close_reason pull_srt_tick(const struct pull_srt *p);
struct pull_srt_counts pull_srt_counts(const struct pull_srt *p);

#endif
