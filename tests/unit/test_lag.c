/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/lag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };

static void test_time_counts_from_arrival_or_start(void **state)
{
	struct lag lag = { 0 };

	(void)state;
	lag_start(&lag, 100 * SECOND_US);
	/* What waited before the start does not count. */
	assert_false(lag_is_behind(&lag, 10 * SECOND_US, 1, 100 * SECOND_US + LAG_MAX_US));
	assert_true(lag_is_behind(&lag, 10 * SECOND_US, 1, 100 * SECOND_US + LAG_MAX_US + 1));
	assert_false(lag_is_behind(&lag, 103ll * SECOND_US, 1, 103ll * SECOND_US + LAG_MAX_US));
	assert_true(lag_is_behind(&lag, 103ll * SECOND_US, 1, 103ll * SECOND_US + LAG_MAX_US + 1));
}

static void test_bytes_count_after_the_start_only(void **state)
{
	struct lag lag = { 0 };

	(void)state;
	lag_start(&lag, 0);
	assert_false(lag_is_behind(&lag, 0, LAG_MAX_BYTES + 1, LAG_MAX_US));
	assert_false(lag_is_behind(&lag, 6 * SECOND_US, LAG_MAX_BYTES, 7 * SECOND_US));
	assert_true(lag_is_behind(&lag, 6 * SECOND_US, LAG_MAX_BYTES + 1, 7 * SECOND_US));
}

static void test_third_skip_within_a_minute_is_the_last(void **state)
{
	struct lag lag = { 0 };

	(void)state;
	assert_false(lag_skip(&lag, 10ll * SECOND_US));
	assert_false(lag_skip(&lag, 40ll * SECOND_US));
	assert_false(lag_skip(&lag, 70ll * SECOND_US + 1));
	assert_true(lag_skip(&lag, 100ll * SECOND_US));
	assert_int_equal(lag.n_skips, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time_counts_from_arrival_or_start),
		cmocka_unit_test(test_bytes_count_after_the_start_only),
		cmocka_unit_test(test_third_skip_within_a_minute_is_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
