/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_fixture.h"

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
#include "base/shared.h"
#include "tests/unit/oom.h"

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

void handle(void *arg, struct http_request *request)
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

void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, (ms % 1000) * 1000000 }, NULL);
}

struct http_stats fresh_stats(struct fixture *f)
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

int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	return start(f);
}

int set_up_tight(void **state)
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

int tear_down(void **state)
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

int dial_with_window(struct fixture *f, int receive_bytes)
{
	return dial_port(f->port, receive_bytes);
}

int dial(struct fixture *f)
{
	return dial_with_window(f, 0);
}

void ask(int fd, const char *request, char *buf, size_t size)
{
	say(fd, request);
	if (take_answer(fd, buf, size, false) < 0)
		fail_msg("closed without an answer to: %.60s", request);
}

void expect_closed(int fd)
{
	char buf[4096];
	ssize_t n;

	do
		n = take(fd, buf, sizeof(buf));
	while (n > 0);
	close(fd);
}

void assert_starts(const char *text, const char *start_text)
{
	if (strncmp(text, start_text, strlen(start_text)) != 0)
		fail_msg("expected '%s', got '%.200s'", start_text, text);
}

void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("expected '%s' in '%.400s'", part, text);
}

void wait_gone(struct fixture *f, unsigned n)
{
	for (int i = 0; i < (int)oom_wait_ms(WAIT_MS) && atomic_load(&f->gone) < n; i += 5)
		pause_ms(5);
	assert_int_equal(atomic_load(&f->gone), n);
}
