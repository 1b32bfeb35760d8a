/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void formats_what_is_known(void **state)
{
	static const struct {
		const char *file;
		unsigned line;
		unsigned column;
		const char *where;
		const char *want;
	} rows[] = {
		{ "a.conf", 3, 7, "[rtmp] listen", "a.conf:3:7: [rtmp] listen: だめ\na.conf:3:7: [rtmp] listen: bad" },
		{ "a.conf", 3, 0, "", "a.conf:3: だめ\na.conf:3: bad" },
		{ "a.json", 0, 0, "keys[3].id", "a.json: keys[3].id: だめ\na.json: keys[3].id: bad" },
		{ NULL, 0, 0, "ISARIBI_LOG_LEVEL", "ISARIBI_LOG_LEVEL: だめ\nISARIBI_LOG_LEVEL: bad" },
		{ NULL, 0, 0, "", "だめ\nbad" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct config_error *err;
		char text[512];

		config_errors_init(&errors);
		err = config_errors_add(&errors, rows[i].file);
		err->line = rows[i].line;
		err->column = rows[i].column;
		config_error_where(err, "%s", rows[i].where);
		config_error_ja(err, "だめ");
		config_error_en(err, "bad");
		(void)config_error_format(err, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

static void counts_what_no_longer_fits(void **state)
{
	struct config_errors errors;

	(void)state;
	config_errors_init(&errors);
	for (unsigned i = 0; i < 40; i++) {
		struct config_error *err = config_errors_add(&errors, "f");

		assert_non_null(err);
		err->line = i + 1;
	}
	assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
	assert_int_equal(errors.total, 40);
	assert_int_equal(errors.list[15].line, 16);
}

static void cuts_at_whole_characters(void **state)
{
	struct config_errors errors;
	struct config_error *err;
	char quoted[CONFIG_QUOTE_SIZE];
	char fishing[301] = "";

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		strcat(fishing, "漁");
	config_errors_init(&errors);
	err = config_errors_add(&errors, fishing);
	assert_int_equal(strlen(err->file) % 3, 0);
	config_error_ja(err, "a%s", fishing);
	assert_int_equal(strlen(err->ja), 1 + 84 * 3);
	config_error_ja(err, "aaaa%s", fishing);
	assert_int_equal(strlen(err->ja), 4 + 83 * 3);
	config_error_quote(quoted, fishing);
	assert_int_equal(strlen(quoted) % 3, 0);
	assert_string_equal(quoted + strlen(quoted) - 3, "...");
	assert_string_equal(config_error_quote(quoted, "a\nb\x7f\x1b[2J"), "a?b??[2J");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_what_is_known),
		cmocka_unit_test(counts_what_no_longer_fits),
		cmocka_unit_test(cuts_at_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
