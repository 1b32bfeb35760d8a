/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void windows_decide(void **state)
{
	static const struct {
		struct plan_window windows[3];
		size_t n;
		int64_t now_ms;
		enum key_verdict want;
		int want_index; /* -1: none */
	} rows[] = {
		{ { { 0 } }, 0, 500, KEY_REVOKED, -1 },
		{ { { 0, 0, false } }, 1, 500, KEY_OPEN, 0 },
		{ { { 100, 200, false } }, 1, 99, KEY_EARLY, 0 },
		{ { { 100, 200, false } }, 1, 100, KEY_OPEN, 0 },
		{ { { 100, 200, false } }, 1, 199, KEY_OPEN, 0 },
		{ { { 100, 200, false } }, 1, 200, KEY_EXPIRED, 0 },
		{ { { 100, 0, false } }, 1, INT64_MAX, KEY_OPEN, 0 },
		{ { { 0, 200, false } }, 1, 0, KEY_OPEN, 0 },
		/* between two: the next to come, whatever the order in the plan */
		{ { { 100, 200, false }, { 300, 400, false }, { 500, 600, false } }, 3, 250, KEY_EARLY, 1 },
		{ { { 500, 600, false }, { 300, 400, false }, { 100, 200, false } }, 3, 250, KEY_EARLY, 1 },
		{ { { 100, 200, false }, { 300, 400, false } }, 2, 900, KEY_EXPIRED, 1 },
		{ { { 300, 400, false }, { 100, 200, false } }, 2, 900, KEY_EXPIRED, 0 },
		/* the open one wins over the one to come and the one that was */
		{ { { 500, 600, false }, { 100, 200, false }, { 300, 400, true } }, 3, 350, KEY_OPEN, 2 },
		/* a broadcast before a rehearsal */
		{ { { 0, 0, true }, { 100, 200, false } }, 2, 150, KEY_OPEN, 1 },
		{ { { 100, 200, false }, { 0, 0, true } }, 2, 150, KEY_OPEN, 0 },
		{ { { 100, 200, false }, { 0, 0, true } }, 2, 200, KEY_OPEN, 1 },
		/* then the one that ends last */
		{ { { 100, 200, false }, { 120, 300, false }, { 130, 250, false } }, 3, 150, KEY_OPEN, 1 },
		{ { { 100, 0, false }, { 120, 300, false } }, 2, 150, KEY_OPEN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan_window windows[3];
		struct plan_key key = { .windows = windows, .n_windows = rows[i].n };
		const struct plan_window *window = NULL;

		memcpy(windows, rows[i].windows, sizeof(windows));
		assert_int_equal(plan_window_at(&key, rows[i].now_ms, &window), rows[i].want);
		assert_ptr_equal(window, rows[i].want_index < 0 ? NULL : &windows[rows[i].want_index]);
		assert_int_equal(plan_window_at(&key, rows[i].now_ms, NULL), rows[i].want);
	}
}

/* Computed with another implementation of BLAKE2b. */
static void hashes_are_blake2b_256(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* NULL: no plan would accept it */
	} rows[] = {
		{ "abcdefghijklmnop", "b9cee80dd600741fbbc55deb76ab4a8f5bddf1bfe6ee1eeed4936d7896ecac1c" },
		{ "A-Z.a_z~0123456789", "82921b22058d67be3e53862e0ff159f84cc31701c2e192fe42d06b14021bdc84" },
		{ "", NULL },
		{ "abcdefghijklmno", NULL },
		{ "abcdefghijklmnop/", NULL },
		{ "abcdefghijklm nop", NULL },
		{ "abcdefghijklmnop?x", NULL },
		{ "abcdefghijklmnop,m=publish", NULL },
		{ "漁火漁火漁火漁火", NULL },
	};
	char long_text[130];
	char hex[PLAN_HASH_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(plan_hash_key(rows[i].text, hex), rows[i].want ? 0 : -EINVAL);
		if (rows[i].want)
			assert_string_equal(hex, rows[i].want);
	}
	memset(long_text, 'k', sizeof(long_text));
	long_text[129] = '\0';
	assert_int_equal(plan_hash_key(long_text, hex), -EINVAL);
	long_text[128] = '\0';
	assert_int_equal(plan_hash_key(long_text, hex), 0);
	assert_false(plan_key_text_is_valid("abcdefghijklmno\0", 16));
}

static void generated_keys_are_base32_and_differ(void **state)
{
	char keys[64][PLAN_KEY_TEXT_SIZE];
	unsigned seen[26] = { 0 };

	(void)state;
	for (size_t i = 0; i < 64; i++) {
		plan_key_generate(keys[i]);
		assert_int_equal(strlen(keys[i]), PLAN_KEY_TEXT_SIZE - 1);
		assert_int_equal(strspn(keys[i], "abcdefghijklmnopqrstuvwxyz234567"), PLAN_KEY_TEXT_SIZE - 1);
		/* 25 characters carry 125 bits, the last one 3 and two zeros */
		assert_non_null(strchr("aeimquy4", keys[i][25]));
		assert_true(plan_key_text_is_valid(keys[i], strlen(keys[i])));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
		for (size_t k = 0; k < 26; k++)
			seen[k] |= keys[i][k] != keys[0][k];
	}
	for (size_t k = 0; k < 26; k++)
		assert_int_equal(seen[k], 1);
}

static void finds_the_key_and_no_other(void **state)
{
	struct plan *plan = plan_create();
	char texts[5][PLAN_KEY_TEXT_SIZE];

	assert_non_null(plan);
	(void)state;
	assert_non_null(plan);
	assert_null(plan_key_find(plan, "abcdefghijklmnop", 16));
	plan->keys = calloc(5, sizeof(plan->keys[0]));
	assert_non_null(plan->keys);
	plan->n_keys = 5;
	for (size_t i = 0; i < 5; i++) {
		plan_key_generate(texts[i]);
		plan_hash(plan->keys[i].hash, texts[i], strlen(texts[i]));
	}
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(plan_key_find(plan, texts[i], strlen(texts[i])), &plan->keys[i]);
	assert_null(plan_key_find(plan, texts[0], 25));
	assert_null(plan_key_find(plan, texts[0], 27));
	assert_null(plan_key_find(plan, "", 0));
	plan_unref(plan);
}

static void sorts_and_finds_by_id(void **state)
{
	static const char *const ids[] = { "tanaka", "a", "suzuki", "a.b", "z" };
	struct plan *plan = plan_create();

	assert_non_null(plan);
	(void)state;
	assert_non_null(plan);
	assert_null(plan_stream_find(plan, "a"));
	assert_null(plan_channel_find(plan, "a"));
	assert_null(plan_clip_find(plan, "a"));
	plan->streams = calloc(5, sizeof(plan->streams[0]));
	assert_non_null(plan->streams);
	plan->n_streams = 5;
	for (size_t i = 0; i < 5; i++)
		strcpy(plan->streams[i].id, ids[i]);
	plan_sort(plan);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(plan_stream_find(plan, ids[i])->id, ids[i]);
	assert_null(plan_stream_find(plan, "tanak"));
	assert_null(plan_stream_find(plan, "tanaka~rehearsal"));
	assert_null(plan_stream_find(plan, ""));
	plan_unref(plan);
}

static void what_is_taken_down_is_so_up_to_a_time(void **state)
{
	static const struct {
		const char *id;
		int64_t wall_ms;
		bool want;
	} rows[] = {
		{ "tanaka", 999, true },
		{ "tanaka", 1000, false },
		{ "tanaka", -1, true }, /* nobody knows when */
		{ "tanaka~rehearsal", 999, true },
		{ "tanaka~rehearsal", 1000, false },
		{ "tanak", 0, false },
		{ "tanaka2", 0, false },
		{ "clip-3", 499, true },
		{ "clip-3", 500, false },
		{ "", 0, false },
		{ "~rehearsal", 0, false },
		{ "a23456789012345678901234567890123456789012345678901234567890123456789", 0, false },
	};
	struct plan *plan = plan_create();

	(void)state;
	assert_non_null(plan);
	assert_false(plan_is_taken_down(plan, "tanaka", 0));
	plan->taken_down = calloc(2, sizeof(plan->taken_down[0]));
	assert_non_null(plan->taken_down);
	plan->n_taken_down = 2;
	plan->taken_down[0] = (struct plan_take_down){ "tanaka", 1000 };
	plan->taken_down[1] = (struct plan_take_down){ "clip-3", 500 };
	plan_sort(plan);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (plan_is_taken_down(plan, rows[i].id, rows[i].wall_ms) != rows[i].want)
			fail_msg("%s at %lld", rows[i].id, (long long)rows[i].wall_ms);
	}
	plan_unref(plan);
}

static void lives_until_the_last_unref(void **state)
{
	struct plan *plan = plan_create();

	assert_non_null(plan);
	(void)state;
	assert_non_null(plan);
	assert_ptr_equal(plan_ref(plan), plan);
	plan_unref(plan);
	assert_int_equal(plan->rev, 0);
	plan_unref(plan);
	plan_unref(NULL);
	assert_null(plan_ref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_decide),
		cmocka_unit_test(hashes_are_blake2b_256),
		cmocka_unit_test(generated_keys_are_base32_and_differ),
		cmocka_unit_test(finds_the_key_and_no_other),
		cmocka_unit_test(sorts_and_finds_by_id),
		cmocka_unit_test(what_is_taken_down_is_so_up_to_a_time),
		cmocka_unit_test(lives_until_the_last_unref),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
