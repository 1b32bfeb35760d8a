/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames in a fragment of a recording, as they were when a cutter made it of them.
 *
 * Owner: anyone; pure. Lifetime: what is given is borrowed for the call. Not here: files (packager/rec_reader), parts
 * (packager/cutter).
 */
#ifndef ISARIBI_PACKAGER_CLIP_FRAMES_H
#define ISARIBI_PACKAGER_CLIP_FRAMES_H

#include <stdbool.h>

#include "base/shared.h"
#include "media/fmp4_scan.h"
#include "media/frame.h"

struct clip_fragment {
	const struct fmp4_scan_init *init;
	struct track *const *tracks; /* TRACK_KINDS of them, by kind */
	const struct shared *bytes;  /* moof and mdat */
	bool is_behind_break;	     /* does not go on where the one before ended */
};

/*
 * Calls take (which takes a reference if it wants one) with each frame, of both tracks in the order of their times:
 * dts is the decode time, which for a key frame is its pts. 0, -EBADMSG (this is no fragment of that init segment) or
 * -ENOMEM; then frames are missing.
 */
int clip_frames_each(const struct clip_fragment *fragment, void (*take)(void *arg, struct frame *frame), void *arg);

#endif
