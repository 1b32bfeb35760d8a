/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_restart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

struct death {
	int64_t now_ms;
	int64_t running_ms;
	int32_t want_ms;
};

static void check(const struct death *deaths, size_t n)
{
	struct restart restart = { 0 };

	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    restart_after_death(&restart, deaths[i].now_ms, deaths[i].running_ms), deaths[i].want_ms);
}

static void the_delay_doubles_and_five_in_a_minute_are_too_many(void **state)
{
	const struct death deaths[] = {
		{ 100000, 100, 200 },
		{ 100300, 100, 400 },
		{ 100800, 100, 800 },
		{ 101700, 100, 1600 },
		{ 103400, 100, -1 },
	};

	(void)state;
	check(deaths, ARRAY_LEN(deaths));
}

static void early_clocks_are_no_deaths(void **state)
{
	const struct death deaths[] = { { 10, 1, 200 }, { 20, 1, 400 }, { 30, 1, 800 }, { 40, 1, 1600 },
		{ 50, 1, -1 } };

	(void)state;
	check(deaths, ARRAY_LEN(deaths));
}

static void the_delay_ends_at_five_seconds(void **state)
{
	const struct death deaths[] = {
		{ 0, 15000, 200 },
		{ 16000, 15000, 400 },
		{ 32000, 15000, 800 },
		{ 48000, 15000, 1600 },
		{ 64000, 15000, 3200 },
		{ 80000, 15000, 5000 },
		{ 96000, 15000, 5000 },
	};

	(void)state;
	check(deaths, ARRAY_LEN(deaths));
}

static void a_good_minute_is_a_new_beginning(void **state)
{
	const struct death deaths[] = {
		{ 1000, 10, 200 },
		{ 2000, 10, 400 },
		{ 3000, 10, 800 },
		{ 64000, 60000, 200 },
		{ 64500, 10, 400 },
		{ 65000, 10, 800 },
		{ 66000, 10, 1600 },
		{ 68000, 10, -1 },
	};

	(void)state;
	check(deaths, ARRAY_LEN(deaths));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_delay_doubles_and_five_in_a_minute_are_too_many),
		cmocka_unit_test(early_clocks_are_no_deaths),
		cmocka_unit_test(the_delay_ends_at_five_seconds),
		cmocka_unit_test(a_good_minute_is_a_new_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
