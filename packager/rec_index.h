/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recording consists of, in memory: its stretches, what they hold, and the fragments of each.
 *
 * Owner: one thread at a time. Lifetime: rec_index_init, then rec_index_fini. Pure: bytes come as arguments
 * (packager/rec_files reads them).
 * A stretch is filled from the records of its NNNN.idx, and where those end or are wrong from NNNN.mp4 itself: then
 * start, duration, sequence and "independent" are found as the cutter had them, the wall clock goes on from the
 * beginning of the stretch, and the media sequence number is the place of the segment in the stretch. Only whole
 * fragments get in, in the order of the file and without holes.
 */
#ifndef ISARIBI_PACKAGER_REC_INDEX_H
#define ISARIBI_PACKAGER_REC_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/fmp4_scan.h"
#include "packager/rec_format.h"
#include "packager/rec_info.h"

struct rec_index_stretch {
	unsigned number; /* of NNNN.mp4 */
	bool has_init;
	struct fmp4_scan_init init;
	struct track *tracks[TRACK_KINDS]; /* by kind; NULL: none */
	int64_t begin_wall_ms;		   /* -1: unknown */
	uint32_t segment_ms;		   /* of the recording */
	uint64_t limit_bytes;		   /* nothing beyond it counts: a write or sync failed there */
	bool
	    is_end_guessed; /* the newest fragment was scanned and lasts until the next one, whatever its samples say */
	struct rec_fragment *fragments;
	size_t count;
	size_t capacity;
	size_t n_records; /* so many of them, the first ones, came from the index */
};

struct rec_index {
	struct rec_info info;
	struct rec_index_stretch *stretches;
	size_t n_stretches;
};

void rec_index_init(struct rec_index *index);
void rec_index_fini(struct rec_index *index);
/* An empty stretch at the end; valid until the next one is added. NULL when memory is out. */
struct rec_index_stretch *rec_index_add_stretch(struct rec_index *index, unsigned number);
void rec_index_stretch_fini(struct rec_index_stretch *s);
/* By its number; NULL: it is not there. */
const struct rec_index_stretch *rec_index_find(const struct rec_index *index, unsigned number);

/* From now on nothing beyond so many bytes counts. */
void rec_index_limit(struct rec_index_stretch *s, uint64_t limit_bytes);
/*
 * The init segment, from the first bytes of NNNN.mp4. PARSE_MORE: the file is shorter than one. PARSE_OK, PARSE_BAD or
 * -ENOMEM.
 */
int rec_index_take_init(struct rec_index_stretch *s, const uint8_t *data, size_t len);
/*
 * Records of NNNN.idx (without its header), the first one that of fragment number s->count. Takes those that go on
 * where the stretch ends and that lie inside the first media_bytes of NNNN.mp4; what follows the first wrong one is not
 * taken. Returns how many were taken, or -ENOMEM.
 */
long rec_index_take_records(struct rec_index_stretch *s, const uint8_t *data, size_t len, uint64_t media_bytes);
/*
 * A fragment as fmp4_scan read it at rec_index_end. -EINVAL: it is not all inside the limit. -ENOMEM.
 * The duration of the one before it may become exact by this.
 */
int rec_index_take_scanned(struct rec_index_stretch *s, const struct fmp4_scan_fragment *f, uint64_t media_bytes);
/* How far whole fragments reach: where the next one would begin. */
uint64_t rec_index_end(const struct rec_index_stretch *s);
/* Numbers the segments of what came from the media alone, by the cutter's rule. */
void rec_index_number_segments(struct rec_index_stretch *s, uint32_t segment_ms);

/*
 * After all is read: a fragment that stands in two stretches, because the first of them failed, counts in the later
 * one.
 */
void rec_index_drop_repeated(struct rec_index *index);

/* Is this fragment, of which duration_90k are before it in its segment, the first of the next one? */
bool rec_index_begins_segment(
    const struct rec_index_stretch *s, size_t fragment, int64_t before_90k, uint32_t segment_ms);

/* Media in it, holes between stretches not counted. */
int64_t rec_index_duration_90k(const struct rec_index *index);
int64_t rec_index_stretch_duration_90k(const struct rec_index_stretch *s);

/* A place between two fragments: fragment may be the stretch's count, its end. */
struct rec_place {
	size_t stretch;
	size_t fragment;
};

/*
 * From where to where a clip reaches, in and out in ms of the recording's media: in goes back to a fragment that begins
 * with a key frame, out to the nearest end of a fragment. -ENOENT: there is nothing between them. *is_out_reached: the
 * recording is at least so long.
 */
int rec_index_clip(const struct rec_index *index, int64_t in_ms, int64_t out_ms, struct rec_place *from,
    struct rec_place *to, bool *is_out_reached);

#endif
