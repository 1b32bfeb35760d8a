/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of one recording that are not known to be on the disk yet: written but not synced first, then unwritten.
 *
 * Owner: the recording thread. Lifetime: rec_ring_fini lets go of every part. Parts are held by reference: what the
 * HLS window has anyway costs nothing here. Not here: how many bytes it may hold (packager/rec_writer).
 */
#ifndef ISARIBI_PACKAGER_REC_RING_H
#define ISARIBI_PACKAGER_REC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/part.h"

struct rec_entry {
	struct part *part;
	int64_t lost_ms_before; /* of parts that should stand between this one and the one before it */
};

struct rec_ring {
	struct rec_entry *entries;
	size_t first; /* a queue: entries[first] to entries[first + count - 1] */
	size_t count;
	size_t capacity;
	size_t written; /* so many at its front are in the file of now */
	size_t bytes;
	int64_t lost_ms; /* behind the newest */
};

void rec_ring_init(struct rec_ring *r);
void rec_ring_fini(struct rec_ring *r);

/* Takes a reference. -ENOMEM: the part is counted as lost. */
int rec_ring_push(struct rec_ring *r, struct part *part);
/* A part never came here; the next one will say so. */
void rec_ring_note_lost(struct rec_ring *r, int64_t ms);
/* The next to write, or NULL; valid until the ring changes. */
const struct rec_entry *rec_ring_next(const struct rec_ring *r);
void rec_ring_note_written(struct rec_ring *r); /* that one */
/* What was written is synced: it goes. */
void rec_ring_note_synced(struct rec_ring *r);
/* The file failed: what was written must be written again. */
void rec_ring_unwrite(struct rec_ring *r);
/* Gives up the oldest, which must not be written; how much is lost with it. There must be one. */
int64_t rec_ring_drop_oldest(struct rec_ring *r);

/* Rounded to the nearest, and never 0: what is lost is seen. */
int64_t rec_part_ms(const struct part *part);

#endif
