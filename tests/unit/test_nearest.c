/* SPDX-License-Identifier: Apache-2.0 */
#include "config/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void counts_edits(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		unsigned want;
	} rows[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "listen", "listen", 0 },
		{ "LISTEN", "listen", 0 },
		{ "lisetn", "listen", 1 },
		{ "listn", "listen", 1 },
		{ "listenn", "listen", 1 },
		{ "lusten", "listen", 1 },
		{ "kitten", "sitting", 3 },
		{ "ab", "ba", 1 },
		{ "abcd", "wxyz", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(nearest_distance(rows[i].a, rows[i].b), rows[i].want);
}

static void long_words_are_cut(void **state)
{
	char a[1000];
	char b[1000];

	(void)state;
	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'b', sizeof(b) - 1);
	a[999] = '\0';
	b[999] = '\0';
	assert_int_equal(nearest_distance(a, b), NEAREST_MAX_LEN);
}

static void short_words_must_be_nearer(void **state)
{
	(void)state;
	assert_true(nearest_is_close("srt", 1));
	assert_false(nearest_is_close("srt", 2));
	assert_true(nearest_is_close("listen", 2));
	assert_false(nearest_is_close("listen", 3));
	assert_true(nearest_is_close("segment_ms", 3));
	assert_false(nearest_is_close("segment_ms", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_edits),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(short_words_must_be_nearer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
