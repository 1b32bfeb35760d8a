/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void looks_only_outside_of_strings(void **state)
{
	static const struct {
		const char *text;
		enum plan_scan_result want;
		unsigned line;
		unsigned column;
	} rows[] = {
		{ "", PLAN_SCAN_OK, 0, 0 },
		{ "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", PLAN_SCAN_OK, 0, 0 },
		{ "[[[[[[[[[[[[[[[[[", PLAN_SCAN_TOO_DEEP, 1, 17 },
		{ "{\n\"漁火\": [[[[[[[[[[[[[[[[", PLAN_SCAN_TOO_DEEP, 2, 22 },
		{ "\"[[[[[[[[[[[[[[[[[[[[[[[[[\"", PLAN_SCAN_OK, 0, 0 },
		{ "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[\"", PLAN_SCAN_OK, 0, 0 },
		{ "\"\\\\\"[[[[[[[[[[[[[[[[[[[[", PLAN_SCAN_TOO_DEEP, 1, 21 },
		{ "[][][][][][][][][][][][][][][][][][][][][]", PLAN_SCAN_OK, 0, 0 },
		{ "]]]]]]]]]]]]]]]]]]]]]]]]]]]][", PLAN_SCAN_OK, 0, 0 },
		{ "\"unterminated", PLAN_SCAN_OK, 0, 0 },
		{ "\"\\", PLAN_SCAN_OK, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan_scan_place place = { 0 };

		assert_int_equal(plan_scan(rows[i].text, strlen(rows[i].text), &place), rows[i].want);
		assert_int_equal(place.line, rows[i].line);
		assert_int_equal(place.column, rows[i].column);
	}
}

static void counts_values(void **state)
{
	static const struct {
		const char *unit;
		size_t n;
		enum plan_scan_result want;
	} rows[] = {
		{ "[]", PLAN_MAX_CONTAINERS, PLAN_SCAN_OK },
		{ "[]", PLAN_MAX_CONTAINERS + 1, PLAN_SCAN_TOO_MANY },
		{ "0,", PLAN_MAX_VALUES, PLAN_SCAN_OK },
		{ "0,", PLAN_MAX_VALUES + 1, PLAN_SCAN_TOO_MANY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = malloc(rows[i].n * 2);
		struct plan_scan_place place;

		assert_non_null(text);
		for (size_t j = 0; j < rows[i].n; j++)
			memcpy(text + 2 * j, rows[i].unit, 2);
		assert_int_equal(plan_scan(text, rows[i].n * 2, &place), rows[i].want);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_only_outside_of_strings),
		cmocka_unit_test(counts_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
