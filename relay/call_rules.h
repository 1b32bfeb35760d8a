/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When somebody who dials out may try again: after 1 s, then twice as long each time, up to 30 s, each with up to a
 * fifth more or less so that many nodes do not come at once; from the beginning again when a connection was good for 60
 * s.
 *
 * Owner: pure; the caller brings clock and chance. Lifetime: a value, call_rules_init() before use.
 * Not here: sockets, names, and why a call failed.
 */
#ifndef ISARIBI_RELAY_CALL_RULES_H
#define ISARIBI_RELAY_CALL_RULES_H

#include <stdbool.h>
#include <stdint.h>

enum {
	CALL_FIRST_MS = 1000,
	CALL_MAX_MS = 30000,
	CALL_JITTER_PERMILLE = 200,
	CALL_GOOD_MS = 60000,
};

/* Any 32 bits, as even as can be. */
typedef uint32_t call_random_fn(void *arg);

struct call_rules {
	call_random_fn *random;
	void *arg;
	uint32_t wait_ms; /* before the next try, without jitter */
	bool is_connected;
	int64_t connected_ms; /* since when */
};

void call_rules_init(struct call_rules *rules, call_random_fn *random, void *arg);
/* The call is through. now_ms: any clock that does not go back. */
void call_rules_connected(struct call_rules *rules, int64_t now_ms);
/* The call failed, or the connection ended: how long to wait before the next. */
uint32_t call_rules_ended(struct call_rules *rules, int64_t now_ms);

#endif
