/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two files of the stretch that is being written: NNNN.mp4 and its index.
 *
 * Owner: the recording thread. Lifetime: rec_files_create, then rec_files_close, whatever failed in between. A file
 * whose write or sync failed is closed and never touched again: a second sync may say yes to what is gone. Not here:
 * which stretch comes when, what is lost (packager/rec_writer).
 */
#ifndef ISARIBI_PACKAGER_REC_FILES_H
#define ISARIBI_PACKAGER_REC_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "packager/part.h"
#include "packager/rec_disk.h"
#include "packager/rec_format.h"

struct rec_files {
	const struct rec_disk *disk;
	char folder[REC_PATH_SIZE];
	unsigned stretch;
	int media_fd; /* -1: none */
	int index_fd;
	bool is_named;	/* its names are synced */
	uint64_t bytes; /* whole fragments, and the init segment */
	struct part_init *init;
};

/* Nothing is open. */
void rec_files_init(struct rec_files *f);
/* Lets go; what was not synced is not safe. */
void rec_files_close(struct rec_files *f);
/* The folder is there. Begins with the part's init segment. An error leaves nothing open, and no file of its own. */
int rec_files_create(struct rec_files *f, const struct rec_disk *disk, const char *folder, unsigned stretch,
    uint32_t segment_ms, const struct part *first);
bool rec_files_is_open(const struct rec_files *f);
/* Appends the fragment and its record. */
int rec_files_write(struct rec_files *f, const struct part *part);
int rec_files_sync(struct rec_files *f);
/* Best effort: an index can be made again. */
void rec_files_sync_index(struct rec_files *f);
/* Of a stretch in that folder, best effort. */
void rec_files_unlink(const struct rec_disk *disk, const char *folder, unsigned stretch);

#endif
