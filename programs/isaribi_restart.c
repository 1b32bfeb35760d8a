/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_restart.h"

int32_t restart_after_death(struct restart *restart, int64_t now_ms, int64_t running_ms)
{
	uint32_t oldest;

	restart->died_ms[restart->n_deaths++ % RESTART_DEATHS_MAX] = now_ms;
	oldest = restart->n_deaths % RESTART_DEATHS_MAX;
	if (restart->n_deaths >= RESTART_DEATHS_MAX && now_ms - restart->died_ms[oldest] < RESTART_WITHIN_MS)
		return -1;
	if (restart->delay_ms == 0 || running_ms >= RESTART_WITHIN_MS)
		restart->delay_ms = RESTART_FIRST_MS;
	else
		restart->delay_ms *= 2;
	if (restart->delay_ms > RESTART_LONGEST_MS)
		restart->delay_ms = RESTART_LONGEST_MS;
	return restart->delay_ms;
}
