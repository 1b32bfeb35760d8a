/* SPDX-License-Identifier: Apache-2.0 */
/* Sources for the tests of packager/splice: parts as a cutter makes them, and what must hold for all parts of a
 * channel. */
#ifndef ISARIBI_TESTS_UNIT_SPLICE_FIXTURE_H
#define ISARIBI_TESTS_UNIT_SPLICE_FIXTURE_H

#include "packager/splice.h"
#include "tests/unit/part_fixture.h"

/* What a source is like. Zeros: not there, or as it usually is. */
struct source_shape {
	uint32_t fps_num; /* 0: no video */
	uint32_t fps_den;
	uint32_t gop;	  /* pictures */
	uint32_t reorder; /* B-frames between two others */
	uint32_t rate_hz; /* 0: no audio; 48000, 44100 or 32000 */
	bool is_mono;
	int64_t begins_90k; /* its first pts */
	int64_t lasts_90k;
	int64_t audio_hole_at_90k; /* pts; 0: none */
	int64_t audio_hole_90k;
};

/* out: empty. What a cutter with parts of 500 ms makes of it. */
void source_make(const struct source_shape *shape, struct fixture_parts *out);
/* tracks by kind, of a part's init. */
struct track *const *source_tracks(const struct part *part);
/* Times of the key frames in a part, at most max of them; how many. */
size_t source_keys(const struct part *part, int64_t *pts_90k, size_t max);

/* A channel's parts, looked at one by one. */
struct splice_check {
	int64_t end_90k;       /* of the pictures */
	int64_t audio_end_90k; /* 0: none yet */
	int64_t audio_frame_90k;
	int64_t total_90k;  /* of durations */
	bool may_have_hole; /* the next part may be behind one */
	bool is_first;	    /* the next part is a run's first */
};

/*
 * Sizes add up, moof and samples say the same, both tracks rise without overlapping, sound has no hole of a frame or
 * more, a run's first picture is a key frame with pts = tfdt, start and duration are those of the pictures.
 */
void splice_check_part(struct splice_check *c, const struct part *part, const struct splice *after);

#endif
