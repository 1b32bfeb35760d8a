/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer on its way out: head and pieces, written to a socket straight from where they lie.
 *
 * Owner: the connection. Lifetime: holds a reference to each piece until http_out_fini. Not here: when to write.
 */
#ifndef ISARIBI_BASE_HTTP_OUT_H
#define ISARIBI_BASE_HTTP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/http_request.h"

struct http_out {
	uint8_t *head;
	size_t head_bytes;
	struct http_piece *pieces;
	size_t n_pieces;
	size_t next;	/* 0: the head, n: piece n - 1 */
	size_t written; /* of it */
};

struct http_head_args;

/*
 * with_body false (HEAD, 304): the head alone, its length still that of the body. args->body_bytes not 0: the body is
 * so long and the pieces are its beginning. 0, -ENOMEM, -EINVAL.
 */
int http_out_init(struct http_out *out, struct http_head_args *args, bool with_body);
void http_out_fini(struct http_out *out);
/* More pieces for an answer of which all is written. 0 or -ENOMEM. */
int http_out_feed(struct http_out *out, const struct http_piece *pieces, size_t n_pieces);
bool http_out_is_done(const struct http_out *out);
/* Writes at most max_bytes. Bytes taken; 0: the socket is full; or a negative errno. */
ssize_t http_out_write(struct http_out *out, int fd, size_t max_bytes);

#endif
