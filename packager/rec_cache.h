/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexes and open files of the recordings that were asked for last, brought up to date when they are asked for again.
 *
 * Owner: one thread, reading, which may wait for the disk here. Lifetime: rec_cache_create, rec_cache_destroy; what it
 * hands out is valid until the next call.
 */
#ifndef ISARIBI_PACKAGER_REC_CACHE_H
#define ISARIBI_PACKAGER_REC_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "packager/rec_index.h"
#include "packager/rec_load.h"

struct rec_cache;

struct rec_cache *rec_cache_create(const char *data_dir); /* NULL when memory is out */
void rec_cache_destroy(struct rec_cache **cache);
/* DATA_DIR/rec, opened when it is first needed. A descriptor, borrowed, or a negative errno. */
int rec_cache_root(struct rec_cache *cache);
/* The index of a recording as it is now, or was a moment ago. 0, -ENOENT or another negative errno. */
int rec_cache_index(struct rec_cache *cache, const char *id, int64_t now_us, const struct rec_index **out);
/*
 * NNNN.mp4, open for reading. A descriptor, borrowed, or a negative errno. Files that were deleted since stay open for
 * a while: who reads one reads on.
 */
int rec_cache_media(struct rec_cache *cache, const char *id, unsigned stretch, int64_t now_us);

/*
 * How far a running recording is synced by now. stretch 0: it does not run any more. Until the first such note all that
 * is written counts.
 */
void rec_cache_note(struct rec_cache *cache, const char *id, const struct rec_load_limit *limit);

#endif
