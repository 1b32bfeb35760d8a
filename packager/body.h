/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request is answered with: pieces of shared bytes that together are one resource. A segment is moof, mdat,
 * moof, mdat...; a playlist or an init segment is one piece. Nothing is copied on the way to the socket.
 *
 * Owner: its maker until it hands out the second reference; immutable from then on.
 * Lifetime: the last body_unref frees it and its references to the pieces. Any thread may ref and unref.
 */
#ifndef ISARIBI_PACKAGER_BODY_H
#define ISARIBI_PACKAGER_BODY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"

struct body {
	atomic_uint refs;
	size_t size_bytes; /* of all pieces */
	size_t piece_count;
	struct shared *pieces[];
};

/* Takes references of its own to the pieces. NULL when memory is out. */
struct body *body_create(struct shared *const pieces[], size_t piece_count);
struct body *body_ref(struct body *b); /* returns b; NULL is fine */
void body_unref(struct body *b);       /* NULL is fine */

/*
 * The longest run of contiguous bytes at offset (from the body's beginning): returns its length and sets *data,
 * borrowed; 0 at or past the end. A writer of ranges calls it until it has what it needs.
 */
size_t body_run_at(const struct body *b, size_t offset, const uint8_t **data);

#endif
