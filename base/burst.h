/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathered writes to many sockets in one system call, by io_uring.
 *
 * A call per socket costs more than its way in and out: between two calls the readers that the first one woke push the
 * writer aside. Owner: one thread at a time. Lifetime: caller's. Everything is written, or refused, when burst_send
 * returns: nothing is left with the kernel. Not here: what to do where io_uring is not to be had (burst_create says
 * so); the accounts of a connection (base/tcp).
 */
#ifndef ISARIBI_BASE_BURST_H
#define ISARIBI_BASE_BURST_H

#include <sys/types.h>
#include <sys/uio.h>

struct burst;

enum { BURST_MAX_WRITES = 256 };

/* n: bytes that the socket took, 0: none now, or a negative errno. Adds nothing to the burst. */
typedef void (*burst_done_fn)(void *arg, ssize_t n);

/* 0, or a negative errno where the kernel has no io_uring or does not let us have it. */
int burst_create(struct burst **out);
void burst_destroy(struct burst **burst); /* nothing is waiting to be sent */
/* fd, iov and what it points to stay as they are until burst_send. Sends what was added before when it is full. */
void burst_add(struct burst *b, int fd, const struct iovec *iov, int n_iov, burst_done_fn done, void *arg);
/* Writes all that was added, without blocking, and tells each. NULL is fine; inside a done it does nothing. */
void burst_send(struct burst *b);

#endif
