/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum {
	PART_MS = 500,
	PART_US = PART_MS * 1000,
	MS = 1000,
	SECOND = 1000 * 1000,
};

static enum channel_verdict at(struct channel_health *h, int64_t now_us)
{
	return channel_health_at(h, PART_MS, now_us);
}

static void part(struct channel_health *h, int64_t now_us)
{
	const struct channel_health_part whole = { .duration_us = PART_US };

	channel_health_note(h, &whole, PART_MS, now_us);
}

static void broken_part(struct channel_health *h, int64_t now_us)
{
	const struct channel_health_part broken = { .duration_us = PART_US, .is_broken = true };

	channel_health_note(h, &broken, PART_MS, now_us);
}

/* One part every half second, the last one at until_us; returns when the stream was good first, or -1. */
static int64_t parts(struct channel_health *h, int64_t first_us, int64_t until_us)
{
	int64_t good_us = -1;

	for (int64_t now_us = first_us; now_us <= until_us; now_us += PART_US) {
		part(h, now_us);
		if (good_us < 0 && at(h, now_us) == CHANNEL_GOOD)
			good_us = now_us;
	}
	return good_us;
}

static void test_a_stream_that_never_came_is_absent(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	assert_int_equal(at(&h, 0), CHANNEL_ABSENT);
	assert_int_equal(channel_health_next_us(&h, PART_MS), INT64_MAX);
	channel_health_begin(&h, SECOND);
	assert_int_equal(at(&h, 100 * SECOND), CHANNEL_ABSENT);
}

static void test_it_is_good_with_its_first_part(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	channel_health_begin(&h, SECOND);
	part(&h, 2 * SECOND);
	assert_int_equal(at(&h, 2 * SECOND), CHANNEL_GOOD);
}

static void test_it_is_left_when_two_parts_are_missing(void **state)
{
	struct channel_health h = { 0 };
	int64_t last_us = 10 * SECOND;

	(void)state;
	assert_int_equal(channel_health_patience_us(PART_MS), 1100 * MS);
	parts(&h, 5 * SECOND, last_us);
	assert_int_equal(at(&h, last_us + 1100 * MS), CHANNEL_GOOD);
	assert_int_equal(channel_health_next_us(&h, PART_MS), last_us + 1100 * MS + 1);
	assert_int_equal(at(&h, last_us + 1100 * MS + 1), CHANNEL_LOST);
	assert_int_equal(channel_health_next_us(&h, PART_MS), INT64_MAX);
}

static void test_it_comes_back_after_two_seconds_of_good_frames(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	/* the first part after the silence holds half a second that came before it */
	assert_int_equal(parts(&h, 20 * SECOND, 30 * SECOND), 21500 * MS);
}

static void test_a_heap_of_old_parts_does_not_bring_it_back(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	for (int i = 0; i < 20; i++)
		part(&h, 20 * SECOND);
	assert_int_equal(at(&h, 20 * SECOND), CHANNEL_RETURNING);
	assert_int_equal(parts(&h, 20500 * MS, 30 * SECOND), 21500 * MS);
}

static void test_a_hole_begins_the_good_frames_anew(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	parts(&h, 20 * SECOND, 21 * SECOND);
	broken_part(&h, 21500 * MS);
	assert_int_equal(at(&h, 21500 * MS), CHANNEL_RETURNING);
	assert_int_equal(parts(&h, 22 * SECOND, 30 * SECOND), 23 * SECOND);
}

static void test_a_hole_does_not_matter_while_it_is_good(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	broken_part(&h, 10900 * MS);
	assert_int_equal(at(&h, 10900 * MS), CHANNEL_GOOD);
}

static void test_it_comes_back_after_five_seconds_when_it_drops_again_within_a_minute(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	assert_int_equal(parts(&h, 20 * SECOND, 70 * SECOND), 21500 * MS);
	assert_int_equal(parts(&h, 80 * SECOND, 90 * SECOND), 84500 * MS);
	/* and again */
	assert_int_equal(parts(&h, 100 * SECOND, 110 * SECOND), 104500 * MS);
}

static void test_a_minute_of_good_frames_makes_up_for_a_drop(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	parts(&h, 20 * SECOND, 90 * SECOND); /* good from 21.5 s on */
	assert_int_equal(parts(&h, 100 * SECOND, 110 * SECOND), 101500 * MS);
}

static void test_a_drop_while_it_returns_is_no_second_one(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	parts(&h, 20 * SECOND, 21 * SECOND);
	assert_int_equal(at(&h, 23 * SECOND), CHANNEL_LOST);
	assert_int_equal(parts(&h, 24 * SECOND, 35 * SECOND), 25500 * MS);
}

static void test_a_drop_is_seen_when_nobody_asked_meanwhile(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	part(&h, 20 * SECOND);
	assert_int_equal(at(&h, 20 * SECOND), CHANNEL_RETURNING);
}

static void test_its_end_is_absence(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	channel_health_end(&h, PART_MS, 10 * SECOND);
	assert_int_equal(at(&h, 10 * SECOND), CHANNEL_ABSENT);
	assert_int_equal(channel_health_next_us(&h, PART_MS), INT64_MAX);
}

static void test_begun_again_within_a_minute_it_must_prove_itself(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	channel_health_end(&h, PART_MS, 10 * SECOND);
	channel_health_begin(&h, 40 * SECOND);
	assert_int_equal(parts(&h, 41 * SECOND, 50 * SECOND), 42500 * MS);
	channel_health_end(&h, PART_MS, 50 * SECOND);
	/* a part without a begin is one */
	assert_int_equal(parts(&h, 61 * SECOND, 70 * SECOND), 65500 * MS);
}

static void test_begun_again_later_it_is_a_new_one(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	channel_health_end(&h, PART_MS, 10 * SECOND);
	channel_health_begin(&h, 71 * SECOND);
	assert_int_equal(parts(&h, 75 * SECOND, 75 * SECOND), 75 * SECOND);
}

static void test_what_does_not_fit_is_a_misfit_while_it_comes(void **state)
{
	const struct channel_health_part misfit = { .duration_us = PART_US, .is_misfit = true };
	struct channel_health h = { 0 };

	(void)state;
	channel_health_note(&h, &misfit, PART_MS, SECOND);
	assert_int_equal(at(&h, SECOND), CHANNEL_MISFIT);
	part(&h, 1500 * MS);
	assert_int_equal(at(&h, 1500 * MS), CHANNEL_GOOD);
	channel_health_note(&h, &misfit, PART_MS, 2 * SECOND);
	assert_int_equal(at(&h, 2 * SECOND), CHANNEL_MISFIT);
	assert_int_equal(at(&h, 10 * SECOND), CHANNEL_LOST);
}

static void test_taken_down_it_stays_away_until_it_begins_anew(void **state)
{
	struct channel_health h = { 0 };

	(void)state;
	parts(&h, 0, 10 * SECOND);
	channel_health_take_down(&h);
	assert_int_equal(parts(&h, 11 * SECOND, 20 * SECOND), -1);
	assert_int_equal(at(&h, 20 * SECOND), CHANNEL_TAKEN_DOWN);
	channel_health_end(&h, PART_MS, 20 * SECOND);
	assert_int_equal(at(&h, 20 * SECOND), CHANNEL_TAKEN_DOWN);
	channel_health_begin(&h, 21 * SECOND);
	assert_int_equal(at(&h, 21 * SECOND), CHANNEL_ABSENT);
	assert_int_equal(parts(&h, 22 * SECOND, 22 * SECOND), 22 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_stream_that_never_came_is_absent),
		cmocka_unit_test(test_it_is_good_with_its_first_part),
		cmocka_unit_test(test_it_is_left_when_two_parts_are_missing),
		cmocka_unit_test(test_it_comes_back_after_two_seconds_of_good_frames),
		cmocka_unit_test(test_a_heap_of_old_parts_does_not_bring_it_back),
		cmocka_unit_test(test_a_hole_begins_the_good_frames_anew),
		cmocka_unit_test(test_a_hole_does_not_matter_while_it_is_good),
		cmocka_unit_test(test_it_comes_back_after_five_seconds_when_it_drops_again_within_a_minute),
		cmocka_unit_test(test_a_minute_of_good_frames_makes_up_for_a_drop),
		cmocka_unit_test(test_a_drop_while_it_returns_is_no_second_one),
		cmocka_unit_test(test_a_drop_is_seen_when_nobody_asked_meanwhile),
		cmocka_unit_test(test_its_end_is_absence),
		cmocka_unit_test(test_begun_again_within_a_minute_it_must_prove_itself),
		cmocka_unit_test(test_begun_again_later_it_is_a_new_one),
		cmocka_unit_test(test_what_does_not_fit_is_a_misfit_while_it_comes),
		cmocka_unit_test(test_taken_down_it_stays_away_until_it_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
