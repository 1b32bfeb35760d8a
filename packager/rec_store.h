/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of recordings: make one, read and replace its recording.json, mend what a killed node left, delete.
 *
 * Owner: a thread that may block, one at a time for a recording. Lifetime: the caller's.
 * Not here: the media of a running recording (packager/rec_files, packager/rec_writer), which one to delete
 * (packager/disk_guard).
 */
#ifndef ISARIBI_PACKAGER_REC_STORE_H
#define ISARIBI_PACKAGER_REC_STORE_H

#include <stdbool.h>

#include "packager/rec_disk.h"
#include "packager/rec_info.h"

struct rec_store {
	const struct rec_disk *disk;
	const char *data_dir; /* borrowed; DATA_DIR itself is there */
};

/* The folder of a recording, and the one above it; -EEXIST when there is one of that id. Its name is synced. */
int rec_store_make(const struct rec_store *store, const char *id);
/* Into an info that was initialised. -EINVAL: no recording.json that could be one. */
int rec_store_load(const struct rec_store *store, const char *id, struct rec_info *info);
/* Beside, synced, renamed, synced: at every moment there is the old one or the new one. */
int rec_store_save(const struct rec_store *store, const struct rec_info *info);
/*
 * After the node was killed: looks at the files of a recording that nobody writes, adds those that recording.json does
 * not know, syncs each and corrects what is saved of it. A file with half a fragment at its end, or one that cannot be
 * synced, becomes damaged. Nothing is written or cut.
 */
int rec_store_mend(const struct rec_store *store, struct rec_info *info);
/* recording.json goes last: what was deleted halfway can be deleted again. */
int rec_store_delete(const struct rec_store *store, const char *id);

#endif
