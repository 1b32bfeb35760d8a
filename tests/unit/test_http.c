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
#include "tests/unit/oom.h"

enum {
	WAIT_MS = 20000,
	BIG_PIECES = 64,
	BIG_PIECE_BYTES = 128 * 1024,
	MANY = 200,
};

struct fixture {
	struct loop *loop;
	struct http_server *server;
	struct http_server_config config;
	uint16_t port;
	struct shared *big[BIG_PIECES];
	struct http_request *waiting;
	struct loop_timer *answer_timer;
	struct http_request *fed; /* is answered from the big pieces, one at a time */
	atomic_uint n_fed;
	unsigned breaks_off_at; /* 0: never */
	atomic_uint handled;
	atomic_uint gone;
	atomic_bool has_stats;
	struct http_stats stats;
	struct loop_timer *stats_timer;
};

static void feed(struct fixture *f);

static void answer_waiting(void *arg)
{
	struct fixture *f = arg;
	struct http_request *request = f->waiting;

	if (f->fed)
		feed(f);
	f->waiting = NULL;
	if (request)
		http_respond_text(request, 200, NULL, "later");
}

static void on_gone(void *arg)
{
	struct fixture *f = arg;

	f->waiting = NULL;
	atomic_fetch_add(&f->gone, 1);
}

static void respond_big(struct fixture *f, struct http_request *request)
{
	struct http_piece pieces[BIG_PIECES];
	const struct http_response response = { .status = 200, .pieces = pieces, .n_pieces = BIG_PIECES };

	for (size_t i = 0; i < BIG_PIECES; i++) {
		pieces[i].owner = f->big[i];
		pieces[i].data = f->big[i]->data;
		pieces[i].size_bytes = f->big[i]->size_bytes;
	}
	http_respond(request, &response);
}

static struct http_piece big_piece(const struct fixture *f, size_t i)
{
	return (struct http_piece){ f->big[i], f->big[i]->data, f->big[i]->size_bytes };
}

static void feed(struct fixture *f)
{
	struct http_piece piece = big_piece(f, atomic_load(&f->n_fed));

	if (f->breaks_off_at > 0 && atomic_load(&f->n_fed) == f->breaks_off_at) {
		http_break_off(f->fed);
		return;
	}
	atomic_fetch_add(&f->n_fed, 1);
	http_feed(f->fed, &piece, 1);
}

/* At once or a little later, in turns. */
static void on_want(void *arg)
{
	struct fixture *f = arg;

	if (atomic_load(&f->n_fed) % 2 == 0)
		feed(f);
	else
		loop_timer_start(f->answer_timer, 1, 0);
}

static void on_fed_gone(void *arg)
{
	struct fixture *f = arg;

	f->fed = NULL;
	loop_timer_stop(f->answer_timer);
	atomic_fetch_add(&f->gone, 1);
}

static void respond_fed(struct fixture *f, struct http_request *request)
{
	const struct http_piece piece = big_piece(f, 0);
	const struct http_response response = { .status = 200, .pieces = &piece, .n_pieces = 1 };
	const struct http_source source = { (uint64_t)BIG_PIECES * BIG_PIECE_BYTES, on_want, on_fed_gone, f };

	f->fed = request;
	atomic_store(&f->n_fed, 1);
	http_respond_from(request, &response, &source);
}

static void respond_echo(struct http_request *request)
{
	char text[4096];
	struct shared *body;
	struct http_piece piece;
	const struct http_response response = {
		.status = 200, .content_type = "text/plain", .etag = "\"e\"", .pieces = &piece, .n_pieces = 1
	};

	snprintf(text, sizeof(text), "path=%s query=%s range=%s inm=%s gzip=%d", request->path, request->query,
	    request->range, request->if_none_match, request->accepts_gzip);
	body = shared_copy(text, strlen(text));
	assert_non_null(body);
	piece = (struct http_piece){ body, body->data, body->size_bytes };
	http_respond(request, &response);
	shared_unref(body);
}

static void handle(void *arg, struct http_request *request)
{
	struct fixture *f = arg;

	atomic_fetch_add(&f->handled, 1);
	if (strncmp(request->path, "/echo", 5) == 0)
		respond_echo(request);
	else if (strcmp(request->path, "/big") == 0)
		respond_big(f, request);
	else if (strcmp(request->path, "/fed") == 0)
		respond_fed(f, request);
	else if (strcmp(request->path, "/never") == 0 || strcmp(request->path, "/later") == 0) {
		http_request_wait(request, on_gone, f);
		f->waiting = request;
		if (request->path[1] == 'l')
			loop_timer_start(f->answer_timer, 50, 0);
	} else
		http_respond_text(request, 404, NULL, "nothing here");
}

static void copy_stats(void *arg)
{
	struct fixture *f = arg;

	/* Once per question: while has_stats is set the test's thread reads them. */
	if (!atomic_load(&f->has_stats))
		http_server_stats(f->server, &f->stats);
	atomic_store(&f->has_stats, true);
}

static void on_start(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(loop_timer_create(&f->answer_timer, f->loop, answer_waiting, f), 0);
	assert_int_equal(loop_timer_create(&f->stats_timer, f->loop, copy_stats, f), 0);
	assert_int_equal(http_server_open(&f->server, f->loop, &f->config), 0);
	f->port = http_server_port(f->server);
	loop_timer_start(f->stats_timer, 20, 20);
	copy_stats(f);
}

static void on_stop(void *arg)
{
	struct fixture *f = arg;

	http_server_close(&f->server);
	loop_timer_destroy(&f->answer_timer);
	loop_timer_destroy(&f->stats_timer);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, (ms % 1000) * 1000000 }, NULL);
}

static struct http_stats fresh_stats(struct fixture *f)
{
	atomic_store(&f->has_stats, false);
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && !atomic_load(&f->has_stats); i += 5)
		pause_ms(5);
	return f->stats;
}

static int start(struct fixture *f)
{
	f->config.host = "127.0.0.1";
	f->config.handle = handle;
	f->config.arg = f;
	for (size_t i = 0; i < BIG_PIECES; i++) {
		f->big[i] = shared_create(BIG_PIECE_BYTES);
		assert_non_null(f->big[i]);
		memset(f->big[i]->data, (int)i, BIG_PIECE_BYTES);
	}
	if (loop_create(&f->loop, "test-http") != 0 || loop_start(f->loop, on_start, on_stop, f) != 0)
		return -1;
	(void)fresh_stats(f);
	return 0;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	return start(f);
}

static int set_up_tight(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	f->config.max_connections = 3;
	f->config.head_timeout_ms = 1000;
	f->config.idle_timeout_ms = 1000;
	f->config.stall_timeout_ms = 1000;
	return start(f);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	loop_stop(f->loop);
	loop_join(f->loop);
	loop_destroy(&f->loop);
	for (size_t i = 0; i < BIG_PIECES; i++) {
		assert_int_equal(atomic_load(&f->big[i]->refs), 1);
		shared_unref(f->big[i]);
	}
	free(f);
	return 0;
}

/* --- the client --------------------------------------------------------------------------------------------------- */

static int dial_with_window(struct fixture *f, int receive_bytes)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(f->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (receive_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int dial(struct fixture *f)
{
	return dial_with_window(f, 0);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Bytes read, 0 at the end, -1 for a reset; fails the test when nothing comes. */
static ssize_t take(int fd, char *buf, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, (int)oom_wait_ms(WAIT_MS)) != 1)
		fail_msg("the server is silent");
	return recv(fd, buf, size, 0);
}

/* One answer with its body into buf (terminated). The length of all, or -1 when the connection ended before. */
static int take_answer(int fd, char *buf, size_t size, bool is_head)
{
	size_t len = 0;
	size_t want = 0;

	for (;;) {
		const char *end;
		ssize_t n;

		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end && want == 0) {
			const char *length = strstr(buf, "Content-Length: ");

			want = (size_t)(end - buf) + 4;
			if (length && length < end && !is_head)
				want += (size_t)atoi(length + 16);
		}
		if (want != 0 && len == want)
			return (int)len;
		assert_true(len + 1 < size);
		/* byte by byte at the end of a head, so that the next answer stays in the socket */
		n = take(fd, buf + len, want ? want - len : 1);
		if (n <= 0)
			return -1;
		len += (size_t)n;
	}
}

static void ask(int fd, const char *request, char *buf, size_t size)
{
	say(fd, request);
	if (take_answer(fd, buf, size, false) < 0)
		fail_msg("closed without an answer to: %.60s", request);
}

static void expect_closed(int fd)
{
	char buf[4096];
	ssize_t n;

	do
		n = take(fd, buf, sizeof(buf));
	while (n > 0);
	close(fd);
}

static void assert_starts(const char *text, const char *start_text)
{
	if (strncmp(text, start_text, strlen(start_text)) != 0)
		fail_msg("expected '%s', got '%.200s'", start_text, text);
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("expected '%s' in '%.400s'", part, text);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void wait_gone(struct fixture *f, unsigned n)
{
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && atomic_load(&f->gone) < n; i += 5)
		pause_ms(5);
	assert_int_equal(atomic_load(&f->gone), n);
}

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
	unsigned fed;

	say(fd, "GET /fed HTTP/1.1\r\nHost: x\r\n\r\n");
	do {
		fed = atomic_load(&f->n_fed);
		pause_ms(300);
	} while (fed == 0 || fed != atomic_load(&f->n_fed));
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
