/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a channel gets from what is on to what shall be: at the next key frame, without a backlog, without a hole.
 *
 * Owner: the channel that embeds it. Lifetime: channel_switch_fini. Pure: the time is passed in, and never goes back.
 * Not here: what shall be on and why (packager/channel), how parts are made (packager/channel_air).
 *
 *               clip's first part                      key frame of next
 *      ┌─ SLATE ────────────────▶ CLIP ─┐   ┌───────────────────────────────────┐
 *      │    ▲ ◀──────────────────── │   │   │ (old: slate, clip: cut there)     ▼
 *      │    │      late, over       │   └───┴───────────────────────────────▶ JOINING
 *      │    └── source gone ◀─ LIVE │            LIVE ── key frame of next ─▶ LEAVING
 *      └──────── anything that shall be on at once goes from any to SLATE or CLIP
 *
 *  SLATE    the slate is on, or what shall be on has not come yet
 *  CLIP     a clip is on, each part published when the clock has come to its end
 *  LIVE     a stream is on, each part published when it comes
 *  LEAVING  a stream is on, and the place where it ends is known (the cut): its part that reaches over is awaited
 *  JOINING  all up to the cut is out; the next stream's part with its key frame is awaited
 *
 * In SLATE, CLIP and LIVE another stream may be next: it is waited for until its next key frame.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_SWITCH_H
#define ISARIBI_PACKAGER_CHANNEL_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/channel_air.h"
#include "packager/channel_clips.h"
#include "packager/channel_sources.h"

enum channel_step {
	CHANNEL_STEP_SLATE,
	CHANNEL_STEP_CLIP,
	CHANNEL_STEP_LIVE,
	CHANNEL_STEP_LEAVING,
	CHANNEL_STEP_JOINING,
};

enum { CHANNEL_HELD_MAX = 8 };

struct channel_switch {
	struct channel_air air;
	struct channel_clips clips;
	void (*want_clip)(void *arg, const char *clip_id); /* as struct channel_ops */
	void *arg;
	enum channel_step step;
	const struct channel_source *live; /* LIVE, LEAVING: what is on; borrowed */
	const struct channel_source *next; /* LEAVING, JOINING: what follows; else what is waited for, or NULL */
	int64_t heard_us;		   /* the last part of live */
	int64_t since_us;		   /* next is waited for */
	int64_t cut_90k;		   /* LEAVING, JOINING: where next begins */
	int64_t key_90k;		   /* and with which of its pictures, by its own times */
	/* LIVE: parts that came too early. LEAVING, JOINING: parts of next. */
	struct part *held[CHANNEL_HELD_MAX];
	size_t held_count;
};

void channel_switch_init(struct channel_switch *w, const struct channel_air_config *air,
    void (*want_clip)(void *arg, const char *clip_id), void *arg);
void channel_switch_fini(struct channel_switch *w);

/* What shall be on. Slate and clips begin at once, a stream with its next key frame. */
void channel_switch_to_same(struct channel_switch *w); /* what is on stays on */
void channel_switch_to_slate(struct channel_switch *w);
void channel_switch_to_clip(struct channel_switch *w, const char *id); /* one that is over begins anew */
void channel_switch_to_live(struct channel_switch *w, const struct channel_source *source, int64_t now_us);
/* This source is not to be relied on any more, whether it is on, next, or neither. */
void channel_switch_forget(struct channel_switch *w, const struct channel_source *source, int64_t now_us);
/* Next has been waited for so long that the slate shall be on meanwhile. */
bool channel_switch_is_keyless(const struct channel_switch *w, int64_t now_us);

void channel_switch_key(struct channel_switch *w, const struct channel_source *source, int64_t pts_90k, int64_t now_us);
void channel_switch_part(
    struct channel_switch *w, const struct channel_source *source, struct part *part, int64_t now_us);

/* Publishes what the clock has come to. */
void channel_switch_run(struct channel_switch *w, int64_t now_us);
/* When to call that again, if nothing else comes. */
int64_t channel_switch_wake_us(const struct channel_switch *w);

#endif
