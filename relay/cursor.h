/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader's place in a ring of frames, under the rule for readers that fall behind (relay/lag.h).
 *
 * Owner: the loop of the ring. Lifetime: a value. Pure: the time is an argument, the bytes of the wire are not its
 * business.
 */
#ifndef ISARIBI_RELAY_CURSOR_H
#define ISARIBI_RELAY_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/lag.h"
#include "relay/ring.h"

struct cursor {
	bool is_running; /* false: waits for a place to start */
	uint64_t seq;
	struct lag lag;
};

enum cursor_verdict {
	CURSOR_GOES_ON,
	CURSOR_SKIPPED, /* seq is a newer key frame, or it waits for one */
	CURSOR_TOO_SLOW,
};

void cursor_init(struct cursor *c);
/* False: nothing to start with yet. */
bool cursor_start(struct cursor *c, const struct ring *r, int64_t now_us);
/* Before each write of a running cursor. After it, tail <= seq <= head holds while running. */
enum cursor_verdict cursor_check(struct cursor *c, const struct ring *r, int64_t now_us);

#endif
