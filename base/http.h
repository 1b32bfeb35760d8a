/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hardened HTTP/1.1 server on one of our loops: takes requests, hands them to one function, writes what it answers.
 *
 * Owner: the loop given to http_server_open; every function and callback here runs on its thread.
 * Lifetime: a request is valid until it has been answered or its on_gone has been called, whichever is first.
 * Not here: routes (packager/deliver.h), media, request bodies, TLS and WebSocket (they come as fields of
 * struct http_server_config; handlers will not change). This and its http_* files are the one door to libwebsockets.
 *
 * What is refused before the handler sees it: methods other than GET, HEAD and OPTIONS (405; OPTIONS is answered here),
 * request bodies (400, 411, 413), addresses over 2 KB (414), paths that do not pass http_path_is_clean (400), any
 * Upgrade. A head that is no HTTP or larger than max_head_bytes is closed without an answer.
 */
#ifndef ISARIBI_BASE_HTTP_H
#define ISARIBI_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct shared;
struct http_server;

enum {
	HTTP_URI_MAX_BYTES = 2048,
	HTTP_SLICE_BYTES = 256 * 1024, /* written to one connection before the others get their turn */
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

struct http_server_config {
	const char *host; /* numeric address */
	uint16_t port;	  /* 0: any, see http_server_port */
	http_handle_fn handle;
	void *arg;
	unsigned max_connections;  /* beyond: 503 and closed. 0: 4096 */
	unsigned max_head_bytes;   /* request line and headers. 0: 8192 */
	unsigned head_timeout_ms;  /* from accept to the first whole head. 0: 10 s */
	unsigned idle_timeout_ms;  /* from an answer to the next whole head. 0: 30 s */
	unsigned stall_timeout_ms; /* a client that takes no byte for so long is closed. 0: 10 s */
};

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

/* Listens at once. 0 or a negative errno; strings of config are copied or used only during the call. */
int http_server_open(struct http_server **out, struct loop *loop, const struct http_server_config *config);
/*
 * Closes every connection; waiting requests get their on_gone. Memory is freed in a few turns of the loop, or by the
 * end of loop_destroy. Not from inside a handler.
 */
void http_server_close(struct http_server **server);
uint16_t http_server_port(const struct http_server *server);
void http_server_stats(const struct http_server *server, struct http_stats *out);

/* Inside the handler only: the answer comes later. on_gone: the client has left, the request is gone. */
void http_request_wait(struct http_request *request, http_gone_fn on_gone, void *arg);
/* Ends the request: it is gone when this returns. When memory is out the connection is closed instead. */
void http_respond(struct http_request *request, const struct http_response *response);
/* A short body of text that outlives the call (a literal). */
void http_respond_text(struct http_request *request, int status, const char *cache_control, const char *text);

#endif
