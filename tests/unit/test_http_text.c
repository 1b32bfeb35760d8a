/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/http.h"

static void knows_clean_paths(void **state)
{
	static const struct {
		const char *path;
		bool is_clean;
	} table[] = {
		{ "/", true },
		{ "/hls/a/index.m3u8", true },
		{ "/hls/a/", true },
		{ "/a/.hidden", true },
		{ "/a/..b/c...", true },
		{ "/\xe7\x81\xab/x", true },
		{ "", false },
		{ "a/b", false },
		{ "//", false },
		{ "/a//b", false },
		{ "/a/../b", false },
		{ "/..", false },
		{ "/a/..", false },
		{ "/./a", false },
		{ "/a/.", false },
		{ "/a\nb", false },
		{ "/a\x7f", false },
		{ "/a\\b", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (http_path_is_clean(table[i].path, strlen(table[i].path)) != table[i].is_clean)
			fail_msg("path '%s'", table[i].path);
	}
	assert_false(http_path_is_clean("/a\0b", 4));
}

static void decodes_percent_once(void **state)
{
	static const struct {
		const char *text;
		const char *decoded; /* NULL: refused */
	} table[] = {
		{ "", "" },
		{ "abc", "abc" },
		{ "a%20b", "a b" },
		{ "%e7%81%AB", "\xe7\x81\xab" },
		{ "%252e", "%2e" },
		{ "%", NULL },
		{ "a%2", NULL },
		{ "%zz", NULL },
		{ "%00", NULL },
		{ "0123456789012345", NULL }, /* one more than fits */
		{ "012345678901234", "012345678901234" },
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int n = http_percent_decode(out, sizeof(out), table[i].text, strlen(table[i].text));

		if (table[i].decoded) {
			assert_int_equal(n, (int)strlen(table[i].decoded));
			assert_string_equal(out, table[i].decoded);
		} else {
			assert_int_equal(n, -1);
		}
	}
	assert_int_equal(http_percent_decode(out, 0, "", 0), -1);
}

static void finds_query_values(void **state)
{
	static const struct {
		const char *query;
		const char *name;
		const char *value; /* NULL: not there */
	} table[] = {
		{ "", "a", NULL },
		{ "a=1", "a", "1" },
		{ "a=1&b=2", "b", "2" },
		{ "ab=1&b=2", "b", "2" },
		{ "a", "a", "" },
		{ "a=&b", "a", "" },
		{ "a=1&a=2", "a", "1" },
		{ "&&a=1&&", "a", "1" },
		{ "_HLS_msn=12&_HLS_part=3", "_HLS_part", "3" },
		{ "abc=1", "ab", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		size_t len = 99;
		const char *value = http_query_value(table[i].query, table[i].name, &len);

		if (!table[i].value) {
			assert_null(value);
			continue;
		}
		assert_non_null(value);
		assert_int_equal(len, strlen(table[i].value));
		assert_memory_equal(value, table[i].value, len);
	}
}

static void understands_accept_encoding(void **state)
{
	static const struct {
		const char *text;
		bool accepts;
	} table[] = {
		{ "", false },
		{ "gzip", true },
		{ "GZip", true },
		{ "deflate, gzip", true },
		{ "br;q=1.0, gzip;q=0.8, *;q=0.1", true },
		{ "gzip;q=0", false },
		{ "gzip; q=0.000", false },
		{ "gzip ;q=0.001", true },
		{ "identity", false },
		{ "xgzip", false },
		{ "gzipx", false },
		{ "*", false },
		{ ",,gzip", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (http_accepts_gzip(table[i].text) != table[i].accepts)
			fail_msg("'%s'", table[i].text);
	}
}

static void compares_etags(void **state)
{
	(void)state;
	assert_true(http_etag_matches("\"a\"", "\"a\""));
	assert_true(http_etag_matches("W/\"a\"", "\"a\""));
	assert_true(http_etag_matches("\"b\", \"a\" ", "\"a\""));
	assert_true(http_etag_matches("*", "\"a\""));
	assert_false(http_etag_matches("", "\"a\""));
	assert_false(http_etag_matches("\"ab\"", "\"a\""));
	assert_false(http_etag_matches("a", "\"a\""));
	assert_false(http_etag_matches(", ,", "\"a\""));
}

static void judges_content_length(void **state)
{
	static const struct {
		const char *text;
		enum http_length_kind kind;
	} table[] = {
		{ "0", HTTP_LENGTH_ZERO },
		{ "000", HTTP_LENGTH_ZERO },
		{ "1", HTTP_LENGTH_POSITIVE },
		{ "999999999999999999", HTTP_LENGTH_POSITIVE },
		{ "9999999999999999999", HTTP_LENGTH_BAD },
		{ "", HTTP_LENGTH_BAD },
		{ "-1", HTTP_LENGTH_BAD },
		{ "+1", HTTP_LENGTH_BAD },
		{ "0x10", HTTP_LENGTH_BAD },
		{ "5, 5", HTTP_LENGTH_BAD },
		{ "5 ", HTTP_LENGTH_BAD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_int_equal(http_length_kind(table[i].text), table[i].kind);
}

static void writes_heads(void **state)
{
	const struct http_response response = {
		.status = 200,
		.content_type = "text/plain",
		.etag = "\"x\"",
		.extra_headers = "A: b\r\n",
	};
	struct http_head_args args = {
		.response = &response, .body_bytes = 12, .now_s = 784111777, .keeps_alive = true
	};
	struct bytes_writer w;

	(void)state;
	bytes_writer_init_growing(&w, 4096);
	http_put_head(&w, &args);
	bytes_put_u8(&w, 0);
	assert_false(w.is_full);
	assert_string_equal((char *)w.data,
	    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 12\r\nETag: \"x\"\r\nA: b\r\n\r\n");
	bytes_writer_reset(&w);
	args.keeps_alive = false;
	http_put_head(&w, &args);
	bytes_put_u8(&w, 0);
	assert_non_null(strstr((char *)w.data, "Connection: close\r\n\r\n"));
	bytes_writer_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_clean_paths),
		cmocka_unit_test(decodes_percent_once),
		cmocka_unit_test(finds_query_values),
		cmocka_unit_test(understands_accept_encoding),
		cmocka_unit_test(compares_etags),
		cmocka_unit_test(judges_content_length),
		cmocka_unit_test(writes_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
