/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the frames of two lanes to the bytes of a part: sample tables, moof, mdat.
 *
 * Owner: the caller; nothing is kept. The lanes are only read. Not here: which frames, that is packager/cutter.
 * At each key frame of H.264 the parameter sets are put in band unless the access unit brings its own: players that
 * ignore a new init segment (ffmpeg) decode on. (H.265 follows with media/h265.)
 */
#ifndef ISARIBI_PACKAGER_ASSEMBLE_H
#define ISARIBI_PACKAGER_ASSEMBLE_H

#include <stdint.h>

#include "packager/lane.h"
#include "packager/part.h"

struct assemble_input {
	const struct lane *lanes[TRACK_KINDS];
	size_t counts[TRACK_KINDS]; /* so many samples from the oldest on; together at least one */
	int64_t video_end_90k;	    /* where the last video sample ends; it may stand for longer than the part */
	int64_t max_stretch_90k;    /* a hole behind an audio sample is filled by its duration up to this */
	uint32_t sequence;
};

/* *out: a part with samples, runs, moof, mdat and bytes; the rest is the caller's to fill in. 0 or -ENOMEM. */
int assemble_part(struct part **out, const struct assemble_input *in);

#endif
