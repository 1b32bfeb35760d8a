/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/call_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/attr.h"

static uint32_t pick(void *arg)
{
	return *(const uint32_t *)arg;
}

/* chance: 0 is the shortest wait; the longest is 2 * span, which a fifth of each wait gives. */
static void waits_twice_as_long_each_time(void **state)
{
	static const uint32_t want_ms[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000 };

	(void)state;
	for (size_t i = 0; i < 3; i++) { /* shortest, even, longest */
		uint32_t chance = 0;
		struct call_rules rules;

		call_rules_init(&rules, pick, &chance);
		for (size_t j = 0; j < ARRAY_LEN(want_ms); j++) {
			uint32_t span_ms = want_ms[j] / 5;

			chance = (uint32_t)i * span_ms;
			assert_int_equal(
			    call_rules_ended(&rules, (int64_t)j * 40000), want_ms[j] - span_ms + (uint32_t)i * span_ms);
		}
	}
}

static void never_leaves_its_fifth(void **state)
{
	static const uint32_t chances[] = { 0, 1, 400, 401, 123456789, UINT32_MAX - 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chances); i++) {
		uint32_t chance = chances[i];
		struct call_rules rules;

		call_rules_init(&rules, pick, &chance);
		assert_in_range(call_rules_ended(&rules, 0), 800, 1200);
	}
}

static void begins_anew_after_a_good_minute(void **state)
{
	static const struct {
		int64_t lasted_ms;
		uint32_t want_ms;
	} rows[] = { { 0, 4000 }, { 59999, 4000 }, { 60000, 1000 }, { 3600000, 1000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint32_t chance = 0;
		struct call_rules rules;

		call_rules_init(&rules, pick, &chance);
		(void)call_rules_ended(&rules, 100);
		(void)call_rules_ended(&rules, 1100);
		call_rules_connected(&rules, 5000);
		chance = rows[i].want_ms / 5; /* the middle */
		assert_int_equal(call_rules_ended(&rules, 5000 + rows[i].lasted_ms), rows[i].want_ms);
		/* A call that fails is no connection, however long it took. */
		chance = 2 * rows[i].want_ms / 5;
		assert_int_equal(call_rules_ended(&rules, 9000000), 2 * rows[i].want_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_twice_as_long_each_time),
		cmocka_unit_test(never_leaves_its_fifth),
		cmocka_unit_test(begins_anew_after_a_good_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
