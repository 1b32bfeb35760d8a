/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of a test client on a non-blocking socket: no certificate is checked.
 *
 * Owner: one thread. Lifetime: peer_tls_create to peer_tls_destroy; the socket is the caller's and outlives it.
 */
#ifndef ISARIBI_TESTS_TOOLS_PEER_TLS_H
#define ISARIBI_TESTS_TOOLS_PEER_TLS_H

#include "base/bytes.h"

#include <sys/types.h>

struct peer_tls;

/* Whose connect has begun. NULL when memory is out. */
struct peer_tls *peer_tls_create(int fd);
void peer_tls_destroy(struct peer_tls **tls);
/* Also drives the handshake. Bytes, 0 at the end, or a negative errno; -EAGAIN: none are there now. */
ssize_t peer_tls_read(struct peer_tls *tls, void *buf, size_t size_bytes);
/* Writes what it can and keeps the rest in w; 0 or a negative errno. */
int peer_tls_flush(struct peer_tls *tls, struct bytes_writer *w);
/* After a flush that left something: is it room in the socket that is missing? Else it waits for the other side. */
bool peer_tls_wants_room(const struct peer_tls *tls);

#endif
