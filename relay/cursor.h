/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader's place in a ring, and the rule for readers that fall behind: one whose next frame has waited for 5 s, or
 * that has 8 MB before it, skips to the newest key frame; the third skip within a minute is the last.
 *
 * Owner: the loop of the ring. Lifetime: a value. Pure: the time is an argument, the bytes of the wire are not its
 * business: `offset` is how much of the message at `seq` is written already.
 */
#ifndef ISARIBI_RELAY_CURSOR_H
#define ISARIBI_RELAY_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/ring.h"

enum {
	CURSOR_LAG_US = 5 * 1000000,
	CURSOR_LAG_BYTES = 8 * 1024 * 1024,
	CURSOR_SKIPS_MAX = 3,
	CURSOR_SKIPS_WINDOW_US = 60 * 1000000,
};

struct cursor {
	bool is_running; /* false: waits for a place to start */
	uint64_t seq;
	int64_t since_us; /* when it came to this place by starting or skipping */
	unsigned n_skips;
	int64_t skipped_us[CURSOR_SKIPS_MAX];
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
