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

#include "base/http_request.h"

struct loop;
struct http_server;

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

/* Listens at once. 0 or a negative errno; strings of config are copied or used only during the call. */
int http_server_open(struct http_server **out, struct loop *loop, const struct http_server_config *config);
/*
 * Closes every connection; waiting requests get their on_gone. Memory is freed in a few turns of the loop, or by the
 * end of loop_destroy. Not from inside a handler.
 */
void http_server_close(struct http_server **server);
uint16_t http_server_port(const struct http_server *server);
void http_server_stats(const struct http_server *server, struct http_stats *out);

#endif
