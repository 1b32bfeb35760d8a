/* SPDX-License-Identifier: Apache-2.0 */
#include "media/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

enum {
	S = 90000, /* ticks */
	MS = 90,
	ARRIVES_MS = 1000,
};

#define START TIMELINE_START_90K
#define V     TRACK_VIDEO
#define A     TRACK_AUDIO

/* One row: a frame in, where it must come out. Times in ms but for want_ticks, which is added to want_ms. */
struct row {
	enum track_kind kind;
	int64_t raw_ms;
	int64_t offset_ms;
	int64_t arrival_ms;
	int64_t want_ms; /* dts after the start of the stream */
	int64_t want_ticks;
	bool want_discontinuity;
	bool is_new_publisher; /* begins with this row */
};

static struct timeline_out place(struct timeline *t, enum track_kind kind, int64_t raw_ms, int64_t arrival_ms)
{
	const struct timeline_in in = { .kind = kind, .dts_90k = raw_ms * MS, .arrival_us = arrival_ms * 1000 };
	struct timeline_out out;

	timeline_place(t, &in, &out);
	return out;
}

static void check_rows(const struct row *rows, size_t n)
{
	struct timeline t;

	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		const struct timeline_in in = {
			.kind = r->kind,
			.dts_90k = r->raw_ms * MS,
			.offset_90k = r->offset_ms * MS,
			.arrival_us = r->arrival_ms * 1000,
		};
		struct timeline_out out;

		if (r->is_new_publisher)
			timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
		timeline_place(&t, &in, &out);
		if (out.dts_90k != START + r->want_ms * MS + r->want_ticks)
			fail_msg("row %zu: dts is %lld ticks after the start, not %lld", i,
			    (long long)(out.dts_90k - START), (long long)(r->want_ms * MS + r->want_ticks));
		if (out.is_discontinuity != r->want_discontinuity)
			fail_msg("row %zu: discontinuity is %d", i, out.is_discontinuity);
	}
}

static void begins_at_ten_seconds_whatever_the_raw_time(void **state)
{
	const struct row rows[] = {
		{ V, 123456789, 0, 7, 0, 0, false, false },
		{ A, 123456800, 0, 7, 11, 0, false, false },
		{ V, 123456822, 0, 40, 33, 0, false, false },
		{ A, 123456780, 0, 41, 11, 1, false, false }, /* 20 ms back: held */
		{ A, 123456823, 0, 60, 34, 0, false, false },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void wraps_at_32_bits(void **state)
{
	const struct row rows[] = {
		{ V, 4294967290, 0, 0, 0, 0, false, false },
		{ A, 4294967280, 0, 1, -10, 0, false, false },
		{ V, 27, 0, 33, 33, 0, false, false },
		{ A, 4294967295, 0, 34, 5, 0, false, false },
		{ A, 20, 0, 60, 26, 0, false, false },
		{ V, 60, 0, 66, 66, 0, false, false },
		{ V, 4294967290, 0, 70, 66, 1, false, false }, /* back over the wrap: held, no jump */
		{ V, 93, 0, 99, 99, 0, false, false },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void wraps_where_ts_wraps(void **state)
{
	struct timeline t;
	struct timeline_in in = { .kind = V, .dts_90k = TIMELINE_MODULUS_TS - 100, .arrival_us = 0 };
	struct timeline_out out;

	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_TS);
	timeline_place(&t, &in, &out);
	in.dts_90k = 2900;
	in.arrival_us = 33000;
	timeline_place(&t, &in, &out);
	assert_int_equal(out.dts_90k, START + 3000);
	assert_false(out.is_discontinuity);
}

static void takeover_goes_on_by_the_time_that_passed(void **state)
{
	const struct row rows[] = {
		{ V, 500, 0, 1000, 0, 0, false, false },
		{ A, 490, 0, 1000, -10, 0, false, false },
		{ V, 533, 0, 1033, 33, 0, false, false },
		/* 2 s later, another clock; the audio of the new one is 40 ms ahead of its video and stays so */
		{ V, 90000, 0, 3033, 2033, 0, true, true },
		{ A, 90040, 0, 3034, 2073, 0, true, false },
		{ V, 90033, 0, 3066, 2066, 0, false, false },
		/* at once, in the same millisecond, from 0 */
		{ A, 0, 0, 3066, 2074, 0, true, true },
		{ V, 0, 0, 3066, 2074, 0, true, false },
		{ A, 23, 0, 3090, 2097, 0, false, false },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void both_tracks_jump_in_either_order(void **state)
{
	const struct row rows[] = {
		{ V, 0, 0, 0, 0, 0, false, false },
		{ A, 10, 0, 0, 10, 0, false, false },
		{ V, 40, 0, 40, 40, 0, false, false },
		{ A, 50, 0, 40, 50, 0, false, false },
		/* an hour ahead, video first: placed by arrival, audio follows video's clock */
		{ V, 3600080, 0, 80, 80, 0, true, false },
		{ A, 3600090, 0, 80, 90, 0, true, false },
		{ V, 3600120, 0, 120, 120, 0, false, false },
		{ A, 3600130, 0, 120, 130, 0, false, false },
		/* back to nothing, audio first; video is one frame late and still on the old clock */
		{ A, 0, 0, 160, 170, 0, true, false },
		{ V, 3600160, 0, 161, 160, 0, false, false },
		{ A, 40, 0, 200, 210, 0, false, false },
		{ V, 30, 0, 200, 200, 0, true, false },
		{ V, 70, 0, 240, 240, 0, false, false },
		{ A, 80, 0, 240, 250, 0, false, false },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void one_wild_time_costs_two_marks_and_no_sync(void **state)
{
	const struct row rows[] = {
		{ V, 1000, 0, 0, 0, 0, false, false },
		{ A, 1000, 0, 0, 0, 0, false, false },
		{ V, 1040, 0, 40, 40, 0, false, false },
		{ V, 900000, 0, 75, 75, 0, true, false },
		{ A, 1080, 0, 80, 80, 0, false, false },
		{ V, 1120, 0, 120, 120, 0, true, false },
		{ A, 1120, 0, 120, 120, 0, false, false },
		{ V, 1160, 0, 160, 160, 0, false, false },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void a_gap_that_time_explains_is_no_jump(void **state)
{
	const struct row rows[] = {
		{ V, 0, 0, 0, 0, 0, false, false },
		{ V, 20000, 0, 20000, 20000, 0, false, false }, /* 20 s of nothing */
		{ V, 23000, 0, 20000, 23000, 0, false, false }, /* 3 s ahead: still believed */
		{ V, 26001, 0, 20000, 23001, 0, true, false },	/* 3.001 s: not */
		{ V, 25001, 0, 20030, 23001, 1, false, false }, /* 1 s back: held */
		{ V, 25000, 0, 20030, 23002, 1, true, false },	/* 1.001 s behind the top: a jump, 1 ms later */
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void tracks_with_different_bases_do_not_ping_pong(void **state)
{
	struct timeline t;
	struct timeline_out out;

	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	for (int64_t ms = 0; ms < 60000; ms += 40) {
		out = place(&t, V, ms, 500 + ms);
		assert_int_equal(out.dts_90k, START + ms * MS);
		assert_false(out.is_discontinuity);
		out = place(&t, A, 2000000000 + ms, 510 + ms);
		assert_int_equal(out.dts_90k, START + (ms + 10) * MS);
		assert_false(out.is_discontinuity);
	}
	assert_int_equal(t.n_jumps, 0);
	assert_int_equal(t.n_held, 0);
}

static void a_track_that_joins_late_shares_the_clock(void **state)
{
	const struct row rows[] = {
		{ A, 0, 0, 0, 0, 0, false, false },
		{ A, 60000, 0, 60000, 60000, 0, false, false },
		{ V, 60010, 0, 60100, 60010, 0, false, false },
		{ V, 60050, 0, 60140, 60050, 0, false, false },
	};
	const struct row rows_silence[] = {
		{ A, 0, 0, 0, 0, 0, false, false },
		{ V, 15010, 0, 15100, 15010, 0, false, false }, /* the first track said nothing for 15 s */
	};
	const struct row rows_apart[] = {
		{ A, 0, 0, 0, 0, 0, false, false },
		{ A, 60000, 0, 60000, 60000, 0, false, false },
		{ V, 0, 0, 60100, 60100, 0, false, false }, /* a clock that began with the track */
		{ V, 40, 0, 60140, 60140, 0, false, false },
		{ A, 60140, 0, 60140, 60140, 0, false, false },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
	check_rows(rows_silence, ARRAY_LEN(rows_silence));
	check_rows(rows_apart, ARRAY_LEN(rows_apart));
}

static void creeping_backwards_ends_in_a_jump(void **state)
{
	struct timeline t;
	struct timeline_out out;
	int64_t last;
	int64_t raw_ms = 1000000;

	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	last = place(&t, V, raw_ms, 0).dts_90k;
	for (int64_t ms = 40; ms < 40000; ms += 40) {
		raw_ms -= 300;
		out = place(&t, V, raw_ms, ms);
		assert_true(out.dts_90k > last);
		last = out.dts_90k;
	}
	assert_in_range(t.n_jumps, 200, 300);
	assert_true(last < START + 40 * S);
}

static void time_that_stands_still_is_replaced_by_arrival(void **state)
{
	struct timeline t;
	int n_marks = 0;

	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	for (int64_t ms = 0; ms <= 60000; ms += 40) {
		struct timeline_out video = place(&t, V, 0, ms);
		struct timeline_out audio = place(&t, A, 0, ms);

		n_marks += video.is_discontinuity + audio.is_discontinuity;
		if (ms <= 2000) {
			assert_int_equal(video.dts_90k, START + ms / 40);
		} else {
			assert_int_equal(video.dts_90k, START + ms * MS);
			assert_int_equal(audio.dts_90k, START + ms * MS);
		}
	}
	assert_int_equal(n_marks, 2);
	assert_int_equal(t.n_standstills, 2);
	assert_int_equal(t.n_jumps, 0);
	/* and it may begin to move */
	assert_int_equal(place(&t, V, 40, 60040).dts_90k, START + 60040 * MS);
	assert_int_equal(place(&t, V, 80, 60080).dts_90k, START + 60080 * MS);
	/* and stop again, which is one more mark */
	assert_false(place(&t, V, 80, 62080).is_discontinuity);
	assert_true(place(&t, V, 80, 62120).is_discontinuity);
	assert_false(place(&t, V, 80, 62160).is_discontinuity);
	assert_int_equal(t.n_standstills, 3);
}

static void absurd_offsets_are_cut(void **state)
{
	const struct {
		int64_t offset_90k;
		int64_t want_90k;
		uint64_t want_cut;
	} cases[] = {
		{ 0, 0, 0 },
		{ 40 * MS, 40 * MS, 0 },
		{ -40 * MS, -40 * MS, 0 },
		{ 10 * S, 10 * S, 0 },
		{ 8388607ll * MS, 10 * S, 1 },
		{ -8388608ll * MS, -10 * S, 1 },
		{ INT64_MAX, 10 * S, 1 },
		{ INT64_MIN, -10 * S, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct timeline_in in = { .kind = V, .dts_90k = 5000, .offset_90k = cases[i].offset_90k };
		struct timeline t;
		struct timeline_out out;

		timeline_init(&t);
		timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
		timeline_place(&t, &in, &out);
		assert_int_equal(out.pts_90k - out.dts_90k, cases[i].want_90k);
		assert_true(out.pts_90k >= 0);
		assert_int_equal(t.n_cut_offset, cases[i].want_cut);
	}
}

static void pts_keeps_its_place_where_dts_is_held(void **state)
{
	struct timeline t;
	struct timeline_in in = { .kind = V, .dts_90k = 100 * MS, .offset_90k = 80 * MS };
	struct timeline_out out;

	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	timeline_place(&t, &in, &out);
	in.dts_90k = 60 * MS;
	timeline_place(&t, &in, &out);
	assert_int_equal(out.dts_90k, START + 1);
	assert_int_equal(out.pts_90k, START + 40 * MS);
	assert_int_equal(t.n_held, 1);
}

/* Two days at 30 frames a second with AAC at 48 kHz, in the milliseconds RTMP has, beginning an hour before the wrap.
 */
static void two_days_stay_with_the_clock(void **state)
{
	const int64_t base_ms = 4294967296 - 3600000;
	const int64_t two_days_ms = 48 * 3600 * INT64_C(1000);
	struct timeline t;
	struct timeline_out out = { 0 };
	int64_t n_video = 0;
	int64_t n_audio = 0;
	int64_t last[TRACK_KINDS] = { 0 };

	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	for (;;) {
		int64_t video_ms = n_video * 1000 / 30;
		int64_t audio_ms = n_audio * 64 / 3;
		enum track_kind kind = video_ms <= audio_ms ? V : A;
		int64_t ms = kind == V ? video_ms : audio_ms;

		if (ms > two_days_ms)
			break;
		out = place(&t, kind, (base_ms + ms) % 4294967296, ms + (n_video * 7919 + n_audio) % 120);
		if (out.dts_90k != START + ms * MS || out.is_discontinuity || out.dts_90k <= last[kind])
			fail_msg("at %lld ms: %lld", (long long)ms, (long long)out.dts_90k);
		last[kind] = out.dts_90k;
		if (kind == V)
			n_video++;
		else
			n_audio++;
	}
	assert_int_equal(n_video, two_days_ms * 30 / 1000 + 1);
	assert_int_equal(t.n_jumps + t.n_held + t.n_cut_offset + t.n_standstills, 0);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whatever comes, dts rises within a track and the pts stays near it. */
static void never_runs_backwards_whatever_comes(void **state)
{
	struct timeline t;
	int64_t last[TRACK_KINDS] = { 0 };
	uint32_t seed = 20;
	int64_t arrival_us = 0;

	(void)state;
	timeline_init(&t);
	for (int i = 0; i < 200000; i++) {
		struct timeline_in in = { .kind = next_random(&seed) % 2 ? V : A };
		struct timeline_out out;

		if (i % 1000 == 0)
			timeline_begin_publisher(&t, i % 2000 ? TIMELINE_MODULUS_TS : TIMELINE_MODULUS_RTMP);
		in.dts_90k = (int64_t)next_random(&seed) * (next_random(&seed) % 40000);
		if (next_random(&seed) % 4 == 0)
			in.dts_90k = -in.dts_90k;
		in.offset_90k = (int64_t)next_random(&seed) * 90 - 8388608ll * 90;
		arrival_us += next_random(&seed) % 50000;
		in.arrival_us = arrival_us - next_random(&seed) % 10000;
		timeline_place(&t, &in, &out);
		assert_true(out.dts_90k > last[in.kind]);
		assert_in_range(out.pts_90k - out.dts_90k + 10 * S, 0, 20 * S);
		last[in.kind] = out.dts_90k;
	}
}

static void stamps_a_frame(void **state)
{
	struct timeline t;
	struct track *track = track_create(TRACK_VIDEO, CODEC_H264, NULL, 0);
	struct frame *f = track ? frame_create(track, 0) : NULL;

	assert_non_null(track);
	assert_non_null(f);
	(void)state;
	timeline_init(&t);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	(void)place(&t, A, 0, 0);
	timeline_begin_publisher(&t, TIMELINE_MODULUS_RTMP);
	f->flags = FRAME_KEY;
	f->dts_90k = 77 * MS;
	f->pts_90k = 117 * MS;
	f->arrival_us = ARRIVES_MS * 1000;
	timeline_stamp(&t, f);
	assert_int_equal(f->flags, FRAME_KEY | FRAME_DISCONTINUITY);
	assert_int_equal(f->dts_90k, START + ARRIVES_MS * MS);
	assert_int_equal(f->pts_90k, START + (ARRIVES_MS + 40) * MS);
	frame_unref(f);
	track_unref(track);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_at_ten_seconds_whatever_the_raw_time),
		cmocka_unit_test(wraps_at_32_bits),
		cmocka_unit_test(wraps_where_ts_wraps),
		cmocka_unit_test(takeover_goes_on_by_the_time_that_passed),
		cmocka_unit_test(both_tracks_jump_in_either_order),
		cmocka_unit_test(one_wild_time_costs_two_marks_and_no_sync),
		cmocka_unit_test(a_gap_that_time_explains_is_no_jump),
		cmocka_unit_test(tracks_with_different_bases_do_not_ping_pong),
		cmocka_unit_test(a_track_that_joins_late_shares_the_clock),
		cmocka_unit_test(creeping_backwards_ends_in_a_jump),
		cmocka_unit_test(time_that_stands_still_is_replaced_by_arrival),
		cmocka_unit_test(absurd_offsets_are_cut),
		cmocka_unit_test(pts_keeps_its_place_where_dts_is_held),
		cmocka_unit_test(two_days_stay_with_the_clock),
		cmocka_unit_test(never_runs_backwards_whatever_comes),
		cmocka_unit_test(stamps_a_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
