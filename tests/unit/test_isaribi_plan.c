/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "config/plan.h"
#include "config/plan_parse.h"

static const char view_key[] = "abcdefghijklmnopqrstuvwxyz";

static void is_a_plan_that_knows_its_keys(void **state)
{
	static struct config_errors errors;
	char first[PLAN_KEY_TEXT_SIZE];
	char second[PLAN_KEY_TEXT_SIZE];
	const struct plan_text_key keys[] = { { "live1", first }, { "demo", second } };
	char text[PLAN_TEXT_SIZE];
	struct plan *plan = NULL;
	const struct plan_key *key;

	(void)state;
	plan_key_generate(first);
	plan_key_generate(second);
	for (size_t n = 0; n <= ARRAY_LEN(keys); n++) {
		assert_int_equal(plan_text_format(text, sizeof(text), keys, n, view_key), 0);
		assert_null(strstr(text, first));
		assert_null(strstr(text, second));
		config_errors_init(&errors);
		assert_int_equal(plan_parse(&plan, text, strlen(text), NULL, &errors), 0);
		assert_int_equal(plan->n_keys, n);
		assert_int_equal(plan->n_streams, n);
		assert_string_equal(plan->view_key, view_key);
		key = plan_key_find(plan, second, strlen(second));
		assert_int_equal(key != NULL, n == 2);
		if (key) {
			assert_string_equal(key->stream, "demo");
			assert_int_equal(plan_window_at(key, INT64_C(1790000000000), NULL), KEY_OPEN);
			assert_false(plan_stream_find(plan, "demo")->is_private);
		}
		plan_unref(plan);
	}
}

static void refuses_what_no_plan_could_hold(void **state)
{
	static const struct {
		struct plan_text_key key;
		size_t size_bytes;
		int want;
	} rows[] = {
		{ { "live1", "abcdefghijklmnop" }, PLAN_TEXT_SIZE, 0 },
		{ { "Live", "abcdefghijklmnop" }, PLAN_TEXT_SIZE, -EINVAL },
		{ { "a\"b", "abcdefghijklmnop" }, PLAN_TEXT_SIZE, -EINVAL },
		{ { "live1", "short" }, PLAN_TEXT_SIZE, -EINVAL },
		{ { "live1", "abcdefghijklmnop" }, 200, -ENOSPC },
		{ { "live1", "abcdefghijklmnop" }, 1, -ENOSPC },
	};
	char text[PLAN_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(plan_text_format(text, rows[i].size_bytes, &rows[i].key, 1, view_key), rows[i].want);
}

static void eight_keys_fit(void **state)
{
	struct plan_text_key keys[8];
	char longest[ID_SIZE];
	char text[PLAN_TEXT_SIZE];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		keys[i] = (struct plan_text_key){ longest, "abcdefghijklmnopqrstuvwxyz" };
	assert_int_equal(plan_text_format(text, sizeof(text), keys, ARRAY_LEN(keys), view_key), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_a_plan_that_knows_its_keys),
		cmocka_unit_test(refuses_what_no_plan_could_hold),
		cmocka_unit_test(eight_keys_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
