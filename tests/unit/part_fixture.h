/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks, frames and parts for the tests of packager/: made up, but with parameter sets that parse. */
#ifndef ISARIBI_TESTS_UNIT_PART_FIXTURE_H
#define ISARIBI_TESTS_UNIT_PART_FIXTURE_H

#include "media/frame.h"
#include "packager/cutter.h"
#include "packager/part.h"

struct track *fixture_video(void);	 /* 640x360 at 30 */
struct track *fixture_video_large(void); /* 1280x720 at 25 */
struct track *fixture_audio(void);	 /* AAC-LC, 48 kHz stereo */
struct track *fixture_audio_44100(void);

/* One access unit; key video is one IDR slice, other video one slice, both without parameter sets. */
struct frame *fixture_frame(struct track *track, int64_t dts_90k, int64_t pts_90k, unsigned flags);
struct frame *fixture_frame_sized(struct track *track, int64_t dts_90k, unsigned flags, size_t size_bytes);

/* The parts a cutter made, in order; the fixture holds them. */
struct fixture_parts {
	struct part *parts[4096];
	size_t count;
};

void fixture_parts_fini(struct fixture_parts *p);
void fixture_drain(struct cutter *c, struct fixture_parts *out);
/* Pushes the frame, lets go of it, and takes what comes out. */
void fixture_push(struct cutter *c, struct fixture_parts *out, struct frame *frame);

#endif
