/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a child that died is started again, and when not any more.
 *
 * Owner: the supervising thread; pure, time comes as an argument. Lifetime: a value, all zeros in the beginning.
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_RESTART_H
#define ISARIBI_PROGRAMS_ISARIBI_RESTART_H

#include <stdint.h>

enum {
	RESTART_FIRST_MS = 200,
	RESTART_LONGEST_MS = 5000,
	RESTART_DEATHS_MAX = 5, /* within RESTART_WITHIN_MS: give up */
	RESTART_WITHIN_MS = 60000,
};

struct restart {
	int64_t died_ms[RESTART_DEATHS_MAX]; /* the last ones, a ring */
	uint32_t n_deaths;
	int32_t delay_ms;
};

/* The child has died now after running_ms. How long to wait, 0.2 s doubling up to 5 s; negative: give up. */
int32_t restart_after_death(struct restart *restart, int64_t now_ms, int64_t running_ms);

#endif
