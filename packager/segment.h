/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment of the window: its parts as they came, and once it is complete all of them as one body.
 *
 * Owner: the segment store, on its thread. Lifetime: segment_destroy; bodies that were handed out live on.
 * Not here: which segments there are (packager/segment_store.h).
 */
#ifndef ISARIBI_PACKAGER_SEGMENT_H
#define ISARIBI_PACKAGER_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/body.h"
#include "packager/part.h"
#include "packager/playlist.h"

struct segment {
	uint64_t msn;
	uint64_t discontinuity_sequence;
	int64_t duration_90k;
	int64_t wall_ms;
	bool is_discontinuity;
	bool is_independent;
	char origin[ID_SIZE]; /* of its parts: a channel begins a segment where that changes */
	size_t bytes;
	size_t video_frames;
	struct part_init *init;
	struct body *body;	     /* when complete */
	struct body **parts;	     /* one by one */
	struct playlist_part *lines; /* what the playlist says of them */
	size_t part_count;
	size_t part_capacity;
};

void segment_destroy(struct segment **s);
/* An empty one that begins where part begins; NULL when memory is out. */
struct segment *segment_create(const struct part *part);
/* Takes references of its own to the part's bytes. 0, or -ENOMEM and nothing has changed. */
int segment_append(struct segment *s, const struct part *part);
/* No more parts will come: makes the body. 0 or -ENOMEM. */
int segment_complete(struct segment *s);
/* Borrowed; NULL when that part is none of this segment's. */
struct body *segment_find_part(const struct segment *s, uint64_t sequence);
/* As the playlist names it; borrows the lines. */
struct playlist_segment segment_describe(const struct segment *s);

#endif
