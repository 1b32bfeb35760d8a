/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read() and write() until all is done: short ones go on, and a signal ends nothing.
 *
 * Owner: any thread that may wait for the descriptor, which blocks. Lifetime: the caller's. Not here: sockets
 * (base/tcp.h), recordings, whose disk can be another one (packager/rec_disk.h).
 */
#ifndef ISARIBI_BASE_WHOLE_H
#define ISARIBI_BASE_WHOLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

/* 0 or a negative errno; then some of it may be written. */
int whole_write(int fd, const void *data, size_t len) ATTR_NODISCARD;
/* All that there is up to len bytes: how many, or a negative errno. */
ssize_t whole_read(int fd, void *buf, size_t len) ATTR_NODISCARD;
/* The same from an offset on; where the descriptor stands does not change. */
ssize_t whole_read_at(int fd, void *buf, size_t len, uint64_t offset) ATTR_NODISCARD;

#endif
