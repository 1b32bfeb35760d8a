/* SPDX-License-Identifier: Apache-2.0 */
/* What hls_load is made of, without its sockets. */
#include "tests/tools/hls_report.h"
#include "tests/tools/hls_viewer.h"
#include "tests/tools/http_peer.h"

#include "base/attr.h"
#include "base/err.h"
#include "tests/unit/oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_urls(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{ "http://127.0.0.1:8081/hls/s0/main.m3u8", 0 },
		{ "http://127.0.0.1/hls/s0/main.m3u8", -EINVAL },
		{ "https://127.0.0.1:1/x", -EINVAL },
		{ "http://localhost:1/x", -EINVAL },
		{ "http://127.0.0.1:1", -EINVAL },
	};
	struct http_url url;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(http_url_parse(&url, rows[i].text), rows[i].result);
	assert_int_equal(http_url_parse(&url, rows[0].text), 0);
	assert_string_equal(url.host, "127.0.0.1:8081");
	assert_string_equal(url.path, "/hls/s0/main.m3u8");
}

static void test_heads(void **state)
{
	static const struct {
		const char *text;
		int result, status;
		uint64_t body_bytes;
		bool is_closing;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nDate: x\r\ncontent-length: 12\r\n\r\nhello", PARSE_OK, 200, 12, false },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", PARSE_OK, 404, 0, true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n", PARSE_MORE, 0, 0, false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", PARSE_BAD, 0, 0, false },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", PARSE_BAD, 0, 0, false },
		{ "ICY 200 OK\r\nContent-Length: 1\r\n\r\n", PARSE_BAD, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head head;

		assert_int_equal(http_head_parse(&head, rows[i].text, strlen(rows[i].text)), rows[i].result);
		if (rows[i].result != PARSE_OK)
			continue;
		assert_int_equal(head.status, rows[i].status);
		assert_int_equal(head.body_bytes, rows[i].body_bytes);
		assert_int_equal(head.is_closing, rows[i].is_closing);
		assert_int_equal(head.size_bytes, strstr(rows[i].text, "\r\n\r\n") + 4 - rows[i].text);
	}
}

static void test_a_head_that_never_ends(void **state)
{
	static char text[8192];
	struct http_head head;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(http_head_parse(&head, text, sizeof(text)), PARSE_BAD);
}

#define HEAD	      "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
#define SEG(n)	      "#EXTINF:2.00000,\nseg-" #n ".m4s\n"
#define PART(n, more) "#EXT-X-PART:DURATION=0.5,URI=\"part-" #n ".m4s\"" more "\n"
#define KEY	      ",INDEPENDENT=YES"

static void read_text(struct hls_viewer *v, const char *text)
{
	hls_viewer_read(v, text, strlen(text));
}

/* wanted: "a b c", the URIs that are to be fetched now. */
static void assert_takes(struct hls_viewer *v, const char *wanted)
{
	char seen[512] = "";
	struct hls_item item;

	while (hls_viewer_take(v, &item)) {
		size_t len = strlen(seen);

		snprintf(seen + len, sizeof(seen) - len, "%s%s", len ? " " : "", item.uri);
	}
	assert_string_equal(seen, wanted);
}

static void test_a_plain_viewer(void **state)
{
	struct hls_viewer v = { 0 };

	(void)state;
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:7\n" SEG(7) SEG(8) SEG(9) SEG(10));
	assert_int_equal(v.target_s, 2);
	assert_takes(&v, "seg-8.m4s seg-9.m4s seg-10.m4s");
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:7\n" SEG(7) SEG(8) SEG(9) SEG(10));
	assert_takes(&v, "");
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:9\n" SEG(9) SEG(10) SEG(11) "#EXT-X-ENDLIST\n");
	assert_takes(&v, "seg-11.m4s");
	assert_true(v.is_ended);
}

static void test_a_low_latency_viewer(void **state)
{
	struct hls_viewer v = { .is_low_latency = true };

	(void)state;
	/* Three parts behind the end, and where a decoder can begin. */
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:7\n" PART(1, KEY) PART(2, "") PART(3, "") SEG(7) PART(4, KEY));
	assert_takes(&v, "part-1.m4s part-2.m4s part-3.m4s part-4.m4s");
	assert_int_equal(v.ask_msn, 8);
	assert_int_equal(v.ask_part, 1);
	/* The part behind the last one of a segment is the first one of the next. */
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:8\n" PART(4, KEY) PART(5, "") SEG(8));
	assert_takes(&v, "part-5.m4s");
	assert_int_equal(v.ask_msn, 9);
	assert_int_equal(v.ask_part, 0);
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:8\n" PART(4, KEY) PART(5, "") SEG(8) PART(6, KEY));
	assert_takes(&v, "part-6.m4s");
	assert_int_equal(v.ask_part, 1);
}

static void test_skipped_segments_count(void **state)
{
	struct hls_viewer v = { .is_low_latency = true };

	(void)state;
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" SEG(10) PART(4, KEY));
	assert_int_equal(v.ask_msn, 11);
}

static void test_hints(void **state)
{
	static const char hint[] = "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-2.m4s\"\n";
	struct hls_viewer v = { .is_low_latency = true, .has_hints = true };
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "%s#EXT-X-MEDIA-SEQUENCE:7\n%s%s", HEAD, PART(1, KEY), hint);
	read_text(&v, text);
	assert_takes(&v, "part-1.m4s part-2.m4s");
	/* It is not fetched again when it has a line of its own. */
	read_text(&v, HEAD "#EXT-X-MEDIA-SEQUENCE:7\n" PART(1, KEY) PART(2, "") PART(3, ""));
	assert_takes(&v, "part-3.m4s");
}

static void test_stalls(void **state)
{
	const struct hls_item item = { .kind = HLS_SEGMENT, .duration_us = 2000000 };
	struct hls_viewer v = { 0 };

	(void)state;
	hls_viewer_end(&v, 90000000); /* never began: no stall */
	hls_viewer_note(&v, &item, 1000000);
	hls_viewer_note(&v, &item, 1100000); /* plays until 5.0 s */
	hls_viewer_note(&v, &item, 5900000); /* stood still for 0.9 s */
	assert_int_equal(v.n_stalls, 0);
	hls_viewer_note(&v, &item, 9000000); /* for 1.1 s */
	assert_int_equal(v.n_stalls, 1);
	hls_viewer_end(&v, 12500000);
	assert_int_equal(v.n_stalls, 2);
}

static int open_report(void *arg)
{
	struct hls_report report;
	int res = hls_report_init(&report);

	(void)arg;
	hls_report_fini(&report); /* in either case, as hls_load does */
	return res;
}

static void test_a_report_without_memory(void **state)
{
	(void)state;
	oom_sweep(open_report, NULL, -ENOMEM, 1 + HLS_TIMES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_a_head_that_never_ends),
		cmocka_unit_test(test_a_plain_viewer),
		cmocka_unit_test(test_a_low_latency_viewer),
		cmocka_unit_test(test_skipped_segments_count),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_a_report_without_memory),
	};

	return cmocka_run_group_tests_name("hls tools", tests, NULL, NULL);
}
