/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/call_rules.h"

void call_rules_init(struct call_rules *rules, call_random_fn *random, void *arg)
{
	*rules = (struct call_rules){ .random = random, .arg = arg, .wait_ms = CALL_FIRST_MS };
}

void call_rules_connected(struct call_rules *rules, int64_t now_ms)
{
	rules->is_connected = true;
	rules->connected_ms = now_ms;
}

/* wait_ms and up to a fifth more or less. */
static uint32_t with_jitter(const struct call_rules *rules)
{
	uint32_t span_ms = rules->wait_ms * CALL_JITTER_PERMILLE / 1000;

	return rules->wait_ms - span_ms + rules->random(rules->arg) % (2 * span_ms + 1);
}

uint32_t call_rules_ended(struct call_rules *rules, int64_t now_ms)
{
	bool was_good = rules->is_connected && now_ms - rules->connected_ms >= CALL_GOOD_MS;
	uint32_t wait_ms;

	if (was_good)
		rules->wait_ms = CALL_FIRST_MS;
	rules->is_connected = false;
	wait_ms = with_jitter(rules);
	rules->wait_ms = rules->wait_ms >= CALL_MAX_MS / 2 ? CALL_MAX_MS : 2 * rules->wait_ms;
	return wait_ms;
}
