/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clip of a recording, fragment by fragment: which one is next, and what it is made of.
 *
 * Owner: any thread; pure over an index. Lifetime: rec_step_fini lets go of a step's tracks. Between two steps the
 * index may have been read anew: a running recording is longer then. Not here: the bytes (packager/rec_reader.h),
 * pictures and sound (packager/clip_reader.h).
 */
#ifndef ISARIBI_PACKAGER_REC_WALK_H
#define ISARIBI_PACKAGER_REC_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/fmp4_scan.h"
#include "packager/rec_index.h"

/* The next fragment's place. Zeroed: the clip's beginning. */
struct rec_walk {
	unsigned stretch; /* of NNNN.mp4 */
	size_t fragment;
};

/* A clip, in ms of the recording's media. out_ms 0: its end. */
struct rec_span {
	int64_t in_ms;
	int64_t out_ms;
};

struct rec_step {
	char stream[REC_STREAM_SIZE]; /* of the recording */
	int64_t begin_wall_ms;	      /* when the recording began; -1: unknown */
	unsigned stretch;
	struct rec_fragment fragment;
	struct fmp4_scan_init init;	   /* of the stretch */
	struct track *tracks[TRACK_KINDS]; /* by kind; NULL: none. References of its own */
	struct rec_walk next;
	bool is_last; /* as far as the recording goes now */
};

/*
 * The fragment at a place, or the first one behind it. 0; -ENOENT: the clip is all outside the recording; -ENODATA: it
 * has become shorter, there is nothing more.
 */
int rec_walk_step(struct rec_step *out, const struct rec_index *index, const struct rec_span *span, struct rec_walk at);
void rec_step_fini(struct rec_step *step);

#endif
