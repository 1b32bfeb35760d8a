/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts one stream's frames into parts and segments: a state machine whose output is a pure function of its
 * configuration and the frames. Two cutters given the same frames make the same bytes.
 *
 * Owner: one thread at a time. Lifetime: cutter_destroy; frames are held until their part is out.
 * Not here: clocks, threads, playlists.
 *
 * Where things end
 *  - The leading track is video; audio leads when there is no video or video has stopped (audio is STALL ahead of it).
 *  - A part ends before the frame that would carry it past the part target, and before a key frame once it has 85 % of
 *    it. One frame of look-ahead gives true durations.
 *  - A segment ends before the first key frame once segment_ms have passed; without one at the first part boundary at
 *    or after 2 x segment_ms, and in any case before EXTINF would round to more than the target duration. Audio alone:
 *    at the part boundary nearest to segment_ms.
 *  - A part waits for the audio that belongs to it, at most STALL (2 s of video); then it goes without.
 *  - A new or changed track: new init segment and discontinuity at the next key frame. FRAME_DISCONTINUITY, or a hole
 *    of more than segment_ms in the leading track: the segment ends where it is, discontinuity, next key frame. In a
 *    smaller hole that is longer than a part a picture stands on while there is sound; when there is nothing at all the
 *    run ends, too. Only pictures without sound that are slow from the start of the run make parts as long as they are.
 *  - The first part waits up to 1 s (of frames' times) for the second track.
 * Times
 *  - Each part says when it began on the wall clock: packager/run_clock. A publisher whose clock is so fast that this
 *    would be ahead by part_ms (500 at most) has its run ended at the next key frame, to be anchored anew.
 *  - Video is decoded later by (pts - dts) of its key frame, so the first pts of a segment is its tfdt; composition
 *    offsets may be negative. Audio is counted in samples and anchored again only when pts departs by over 40 ms.
 *  - Times begin where an earlier cutter's ended (media_end_90k): a fresh timeline starts there, not at its own start.
 */
#ifndef ISARIBI_PACKAGER_CUTTER_H
#define ISARIBI_PACKAGER_CUTTER_H

#include <stdbool.h>
#include <stdint.h>

#include "media/frame.h"
#include "packager/part.h"

struct cutter;

enum { CUTTER_PART_MIN_PERCENT = 85 }; /* of the part target; but for the parts named below */

struct cutter_config {
	uint32_t part_ms;	   /* 500; the part target follows from it */
	uint32_t segment_ms;	   /* 2000 */
	int64_t mono_zero_wall_ms; /* wall clock when frame->arrival_us was 0; 0: unknown */
	uint64_t first_msn;
	uint64_t discontinuity_sequence; /* discontinuities before the first part */
	uint32_t last_sequence;		 /* of an earlier cutter in the same epoch; 0: there was none */
	unsigned last_init_version;	 /* the same */
	int64_t media_end_90k;		 /* where the media time of an earlier cutter had got to; 0: there was none */
	bool is_continued; /* the first part follows others of an earlier cutter: a discontinuity stands before it */
};

/* What the frames did to us; for metrics and advice. */
struct cutter_counters {
	uint64_t parts;
	uint64_t segments;
	uint64_t frames_dropped;  /* before a key frame, late audio, unusable */
	uint64_t audio_anchors;	  /* times the audio clock was set anew after the first */
	uint64_t segments_forced; /* ended without a key frame to follow */
	uint64_t discontinuities;
	uint64_t runs_ahead; /* ended because the publisher's clock is fast */
};

/* Two times segment_ms in whole seconds, rounded up. Constant for the life of a stream. */
unsigned cutter_target_duration_s(uint32_t segment_ms);
/* What no segment is longer than, but one of a single part: its EXTINF still rounds to the target duration. */
int64_t cutter_longest_segment_90k(uint32_t segment_ms);

/*
 * What no part is longer than, but a single slow picture without sound: part_ms, or the next length that has room for a
 * whole number of frames of every usual rate (200 gives 217 because of 24 a second). Constant for the life of a stream.
 * All parts are 85 to 100 % of it (RFC 8216bis §4.4.4.9) but the last of a segment and those beside a hole.
 */
uint32_t cutter_part_target_ms(const struct cutter_config *config);

struct cutter *cutter_create(const struct cutter_config *config); /* NULL when memory is out */
void cutter_destroy(struct cutter **c);

/* Takes a reference of its own. Every cutter_pop since the last push must have run until *out was NULL. */
void cutter_push(struct cutter *c, struct frame *frame);
/* The stream ends, or its publisher went away: what is held comes out, the segment ends. More frames may follow. */
void cutter_flush(struct cutter *c);
/*
 * The next part, taken by the caller, or NULL: push more. -ENOMEM: frames were lost, a discontinuity will say so; go
 * on popping.
 */
int cutter_pop(struct cutter *c, struct part **out);
/*
 * Has a key frame of video got in since this was asked last? *pts_90k is then what its sample will have in its part,
 * which no cutter_pop has given yet.
 */
bool cutter_take_key(struct cutter *c, int64_t *pts_90k);

/* The number the next segment will have. */
uint64_t cutter_next_msn(const struct cutter *c);
const struct cutter_counters *cutter_counters(const struct cutter *c);

#endif
