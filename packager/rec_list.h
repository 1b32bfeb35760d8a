/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which recordings there are: one line for each folder of DATA_DIR/rec that holds a recording.json.
 *
 * Owner: its maker until it hands out the second reference; immutable from then on, any thread may ref and unref.
 * Lifetime: the last rec_list_unref frees. Not here: what is in a recording (packager/rec_index.h).
 */
#ifndef ISARIBI_PACKAGER_REC_LIST_H
#define ISARIBI_PACKAGER_REC_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/rec_format.h"
#include "packager/rec_info.h"

enum { REC_LIST_MAX = 100000 };

/* What recording.json was when it was read: another one has another stamp. */
struct rec_stamp {
	uint64_t inode;
	int64_t size_bytes;
	int64_t changed_ns;
};

struct rec_list_entry {
	char id[ID_SIZE];
	char stream[REC_STREAM_SIZE]; /* "": recording.json cannot be read */
	enum rec_state state;
	int64_t begin_wall_ms;
	struct rec_stamp stamp;
};

struct rec_list {
	atomic_uint refs;
	size_t count;
	struct rec_list_entry entries[]; /* by id */
};

struct rec_list *rec_list_ref(struct rec_list *list); /* returns list; NULL is fine */
void rec_list_unref(struct rec_list *list);	      /* NULL is fine */
/* id need not be terminated. NULL: there is none. */
const struct rec_list_entry *rec_list_find(const struct rec_list *list, const char *id, size_t len);
/* The one of a stream that began last; stream need not be terminated. */
const struct rec_list_entry *rec_list_newest(const struct rec_list *list, const char *stream, size_t len);

bool rec_stamp_is_same(const struct rec_stamp *a, const struct rec_stamp *b);
/*
 * Reads the folder; may wait for the disk. What old (NULL: nothing) says is not read again where the stamp is the same.
 * *out: one reference, or NULL when it would be the same as old. 0 or a negative errno.
 */
int rec_list_read(struct rec_list **out, int root_fd, const struct rec_list *old);
/* Of a recording's info now. 0 or a negative errno. */
int rec_list_stamp(struct rec_stamp *out, int root_fd, const char *id);

#endif
