/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings from the disk: folders, recording.json, and the index of a recording out of its files.
 *
 * Owner: any thread that may wait for a disk (reading, or a command); never delivery. Lifetime: the caller's index and
 * descriptors. Nothing here writes.
 * Names are made by packager/rec_format from checked ids and numbers, and opened relative to the folder above without
 * following links: no path of anybody else's making gets to the file system.
 */
#ifndef ISARIBI_PACKAGER_REC_LOAD_H
#define ISARIBI_PACKAGER_REC_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "packager/rec_index.h"

/* DATA_DIR/rec. A descriptor that is the caller's, or a negative errno. */
int rec_load_root(const char *data_dir);
/* A recording's folder, read only. A descriptor or a negative errno; -ENOENT, too, for what is no id. */
int rec_load_folder(int root_fd, const char *id);
/* A file in it, read only. A descriptor or a negative errno. */
int rec_load_open(int folder_fd, enum rec_file file, unsigned stretch);
/* All that there is up to len bytes from offset on. Bytes, or a negative errno. */
ssize_t rec_load_read(int fd, uint64_t offset, void *buf, size_t len);
/* recording.json into an info that was initialised. 0 or a negative errno, -EINVAL: it is none. */
int rec_load_info(int folder_fd, struct rec_info *info);

/* How far a running recording is synced: what is behind that may stand in another stretch in the end. */
struct rec_load_limit {
	unsigned stretch; /* the newest; those before it are whole */
	uint64_t saved_bytes;
};

enum rec_load_from {
	REC_LOAD_FROM_INDEX, /* where it is whole, and beyond it from the media */
	REC_LOAD_FROM_MEDIA, /* alone: what an index would be if it were made now */
};

/*
 * The whole of a recording, into an index that was initialised. Stretches that the info does not name yet are found,
 * too. 0 or a negative errno; damage in a stretch is no error: what is whole of it is there.
 */
int rec_load_index(struct rec_index *index, int folder_fd, enum rec_load_from from);
/*
 * Of an index with its info and perhaps some stretches: those behind the last one that is there. What stands in two of
 * them is in both still.
 */
int rec_load_stretches(struct rec_index *index, int folder_fd, enum rec_load_from from);
/* From now on so much of a running recording counts (NULL: all that is written). */
void rec_load_limit(struct rec_index *index, const struct rec_load_limit *limit);
/* What has been recorded since it was loaded or brought up to date last, up to the limit (NULL: none). */
int rec_load_more(struct rec_index *index, int folder_fd, const struct rec_load_limit *limit);
/* The same when recording.json is known to be as it was. */
int rec_load_grown(struct rec_index *index, int folder_fd, const struct rec_load_limit *limit);

#endif
