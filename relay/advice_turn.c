/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/advice_turn.h"

bool advice_turn_is_due(
    struct advice_turn *turn, const struct advice_patience *patience, enum advice_verdict verdict, int64_t now_us)
{
	turn->n_bad = verdict == VERDICT_BAD ? turn->n_bad + 1 : 0;
	if (verdict == VERDICT_BAD) {
		turn->is_calm = false;
		return !turn->is_on && turn->n_bad >= patience->n_confirm;
	}
	if (!turn->is_on || verdict != VERDICT_GOOD)
		return false;
	if (!turn->is_calm)
		turn->calm_since_us = now_us;
	turn->is_calm = true;
	return now_us - turn->calm_since_us >= patience->calm_us;
}
