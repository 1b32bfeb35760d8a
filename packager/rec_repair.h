/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a recording whole, and making it as whole as it can be: its index from its media, its recording.json from its
 * files. Media is never written, cut or moved.
 *
 * Owner: a thread that may wait for the disk, and nobody else at that recording: a command. Lifetime: nothing is kept.
 */
#ifndef ISARIBI_PACKAGER_REC_REPAIR_H
#define ISARIBI_PACKAGER_REC_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/rec_index.h"
#include "packager/rec_store.h"

/* What is wrong with a stretch; all 0 and false: nothing. */
struct rec_fault {
	unsigned stretch;
	bool is_missing;	/* recording.json names it, and there is no such file */
	bool is_unreadable;	/* not even an init segment */
	bool is_damaged;	/* a write or sync of it failed when it was recorded */
	size_t fragments;	/* whole ones */
	size_t not_in_index;	/* of them */
	uint64_t half_bytes;	/* behind the last whole one */
	uint64_t missing_bytes; /* that were saved and are not there */
	int64_t lost_ms_before;
};

/* A recording's info that cannot be read is no error of the check: *info_err says so. 0 or a negative errno. */
struct rec_check {
	int info_err;
	struct rec_info info;
	struct rec_fault *faults; /* one for each stretch */
	size_t n_faults;
	int64_t duration_90k; /* of what can be seen */
};

int rec_check(struct rec_check *out, int root_fd, const char *id);
void rec_check_fini(struct rec_check *check);
bool rec_fault_is_none(const struct rec_fault *fault);
/* Would rec_repair change anything? */
bool rec_check_needs_repair(const struct rec_check *check);

/*
 * Index and info anew where they are not right. segment_ms: when nothing says it. 0 or a negative errno.
 */
int rec_repair(const struct rec_store *store, int root_fd, const char *id, uint32_t segment_ms);

#endif
