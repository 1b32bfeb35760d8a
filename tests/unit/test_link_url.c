/* SPDX-License-Identifier: Apache-2.0 */
#include "config/link_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

static void reads_what_it_says(void **state)
{
	static const struct {
		const char *url;
		const char *host;
		uint16_t port;
		const char *stream_id;
		const char *passphrase;
		int32_t latency_ms;
	} rows[] = {
		{ "srt://h:1", "h", 1, "", "", 0 },
		{ "srt://Relay-2.example_x.jp:65535/", "Relay-2.example_x.jp", 65535, "", "", 0 },
		{ "srt://192.0.2.7:8890?", "192.0.2.7", 8890, "", "", 0 },
		{ "srt://[2001:db8::1]:8890?mode=caller", "2001:db8::1", 8890, "", "", 0 },
		{ "srt://[fe80::1%eth0]:8890", "fe80::1%eth0", 8890, "", "", 0 },
		{ "srt://h:1?streamid=#!::r=KEY,m=publish", "h", 1, "#!::r=KEY,m=publish", "", 0 },
		{ "srt://h:1?streamid=%23!::r=KEY,m=publish&latency=120", "h", 1, "#!::r=KEY,m=publish", "", 120 },
		{ "srt://h:1/?passphrase=a%26b%3dc%25d%20efg&latency=20", "h", 1, "", "a&b=c%d efg", 20 },
		{ "srt://h:1?pbkeylen=32&latency=8000&streamid=a+b", "h", 1, "a+b", "", 8000 },
		{ "srt://h:1?streamid=&passphrase=&latency=&mode=", "h", 1, "", "", 0 },
		{ "srt://h:1?streamid=a&streamid=b", "h", 1, "a", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct link_url link;

		assert_int_equal(link_url_parse(&link, rows[i].url), LINK_URL_OK);
		assert_string_equal(link.host, rows[i].host);
		assert_int_equal(link.port, rows[i].port);
		assert_string_equal(link.stream_id, rows[i].stream_id);
		assert_int_equal(link.latency_ms, rows[i].latency_ms);
		assert_string_equal(link.passphrase, rows[i].passphrase);
	}
}

static void says_what_is_missing(void **state)
{
	static const struct {
		const char *url;
		enum link_url_result want;
	} rows[] = {
		{ "srt://", LINK_URL_NO_HOST },
		{ "srt://:8890", LINK_URL_NO_HOST },
		{ "srt://[]:8890", LINK_URL_NO_HOST },
		{ "srt://[2001:db8::1:8890", LINK_URL_NO_HOST },
		{ "rtmp://h:1", LINK_URL_NO_HOST },
		{ "srt://h", LINK_URL_NO_PORT },
		{ "srt://h:", LINK_URL_NO_PORT },
		{ "srt://h:0", LINK_URL_NO_PORT },
		{ "srt://h:65536", LINK_URL_NO_PORT },
		{ "srt://h:000001", LINK_URL_NO_PORT },
		{ "srt://h:-1", LINK_URL_NO_PORT },
		{ "srt://user@h:1", LINK_URL_NO_PORT },
		{ "srt://h?streamid=x", LINK_URL_NO_PORT },
		{ "srt://2001:db8::1:8890", LINK_URL_NO_PORT },
		{ "srt://h:1x", LINK_URL_PATH },
		{ "srt://h:1/live/x", LINK_URL_PATH },
		{ "srt://h:1#x", LINK_URL_PATH },
		{ "srt://h:1?streamid=%2", LINK_URL_ESCAPE },
		{ "srt://h:1?streamid=a%zz", LINK_URL_ESCAPE },
		{ "srt://h:1?passphrase=0123456789%00", LINK_URL_ESCAPE },
		{ "srt://h:1?streamid=a%0a", LINK_URL_STREAM_ID },
		{ "srt://h:1?passphrase=012345678", LINK_URL_PASSPHRASE },
		{ "srt://h:1?latency=19", LINK_URL_LATENCY },
		{ "srt://h:1?latency=8001", LINK_URL_LATENCY },
		{ "srt://h:1?latency=200ms", LINK_URL_LATENCY },
		{ "srt://h:1?latency=1500000", LINK_URL_LATENCY },
		{ "srt://h:1?latency=-5", LINK_URL_LATENCY },
		{ "srt://h:1?mode=listener", LINK_URL_MODE },
		{ "srt://h:1?mode=rendezvous", LINK_URL_MODE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct link_url link;
		enum link_url_result result = link_url_parse(&link, rows[i].url);

		if (result != rows[i].want)
			fail_msg("%s: %s", rows[i].url, link_url_en(result));
		assert_true(link_url_ja(result)[0] != '\0');
	}
}

static enum link_url_result parse_long(const char *name, size_t n_chars)
{
	struct link_url link;
	char url[1024];
	int len = snprintf(url, sizeof(url), "srt://h:1?%s=", name);

	memset(url + len, 'x', n_chars);
	url[(size_t)len + n_chars] = '\0';
	return link_url_parse(&link, url);
}

static void the_longest_and_one_more(void **state)
{
	struct link_url link;
	char url[600] = "srt://";

	(void)state;
	assert_int_equal(parse_long("streamid", 512), LINK_URL_OK);
	assert_int_equal(parse_long("streamid", 513), LINK_URL_STREAM_ID);
	assert_int_equal(parse_long("passphrase", 79), LINK_URL_OK);
	assert_int_equal(parse_long("passphrase", 80), LINK_URL_PASSPHRASE);
	memset(url + 6, 'h', LINK_HOST_SIZE - 1);
	strcpy(url + 6 + LINK_HOST_SIZE - 1, ":1");
	assert_int_equal(link_url_parse(&link, url), LINK_URL_OK);
	strcpy(url + 6 + LINK_HOST_SIZE - 1, "h:1");
	assert_int_equal(link_url_parse(&link, url), LINK_URL_NO_HOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_says),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(the_longest_and_one_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
