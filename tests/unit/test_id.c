/* SPDX-License-Identifier: Apache-2.0 */
#include "config/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void follows_the_table(void **state)
{
	static const struct {
		const char *text;
		bool is_valid;
	} rows[] = {
		{ "a", true },
		{ "7", true },
		{ "tanaka", true },
		{ "cam-3_b.x", true },
		{ "", false },
		{ "-a", false },
		{ ".a", false },
		{ "_a", false },
		{ "A", false },
		{ "aB", false },
		{ "a b", false },
		{ "a/b", false },
		{ "tanaka~rehearsal", false },
		{ "@main", false },
		{ "a@b", false },
		{ "..", false },
		{ "漁", false },
		{ "a\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(id_is_valid(rows[i].text, strlen(rows[i].text)), rows[i].is_valid);
	assert_false(id_is_valid("a\0b", 3));
}

static void ends_at_63_characters(void **state)
{
	char text[65];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(id_is_valid(text, 63));
	assert_false(id_is_valid(text, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_table),
		cmocka_unit_test(ends_at_63_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
