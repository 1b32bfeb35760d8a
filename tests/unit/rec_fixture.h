/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for recordings: a disk that can fail, a clock that stands still, parts whose bytes tell which they are, and
 * the law that every recording is held to.
 */
#ifndef ISARIBI_TESTS_UNIT_REC_FIXTURE_H
#define ISARIBI_TESTS_UNIT_REC_FIXTURE_H

#include "base/clock.h"
#include "packager/part.h"
#include "packager/rec_info.h"
#include "packager/rec_store.h"
#include "relay/events.h"
#include "relay/stats.h"
#include "tests/unit/fake_disk.h"

enum {
	REC_PARTS_MAX = 1024,
	REC_STREAMS_MAX = 8,
	REC_PART_MS = 500,
};

#define REC_WALL_MS INT64_C(1790000000000)

struct rec_world {
	struct clock_fake clock;
	struct fake_disk disk;
	struct rec_store store;
	struct stats stats;
	struct events events;
	unsigned said[EVENT_RECORDING_STATES]; /* events, by kind */
	int64_t said_lost_ms;
	char said_reason[64]; /* of the last */
	struct part_init *inits[2];
	struct part *parts[REC_PARTS_MAX]; /* handed over; the world holds them */
	unsigned stream_of[REC_PARTS_MAX];
	bool is_saved[REC_PARTS_MAX]; /* what rec_world_look found */
	size_t n_parts;
	size_t part_bytes; /* of the next parts' mdat */
	int64_t at_90k[REC_STREAMS_MAX];
	unsigned notes;
	struct rec_note note; /* the last; its texts are not valid */
};

struct rec_world *rec_world_create(void);
void rec_world_destroy(struct rec_world *w);

/* The next part of that stream, half a second, ending now. Borrowed; every fourth is independent. */
struct part *rec_world_part(struct rec_world *w, unsigned stream);
void rec_world_note(void *arg, const struct rec_note *note);

/* What recording.json of all recordings say of a stream that is over, added up. */
struct rec_found {
	size_t recordings;
	size_t running;
	size_t saved;
	size_t damaged;
	size_t stretches;
	int64_t lost_ms;
};

/*
 * Reads every recording on the disk and compares the saved bytes of every stretch with the parts that were handed over:
 * each at most once, in order, whole. Fails where that does not hold. Sets is_saved.
 */
struct rec_found rec_world_look(struct rec_world *w);
/* What a node does at its start with recordings that are not over. */
void rec_world_mend(struct rec_world *w);
/*
 * The law, of recordings that are all over: what is not in a file is counted as lost, in recording.json and in the
 * metrics; saved is what lacks nothing. It holds after a power cut.
 */
void rec_world_law(struct rec_world *w);
/* In parts handed over, ms. */
int64_t rec_world_missing_ms(const struct rec_world *w);

#endif
