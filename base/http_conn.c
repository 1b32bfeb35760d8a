/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_conn.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/http_text.h"
#include "base/loop.h"

/* A request and its answer. */
struct http_exchange {
	struct http_request request;
	struct http_conn *conn;
	struct http_out out;
	http_gone_fn on_gone;
	void *gone_arg;
	struct http_source source; /* on_want NULL: there is none */
	uint64_t to_feed;	   /* bytes that it still owes */
	bool keeps_alive;
	bool is_http_10;
	bool is_answered;
	bool is_broken; /* memory was out */
	char text[];
};

/* Who feeds the answer, or waits with it, hears that it is over. */
static void exchange_destroy(struct http_conn *conn)
{
	struct http_exchange *x = conn->exchange;
	http_gone_fn on_gone;
	void *arg;

	conn->exchange = NULL;
	if (!x)
		return;
	on_gone = x->source.on_want ? x->source.on_gone : x->on_gone;
	arg = x->source.on_want ? x->source.arg : x->gone_arg;
	if (x->is_answered && !x->source.on_want)
		on_gone = NULL;
	http_out_fini(&x->out);
	free(x);
	if (on_gone)
		on_gone(arg);
}

void http_conn_destroy(struct http_conn **conn_out)
{
	struct http_conn *conn = *conn_out;

	*conn_out = NULL;
	if (!conn)
		return;
	http_conn_closed(conn);
	free(conn);
}

void http_conn_closed(struct http_conn *conn)
{
	if (conn->state == HTTP_CONN_WAITING)
		conn->host->stats.waiting_requests--;
	conn->state = HTTP_CONN_CLOSED;
	conn->wsi = NULL;
	http_poll_forget(&conn->host->poll, &conn->poll_socket, conn->fd);
	exchange_destroy(conn);
}

struct http_conn *http_conn_create(struct http_conn_host *host, int fd)
{
	struct http_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->host = host;
	conn->fd = fd;
	conn->state = HTTP_CONN_READING;
	return conn;
}

static int unsent_bytes(const struct http_conn *conn)
{
	int n = 0;

	return ioctl(conn->fd, SIOCOUTQ, &n) == 0 ? n : 0;
}

bool http_conn_has_progress(struct http_conn *conn)
{
	int unsent = unsent_bytes(conn);

	if (unsent >= conn->unsent_bytes)
		return false;
	conn->unsent_bytes = unsent;
	conn->deadline_us = loop_now_us(conn->host->loop) + (int64_t)conn->host->stall_timeout_us;
	return true;
}

static bool has_room(const struct http_conn *conn)
{
	struct pollfd p = { .fd = conn->fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/*
 * One slice. After the last byte the connection counts as busy until there is room again: libwebsockets begins the next
 * request by waiting for room, and while it waits it would spin on input that it does not read.
 */
static enum http_conn_step write_slice(struct http_conn *conn)
{
	struct http_exchange *x = conn->exchange;
	ssize_t n;

	if (x->is_broken)
		return HTTP_STEP_BROKEN;
	n = http_out_write(&x->out, conn->fd, HTTP_SLICE_BYTES);
	if (n < 0)
		return HTTP_STEP_BROKEN;
	conn->host->stats.bytes_out += (uint64_t)n;
	if (http_out_is_done(&x->out) && x->to_feed == 0 && has_room(conn))
		return HTTP_STEP_DONE;
	if (n > 0) {
		conn->unsent_bytes = unsent_bytes(conn);
		conn->deadline_us = loop_now_us(conn->host->loop) + (int64_t)conn->host->stall_timeout_us;
	}
	return HTTP_STEP_LATER;
}

static int wait_for(struct http_conn *conn, enum http_poll_what what)
{
	return http_poll_want(&conn->host->poll, &conn->poll_socket, conn->fd, what);
}

static bool is_hungry(const struct http_exchange *x)
{
	return x->to_feed > 0 && http_out_is_done(&x->out);
}

/* The source may feed at once; that is written when the socket is looked at next, so nothing is called in circles. */
static enum http_conn_step ask_for_more(struct http_conn *conn)
{
	conn->state = HTTP_CONN_HUNGRY;
	if (wait_for(conn, HTTP_POLL_GONE) != 0)
		return HTTP_STEP_BROKEN;
	conn->exchange->source.on_want(conn->exchange->source.arg);
	return HTTP_STEP_LATER;
}

/* DONE: the exchange is over and freed. */
static enum http_conn_step go_on(struct http_conn *conn, bool *keeps_alive)
{
	enum http_conn_step step = write_slice(conn);

	*keeps_alive = conn->exchange->keeps_alive;
	if (step == HTTP_STEP_LATER && is_hungry(conn->exchange))
		return ask_for_more(conn);
	if (step == HTTP_STEP_LATER) {
		conn->state = HTTP_CONN_WRITING;
		if (wait_for(conn, HTTP_POLL_ROOM) != 0)
			return HTTP_STEP_BROKEN;
		return HTTP_STEP_LATER;
	}
	if (step == HTTP_STEP_DONE) {
		exchange_destroy(conn);
		conn->state = HTTP_CONN_READING;
	}
	return step;
}

static void go_on_outside(struct http_conn *conn)
{
	bool keeps_alive;

	switch (go_on(conn, &keeps_alive)) {
	case HTTP_STEP_LATER: return;
	case HTTP_STEP_DONE: conn->host->on_answered(conn, keeps_alive); return;
	case HTTP_STEP_BROKEN: conn->host->on_broken(conn); return;
	}
}

/* What was asked for in an earlier state may come in a later one, where it says nothing. */
void http_conn_on_event(struct http_poll_socket *socket)
{
	struct http_conn *conn = (struct http_conn *)(void *)((char *)socket - offsetof(struct http_conn, poll_socket));

	switch (conn->state) {
	case HTTP_CONN_WAITING:
	case HTTP_CONN_HUNGRY: conn->host->on_broken(conn); return;
	case HTTP_CONN_WRITING: go_on_outside(conn); return;
	case HTTP_CONN_READING:
	case HTTP_CONN_HANDLING:
	case HTTP_CONN_CLOSED: return;
	}
}

static char *keep(char **text, const char *value)
{
	size_t size = strlen(value) + 1;
	char *kept = *text;

	memcpy(kept, value, size);
	*text += size;
	return kept;
}

static struct http_exchange *exchange_create(struct http_conn *conn, const struct http_conn_head *head)
{
	size_t size = strlen(head->path) + strlen(head->query) + strlen(head->range) + strlen(head->if_none_match) + 4;
	struct http_exchange *x = calloc(1, sizeof(*x) + size);
	char *text;

	if (!x)
		return NULL;
	text = x->text;
	x->conn = conn;
	x->keeps_alive = head->keeps_alive;
	x->is_http_10 = head->is_http_10;
	x->request.method = head->method;
	x->request.accepts_gzip = head->accepts_gzip;
	x->request.path = keep(&text, head->path);
	x->request.query = keep(&text, head->query);
	x->request.range = keep(&text, head->range);
	x->request.if_none_match = keep(&text, head->if_none_match);
	return x;
}

enum http_conn_step http_conn_handle(
    struct http_conn *conn, const struct http_conn_head *head, http_handle_fn handle, void *arg, bool *keeps_alive)
{
	struct http_exchange *x = exchange_create(conn, head);

	assert(conn->state == HTTP_CONN_READING && !conn->exchange);
	if (!x)
		return HTTP_STEP_BROKEN;
	conn->exchange = x;
	conn->state = HTTP_CONN_HANDLING;
	handle(arg, &x->request);
	assert(x->is_answered || x->on_gone);
	if (x->is_answered)
		return go_on(conn, keeps_alive);
	conn->state = HTTP_CONN_WAITING;
	conn->host->stats.waiting_requests++;
	return wait_for(conn, HTTP_POLL_GONE) == 0 ? HTTP_STEP_LATER : HTTP_STEP_BROKEN;
}

static struct http_exchange *exchange_of(struct http_request *request)
{
	return (struct http_exchange *)request; /* its first member */
}

void http_request_wait(struct http_request *request, http_gone_fn on_gone, void *arg)
{
	struct http_exchange *x = exchange_of(request);

	assert(x->conn->state == HTTP_CONN_HANDLING && !x->is_answered);
	x->on_gone = on_gone;
	x->gone_arg = arg;
}

static int64_t now_s(void)
{
	return clock_wall_ms(clock_real()) / 1000;
}

static void count_response(struct http_conn *conn, int status)
{
	assert(status >= 100 && status <= 599);
	conn->host->stats.responses_by_class[status / 100]++;
}

static void respond(struct http_exchange *x, const struct http_response *response, uint64_t size_bytes)
{
	struct http_request *request = &x->request;
	struct http_conn *conn = x->conn;
	struct http_head_args args = {
		.response = response,
		.body_bytes = size_bytes,
		.now_s = now_s(),
		.keeps_alive = x->keeps_alive,
		.is_http_10 = x->is_http_10,
	};
	bool with_body = request->method != HTTP_HEAD && response->status != 304 && response->status != 204;

	loop_assert_owner(conn->host->loop);
	assert(!x->is_answered);
	x->is_answered = true;
	x->is_broken = http_out_init(&x->out, &args, with_body) != 0;
	count_response(conn, response->status);
	if (conn->state == HTTP_CONN_HANDLING)
		return;
	assert(conn->state == HTTP_CONN_WAITING);
	conn->host->stats.waiting_requests--;
	conn->state = HTTP_CONN_WRITING;
	go_on_outside(conn);
}

void http_respond(struct http_request *request, const struct http_response *response)
{
	respond(exchange_of(request), response, 0);
}

static uint64_t sum_of(const struct http_piece *pieces, size_t n_pieces)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n_pieces; i++)
		sum += pieces[i].size_bytes;
	return sum;
}

void http_respond_from(
    struct http_request *request, const struct http_response *response, const struct http_source *source)
{
	struct http_exchange *x = exchange_of(request);
	uint64_t given = sum_of(response->pieces, response->n_pieces);

	assert(given <= source->size_bytes && source->size_bytes > 0);
	x->source = *source;
	x->to_feed = request->method == HTTP_HEAD ? 0 : source->size_bytes - given;
	respond(x, response, source->size_bytes);
}

void http_feed(struct http_request *request, const struct http_piece *pieces, size_t n_pieces)
{
	struct http_exchange *x = exchange_of(request);
	struct http_conn *conn = x->conn;
	uint64_t given = sum_of(pieces, n_pieces);

	loop_assert_owner(conn->host->loop);
	assert(conn->state == HTTP_CONN_HUNGRY && given > 0 && given <= x->to_feed);
	x->to_feed -= given;
	x->is_broken = http_out_feed(&x->out, pieces, n_pieces) != 0;
	conn->deadline_us = loop_now_us(conn->host->loop) + (int64_t)conn->host->stall_timeout_us;
	conn->state = HTTP_CONN_WRITING;
	if (wait_for(conn, HTTP_POLL_ROOM) != 0)
		x->is_broken = true; /* its deadline ends it */
}

void http_break_off(struct http_request *request)
{
	struct http_exchange *x = exchange_of(request);

	assert(x->conn->state == HTTP_CONN_HUNGRY);
	x->is_broken = true;
	x->conn->state = HTTP_CONN_WRITING;
	if (wait_for(x->conn, HTTP_POLL_ROOM) != 0)
		x->conn->deadline_us = 0;
}

void http_respond_text(struct http_request *request, int status, const char *cache_control, const char *text)
{
	const struct http_piece piece = { .data = (const uint8_t *)text, .size_bytes = strlen(text) };
	const struct http_response response = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.cache_control = cache_control,
		.pieces = &piece,
		.n_pieces = 1,
	};

	http_respond(request, &response);
}

bool http_conn_refuse(struct http_conn *conn, int status, const char *extra_headers, const char *text)
{
	const struct http_piece piece = { .data = (const uint8_t *)text, .size_bytes = strlen(text) };
	const struct http_response response = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.cache_control = "no-store",
		.extra_headers = extra_headers,
		.pieces = &piece,
		.n_pieces = 1,
	};
	struct http_head_args args = { .response = &response, .now_s = now_s() };
	struct http_out out;
	ssize_t n;
	bool is_whole;

	count_response(conn, status);
	if (http_out_init(&out, &args, true) != 0)
		return false;
	/* A few hundred bytes on a socket that was just ready: what does not go out at once is not worth a wait. */
	n = http_out_write(&out, conn->fd, HTTP_SLICE_BYTES);
	if (n > 0)
		conn->host->stats.bytes_out += (uint64_t)n;
	is_whole = http_out_is_done(&out);
	http_out_fini(&out);
	return is_whole;
}
