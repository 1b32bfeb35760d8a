/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that have had their last answer but whose client may still be sending: read and thrown away for a moment,
 * because closing at once would reset the connection and take the answer from the client.
 *
 * Owner: the server's loop. Lifetime: a socket stays until its client closes, 2 s or 256 KB; http_linger_fini closes
 * all.
 */
#ifndef ISARIBI_BASE_HTTP_LINGER_H
#define ISARIBI_BASE_HTTP_LINGER_H

#include <stdint.h>

struct loop;
struct linger_socket;

struct http_linger {
	struct loop *loop;
	struct linger_socket *first;
	unsigned n_sockets;
};

void http_linger_init(struct http_linger *linger, struct loop *loop);
void http_linger_fini(struct http_linger *linger);
/* Keeps a duplicate of fd; the caller goes on to shut its own down. */
void http_linger_add(struct http_linger *linger, int fd);
void http_linger_sweep(struct http_linger *linger, int64_t now_us);

#endif
