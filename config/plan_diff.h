/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed from one plan to the next.
 *
 * Owner: anyone, pure. Lifetime: what the visitor is given is borrowed from the two plans.
 * Not here: what to do about it.
 */
#ifndef ISARIBI_CONFIG_PLAN_DIFF_H
#define ISARIBI_CONFIG_PLAN_DIFF_H

#include <stddef.h>

#include "config/plan.h"

/* What of a thing differs, several at once; 0 when it was added or removed. */
enum plan_change {
	PLAN_KEY_HASH = 1 << 0,
	PLAN_KEY_STREAM = 1 << 1,
	PLAN_KEY_WINDOWS = 1 << 2,
	PLAN_KEY_PASSPHRASE = 1 << 3,
	PLAN_STREAM_PLAY = 1 << 4,
	PLAN_STREAM_RECORD = 1 << 5,
	PLAN_STREAM_RENDITIONS = 1 << 6,
	PLAN_CHANNEL_PROFILE = 1 << 7,
	PLAN_CHANNEL_DELAY = 1 << 8,
	PLAN_CHANNEL_SLATE = 1 << 9,
	PLAN_CHANNEL_ON_AIR = 1 << 10,
	PLAN_CHANNEL_OVERRIDE = 1 << 11,
	PLAN_CHANNEL_FILLER = 1 << 12,
	PLAN_CLIP_RANGE = 1 << 13, /* recording, in or out */
	PLAN_PULL_URL = 1 << 14,
	PLAN_STREAM_PASSPHRASE = 1 << 15,
	PLAN_LINK = 1 << 16, /* of a push or pull: passphrase, latency_ms or stream_id */
	PLAN_CHANNEL_PLAY = 1 << 17,
	PLAN_TAKE_DOWN_TIME = 1 << 18,
};

/*
 * One function per kind of thing, NULL: not asked for. before is NULL for what is new, after for what is gone. A push
 * is named by stream and url together, a pull by its stream.
 */
struct plan_diff_visitor {
	void *ctx;
	void (*key)(void *ctx, const struct plan_key *before, const struct plan_key *after, unsigned changes);
	void (*stream)(void *ctx, const struct plan_stream *before, const struct plan_stream *after, unsigned changes);
	void (*clip)(void *ctx, const struct plan_clip *before, const struct plan_clip *after, unsigned changes);
	void (*channel)(
	    void *ctx, const struct plan_channel *before, const struct plan_channel *after, unsigned changes);
	void (*take_down)(
	    void *ctx, const struct plan_take_down *before, const struct plan_take_down *after, unsigned changes);
	void (*push)(
	    void *ctx, const struct plan_transfer *before, const struct plan_transfer *after, unsigned changes);
	void (*pull)(
	    void *ctx, const struct plan_transfer *before, const struct plan_transfer *after, unsigned changes);
	/* The texts are not handed out: ask the new plan. Every view token given out before is void. */
	void (*view_key)(void *ctx);
};

/* How many things differ, asked for or not. NULL stands for a plan that says nothing. */
size_t plan_diff(const struct plan *before, const struct plan *after, const struct plan_diff_visitor *visitor);

#endif
