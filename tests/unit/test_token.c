/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

static const char view_key[] = "0123456789abcdef0123456789abcdef";
static const int64_t until_ms = INT64_C(1790003600000);

static enum token_verdict ask(const char *key, const char *stream, const char *text, size_t len, int64_t now_ms)
{
	const struct token_question question = { key, stream, text, len, now_ms };

	return token_check(&question, NULL);
}

static enum token_verdict ask_text(const char *text)
{
	return ask(view_key, "tanaka", text, strlen(text), 0);
}

static void what_was_made_is_good_until_it_expires(void **state)
{
	static const int64_t times_ms[] = { 1, 15, 16, 255, INT64_C(1790003600000), (INT64_C(1) << 60) - 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times_ms); i++) {
		char text[TOKEN_TEXT_SIZE];
		struct token_question question = { view_key, "tanaka", text, 0, times_ms[i] - 1 };
		int64_t until = 0;

		token_make(view_key, "tanaka", times_ms[i], text);
		question.len = strlen(text);
		assert_int_equal(token_check(&question, &until), TOKEN_GOOD);
		assert_int_equal(until, times_ms[i]);
		question.now_ms = times_ms[i];
		assert_int_equal(token_check(&question, &until), TOKEN_EXPIRED);
	}
}

static void it_is_for_one_stream_and_of_one_key(void **state)
{
	static const char *const others[] = { "", "tanak", "tanakb", "tanaka2", "Tanaka", "tanaka~rehearsal", "anaka" };
	char text[TOKEN_TEXT_SIZE];

	(void)state;
	token_make(view_key, "tanaka", until_ms, text);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(ask(view_key, others[i], text, strlen(text), 0), TOKEN_BAD);
	assert_int_equal(ask("0123456789abcdef0123456789abcdeg", "tanaka", text, strlen(text), 0), TOKEN_BAD);
	assert_int_equal(ask("0123456789abcdef0123456789abcde", "tanaka", text, strlen(text), 0), TOKEN_BAD);
	assert_int_equal(ask(NULL, "tanaka", text, strlen(text), 0), TOKEN_BAD);
	assert_int_equal(ask(view_key, "tanaka", NULL, 0, 0), TOKEN_BAD);
	/* Also when it has expired: a stranger learns nothing. */
	assert_int_equal(ask(view_key, "suzuki", text, strlen(text), until_ms + 1), TOKEN_BAD);
}

static void every_change_of_one_character_is_refused(void **state)
{
	char text[TOKEN_TEXT_SIZE];
	size_t len;

	(void)state;
	token_make(view_key, "tanaka", until_ms, text);
	len = strlen(text);
	assert_int_equal(ask_text(text), TOKEN_GOOD);
	for (size_t i = 0; i < len; i++) {
		const char right = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			assert_int_equal(
			    ask(view_key, "tanaka", text, len, 0), (char)c == right ? TOKEN_GOOD : TOKEN_BAD);
		}
		text[i] = right;
	}
}

static void only_the_right_length_is_read(void **state)
{
	char text[2 * TOKEN_TEXT_SIZE] = "";
	size_t len;

	(void)state;
	token_make(view_key, "tanaka", until_ms, text);
	len = strlen(text);
	for (size_t n = 0; n <= len + 10; n++)
		assert_int_equal(ask(view_key, "tanaka", text, n, 0), n == len ? TOKEN_GOOD : TOKEN_BAD);
	/* It need not be terminated. */
	memset(text + len, 'a', sizeof(text) - len);
	assert_int_equal(ask(view_key, "tanaka", text, len, 0), TOKEN_GOOD);
}

static void other_spellings_are_refused(void **state)
{
	char text[TOKEN_TEXT_SIZE];
	char other[2 * TOKEN_TEXT_SIZE];

	(void)state;
	token_make(view_key, "tanaka", until_ms, text);
	for (size_t i = 0; text[i]; i++) {
		memcpy(other, text, sizeof(text));
		if (text[i] >= 'a' && text[i] <= 'f') {
			other[i] = (char)(text[i] - 'a' + 'A');
			assert_int_equal(ask_text(other), TOKEN_BAD);
		}
	}
	snprintf(other, sizeof(other), "0%s", text);
	assert_int_equal(ask_text(other), TOKEN_BAD);
	snprintf(other, sizeof(other), "+%s", text);
	assert_int_equal(ask_text(other), TOKEN_BAD);
	assert_int_equal(ask_text(""), TOKEN_BAD);
	assert_int_equal(ask_text("-"), TOKEN_BAD);
	assert_int_equal(ask_text("1-"), TOKEN_BAD);
	assert_int_equal(ask_text("-00000000000000000000000000000000"), TOKEN_BAD);
	assert_int_equal(ask_text("fffffffffffffffff-00000000000000000000000000000000"), TOKEN_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_made_is_good_until_it_expires),
		cmocka_unit_test(it_is_for_one_stream_and_of_one_key),
		cmocka_unit_test(every_change_of_one_character_is_refused),
		cmocka_unit_test(only_the_right_length_is_read),
		cmocka_unit_test(other_spellings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
