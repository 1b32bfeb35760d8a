/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an advice is said and when it is taken back: bad for so many evaluations in a row, good for so long. In between
 * what was said stands.
 *
 * Owner: whoever evaluates. Lifetime: a value, zero before use. Pure: the time is an argument. Not here: what is
 * judged, and the sentences (relay/link_advice, ingest/advice).
 */
#ifndef ISARIBI_RELAY_ADVICE_TURN_H
#define ISARIBI_RELAY_ADVICE_TURN_H

#include <stdbool.h>
#include <stdint.h>

enum advice_verdict {
	VERDICT_UNKNOWN, /* nothing to judge by, or between good and bad: what was said stands */
	VERDICT_GOOD,
	VERDICT_BAD,
};

struct advice_turn {
	bool is_on;
	unsigned n_bad; /* evaluations in a row */
	bool is_calm;
	int64_t calm_since_us;
};

struct advice_patience {
	unsigned n_confirm; /* bad evaluations in a row before it is said */
	int64_t calm_us;    /* good for so long before it is over */
};

/* Is it time to say it, or to take it back? The caller then sets *turn to { .is_on = ... }. */
bool advice_turn_is_due(
    struct advice_turn *turn, const struct advice_patience *patience, enum advice_verdict verdict, int64_t now_us);

#endif
