/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/lag.h"

void lag_start(struct lag *lag, int64_t now_us)
{
	lag->since_us = now_us;
}

bool lag_is_behind(const struct lag *lag, int64_t next_arrival_us, uint64_t bytes_behind, int64_t now_us)
{
	/* What a newcomer finds waiting is not its fault: its time counts from its start. */
	const int64_t waiting_since_us = next_arrival_us > lag->since_us ? next_arrival_us : lag->since_us;

	if (now_us - waiting_since_us > LAG_MAX_US)
		return true;
	return bytes_behind > LAG_MAX_BYTES && now_us - lag->since_us > LAG_MAX_US;
}

bool lag_skip(struct lag *lag, int64_t now_us)
{
	const unsigned slot = lag->n_skips % LAG_SKIPS_MAX;
	const unsigned oldest = (lag->n_skips + 1) % LAG_SKIPS_MAX;

	lag->skipped_us[slot] = now_us;
	lag->n_skips++;
	return lag->n_skips >= LAG_SKIPS_MAX && now_us - lag->skipped_us[oldest] <= LAG_SKIPS_WINDOW_US;
}
