/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_check.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/plan_parse.h"

/* A copy without a NUL behind it, whose end AddressSanitizer watches. */
static int parse(struct plan **plan, const char *text, size_t len, struct config_errors *errors)
{
	char *copy = malloc(len > 0 ? len : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, text, len);
	config_errors_init(errors);
	result = plan_parse(plan, copy, len, "p.json", errors);
	free(copy);
	return result;
}

/* Through plan_parse(), which calls plan_check(): paths must count as the file does. */
static void rules_between_the_parts(void **state)
{
	static const struct {
		const char *text;
		const char *want_where; /* empty: all is well */
		const char *want_en;
	} rows[] = { { "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"a\"}]}",
			 "streams[2].id", "streams[0]" },
		{ "{\"isaribi_plan\":1,\"clips\":[{\"id\":\"a\",\"recording\":\"r\"},{\"id\":\"a\",\"recording\":\"r\"}"
		  "]}",
		    "clips[1].id", "clips[0]" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"a\"},{\"id\":\"a\"}]}", "channels[1].id",
		    "channels[0]" },
		{ "{\"isaribi_plan\":1,\"taken_down\":[{\"id\":\"a\",\"before\":1},{\"id\":\"a\",\"before\":2}]}",
		    "taken_down[1].id", "taken_down[0]" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop1\"},{\"id\":"
		  "\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop2\"}]}",
		    "keys[1].id", "keys[0]" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"},{\"id\":"
		  "\"l\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "keys[1]", "same key as keys[0]" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"},{\"id\":"
		  "\"l\",\"stream\":\"t\",\"hash\":"
		  "\"b9cee80dd600741fbbc55deb76ab4a8f5bddf1bfe6ee1eeed4936d7896ecac1c\"}]}",
		    "keys[1]", "same key as keys[0]" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"abcdefghijklmnop\",\"key\":"
		  "\"abcdefghijklmnop\"}]}",
		    "keys[0].stream", "also a key" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"abcdefghijklmnop\",\"stream\":\"s\",\"key\":"
		  "\"abcdefghijklmnop\"}]}",
		    "keys[0].id", "also a key" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"hash\":"
		  "\"b9cee80dd600741fbbc55deb76ab4a8f5bddf1bfe6ee1eeed4936d7896ecac1c\"}],\"streams\":[{\"id\":\"x\"},{"
		  "\"id\":\"abcdefghijklmnop\"}]}",
		    "streams[1].id", "also a key" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}],"
		  "\"channels\":[{\"id\":\"abcdefghijklmnop\"}]}",
		    "channels[0].id", "also a key" },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}],"
		  "\"pulls\":[{\"stream\":\"abcdefghijklmnop\",\"url\":\"srt://h:1\"}]}",
		    "pulls[0].stream", "also a key" },
		{ "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://"
		  "h:1\"},{\"stream\":\"a\",\"url\":\"srt://h:2\"}]}",
		    "pulls[1].stream", "pulls[0]" },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://"
		  "h:1\"},{\"stream\":\"b\",\"url\":\"srt://h:1\"},{\"stream\":\"a\",\"url\":\"srt://h:1\"}]}",
		    "pushes[2]", "pushes[0]" },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://"
		  "h:1\"},{\"stream\":\"a\",\"url\":\"srt://h:2\"}]}",
		    "", "" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\"},{\"id\":\"d\",\"on_air\":[{\"from\":1,\"until\":5,"
		  "\"stream\":\"a\"},{\"from\":4,\"until\":9,\"stream\":\"b\"}]}]}",
		    "channels[1].on_air[1]", "overlaps with on_air[0]" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"d\",\"on_air\":[{\"from\":5,\"until\":9,\"stream\":"
		  "\"a\"},{\"from\":1,\"until\":5,\"stream\":\"b\"}]}]}",
		    "", "" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"d\",\"on_air\":[{\"from\":6,\"until\":9,\"stream\":"
		  "\"a\"},{\"from\":1,\"stream\":\"b\"}]}]}",
		    "channels[0].on_air[0]", "overlaps with on_air[1]" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"d\",\"on_air\":[{\"from\":1,\"until\":9,\"stream\":"
		  "\"a\"},{\"from\":2,\"until\":3,\"stream\":\"b\"},{\"from\":9,\"until\":12,\"stream\":\"b\"}]}]}",
		    "channels[0].on_air[1]", "overlaps with on_air[0]" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"d\",\"on_air\":[{\"stream\":\"a\"},{\"from\":2,"
		  "\"until\":3,\"stream\":\"a\"}]}]}",
		    "channels[0].on_air[1]", "overlaps with on_air[0]" },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"on_air\":[{\"from\":1,\"until\":5,\"stream\":"
		  "\"a\"}]},{\"id\":\"d\",\"on_air\":[{\"from\":1,\"until\":5,\"stream\":\"a\"}]}]}",
		    "", "" },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\"}],\"channels\":[{\"id\":\"a\"}],\"clips\":[{\"id\":"
		  "\"a\",\"recording\":\"a\"}]}",
		    "", "" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct plan *plan = NULL;
		bool is_good = rows[i].want_where[0] == '\0';

		assert_int_equal(parse(&plan, rows[i].text, strlen(rows[i].text), &errors), is_good ? 0 : -EINVAL);
		assert_int_equal(errors.total, is_good ? 0 : 1);
		if (!is_good) {
			assert_string_equal(errors.list[0].where, rows[i].want_where);
			assert_non_null(strstr(errors.list[0].en, rows[i].want_en));
			assert_true(errors.list[0].ja[0] != '\0');
		}
		plan_unref(plan);
	}
}

/* The first goes on after the second is over. */
static void a_long_slot_holds_the_channel_to_its_end(void **state)
{
	static const char text[] =
	    "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"on_air\":["
	    "{\"from\":1,\"until\":9,\"stream\":\"a\"},{\"from\":2,\"until\":3,\"stream\":\"b\"},"
	    "{\"from\":5,\"until\":8,\"stream\":\"c\"}]}]}";
	struct config_errors errors;
	struct plan *plan = NULL;

	(void)state;
	assert_int_equal(parse(&plan, text, sizeof(text) - 1, &errors), -EINVAL);
	assert_int_equal(errors.total, 2);
	assert_string_equal(errors.list[1].where, "channels[0].on_air[2]");
	assert_non_null(strstr(errors.list[1].en, "on_air[0]"));
}

static void an_empty_plan_is_fine(void **state)
{
	struct plan *plan = plan_create();
	struct config_errors errors;

	assert_non_null(plan);
	(void)state;
	assert_non_null(plan);
	config_errors_init(&errors);
	assert_int_equal(plan_check(plan, NULL, &errors), 0);
	plan_unref(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_between_the_parts),
		cmocka_unit_test(a_long_slot_holds_the_channel_to_its_end),
		cmocka_unit_test(an_empty_plan_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
