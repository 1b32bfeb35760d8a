/* SPDX-License-Identifier: Apache-2.0 */
/* The server on a loop of its own, spoken to in raw bytes through a socket. */
#include "base/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/shared.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/oom.h"

static void a_body_is_fed_as_it_is_taken(void **state)
{
	const size_t size = (size_t)BIG_PIECES * BIG_PIECE_BYTES;
	struct fixture *f = *state;
	char *buf = malloc(size + 4096);
	int fd = dial(f);
	int len;

	assert_non_null(buf);
	for (unsigned round = 1; round <= 2; round++) { /* the connection is kept */
		say(fd, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
		len = take_answer(fd, buf, size + 4096, false);
		assert_true(len > (int)size);
		for (size_t i = 0; i < size; i += 4099)
			assert_int_equal((uint8_t)buf[(size_t)len - size + i], i / BIG_PIECE_BYTES);
		wait_gone(f, round);
	}
	say(fd, "HEAD /fed HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(take_answer(fd, buf, 4096, true) > 0);
	assert_holds(buf, "Content-Length: 8388608\r\n");
	wait_gone(f, 3);
	ask(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", buf, 4096);
	close(fd);
	free(buf);
}

/* Who takes nothing is asked for nothing: what is given beyond the sockets' buffers is one piece. */
static void a_slow_client_holds_one_piece(void **state)
{
	struct fixture *f = *state;
	int fd = dial_with_window(f, 4096);
	unsigned fed = 0;

	say(fd, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
	/* Until nothing more was asked for during 300 ms. */
	for (int i = 0; i < 20; i++) {
		fed = atomic_load(&f->n_fed);
		pause_ms((long)oom_wait_ms(300));
		if (fed > 0 && fed == atomic_load(&f->n_fed))
			break;
	}
	assert_in_range(fed, 1, BIG_PIECES / 2);
	assert_int_equal(atomic_load(&f->gone), 0);
	close(fd);
	wait_gone(f, 1);
}

static void what_breaks_off_is_not_taken_for_the_whole(void **state)
{
	const size_t size = (size_t)BIG_PIECES * BIG_PIECE_BYTES;
	struct fixture *f = *state;
	char *buf = malloc(size + 4096);
	int fd = dial(f);

	assert_non_null(buf);
	f->breaks_off_at = 5;
	say(fd, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(take_answer(fd, buf, size + 4096, false), -1);
	wait_gone(f, 1);
	close(fd);
	free(buf);
}

static void answers_and_keeps_alive(void **state)
{
	int fd = dial(*state);
	char buf[8192];

	for (int i = 0; i < 3; i++) {
		ask(fd,
		    "GET /echo/%e7%81%AB?a=1&b=2 HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n"
		    "If-None-Match: \"q\"\r\nAccept-Encoding: br, gzip\r\n\r\n",
		    buf, sizeof(buf));
		assert_starts(buf, "HTTP/1.1 200 OK\r\n");
		assert_holds(buf, "path=/echo/\xe7\x81\xab query=a=1&b=2 range=bytes=0-1 inm=\"q\" gzip=1");
		assert_holds(buf, "\r\nDate: ");
		assert_holds(buf, "ETag: \"e\"");
	}
	ask(fd, "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", buf, sizeof(buf));
	assert_starts(buf, "HTTP/1.1 404 Not Found\r\n");
	assert_holds(buf, "Connection: close\r\n");
	expect_closed(fd);
}

static void takes_requests_byte_by_byte(void **state)
{
	const char *request = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial(*state);
	char buf[8192];

	for (const char *p = request; *p; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		pause_ms(1);
	}
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_starts(buf, "HTTP/1.1 200");
	close(fd);
}

static void answers_pipelined_requests_in_order(void **state)
{
	int fd = dial(*state);
	char buf[8192];

	say(fd,
	    "GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /echo/2 HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/4 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/5 HTT");
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_holds(buf, "path=/echo/1 ");
	assert_true(take_answer(fd, buf, sizeof(buf), true) > 0);
	assert_starts(buf, "HTTP/1.1 200");
	assert_holds(buf, "Content-Length: 38\r\n");
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_holds(buf, "later");
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_holds(buf, "path=/echo/4 ");
	say(fd, "P/1.1\r\nHost: x\r\n\r\n");
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_holds(buf, "path=/echo/5 ");
	close(fd);
}

static void serves_http_1_0(void **state)
{
	int fd = dial(*state);
	char buf[8192];

	ask(fd, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", buf, sizeof(buf));
	assert_holds(buf, "Connection: keep-alive");
	ask(fd, "GET /echo HTTP/1.0\r\n\r\n", buf, sizeof(buf));
	assert_holds(buf, "Connection: close");
	expect_closed(fd);
}

static void answers_preflight(void **state)
{
	int fd = dial(*state);
	char buf[8192];

	ask(fd, "OPTIONS /hls/a/index.m3u8 HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n", buf, sizeof(buf));
	assert_starts(buf, "HTTP/1.1 204");
	assert_holds(buf, "Access-Control-Allow-Origin: *");
	ask(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
	assert_starts(buf, "HTTP/1.1 200");
	close(fd);
}

static void refuses_what_it_must(void **state)
{
	static const struct {
		const char *request;
		const char *answer; /* NULL: closed without one is fine, an answer in the 400s, too */
	} table[] = {
		{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 405" },
		{ "PUT /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405" },
		{ "DELETE /echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405" },
		{ "PATCH /echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405" },
		{ "TRACE /echo HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "NONSENSE /echo HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 413" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 7\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length : 7\r\n\r\nGET / H", "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 411" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    "HTTP/1.1 400" },
		{ "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo%00 HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "GET /echo%zz HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "GET /echo%0d%0aA:b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo%0aHost:x HTTP/1.1\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo\r\nHost: x\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 400" },
		{ "GET /echo\\..\\x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400" },
		{ "GET echo HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "GET * HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
		{ "\r\n\r\n\r\n", NULL },
		{ "\x16\x03\x01\x02\x01\x01\xfc\x03\x03", NULL },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NULL },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		  "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
		    "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		    "HTTP/1.1 400" },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: nonsense\r\n\r\n", NULL },
		{ "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: nonsense\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n",
		    NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char buf[8192];
		int fd = dial(f);

		say(fd, table[i].request);
		shutdown(fd, SHUT_WR);
		if (take_answer(fd, buf, sizeof(buf), false) < 0) {
			if (table[i].answer)
				fail_msg("no answer to '%s'", table[i].request);
			close(fd);
			continue;
		}
		if (table[i].answer)
			assert_starts(buf, table[i].answer);
		else if (strncmp(buf, "HTTP/1.", 7) != 0 || buf[9] != '4') /* libwebsockets' own */
			fail_msg("'%s' got '%s'", table[i].request, buf);
		expect_closed(fd);
	}
	assert_int_equal(atomic_load(&f->handled), 0);
}

/* A client that goes on sending a body must still get the answer, not a reset. */
static void answers_before_a_body_ends(void **state)
{
	int fd = dial(*state);
	char buf[8192];
	char body[8192];

	memset(body, 'b', sizeof(body));
	say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
	for (int i = 0; i < 8; i++) {
		if (send(fd, body, sizeof(body), MSG_NOSIGNAL) < 0)
			break;
		pause_ms(5);
	}
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_starts(buf, "HTTP/1.1 405");
	assert_holds(buf, "Allow: GET, HEAD, OPTIONS\r\n");
	expect_closed(fd);
}

static void bounds_heads_and_addresses(void **state)
{
	static const struct {
		size_t uri_bytes;
		size_t header_bytes;
		const char *answer;
	} table[] = {
		{ 2000, 10, "HTTP/1.1 200" },
		{ 2100, 10, "HTTP/1.1 414" },
		{ 5000, 10, "HTTP/1.1 414" },
		{ 100, 4000, "HTTP/1.1 200" },
		{ 100, 20000, NULL },
		{ 20000, 10, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		static char request[32768];
		char buf[8192];
		int fd = dial(*state);
		char *p = request + sprintf(request, "GET /echo");

		memset(p, 'u', table[i].uri_bytes - 5);
		p += table[i].uri_bytes - 5;
		p += sprintf(p, " HTTP/1.1\r\nHost: x\r\nX-Long: ");
		memset(p, 'h', table[i].header_bytes);
		p += table[i].header_bytes;
		sprintf(p, "\r\n\r\n");
		if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
			assert_int_equal(errno, EPIPE);
		if (take_answer(fd, buf, sizeof(buf), false) < 0)
			assert_null(table[i].answer);
		else
			assert_starts(buf, table[i].answer ? table[i].answer : "HTTP/1.1 4");
		close(fd);
	}
}

static void collapses_dots_before_the_handler(void **state)
{
	static const char *const paths[] = { "/x/../echo/a", "/x/%2e%2e/echo/a", "//echo//a", "/./echo/./a" };
	int fd = dial(*state);
	char buf[8192];

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char request[128];

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
		ask(fd, request, buf, sizeof(buf));
		assert_holds(buf, "path=/echo/a ");
	}
	close(fd);
}

static void check_big_byte(size_t at, char byte)
{
	if ((unsigned char)byte != at / BIG_PIECE_BYTES)
		fail_msg("wrong byte at %zu", at);
}

/* 8 MB; the client rests between gulps, so the server meets a full socket again and again. */
static void writes_big_bodies_to_a_slow_reader(void **state)
{
	int fd = dial_with_window(*state, 32 * 1024);
	static char buf[256 * 1024];
	size_t at = 0;

	say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /echo/after HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(take_answer(fd, buf, sizeof(buf), true) > 0);
	assert_holds(buf, "Content-Length: 8388608\r\n");
	while (at < (size_t)BIG_PIECES * BIG_PIECE_BYTES) {
		size_t left = (size_t)BIG_PIECES * BIG_PIECE_BYTES - at;
		ssize_t n = take(fd, buf, left < sizeof(buf) ? left : sizeof(buf));

		assert_true(n > 0);
		check_big_byte(at, buf[0]);
		check_big_byte(at + (size_t)n - 1, buf[n - 1]);
		at += (size_t)n;
		if (at % 7 == 0)
			pause_ms(1);
	}
	assert_true(take_answer(fd, buf, sizeof(buf), false) > 0);
	assert_holds(buf, "path=/echo/after ");
	close(fd);
}

/* Small and big answers in turn on one connection, as a player fetches playlists and segments. */
static void writes_big_bodies_on_a_used_connection(void **state)
{
	int fd = dial(*state);
	static char buf[9 * 1024 * 1024];

	for (int i = 0; i < 6; i++) {
		ask(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
		ask(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
		assert_holds(buf, "Content-Length: 8388608\r\n");
		if (i % 2)
			ask(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
	}
	close(fd);
}

static void survives_clients_that_vanish(void **state)
{
	struct fixture *f = *state;
	const struct linger reset = { .l_onoff = 1 };

	for (int i = 0; i < 20; i++) {
		int fd = dial_with_window(f, 16 * 1024);
		char buf[1000];

		say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_true(take(fd, buf, sizeof(buf)) > 0);
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && fresh_stats(f).open_connections > 0; i += 20)
		pause_ms(20);
	assert_int_equal(f->stats.open_connections, 0);
}

static long cpu_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	    (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* A request that waits, with more requests behind it, must not keep the loop busy. */
static void waits_without_spinning(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	long cpu_before;

	say(fd,
	    "GET /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /never HTTP/1.1\r\nHost: x\r\n\r\n"
	    "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && fresh_stats(f).waiting_requests == 0; i += 5)
		pause_ms(5);
	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	pause_ms(50);
	cpu_before = cpu_ms();
	pause_ms(1000);
	if (cpu_ms() - cpu_before > 200)
		fail_msg("%ld ms of CPU while waiting 1000 ms", cpu_ms() - cpu_before);
	close(fd);
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && atomic_load(&f->gone) == 0; i += 5)
		pause_ms(5);
	assert_int_equal(fresh_stats(f).waiting_requests, 0);
}

/* The same while an answer cannot be written because the client does not read. */
static void stalls_without_spinning(void **state)
{
	struct fixture *f = *state;
	int fd = dial_with_window(f, 16 * 1024);
	char buf[8192];
	long cpu_before;

	ask(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
	say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	pause_ms(200);
	say(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	pause_ms(50);
	cpu_before = cpu_ms();
	pause_ms(600);
	if (cpu_ms() - cpu_before > 200)
		fail_msg("%ld ms of CPU while stalled 600 ms", cpu_ms() - cpu_before);
	close(fd);
}

static void closes_who_does_not_take(void **state)
{
	struct fixture *f = *state;
	int fd = dial_with_window(f, 16 * 1024);
	int64_t begin_us = clock_mono_us(clock_real());

	say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	while (fresh_stats(f).stalled == 0 && clock_mono_us(clock_real()) - begin_us < 10000000)
		pause_ms(50);
	assert_int_equal(f->stats.stalled, 1);
	close(fd);
}

static void closes_who_sends_no_head(void **state)
{
	struct fixture *f = *state;
	int half = dial(f);
	int silent = dial(f);
	int idle = dial(f);
	char buf[8192];

	say(half, "GET /echo HTTP/1.1\r\nHo");
	ask(idle, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
	expect_closed(half);
	expect_closed(silent);
	expect_closed(idle);
	assert_int_equal(fresh_stats(f).timed_out, 3);
}

static void turns_away_beyond_its_limit(void **state)
{
	struct fixture *f = *state;
	char buf[8192];
	int fds[3];
	int extra;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = dial(f);
		ask(fds[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", buf, sizeof(buf));
	}
	extra = dial(f);
	assert_true(take_answer(extra, buf, sizeof(buf), false) > 0);
	assert_starts(buf, "HTTP/1.1 503");
	expect_closed(extra);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	assert_int_equal(fresh_stats(f).refused, 1);
}

static void serves_many_at_once(void **state)
{
	struct fixture *f = *state;
	int fds[MANY];
	char buf[8192];

	for (int i = 0; i < MANY; i++)
		fds[i] = dial(f);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			char request[100];

			snprintf(request, sizeof(request), "GET /echo/%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
			say(fds[i], request);
		}
		for (int i = 0; i < MANY; i++) {
			char expected[100];

			assert_true(take_answer(fds[i], buf, sizeof(buf), false) > 0);
			snprintf(expected, sizeof(expected), "path=/echo/%d ", i);
			assert_holds(buf, expected);
		}
	}
	assert_int_equal(fresh_stats(f).open_connections, MANY);
	assert_int_equal(f->stats.requests, 3 * MANY);
	assert_int_equal(f->stats.responses_by_class[2], 3 * MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

/* tear_down closes the server under all of these. */
static void closes_with_everything_open(void **state)
{
	struct fixture *f = *state;
	int fds[4];
	char buf[100];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = dial_with_window(f, 16 * 1024);
	say(fds[0], "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
	say(fds[1], "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	say(fds[2], "GET /ec");
	assert_true(take(fds[1], buf, sizeof(buf)) > 0);
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && fresh_stats(f).waiting_requests == 0; i += 5)
		pause_ms(5);
	tear_down(state);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void says_when_it_cannot_listen(void **state)
{
	struct fixture f = { .config = { .host = "192.0.2.1", .port = 1, .handle = handle } };

	(void)state;
	assert_int_equal(loop_create(&f.loop, "test-http"), 0);
	assert_int_equal(http_server_open(&f.server, f.loop, &f.config), -EADDRNOTAVAIL);
	assert_null(f.server);
	loop_destroy(&f.loop);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define WITH_TIGHT(test)  cmocka_unit_test_setup_teardown(test, set_up_tight, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(answers_and_keeps_alive),
		WITH_SERVER(a_body_is_fed_as_it_is_taken),
		WITH_SERVER(a_slow_client_holds_one_piece),
		WITH_SERVER(what_breaks_off_is_not_taken_for_the_whole),
		WITH_SERVER(takes_requests_byte_by_byte),
		WITH_SERVER(answers_pipelined_requests_in_order),
		WITH_SERVER(serves_http_1_0),
		WITH_SERVER(answers_preflight),
		WITH_SERVER(refuses_what_it_must),
		WITH_SERVER(answers_before_a_body_ends),
		WITH_SERVER(bounds_heads_and_addresses),
		WITH_SERVER(collapses_dots_before_the_handler),
		WITH_SERVER(writes_big_bodies_to_a_slow_reader),
		WITH_SERVER(writes_big_bodies_on_a_used_connection),
		WITH_SERVER(survives_clients_that_vanish),
		WITH_SERVER(waits_without_spinning),
		WITH_SERVER(stalls_without_spinning),
		WITH_TIGHT(closes_who_does_not_take),
		WITH_TIGHT(closes_who_sends_no_head),
		WITH_TIGHT(turns_away_beyond_its_limit),
		WITH_SERVER(serves_many_at_once),
		cmocka_unit_test_setup(closes_with_everything_open, set_up),
		cmocka_unit_test(says_when_it_cannot_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
