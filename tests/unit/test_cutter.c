/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/cutter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/part_fixture.h"

enum {
	MS = 90,
	ORIGIN = 10000 * MS, /* where a fresh stream's timeline begins */
};

static const struct cutter_config usual = { .part_ms = 500, .segment_ms = 2000, .first_msn = 7 };

/* A made-up stream. Times in ms, as RTMP would round them. */
struct script {
	int fps_milli;
	int gop;     /* frames; 0: no video */
	int reorder; /* frames between pts and dts of a key frame, 0 or 2 */
	int length_ms;
	int audio_lag_ms; /* audio arrives this much after the video of the same time (negative: before) */
	bool has_audio;
	int audio_from_ms; /* audio frames outside these are not sent; until 0: all */
	int audio_until_ms;
	int video_from_ms;
	int video_until_ms;
};

struct run {
	struct cutter *cutter;
	struct fixture_parts parts;
	struct track *video;
	struct track *audio;
};

static int setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->cutter = cutter_create(&usual);
	assert_non_null(r->cutter);
	r->video = fixture_video();
	r->audio = fixture_audio();
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	cutter_destroy(&r->cutter);
	fixture_parts_fini(&r->parts);
	track_unref(r->video);
	track_unref(r->audio);
	free(r);
	return 0;
}

static int64_t round_ms(int64_t numerator, int64_t denominator)
{
	return (numerator + denominator / 2) / denominator;
}

static bool is_sent(int64_t at_ms, int from_ms, int until_ms)
{
	return at_ms >= from_ms && (until_ms == 0 || at_ms < until_ms);
}

static void push_video(struct run *r, const struct script *s, int64_t n, int64_t at_ms)
{
	static const int order[3] = { 2, -1, 0 }; /* I b b: shown at +2, and the two before what follows */
	int64_t shown = n;
	int64_t pts_ms;

	if (s->reorder > 0)
		shown = n + s->reorder + (n % s->gop == 0 ? 0 : order[(n % s->gop + 2) % 3] == 0 ? -1 : 0);
	pts_ms = round_ms(shown * 1000000, s->fps_milli);
	if (is_sent(at_ms, s->video_from_ms, s->video_until_ms))
		fixture_push(r->cutter, &r->parts,
		    fixture_frame(
			r->video, ORIGIN + at_ms * MS, ORIGIN + pts_ms * MS, n % s->gop == 0 ? FRAME_KEY : 0));
}

static void play(struct run *r, const struct script *s)
{
	int64_t video_n = 0;
	int64_t audio_n = 0;

	for (;;) {
		int64_t video_ms = s->gop ? round_ms(video_n * 1000000, s->fps_milli) : INT64_MAX;
		int64_t audio_ms = s->has_audio ? round_ms(audio_n * 1024, 48) : INT64_MAX;

		if ((!s->gop || video_ms >= s->length_ms) && (!s->has_audio || audio_ms >= s->length_ms))
			return;
		if (s->gop && video_ms < s->length_ms &&
		    (!s->has_audio || audio_ms >= s->length_ms || video_ms <= audio_ms + s->audio_lag_ms)) {
			push_video(r, s, video_n++, video_ms);
			continue;
		}
		audio_n++;
		if (is_sent(audio_ms, s->audio_from_ms, s->audio_until_ms))
			fixture_push(r->cutter, &r->parts,
			    fixture_frame(r->audio, ORIGIN + audio_ms * MS, ORIGIN + audio_ms * MS, FRAME_KEY));
	}
}

static void finish(struct run *r)
{
	cutter_flush(r->cutter);
	fixture_drain(r->cutter, &r->parts);
}

static const struct fmp4_run *run_of(const struct part *p, enum track_kind kind)
{
	for (size_t i = 0; i < p->run_count; i++) {
		if (p->runs[i].kind == kind)
			return &p->runs[i];
	}
	return NULL;
}

static uint64_t run_end(const struct fmp4_run *run)
{
	uint64_t end = run->base_decode_time;

	for (uint32_t i = 0; i < run->sample_count; i++) {
		assert_true(run->samples[i].duration > 0);
		end += run->samples[i].duration;
	}
	return end;
}

/* What must hold for any two parts in a row. */
static void check_pair(const struct part *a, const struct part *b)
{
	assert_int_equal(b->sequence, a->sequence + 1);
	assert_int_equal(b->discontinuity_sequence, a->discontinuity_sequence + (b->is_discontinuity ? 1 : 0));
	assert_true(b->is_segment_start == a->is_segment_end);
	assert_true(!b->is_discontinuity || b->is_segment_start);
	assert_int_equal(b->msn, a->msn + (b->is_segment_start ? 1 : 0));
	assert_int_equal(b->index, b->is_segment_start ? 0 : a->index + 1);
	assert_true(b->start_90k >= a->start_90k + a->duration_90k);
	if (!b->is_discontinuity)
		assert_int_equal(b->start_90k, a->start_90k + a->duration_90k);
}

/* And for every part and segment; returns how many segments there are. */
static size_t check_parts(const struct fixture_parts *p, int64_t longest_part_90k)
{
	size_t segments = 0;
	int64_t segment_90k = 0;

	for (size_t i = 0; i < p->count; i++) {
		const struct part *part = p->parts[i];
		const struct fmp4_run *video = run_of(part, TRACK_VIDEO);

		if (i > 0)
			check_pair(p->parts[i - 1], part);
		assert_true(part->duration_90k > 0 && part->duration_90k <= longest_part_90k);
		assert_true(part->run_count > 0);
		assert_int_equal(part->bytes, part->moof->size_bytes + part->mdat->size_bytes);
		segment_90k = part->is_segment_start ? part->duration_90k : segment_90k + part->duration_90k;
		assert_true(segment_90k < 4500 * MS);
		if (part->is_independent && video) {
			assert_true(video->samples[0].is_key);
			assert_int_equal(video->base_decode_time, part->start_90k);
			if (longest_part_90k < 4500 * MS) /* not where times are random */
				assert_int_equal(video->samples[0].composition_offset, 0);
		}
		segments += part->is_segment_start;
	}
	return segments;
}

/* Decode times without a hole or an overlap, from the first part to the last. */
static void check_seamless(const struct fixture_parts *p, enum track_kind kind)
{
	uint64_t expected = 0;

	for (size_t i = 0; i < p->count; i++) {
		const struct fmp4_run *run = run_of(p->parts[i], kind);

		if (!run)
			continue;
		if (expected != 0)
			assert_int_equal(run->base_decode_time, expected);
		expected = run_end(run);
	}
}

static void check_audio_durations(const struct fixture_parts *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct fmp4_run *run = run_of(p->parts[i], TRACK_AUDIO);

		for (uint32_t k = 0; run && k < run->sample_count; k++)
			assert_int_equal(run->samples[k].duration, 1024);
	}
}

static int64_t segment_duration(const struct fixture_parts *p, uint64_t msn)
{
	int64_t sum = 0;

	for (size_t i = 0; i < p->count; i++) {
		if (p->parts[i]->msn == msn)
			sum += p->parts[i]->duration_90k;
	}
	return sum;
}

static const struct part *segment_first(const struct fixture_parts *p, uint64_t msn)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->parts[i]->msn == msn)
			return p->parts[i];
	}
	fail_msg("no segment %d", (int)msn);
	return NULL;
}

static void cuts_by_the_rule(void **state)
{
	static const struct {
		const char *name;
		struct script script;
		int first_ms; /* of the first and the second segment; ms rounding allowed */
		int second_ms;
		bool is_second_independent;
	} cases[] = {
		{ "gop 2", { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 9000 }, 2000, 2000, true },
		{ "gop 0.5", { .fps_milli = 30000, .gop = 15, .has_audio = true, .length_ms = 9000 }, 2000, 2000,
		    true },
		{ "gop 1.5", { .fps_milli = 30000, .gop = 45, .has_audio = true, .length_ms = 9000 }, 3000, 3000,
		    true },
		{ "gop 3.7", { .fps_milli = 50000, .gop = 185, .has_audio = true, .length_ms = 9000 }, 3700, 3700,
		    true },
		{ "gop 4", { .fps_milli = 25000, .gop = 100, .has_audio = true, .length_ms = 9000 }, 4000, 4000, true },
		{ "gop 10", { .fps_milli = 30000, .gop = 300, .has_audio = true, .length_ms = 12000 }, 4000, 4000,
		    false },
		{ "24 fps", { .fps_milli = 24000, .gop = 48, .has_audio = true, .length_ms = 9000 }, 2000, 2000, true },
		{ "29.97", { .fps_milli = 29970, .gop = 60, .has_audio = true, .length_ms = 9000 }, 2002, 2002, true },
		{ "B", { .fps_milli = 30000, .gop = 60, .reorder = 2, .has_audio = true, .length_ms = 9000 }, 2000,
		    2000, true },
		{ "video only", { .fps_milli = 30000, .gop = 60, .length_ms = 9000 }, 2000, 2000, true },
		{ "audio only", { .has_audio = true, .length_ms = 9000 }, 1963, 1963, true },
		{ "audio late",
		    { .fps_milli = 30000, .gop = 60, .has_audio = true, .audio_lag_ms = 300, .length_ms = 9000 }, 2000,
		    2000, true },
		{ "audio early",
		    { .fps_milli = 30000, .gop = 60, .has_audio = true, .audio_lag_ms = -300, .length_ms = 9000 }, 2000,
		    2000, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run *r;
		int64_t first_90k;
		int64_t second_90k;

		setup(state);
		r = *state;
		play(r, &cases[i].script);
		finish(r);
		(void)check_parts(&r->parts, 500 * MS);
		check_seamless(&r->parts, TRACK_VIDEO);
		check_seamless(&r->parts, TRACK_AUDIO);
		check_audio_durations(&r->parts);
		first_90k = segment_duration(&r->parts, 7);
		second_90k = segment_duration(&r->parts, 8);
		if (llabs(first_90k - cases[i].first_ms * MS) > 2 * MS ||
		    llabs(second_90k - cases[i].second_ms * MS) > 2 * MS)
			fail_msg("%s: segments of %d and %d ms", cases[i].name, (int)(first_90k / MS),
			    (int)(second_90k / MS));
		assert_true(segment_first(&r->parts, 7)->is_independent);
		assert_true(segment_first(&r->parts, 8)->is_independent == cases[i].is_second_independent);
		assert_true(cutter_next_msn(r->cutter) > 8);
		teardown(state);
	}
}

static void parts_fill_the_target(void **state)
{
	static const struct script script = { .fps_milli = 29970, .gop = 60, .has_audio = true, .length_ms = 20000 };
	struct run *r = *state;

	play(r, &script);
	for (size_t i = 0; i < r->parts.count; i++) {
		if (!r->parts.parts[i]->is_segment_end)
			assert_true(r->parts.parts[i]->duration_90k >= 425 * MS);
	}
	assert_true(r->parts.count > 30);
}

static void negative_offsets_with_b_frames(void **state)
{
	static const struct script script = {
		.fps_milli = 25000, .gop = 50, .reorder = 2, .has_audio = true, .length_ms = 5000
	};
	struct run *r = *state;
	const struct fmp4_run *video;
	bool has_negative = false;

	play(r, &script);
	video = run_of(r->parts.parts[0], TRACK_VIDEO);
	assert_int_equal(video->base_decode_time, ORIGIN + 80 * MS); /* the pts of the first picture */
	for (uint32_t i = 0; i < video->sample_count; i++)
		has_negative = has_negative || video->samples[i].composition_offset < 0;
	assert_true(has_negative);
}

static void parameter_sets_go_in_band(void **state)
{
	static const struct script script = { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 3000 };
	struct run *r = *state;
	const struct part *first;
	const uint8_t *payload;

	play(r, &script);
	first = r->parts.parts[0];
	payload = first->mdat->data + FMP4_MDAT_HEADER_BYTES;
	assert_int_equal(payload[4] & 0x1f, 7);
	assert_int_equal(payload[4 + 25 + 4] & 0x1f, 8);
	assert_int_equal(payload[4 + 25 + 4 + 5 + 4] & 0x1f, 5);
	assert_int_equal(first->runs[0].samples[0].size_bytes, 40 + 4 + 25 + 4 + 5);
	assert_int_equal(first->runs[0].samples[1].size_bytes, 40);
}

/* An access unit that brings its own sets keeps them, and gets no second copy. */
static void own_parameter_sets_stay(void **state)
{
	static const uint8_t unit[] = { 0, 0, 0, 2, 0x67, 0x42, 0, 0, 0, 2, 0x68, 0xcb, 0, 0, 0, 3, 0x65, 1, 2 };
	struct run *r = *state;
	struct frame *f = fixture_frame_sized(r->video, ORIGIN, FRAME_KEY, sizeof(unit));

	memcpy(f->data, unit, sizeof(unit));
	fixture_push(r->cutter, &r->parts, f);
	finish(r);
	assert_int_equal(r->parts.count, 1);
	assert_int_equal(r->parts.parts[0]->mdat->size_bytes, FMP4_MDAT_HEADER_BYTES + sizeof(unit));
	assert_memory_equal(r->parts.parts[0]->mdat->data + FMP4_MDAT_HEADER_BYTES, unit, sizeof(unit));
}

static void same_frames_same_bytes(void **state)
{
	static const struct script script = { .fps_milli = 29970,
		.gop = 47,
		.reorder = 2,
		.has_audio = true,
		.audio_lag_ms = 130,
		.length_ms = 15000,
		.audio_until_ms = 9000 };
	struct run *a = *state;
	void *other;
	struct run *b;

	setup(&other);
	b = other;
	play(a, &script);
	finish(a);
	play(b, &script);
	finish(b);
	assert_true(a->parts.count > 20);
	assert_int_equal(a->parts.count, b->parts.count);
	for (size_t i = 0; i < a->parts.count; i++) {
		const struct part *x = a->parts.parts[i];
		const struct part *y = b->parts.parts[i];

		assert_int_equal(x->moof->size_bytes, y->moof->size_bytes);
		assert_memory_equal(x->moof->data, y->moof->data, x->moof->size_bytes);
		assert_int_equal(x->mdat->size_bytes, y->mdat->size_bytes);
		assert_memory_equal(x->mdat->data, y->mdat->data, x->mdat->size_bytes);
		assert_memory_equal(x->init->bytes->data, y->init->bytes->data, x->init->bytes->size_bytes);
		assert_int_equal(x->msn, y->msn);
	}
	teardown(&other);
}

static void waits_for_the_second_track(void **state)
{
	static const struct script late_video = {
		.fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 4000, .video_from_ms = 2000 - 1300
	}; /* frames before the key frame at 2000 do not count */
	static const struct script no_audio = { .fps_milli = 30000, .gop = 60, .length_ms = 950 };
	struct run *r = *state;
	const struct part *first;

	play(r, &late_video);
	first = r->parts.parts[0];
	assert_non_null(first->init->tracks[TRACK_VIDEO]);
	assert_non_null(first->init->tracks[TRACK_AUDIO]);
	assert_int_equal(first->start_90k, ORIGIN + 2000 * MS);
	assert_true(run_of(first, TRACK_AUDIO)->base_decode_time >= (uint64_t)(ORIGIN + 2000 * MS) / 90 * 48);

	teardown(state);
	setup(state);
	r = *state;
	play(r, &no_audio);
	assert_int_equal(r->parts.count, 0); /* not yet a second */
	finish(r);
	assert_int_equal(check_parts(&r->parts, 500 * MS), 1);
	assert_null(r->parts.parts[0]->init->tracks[TRACK_AUDIO]);
}

static void audio_that_vanishes_starves_nobody(void **state)
{
	static const struct script script = {
		.fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 12000, .audio_until_ms = 4000
	};
	struct run *r = *state;
	const struct part *last;

	play(r, &script);
	last = r->parts.parts[r->parts.count - 1];
	assert_true(last->start_90k + last->duration_90k >= ORIGIN + 11500 * MS);
	assert_null(run_of(last, TRACK_AUDIO));
	assert_int_equal(last->init->version, 1);
	(void)check_parts(&r->parts, 500 * MS);
	check_seamless(&r->parts, TRACK_VIDEO);
}

static void video_that_vanishes_starves_nobody(void **state)
{
	static const struct script script = {
		.fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 14000, .video_until_ms = 5000
	};
	struct run *r = *state;
	const struct part *last;

	play(r, &script);
	last = r->parts.parts[r->parts.count - 1];
	assert_true(last->start_90k + last->duration_90k >= ORIGIN + 13000 * MS);
	assert_null(run_of(last, TRACK_VIDEO));
	assert_false(last->is_independent);
	(void)check_parts(&r->parts, 500 * MS);
	check_seamless(&r->parts, TRACK_AUDIO);
	/* and when it comes back it goes on with the segment cut at its key frame */
	fixture_push(
	    r->cutter, &r->parts, fixture_frame(r->video, ORIGIN + 14000 * MS, ORIGIN + 14000 * MS, FRAME_KEY));
	for (int i = 1; i < 60; i++)
		fixture_push(r->cutter, &r->parts,
		    fixture_frame(r->video, ORIGIN + (14000 + 33 * i) * MS, ORIGIN + (14000 + 33 * i) * MS, 0));
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
	assert_int_equal(cutter_counters(r->cutter)->discontinuities, 0);
}

static void audio_that_appears_makes_a_new_init(void **state)
{
	static const struct script script = {
		.fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 9000, .audio_from_ms = 3100
	};
	struct run *r = *state;
	size_t changes = 0;

	play(r, &script);
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
	for (size_t i = 0; i < r->parts.count; i++) {
		const struct part *p = r->parts.parts[i];

		assert_true(p->is_discontinuity == (p->init->version == 2 && p->msn == 9 && p->index == 0));
		assert_int_equal(p->init->version, p->start_90k >= ORIGIN + 4000 * MS ? 2 : 1);
		changes += p->is_discontinuity;
	}
	assert_int_equal(changes, 1);
	check_seamless(&r->parts, TRACK_VIDEO);
}

static void new_resolution_makes_a_new_init(void **state)
{
	static const struct script script = { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 3000 };
	struct run *r = *state;
	struct track *large = fixture_video_large();

	play(r, &script);
	for (int i = 0; i < 100; i++) { /* the first ten cannot be decoded: no key frame yet */
		int64_t at_90k = ORIGIN + (3000 + 40 * i) * MS;

		fixture_push(r->cutter, &r->parts, fixture_frame(large, at_90k, at_90k, i % 50 == 10 ? FRAME_KEY : 0));
		fixture_push(r->cutter, &r->parts, fixture_frame(r->audio, at_90k, at_90k, FRAME_KEY));
	}
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
	assert_int_equal(segment_duration(&r->parts, 8), 1000 * MS); /* ended where it was */
	assert_true(segment_first(&r->parts, 9)->is_discontinuity);
	assert_true(segment_first(&r->parts, 9)->is_independent);
	assert_int_equal(segment_first(&r->parts, 9)->start_90k, ORIGIN + 3400 * MS);
	assert_int_equal(segment_first(&r->parts, 9)->init->version, 2);
	assert_int_equal(segment_first(&r->parts, 9)->init->tracks[TRACK_VIDEO]->width_px, 1280);
	assert_int_equal(cutter_counters(r->cutter)->discontinuities, 1);
	track_unref(large);
}

static void discontinuity_waits_for_a_key_frame(void **state)
{
	static const struct script script = { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 2700 };
	struct run *r = *state;
	int64_t base_90k = ORIGIN + 5000 * MS;

	play(r, &script);
	for (int i = 0; i < 120; i++) {
		unsigned flags = (i == 0 ? FRAME_DISCONTINUITY : 0u) | (i % 60 == 6 ? FRAME_KEY : 0u);
		int64_t at_90k = base_90k + 33 * i * MS;

		fixture_push(r->cutter, &r->parts, fixture_frame(r->video, at_90k, at_90k, flags));
		fixture_push(r->cutter, &r->parts,
		    fixture_frame(r->audio, at_90k, at_90k, (i == 0 ? FRAME_DISCONTINUITY : 0u) | FRAME_KEY));
	}
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
	assert_int_equal(cutter_counters(r->cutter)->discontinuities, 1); /* both tracks said it, it is one */
	assert_in_range(segment_duration(&r->parts, 8), 699 * MS, 701 * MS);
	assert_int_equal(segment_first(&r->parts, 9)->start_90k, base_90k + 33 * 6 * MS);
	assert_int_equal(segment_first(&r->parts, 9)->init->version, 1);
	assert_true(segment_first(&r->parts, 9)->is_discontinuity);
}

static void small_hole_is_stretched_over(void **state)
{
	struct run *r = *state;
	int64_t at_90k = ORIGIN;

	for (int i = 0; i < 120; i++) {
		at_90k += i == 40 ? 1200 * MS : 40 * MS;
		fixture_push(
		    r->cutter, &r->parts, fixture_frame(r->video, at_90k, at_90k, i % 50 == 0 ? FRAME_KEY : 0));
	}
	finish(r);
	(void)check_parts(&r->parts, 1200 * MS);
	check_seamless(&r->parts, TRACK_VIDEO);
	assert_int_equal(cutter_counters(r->cutter)->discontinuities, 0);
}

static void large_hole_is_a_discontinuity(void **state)
{
	static const struct script script = { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 2700 };
	struct run *r = *state;

	play(r, &script);
	for (int i = 0; i < 40; i++) {
		int64_t at_90k = ORIGIN + (8000 + 33 * i) * MS;

		fixture_push(r->cutter, &r->parts, fixture_frame(r->audio, at_90k, at_90k, FRAME_KEY));
		fixture_push(r->cutter, &r->parts, fixture_frame(r->video, at_90k, at_90k, i == 0 ? FRAME_KEY : 0));
	}
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
	assert_int_equal(cutter_counters(r->cutter)->discontinuities, 1);
	assert_int_equal(segment_first(&r->parts, 9)->start_90k, ORIGIN + 8000 * MS);
}

static void audio_is_anchored_again_beyond_40_ms(void **state)
{
	struct run *r = *state;
	uint64_t total = 0;

	for (int i = 0; i < 400; i++) {
		int64_t jitter_ms = i % 7 * 5 - 15;			   /* within the tolerance */
		int64_t at_ms = 1000 + round_ms(i * 1024, 48) + jitter_ms; /* never absolute zero */

		if (i >= 200)
			at_ms += 100 - jitter_ms;
		fixture_push(
		    r->cutter, &r->parts, fixture_frame(r->audio, ORIGIN + at_ms * MS, ORIGIN + at_ms * MS, FRAME_KEY));
	}
	finish(r);
	assert_int_equal(cutter_counters(r->cutter)->audio_anchors, 1);
	check_seamless(&r->parts, TRACK_AUDIO); /* the sample before the step is longer, there is no hole */
	for (size_t i = 0; i < r->parts.count; i++) {
		const struct fmp4_run *run = run_of(r->parts.parts[i], TRACK_AUDIO);

		total += run_end(run) - run->base_decode_time;
	}
	assert_in_range(total, 400 * 1024 + 4000, 400 * 1024 + 6000);
}

static void big_frames_force_a_cut(void **state)
{
	struct run *r = *state;

	for (int i = 0; i < 100; i++)
		fixture_push(r->cutter, &r->parts,
		    fixture_frame_sized(r->video, ORIGIN + 33 * i * MS, i == 0 ? FRAME_KEY : 0, 512 << 10));
	finish(r);
	assert_true(check_parts(&r->parts, 500 * MS) >= 3);
	for (size_t i = 0; i < r->parts.count; i++)
		assert_true(r->parts.parts[i]->bytes <= (17 << 20));
}

static void times_that_stand_still_are_survived(void **state)
{
	struct run *r = *state;

	for (int i = 0; i < 20000; i++)
		fixture_push(
		    r->cutter, &r->parts, fixture_frame(r->video, ORIGIN, ORIGIN, i % 30 == 0 ? FRAME_KEY : 0));
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
	assert_true(r->parts.count >= 9);
}

static void absurd_times_are_dropped(void **state)
{
	static const struct script script = { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 3000 };
	static const int64_t times[][2] = { { -1, -1 }, { INT64_MAX, INT64_MAX }, { INT64_MIN, INT64_MIN },
		{ ORIGIN, ORIGIN + 20 * 90000 }, { ORIGIN, ORIGIN - 11 * 90000 } };
	struct run *r = *state;
	uint64_t before;

	play(r, &script);
	before = cutter_counters(r->cutter)->frames_dropped;
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		fixture_push(r->cutter, &r->parts, fixture_frame(r->video, times[i][0], times[i][1], 0));
	assert_true(cutter_counters(r->cutter)->frames_dropped - before >= ARRAY_LEN(times) - 1);
	finish(r);
	(void)check_parts(&r->parts, 500 * MS);
}

static void goes_on_where_another_left_off(void **state)
{
	static const struct script script = { .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 3000 };
	const struct cutter_config config = {
		.part_ms = 500, .segment_ms = 2000, .first_msn = 100, .discontinuity_sequence = 4, .is_continued = true
	};
	struct run *r = *state;

	cutter_destroy(&r->cutter);
	r->cutter = cutter_create(&config);
	assert_non_null(r->cutter);
	play(r, &script);
	assert_int_equal(r->parts.parts[0]->msn, 100);
	assert_true(r->parts.parts[0]->is_discontinuity);
	assert_int_equal(r->parts.parts[0]->discontinuity_sequence, 5);
	assert_int_equal(cutter_next_msn(r->cutter), 102);
}

/* Another cutter for the same frames, as after a restart of the node; returns where the one before had got to. */
static int64_t live_again(struct run *r, const struct script *s)
{
	struct cutter_config config = usual;

	config.media_end_90k = part_end_90k(r->parts.parts[r->parts.count - 1]);
	cutter_destroy(&r->cutter);
	fixture_parts_fini(&r->parts);
	r->cutter = cutter_create(&config);
	assert_non_null(r->cutter);
	play(r, s);
	finish(r);
	return config.media_end_90k;
}

/* A fresh timeline, but no time of either track goes back; the rest is as ever. */
static void check_lives(struct run *r, const struct script *s)
{
	int64_t first_90k = r->parts.parts[0]->start_90k;

	for (int life = 0; life < 3; life++) {
		const struct part *last = r->parts.parts[r->parts.count - 1];
		uint64_t ends[TRACK_KINDS] = { 0 };
		size_t n = r->parts.count;
		const struct part *first;
		int64_t end_90k;

		assert_true(part_end_90k(last) >= last->start_90k + last->duration_90k);
		for (size_t i = 0; i < last->run_count; i++)
			ends[last->runs[i].kind] = run_end(&last->runs[i]);
		end_90k = live_again(r, s);
		first = r->parts.parts[0];
		assert_int_equal(r->parts.count, n);
		assert_int_equal(first->start_90k, first_90k + end_90k - ORIGIN);
		for (size_t i = 0; i < first->run_count; i++)
			assert_true(first->runs[i].base_decode_time >= ends[first->runs[i].kind]);
		(void)check_parts(&r->parts, 500 * MS);
		check_seamless(&r->parts, TRACK_VIDEO);
		check_seamless(&r->parts, TRACK_AUDIO);
	}
}

static void media_time_goes_on_where_another_left_off(void **state)
{
	static const struct script scripts[] = {
		{ .fps_milli = 30000, .gop = 60, .has_audio = true, .length_ms = 5000 },
		{ .fps_milli = 25000, .gop = 50, .reorder = 2, .has_audio = true, .length_ms = 5000 },
		{ .has_audio = true, .length_ms = 5000 },
		{ .fps_milli = 30000, .gop = 60, .length_ms = 5000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct run *r;

		setup(state);
		r = *state;
		play(r, &scripts[i]);
		finish(r);
		check_lives(r, &scripts[i]);
		teardown(state);
	}
}

/* Frames as a fuzzer would send them: nothing may break, whatever comes out must hold together. */
static void random_frames_hold_together(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 30; round++) {
		struct run *r;
		struct track *others[2];
		int64_t at_90k = ORIGIN;

		setup(state);
		r = *state;
		others[0] = fixture_video_large();
		others[1] = fixture_audio_44100();
		for (int i = 0; i < 1500; i++) {
			struct track *tracks[] = { r->video, r->audio, r->video, r->audio, others[0], others[1] };
			uint32_t dice = seed = seed * 1664525u + 1013904223u;
			struct track *track = tracks[(dice >> 8) % (dice % 50 == 0 ? 6 : 4)];
			unsigned flags = (track->kind == TRACK_AUDIO || (dice >> 12) % 20 == 0 ? FRAME_KEY : 0u) |
			    ((dice >> 17) % 200 == 0 ? FRAME_DISCONTINUITY : 0u);

			at_90k += (dice >> 20) % 100 == 0 ? (dice >> 4) % 900000 : (dice >> 10) % 3000;
			fixture_push(
			    r->cutter, &r->parts, fixture_frame(track, at_90k, at_90k + (dice >> 14) % 9000, flags));
			if (dice % 997 == 0)
				finish(r);
		}
		finish(r);
		for (size_t i = 1; i < r->parts.count; i++)
			assert_int_equal(r->parts.parts[i]->sequence, r->parts.parts[i - 1]->sequence + 1);
		(void)check_parts(&r->parts, 4500 * MS);
		track_unref(others[0]);
		track_unref(others[1]);
		teardown(state);
	}
}

#define WITH_RUN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_by_the_rule),
		WITH_RUN(parts_fill_the_target),
		WITH_RUN(negative_offsets_with_b_frames),
		WITH_RUN(parameter_sets_go_in_band),
		WITH_RUN(own_parameter_sets_stay),
		WITH_RUN(same_frames_same_bytes),
		WITH_RUN(waits_for_the_second_track),
		WITH_RUN(audio_that_vanishes_starves_nobody),
		WITH_RUN(video_that_vanishes_starves_nobody),
		WITH_RUN(audio_that_appears_makes_a_new_init),
		WITH_RUN(new_resolution_makes_a_new_init),
		WITH_RUN(discontinuity_waits_for_a_key_frame),
		WITH_RUN(small_hole_is_stretched_over),
		WITH_RUN(large_hole_is_a_discontinuity),
		WITH_RUN(audio_is_anchored_again_beyond_40_ms),
		WITH_RUN(big_frames_force_a_cut),
		WITH_RUN(times_that_stand_still_are_survived),
		WITH_RUN(absurd_times_are_dropped),
		WITH_RUN(goes_on_where_another_left_off),
		cmocka_unit_test(media_time_goes_on_where_another_left_off),
		cmocka_unit_test(random_frames_hold_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
