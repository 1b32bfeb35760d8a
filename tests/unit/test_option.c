/* SPDX-License-Identifier: Apache-2.0 */
#include "config/option.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"

static void table_is_complete(void **state)
{
	(void)state;
	assert_null(option_table_check());
	assert_true(option_count <= OPTION_MAX_COUNT);
}

static int by_offset(const void *a, const void *b)
{
	const struct option *const *x = a;
	const struct option *const *y = b;

	return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* Every byte of the store belongs to a key, but for the holes that alignment makes. */
static void every_field_has_a_key(void **state)
{
	const struct option *sorted[OPTION_MAX_COUNT];
	size_t end = 0;

	(void)state;
	for (size_t i = 0; i < option_count; i++)
		sorted[i] = &option_table[i];
	qsort(sorted, option_count, sizeof(sorted[0]), by_offset);
	for (size_t i = 0; i < option_count; i++) {
		assert_in_range(sorted[i]->offset, end, end + 3);
		end = sorted[i]->offset + sorted[i]->size_bytes;
	}
	assert_in_range(sizeof(struct options), end, end + 3);
}

static void defaults_are_those_of_the_design(void **state)
{
	struct options o;

	(void)state;
	options_init_defaults(&o);
	assert_string_equal(o.node_name, "island");
	assert_string_equal(o.data_dir, "/var/lib/isaribi");
	assert_int_equal(o.threads, 0);
	assert_int_equal(o.batch_ms, 0);
	assert_int_equal(o.grace_ms, 15000);
	assert_string_equal(o.rtmp_listen.host, "0.0.0.0");
	assert_int_equal(o.rtmp_listen.port, 1935);
	assert_true(o.rtmp_listen.is_on);
	assert_false(o.rtmps_listen.is_on);
	assert_int_equal(o.srt_listen.port, 8890);
	assert_int_equal(o.http_listen.port, 8081);
	assert_int_equal(o.part_ms, 500);
	assert_int_equal(o.segment_ms, 2000);
	assert_int_equal(o.srt_latency_ms, 1500);
	assert_int_equal(o.control_listen.port, 8080);
	assert_string_equal(o.public_url, "");
	assert_int_equal(o.log_level, LOG_INFO);
	options_fini(&o);
}

static void words_of_log_level_are_those_of_the_log(void **state)
{
	static const char *const names[LOG_LEVELS] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};
	const struct option *option = option_find("log", "level");
	int n = 0;

	(void)state;
	for (; option->words[n]; n++) {
		assert_in_range(n, 0, LOG_LEVELS - 1);
		assert_string_equal(option->words[n], names[n]);
	}
	assert_int_equal(n, LOG_LEVELS);
}

static void values(void **state)
{
	static const struct {
		const char *section;
		const char *key;
		const char *text;
		const char *want; /* NULL: refused */
	} rows[] = {
		{ "node", "threads", "0", "0" },
		{ "node", "threads", "256", "256" },
		{ "node", "threads", "257", NULL },
		{ "node", "threads", "-1", NULL },
		{ "node", "threads", "", NULL },
		{ "node", "threads", "-", NULL },
		{ "node", "threads", "4.0", NULL },
		{ "node", "threads", "0x4", NULL },
		{ "node", "threads", "99999999999999999999", NULL },
		{ "node", "threads", "007", "7" },
		{ "node", "name", "tokyo-2", "tokyo-2" },
		{ "node", "name", "", NULL },
		{ "node", "name", "Tokyo", NULL },
		{ "node", "data_dir", "", NULL },
		{ "node", "data_dir", "/srv/漁火 データ", "/srv/漁火 データ" },
		{ "node", "data_dir", "/a\nb", NULL },
		{ "node", "data_dir", "/a ;b", NULL },
		{ "node", "data_dir", "/a;b", "/a;b" },
		{ "node", "data_dir", " /a", NULL },
		{ "site", "public_url", "", "" },
		{ "site", "public_url", "https://live.example.jp", "https://live.example.jp" },
		{ "site", "public_url", "https://live.example.jp/", "https://live.example.jp" },
		{ "site", "public_url", "live.example.jp", NULL },
		{ "site", "public_url", "https://", NULL },
		{ "site", "public_url", "https:///x", NULL },
		{ "site", "public_url", "ftp://a", NULL },
		{ "site", "public_url", "http://a b", NULL },
		{ "site", "control_url", "wss://a/ws/v1", "wss://a/ws/v1" },
		{ "log", "level", "debug", "debug" },
		{ "log", "level", "Debug", NULL },
		{ "log", "level", "", NULL },
		{ "rtmps", "listen", "[::]:1936", "[::]:1936" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct option *option = option_find(rows[i].section, rows[i].key);
		struct config_error err = { 0 };
		struct options o;
		char before[OPTION_TEXT_SIZE];
		char after[OPTION_TEXT_SIZE];

		assert_non_null(option);
		options_init_defaults(&o);
		option_format(&o, option, before, sizeof(before));
		assert_int_equal(option_set(&o, option, rows[i].text, &err), rows[i].want ? 0 : -EINVAL);
		option_format(&o, option, after, sizeof(after));
		assert_string_equal(after, rows[i].want ? rows[i].want : before);
		assert_int_equal(err.ja[0] != '\0', rows[i].want == NULL);
		assert_int_equal(err.en[0] != '\0', rows[i].want == NULL);
		options_fini(&o);
	}
}

static void text_of_any_length_stays_in_its_field(void **state)
{
	char text[OPTION_TEXT_SIZE + 1];
	struct options o;

	(void)state;
	options_init_defaults(&o);
	memset(text, 'a', sizeof(text));
	text[OPTION_TEXT_SIZE] = '\0';
	assert_int_equal(option_set(&o, option_find("node", "data_dir"), text, NULL), -EINVAL);
	text[OPTION_TEXT_SIZE - 1] = '\0';
	assert_int_equal(option_set(&o, option_find("node", "data_dir"), text, NULL), 0);
	assert_int_equal(strlen(o.data_dir), OPTION_TEXT_SIZE - 1);
	options_fini(&o);
}

static void keys_that_belong_together(void **state)
{
	static const struct {
		const char *changes[3][3];
		size_t errors;
	} rows[] = {
		{ { { "tls", "cert", "/c" } }, 1 },
		{ { { "tls", "key", "/k" } }, 1 },
		{ { { "tls", "cert", "/c" }, { "tls", "key", "/k" } }, 0 },
		{ { { "http", "part_ms", "2000" }, { "http", "segment_ms", "1000" } }, 1 },
		{ { { "rtmp", "listen", "127.0.0.1:8081" } }, 1 },
		{ { { "rtmp", "listen", "127.0.0.1:8081" }, { "http", "listen", "127.0.0.2:8081" } }, 0 },
		{ { { "rtmp", "listen", "127.0.0.1:8081" }, { "http", "listen", "127.0.0.1:8081" } }, 1 },
		{ { { "rtmp", "listen", "0.0.0.0:8890" } }, 0 },
		{ { { "rtmp", "listen", "0.0.0.0:0" }, { "http", "listen", "0.0.0.0:0" } }, 0 },
		{ { { "rtmp", "listen", "" }, { "rtmps", "listen", "" } }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct options o;

		config_errors_init(&errors);
		options_init_defaults(&o);
		for (size_t j = 0; j < 3 && rows[i].changes[j][0]; j++) {
			const char *const *change = rows[i].changes[j];

			assert_int_equal(option_set(&o, option_find(change[0], change[1]), change[2], NULL), 0);
		}
		assert_int_equal(options_check(&o, &errors), rows[i].errors > 0 ? -EINVAL : 0);
		assert_int_equal(errors.total, rows[i].errors);
		options_fini(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_complete),
		cmocka_unit_test(every_field_has_a_key),
		cmocka_unit_test(defaults_are_those_of_the_design),
		cmocka_unit_test(words_of_log_level_are_those_of_the_log),
		cmocka_unit_test(values),
		cmocka_unit_test(text_of_any_length_stays_in_its_field),
		cmocka_unit_test(keys_that_belong_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
