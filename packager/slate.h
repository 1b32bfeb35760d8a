/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a channel shows when it has nothing else: a short loop of pictures, as H.264 access units.
 *
 * Owner: its maker; immutable, any thread may read it, and all channels share one. Lifetime: slate_destroy, after
 * whoever was given it. The one that is built in is made at build by packager/slate/make.cmake.
 * The loop begins with its only key frame, has no reordered pictures, and each lasts slate_picture_90k.
 * Not here: when it is shown (packager/channel), sound (packager/splice).
 */
#ifndef ISARIBI_PACKAGER_SLATE_H
#define ISARIBI_PACKAGER_SLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/part.h"

struct slate;

struct slate_picture {
	const uint8_t *data; /* NAL units behind 4-byte lengths, borrowed from the slate */
	uint32_t size_bytes;
	bool is_key;
};

/*
 * Of a byte stream (H.264 Annex B) in which a delimiter begins each access unit. Copies. 0, -EINVAL when it is no such
 * loop, -ENOMEM.
 */
int slate_create(struct slate **out, const uint8_t *annex_b, size_t len, uint32_t picture_90k);
int slate_create_built_in(struct slate **out);
void slate_destroy(struct slate **slate);

struct track *slate_track(const struct slate *slate); /* borrowed */
uint32_t slate_pictures(const struct slate *slate);   /* how many the loop has */
int64_t slate_picture_90k(const struct slate *slate); /* how long each of them lasts */
/* Number i of the loop, below slate_pictures(). */
struct slate_picture slate_picture(const struct slate *slate, uint32_t i);

/*
 * A part of slate pictures alone, for splice_part: from picture number first on (numbers go on through the loops: first
 * modulo slate_pictures() is its place in the loop), at source time first * slate_picture_90k(). It lasts at most
 * duration_90k, by whole pictures, and ends where the loop does, so that a key frame begins a part. Its init has
 * slate_track() alone. 0 or -ENOMEM; *out is NULL when not one picture is that short.
 */
int slate_part(const struct slate *slate, uint32_t first, int64_t duration_90k, struct part **out);

#endif
