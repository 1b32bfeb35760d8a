/* SPDX-License-Identifier: Apache-2.0 */
/* What parts say about the wall clock: the clock by itself, then through timeline and cutter as publishers' clocks go.
 */
#include "packager/run_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/timeline.h"
#include "tests/unit/part_fixture.h"

enum {
	MS = 90,
	FRAME_MS = 40,
	GOP = 50, /* frames: 2 s */
	PART_MS = 500,
	MONO_START_MS = 5000, /* when the first frame comes */
};

#define WALL_ZERO_MS INT64_C(1790000000000)

static void anchors_to_the_earliest_and_then_holds(void **state)
{
	struct run_clock r;

	(void)state;
	run_clock_init(&r, WALL_ZERO_MS, 500);
	run_clock_begin(&r, 900000);
	assert_int_equal(run_clock_wall_ms(&r, 900000), -1); /* nothing has come */
	run_clock_note(&r, 900000, 7000000);
	run_clock_note(&r, 900000 + 1000 * MS, 7200000); /* 1 s of media 0.2 s later: the first was held up */
	run_clock_note(&r, 900000 + 2000 * MS, 8900000);
	assert_int_equal(run_clock_wall_ms(&r, 900000), WALL_ZERO_MS + 6200);
	assert_int_equal(run_clock_wall_ms(&r, 900000 + 12345 * MS), WALL_ZERO_MS + 6200 + 12345);
	run_clock_note(&r, 900000 + 3000 * MS, 8700000); /* ahead by the limit, not more */
	assert_false(r.is_ahead);
	run_clock_note(&r, 900000 + 3001 * MS, 8700000);
	assert_true(r.is_ahead);
	assert_int_equal(run_clock_wall_ms(&r, 900000), WALL_ZERO_MS + 6200);
	run_clock_begin(&r, 1800000);
	assert_false(r.is_ahead);
}

static void unknown_stays_unknown(void **state)
{
	struct run_clock r;

	(void)state;
	run_clock_init(&r, 0, 500);
	run_clock_begin(&r, 0);
	run_clock_note(&r, 0, 1000000);
	assert_int_equal(run_clock_wall_ms(&r, 0), -1);
}

/* ---- a publisher, its clock, the network, the timeline, the cutter ---- */

struct air {
	struct timeline timeline;
	struct cutter *cutter;
	struct fixture_parts parts;
	struct track *video;
	struct track *audio;
	int64_t raw_90k; /* what the publisher's clock says next */
	int64_t modulus_90k;
	int64_t arrival_us;
	int64_t n;
	int64_t arrival_of[4096]; /* of video frame n, us */
	int64_t stream_of[4096];  /* its stream time */
};

static int setup(void **state)
{
	const struct cutter_config config = {
		.part_ms = PART_MS, .segment_ms = 2000, .first_msn = 1, .mono_zero_wall_ms = WALL_ZERO_MS
	};
	struct air *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->cutter = cutter_create(&config);
	assert_non_null(a->cutter);
	a->video = fixture_video();
	a->audio = fixture_audio();
	a->arrival_us = MONO_START_MS * 1000;
	a->modulus_90k = TIMELINE_MODULUS_RTMP;
	timeline_init(&a->timeline);
	*state = a;
	return 0;
}

static int teardown(void **state)
{
	struct air *a = *state;

	cutter_destroy(&a->cutter);
	fixture_parts_fini(&a->parts);
	track_unref(a->video);
	track_unref(a->audio);
	free(a);
	return 0;
}

static void send_frame(struct air *a, struct track *track, unsigned flags, int64_t late_us)
{
	int64_t raw_90k = a->raw_90k % a->modulus_90k;
	struct frame *f = fixture_frame(track, raw_90k, raw_90k, flags);

	f->arrival_us = a->arrival_us + late_us;
	timeline_stamp(&a->timeline, f);
	if (track == a->video) {
		assert_true((size_t)a->n < ARRAY_LEN(a->arrival_of));
		a->arrival_of[a->n] = f->arrival_us;
		a->stream_of[a->n] = f->dts_90k;
	}
	fixture_push(a->cutter, &a->parts, f);
}

/* So many frames; the publisher's clock goes by ppm faster than ours; frames are held up by late_us. */
static void publish(struct air *a, int64_t frames, int64_t ppm, int64_t late_us)
{
	for (int64_t i = 0; i < frames; i++) {
		send_frame(a, a->video, a->n % GOP == 0 ? FRAME_KEY : 0, late_us);
		a->n++;
		a->raw_90k += FRAME_MS * MS;
		a->arrival_us += FRAME_MS * INT64_C(1000000000) / (1000000 + ppm);
	}
}

static void begin_publisher(struct air *a, int64_t raw_90k)
{
	a->raw_90k = raw_90k;
	timeline_begin_publisher(&a->timeline, a->modulus_90k);
}

static void leave(struct air *a)
{
	cutter_flush(a->cutter);
	fixture_drain(a->cutter, &a->parts);
}

static int64_t arrival_of_part(const struct air *a, const struct part *p)
{
	for (int64_t i = 0; i < a->n; i++) {
		if (a->stream_of[i] == p->start_90k)
			return WALL_ZERO_MS + a->arrival_of[i] / 1000;
	}
	fail_msg("no frame begins at %lld", (long long)p->start_90k);
	return 0;
}

/*
 * What must hold whatever a publisher does: from part to part the wall clock moves by their durations alone, and no
 * part is further ahead of its first frame than the limit and what came until the next key frame.
 */
static void check_clock(const struct air *a, int64_t ahead_max_ms)
{
	int64_t sum_90k = 0;
	const struct part *first = NULL;

	assert_true(a->parts.count > 0);
	for (size_t i = 0; i < a->parts.count; i++) {
		const struct part *p = a->parts.parts[i];

		if (!first || p->is_discontinuity) {
			first = p;
			sum_90k = 0;
		}
		assert_in_range(p->wall_ms, first->wall_ms + sum_90k / 90, first->wall_ms + sum_90k / 90 + 1);
		assert_true(p->wall_ms <= arrival_of_part(a, p) + ahead_max_ms);
		sum_90k += p->duration_90k;
	}
}

static const struct part *last_part(const struct air *a)
{
	return a->parts.parts[a->parts.count - 1];
}

static void true_clock_names_arrivals(void **state)
{
	struct air *a = *state;

	begin_publisher(a, 123456);
	publish(a, 60 * 25, 0, 0);
	leave(a);
	check_clock(a, 0);
	assert_int_equal(a->parts.parts[0]->wall_ms, WALL_ZERO_MS + MONO_START_MS);
	for (size_t i = 0; i < a->parts.count; i++)
		assert_int_equal(a->parts.parts[i]->wall_ms, arrival_of_part(a, a->parts.parts[i]));
	assert_int_equal(cutter_counters(a->cutter)->discontinuities, 0);
}

static void fast_clock_is_anchored_anew(void **state)
{
	struct air *a = *state;
	uint64_t runs;

	begin_publisher(a, 0);
	publish(a, 120 * 25, 10000, 0); /* 1 %: 1.2 s in two minutes */
	leave(a);
	check_clock(a, PART_MS + 25);
	runs = cutter_counters(a->cutter)->runs_ahead;
	assert_int_equal(runs, 2);
	assert_int_equal(cutter_counters(a->cutter)->discontinuities, runs);
	for (size_t i = 0; i < a->parts.count; i++) {
		const struct part *p = a->parts.parts[i];

		assert_int_equal(p->init->version, 1);
		if (p->is_discontinuity)
			assert_in_range(arrival_of_part(a, p) - p->wall_ms, 0, 15); /* it fits the second after it */
		assert_true(!p->is_discontinuity || p->is_independent);
	}
}

static void slow_clock_falls_behind(void **state)
{
	struct air *a = *state;

	begin_publisher(a, 0);
	publish(a, 120 * 25, -10000, 0);
	leave(a);
	check_clock(a, 0);
	assert_int_equal(cutter_counters(a->cutter)->discontinuities, 0);
	assert_in_range(arrival_of_part(a, last_part(a)) - last_part(a)->wall_ms, 1100, 1300);
}

/* The first second comes late and at once, as from a phone that was connecting: nobody is told a time to come. */
static void burst_at_the_beginning(void **state)
{
	struct air *a = *state;

	begin_publisher(a, 0);
	for (int i = 0; i < 10; i++)
		publish(a, 1, 0, (10 - i) * FRAME_MS * 1000);
	publish(a, 500, 0, 0);
	leave(a);
	check_clock(a, 0);
	assert_int_equal(a->parts.parts[0]->wall_ms, WALL_ZERO_MS + MONO_START_MS);
	assert_int_equal(cutter_counters(a->cutter)->discontinuities, 0);
}

/* It was held up for longer than the first part: what was named then was late by as much, and is corrected. */
static void congestion_at_the_beginning(void **state)
{
	struct air *a = *state;

	begin_publisher(a, 0);
	publish(a, 60, 0, 1500000);
	publish(a, 500, 0, 0);
	leave(a);
	check_clock(a, 1500);
	assert_int_equal(cutter_counters(a->cutter)->runs_ahead, 1);
	assert_int_equal(last_part(a)->wall_ms, arrival_of_part(a, last_part(a)));
}

static void jumping_clock_begins_a_run(void **state)
{
	static const int64_t jumps_90k[] = { 3600 * 90000, -1800 * 90000, 40 * 90000, -20 * 90000 };
	struct air *a = *state;

	begin_publisher(a, 3600 * 90000);
	for (size_t i = 0; i < ARRAY_LEN(jumps_90k); i++) {
		publish(a, 4 * GOP, 0, 0);
		a->raw_90k += jumps_90k[i];
	}
	publish(a, 4 * GOP, 0, 0);
	leave(a);
	check_clock(a, 0);
	assert_int_equal(cutter_counters(a->cutter)->discontinuities, ARRAY_LEN(jumps_90k));
	assert_int_equal(last_part(a)->wall_ms, arrival_of_part(a, last_part(a)));
}

static void wrap_is_nothing(void **state)
{
	static const struct {
		int64_t modulus_90k;
		int64_t until_ms;
	} cases[] = {
		{ TIMELINE_MODULUS_TS, 4000 }, { TIMELINE_MODULUS_RTMP, 4000 },
		{ TIMELINE_MODULUS_TS, 4020 }, /* not on a frame */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct air *a;

		setup(state);
		a = *state;
		a->modulus_90k = cases[i].modulus_90k;
		begin_publisher(a, cases[i].modulus_90k - cases[i].until_ms * MS);
		publish(a, 10 * 25, 0, 0);
		leave(a);
		check_clock(a, 0);
		assert_int_equal(cutter_counters(a->cutter)->discontinuities, 0);
		assert_int_equal(last_part(a)->wall_ms, arrival_of_part(a, last_part(a)));
		teardown(state);
	}
}

/* It went and came back, with a clock that has nothing to do with the one before, and a slower network. */
static void return_is_anchored_to_its_arrival(void **state)
{
	struct air *a = *state;

	begin_publisher(a, 77);
	publish(a, 3 * GOP + 20, -2000, 0);
	leave(a);
	a->arrival_us += 7 * 1000000;
	a->n = (a->n / GOP + 1) * GOP;
	begin_publisher(a, 4000 * INT64_C(90000));
	publish(a, 3 * GOP, 0, 300000);
	leave(a);
	for (size_t i = 0; i < a->parts.count; i++) {
		const struct part *p = a->parts.parts[i];

		assert_true(p->wall_ms <= arrival_of_part(a, p));
		assert_true(i == 0 || p->wall_ms > a->parts.parts[i - 1]->wall_ms);
	}
	assert_int_equal(cutter_counters(a->cutter)->discontinuities, 1);
	assert_int_equal(last_part(a)->wall_ms, arrival_of_part(a, last_part(a)));
}

/* Audio alone: any frame can begin a run. */
static void fast_audio_is_anchored_anew(void **state)
{
	struct air *a = *state;

	begin_publisher(a, 0);
	for (int i = 0; i < 6000; i++) {
		send_frame(a, a->audio, FRAME_KEY, 0);
		a->raw_90k += 1920;
		a->arrival_us += 21000; /* for 21333 of media: 2 s in 128 */
	}
	leave(a);
	assert_in_range(cutter_counters(a->cutter)->runs_ahead, 3, 4);
	for (size_t i = 0; i < a->parts.count; i++) {
		const struct part *p = a->parts.parts[i];
		int64_t arrival_us = MONO_START_MS * 1000 + (p->start_90k - TIMELINE_START_90K) / 1920 * 21000;

		assert_true(p->wall_ms <= WALL_ZERO_MS + arrival_us / 1000 + PART_MS + 25);
	}
}

#define WITH_AIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anchors_to_the_earliest_and_then_holds),
		cmocka_unit_test(unknown_stays_unknown),
		WITH_AIR(true_clock_names_arrivals),
		WITH_AIR(fast_clock_is_anchored_anew),
		WITH_AIR(slow_clock_falls_behind),
		WITH_AIR(burst_at_the_beginning),
		WITH_AIR(congestion_at_the_beginning),
		WITH_AIR(jumping_clock_begins_a_run),
		cmocka_unit_test(wrap_is_nothing),
		WITH_AIR(return_is_anchored_to_its_arrival),
		WITH_AIR(fast_audio_is_anchored_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
