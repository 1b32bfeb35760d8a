/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/placement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LOOPS = 3 };

static struct placement placement;

static int set_up(void **state)
{
	(void)state;
	placement_init(&placement, LOOPS, UINT32_MAX);
	return 0;
}

static void place(unsigned n, unsigned expected)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(placement_of_connection(&placement), expected);
}

static void the_first_loop_is_filled_before_the_second(void **state)
{
	(void)state;
	place(PLACEMENT_ENOUGH_CONNECTIONS, 0);
	place(PLACEMENT_ENOUGH_CONNECTIONS, 1);
	place(PLACEMENT_ENOUGH_CONNECTIONS, 2);
	/* All have enough: in turn. */
	place(1, 0);
	place(1, 1);
	place(1, 2);
}

static void who_leaves_makes_room(void **state)
{
	(void)state;
	place(PLACEMENT_ENOUGH_CONNECTIONS, 0);
	place(1, 1);
	placement_connection_gone(&placement, 0);
	place(1, 0);
	place(1, 1);
}

static void a_busy_loop_is_passed_over(void **state)
{
	(void)state;
	place(1, 0);
	placement_note_busy(&placement, 0, PLACEMENT_FULL_PERMILLE);
	place(1, 1);
	placement_note_busy(&placement, 1, 1000);
	place(1, 2);
	placement_note_busy(&placement, 2, 1000);
	/* Nobody is idle: where there is least. */
	place(1, 0);
	place(1, 1);
	place(1, 2);
	placement_note_busy(&placement, 0, PLACEMENT_FULL_PERMILLE - 1);
	place(5, 0);
}

static void no_loop_is_sent_more_than_it_takes(void **state)
{
	(void)state;
	placement_init(&placement, LOOPS, 2);
	place(2, 0);
	place(2, 1);
	place(2, 2);
}

static void a_stream_stays_at_home(void **state)
{
	(void)state;
	assert_int_equal(placement_of_stream(&placement, 7), 0);
	placement_note_busy(&placement, 0, 1000);
	assert_int_equal(placement_of_stream(&placement, 8), 1);
	assert_int_equal(placement_of_stream(&placement, 7), 0);
	assert_int_equal(placement_of_stream(&placement, 7 + PLACEMENT_HOMES), 0);
	placement_note_busy(&placement, 0, 0);
	assert_int_equal(placement_of_stream(&placement, 8), 1);
}

static void many_streams_do_not_all_live_on_one_loop(void **state)
{
	unsigned counts[LOOPS] = { 0 };

	(void)state;
	for (uint32_t hash = 0; hash < PLACEMENT_HOMES; hash++)
		counts[placement_of_stream(&placement, hash)]++;
	assert_in_range(counts[0], PLACEMENT_ENOUGH_HOMES, PLACEMENT_HOMES / LOOPS + 1);
	assert_in_range(counts[LOOPS - 1], PLACEMENT_ENOUGH_HOMES, PLACEMENT_HOMES / LOOPS + 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_loop_is_filled_before_the_second),
		TEST(who_leaves_makes_room),
		TEST(a_busy_loop_is_passed_over),
		TEST(no_loop_is_sent_more_than_it_takes),
		TEST(a_stream_stays_at_home),
		TEST(many_streams_do_not_all_live_on_one_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
