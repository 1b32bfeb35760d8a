/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/dice.h"

/* 2^64 divided by the golden ratio, odd: consecutive multiples are far apart in every bit. */
static const uint64_t STEP = 0x9e3779b97f4a7c15u;

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static double to_unit(uint64_t x)
{
	return (double)(x >> 11) * 0x1p-53;
}

struct dice dice_make(uint64_t seed, uint64_t way, enum dice_purpose purpose)
{
	return (struct dice){ .key = mix(mix(seed + STEP) + way * DICE_PURPOSES + (uint64_t)purpose + 1) };
}

uint64_t dice_seed_of(uint64_t seed, const char *name)
{
	for (; *name; name++)
		seed = mix(seed + STEP + (unsigned char)*name);
	return seed;
}

uint64_t dice_draw(struct dice *dice)
{
	return mix(dice->key + STEP * ++dice->n);
}

double dice_unit(struct dice *dice)
{
	return to_unit(dice_draw(dice));
}

double dice_between(struct dice *dice, double low, double high)
{
	return low + (high - low) * dice_unit(dice);
}

bool dice_is(struct dice *dice, double probability)
{
	return dice_unit(dice) < probability;
}

double dice_at(const struct dice *dice, uint64_t place)
{
	return to_unit(mix(dice->key + STEP * (place + 1)));
}
