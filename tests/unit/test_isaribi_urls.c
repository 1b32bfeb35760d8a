/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_urls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

#define LAN "192.0.2.7"
#define KEY "abcdefghijklmnopqrstuvwxyz"

static void follows_the_options(void **state)
{
	static const struct {
		const char *rtmp;
		const char *http;
		const char *public_url;
		const char *media_url;
		const char *server;
		const char *page;
	} rows[] = {
		{ "0.0.0.0:1935", "0.0.0.0:8081", "", "", "rtmp://192.0.2.7/live",
		    "http://192.0.2.7:8081/watch/live1" },
		{ "[::]:1936", "[::]:80", "", "", "rtmp://192.0.2.7:1936/live", "http://192.0.2.7:80/watch/live1" },
		{ "127.0.0.1:1935", "[::1]:8081", "", "", "rtmp://127.0.0.1/live", "http://[::1]:8081/watch/live1" },
		{ "[2001:db8::1]:1935", "0.0.0.0:8081", "", "", "rtmp://[2001:db8::1]/live",
		    "http://192.0.2.7:8081/watch/live1" },
		{ "0.0.0.0:1935", "0.0.0.0:8081", "https://live.example.jp", "", "rtmp://live.example.jp/live",
		    "http://live.example.jp:8081/watch/live1" },
		{ "0.0.0.0:1935", "0.0.0.0:8081", "https://live.example.jp:8443/a", "", "rtmp://live.example.jp/live",
		    "http://live.example.jp:8081/watch/live1" },
		{ "0.0.0.0:1935", "0.0.0.0:8081", "https://live.example.jp", "https://media.example.jp/m",
		    "rtmp://media.example.jp/live", "https://media.example.jp/m/watch/live1" },
		{ "0.0.0.0:1999", "", "", "https://[2001:db8::2]:444", "rtmp://[2001:db8::2]:1999/live",
		    "https://[2001:db8::2]:444/watch/live1" },
		{ "", "0.0.0.0:8081", "", "", "", "http://192.0.2.7:8081/watch/live1" },
		{ "0.0.0.0:1935", "", "", "", "rtmp://192.0.2.7/live", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct options options;
		struct urls_origin origin;
		struct urls urls;

		options_init_defaults(&options);
		assert_int_equal(listen_address_parse(&options.rtmp_listen, rows[i].rtmp), 0);
		assert_int_equal(listen_address_parse(&options.http_listen, rows[i].http), 0);
		snprintf(options.public_url, sizeof(options.public_url), "%s", rows[i].public_url);
		snprintf(options.media_url, sizeof(options.media_url), "%s", rows[i].media_url);
		urls_origin_find(&origin, &options, LAN);
		urls_make(&urls, &origin, "live1", KEY);
		assert_string_equal(urls.server, rows[i].server);
		assert_string_equal(urls.page, rows[i].page);
		assert_int_equal(urls.publish[0] == '\0', rows[i].server[0] == '\0');
		assert_int_equal(urls.hls[0] == '\0', rows[i].page[0] == '\0');
		options_fini(&options);
	}
}

static void follows_where_srt_listens(void **state)
{
	static const struct {
		const char *rtmp;
		const char *srt;
		const char *media_url;
		const char *want;
	} rows[] = {
		{ "0.0.0.0:1935", "0.0.0.0:8890", "", "srt://192.0.2.7:8890?streamid=request:live1" },
		{ "127.0.0.1:1935", "[2001:db8::1]:9000", "", "srt://[2001:db8::1]:9000?streamid=request:live1" },
		{ "", "0.0.0.0:8890", "", "srt://192.0.2.7:8890?streamid=request:live1" },
		{ "0.0.0.0:1935", "0.0.0.0:8890", "https://live.example.jp:444/x",
		    "srt://live.example.jp:8890?streamid=request:live1" },
		{ "0.0.0.0:1935", "", "https://live.example.jp", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct options options;
		struct urls_origin origin;
		struct urls urls;

		options_init_defaults(&options);
		assert_int_equal(listen_address_parse(&options.rtmp_listen, rows[i].rtmp), 0);
		assert_int_equal(listen_address_parse(&options.srt_listen, rows[i].srt), 0);
		snprintf(options.media_url, sizeof(options.media_url), "%s", rows[i].media_url);
		urls_origin_find(&origin, &options, LAN);
		urls_make(&urls, &origin, "live1", NULL);
		assert_string_equal(urls.srt, rows[i].want);
		options_fini(&options);
	}
}

static void spells_them_all(void **state)
{
	const struct urls_origin origin = {
		.host = "h", .rtmp_port = 1935, .srt_host = "h", .srt_port = 8890, .media = "http://h:1"
	};
	struct urls urls;

	(void)state;
	urls_make(&urls, &origin, "tanaka", KEY);
	assert_string_equal(urls.server, "rtmp://h/live");
	assert_string_equal(urls.publish, "rtmp://h/live/" KEY);
	assert_string_equal(urls.publish_srt, "srt://h:8890?streamid=publish:" KEY);
	assert_string_equal(urls.rtmp, "rtmp://h/play/tanaka");
	assert_string_equal(urls.srt, "srt://h:8890?streamid=request:tanaka");
	assert_string_equal(urls.hls, "http://h:1/hls/tanaka/index.m3u8");
	assert_string_equal(urls.page, "http://h:1/watch/tanaka");
	urls_make(&urls, &origin, "tanaka", NULL);
	assert_string_equal(urls.publish, "");
	assert_string_equal(urls.publish_srt, "");
	assert_string_equal(urls.rtmp, "rtmp://h/play/tanaka");
}

static void reaches_a_listener_from_here(void **state)
{
	static const char *const rows[][2] = {
		{ "0.0.0.0:1", "127.0.0.1" },
		{ "[::]:1", "[::1]" },
		{ "192.0.2.9:1", "192.0.2.9" },
		{ "[2001:db8::1]:1", "[2001:db8::1]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen_address listen;
		char host[LISTEN_TEXT_SIZE];

		assert_int_equal(listen_address_parse(&listen, rows[i][0]), 0);
		urls_local_host(host, sizeof(host), &listen);
		assert_string_equal(host, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_options),
		cmocka_unit_test(follows_where_srt_listens),
		cmocka_unit_test(spells_them_all),
		cmocka_unit_test(reaches_a_listener_from_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
