/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording as one plain MP4 file with its moov in front: all stretches joined, nothing encoded again.
 *
 * Owner: a thread that may wait for the disk: a command. Lifetime: nothing is kept.
 * The file is written beside where it shall be, synced, and renamed: there is a whole one or none.
 * Between two stretches no time passes; sound and picture of a stretch stay as far apart as they were. A track whose
 * parameters changed gets another sample description; where that would not do (another codec, another sample rate) the
 * export is refused.
 */
#ifndef ISARIBI_PACKAGER_REC_EXPORT_H
#define ISARIBI_PACKAGER_REC_EXPORT_H

#include <stdint.h>

#include "packager/rec_index.h"

enum rec_export_result {
	REC_EXPORT_DONE,
	REC_EXPORT_EMPTY,	 /* there is no whole fragment */
	REC_EXPORT_OTHER_CODEC,	 /* between two stretches */
	REC_EXPORT_OTHER_RATE,	 /* sample rate or channels */
	REC_EXPORT_CANNOT_READ,	 /* err says why; also what is not as the index says */
	REC_EXPORT_CANNOT_WRITE, /* err says why */
};

struct rec_export_report {
	int err;
	unsigned stretch; /* where it ended */
	uint64_t bytes;	  /* of the file */
	int64_t duration_90k;
	uint32_t samples[TRACK_KINDS];
};

/* folder_fd: of the recording. path: of the file; one that is there is replaced. */
enum rec_export_result rec_export(
    const struct rec_index *index, int folder_fd, const char *path, struct rec_export_report *report);

#endif
