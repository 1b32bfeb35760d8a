/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/channel_fixture.h"

enum {
	MS = WORLD_MS,
	SECOND = WORLD_SECOND,
};

/* ---- the slate, numbers ---- */

static void test_with_nothing_planned_the_slate_is_on_by_the_clock(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_run(w, 20 * SECOND);
	assert_in_range(w->count, 40, 41);
	for (size_t i = 0; i < w->count; i++) {
		assert_string_equal(w->parts[i]->origin, "");
		assert_int_equal(w->parts[i]->duration_90k, WORLD_PART_90K);
		/* a part is published when its end has come */
		assert_in_range(world_position_90k(w, w->at_us[i]) - w->parts[i]->start_90k - WORLD_PART_90K, 0, 90);
		assert_int_equal(w->parts[i]->index, i % 4);
		assert_int_equal(w->parts[i]->is_independent, i % 4 == 0);
		assert_int_equal(w->parts[i]->is_segment_end, i % 4 == 3);
	}
	world_assert_why(w, CHANNEL_WHY_NOTHING);
	assert_int_equal(world_state(w)->slate_ms, w->count * 500);
	assert_int_equal(world_state(w)->switches, 0);
}

static void test_a_channel_that_never_was_begins_without_a_discontinuity(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_run(w, SECOND);
	assert_false(w->parts[0]->is_discontinuity);
	assert_int_equal(w->parts[0]->msn, 100);
	assert_int_equal(w->parts[0]->index, 0);
	assert_int_equal(w->parts[0]->sequence, 1);
	assert_int_equal(w->parts[0]->discontinuity_sequence, 0);
	assert_int_equal(w->parts[0]->init->version, 1);
}

static void test_a_channel_that_was_goes_on_with_all_its_numbers(void **state)
{
	const struct channel_config config = {
		.first = { .msn = 71, .part = 900, .init_version = 5, .discontinuity_sequence = 12 },
		.is_continued = true,
	};
	struct world *w = *state;

	world_open_with(w, &config);
	world_run(w, SECOND);
	assert_true(w->parts[0]->is_discontinuity);
	assert_int_equal(w->parts[0]->msn, 71);
	assert_int_equal(w->parts[0]->sequence, 900);
	assert_int_equal(w->parts[0]->discontinuity_sequence, 13);
	assert_int_equal(w->parts[0]->init->version, 5);
}

static void test_time_rises_when_the_wall_clock_was_set_back(void **state)
{
	struct world *w = *state;
	const struct channel_config config = {
		.first = { .msn = 1, .part = 1, .init_version = 1 },
		.is_continued = true,
		.min_start_90k = world_position_90k(w, 3600 * INT64_C(1000000)),
	};

	w->may_fall_behind = true; /* its timeline is an hour ahead of the world's */
	world_open_with(w, &config);
	assert_int_equal(channel_end_90k(w->channel), config.min_start_90k);
	assert_true(channel_tick(w->channel, 0) > 0);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->parts[0]->start_90k, config.min_start_90k);
	assert_int_equal(world_state(w)->ahead_ms, 0);
}

/* ---- switches to a live stream ---- */

static void test_a_live_stream_begins_with_its_next_key_frame_only(void **state)
{
	struct world *w = *state;
	size_t first;
	int64_t asked_us;

	world_open(w);
	world_stream_start(w, 0, NULL); /* keys at 0, 2, 4, ... s */
	world_override(w, PLAN_OVERRIDE_SLATE, "");
	world_run(w, 10300 * MS);
	asked_us = w->now_us;
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run(w, 5 * SECOND);
	first = world_find(w, 0, "a");
	assert_true(w->parts[first]->is_independent);
	assert_true(w->parts[first]->is_discontinuity);
	/* the key frame of second 12 stands at second 12: no backlog, no wait */
	assert_true(w->at_us[first] > asked_us);
	assert_in_range(w->parts[first]->start_90k - world_position_90k(w, 12 * SECOND) + 3000, 0, 3001);
	assert_in_range(w->at_us[first], 12500 * MS, 12550 * MS);
	world_assert_never_dry(w);
}

static void test_until_then_the_slate_says_why(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run(w, SECOND);
	world_assert_why(w, CHANNEL_WHY_ABSENT);
	world_stream_start(w, 0, NULL);
	world_run(w, 1500 * MS);
	world_assert_why(w, CHANNEL_WHY_WAITING);
	assert_string_equal(world_state(w)->pending, "a");
	world_run(w, 2 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_LIVE);
	world_assert_why(w, CHANNEL_WHY_OVERRIDE);
	assert_string_equal(world_state(w)->pending, "");
	assert_int_equal(world_state(w)->switches, 1);
}

static void test_the_piece_of_slate_before_it_ends_its_segment(void **state)
{
	struct world *w = *state;
	size_t first;

	world_open(w);
	world_run(w, 300 * MS);
	world_stream_start(w, 0, NULL);
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run_until_on(w, CHANNEL_LIVE, "a", 5 * SECOND);
	first = world_find(w, 0, "a");
	assert_in_range(w->parts[first - 1]->duration_90k, 3000, WORLD_PART_90K - 3000);
	assert_true(w->parts[first - 1]->is_segment_end);
	assert_true(w->parts[first]->is_segment_start);
}

static void test_segments_are_those_of_the_stream(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t first = world_find(w, 0, "a");

	world_run(w, 20 * SECOND);
	for (size_t i = first; i < w->count; i++) {
		assert_string_equal(w->parts[i]->origin, "a");
		assert_int_equal(w->parts[i]->index, (i - first) % 4);
		assert_int_equal(w->parts[i]->is_segment_end, (i - first) % 4 == 3);
		assert_int_equal(w->parts[i]->is_independent, (i - first) % 4 == 0);
	}
}

static void test_a_key_frame_in_the_middle_of_a_part_begins_there(void **state)
{
	const struct world_stream like = { .gop = 50 }; /* a key frame every 1.67 s: 5 pictures into a part */
	struct world *w = *state;
	size_t first;

	world_open(w);
	world_stream_start(w, 0, &like);
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run(w, 5 * SECOND);
	first = world_find(w, 0, "a");
	assert_true(w->parts[first]->is_independent);
	assert_in_range(world_pictures(w->parts[first]), 1, 14);
	assert_true(w->parts[first]->runs[0].samples[0].is_key);
	assert_in_range(w->parts[first]->start_90k, world_position_90k(w, 50 * SECOND / 30) - 3000,
	    world_position_90k(w, 50 * SECOND / 30));
}

static void test_from_one_stream_to_another_it_is_cut_at_the_key_frame(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t first;

	world_run(w, 770 * MS);
	world_stream_start(w, 1, NULL);
	world_run(w, 5 * SECOND);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	world_run(w, 5 * SECOND);
	first = world_find(w, 0, "b");
	assert_string_equal(w->parts[first - 1]->origin, "a");
	assert_true(w->parts[first - 1]->is_segment_end);
	assert_true(w->parts[first - 1]->duration_90k < WORLD_PART_90K);
	assert_true(w->parts[first]->is_independent);
	/* at the very moment at which it came, to a picture */
	assert_true(
	    labs((long)(w->parts[first]->start_90k - world_position_90k(w, w->streams[1].start_us)) % 180000) <= 3000);
	assert_int_equal(world_find(w, first, "b"), first);
	assert_int_equal(
	    world_state(w)->slate_ms, w->parts[world_find(w, 0, "a")]->start_90k / 90 - w->parts[0]->start_90k / 90);
	world_assert_never_dry(w);
}

/* Parts of the new stream come while the old one's last part is still under way: its frames are late. */
static void test_parts_that_come_before_the_old_ones_last_wait(void **state)
{
	const struct world_stream short_gop = { .gop = 4 };
	struct world *w = world_open_with_a(state);
	size_t first;

	world_run(w, 480 * MS);
	world_stream_start(w, 1, &short_gop);
	world_run(w, 2100 * MS);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	while (world_state(w)->pending[0] == '\0')
		world_run(w, MS);
	w->streams[0].start_us += 85 * MS; /* from now on it comes later by so much */
	world_run(w, 3 * SECOND);
	first = world_find(w, 0, "b");
	assert_string_equal(w->parts[first - 1]->origin, "a");
	assert_true(w->parts[first]->is_independent);
	for (size_t i = first; i < w->count; i++)
		assert_string_equal(w->parts[i]->origin, "b");
	/* the old one's last part and the first of the new one came out together */
	assert_int_equal(w->at_us[first], w->at_us[first - 1]);
	world_assert_never_dry(w);
}

static void test_a_thousand_switches_at_random_do_not_pile_up(void **state)
{
	static const struct world_stream likes[3] = {
		{ .gop = 60, .has_b_frames = true },
		{ .gop = 37, .is_large = true },
		{ .gop = 45, .is_video_only = true },
	};
	static const struct {
		enum plan_override_kind kind;
		const char *id;
	} items[] = {
		{ PLAN_OVERRIDE_STREAM, "a" },
		{ PLAN_OVERRIDE_STREAM, "b" },
		{ PLAN_OVERRIDE_STREAM, "c" },
		{ PLAN_OVERRIDE_SLATE, "" },
		{ PLAN_OVERRIDE_CLIP, "c0" },
	};
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 3300);
	for (size_t i = 0; i < ARRAY_LEN(likes); i++) {
		world_stream_start(w, i, &likes[i]);
		world_run(w, 321 * MS);
	}
	srand(1);
	for (int i = 0; i < 1000; i++) {
		size_t item = (size_t)rand() % ARRAY_LEN(items);

		world_override(w, items[item].kind, items[item].id);
		world_run(w, (100 + rand() % 3500) * MS);
	}
	assert_true(world_state(w)->switches > 500);
	world_assert_never_dry(w);
}

/* ---- waiting for a key frame ---- */

static void test_without_a_key_frame_for_ten_seconds_the_slate_comes(void **state)
{
	struct world *w = world_open_with_a(state);
	struct world_stream *b = world_stream_start(w, 1, NULL);

	world_run(w, 3 * SECOND);
	b->is_keyless = true;
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	world_run(w, 9900 * MS);
	assert_string_equal(world_state(w)->id, "a");
	world_assert_why(w, CHANNEL_WHY_WAITING);
	world_run(w, 200 * MS);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_NO_KEY_FRAME);
	assert_string_equal(world_state(w)->pending, "b");
	b->is_keyless = false;
	world_run_until_on(w, CHANNEL_LIVE, "b", 4 * SECOND);
	world_assert_never_dry(w);
}

static void test_another_choice_while_one_is_pending(void **state)
{
	struct world *w = world_open_with_a(state);

	world_stream_start(w, 1, NULL);
	world_run(w, 500 * MS);
	world_stream_start(w, 2, NULL);
	world_run(w, 2700 * MS); /* b's next key frame comes in 0.8 s, c's in 1.3 s */
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	world_run(w, 100 * MS);
	assert_string_equal(world_state(w)->pending, "b");
	world_override(w, PLAN_OVERRIDE_STREAM, "c");
	assert_string_equal(world_state(w)->pending, "c");
	world_run(w, 4 * SECOND);
	for (size_t i = 0; i < w->count; i++)
		assert_string_not_equal(w->parts[i]->origin, "b");
	assert_string_equal(world_state(w)->id, "c");
}

static void test_the_slate_while_a_stream_is_pending_comes_at_once(void **state)
{
	struct world *w = world_open_with_a(state);

	world_stream_start(w, 1, NULL);
	world_run(w, 2700 * MS);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	world_run(w, 100 * MS);
	world_override(w, PLAN_OVERRIDE_SLATE, "");
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_OVERRIDE);
	assert_string_equal(world_state(w)->pending, "");
	world_run(w, 5 * SECOND);
	for (size_t i = 0; i < w->count; i++)
		assert_string_not_equal(w->parts[i]->origin, "b");
}

/* At each moment of a switch from a to b: the plan goes back to a, to the slate, to c. */
static void test_a_change_of_mind_at_any_moment_of_a_switch(void **state)
{
	static const struct {
		enum plan_override_kind kind;
		const char *id;
	} minds[] = {
		{ PLAN_OVERRIDE_STREAM, "a" },
		{ PLAN_OVERRIDE_STREAM, "c" },
		{ PLAN_OVERRIDE_SLATE, "" },
		{ PLAN_OVERRIDE_CLIP, "c0" },
	};
	struct world *w = world_open_with_a(state);

	world_clip_make(w, 0, 4000);
	world_run(w, 410 * MS);
	world_stream_start(w, 1, NULL);
	world_run(w, 730 * MS);
	world_stream_start(w, 2, NULL);
	world_run(w, 2 * SECOND);
	for (int64_t after_ms = 0; after_ms < 3000; after_ms += 70) {
		for (size_t i = 0; i < ARRAY_LEN(minds); i++) {
			world_override(w, PLAN_OVERRIDE_STREAM, "b");
			world_run(w, after_ms * MS);
			world_override(w, minds[i].kind, minds[i].id);
			world_run(w, 3 * SECOND);
			assert_string_equal(world_state(w)->id, minds[i].id);
			assert_string_equal(world_state(w)->pending, "");
			world_override(w, PLAN_OVERRIDE_STREAM, "a");
			world_run_until_on(w, CHANNEL_LIVE, "a", 3 * SECOND);
		}
	}
	world_assert_never_dry(w);
}

static void test_two_switches_wanted_at_once_end_with_the_last(void **state)
{
	struct world *w = world_open_with_a(state);

	world_stream_start(w, 1, NULL);
	world_stream_start(w, 2, NULL);
	world_run(w, 3 * SECOND);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	world_override(w, PLAN_OVERRIDE_STREAM, "c");
	world_run(w, 3 * SECOND);
	assert_string_equal(world_state(w)->id, "c");
	for (size_t i = 0; i < w->count; i++)
		assert_string_not_equal(w->parts[i]->origin, "b");
}

/* ---- streams that go ---- */

static void test_the_slate_fills_the_hole_of_a_dead_stream_in_time(void **state)
{
	struct world *w = world_open_with_a(state);
	int64_t last_us;
	size_t first;

	world_run(w, 2 * SECOND);
	last_us = w->at_us[w->count - 1];
	first = w->count;
	w->streams[0].is_silent = true;
	world_run(w, 3 * SECOND);
	assert_string_equal(w->parts[first - 1]->origin, "a");
	assert_string_equal(w->parts[first]->origin, "");
	assert_in_range(w->at_us[first], last_us + 1100 * MS, last_us + 1110 * MS);
	/* two parts in one go: nobody's latency grows */
	assert_int_equal(w->at_us[first + 1], w->at_us[first]);
	assert_true(w->at_us[first + 2] > w->at_us[first]);
	world_assert_why(w, CHANNEL_WHY_LOST);
	world_assert_never_dry(w);
}

static void test_it_returns_after_two_seconds_of_good_frames_and_then_after_five(void **state)
{
	struct world *w = world_open_with_a(state);

	world_run(w, 2 * SECOND);
	for (int drop = 0; drop < 2; drop++) {
		int64_t needed_us = drop == 0 ? 2 * SECOND : 5 * SECOND;
		int64_t back_us;

		w->streams[0].is_silent = true;
		world_run(w, 6 * SECOND);
		w->streams[0].is_silent = false;
		back_us = w->now_us;
		world_run(w, 3 * SECOND);
		world_assert_why(w, CHANNEL_WHY_RETURNING);
		world_run_until_on(w, CHANNEL_LIVE, "a", 12 * SECOND);
		/* and the key frame after that, every 2 s; the cutter lets the first second and a key frame pass */
		assert_in_range(w->now_us - back_us, needed_us, needed_us + 4600 * MS);
	}
	world_assert_never_dry(w);
}

static void test_what_is_on_dies_while_another_is_pending(void **state)
{
	struct world *w = world_open_with_a(state);

	world_run(w, 300 * MS);
	world_stream_start(w, 1, &(struct world_stream){ .gop = 150 });
	world_run(w, 1500 * MS);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	w->streams[0].is_silent = true;
	world_run(w, 2 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_WAITING);
	assert_string_equal(world_state(w)->pending, "b");
	world_run_until_on(w, CHANNEL_LIVE, "b", 5 * SECOND);
	world_assert_never_dry(w);
}

/* At any moment around the cut the old stream falls silent: its last part does not come. */
static void test_what_is_on_dies_while_it_is_being_left(void **state)
{
	struct world *w = world_open_with_a(state);

	world_run(w, 410 * MS);
	world_stream_start(w, 1, NULL);
	world_run(w, 4 * SECOND);
	for (int64_t before_ms = 0; before_ms < 1000; before_ms += 90) {
		int64_t next_key_us = w->streams[1].start_us + (w->streams[1].video_n / 60 + 1) * 2 * INT64_C(1000000);

		if (next_key_us - w->now_us < before_ms * MS)
			next_key_us += 2 * SECOND;
		world_run(w, next_key_us - w->now_us - before_ms * MS);
		world_override(w, PLAN_OVERRIDE_STREAM, "b");
		w->streams[0].is_silent = true;
		world_run(w, 3 * SECOND);
		assert_string_equal(world_state(w)->id, "b");
		w->streams[0].is_silent = false;
		world_override(w, PLAN_OVERRIDE_STREAM, "a");
		world_run_until_on(w, CHANNEL_LIVE, "a", 12 * SECOND);
		world_run(w, SECOND);
	}
	world_assert_never_dry(w);
}

static void test_a_stream_that_ends_between_its_key_frame_and_its_part(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t from;

	world_run(w, 410 * MS);
	world_stream_start(w, 1, NULL);
	world_run(w, 3900 * MS);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	world_run(w, 250 * MS); /* its key frame came 150 ms ago */
	from = w->count;
	channel_stream_end(w->channel, "b", w->now_us);
	w->streams[1].is_silent = true;
	world_run(w, 3 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_ABSENT);
	for (size_t i = from; i < w->count; i++)
		assert_string_not_equal(w->parts[i]->origin, "b");
	world_assert_never_dry(w);
}

static void test_a_hole_in_a_stream_is_a_new_run(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t from = w->count;
	size_t breaks = 0;

	world_run(w, 2 * SECOND);
	w->streams[0].is_marked = w->streams[0].is_audio_marked = true;
	w->streams[0].video_n = (w->streams[0].video_n / 60 + 1) * 60; /* goes on with a key frame */
	w->streams[0].audio_n = w->streams[0].video_n * 48000 / 30 / 1024 + 1;
	world_run(w, 6 * SECOND);
	for (size_t i = from; i < w->count; i++)
		breaks += w->parts[i]->is_discontinuity && strcmp(w->parts[i]->origin, "a") == 0;
	assert_true(breaks >= 1);
	assert_string_equal(world_state(w)->id, "a");
	world_assert_never_dry(w);
}

static void test_a_stream_whose_clock_is_fast_is_held_back(void **state)
{
	const struct world_stream like = { .fast_ppm = 20000 }; /* a second in 50: in a minute it is a part ahead */
	struct world *w = *state;

	world_open(w);
	world_stream_start(w, 0, &like);
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run(w, 600 * (int64_t)SECOND); /* that it is never a part ahead is asserted throughout */
	assert_true(w->max_ahead_90k > WORLD_PART_90K / 2);
	world_assert_never_dry(w);
}

static void test_after_the_machine_slept_nothing_is_filled(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t from;

	world_run(w, 3 * SECOND);
	from = w->count;
	w->may_jump = true;
	w->now_us += 3600 * (int64_t)SECOND;
	w->streams[0].start_us += 3600 * (int64_t)SECOND;
	(void)channel_tick(w->channel, w->now_us);
	assert_in_range(w->count - from, 1, 1);
	assert_true(w->parts[from]->is_discontinuity);
	assert_in_range(w->parts[from]->start_90k + WORLD_PART_90K - world_position_90k(w, w->now_us), 0, 0);
	w->max_behind_90k = 0;
	w->seen = w->count;
	world_run_until_on(w, CHANNEL_LIVE, "a", 12 * SECOND);
	world_assert_never_dry(w);
}

/* ---- what streams are like ---- */

static void test_a_stream_outside_the_profile_gives_the_slate_and_its_reason(void **state)
{
	struct world *w = *state;
	struct plan_channel entry = { 0 };
	struct plan *plan;

	world_open(w);
	world_stream_start(w, 0, &(struct world_stream){ .is_large = true }); /* 720p25 */
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run(w, 5 * SECOND);
	assert_string_equal(world_state(w)->id, "a");
	entry = w->plan->channels[0];
	world_plan(w, &entry);
	plan = w->plan;
	strcpy(plan->channels[0].profile, "480p30");
	channel_take_plan(w->channel, plan, w->now_us);
	world_run(w, 5 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_MISFIT);
	assert_int_equal(world_state(w)->misfit, CHANNEL_MISFIT_SIZE);
	world_assert_never_dry(w);
}

static void test_sound_alone_and_pictures_alone_come_on(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t first;

	world_run(w, 330 * MS);
	world_stream_start(w, 1, &(struct world_stream){ .is_sound_only = true });
	world_run(w, 110 * MS);
	world_stream_start(w, 2, &(struct world_stream){ .is_video_only = true });
	world_run(w, 4 * SECOND);
	for (int i = 0; i < 7; i++) {
		world_override(w, PLAN_OVERRIDE_STREAM, "b");
		first = w->count;
		world_run(w, 4100 * MS);
		assert_string_equal(world_state(w)->id, "b");
		first = world_find(w, first, "b");
		assert_true(w->parts[first]->is_independent && world_pictures(w->parts[first]) > 0);
		world_override(w, PLAN_OVERRIDE_STREAM, i % 2 ? "a" : "c");
		world_run(w, 4370 * MS);
		assert_string_equal(world_state(w)->id, i % 2 ? "a" : "c");
		world_override(w, PLAN_OVERRIDE_SLATE, "");
		world_run(w, 777 * MS);
	}
	world_assert_never_dry(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(with_nothing_planned_the_slate_is_on_by_the_clock),
		WORLD_TEST(a_channel_that_never_was_begins_without_a_discontinuity),
		WORLD_TEST(a_channel_that_was_goes_on_with_all_its_numbers),
		WORLD_TEST(time_rises_when_the_wall_clock_was_set_back),
		WORLD_TEST(a_live_stream_begins_with_its_next_key_frame_only),
		WORLD_TEST(until_then_the_slate_says_why),
		WORLD_TEST(the_piece_of_slate_before_it_ends_its_segment),
		WORLD_TEST(segments_are_those_of_the_stream),
		WORLD_TEST(a_key_frame_in_the_middle_of_a_part_begins_there),
		WORLD_TEST(from_one_stream_to_another_it_is_cut_at_the_key_frame),
		WORLD_TEST(parts_that_come_before_the_old_ones_last_wait),
		WORLD_TEST(a_thousand_switches_at_random_do_not_pile_up),
		WORLD_TEST(without_a_key_frame_for_ten_seconds_the_slate_comes),
		WORLD_TEST(another_choice_while_one_is_pending),
		WORLD_TEST(the_slate_while_a_stream_is_pending_comes_at_once),
		WORLD_TEST(a_change_of_mind_at_any_moment_of_a_switch),
		WORLD_TEST(two_switches_wanted_at_once_end_with_the_last),
		WORLD_TEST(the_slate_fills_the_hole_of_a_dead_stream_in_time),
		WORLD_TEST(it_returns_after_two_seconds_of_good_frames_and_then_after_five),
		WORLD_TEST(what_is_on_dies_while_another_is_pending),
		WORLD_TEST(what_is_on_dies_while_it_is_being_left),
		WORLD_TEST(a_stream_that_ends_between_its_key_frame_and_its_part),
		WORLD_TEST(a_hole_in_a_stream_is_a_new_run),
		WORLD_TEST(a_stream_whose_clock_is_fast_is_held_back),
		WORLD_TEST(after_the_machine_slept_nothing_is_filled),
		WORLD_TEST(a_stream_outside_the_profile_gives_the_slate_and_its_reason),
		WORLD_TEST(sound_alone_and_pictures_alone_come_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
