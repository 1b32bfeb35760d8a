/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for what is not there yet, asked through sockets while parts come from another thread; and ranges. */
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
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/loop.h"
#include "media/aac.h"
#include "media/frame.h"
#include "packager/cutter.h"
#include "packager/segment_store.h"
#include "packager/shelf.h"
#include "tests/unit/http_raw.h"

enum {
	TARGET_S = 1, /* a request waits 3 s */
	PART_MS = 100,
	SEGMENT_MS = 500,
	CLIENTS = 40,
	ANSWER_MAX_BYTES = 64 * 1024,
};

static struct {
	struct loop *loop;
	struct segment_store *store;
	struct shelf *shelf;
	struct deliver *deliver;
	uint16_t port;
	atomic_bool is_started;
	atomic_bool is_ready; /* and everything was there */
	atomic_bool is_open;  /* may be seen */
	/* of the test's thread */
	struct cutter *cutter;
	struct track *track;
	int frames;
	struct part *newest;
} f;

static bool may_play(void *arg, const char *stream, const char *token, size_t token_len)
{
	(void)arg;
	(void)stream;
	(void)token;
	(void)token_len;
	return atomic_load(&f.is_open);
}

/* On the loop's thread, where cmocka cannot jump: what is missing shows in f.is_ready. */
static void open_node(void)
{
	const struct segment_store_config store = { .target_duration_s = TARGET_S, .part_ms = PART_MS };
	const struct deliver_config config = { .host = "127.0.0.1", .may_play = may_play };

	f.store = segment_store_create(&store);
	if (!f.store || shelf_create(&f.shelf, f.loop, clock_real(), f.store) != 0 ||
	    deliver_open(&f.deliver, f.loop, f.store, &config) != 0)
		return;
	f.port = deliver_port(f.deliver);
	atomic_store(&f.is_ready, true);
}

static void on_start(void *arg)
{
	(void)arg;
	open_node();
	atomic_store(&f.is_started, true);
}

static void on_stop(void *arg)
{
	(void)arg;
	deliver_close(&f.deliver);
	shelf_destroy(&f.shelf);
	segment_store_destroy(&f.store);
}

static void begin(const char *epoch)
{
	const struct segment_store_begin begin = { .name = "tanaka", .epoch = epoch };
	const struct cutter_config config = { .part_ms = PART_MS, .segment_ms = SEGMENT_MS, .first_msn = 10 };

	cutter_destroy(&f.cutter);
	f.cutter = cutter_create(&config);
	f.frames = 0;
	assert_non_null(f.cutter);
	shelf_begin(f.shelf, &begin);
}

static int set_up(void **state)
{
	const struct timespec rest = { 0, 5000000 };
	const uint8_t asc[] = { 0x11, 0x90 };

	(void)state;
	memset(&f, 0, sizeof(f));
	atomic_store(&f.is_open, true);
	if (loop_create(&f.loop, "test-waiting") != 0 || loop_start(f.loop, on_start, on_stop, NULL) != 0)
		return -1;
	for (int i = 0; i < 2000 && !atomic_load(&f.is_started); i++)
		nanosleep(&rest, NULL);
	if (!atomic_load(&f.is_ready) || aac_track_create(&f.track, asc, sizeof(asc)) != PARSE_OK)
		return -1;
	begin("e1");
	return 0;
}

static void stop(void)
{
	if (!f.loop)
		return;
	loop_stop(f.loop);
	loop_join(f.loop);
	loop_destroy(&f.loop);
}

static int tear_down(void **state)
{
	(void)state;
	stop();
	cutter_destroy(&f.cutter);
	track_unref(f.track);
	part_unref(f.newest);
	f.newest = NULL;
	return 0;
}

static void push_frame(void)
{
	struct frame *frame = frame_create(f.track, 100);

	assert_non_null(frame);
	memset(frame->data, f.frames, 100);
	frame_stamp(frame, f.frames * 1920, f.frames * 1920, FRAME_KEY);
	f.frames++;
	cutter_push(f.cutter, frame);
	frame_unref(frame);
}

/* The next part goes to the delivery thread. */
static void produce_part(void)
{
	struct part *part = NULL;

	for (;;) {
		assert_int_equal(cutter_pop(f.cutter, &part), 0);
		if (part)
			break;
		push_frame();
	}
	part_unref(f.newest);
	f.newest = part_ref(part);
	shelf_part(f.shelf, "tanaka", part);
}

static void produce_segment(void)
{
	do
		produce_part();
	while (!f.newest->is_segment_end);
}

struct answer {
	char head[2048];
	char body[ANSWER_MAX_BYTES];
	size_t body_bytes;
	int status;
};

static int ask(const char *request)
{
	int fd = dial_port(f.port, 0);

	say(fd, request);
	return fd;
}

static int get(const char *resource, const char *headers)
{
	char request[512];

	snprintf(request, sizeof(request), "GET /hls/tanaka/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
	    resource, headers);
	return ask(request);
}

/* Up to the server's close. */
static const struct answer *read_answer(int fd)
{
	static struct answer a;
	static char all[sizeof(a.head) + sizeof(a.body)];
	size_t len;
	char *body;

	memset(&a, 0, sizeof(a));
	len = take_all(fd, all, sizeof(all));
	body = strstr(all, "\r\n\r\n");
	assert_non_null(body);
	body += 4;
	assert_true((size_t)(body - all) < sizeof(a.head));
	memcpy(a.head, all, (size_t)(body - all));
	a.body_bytes = len - (size_t)(body - all);
	memcpy(a.body, body, a.body_bytes);
	a.status = atoi(all + strlen("HTTP/1.1 "));
	return &a;
}

static const struct answer *fetch(const char *resource, const char *headers)
{
	return read_answer(get(resource, headers));
}

static void expect(const struct answer *a, int status, const char *header)
{
	if (a->status != status || !strstr(a->head, header))
		fail_msg("expected %d and '%s' in '%s'", status, header, a->head);
}

/* Waits until so many requests wait. */
static void await_waiting(int wanted)
{
	const struct timespec rest = { 0, 2000000 };
	char line[64];

	snprintf(line, sizeof(line), "\nisaribi_http_waiting_requests %d\n", wanted);
	for (int i = 0; i < 1500; i++) {
		const struct answer *a =
		    read_answer(ask("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));

		if (strstr(a->body, line))
			return;
		nanosleep(&rest, NULL);
	}
	fail_msg("not %d requests wait", wanted);
}

static void one_part_answers_all(void **state)
{
	static char first[ANSWER_MAX_BYTES];
	int plain[CLIENTS];
	int packed[CLIENTS];
	const struct answer *a;

	(void)state;
	produce_segment();
	for (int i = 0; i < CLIENTS; i++) {
		plain[i] = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "");
		packed[i] = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "Accept-Encoding: gzip\r\n");
	}
	await_waiting(2 * CLIENTS);
	produce_part();
	for (int i = 0; i < CLIENTS; i++) {
		a = read_answer(plain[i]);
		expect(a, 200, "\r\nCache-Control: public, max-age=6\r\n");
		expect(a, 200, "\r\nAccess-Control-Allow-Origin: *\r\n");
		assert_non_null(strstr(a->body, "#EXT-X-PART:DURATION="));
		if (i == 0)
			memcpy(first, a->body, sizeof(first));
		assert_string_equal(a->body, first);
		a = read_answer(packed[i]);
		expect(a, 200, "\r\nContent-Encoding: gzip\r\n");
		assert_memory_equal(a->body, "\x1f\x8b", 2);
	}
	await_waiting(0);
	/* asked for by number but there already: the same; without a number: for a second */
	expect(fetch("main.m3u8?_HLS_msn=11&_HLS_part=0", ""), 200, "\r\nCache-Control: public, max-age=6\r\n");
	expect(fetch("main.m3u8", ""), 200, "\r\nCache-Control: public, max-age=1\r\n");
}

static void a_hinted_part_is_sent_when_it_comes(void **state)
{
	char name[64];
	const struct answer *a;
	int fd;
	int ranged;

	(void)state;
	produce_segment();
	snprintf(name, sizeof(name), "part-e1-%u.m4s", f.newest->sequence + 1);
	fd = get(name, "");
	ranged = get(name, "Range: bytes=4-7\r\n");
	await_waiting(2);
	produce_part();
	a = read_answer(fd);
	expect(a, 200, "\r\nCache-Control: public, max-age=3600, immutable\r\n");
	expect(a, 200, "\r\nContent-Type: video/iso.segment\r\n");
	assert_int_equal(a->body_bytes, f.newest->bytes);
	assert_memory_equal(a->body, f.newest->moof->data, f.newest->moof->size_bytes);
	assert_memory_equal(a->body + f.newest->moof->size_bytes, f.newest->mdat->data, f.newest->mdat->size_bytes);
	a = read_answer(ranged);
	expect(a, 206, "\r\nContent-Range: bytes 4-7/");
	assert_memory_equal(a->body, "moof", 4);
	snprintf(name, sizeof(name), "part-e1-%u.m4s", f.newest->sequence + 2);
	expect(fetch(name, ""), 404, "\r\nCache-Control: public, max-age=1\r\n");
}

static void head_and_http_10_wait_likewise(void **state)
{
	const struct answer *a;
	int head;
	int old;

	(void)state;
	produce_segment();
	head =
	    ask("HEAD /hls/tanaka/main.m3u8?_HLS_msn=11&_HLS_part=0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	old = ask("GET /hls/tanaka/main.m3u8?_HLS_msn=11&_HLS_part=0 HTTP/1.0\r\n\r\n");
	await_waiting(2);
	produce_part();
	a = read_answer(head);
	expect(a, 200, "\r\nContent-Type: application/vnd.apple.mpegurl\r\n");
	assert_int_equal(a->body_bytes, 0);
	assert_null(strstr(a->head, "\r\nContent-Length: 0\r\n"));
	a = read_answer(old);
	expect(a, 200, "\r\nContent-Type: application/vnd.apple.mpegurl\r\n");
	assert_non_null(strstr(a->body, "#EXT-X-PART:"));
}

static void who_leaves_is_forgotten(void **state)
{
	int fds[6];

	(void)state;
	produce_segment();
	for (int i = 0; i < 6; i++)
		fds[i] = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "");
	await_waiting(6);
	for (int i = 0; i < 6; i += 2)
		close(fds[i]);
	await_waiting(3);
	produce_part();
	for (int i = 1; i < 6; i += 2)
		expect(read_answer(fds[i]), 200, "\r\nContent-Type: application/vnd.apple.mpegurl\r\n");
	await_waiting(0);
}

static void a_connection_waits_again_and_again(void **state)
{
	static char text[16384];
	char request[256];
	int fd, len;

	(void)state;
	produce_segment();
	fd = dial_port(f.port, 0);
	for (int msn = 11; msn < 14; msn++) {
		snprintf(
		    request, sizeof(request), "GET /hls/tanaka/main.m3u8?_HLS_msn=%d HTTP/1.1\r\nHost: x\r\n\r\n", msn);
		say(fd, request);
		await_waiting(1);
		produce_segment();
		len = take_answer(fd, text, sizeof(text), false);
		assert_true(len > 0);
		assert_non_null(strstr(text, "#EXT-X-PRELOAD-HINT:"));
		assert_int_equal(text[len - 1], '\n');
		snprintf(request, sizeof(request), "\nseg-e1-%d.m4s\n", msn);
		assert_non_null(strstr(text, request));
	}
	close(fd);
}

static void who_waits_too_long_is_told(void **state)
{
	struct timespec before;
	struct timespec after;
	int fd;

	(void)state;
	produce_segment();
	clock_gettime(CLOCK_MONOTONIC, &before);
	fd = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "");
	await_waiting(1);
	expect(read_answer(fd), 503, "\r\nCache-Control: no-store\r\n");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 2, 6);
	await_waiting(0);
	fd = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "");
	await_waiting(1);
	produce_part();
	expect(read_answer(fd), 200, "\r\nContent-Type: application/vnd.apple.mpegurl\r\n");
}

static void the_end_answers_all(void **state)
{
	char name[64];
	int playlist;
	int part;

	(void)state;
	produce_segment();
	snprintf(name, sizeof(name), "part-e1-%u.m4s", f.newest->sequence + 1);
	playlist = get("main.m3u8?_HLS_msn=12", "");
	part = get(name, "");
	await_waiting(2);
	shelf_end(f.shelf, "tanaka");
	assert_non_null(strstr(read_answer(playlist)->body, "#EXT-X-ENDLIST\n"));
	expect(read_answer(part), 404, "\r\nCache-Control: public, max-age=1\r\n");
}

/* Without its date, which may tick between two answers. */
static void keep_404(char *out, const struct answer *a)
{
	char *date = strstr(a->head, "Date: ");

	assert_int_equal(a->status, 404);
	assert_non_null(date);
	memset(date, ' ', strcspn(date, "\r"));
	snprintf(out, 4096, "%s%.1000s", a->head, a->body);
}

static void a_token_is_looked_at_again(void **state)
{
	char waited[4096];
	char unknown[4096];
	int fd;

	(void)state;
	produce_segment();
	keep_404(unknown, fetch("nothing", ""));
	fd = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "");
	await_waiting(1);
	atomic_store(&f.is_open, false);
	produce_part();
	keep_404(waited, read_answer(fd));
	assert_string_equal(waited, unknown);
	/* who may not see it is not told that his query is wrong either */
	keep_404(waited, fetch("main.m3u8?_HLS_msn=x", ""));
	assert_string_equal(waited, unknown);
	keep_404(waited, fetch("main.m3u8?_HLS_msn=11&_HLS_part=1", ""));
	assert_string_equal(waited, unknown);
}

static void a_new_stream_of_the_name_answers(void **state)
{
	char name[64];
	int playlist;
	int part;

	(void)state;
	produce_segment();
	snprintf(name, sizeof(name), "part-e1-%u.m4s", f.newest->sequence + 1);
	playlist = get("main.m3u8?_HLS_msn=11", "");
	part = get(name, "");
	await_waiting(2);
	begin("e2");
	expect(read_answer(part), 404, "\r\nCache-Control: public, max-age=1\r\n");
	await_waiting(1);
	produce_segment();
	produce_segment();
	assert_non_null(strstr(read_answer(playlist)->body, "\nseg-e2-11.m4s\n"));
}

/* After a restart: a player of any make takes a 404 for the end. Who may not see it waits for nothing. */
static void a_playlist_to_come_is_waited_for(void **state)
{
	char unknown[4096];
	char refused[4096];
	int media;
	int main;

	(void)state;
	atomic_store(&f.is_open, false);
	keep_404(unknown, fetch("nothing", ""));
	keep_404(refused, fetch("main.m3u8", ""));
	assert_string_equal(refused, unknown);
	keep_404(refused, fetch("index.m3u8", ""));
	assert_string_equal(refused, unknown);
	atomic_store(&f.is_open, true);
	media = get("main.m3u8", "");
	main = get("index.m3u8", "");
	await_waiting(2);
	produce_segment();
	produce_segment();
	expect(read_answer(media), 200, "\r\nCache-Control: public, max-age=1\r\n");
	expect(read_answer(main), 200, "\r\nCache-Control: public, max-age=2\r\n");
	/* One that is expected back, and then one that has begun again */
	shelf_expect(f.shelf, "tanaka");
	expect(fetch("main.m3u8", ""), 200, "\r\n");
	begin("e2");
	media = get("main.m3u8", "");
	await_waiting(1);
	shelf_end(f.shelf, "tanaka");
	expect(read_answer(media), 404, "\r\nCache-Control: public, max-age=1\r\n");
}

static void wrong_queries_are_refused(void **state)
{
	static const char *const bad[] = { "_HLS_part=0", "_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=x", "_HLS_msn=13",
		"_HLS_msn=11&_HLS_part=99", "_HLS_msn=11&_HLS_msn=11", "_HLS_msn=18446744073709551616", "_HLS_msn=1%20",
		"_HLS_skip=maybe" };
	char resource[128];

	(void)state;
	produce_segment();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct answer *a;

		snprintf(resource, sizeof(resource), "main.m3u8?%s", bad[i]);
		a = fetch(resource, "");
		if (a->status != 400)
			fail_msg("%s: %s", bad[i], a->head);
		expect(a, 400, "\r\nCache-Control: no-store\r\n");
		expect(a, 400, "\r\nAccess-Control-Allow-Origin: *\r\n");
	}
	expect(fetch("main.m3u8?%5fHLS_msn=1%30", ""), 200, "");
	expect(fetch("main.m3u8?_HLS_skip=YES", ""), 200, "");
	expect(fetch("index.m3u8?_HLS_msn=x", ""), 200, "");
}

static void ranges_of_what_does_not_change(void **state)
{
	static const struct {
		const char *range;
		int status;
		size_t first;
		size_t bytes; /* 0: all */
	} cases[] = {
		{ "Range: bytes=0-9\r\n", 206, 0, 10 },
		{ "Range: bytes=100-\r\n", 206, 100, 0 },
		{ "Range: bytes=300-900\r\n", 206, 300, 601 },
		{ "Range: bytes=0-0\r\n", 206, 0, 1 },
		{ "Range: bytes=0-1,5-6\r\n", 200, 0, 0 },
		{ "Range: lines=0-1\r\n", 200, 0, 0 },
		{ "Range: bytes=0-9\r\nIf-Range: \"x\"\r\n", 200, 0, 0 },
		{ "", 200, 0, 0 },
	};
	static char whole[ANSWER_MAX_BYTES];
	const struct answer *a = NULL;
	size_t size;
	char line[96];

	(void)state;
	produce_segment();
	a = fetch("seg-e1-10.m4s", "");
	size = a->body_bytes;
	memcpy(whole, a->body, size);
	assert_true(size > 2000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t bytes = cases[i].bytes ? cases[i].bytes : size - cases[i].first;

		a = fetch("seg-e1-10.m4s", cases[i].range);
		expect(a, cases[i].status, "\r\nAccept-Ranges: bytes\r\n");
		expect(a, cases[i].status, "\r\nCache-Control: public, max-age=3600, immutable\r\n");
		snprintf(line, sizeof(line), "\r\nContent-Range: bytes %zu-%zu/%zu\r\n", cases[i].first,
		    cases[i].first + bytes - 1, size);
		assert_int_equal(strstr(a->head, line) != NULL, cases[i].status == 206);
		assert_int_equal(a->body_bytes, bytes);
		assert_memory_equal(a->body, whole + cases[i].first, bytes);
	}
	a = fetch("seg-e1-10.m4s", "Range: bytes=-7\r\n");
	assert_memory_equal(a->body, whole + size - 7, 7);
	snprintf(line, sizeof(line), "Range: bytes=%zu-\r\n", size);
	a = fetch("seg-e1-10.m4s", line);
	snprintf(line, sizeof(line), "\r\nContent-Range: bytes */%zu\r\n", size);
	expect(a, 416, line);
	expect(a, 416, "\r\nCache-Control: no-store\r\n");
	assert_int_equal(a->body_bytes, 0);
	/* §14.2: ranges are for GET; a playlist changes between two of them */
	a = read_answer(ask("HEAD /hls/tanaka/seg-e1-10.m4s HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n"
			    "Connection: close\r\n\r\n"));
	snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n", size);
	expect(a, 200, line);
	a = fetch("main.m3u8", "Range: bytes=0-1\r\n");
	expect(a, 200, "");
	assert_null(strstr(a->head, "\r\nAccept-Ranges:"));
	expect(fetch("init-e1-1.mp4", "Range: bytes=4-7\r\n"), 206, "\r\nContent-Type: video/mp4\r\n");
}

static void closing_lets_all_go(void **state)
{
	char byte;
	int fds[4];

	(void)state;
	produce_segment();
	for (int i = 0; i < 4; i++)
		fds[i] = get("main.m3u8?_HLS_msn=11&_HLS_part=0", "");
	await_waiting(4);
	stop();
	for (int i = 0; i < 4; i++) {
		assert_true(take(fds[i], &byte, 1) <= 0);
		close(fds[i]);
	}
}

#define WITH_NODE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_NODE(one_part_answers_all),
		WITH_NODE(a_hinted_part_is_sent_when_it_comes),
		WITH_NODE(head_and_http_10_wait_likewise),
		WITH_NODE(who_leaves_is_forgotten),
		WITH_NODE(a_connection_waits_again_and_again),
		WITH_NODE(who_waits_too_long_is_told),
		WITH_NODE(the_end_answers_all),
		WITH_NODE(a_token_is_looked_at_again),
		WITH_NODE(a_new_stream_of_the_name_answers),
		WITH_NODE(a_playlist_to_come_is_waited_for),
		WITH_NODE(wrong_queries_are_refused),
		WITH_NODE(ranges_of_what_does_not_change),
		WITH_NODE(closing_lets_all_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
