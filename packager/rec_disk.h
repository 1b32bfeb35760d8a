/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk as recordings see it: a table of functions, so that a test can be a disk that fails, stalls or loses power.
 *
 * Owner: the thread that calls; every function may block for as long as the disk does. Lifetime: rec_disk_real() is
 * static. Not here: what is written (packager/rec_files, packager/rec_store).
 * All return 0 or more, or a negative errno. Paths are ours (packager/rec_format), never a stranger's.
 */
#ifndef ISARIBI_PACKAGER_REC_DISK_H
#define ISARIBI_PACKAGER_REC_DISK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct rec_space {
	uint64_t free_bytes; /* that this process may use */
	uint64_t total_bytes;
};

typedef void (*rec_disk_name_fn)(void *ctx, const char *name);

struct rec_disk {
	void *arg;
	/* A descriptor for writing at the end; -EEXIST when the file is there already. */
	int (*create)(void *arg, const char *path);
	/* A descriptor for reading, and good for sync; follows no link, and waits for no pipe. */
	int (*open)(void *arg, const char *path);
	/* May write less than it was given. */
	ssize_t (*write)(void *arg, int fd, const struct iovec *pieces, int n);
	/* Less than len only at the end of the file. */
	ssize_t (*read)(void *arg, int fd, void *buf, size_t len, uint64_t offset);
	int (*size)(void *arg, int fd, uint64_t *out); /* -EINVAL: it is no regular file */
	/* Data, and the size that reading it needs. After a failure nothing is known about what was written before. */
	int (*sync)(void *arg, int fd);
	void (*close)(void *arg, int fd);
	int (*rename)(void *arg, const char *from, const char *to); /* replaces */
	int (*unlink)(void *arg, const char *path);
	int (*make_dir)(void *arg, const char *path);	/* -EEXIST when it is there already */
	int (*remove_dir)(void *arg, const char *path); /* empty */
	int (*sync_dir)(void *arg, const char *path);	/* the names in it */
	int (*list)(
	    void *arg, const char *path, rec_disk_name_fn fn, void *ctx); /* without those that begin with '.' */
	int (*space)(void *arg, const char *path, struct rec_space *out);
};

const struct rec_disk *rec_disk_real(void);

/* All of the pieces, none of them empty, however little the disk takes at a time; they are used up by it. */
int rec_disk_write_all(const struct rec_disk *disk, int fd, struct iovec *pieces, int n);
/* A new file that holds this, at least a byte, synced. -EEXIST when there is one of that name. */
int rec_disk_write_file(const struct rec_disk *disk, const char *path, const void *data, size_t len);

#endif
