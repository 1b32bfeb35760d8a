/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packets a link loses: by single chance, and in bursts (Gilbert and Elliott: a good and a bad state, each with a
 * loss of its own).
 *
 * Owner: one thread. Lifetime: a value, nothing to free. Pure.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_LOSS_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_LOSS_H

#include "tests/tools/link_emulator/dice.h"

/* All zero: no bursts. Before each packet the state may change: good to bad with p, bad to good with r. */
struct loss_bursts {
	double p;
	double r;
	double loss_good;
	double loss_bad;
};

enum loss_fate {
	LOSS_NONE,
	LOSS_RANDOM,
	LOSS_BURST,
};

struct loss {
	struct dice random;
	struct dice move;
	struct dice burst;
	bool is_bad;
};

void loss_init(struct loss *loss, uint64_t seed, uint64_t way);
/* The fate of the next packet. Bursts are asked first: a packet that both would take counts as LOSS_BURST. */
enum loss_fate loss_next(struct loss *loss, double random, const struct loss_bursts *bursts);
/*
 * A share of all packets lost in runs of so many on average (their lengths are spread geometrically). 0, or -EINVAL
 * when no such link exists: the mean must be at least 1, and the share at most mean / (mean + 1).
 */
int loss_bursts_of(struct loss_bursts *bursts, double share, double mean_packets);

#endif
