/* SPDX-License-Identifier: Apache-2.0 */
#include "media/timeline.h"

#include <assert.h>
#include <string.h>

enum {
	AT_LEAST_LATER_90K = 90, /* 1 ms: how far apart frames are put when no time has passed between them */
};

void timeline_init(struct timeline *t)
{
	memset(t, 0, sizeof(*t));
}

void timeline_begin_publisher(struct timeline *t, int64_t modulus_90k)
{
	assert(modulus_90k > 0 && modulus_90k <= INT64_MAX / 4);
	t->modulus_90k = modulus_90k;
	t->is_continued = t->has_media;
	for (size_t i = 0; i < TRACK_KINDS; i++) {
		t->tracks[i].is_placed = false;
		t->tracks[i].is_still = false;
	}
}

static int64_t ticks_between(int64_t from_us, int64_t until_us)
{
	return until_us <= from_us ? 0 : (until_us - from_us) * 9 / 100;
}

static int64_t at_least_later(int64_t ticks)
{
	return ticks > AT_LEAST_LATER_90K ? ticks : AT_LEAST_LATER_90K;
}

static bool is_within(int64_t a, int64_t b, int64_t limit)
{
	return a - b <= limit && b - a <= limit;
}

/* The step from b to a that is shortest on a clock with this modulus. */
static int64_t shortest_step(int64_t a, int64_t b, int64_t modulus)
{
	int64_t step = (a % modulus - b % modulus) % modulus;

	if (step > modulus / 2)
		return step - modulus;
	if (step < -(modulus / 2))
		return step + modulus;
	return step;
}

static struct timeline_track *other_track(struct timeline *t, enum track_kind kind)
{
	return &t->tracks[kind == TRACK_VIDEO ? TRACK_AUDIO : TRACK_VIDEO];
}

/* The raw time as the other track's clock would count it: both unwrap alike then and a shift fits both. */
static int64_t raw_beside(const struct timeline *t, const struct timeline_track *other, int64_t dts_90k)
{
	return other->raw_90k + shortest_step(dts_90k, other->raw_90k, t->modulus_90k);
}

static void put_at(struct timeline_track *track, int64_t raw_90k, int64_t stream_90k)
{
	track->raw_90k = raw_90k;
	track->shift_90k = stream_90k - raw_90k;
	track->top_90k = stream_90k;
}

/* Where a publisher's first frame goes: on from what was, by the time that passed without anybody. */
static int64_t first_time(const struct timeline *t, int64_t arrival_us)
{
	if (!t->has_media)
		return TIMELINE_START_90K;
	return t->last_90k + at_least_later(ticks_between(t->last_arrival_us, arrival_us));
}

/* The first frame of a track of this publisher. */
static bool begin_track(struct timeline *t, const struct timeline_in *in)
{
	struct timeline_track *track = &t->tracks[in->kind];
	const struct timeline_track *other = other_track(t, in->kind);
	int64_t raw = shortest_step(in->dts_90k, 0, t->modulus_90k);

	track->is_placed = true;
	if (!other->is_placed) {
		put_at(track, raw, first_time(t, in->arrival_us));
	} else {
		int64_t passed = ticks_between(other->last_arrival_us, in->arrival_us);
		int64_t beside = raw_beside(t, other, in->dts_90k);

		/* One clock for both keeps them in sync exactly; two bases can only be laid together by arrival. */
		if (is_within(beside, other->raw_90k + passed, TIMELINE_SAME_CLOCK_90K))
			put_at(track, beside, beside + other->shift_90k);
		else
			put_at(track, raw, other->last_dts_90k + passed);
	}
	return t->is_continued;
}

/* The raw time jumped: nothing but the other track and the arrival can say where this frame belongs. */
static void place_anew(struct timeline *t, const struct timeline_in *in, int64_t passed)
{
	struct timeline_track *track = &t->tracks[in->kind];
	const struct timeline_track *other = other_track(t, in->kind);
	int64_t expected = track->last_dts_90k + at_least_later(passed);

	t->n_jumps++;
	if (other->is_placed) {
		int64_t beside = raw_beside(t, other, in->dts_90k);

		/* The other track made the same jump before, or this one comes back from a single wild time. */
		if (is_within(beside + other->shift_90k, expected, TIMELINE_SAME_JUMP_90K)) {
			put_at(track, beside, beside + other->shift_90k);
			return;
		}
	}
	put_at(track, track->raw_90k, expected);
}

/* The raw time is what it was. For a while that is a burst or a pause; after that, time itself must be ours. */
static bool stand_still(struct timeline *t, struct timeline_track *track, int64_t arrival_us)
{
	if (arrival_us - track->still_since_us <= TIMELINE_STANDSTILL_US)
		return false;
	put_at(track, track->raw_90k, track->still_from_90k + ticks_between(track->still_since_us, arrival_us));
	if (track->is_still)
		return false;
	track->is_still = true;
	t->n_standstills++;
	return true;
}

/* Any later frame of a track. True when it does not continue what came before. */
static bool follow_track(struct timeline *t, const struct timeline_in *in)
{
	struct timeline_track *track = &t->tracks[in->kind];
	int64_t step = shortest_step(in->dts_90k, track->raw_90k, t->modulus_90k);
	int64_t passed = ticks_between(track->last_arrival_us, in->arrival_us);
	int64_t stream_90k;

	if (step == 0)
		return stand_still(t, track, in->arrival_us);
	track->is_still = false;
	track->raw_90k += step;
	stream_90k = track->raw_90k + track->shift_90k;
	if (stream_90k < track->top_90k - TIMELINE_MAX_BACK_90K ||
	    stream_90k > track->top_90k + passed + TIMELINE_MAX_AHEAD_90K) {
		place_anew(t, in, passed);
		return true;
	}
	if (stream_90k > track->top_90k)
		track->top_90k = stream_90k;
	return false;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* pts goes with the raw time even where dts is held, but never further away than a decoder could want. */
static int64_t place_pts(struct timeline *t, int64_t mapped_90k, int64_t offset_90k, int64_t dts_90k)
{
	const int64_t limit = TIMELINE_MAX_OFFSET_90K;
	int64_t offset = clamp(offset_90k, -limit, limit);

	if (offset != offset_90k)
		t->n_cut_offset++;
	return clamp(mapped_90k + offset, dts_90k - limit, dts_90k + limit);
}

void timeline_place(struct timeline *t, const struct timeline_in *in, struct timeline_out *out)
{
	struct timeline_track *track = &t->tracks[in->kind];
	bool was_placed = track->is_placed;
	int64_t raw_before = track->raw_90k;
	int64_t mapped;

	assert(t->modulus_90k > 0);
	out->is_discontinuity = was_placed ? follow_track(t, in) : begin_track(t, in);
	mapped = track->raw_90k + track->shift_90k;
	out->dts_90k = mapped;
	if (track->has_media && mapped <= track->last_dts_90k) {
		out->dts_90k = track->last_dts_90k + 1;
		t->n_held++;
	}
	out->pts_90k = place_pts(t, mapped, in->offset_90k, out->dts_90k);
	if (!was_placed || track->raw_90k != raw_before) {
		track->still_since_us = in->arrival_us;
		track->still_from_90k = out->dts_90k;
	}
	track->has_media = t->has_media = true;
	track->last_dts_90k = out->dts_90k;
	track->last_arrival_us = t->last_arrival_us = in->arrival_us;
	if (out->dts_90k > t->last_90k)
		t->last_90k = out->dts_90k;
}

void timeline_stamp(struct timeline *t, struct frame *f)
{
	const struct timeline_in in = {
		.kind = f->track->kind,
		.dts_90k = f->dts_90k,
		.offset_90k = f->pts_90k - f->dts_90k,
		.arrival_us = f->arrival_us,
	};
	struct timeline_out out;

	timeline_place(t, &in, &out);
	frame_stamp(f, out.dts_90k, out.pts_90k, out.is_discontinuity ? FRAME_DISCONTINUITY : 0);
}
