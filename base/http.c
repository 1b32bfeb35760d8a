/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http.h"

#include <assert.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/http_conn.h"
#include "base/http_linger.h"
#include "base/http_text.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/tcp.h"

enum {
	DEFAULT_MAX_CONNECTIONS = 4096,
	DEFAULT_MAX_HEAD_BYTES = 8192,
	DEFAULT_HEAD_TIMEOUT_MS = 10000,
	DEFAULT_IDLE_TIMEOUT_MS = 30000,
	DEFAULT_STALL_TIMEOUT_MS = 10000,
	SWEEP_MS = 1000,
	UNSENT_IN_KERNEL_BYTES = 128 * 1024,
	SERVICE_BUFFER_BYTES = 4096, /* one for all connections: what is read at a time */
	CLOSING_TURNS = 4,
};

struct http_server {
	struct http_conn_host host;
	http_handle_fn handle;
	void *arg;
	unsigned max_connections;
	int64_t head_timeout_us;
	int64_t idle_timeout_us;
	uint16_t port;

	struct tcp_listener *listener;
	struct loop_timer *sweep;
	struct http_linger linger;
	struct http_conn *conns;
	struct http_conn *to_silence;
	uv_check_t check;

	struct lws_context *context;
	struct lws_vhost *vhost;
	struct lws_protocols protocols[2];

	uv_timer_t closing; /* a handle to count loop turns with */
	int closing_turns_left;
};

static struct http_server *server_of(struct http_conn *conn)
{
	return (struct http_server *)conn->host; /* its first member */
}

/* --- closing ------------------------------------------------------------------------------------------------------ */

static void free_server(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_closing_turn(uv_handle_t *handle)
{
	struct http_server *s = handle->data;

	if (--s->closing_turns_left > 0) {
		uv_timer_init(handle->loop, &s->closing);
		s->closing.data = s;
		uv_close((uv_handle_t *)&s->closing, on_closing_turn);
		return;
	}
	/* Its handles are closed now, so the second call frees (on a loop of ours it does not do so by itself). */
	lws_context_destroy(s->context);
	assert(!s->conns);
	uv_close((uv_handle_t *)&s->check, free_server);
}

void http_server_close(struct http_server **server)
{
	struct http_server *s = *server;

	*server = NULL;
	if (!s)
		return;
	loop_assert_owner(s->host.loop);
	tcp_listener_destroy(&s->listener);
	loop_timer_destroy(&s->sweep);
	http_linger_fini(&s->linger);
	for (struct http_conn *conn = s->conns; conn; conn = conn->next)
		http_conn_closed(conn);
	http_poll_fini(&s->host.poll);
	s->to_silence = NULL;
	uv_check_stop(&s->check);
	/* libwebsockets closes its handles over the next turns: connections in the first, its own in the second. */
	if (s->context)
		lws_context_destroy(s->context);
	s->closing_turns_left = CLOSING_TURNS;
	uv_timer_init(loop_uv(s->host.loop), &s->closing);
	s->closing.data = s;
	uv_close((uv_handle_t *)&s->closing, on_closing_turn);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static void link_conn(struct http_server *s, struct http_conn *conn)
{
	conn->next = s->conns;
	if (s->conns)
		s->conns->prev = conn;
	s->conns = conn;
	s->host.stats.open_connections++;
}

static void unlink_conn(struct http_server *s, struct http_conn *conn)
{
	struct http_conn **link = &s->to_silence;

	if (conn->prev)
		conn->prev->next = conn->next;
	else
		s->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	s->host.stats.open_connections--;
	while (*link && *link != conn)
		link = &(*link)->next_to_silence;
	if (*link)
		*link = conn->next_to_silence;
}

/* Ends a connection from outside a libwebsockets callback. */
static void kill_conn(struct http_conn *conn)
{
	struct lws *wsi = conn->wsi;

	http_conn_closed(conn);
	if (wsi)
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
}

static void silence(struct http_conn *conn);

/*
 * While an answer is awaited or written, libwebsockets 4.1 polls for input that it does not read in this state: a
 * pipelined request or a client's half-close would keep the loop spinning. Its own flow control stops output as well.
 * So the socket is muted in the kernel's poll set until libwebsockets next asks for an event of it, which it does when
 * the exchange ends. Done after polling, because libuv writes what was asked for earlier into the poll set just before.
 */
static void on_check(uv_check_t *check)
{
	struct http_server *s = check->data;
	struct http_conn *conn = s->to_silence;

	s->to_silence = NULL;
	for (struct http_conn *next; conn; conn = next) {
		struct epoll_event none = { .events = 0, .data.fd = conn->fd };

		next = conn->next_to_silence;
		conn->next_to_silence = NULL;
		conn->is_silence_wanted = false;
		if (conn->state != HTTP_CONN_WAITING && conn->state != HTTP_CONN_WRITING &&
		    conn->state != HTTP_CONN_HUNGRY)
			continue;
		if (epoll_ctl(uv_backend_fd(loop_uv(s->host.loop)), EPOLL_CTL_MOD, conn->fd, &none) == 0)
			continue;
		/* ENOENT: libuv took it out and will put it back before it polls next; then it is our turn again. */
		if (errno == ENOENT)
			silence(conn);
		else
			kill_conn(conn);
	}
	if (!s->to_silence)
		uv_check_stop(&s->check);
}

static void silence(struct http_conn *conn)
{
	struct http_server *s = server_of(conn);

	if (conn->is_silence_wanted)
		return;
	conn->is_silence_wanted = true;
	conn->next_to_silence = s->to_silence;
	s->to_silence = conn;
	uv_check_start(&s->check, on_check);
}

static void await_head(struct http_conn *conn)
{
	conn->deadline_us = loop_now_us(conn->host->loop) + server_of(conn)->idle_timeout_us;
}

/*
 * The exchange is over; false: the connection is to be closed. Deadlines are ours (sweep): with one of its own for each
 * idle connection libwebsockets would walk the list of them all at every request.
 */
static bool is_next_awaited(struct http_conn *conn, bool keeps_alive)
{
	await_head(conn);
	if (!keeps_alive || lws_http_transaction_completed(conn->wsi) != 0)
		return false;
	lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
	return true;
}

static void on_answered(struct http_conn *conn, bool keeps_alive)
{
	if (!is_next_awaited(conn, keeps_alive))
		kill_conn(conn);
}

static void sweep(void *arg)
{
	struct http_server *s = arg;
	int64_t now_us = loop_now_us(s->host.loop);
	struct http_conn *next;

	http_linger_sweep(&s->linger, now_us);
	for (struct http_conn *conn = s->conns; conn; conn = next) {
		next = conn->next;
		if (conn->state == HTTP_CONN_WRITING && http_conn_has_progress(conn))
			continue;
		if (conn->state == HTTP_CONN_WAITING || conn->state == HTTP_CONN_HUNGRY ||
		    conn->state == HTTP_CONN_CLOSED || now_us < conn->deadline_us)
			continue;
		if (conn->state == HTTP_CONN_WRITING)
			s->host.stats.stalled++;
		else
			s->host.stats.timed_out++;
		kill_conn(conn);
	}
	if (!s->conns && !s->linger.first)
		loop_timer_stop(s->sweep);
}

static void turn_away(int fd)
{
	static const char full[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 5\r\n"
				   "Connection: close\r\n\r\n";

	/* Whether it reaches him changes nothing. */
	if (send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0;
	close(fd);
}

static void tune_socket(int fd)
{
	int on = 1;
	int unsent = UNSENT_IN_KERNEL_BYTES;

	/* Neither decides whether the connection works. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent)) != 0)
		errno = 0;
}

static void on_accept(void *arg, int fd, const char *peer)
{
	struct http_server *s = arg;
	struct http_conn *conn;
	lws_adopt_desc_t info = {
		.vh = s->vhost,
		.type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
		.fd.sockfd = fd,
	};

	(void)peer;
	if (fd < 0) {
		s->host.stats.refused++;
		return;
	}
	s->host.stats.connections++;
	conn = s->host.stats.open_connections < s->max_connections ? http_conn_create(&s->host, fd) : NULL;
	if (!conn) {
		s->host.stats.refused++;
		turn_away(fd);
		return;
	}
	tune_socket(fd);
	conn->deadline_us = loop_now_us(s->host.loop) + s->head_timeout_us;
	link_conn(s, conn);
	info.opaque = conn;
	if (!loop_timer_is_running(s->sweep))
		loop_timer_start(s->sweep, SWEEP_MS, SWEEP_MS);
	/* When it fails before its first callback nobody knows of the connection; after it, WSI_DESTROY frees it. */
	if (!lws_adopt_descriptor_vhost_via_info(&info) && !conn->wsi) {
		unlink_conn(s, conn);
		http_conn_destroy(&conn);
	}
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static const char text_400[] = "リクエストが正しくありません。\nBad request.\n";
static const char text_405[] = "このメソッドは使えません。\nMethod not allowed.\n";
static const char text_411[] = "長さのない本文は受け取れません。\nA body without a length is not accepted.\n";
static const char text_413[] = "本文は受け取れません。\nNo body is accepted here.\n";
static const char text_414[] = "アドレスが長すぎます。\nThe address is too long.\n";
static const char text_upgrade[] = "このアップグレードは使えません。\nThis upgrade is not available.\n";

/* -1, what a libwebsockets callback returns to close. */
static int refuse(struct http_conn *conn, int status, const char *extra_headers, const char *text)
{
	if (http_conn_refuse(conn, status, extra_headers, text))
		http_linger_add(&server_of(conn)->linger, conn->fd);
	return -1;
}

static bool has_header(struct lws *wsi, enum lws_token_indexes token)
{
	return lws_hdr_total_length(wsi, token) > 0;
}

/* A value that is missing or longer than fits is "". */
static void copy_header(struct lws *wsi, enum lws_token_indexes token, char *buf, int size)
{
	if (lws_hdr_copy(wsi, buf, size, token) < 0)
		buf[0] = '\0';
}

/* The parts between '&' as libwebsockets has cut them, put together again. False: too long. */
static bool copy_query(struct lws *wsi, char *buf, int size)
{
	int len = 0;

	buf[0] = '\0';
	for (int i = 0;; i++) {
		int n;

		if (len + 2 >= size)
			return false;
		n = lws_hdr_copy_fragment(wsi, buf + len + (i > 0), size - len - 1, WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n == -1)
			break;
		if (n < 0)
			return false;
		if (i > 0)
			buf[len++] = '&';
		len += n;
	}
	buf[len] = '\0';
	return strlen(buf) == (size_t)len; /* a NUL in between is no query of ours */
}

/* 0, or the status to refuse with. RFC 9112 §6.3: where two readers could disagree about the end, nobody reads on. */
static int check_body(struct lws *wsi)
{
	bool has_length = has_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	char length[32] = "?";

	if (lws_hdr_custom_length(wsi, "content-length :", 16) > 0 ||
	    lws_hdr_custom_length(wsi, "transfer-encoding :", 19) > 0)
		return 400;
	if (has_header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING))
		return has_length ? 400 : 411;
	if (!has_length)
		return 0;
	if (lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0)
		return 400;
	switch (http_length_kind(length)) {
	case HTTP_LENGTH_ZERO: return 0;
	case HTTP_LENGTH_POSITIVE: return 413;
	case HTTP_LENGTH_BAD: break;
	}
	return 400;
}

/*
 * As libwebsockets decides it, so that what our head says is what happens. False without a version we speak:
 * libwebsockets lets a line end that was percent-encoded in the path end the request line, and then there is none.
 */
static bool read_persistence(struct lws *wsi, struct http_conn_head *head)
{
	char version[12];
	char connection[25];

	copy_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version));
	copy_header(wsi, WSI_TOKEN_CONNECTION, connection, sizeof(connection));
	head->is_http_10 = strcmp(version, "HTTP/1.0") == 0;
	if (!head->is_http_10 && strcmp(version, "HTTP/1.1") != 0)
		return false;
	head->keeps_alive = !head->is_http_10;
	if (strcasecmp(connection, "keep-alive") == 0)
		head->keeps_alive = true;
	else if (strcasecmp(connection, "close") == 0)
		head->keeps_alive = false;
	return true;
}

static void handle_options(void *arg, struct http_request *request)
{
	static const struct http_response response = {
		.status = 204,
		.cache_control = "public, max-age=86400",
		.extra_headers = "Access-Control-Allow-Origin: *\r\n"
				 "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"
				 "Access-Control-Allow-Headers: Range, If-None-Match\r\n"
				 "Access-Control-Max-Age: 86400\r\n"
				 "Allow: GET, HEAD, OPTIONS\r\n",
	};

	(void)arg;
	http_respond(request, &response);
}

static int run_handler(struct http_conn *conn, const struct http_conn_head *head, http_handle_fn handle)
{
	struct http_server *s = server_of(conn);
	bool keeps_alive = false;

	switch (http_conn_handle(conn, head, handle, s->arg, &keeps_alive)) {
	case HTTP_STEP_BROKEN: return -1;
	case HTTP_STEP_LATER:
		/* All of the head that we want was copied; 9 KB for each who waits would be much. */
		lws_http_headers_detach(conn->wsi);
		silence(conn);
		return 0;
	case HTTP_STEP_DONE: break;
	}
	return is_next_awaited(conn, keeps_alive) ? 0 : -1;
}

static int serve(struct http_conn *conn, struct lws *wsi, const char *path, size_t path_len)
{
	bool is_options = has_header(wsi, WSI_TOKEN_OPTIONS_URI);
	struct http_conn_head head = { .method = has_header(wsi, WSI_TOKEN_HEAD_URI) ? HTTP_HEAD : HTTP_GET };
	char query[HTTP_URI_MAX_BYTES + 2];
	char range[128];
	char if_none_match[256];
	char encodings[256];
	int status = check_body(wsi);

	if (status == 400)
		return refuse(conn, 400, NULL, text_400);
	if (head.method == HTTP_GET && !is_options && !has_header(wsi, WSI_TOKEN_GET_URI))
		return refuse(conn, 405, "Allow: GET, HEAD, OPTIONS\r\n", text_405);
	if (status != 0)
		return refuse(conn, status, NULL, status == 411 ? text_411 : text_413);
	/* RFC 9112 §3.2: HTTP/1.1 without Host is no request */
	if (!read_persistence(wsi, &head) || (!head.is_http_10 && !has_header(wsi, WSI_TOKEN_HOST)))
		return refuse(conn, 400, NULL, text_400);
	if (path_len > HTTP_URI_MAX_BYTES || !copy_query(wsi, query, (int)sizeof(query)) ||
	    path_len + strlen(query) > HTTP_URI_MAX_BYTES)
		return refuse(conn, 414, NULL, text_414);
	if (!http_path_is_clean(path, path_len) || strlen(path) != path_len)
		return refuse(conn, 400, NULL, text_400);
	copy_header(wsi, WSI_TOKEN_HTTP_RANGE, range, sizeof(range));
	/* RFC 9110 §13.1.5: no answer that has ranges has a validator, so none can match. */
	if (has_header(wsi, WSI_TOKEN_HTTP_IF_RANGE))
		range[0] = '\0';
	copy_header(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, if_none_match, sizeof(if_none_match));
	copy_header(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, encodings, sizeof(encodings));
	head.accepts_gzip = http_accepts_gzip(encodings);
	head.path = path;
	head.query = query;
	head.range = range;
	head.if_none_match = if_none_match;
	return run_handler(conn, &head, is_options ? handle_options : server_of(conn)->handle);
}

/*
 * The only Upgrade that will ever be agreed to is WebSocket, and there is none yet. `in` points into memory that may be
 * gone: for an unknown Upgrade libwebsockets has by then answered 403 and dropped the head.
 */
static int refuse_upgrade(struct http_conn *conn, struct lws *wsi)
{
	if (!has_header(wsi, WSI_TOKEN_UPGRADE)) {
		conn->host->stats.responses_by_class[4]++;
		return -1;
	}
	return refuse(conn, 400, NULL, text_upgrade);
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct http_conn *conn = lws_get_opaque_user_data(wsi);

	(void)user;
	if (!conn)
		return 0;
	switch ((int)reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED: conn->wsi = wsi; return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: conn->host->stats.requests++; return refuse_upgrade(conn, wsi);
	case LWS_CALLBACK_HTTP:
		conn->host->stats.requests++;
		/* Deadlines are ours: sweep(). */
		lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
		return conn->state == HTTP_CONN_READING ? serve(conn, wsi, in, len) : -1;
	case LWS_CALLBACK_CLOSED_HTTP: http_conn_closed(conn); return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(wsi, NULL);
		unlink_conn(server_of(conn), conn);
		http_conn_destroy(&conn);
		return 0;
	/* Bodies are refused with their head, and CONNECT makes a raw connection: none of these goes on. */
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX: return -1;
	default: return 0;
	}
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

/*
 * An error of libwebsockets may quote a request: what begins with '/' is left out, it may hold a token. And a peer can
 * cause one (a head that is too large): a line a second at most, and no error an operator must act on.
 */
static void log_lws(int level, const char *line)
{
	static atomic_llong last_s;
	long long now = clock_mono_us(clock_real()) / 1000000;
	char text[256];
	size_t n = 0;

	(void)level;
	if (atomic_exchange(&last_s, now) == now)
		return;
	while (*line != '\0' && n + 2 < sizeof(text)) {
		if (*line == '/') {
			text[n++] = '/';
			line += strcspn(line, " \t\r\n'\"");
			continue;
		}
		if (*line != '\n')
			text[n++] = *line;
		line++;
	}
	text[n] = '\0';
	log_warn(NULL, "http: %s", text);
}

static int open_lws(struct http_server *s, unsigned max_head_bytes)
{
	void *loops[1] = { loop_uv(s->host.loop) };
	struct lws_context_creation_info info = {
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.foreign_loops = loops,
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = s->protocols,
		.vhost_name = "isaribi",
		.alpn = "http/1.1", /* never h2: its code in 4.1 has known holes */
		.pt_serv_buf_size = SERVICE_BUFFER_BYTES,
		.max_http_header_data = (unsigned short)max_head_bytes,
		.keepalive_timeout = (int)(s->idle_timeout_us / 1000000) + 2, /* only a net below our own deadlines */
		.timeout_secs_ah_idle = (unsigned)(s->head_timeout_us / 1000000) + 2,
		.server_string = "isaribi",
	};

	lws_set_log_level(LLL_ERR, log_lws);
	s->context = lws_create_context(&info);
	if (!s->context)
		return -ENOMEM;
	s->vhost = lws_create_vhost(s->context, &info);
	return s->vhost ? 0 : -ENOMEM;
}

static int64_t timeout_us(unsigned ms, unsigned default_ms)
{
	return (int64_t)(ms ? ms : default_ms) * 1000;
}

static void init_server(struct http_server *s, struct loop *loop, const struct http_server_config *config)
{
	s->host.loop = loop;
	s->host.stall_timeout_us = (uint64_t)timeout_us(config->stall_timeout_ms, DEFAULT_STALL_TIMEOUT_MS);
	s->host.on_answered = on_answered;
	s->host.on_broken = kill_conn;
	s->handle = config->handle;
	s->arg = config->arg;
	s->max_connections = config->max_connections ? config->max_connections : DEFAULT_MAX_CONNECTIONS;
	s->head_timeout_us = timeout_us(config->head_timeout_ms, DEFAULT_HEAD_TIMEOUT_MS);
	s->idle_timeout_us = timeout_us(config->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);
	s->protocols[0] = (struct lws_protocols){ .name = "http", .callback = on_lws };
	http_linger_init(&s->linger, loop);
	uv_check_init(loop_uv(loop), &s->check);
	s->check.data = s;
}

int http_server_open(struct http_server **out, struct loop *loop, const struct http_server_config *config)
{
	struct http_server *s = calloc(1, sizeof(*s));
	int fd;
	int err;

	loop_assert_owner(loop);
	assert(config->handle && config->max_head_bytes <= 32768);
	*out = NULL;
	if (!s)
		return -ENOMEM;
	init_server(s, loop, config);
	err = open_lws(s, config->max_head_bytes ? config->max_head_bytes : DEFAULT_MAX_HEAD_BYTES);
	if (err == 0)
		err = http_poll_init(&s->host.poll, loop, http_conn_on_event);
	if (err == 0)
		err = loop_timer_create(&s->sweep, loop, sweep, s);
	if (err == 0)
		err = tcp_listen_sockets(config->host, config->port, &fd, 1, &s->port);
	if (err == 0)
		err = tcp_listener_create(&s->listener, loop, fd, on_accept, s);
	if (err != 0)
		http_server_close(&s);
	*out = s;
	return err;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
	*out = s->host.stats;
}
