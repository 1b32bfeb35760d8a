/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chance that can be repeated: a generator per link, direction and purpose.
 *
 * Each purpose draws from a stream of its own, and a packet draws once from each whether the answer is used or not: the
 * fate of the n-th packet depends on the seed and on n, not on what else is switched on. The numbers come from a
 * counter sent through a mixing function, the idea of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
 *
 * Owner: one thread. Lifetime: a value, nothing to free. Not for secrets.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_DICE_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_DICE_H

#include <stdbool.h>
#include <stdint.h>

enum dice_purpose {
	DICE_RANDOM_LOSS,
	DICE_BURST_MOVE,
	DICE_BURST_LOSS,
	DICE_JITTER,
	DICE_WANDER,
	DICE_REORDER,
	DICE_DUPLICATE,
	DICE_CORRUPT,
	DICE_FLIP,
	DICE_EVENTS,
	DICE_PROFILE_EVENTS,
	DICE_PURPOSES,
};

struct dice {
	uint64_t key;
	uint64_t n; /* how many were drawn */
};

/* way: which direction, or which track of a script. */
struct dice dice_make(uint64_t seed, uint64_t way, enum dice_purpose purpose);
/* Another seed out of one and a name, for several links with one --seed. */
uint64_t dice_seed_of(uint64_t seed, const char *name);
uint64_t dice_draw(struct dice *dice);
double dice_unit(struct dice *dice); /* from 0 to below 1 */
double dice_between(struct dice *dice, double low, double high);
/* True with the probability; draws exactly once. */
bool dice_is(struct dice *dice, double probability);
/* The number at a place of the stream, without drawing: from 0 to below 1. */
double dice_at(const struct dice *dice, uint64_t place);

#endif
