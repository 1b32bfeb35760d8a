/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Immutable bytes that many hold: playlists, parts, headers on the wire.
 *
 * Owner: whoever fills it, until it hands out the second reference; from then on nobody writes.
 * Lifetime: the last shared_unref frees. Any thread may ref and unref.
 */
#ifndef ISARIBI_BASE_SHARED_H
#define ISARIBI_BASE_SHARED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct shared {
	atomic_uint refs;
	size_t size_bytes;
	uint8_t data[];
};

/* size_bytes of unset memory with one reference, or NULL when memory is out. */
struct shared *shared_create(size_t size_bytes);
struct shared *shared_copy(const void *data, size_t size_bytes);
struct shared *shared_ref(struct shared *s); /* returns s; NULL is fine */
void shared_unref(struct shared *s);	     /* NULL is fine */

#endif
