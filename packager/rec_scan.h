/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a stretch is whole: one walk over the heads of its boxes, after the node was killed. What was called
 * saved and stands in the index is not walked: hours of it would hold up every other recording.
 *
 * Owner: a thread that may block. Lifetime: none. Not here: what is in the boxes (media/).
 */
#ifndef ISARIBI_PACKAGER_REC_SCAN_H
#define ISARIBI_PACKAGER_REC_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "packager/rec_disk.h"

struct rec_scan {
	uint64_t whole_bytes;  /* up to the end of the last moof with its mdat; 0 without a fragment */
	bool has_rest;	       /* something begins behind that which does not end */
	int64_t duration_ms;   /* as far as its index goes */
	int64_t begin_wall_ms; /* -1: unknown */
};

/*
 * Syncs the file as well: what it answers 0 for is on the disk. known_bytes: so much was saved, as recording.json says
 * (0: nothing is known).
 */
int rec_scan_stretch(
    struct rec_scan *out, const struct rec_disk *disk, const char *folder, unsigned stretch, uint64_t known_bytes);

#endif
