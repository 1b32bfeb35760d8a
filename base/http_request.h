/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request, its answer, and what a server counts: what a handler of base/http.h works with.
 *
 * Owner: the server's loop. Lifetime: a request is valid until it has been answered or its on_gone has been called.
 * Not here: the server (base/http.h), routes.
 */
#ifndef ISARIBI_BASE_HTTP_REQUEST_H
#define ISARIBI_BASE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shared;

enum {
	HTTP_URI_MAX_BYTES = 2048,
	/* Written to one connection before the others get their turn: a usual segment in one go. */
	HTTP_SLICE_BYTES = 768 * 1024,
	HTTP_PIECES_MAX = 1024,
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD, /* answered like GET: the server leaves the body out */
};

/* Texts are NUL-terminated, borrowed, valid as long as the request; a header that is not there is "". */
struct http_request {
	enum http_method method;
	bool accepts_gzip;
	const char *path;  /* percent-decoded once, begins with '/', no empty, "." or ".." segment, no control bytes */
	const char *query; /* after the '?', percent-decoded piece by piece; "" without one */
	const char *range; /* Range */
	const char *if_none_match; /* If-None-Match */
};

/* Bytes of an answer: all or a stretch of a shared object, or static memory (owner NULL). */
struct http_piece {
	struct shared *owner;
	const uint8_t *data;
	size_t size_bytes;
};

/* Everything is borrowed during the call of http_respond, but for the pieces' owners: a reference to each is taken. */
struct http_response {
	int status;
	const char *content_type; /* NULL: none; likewise below */
	const char *cache_control;
	const char *content_encoding;
	const char *etag;	   /* with its quotes */
	const char *extra_headers; /* whole lines, each ending in \r\n */
	const struct http_piece *pieces;
	size_t n_pieces; /* at most HTTP_PIECES_MAX */
};

/*
 * Answers with http_respond now, or calls http_request_wait and answers later on the same thread.
 * May not close the server.
 */
typedef void (*http_handle_fn)(void *arg, struct http_request *request);
typedef void (*http_gone_fn)(void *arg);

struct http_stats {
	uint64_t requests;		/* heads read, refused ones too */
	uint64_t responses_by_class[6]; /* [2]: 200..299 */
	uint64_t bytes_out;		/* heads and bodies, as the kernel took them */
	uint64_t connections;		/* accepted */
	uint64_t refused;		/* accepted and turned away: too many */
	uint64_t stalled;		/* closed by stall_timeout_ms */
	uint64_t timed_out;		/* closed by head_timeout_ms or idle_timeout_ms */
	unsigned open_connections;
	unsigned waiting_requests;
};

/* Inside the handler only: the answer comes later. on_gone: the client has left, the request is gone. */
void http_request_wait(struct http_request *request, http_gone_fn on_gone, void *arg);
/* Ends the request: it is gone when this returns. When memory is out the connection is closed instead. */
void http_respond(struct http_request *request, const struct http_response *response);

/*
 * A body that is too large to be held: it is fed, and the next bytes are asked for when those before are with the
 * kernel. Both callbacks run on the server's loop and may not close the server.
 */
struct http_source {
	uint64_t size_bytes;	    /* of the body; the pieces of the response are its beginning */
	void (*on_want)(void *arg); /* all that was given is written: http_feed, now or later */
	http_gone_fn on_gone;	    /* once, always, at the end: all is written, or the client has left */
	void *arg;
};

/* Like http_respond, but the request goes on until on_gone (which a HEAD gets at once, and when memory is out). */
void http_respond_from(
    struct http_request *request, const struct http_response *response, const struct http_source *source);
/* The next pieces of the body, not more than are missing, after an on_want. */
void http_feed(struct http_request *request, const struct http_piece *pieces, size_t n_pieces);
/* There is no more, though more was promised: closes the connection, so that nobody takes it for the whole. */
void http_break_off(struct http_request *request);
/* A short body of text that outlives the call (a literal). */
void http_respond_text(struct http_request *request, int status, const char *cache_control, const char *text);

#endif
