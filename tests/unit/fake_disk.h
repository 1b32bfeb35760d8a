/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory that fails when it is told to, has an end, stalls, and forgets what was not synced when its power is
 * cut.
 *
 * Owner: one test thread. Lifetime: fake_disk_fini frees. What it holds a program to: a descriptor whose write or sync
 * failed is never written or synced again (cmocka fails at once).
 * Durable is: of a file, what it held at its last good sync; of a name, what it was at the last good sync of its
 * folder.
 */
#ifndef ISARIBI_TESTS_UNIT_FAKE_DISK_H
#define ISARIBI_TESTS_UNIT_FAKE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "packager/rec_disk.h"

enum fake_call {
	FAKE_ANY,
	FAKE_CREATE,
	FAKE_OPEN,
	FAKE_WRITE,
	FAKE_READ,
	FAKE_SYNC,
	FAKE_RENAME,
	FAKE_UNLINK,
	FAKE_MAKE_DIR,
	FAKE_SYNC_DIR,
	FAKE_LIST,
	FAKE_SPACE,
	FAKE_CALLS,
};

enum {
	FAKE_FILES_MAX = 2048,
	FAKE_FDS_MAX = 64,
};

struct fake_inode {
	uint8_t *data;
	size_t len;
	size_t capacity;
	size_t synced_len;
	bool is_dir;
	bool has_failed;
};

struct fake_name {
	char path[160];
	int now;     /* inode, -1: none */
	int durable; /* the same, after a power cut */
};

struct fake_disk {
	struct rec_disk disk;
	struct clock_fake *clock;
	struct fake_inode inodes[FAKE_FILES_MAX];
	size_t n_inodes;
	struct fake_name names[FAKE_FILES_MAX];
	size_t n_names;
	int fds[FAKE_FDS_MAX]; /* inode, -1: free */
	size_t calls[FAKE_CALLS];
	size_t used_bytes;
	size_t room_bytes;
	/* The nth call of that kind from when it was set, and `failing` in a row from it. */
	enum fake_call fail_call;
	size_t fail_at;
	size_t failing;
	int fail_err;
	bool is_short; /* a failing write takes half of it first */
	bool was_hit;
	int64_t sync_us; /* how long a sync takes */
	bool is_off;	 /* power is cut: nothing works */
	size_t off_at;	 /* at this call of any kind; 0: never */
	void (*on_sync)(void *arg);
	void *arg;
};

void fake_disk_init(struct fake_disk *d, struct clock_fake *clock);
void fake_disk_fini(struct fake_disk *d);
void fake_disk_fail(struct fake_disk *d, enum fake_call call, size_t nth, size_t in_a_row, int err);
/* Only what is durable is left, and the power is on again. */
void fake_disk_power_cut(struct fake_disk *d);
/* As when the process is killed: its descriptors are gone, everything written is there. */
void fake_disk_kill(struct fake_disk *d);
/* What is there now, or NULL; *len of it. */
const uint8_t *fake_disk_file(const struct fake_disk *d, const char *path, size_t *len);
void fake_disk_cut_file(struct fake_disk *d, const char *path, size_t len);
size_t fake_disk_count(const struct fake_disk *d); /* files and folders */
size_t fake_disk_open_fds(const struct fake_disk *d);

#endif
