/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream's time. Publishers come, go, wrap, jump and stand still; what comes out here only rises.
 *
 * Owner: the thread of the stream's home loop. Lifetime: as long as the stream; nothing is allocated.
 * In: a publisher's raw dts and the frame's arrival time. Out: the stream's dts and pts in 90 kHz ticks and whether
 * the frame is a discontinuity in its track. A fresh stream begins at 10 s, so that no composition offset can make a
 * pts negative.
 * Not here: clock drift (a raw time that is slow or fast is followed), frames (but timeline_stamp).
 */
#ifndef ISARIBI_MEDIA_TIMELINE_H
#define ISARIBI_MEDIA_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/frame.h"
#include "media/track.h"

/* Where a publisher's clock wraps, in 90 kHz ticks. */
#define TIMELINE_MODULUS_RTMP (INT64_C(90) << 32) /* 32-bit milliseconds */
#define TIMELINE_MODULUS_TS   (INT64_C(1) << 33)  /* ISO 13818-1 §2.4.3.7 */

enum {
	TIMELINE_START_90K = 10 * 90000,
	TIMELINE_MAX_BACK_90K = 1 * 90000,    /* a step back beyond this is a jump, up to it dts is held */
	TIMELINE_MAX_AHEAD_90K = 3 * 90000,   /* a step this far beyond the time that passed is a jump */
	TIMELINE_SAME_CLOCK_90K = 10 * 90000, /* tracks that begin this near to each other share one clock */
	TIMELINE_SAME_JUMP_90K = 1 * 90000,   /* a jumping track that lands this near follows the other track */
	TIMELINE_MAX_OFFSET_90K = 10 * 90000, /* |pts - dts| is cut to this */
	TIMELINE_STANDSTILL_US = 2 * 1000000, /* a raw time that does not move for longer is not believed */
};

struct timeline_in {
	enum track_kind kind;
	int64_t dts_90k;    /* raw, any value: taken modulo the publisher's modulus */
	int64_t offset_90k; /* pts - dts */
	int64_t arrival_us;
};

struct timeline_out {
	int64_t dts_90k;
	int64_t pts_90k;
	bool is_discontinuity;
};

struct timeline_track {
	bool has_media; /* last_dts_90k means something */
	bool is_placed; /* this publisher has sent a frame of this track: what follows means something */
	bool is_still;	/* the raw time does not move: frames are placed by arrival */
	int64_t last_dts_90k;
	int64_t last_arrival_us;
	int64_t raw_90k;	/* last raw time, unwrapped */
	int64_t shift_90k;	/* stream time - raw time */
	int64_t top_90k;	/* where the raw time got to since the last jump, in stream time */
	int64_t still_since_us; /* when raw_90k was seen first */
	int64_t still_from_90k; /* and where that was in the stream */
};

struct timeline {
	int64_t modulus_90k; /* 0: no publisher yet */
	bool has_media;
	bool is_continued; /* there was media when this publisher began */
	int64_t last_90k;  /* highest dts of all tracks */
	int64_t last_arrival_us;
	struct timeline_track tracks[TRACK_KINDS];
	uint64_t n_jumps;      /* tracks that were placed anew in the middle of a publisher */
	uint64_t n_held;       /* frames whose dts would not have risen */
	uint64_t n_cut_offset; /* frames with an absurd pts - dts */
	uint64_t n_standstills;
};

void timeline_init(struct timeline *t);
/* A publisher begins, the first or one that takes over: the next frame of each track starts its clock anew. */
void timeline_begin_publisher(struct timeline *t, int64_t modulus_90k);
/* After timeline_begin_publisher. Within a track dts rises by at least one tick, across publishers too. */
void timeline_place(struct timeline *t, const struct timeline_in *in, struct timeline_out *out);
/* The same for a frame with a publisher's raw times; the caller holds the only reference. */
void timeline_stamp(struct timeline *t, struct frame *f);

#endif
