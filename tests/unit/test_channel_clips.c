/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/channel_fixture.h"

enum {
	MS = WORLD_MS,
	SECOND = WORLD_SECOND,
};

/* ---- clips ---- */

static char two_fillers[][ID_SIZE] = { "c0", "c1" };
static const struct plan_channel with_fillers = { .filler = two_fillers, .n_filler = 2 };

static void test_fillers_play_in_turn_by_the_clock(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 3300); /* its last part is short */
	world_clip_make(w, 1, 4000);
	world_plan(w, &with_fillers);
	world_run(w, 30 * SECOND);
	assert_int_equal(w->clips[0].asked, w->clips[1].asked + 1);
	assert_in_range(w->clips[1].asked, 4, 4);
	assert_in_range(world_state(w)->slate_ms, 0, 1000); /* but the beginning, not a moment of slate */
	world_assert_why(w, CHANNEL_WHY_FILLER);
	world_assert_never_dry(w);
}

static void test_a_filler_alone_repeats_on_a_timeline_that_rises(void **state)
{
	const struct plan_channel entry = { .filler = two_fillers, .n_filler = 1 };
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 2000);
	world_plan(w, &entry);
	world_run(w, 21 * SECOND);
	assert_in_range(w->clips[0].asked, 10, 11);
	world_assert_never_dry(w);
}

static void test_a_clip_that_is_late_leaves_room_for_the_slate(void **state)
{
	struct world *w = world_open_with_a(state);
	size_t from;

	world_clip_make(w, 0, 4000);
	w->clips[0].delay_us = 4 * SECOND;
	world_run(w, 2 * SECOND);
	world_override(w, PLAN_OVERRIDE_CLIP, "c0");
	from = w->count;
	world_run(w, 3 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_CLIP_LATE);
	assert_string_equal(world_state(w)->pending, "c0");
	world_run(w, 2 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_CLIP);
	assert_true(w->parts[world_find(w, from, "c0")]->is_independent);
	world_assert_never_dry(w);
}

static void test_a_clip_that_is_there_in_time_shows_no_slate(void **state)
{
	struct world *w = world_open_with_a(state);
	uint64_t slate_ms;

	world_clip_make(w, 0, 4000);
	world_run(w, 2220 * MS);
	slate_ms = world_state(w)->slate_ms;
	world_override(w, PLAN_OVERRIDE_CLIP, "c0");
	world_run(w, 3 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_CLIP);
	assert_int_equal(world_state(w)->slate_ms, slate_ms);
	world_assert_never_dry(w);
}

static void test_a_live_stream_cuts_a_clip_in_mid_part(void **state)
{
	struct world *w = *state;
	size_t first;

	world_open(w);
	world_clip_make(w, 0, 20000);
	world_override(w, PLAN_OVERRIDE_CLIP, "c0");
	world_run(w, 1230 * MS);
	world_stream_start(w, 0, NULL);
	world_run(w, 4 * SECOND);
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run(w, 4 * SECOND);
	first = world_find(w, 0, "a");
	assert_string_equal(w->parts[first - 1]->origin, "c0");
	assert_true(w->parts[first - 1]->is_segment_end);
	assert_true(w->parts[first - 1]->duration_90k < WORLD_PART_90K);
	assert_null(w->reading);
	assert_int_equal(channel_clip_held_90k(w->channel), 0);
}

static void test_a_broken_clip_is_passed_over_for_a_minute(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 4000);
	world_clip_make(w, 1, 4000);
	w->clips[1].err = -EIO;
	w->clips[1].err_after = 0;
	world_plan(w, &with_fillers);
	world_run(w, 30 * SECOND);
	assert_int_equal(w->clips[1].asked, 1);
	assert_in_range(w->clips[0].asked, 7, 8);
	world_run(w, 45 * SECOND);
	assert_int_equal(w->clips[1].asked, 2);
	world_assert_never_dry(w);
}

static void test_a_clip_that_breaks_off_gives_way_to_the_next(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 8000);
	world_clip_make(w, 1, 4000);
	w->clips[0].err = -EIO;
	w->clips[0].err_after = 3;
	world_plan(w, &with_fillers);
	world_run(w, 20 * SECOND);
	assert_int_equal(w->clips[0].asked, 1);
	assert_string_equal(world_state(w)->id, "c1");
	world_assert_never_dry(w);
}

static void test_with_every_clip_broken_or_empty_the_slate_says_so(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 4000);
	world_clip_make(w, 1, 4000);
	w->clips[0].err = -ENOENT;
	w->clips[0].err_after = 0;
	w->clips[1].err_after = 0; /* it ends and had nothing */
	world_plan(w, &with_fillers);
	world_run(w, 10 * SECOND);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_CLIP_BROKEN);
	assert_int_equal(w->clips[0].asked + w->clips[1].asked, 2);
	world_override(w, PLAN_OVERRIDE_CLIP, "c0");
	world_assert_why(w, CHANNEL_WHY_CLIP_BROKEN);
	world_assert_never_dry(w);
}

static void test_after_a_programme_the_next_filler_has_its_turn(void **state)
{
	struct world *w = *state;
	struct plan_channel entry = with_fillers;
	struct plan_on_air slot = { .stream = "a" };
	size_t from;

	world_open(w);
	world_clip_make(w, 0, 20000);
	world_clip_make(w, 1, 20000);
	world_stream_start(w, 0, NULL);
	slot.from_ms = WORLD_WALL_MS + 5000;
	slot.until_ms = WORLD_WALL_MS + 15000;
	entry.on_air = &slot;
	entry.n_on_air = 1;
	world_plan(w, &entry);
	world_run(w, 5 * SECOND);
	assert_string_equal(world_state(w)->id, "c0");
	world_run(w, 3 * SECOND);
	assert_string_equal(world_state(w)->id, "a");
	world_assert_why(w, CHANNEL_WHY_SLOT);
	world_run(w, 6990 * MS);
	assert_string_equal(world_state(w)->id, "a");
	from = w->count;
	world_run(w, 2 * SECOND);
	assert_string_equal(world_state(w)->id, "c1");
	assert_in_range(world_find(w, from, "c1"), from, from + 1);
	world_assert_never_dry(w);
}

/* ---- taken down ---- */

static void assert_nothing_more(struct world *w, const char *origin)
{
	size_t from = w->count;

	world_run(w, 6 * SECOND);
	for (size_t i = from; i < w->count; i++)
		assert_string_not_equal(w->parts[i]->origin, origin);
	world_assert_never_dry(w);
}

static void test_what_is_on_is_taken_down(void **state)
{
	struct world *w = world_open_with_a(state);

	world_run(w, 1300 * MS);
	channel_drop(w->channel, "a", w->now_us);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_TAKEN_DOWN);
	assert_nothing_more(w, "a");
	/* it begins anew, and that is something else */
	world_stream_start(w, 0, NULL);
	world_run_until_on(w, CHANNEL_LIVE, "a", 5 * SECOND);
}

static void test_what_is_pending_or_queued_is_taken_down(void **state)
{
	struct world *w = world_open_with_a(state);

	world_run(w, 410 * MS);
	for (int64_t after_ms = 0; after_ms < 700; after_ms += 40) {
		/* from before its key frame to behind its first part */
		world_stream_start(w, 1, NULL);
		world_run(w, 3900 * MS);
		world_override(w, PLAN_OVERRIDE_STREAM, "b");
		world_run(w, after_ms * MS);
		channel_drop(w->channel, "b", w->now_us);
		world_assert_why(w, CHANNEL_WHY_TAKEN_DOWN);
		assert_nothing_more(w, "b");
		world_override(w, PLAN_OVERRIDE_STREAM, "a");
		world_run_until_on(w, CHANNEL_LIVE, "a", 5 * SECOND);
	}
}

static void test_a_clip_is_taken_down(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_clip_make(w, 0, 20000);
	world_clip_make(w, 1, 20000);
	world_plan(w, &with_fillers);
	world_run(w, 3 * SECOND);
	assert_true(channel_clip_held_90k(w->channel) > 0);
	channel_drop(w->channel, "c0", w->now_us);
	assert_nothing_more(w, "c0");
	assert_string_equal(world_state(w)->id, "c1");
}

/* ---- plans ---- */

static void test_it_cares_for_what_its_plan_names_and_what_is_on(void **state)
{
	struct world *w = world_open_with_a(state);

	assert_true(channel_cares(w->channel, "a"));
	assert_false(channel_cares(w->channel, "b"));
	world_stream_start(w, 1, NULL);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	assert_true(channel_cares(w->channel, "b"));
	assert_true(channel_cares(w->channel, "a"));
	world_run(w, 5 * SECOND);
	world_override(w, PLAN_OVERRIDE_STREAM, "b");
	assert_false(channel_cares(w->channel, "a"));
}

static void test_a_plan_without_the_channel_gives_the_slate(void **state)
{
	struct world *w = world_open_with_a(state);

	channel_take_plan(w->channel, NULL, w->now_us);
	assert_int_equal(world_state(w)->kind, CHANNEL_SLATE);
	world_assert_why(w, CHANNEL_WHY_NOTHING);
	world_run(w, 3 * SECOND);
	world_assert_never_dry(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(fillers_play_in_turn_by_the_clock),
		WORLD_TEST(a_filler_alone_repeats_on_a_timeline_that_rises),
		WORLD_TEST(a_clip_that_is_late_leaves_room_for_the_slate),
		WORLD_TEST(a_clip_that_is_there_in_time_shows_no_slate),
		WORLD_TEST(a_live_stream_cuts_a_clip_in_mid_part),
		WORLD_TEST(a_broken_clip_is_passed_over_for_a_minute),
		WORLD_TEST(a_clip_that_breaks_off_gives_way_to_the_next),
		WORLD_TEST(with_every_clip_broken_or_empty_the_slate_says_so),
		WORLD_TEST(after_a_programme_the_next_filler_has_its_turn),
		WORLD_TEST(what_is_on_is_taken_down),
		WORLD_TEST(what_is_pending_or_queued_is_taken_down),
		WORLD_TEST(a_clip_is_taken_down),
		WORLD_TEST(it_cares_for_what_its_plan_names_and_what_is_on),
		WORLD_TEST(a_plan_without_the_channel_gives_the_slate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
