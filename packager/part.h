/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part: what a low-latency player loads at once, made once and shared by every viewer and every writer of files.
 * Several parts in a row are a segment.
 *
 * Owner: its maker (the cutter) until it hands out the second reference; immutable from then on.
 * Lifetime: the last part_unref frees. Any thread may ref and unref.
 * Everything in it follows from the frames and the numbers the cutter began with: no clock, no address, no chance.
 * The sample tables stay, so that a channel can write a moof of its own in front of the same mdat.
 */
#ifndef ISARIBI_PACKAGER_PART_H
#define ISARIBI_PACKAGER_PART_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"
#include "config/id.h"
#include "media/fmp4.h"
#include "media/track.h"

/* An init segment and what it was made from (for CODECS, RESOLUTION, FRAME-RATE). Immutable, counted like a part. */
struct part_init {
	atomic_uint refs;
	unsigned version; /* counts from 1 within an epoch; equal versions are equal bytes */
	struct shared *bytes;
	struct track *tracks[TRACK_KINDS]; /* by kind; NULL: the stream has none */
};

struct part {
	atomic_uint refs;
	uint64_t msn;			 /* media sequence number of the segment it belongs to */
	uint32_t index;			 /* its place in that segment, from 0 */
	uint32_t sequence;		 /* in its epoch, from 1; the mfhd sequence number, too */
	uint64_t discontinuity_sequence; /* discontinuities up to here, its own included */
	int64_t start_90k;		 /* pts of its beginning on the stream's timeline */
	int64_t duration_90k; /* of what it holds; the next part begins there unless there is a discontinuity */
	int64_t wall_ms;      /* wall clock of its beginning, since 1970 (packager/run_clock); -1: unknown */
	bool is_segment_start;
	bool is_segment_end;   /* the segment is complete with this part */
	bool is_discontinuity; /* before this part, which is the first of its segment then */
	bool is_independent;   /* decoding can start with its first frame */
	char origin[ID_SIZE];  /* in a channel: the stream or clip its pictures are of; "": the slate, no channel */
	size_t bytes;	       /* moof + mdat */
	struct shared *moof;
	struct shared *mdat; /* header and payload */
	struct part_init *init;
	size_t run_count;
	struct fmp4_run runs[TRACK_KINDS]; /* their samples point into this object */
	struct fmp4_sample samples[];
};

/* Zeroed, with room for so many samples and one reference; NULL when memory is out. */
struct part *part_create(size_t sample_count);
struct part *part_ref(struct part *p); /* returns p; NULL is fine */
void part_unref(struct part *p);       /* NULL is fine */
/* Where the last of its samples ends, of either track. */
int64_t part_end_90k(const struct part *p);

/*
 * Its samples, runs and sequence are there: makes the moof, takes over the reference to the mdat (NULL: memory was out
 * when it was made) and counts the bytes. 0 or -ENOMEM.
 */
int part_seal(struct part *p, struct shared *mdat);

/* Writes the init segment; takes references of its own to the tracks (NULL: none). 0, -EINVAL or -ENOMEM. */
int part_init_create(struct part_init **out, unsigned version, struct track *video, struct track *audio);
/* The same for a channel, where both tracks count in 90 kHz. */
int part_init_create_for_channel(struct part_init **out, unsigned version, struct track *video, struct track *audio);
struct part_init *part_init_ref(struct part_init *i); /* returns i; NULL is fine */
void part_init_unref(struct part_init *i);	      /* NULL is fine */

#endif
