/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/splice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/aac.h"
#include "packager/stitch.h"
#include "tests/unit/oom.h"
#include "tests/unit/splice_fixture.h"

static const int64_t start_90k = INT64_C(5000000000007);

/* A channel with one source. */
struct bench {
	struct slate *slate;
	struct splice splice;
	struct fixture_parts source;
	struct splice_check check;
	uint32_t sequence;
};

static struct bench bench;

static void set_up(const struct source_shape *shape)
{
	memset(&bench, 0, sizeof(bench));
	assert_int_equal(slate_create_built_in(&bench.slate), 0);
	splice_init(&bench.splice, bench.slate, start_90k, 0);
	bench.check = (struct splice_check){ .end_90k = start_90k, .audio_end_90k = start_90k };
	source_make(shape, &bench.source);
}

static void tear_down(void)
{
	fixture_parts_fini(&bench.source);
	splice_fini(&bench.splice);
	slate_destroy(&bench.slate);
}

static void begin_run(const struct part *part, int64_t pts_90k)
{
	assert_int_equal(splice_begin_run(&bench.splice, source_tracks(part), pts_90k), 0);
	bench.check.is_first = true;
}

/* NULL when nothing came. Checked; the caller's to unref. */
static struct part *take(const struct part *part, int64_t from_90k, int64_t until_90k)
{
	const struct splice_slice slice = { .part = part, .from_90k = from_90k, .until_90k = until_90k };
	struct part *out;

	assert_int_equal(splice_part(&bench.splice, &slice, ++bench.sequence, &out), 0);
	if (out) {
		assert_int_equal(out->sequence, bench.sequence);
		splice_check_part(&bench.check, out, &bench.splice);
	}
	return out;
}

static struct part *take_all(const struct part *part)
{
	return take(part, INT64_MIN, INT64_MAX);
}

static void whole_parts_share_their_mdat(void **state)
{
	const struct source_shape shape = {
		.fps_num = 30, .fps_den = 1, .gop = 60, .rate_hz = 48000, .lasts_90k = 5 * 90000
	};

	(void)state;
	set_up(&shape);
	begin_run(bench.source.parts[0], bench.source.parts[0]->start_90k);
	for (size_t i = 0; i + 1 < bench.source.count; i++) {
		struct part *p = take_all(bench.source.parts[i]);

		assert_ptr_equal(p->mdat, bench.source.parts[i]->mdat);
		assert_int_equal(p->start_90k, start_90k + bench.source.parts[i]->start_90k);
		assert_int_equal(p->duration_90k, bench.source.parts[i]->duration_90k);
		assert_int_equal(p->is_independent, i % 4 == 0);
		part_unref(p);
	}
	tear_down();
}

/* ---- pictures ---- */

static const struct source_shape plain = {
	.fps_num = 30, .fps_den = 1, .gop = 20, .rate_hz = 48000, .lasts_90k = 5 * 90000
};

static void a_run_begins_at_a_key_frame_inside_a_part(void **state)
{
	int64_t key_90k;
	const struct part *source;
	struct part *p;

	(void)state;
	set_up(&plain);
	source = bench.source.parts[1]; /* pictures 15 to 29; 20 is a key frame */
	assert_int_equal(source_keys(source, &key_90k, 1), 1);
	assert_int_equal(key_90k, 20 * 3000);
	begin_run(source, key_90k);
	assert_null(take(bench.source.parts[0], INT64_MIN, INT64_MAX)); /* not yet */
	p = take(source, key_90k, INT64_MAX);
	assert_int_equal(p->start_90k, start_90k);
	assert_int_equal(p->runs[0].sample_count, 10);
	assert_int_equal(p->duration_90k, 10 * 3000);
	assert_true(p->is_independent);
	/* the key frame's own bytes, and sound from then on */
	assert_memory_equal(p->mdat->data + 8, source->mdat->data + 8 + 5 * 40, p->samples[0].size_bytes);
	assert_true(p->runs[1].base_decode_time - (uint64_t)start_90k < 1920);
	part_unref(p);
	p = take_all(bench.source.parts[2]);
	assert_int_equal(p->start_90k, start_90k + 10 * 3000);
	assert_ptr_equal(p->mdat, bench.source.parts[2]->mdat);
	part_unref(p);
	tear_down();
}

static void without_its_key_frame_there_is_nothing(void **state)
{
	(void)state;
	set_up(&plain);
	begin_run(bench.source.parts[0], 4711);
	assert_null(take_all(bench.source.parts[0]));
	begin_run(bench.source.parts[0], 3000); /* a picture, but no key frame */
	assert_null(take_all(bench.source.parts[0]));
	assert_int_equal(bench.splice.end_90k, start_90k);
	tear_down();
}

static void a_part_is_cut_at_any_time(void **state)
{
	static const struct {
		int64_t until_90k;
		uint32_t pictures;
	} cases[] = {
		{ INT64_MIN, 0 },
		{ 0, 0 },
		{ 899, 0 },
		{ 900, 1 },
		{ 3000, 1 },
		{ 3899, 1 }, /* the second one would be seen for less than 10 ms */
		{ 3900, 2 },
		{ 20000, 7 },
		{ 45000, 15 }, /* its end */
		{ 45001, 15 }, /* beyond it: all, and no longer than it is */
		{ INT64_MAX, 15 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct part *p;

		set_up(&plain);
		begin_run(bench.source.parts[0], 0);
		p = cases[i].until_90k == INT64_MIN ? NULL : take(bench.source.parts[0], INT64_MIN, cases[i].until_90k);
		assert_int_equal(p != NULL, cases[i].pictures > 0);
		if (p) {
			int64_t lasts_90k = cases[i].until_90k < 45000 ? cases[i].until_90k : 45000;

			assert_int_equal(p->runs[0].sample_count, cases[i].pictures);
			assert_int_equal(p->duration_90k, lasts_90k);
			assert_int_equal(bench.splice.end_90k, start_90k + lasts_90k);
			/* sound that begins before the end: 1920 each */
			assert_int_equal(p->runs[1].sample_count, (lasts_90k + 1919) / 1920);
			assert_int_equal(p->mdat == bench.source.parts[0]->mdat, cases[i].pictures == 15);
		} else {
			assert_int_equal(bench.splice.end_90k, start_90k);
		}
		part_unref(p);
		tear_down();
	}
}

/* What is left is shown without a hole: each picture up to the last one. */
static void check_no_picture_is_missing(const struct part *p)
{
	static bool is_shown[64];
	const struct fmp4_run *run = &p->runs[0];
	int64_t dts_90k = (int64_t)run->base_decode_time - p->start_90k;

	memset(is_shown, 0, sizeof(is_shown));
	for (uint32_t i = 0; i < run->sample_count; i++) {
		int64_t shown_90k = dts_90k + run->samples[i].composition_offset;

		assert_int_equal(shown_90k % 3000, 0);
		assert_in_range(shown_90k / 3000, 0, 63);
		is_shown[shown_90k / 3000] = true;
		assert_true(shown_90k < p->duration_90k);
		dts_90k += run->samples[i].duration;
	}
	for (uint32_t i = 0; i < run->sample_count; i++)
		assert_true(is_shown[i]);
}

static void reordered_pictures_are_cut_where_none_is_missing(void **state)
{
	static const uint32_t reorders[] = { 1, 2, 3, 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reorders); i++) {
		struct source_shape shape = plain;

		shape.reorder = reorders[i];
		shape.gop = 60;
		for (int64_t until_90k = 1500; until_90k <= 45000; until_90k += 1500) {
			struct part *p;

			set_up(&shape);
			begin_run(bench.source.parts[0], bench.source.parts[0]->start_90k);
			p = take(bench.source.parts[0], INT64_MIN, bench.source.parts[0]->start_90k + until_90k);
			assert_non_null(p);
			check_no_picture_is_missing(p);
			assert_int_equal(p->duration_90k, until_90k);
			assert_int_equal(bench.splice.shown_until_90k, bench.splice.end_90k);
			/* at most a group is held back */
			assert_true(p->runs[0].sample_count + reorders[i] + 1 > (uint32_t)(until_90k / 3000));
			part_unref(p);
			tear_down();
		}
	}
}

/* A source that breaks off between a picture and those shown before it. */
static void pictures_that_are_still_to_be_shown_are_waited_for(void **state)
{
	struct source_shape shape = plain;
	struct part *p;
	int64_t end_90k;

	(void)state;
	shape.reorder = 2;
	shape.gop = 60;
	set_up(&shape);
	begin_run(bench.source.parts[0], bench.source.parts[0]->start_90k);
	p = take_all(bench.source.parts[0]); /* I P b b ... P b: 15 pictures, number 15 is there and 14 is not */
	end_90k = bench.splice.end_90k;
	assert_int_equal(end_90k, start_90k + 15 * 3000);
	part_unref(p);
	assert_int_equal(bench.splice.shown_until_90k, end_90k + 3000);
	begin_run(bench.source.parts[0], bench.source.parts[0]->start_90k);
	assert_int_equal(bench.splice.end_90k, end_90k + 3000);
	p = take_all(bench.source.parts[0]);
	assert_int_equal(p->start_90k, end_90k + 3000);
	part_unref(p);
	tear_down();
}

/* ---- parts made by hand ---- */

struct picture {
	int64_t dts_90k;
	int64_t pts_90k;
	bool is_key;
};

static struct part *pictures_part(const struct picture *pictures, size_t n)
{
	static const uint8_t data[4] = { 1, 2, 3, 4 };
	struct stitch t;
	struct part *p;

	stitch_init(&t);
	for (size_t i = 0; i < n; i++)
		stitch_add(&t, TRACK_VIDEO,
		    &(struct stitch_sample){ .data = data,
			.at = pictures[i].dts_90k,
			.sample = { .duration = 3000,
			    .size_bytes = sizeof(data),
			    .composition_offset = (int32_t)(pictures[i].pts_90k - pictures[i].dts_90k),
			    .is_key = pictures[i].is_key } });
	assert_int_equal(stitch_part(&t, 1, NULL, &p), 0);
	stitch_fini(&t);
	p->start_90k = pictures[0].dts_90k;
	p->duration_90k = (int64_t)n * 3000;
	p->init = part_init_ref(bench.source.parts[0]->init);
	return p;
}

static void the_first_picture_is_shown_when_it_is_decoded(void **state)
{
	/* two pictures of delay, as a file without an edit list has it */
	static const struct picture pictures[] = { { 3000, 9000, true }, { 6000, 18000, false }, { 9000, 12000, false },
		{ 12000, 15000, false } };
	static const int32_t want[] = { 0, 6000, -3000, -3000 };
	struct part *source;
	struct part *p;

	(void)state;
	set_up(&plain);
	source = pictures_part(pictures, ARRAY_LEN(pictures));
	begin_run(source, 9000);
	p = take_all(source);
	assert_int_equal(p->runs[0].sample_count, 4);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(p->samples[i].composition_offset, want[i]);
	part_unref(p);
	part_unref(source);
	tear_down();
}

static void pictures_shown_before_the_first_key_frame_are_left_out(void **state)
{
	/* an open GOP: two pictures follow the key frame and are shown before it */
	static const struct picture pictures[] = { { 0, 0, true }, { 3000, 3000, false }, { 6000, 12000, true },
		{ 9000, 6000, false }, { 12000, 9000, false }, { 15000, 15000, false } };
	struct part *source;
	struct part *p;

	(void)state;
	set_up(&plain);
	source = pictures_part(pictures, ARRAY_LEN(pictures));
	begin_run(source, 12000);
	p = take(source, 12000, INT64_MAX);
	assert_int_equal(p->runs[0].sample_count, 2);
	assert_int_equal(p->samples[0].duration, 9000);
	assert_int_equal(p->samples[1].composition_offset, -6000);
	assert_int_equal(p->duration_90k, 12000);
	part_unref(p);
	part_unref(source);
	tear_down();
}

/* The same, but they come with the next part. */
static void nor_do_they_come_later(void **state)
{
	static const struct picture first[] = { { 6000, 12000, true } };
	static const struct picture second[] = { { 9000, 6000, false }, { 12000, 9000, false }, { 15000, 15000, false },
		{ 18000, 18000, false } };
	struct part *sources[2];
	struct part *p;

	(void)state;
	set_up(&plain);
	sources[0] = pictures_part(first, ARRAY_LEN(first));
	sources[1] = pictures_part(second, ARRAY_LEN(second));
	begin_run(sources[0], 12000);
	part_unref(take_all(sources[0]));
	p = take_all(sources[1]);
	assert_int_equal(p->runs[0].sample_count, 2);
	assert_int_equal(p->runs[0].base_decode_time, start_90k + 3000);
	assert_int_equal(p->samples[0].duration, 9000); /* decoded sooner, shown when it was */
	assert_int_equal(p->samples[0].composition_offset, 0);
	assert_int_equal(p->duration_90k, 12000);
	for (size_t i = 0; i < 2; i++)
		part_unref(sources[i]);
	part_unref(p);
	tear_down();
}

static void a_source_that_goes_back_stands_at_the_end(void **state)
{
	struct part *p;

	(void)state;
	set_up(&plain);
	begin_run(bench.source.parts[0], 0);
	part_unref(take_all(bench.source.parts[0]));
	part_unref(take_all(bench.source.parts[1]));
	p = take_all(bench.source.parts[0]);
	assert_int_equal(p->start_90k, start_90k + 2 * 45000);
	part_unref(p);
	p = take_all(bench.source.parts[1]);
	assert_int_equal(p->start_90k, start_90k + 3 * 45000);
	part_unref(p);
	tear_down();
}

static void a_hole_in_the_source_is_one_in_the_channel(void **state)
{
	struct part *p;

	(void)state;
	set_up(&plain);
	begin_run(bench.source.parts[0], 0);
	part_unref(take_all(bench.source.parts[0]));
	bench.check.may_have_hole = true;
	p = take_all(bench.source.parts[2]);
	assert_int_equal(p->start_90k, start_90k + 2 * 45000);
	assert_int_equal(p->duration_90k, bench.source.parts[2]->duration_90k);
	/* but not in its sound: 45000 ticks of silence, and what was cut by parts of 1920 */
	assert_in_range(p->runs[1].sample_count, 24 + 22, 24 + 24);
	part_unref(p);
	tear_down();
}

static void nothing_stands_in_a_jump(void **state)
{
	struct part *p;

	(void)state;
	set_up(&plain);
	begin_run(bench.source.parts[0], 0);
	part_unref(take_all(bench.source.parts[0]));
	splice_jump(&bench.splice, start_90k + 100 * 90000);
	bench.check.audio_end_90k = start_90k + 100 * 90000;
	begin_run(bench.source.parts[0], 0);
	p = take_all(bench.source.parts[0]);
	assert_int_equal(p->start_90k, start_90k + 100 * 90000);
	assert_ptr_equal(p->mdat, bench.source.parts[0]->mdat);
	part_unref(p);
	tear_down();
}

/* ---- the slate ---- */

static void a_slate_goes_on_through_its_loops(void **state)
{
	struct track *tracks[TRACK_KINDS] = { NULL };
	int64_t total_90k = 0;

	(void)state;
	set_up(&plain);
	tracks[TRACK_VIDEO] = slate_track(bench.slate);
	assert_int_equal(splice_begin_run(&bench.splice, tracks, 0), 0);
	bench.check.is_first = true;
	for (uint32_t first = 0; first < 300;) {
		struct part *source;
		struct part *p;

		/* half the time by numbers that go on, half by the place in the loop */
		assert_int_equal(slate_part(bench.slate, first < 150 ? first : first % 60, 45000, &source), 0);
		p = take_all(source);
		assert_int_equal(p->duration_90k, 45000);
		assert_int_equal(p->is_independent, first % 60 == 0);
		assert_int_equal(p->start_90k, start_90k + total_90k);
		total_90k += p->duration_90k;
		first += p->runs[0].sample_count;
		assert_in_range(p->runs[1].sample_count, 23, 24);
		part_unref(p);
		part_unref(source);
	}
	tear_down();
}

static void sound_alone_is_put_over_the_slate(void **state)
{
	const struct source_shape shape = { .rate_hz = 44100, .is_mono = true, .lasts_90k = 12 * 90000 };
	int64_t key_at_90k = 0;

	(void)state;
	set_up(&shape);
	begin_run(bench.source.parts[0], bench.source.parts[0]->start_90k);
	for (size_t i = 0; i < bench.source.count; i++) {
		const struct part *source = bench.source.parts[i];
		struct part *p = take_all(source);

		assert_int_equal(p->start_90k - start_90k, source->start_90k);
		assert_int_equal(p->duration_90k, source->duration_90k);
		assert_ptr_equal(p->init->tracks[TRACK_VIDEO], slate_track(bench.slate));
		assert_ptr_equal(p->init->tracks[TRACK_AUDIO], source->init->tracks[TRACK_AUDIO]);
		assert_int_equal(p->runs[1].sample_count, source->runs[0].sample_count);
		if (p->is_independent)
			key_at_90k = p->start_90k;
		assert_true(p->start_90k - key_at_90k < 2 * 90000); /* a key frame for each loop, first in its part */
		for (uint32_t k = 1; k < p->runs[0].sample_count; k++)
			assert_false(p->samples[k].is_key);
		part_unref(p);
	}
	tear_down();
}

static void sound_alone_is_cut_at_any_time(void **state)
{
	const struct source_shape shape = { .rate_hz = 48000, .lasts_90k = 3 * 90000 };
	struct part *p;
	int64_t at_90k;

	(void)state;
	set_up(&shape);
	at_90k = bench.source.parts[1]->start_90k;
	begin_run(bench.source.parts[1], at_90k + 10000);
	p = take(bench.source.parts[1], at_90k + 10000, at_90k + 25000);
	assert_int_equal(p->duration_90k, 15000);
	assert_int_equal(p->runs[0].sample_count, 5);
	assert_int_equal(p->runs[1].sample_count, 8);
	part_unref(p);
	begin_run(bench.source.parts[1], at_90k + 10000);
	assert_null(take(bench.source.parts[1], INT64_MIN, at_90k + 10899));
	tear_down();
}

/* ---- sound ---- */

static void no_sound_is_silence(void **state)
{
	static const uint8_t frame[] = { 0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c };
	struct source_shape shape = plain;
	struct part *p;

	(void)state;
	shape.rate_hz = 0;
	set_up(&shape);
	begin_run(bench.source.parts[0], 0);
	p = take_all(bench.source.parts[0]);
	assert_int_equal(p->init->tracks[TRACK_AUDIO]->sample_rate_hz, 48000);
	assert_int_equal(p->init->tracks[TRACK_AUDIO]->channels, 2);
	assert_int_equal(p->runs[1].sample_count, 45000 / 1920);
	for (uint32_t i = 0; i < p->runs[1].sample_count; i++) {
		assert_int_equal(p->runs[1].samples[i].duration, 1920);
		assert_int_equal(p->runs[1].samples[i].size_bytes, sizeof(frame));
	}
	assert_memory_equal(p->mdat->data + p->mdat->size_bytes - sizeof(frame), frame, sizeof(frame));
	assert_ptr_not_equal(p->mdat, bench.source.parts[0]->mdat);
	part_unref(p);
	tear_down();
}

/* As wide as 20 frames: so many silent ones of the source's own kind, one of them up to a frame longer. */
static void a_hole_in_the_sound_is_silence(void **state)
{
	struct source_shape shape = plain;
	size_t silent = 0;

	(void)state;
	shape.rate_hz = 44100;
	shape.is_mono = true;
	shape.audio_hole_at_90k = 90000;
	shape.audio_hole_90k = 20 * 2090;
	set_up(&shape);
	begin_run(bench.source.parts[0], 0);
	for (size_t i = 0; i < bench.source.count; i++) {
		struct part *p = take_all(bench.source.parts[i]);

		for (uint32_t k = 0; k < p->runs[1].sample_count; k++)
			silent += p->runs[1].samples[k].size_bytes == 4;
		part_unref(p);
	}
	assert_in_range(silent, 19, 21);
	tear_down();
}

static void sound_gives_way_to_what_is_still_heard(void **state)
{
	uint64_t last_end = 0;

	(void)state;
	set_up(&plain);
	for (int64_t until_90k = 1000; until_90k < 45000; until_90k += 777) {
		struct part *p;

		begin_run(bench.source.parts[0], 0);
		p = take(bench.source.parts[0], INT64_MIN, until_90k);
		assert_in_range(bench.splice.run.delay_90k, 0, 1919);
		if (last_end > (uint64_t)p->start_90k)
			assert_true(p->runs[1].base_decode_time == last_end);
		last_end = (uint64_t)bench.splice.audio_end_90k;
		assert_true(last_end < (uint64_t)bench.splice.end_90k + 2 * 1920);
		part_unref(p);
	}
	tear_down();
}

/* 30 hours of 44.1 kHz: the millionth frame stands where its count says. */
static void nothing_adds_up(void **state)
{
	const struct source_shape shape = {
		.fps_num = 30, .fps_den = 1, .gop = 15, .rate_hz = 44100, .lasts_90k = 90000
	};
	const struct source_shape late = { .fps_num = 30,
		.fps_den = 1,
		.gop = 15,
		.rate_hz = 44100,
		.begins_90k = INT64_C(30) * 3600 * 90000,
		.lasts_90k = 3 * 90000 };
	static struct fixture_parts other;
	const struct fmp4_run *sound;
	struct part *p;

	(void)state;
	set_up(&shape);
	other.count = 0;
	source_make(&late, &other);
	begin_run(bench.source.parts[0], 0);
	part_unref(take_all(bench.source.parts[0]));
	splice_jump(&bench.splice, start_90k + late.begins_90k);
	bench.check.audio_end_90k = start_90k + late.begins_90k;
	begin_run(other.parts[0], other.parts[0]->start_90k);
	for (size_t i = 0; i + 1 < other.count; i++) {
		p = take_all(other.parts[i]);
		sound = &other.parts[i]->runs[1];
		assert_int_equal(
		    p->runs[1].base_decode_time, (uint64_t)start_90k + sound->base_decode_time * 90000 / 44100);
		part_unref(p);
	}
	fixture_parts_fini(&other);
	tear_down();
}

/* ---- init segments ---- */

static unsigned version_of(struct track *video, struct track *audio)
{
	struct track *const tracks[TRACK_KINDS] = { video, audio };

	assert_int_equal(splice_begin_run(&bench.splice, tracks, 0), 0);
	return bench.splice.init->version;
}

static void equal_tracks_have_an_equal_init(void **state)
{
	struct track *small = fixture_video();
	struct track *large = fixture_video_large();
	struct track *sounds[2] = { fixture_audio(), fixture_audio_44100() };

	(void)state;
	set_up(&plain);
	bench.splice.last_init_version = 7;
	assert_int_equal(version_of(small, sounds[0]), 8);
	assert_int_equal(version_of(NULL, NULL), 9);
	assert_int_equal(version_of(large, sounds[1]), 10);
	assert_int_equal(version_of(slate_track(bench.slate), NULL), 9);
	assert_int_equal(version_of(small, sounds[0]), 8);
	assert_int_equal(version_of(small, sounds[1]), 11);
	assert_int_equal(version_of(small, NULL), 8); /* silence is 48 kHz stereo */
	assert_int_equal(version_of(NULL, sounds[1]), 12);
	assert_int_equal(version_of(large, NULL), 13);
	assert_int_equal(bench.splice.last_init_version, 13);
	track_unref(small);
	track_unref(large);
	track_unref(sounds[0]);
	track_unref(sounds[1]);
	tear_down();
}

/* One more than are remembered: the first is forgotten, the one in use never is. */
static void old_inits_are_forgotten(void **state)
{
	struct track *sounds[SPLICE_INITS + 1];

	(void)state;
	set_up(&plain);
	for (unsigned i = 0; i <= SPLICE_INITS; i++) {
		const uint8_t asc[] = { 0x11, 0x90, (uint8_t)i };

		assert_int_equal(aac_track_create(&sounds[i], asc, sizeof(asc)), PARSE_OK);
		assert_int_equal(version_of(NULL, sounds[i]), i + 1);
	}
	assert_int_equal(version_of(NULL, sounds[1]), 2);
	assert_int_equal(version_of(NULL, sounds[0]), SPLICE_INITS + 2);
	for (unsigned i = 0; i <= SPLICE_INITS; i++)
		track_unref(sounds[i]);
	tear_down();
}

/* ---- memory ---- */

static void a_part_that_found_no_memory_changes_nothing(void **state)
{
	struct part *out = NULL;
	size_t failed = 0;
	bool was_hit = true;

	(void)state;
	set_up(&plain);
	begin_run(bench.source.parts[0], 0);
	part_unref(take_all(bench.source.parts[0]));
	while (was_hit) {
		const struct splice_slice slice = { bench.source.parts[1], INT64_MIN,
			bench.source.parts[1]->start_90k + 40000 };
		const struct splice before = bench.splice;
		int err;

		oom_arm(failed + 1, false);
		err = splice_part(&bench.splice, &slice, 2, &out);
		(void)oom_disarm(&was_hit);
		assert_int_equal(err, was_hit ? -ENOMEM : 0);
		assert_int_equal(out == NULL, was_hit);
		if (was_hit)
			assert_memory_equal(&before, &bench.splice, sizeof(before));
		failed += was_hit;
	}
	assert_true(failed >= 4);
	assert_int_equal(out->start_90k, start_90k + 45000);
	part_unref(out);
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_parts_share_their_mdat),
		cmocka_unit_test(a_run_begins_at_a_key_frame_inside_a_part),
		cmocka_unit_test(without_its_key_frame_there_is_nothing),
		cmocka_unit_test(a_part_is_cut_at_any_time),
		cmocka_unit_test(reordered_pictures_are_cut_where_none_is_missing),
		cmocka_unit_test(pictures_that_are_still_to_be_shown_are_waited_for),
		cmocka_unit_test(the_first_picture_is_shown_when_it_is_decoded),
		cmocka_unit_test(pictures_shown_before_the_first_key_frame_are_left_out),
		cmocka_unit_test(nor_do_they_come_later),
		cmocka_unit_test(a_source_that_goes_back_stands_at_the_end),
		cmocka_unit_test(a_hole_in_the_source_is_one_in_the_channel),
		cmocka_unit_test(nothing_stands_in_a_jump),
		cmocka_unit_test(a_slate_goes_on_through_its_loops),
		cmocka_unit_test(sound_alone_is_put_over_the_slate),
		cmocka_unit_test(sound_alone_is_cut_at_any_time),
		cmocka_unit_test(no_sound_is_silence),
		cmocka_unit_test(a_hole_in_the_sound_is_silence),
		cmocka_unit_test(sound_gives_way_to_what_is_still_heard),
		cmocka_unit_test(nothing_adds_up),
		cmocka_unit_test(equal_tracks_have_an_equal_init),
		cmocka_unit_test(old_inits_are_forgotten),
		cmocka_unit_test(a_part_that_found_no_memory_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
