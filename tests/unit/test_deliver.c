/* SPDX-License-Identifier: Apache-2.0 */
/* The routes, asked through a socket, over a store that holds real segments of sound. */
#include "packager/deliver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/loop.h"
#include "media/aac.h"
#include "media/frame.h"
#include "packager/cutter.h"
#include "packager/segment_store.h"
#include "tests/unit/http_raw.h"
#include "web/assets.h"

static struct {
	struct loop *loop;
	struct segment_store *store;
	struct deliver *deliver;
	uint16_t port;
	atomic_bool is_ready;
	size_t parts;
} f;

/* On the loop's thread, where cmocka cannot jump: it ends the process. */
static void check(bool is_right)
{
	if (!is_right)
		fail();
}

static void fill(const char *name)
{
	const struct segment_store_begin begin = { .name = name, .epoch = "e1" };
	const struct cutter_config config = { .part_ms = 500, .segment_ms = 2000 };
	struct cutter *cutter = cutter_create(&config);
	const uint8_t asc[] = { 0x11, 0x90 };
	struct track *track = NULL;
	struct part *part = NULL;

	check(cutter != NULL);
	check(aac_track_create(&track, asc, sizeof(asc)) == PARSE_OK);
	check(segment_store_begin(f.store, &begin) == 0);
	for (int i = 0; i < 1000; i++) {
		struct frame *frame = frame_create(track, 100);

		check(frame != NULL);
		memset(frame->data, i, 100);
		frame_stamp(frame, i * 1920, i * 1920, FRAME_KEY);
		cutter_push(cutter, frame);
		frame_unref(frame);
		while (cutter_pop(cutter, &part) == 0 && part) {
			check(segment_store_add(f.store, name, part) == 0);
			part_unref(part);
			f.parts++;
		}
	}
	track_unref(track);
	cutter_destroy(&cutter);
}

static bool may_play(void *arg, const char *stream, const char *token, size_t token_len)
{
	(void)arg;
	if (strcmp(stream, "secret") != 0)
		return token == NULL;
	return token && token_len == 4 && memcmp(token, "GOOD", 4) == 0;
}

static void write_metrics(void *arg, struct bytes_writer *w)
{
	(void)arg;
	bytes_put(w, "isaribi_test 1\n", 15);
}

static void on_start(void *arg)
{
	const struct segment_store_config store_config = { .target_duration_s = 4 };
	const struct deliver_config config = {
		.host = "127.0.0.1", .may_play = may_play, .write_metrics = write_metrics
	};

	(void)arg;
	f.store = segment_store_create(&store_config);
	check(f.store != NULL);
	fill("open");
	fill("secret");
	check(deliver_open(&f.deliver, f.loop, f.store, &config) == 0);
	f.port = deliver_port(f.deliver);
	atomic_store(&f.is_ready, true);
}

static void on_stop(void *arg)
{
	(void)arg;
	deliver_close(&f.deliver);
	segment_store_destroy(&f.store);
}

static int set_up(void **state)
{
	const struct timespec rest = { 0, 5000000 };

	(void)state;
	if (loop_create(&f.loop, "test-deliver") != 0 || loop_start(f.loop, on_start, on_stop, NULL) != 0)
		return -1;
	for (int i = 0; i < 2000 && !atomic_load(&f.is_ready); i++)
		nanosleep(&rest, NULL);
	return atomic_load(&f.is_ready) && f.parts > 20 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	loop_stop(f.loop);
	loop_join(f.loop);
	loop_destroy(&f.loop);
	return 0;
}

static char answer[512 * 1024];

/* Sends one request on a connection of its own; the whole answer is in `answer`, the body's beginning is returned. */
static const char *ask(const char *method, const char *path, const char *headers)
{
	int fd = dial_port(f.port, 0);
	char request[1024];
	char *body;

	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", method, path,
	    headers);
	say(fd, request);
	take_all(fd, answer, sizeof(answer));
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	return body + 4;
}

static void expect(const char *part)
{
	if (!strstr(answer, part))
		fail_msg("expected '%s' in '%.600s'", part, answer);
}

static void expect_not(const char *part)
{
	if (strstr(answer, part))
		fail_msg("did not expect '%s' in '%.600s'", part, answer);
}

static void serves_each_kind_with_its_headers(void **state)
{
	static const struct {
		const char *path;
		const char *type;
		const char *cache;
	} table[] = {
		{ "/hls/open/index.m3u8", "application/vnd.apple.mpegurl", "public, max-age=2" },
		{ "/hls/open/main.m3u8", "application/vnd.apple.mpegurl", "public, max-age=1" },
		{ "/hls/open/init-e1-1.mp4", "video/mp4", "public, max-age=3600, immutable" },
		{ "/hls/open/seg-e1-5.m4s", "video/iso.segment", "public, max-age=3600, immutable" },
		{ "/hls/t/GOOD/secret/index.m3u8", "application/vnd.apple.mpegurl", "public, max-age=2" },
		{ "/hls/t/GOOD/secret/seg-e1-5.m4s", "video/iso.segment", "public, max-age=3600, immutable" },
		{ "/healthz", "application/json", "no-store" },
		{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store" },
		{ "/watch/open", "text/html; charset=utf-8", "no-cache" },
		{ "/watch/t/TOKEN/secret", "text/html; charset=utf-8", "no-cache" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char line[128];

		ask("GET", table[i].path, "");
		if (strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) != 0)
			fail_msg("%s: %.300s", table[i].path, answer);
		snprintf(line, sizeof(line), "\r\nContent-Type: %s\r\n", table[i].type);
		expect(line);
		snprintf(line, sizeof(line), "\r\nCache-Control: %s\r\n", table[i].cache);
		expect(line);
		if (strncmp(table[i].path, "/hls/", 5) == 0)
			expect("\r\nAccess-Control-Allow-Origin: *\r\n");
		expect_not("Content-Encoding");
	}
}

static void compresses_what_is_text(void **state)
{
	static const struct {
		const char *path;
		bool is_gzip;
	} table[] = {
		{ "/hls/open/index.m3u8", true },
		{ "/hls/open/main.m3u8", true },
		{ "/hls/open/seg-e1-5.m4s", false },
		{ "/watch/open", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *body = ask("GET", table[i].path, "Accept-Encoding: gzip\r\n");

		if (!table[i].is_gzip) {
			expect_not("Content-Encoding");
			continue;
		}
		expect("\r\nContent-Encoding: gzip\r\n");
		expect("\r\nVary: Accept-Encoding\r\n");
		assert_memory_equal(body, "\x1f\x8b", 2);
	}
}

static void gives_head_without_body(void **state)
{
	char line[64];
	size_t len;

	(void)state;
	len = strlen(ask("GET", "/hls/open/main.m3u8", ""));
	assert_true(len > 100);
	assert_string_equal(ask("HEAD", "/hls/open/main.m3u8", ""), "");
	snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n", len);
	expect(line);
}

/* Without its date, which may tick between two answers. */
static void keep_answer(char *out, size_t size)
{
	char *date = strstr(answer, "Date: ");

	assert_non_null(date);
	memset(date, ' ', strcspn(date, "\r"));
	assert_true(strlen(answer) < size);
	memcpy(out, answer, strlen(answer) + 1);
}

static void hides_what_may_not_be_seen(void **state)
{
	static const char *const paths[] = {
		"/hls/secret/index.m3u8",
		"/hls/t/BAD/secret/index.m3u8",
		"/hls/t/GOODX/secret/index.m3u8",
		"/hls/t/GOOD/open/index.m3u8",
		"/hls/t/GOOD/secret/seg-e1-999.m4s",
		"/hls/open/seg-e1-999.m4s",
		"/hls/open/seg-e2-5.m4s",
		"/hls/open/nonsense",
		"/hls/open",
		"/hls/",
		"/hls/0123456789012345678901234567890123456789012345678901234567890123456789/index.m3u8",
	};
	char unknown[2048];
	char other[2048];

	(void)state;
	ask("GET", "/hls/nobody/index.m3u8", "");
	expect("HTTP/1.1 404 Not Found\r\n");
	expect("\r\nCache-Control: public, max-age=1\r\n");
	expect("\r\nAccess-Control-Allow-Origin: *\r\n");
	keep_answer(unknown, sizeof(unknown));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ask("GET", paths[i], "");
		keep_answer(other, sizeof(other));
		assert_string_equal(other, unknown);
	}
}

static void tells_a_cache_who_may_see(void **state)
{
	static const struct {
		const char *path;
		bool is_yes;
	} table[] = {
		{ "/auth/hls/open/index.m3u8", true },
		{ "/auth/hls/open/seg-e1-5.m4s?_HLS_msn=1", true },
		{ "/auth/hls/open/whatever", true }, /* whether it is there is not asked */
		{ "/auth/hls/t/GOOD/secret/main.m3u8", true },
		{ "/auth/watch/open", true },
		{ "/auth/watch/t/GOOD/secret", true },
		{ "/auth/hls/secret/index.m3u8", false },
		{ "/auth/hls/t/BAD/secret/index.m3u8", false },
		{ "/auth/hls/t/GOODX/secret/index.m3u8", false },
		{ "/auth/watch/secret", false },
		{ "/auth/rec/open-20260101-000000/index.m3u8", false }, /* there are no recordings */
		{ "/auth/clip/open/index.m3u8", false },
		{ "/auth/hls/open/shift/index.m3u8", false },
		{ "/auth/hls/open", false },
		{ "/auth/hls/", false },
		{ "/auth/healthz", false },
		{ "/auth/", false },
	};
	char first_no[512] = "";
	char no[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *status = table[i].is_yes ? "HTTP/1.1 204 " : "HTTP/1.1 403 ";

		assert_string_equal(ask("GET", table[i].path, ""), "");
		if (strncmp(answer, status, strlen(status)) != 0)
			fail_msg("%s: %.300s", table[i].path, answer);
		if (table[i].is_yes) {
			expect("\r\nCache-Control: max-age=5\r\n");
			continue;
		}
		expect("\r\nCache-Control: max-age=1\r\n");
		keep_answer(no, sizeof(no));
		if (first_no[0] == '\0')
			memcpy(first_no, no, sizeof(no));
		assert_string_equal(no, first_no);
	}
}

static void serves_pages_and_scripts(void **state)
{
	size_t n = 0;

	(void)state;
	ask("GET", "/watch/open", "");
	expect("Content-Security-Policy: default-src 'none'; script-src 'self';");
	expect("\r\nETag: W/\"");
	expect_not("unsafe-inline");
	for (const struct web_asset *asset; (asset = web_asset_at(n)); n++) {
		const char *body;
		char header[64];

		if (!asset->is_immutable)
			continue;
		body = ask("GET", asset->path, "");
		expect("\r\nCache-Control: public, max-age=31536000, immutable\r\n");
		assert_memory_equal(body, asset->data, asset->size_bytes);
		snprintf(header, sizeof(header), "If-None-Match: W/%s\r\n", asset->etag);
		assert_string_equal(ask("GET", asset->path, header), "");
		expect("HTTP/1.1 304 Not Modified\r\n");
	}
	assert_true(n >= 5);
}

static void answers_404_elsewhere(void **state)
{
	static const char *const paths[] = { "/", "/healthz/x", "/metricsx", "/assets/", "/assets/x.js", "/watch/",
		"/watch/a/b", "/hlsx/open/index.m3u8", "/favicon.ico" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ask("GET", paths[i], "");
		expect("HTTP/1.1 404 Not Found\r\n");
		expect("見つかりません。\nNot found.\n");
	}
	ask("POST", "/hls/open/index.m3u8", "Content-Length: 0\r\n");
	expect("HTTP/1.1 405 Method Not Allowed\r\n");
	expect("\r\nAllow: GET, HEAD, OPTIONS\r\n");
}

static void tells_health_and_numbers(void **state)
{
	(void)state;
	ask("GET", "/healthz", "");
	expect("{\"status\":\"ok\",");
	expect("\"hls_streams\":2}");
	ask("GET", "/metrics", "");
	expect("\nisaribi_http_responses_total{class=\"2xx\"} ");
	expect("\nisaribi_hls_streams 2\n");
	expect("\nisaribi_test 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_each_kind_with_its_headers),
		cmocka_unit_test(compresses_what_is_text),
		cmocka_unit_test(gives_head_without_body),
		cmocka_unit_test(hides_what_may_not_be_seen),
		cmocka_unit_test(tells_a_cache_who_may_see),
		cmocka_unit_test(serves_pages_and_scripts),
		cmocka_unit_test(answers_404_elsewhere),
		cmocka_unit_test(tells_health_and_numbers),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
