/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule for readers that fall behind (design §4.4): one whose next piece has waited for 5 s, or that has 8 MB before
 * it, skips to where a newcomer would start; the third skip within a minute is the last.
 *
 * Owner: the loop of the reader. Lifetime: a value. Pure: time and distance are arguments. Not here: where a reader
 * stands (relay/cursor, relay/ts_lane).
 */
#ifndef ISARIBI_RELAY_LAG_H
#define ISARIBI_RELAY_LAG_H

#include <stdbool.h>
#include <stdint.h>

enum {
	LAG_MAX_US = 5 * 1000000,
	LAG_MAX_BYTES = 8 * 1024 * 1024,
	LAG_SKIPS_MAX = 3,
	LAG_SKIPS_WINDOW_US = 60 * 1000000,
};

struct lag {
	int64_t since_us; /* when the reader came to its place by starting or skipping */
	unsigned n_skips;
	int64_t skipped_us[LAG_SKIPS_MAX];
};

/* The reader starts, or goes on after a skip. */
void lag_start(struct lag *lag, int64_t now_us);
/* next_arrival_us: when the next piece came to us; bytes_behind: what the reader has before it, that piece included. */
bool lag_is_behind(const struct lag *lag, int64_t next_arrival_us, uint64_t bytes_behind, int64_t now_us);
/* Remembers a skip. True: it was one too many. */
bool lag_skip(struct lag *lag, int64_t now_us);

#endif
