/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the HTTP server: the request under way, its answer, the writing of it with backpressure.
 *
 * Owner: the server's loop. Lifetime: http_conn_create to http_conn_destroy; the server lists them.
 * Not here: libwebsockets. It reads heads and owns the socket; between two heads the socket is ours to write to,
 * and waited for through http_poll, because libwebsockets 4.1 can wait for room only while it also polls for input that
 * it will not read then.
 */
#ifndef ISARIBI_BASE_HTTP_CONN_H
#define ISARIBI_BASE_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/http_out.h"
#include "base/http_poll.h"
#include "base/http_request.h"

struct http_conn;
struct loop;

/* What connections share; embedded in the server. */
struct http_conn_host {
	struct loop *loop;
	struct http_poll poll;
	struct http_stats stats;
	uint64_t stall_timeout_us;
	/* An answer that was not finished within the handler is. May destroy the connection. */
	void (*on_answered)(struct http_conn *conn, bool keeps_alive);
	/* The connection broke, or its client left while a request was waiting. May destroy the connection. */
	void (*on_broken)(struct http_conn *conn);
};

enum http_conn_state {
	HTTP_CONN_READING,  /* libwebsockets reads a head, or waits for one */
	HTTP_CONN_HANDLING, /* inside the handler */
	HTTP_CONN_WAITING,  /* the handler answers later */
	HTTP_CONN_WRITING,
	HTTP_CONN_HUNGRY, /* all that was given is written; its source will give more */
	HTTP_CONN_CLOSED, /* libwebsockets has let go of it */
};

struct http_conn {
	struct http_conn *prev;
	struct http_conn *next;
	struct http_conn *next_to_silence;
	struct http_conn_host *host;
	void *wsi; /* libwebsockets' side; NULL when closed */
	int fd;	   /* borrowed from it */
	enum http_conn_state state;
	int64_t deadline_us;
	int unsent_bytes; /* what the kernel held at the last look */
	bool is_silence_wanted;
	struct http_exchange *exchange;
	struct http_poll_socket poll_socket;
};

/* What a head says, as far as we care; copied. */
struct http_conn_head {
	enum http_method method;
	bool accepts_gzip;
	bool keeps_alive;
	bool is_http_10;
	const char *path;
	const char *query;
	const char *range;
	const char *if_none_match;
};

enum http_conn_step {
	HTTP_STEP_DONE,
	HTTP_STEP_LATER, /* goes on by itself and ends in on_answered or on_broken */
	HTTP_STEP_BROKEN,
};

/* What the host's http_poll tells of its sockets. */
void http_conn_on_event(struct http_poll_socket *socket);

void http_conn_destroy(struct http_conn **conn);
struct http_conn *http_conn_create(struct http_conn_host *host, int fd);
/* libwebsockets has closed: tells who waits, lets go of the answer. */
void http_conn_closed(struct http_conn *conn);
/*
 * Runs handle on a request made of head. DONE: answered and written; *keeps_alive says what the answer's head said.
 */
enum http_conn_step http_conn_handle(
    struct http_conn *conn, const struct http_conn_head *head, http_handle_fn handle, void *arg, bool *keeps_alive);
/* An answer of our own that ends the connection: status and a literal for a body. Whether it could be written. */
bool http_conn_refuse(struct http_conn *conn, int status, const char *extra_headers, const char *text);
/* At the deadline of a WRITING connection: has the client taken anything since the last look? Then it gets more time.
 */
bool http_conn_has_progress(struct http_conn *conn);

#endif
