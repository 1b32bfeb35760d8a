/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/loss.h"

#include <errno.h>

void loss_init(struct loss *loss, uint64_t seed, uint64_t way)
{
	*loss = (struct loss){
		.random = dice_make(seed, way, DICE_RANDOM_LOSS),
		.move = dice_make(seed, way, DICE_BURST_MOVE),
		.burst = dice_make(seed, way, DICE_BURST_LOSS),
	};
}

enum loss_fate loss_next(struct loss *loss, double random, const struct loss_bursts *bursts)
{
	bool is_moving = dice_is(&loss->move, loss->is_bad ? bursts->r : bursts->p);
	bool is_random = dice_is(&loss->random, random);

	/* Without bursts the state rests in good, so that switching them off ends a burst at once. */
	loss->is_bad = (loss->is_bad != is_moving) && bursts->p > 0;
	if (dice_is(&loss->burst, loss->is_bad ? bursts->loss_bad : bursts->loss_good))
		return LOSS_BURST;
	return is_random ? LOSS_RANDOM : LOSS_NONE;
}

int loss_bursts_of(struct loss_bursts *bursts, double share, double mean_packets)
{
	double p = 0;

	if (share < 0 || share >= 1 || mean_packets < 1)
		return -EINVAL;
	/* The share of time in the bad state is p / (p + r), a stay there lasts 1 / r packets. */
	p = share / (mean_packets * (1 - share));
	if (p > 1 + 1e-9)
		return -EINVAL;
	*bursts = (struct loss_bursts){ .p = p, .r = 1 / mean_packets, .loss_bad = 1 };
	if (share == 0)
		*bursts = (struct loss_bursts){ 0 };
	return 0;
}
