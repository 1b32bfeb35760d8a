/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One track's frames on their way into parts, with the decode times they will have there.
 *
 * Owner: the cutter that embeds it. Lifetime: lane_fini lets go of every frame. Frames are held by reference.
 * Video: decode time = dts + (pts - dts of the last key frame), so that a key frame's pts is its decode time; strictly
 * rising. Audio: a count of samples, anchored at the first pts, because RTMP's milliseconds make 1024 samples last 23
 * or 24 ms.
 * Not here: where parts end.
 */
#ifndef ISARIBI_PACKAGER_LANE_H
#define ISARIBI_PACKAGER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/frame.h"

struct lane_sample {
	struct frame *frame;
	int64_t time;	  /* decode time in the track's timescale */
	int64_t time_90k; /* the same, rounded down */
};

struct lane {
	enum track_kind kind;
	struct track *track; /* of the frames in it; NULL: none came yet */
	uint32_t timescale;
	uint32_t frame_duration; /* of an audio frame; of video the last one seen */
	bool is_anchored;
	int64_t ahead_90k;  /* added to all frames' times; survives a reset */
	int64_t shift_90k;  /* video: what is added to dts then */
	int64_t floor_90k;  /* survives a reset: times rise across discontinuities, too */
	int64_t next_time;  /* the earliest time the next sample may have */
	int64_t newest_90k; /* time of the newest sample ever pushed since the last reset */
	uint64_t anchors;
	struct lane_sample *samples;
	size_t first; /* a queue: samples[first] to samples[first + count - 1] */
	size_t count;
	size_t capacity;
	size_t bytes; /* payload in the queue */
};

void lane_init(struct lane *l, enum track_kind kind);
void lane_fini(struct lane *l);
/* Before the first frame: a fresh timeline goes on where another one had got to (media/timeline, its start). */
void lane_go_on_from(struct lane *l, int64_t time_90k);
/* Empty, without a track, clock not anchored; the floor stays. */
void lane_reset(struct lane *l);

/* Are its times neither negative nor absurd? Others must not come near a lane. */
bool lane_can_use(const struct frame *frame);

/*
 * Appends a frame (takes a reference) and gives it its time. The lane takes the track of its first frame; the caller
 * resets it when that changes. 0, -EINVAL for a frame that comes too late (audio that lies before what is already
 * there, say), -ENOMEM.
 */
int lane_push(struct lane *l, struct frame *frame);
const struct lane_sample *lane_at(const struct lane *l, size_t i);
void lane_drop(struct lane *l, size_t n); /* the oldest n */
/* From now on no sample begins before this, unless a reset lane begins more than 10 s earlier. */
void lane_set_floor(struct lane *l, int64_t time_90k);
/* How many samples from the oldest on begin before this. */
size_t lane_count_before(const struct lane *l, int64_t time_90k);
/* Where the queue ends when its newest frame lasts as long as the one before it. */
int64_t lane_end_90k(const struct lane *l);

#endif
