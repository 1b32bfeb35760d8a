/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a link: takes packets as they come and gives them back when they have arrived, or never.
 *
 *   offer ─▶ outage, MTU, loss ─▶ queue ─▶ rate, freeze ─▶ delay, jitter, duplicates ─▶ heap ─▶ take
 *
 * Owner: one thread. Lifetime: path_init/path_fini; a packet offered is the path's until path_take hands it back. Time
 * is an argument: no clock, no socket here, whatever carries the packets.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_PATH_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_PATH_H

#include "tests/tools/link_emulator/change.h"
#include "tests/tools/link_emulator/heap.h"
#include "tests/tools/link_emulator/stats.h"

#define PATH_NEVER INT64_MAX

struct path {
	bool is_stream; /* nothing is lost, doubled, corrupted or overtaken: losses hold up what is behind */
	struct settings settings;
	struct stats stats;
	struct budget *budget;
	int64_t origin_ns; /* the jitter that keeps order wanders with the time since then */
	struct loss loss;
	struct dice jitter;
	struct dice wander;
	struct dice reorder;
	struct dice duplicate;
	struct dice corrupt;
	struct dice flip;
	/* Waiting for the rate, or for a freeze to end. */
	struct packet *head;
	struct packet *tail;
	size_t queue_bytes;
	bool is_sending; /* the head is, until depart_ns */
	int64_t depart_ns;
	int64_t free_at_ns; /* when the one before it was through */
	/* On the wire. */
	struct heap heap;
	uint64_t seq;
};

struct path_config {
	uint64_t seed;
	uint64_t way;
	bool is_stream;
	struct budget *budget; /* borrowed for the life of the path */
	int64_t now_ns;
};

/* Frees what is under way, uncounted: before the flows go that it belongs to. */
void path_drop_all(struct path *path);
void path_fini(struct path *path);
void path_init(struct path *path, const struct path_config *config);
/* Takes the packet over; in_ns of the packet becomes now. NULL: counted as one that found no memory. */
void path_offer(struct path *path, struct packet *packet, int64_t now_ns);
/* A packet that has arrived, the caller's from now on; NULL: none yet. */
struct packet *path_take(struct path *path, int64_t now_ns);
/* When to come back, or PATH_NEVER. A change of settings or an offer may bring it forward. */
int64_t path_next_ns(struct path *path, int64_t now_ns);
/* Makes a change at this moment: what was offered before it has had its dice cast already. */
void path_change(struct path *path, const struct change *change, struct dice *dice, int64_t now_ns);
void path_clear(struct path *path, int64_t now_ns);
/* Streams: may more be read? */
bool path_has_room(const struct path *path);

#endif
