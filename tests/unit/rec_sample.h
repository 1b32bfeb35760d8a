/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings as they lie on the disk, for the tests of what reads them: made of the parts of a real cutter, written
 * with packager/rec_format, in a folder that goes with the test.
 */
#ifndef ISARIBI_TESTS_UNIT_REC_SAMPLE_H
#define ISARIBI_TESTS_UNIT_REC_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/rec_format.h"
#include "packager/rec_info.h"
#include "tests/unit/part_fixture.h"

enum {
	REC_SAMPLE_PART_MS = 500,
	REC_SAMPLE_SEGMENT_MS = 2000,
};

#define REC_SAMPLE_ID	  "tanaka-20260901-120000"
#define REC_SAMPLE_STREAM "tanaka"

extern const int64_t rec_sample_wall_ms; /* of the first fragment */

struct rec_sample {
	char data_dir[64];
	struct rec_info info;
	uint32_t sequence; /* of the last part written */
};

/* What a stretch is made of. */
struct rec_sample_stretch {
	unsigned number;
	unsigned seconds;
	bool has_video;
	bool has_audio;
	unsigned gop_frames;  /* at 30 a second */
	size_t video_bytes;   /* of a frame; 0: 40 */
	bool is_large;	      /* the other video track */
	int64_t begin_90k;    /* of its first frame */
	bool has_other_audio; /* 44.1 kHz */
};

void rec_sample_init(struct rec_sample *f);
void rec_sample_fini(struct rec_sample *f); /* and the folder */
/* Writes NNNN.mp4 and NNNN.idx, and adds the stretch to the info as saved. */
void rec_sample_write(struct rec_sample *f, const struct rec_sample_stretch *stretch);
/* Writes recording.json as the info says. */
void rec_sample_write_info(struct rec_sample *f);
/* Of a file in the recording's folder; the whole text, malloc()ed. */
uint8_t *rec_sample_read(const struct rec_sample *f, enum rec_file file, unsigned number, size_t *len);
void rec_sample_replace(const struct rec_sample *f, enum rec_file file, unsigned number, const void *data, size_t len);
void rec_sample_remove(const struct rec_sample *f, enum rec_file file, unsigned number);

#endif
