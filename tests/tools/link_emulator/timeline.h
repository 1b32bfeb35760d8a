/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script that is running: says what to do next and when.
 *
 * Moments are counted from the start, not from when somebody looked: being late once moves nothing that follows. Drawn
 * moments and values come from the seed: the same script with the same seed runs the same way.
 *
 * Owner: one thread. Lifetime: a value; the script is borrowed and must live as long. Pure: time is an argument.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_TIMELINE_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_TIMELINE_H

#include "tests/tools/link_emulator/script.h"

#define TIMELINE_NEVER INT64_MAX

struct timeline_round {
	size_t first; /* step behind the repeat */
	long n_left;
	int64_t outer_from_ns;
};

struct timeline_track {
	bool is_running;
	size_t step;
	size_t depth;
	int64_t due_ns;
	int64_t from_ns; /* what times count from: the track's or the round's beginning */
	int64_t last_ns;
	struct timeline_round rounds[SCRIPT_MAX_DEPTH];
	struct dice dice;
};

struct timeline {
	const struct script *script; /* NULL: nothing ever happens */
	struct timeline_track tracks[SCRIPT_MAX_TRACKS];
};

/* Starts the tracks without a trigger. purpose: DICE_EVENTS or DICE_PROFILE_EVENTS. */
void timeline_start(
    struct timeline *timeline, const struct script *script, uint64_t seed, enum dice_purpose purpose, int64_t now_ns);
/* Starts (or starts again) the tracks of that name; how many there are. */
size_t timeline_trigger(struct timeline *timeline, const char *name, int64_t now_ns);
int64_t timeline_next_ns(const struct timeline *timeline);

struct timeline_event {
	const struct change_list *changes; /* borrowed from the script */
	struct dice *dice;		   /* what ranges in it are drawn with */
	int64_t at_ns;
};

/* The earliest event that is due; false: none yet. */
bool timeline_take(struct timeline *timeline, int64_t now_ns, struct timeline_event *event);

#endif
