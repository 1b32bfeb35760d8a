/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One keep-alive connection of an HTTP/1.1 client: a request at a time, bodies kept or thrown away unread.
 *
 * Owner: one thread. Lifetime: http_peer_open to http_peer_close; a zeroed peer may be closed, too.
 * Not here: chunked bodies (our servers send lengths), redirects, waiting for events.
 */
#ifndef ISARIBI_TESTS_TOOLS_HTTP_PEER_H
#define ISARIBI_TESTS_TOOLS_HTTP_PEER_H

#include "base/bytes.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_url {
	struct sockaddr_in address;
	char host[64];	/* as it stands in a Host header */
	char path[256]; /* from the first '/' on */
};

/* http://A.B.C.D:PORT/PATH with a numeric address; 0 or -EINVAL. */
int http_url_parse(struct http_url *url, const char *text);

struct http_head {
	int status;
	bool is_closing; /* Connection: close */
	uint64_t body_bytes;
	size_t size_bytes; /* of the head, with its empty line */
};

/* PARSE_OK, PARSE_MORE, or PARSE_BAD: no HTTP/1.1, or no length. Pure. */
int http_head_parse(struct http_head *head, const char *text, size_t len);

struct http_peer {
	int fd;		   /* -1: none */
	bool is_open;	   /* fd is one */
	bool is_asking;	   /* an answer is on its way */
	bool is_body_kept; /* of the answer on its way */
	bool has_stamps;   /* the kernel notes when bytes come in */
	struct http_head head;
	uint64_t left_bytes; /* of the body */
	struct bytes_writer out;
	struct bytes_writer in; /* head and, when it is kept, body */
	int64_t asked_us;	/* all times: CLOCK_MONOTONIC */
	int64_t arrived_us;	/* the answer's last bytes so far reached the socket; without stamps, were read */
};

/* A connection that has begun; has_stamps: arrived_us is the kernel's. 0 or a negative errno. */
int http_peer_open(struct http_peer *peer, const struct http_url *url, bool has_stamps);
void http_peer_close(struct http_peer *peer);
/* GET; the peer must not be asking. 0 or a negative errno. */
int http_peer_ask(struct http_peer *peer, const char *host, const char *path, bool is_body_kept);
/* Sends what is left of the request; out.len says whether more is. 0 or a negative errno. */
int http_peer_flush(struct http_peer *peer);

enum http_peer_step {
	HTTP_PEER_MORE,
	HTTP_PEER_DONE,	  /* the answer is whole: head and http_peer_body hold until the next request */
	HTTP_PEER_BROKEN, /* closed, or nonsense, or bytes that nobody asked for */
};

/* Reads what is there. *n_bytes: how many bytes that was. */
enum http_peer_step http_peer_read(struct http_peer *peer, size_t *n_bytes);
/* The kept body so far. */
const char *http_peer_body(const struct http_peer *peer, size_t *len);

#endif
