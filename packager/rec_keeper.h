/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recordings that nobody writes any more: what a killed node left unfinished, and those that are over.
 *
 * Owner: the recording thread; may take as long as the disk does. Lifetime: rec_keeper_fini. It reads every
 * recording.json once, at rec_keeper_scan. Not here: running ones (packager/rec_writer), the rules
 * (packager/disk_guard).
 */
#ifndef ISARIBI_PACKAGER_REC_KEEPER_H
#define ISARIBI_PACKAGER_REC_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "config/plan.h"
#include "packager/disk_guard.h"
#include "packager/rec_store.h"
#include "relay/events.h"

struct rec_known;

struct rec_keeper {
	struct rec_store store;
	const struct events *events;
	struct rec_known *known; /* the oldest first */
};

void rec_keeper_init(struct rec_keeper *k, const struct rec_store *store, const struct events *events);
void rec_keeper_fini(struct rec_keeper *k);
/* 0, also when there is no recording yet. */
int rec_keeper_scan(struct rec_keeper *k);
/* Whose recording goes on, and how its parts are cut. */
struct rec_keeper_wish {
	const char *stream;
	const char *epoch;
	uint32_t segment_ms; /* one with a shorter one does not do: parts may be too long for its target duration */
};

/* An unfinished recording, mended, to go on with: it is the caller's then. False: there is none. */
bool rec_keeper_take(struct rec_keeper *k, const struct rec_keeper_wish *wish, struct rec_info *out);
/* Says of the unfinished ones of a stream (NULL: of all) that they are over. */
void rec_keeper_close(struct rec_keeper *k, const char *stream);
/* One that is over now. */
void rec_keeper_add(struct rec_keeper *k, const struct rec_info *info);

struct rec_keeper_round {
	const struct disk_rules *rules;
	const struct plan *plan; /* what its clips are cut from stays */
	int64_t wall_ms;
	uint64_t free_bytes;
	void (*gone)(void *arg, const char *id); /* may be NULL */
	void *arg;
};

/* Deletes one that may go; false: none may. */
bool rec_keeper_delete_one(struct rec_keeper *k, const struct rec_keeper_round *round);

#endif
