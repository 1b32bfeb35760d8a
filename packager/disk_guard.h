/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the disk will do, when to cry, and which recordings may go by rule. It never stops anything.
 *
 * Owner: one thread; pure: bytes and times are arguments. Lifetime: a value, zeroed first.
 * Not here: asking the disk, deleting (packager/rec_keeper).
 *
 * The rules: a recording that is over and not pinned goes keep_days after its end; before that the oldest of those go
 * that are wholly saved, for as long as less than min_free_bytes are free. keep_days 0: none ever goes.
 */
#ifndef ISARIBI_PACKAGER_DISK_GUARD_H
#define ISARIBI_PACKAGER_DISK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "packager/rec_info.h"

struct disk_rules {
	int32_t keep_days;
	uint64_t min_free_bytes;
};

enum disk_level {
	DISK_FINE,
	DISK_LOW,    /* less than 12 hours, or twice min_free_bytes */
	DISK_URGENT, /* less than 3 hours, or min_free_bytes */
	DISK_FULL,   /* less than 16 MB */
	DISK_LEVELS,
};

struct disk_guard {
	enum disk_level level;
	bool has_rate;
	int64_t noted_us;
	uint64_t noted_bytes;
	uint64_t free_bytes;
	uint64_t rate_bytes_s; /* of the last minutes */
};

/* recorded_bytes: all that was ever written. True when the level is another one now. */
bool disk_guard_note(
    struct disk_guard *g, const struct disk_rules *rules, int64_t now_us, uint64_t free_bytes, uint64_t recorded_bytes);
/* Until the disk is full at the rate of now; -1: nothing grows, or it takes more than a year. */
int64_t disk_guard_hours_left(const struct disk_guard *g);
const char *disk_level_name(enum disk_level level);

struct disk_candidate {
	enum rec_state state;
	bool is_pinned;
	int64_t end_wall_ms;
};

/* By which rule it may go ("keep_days", "min_free_mb"), or NULL: it stays. Ask about the oldest first. */
const char *disk_guard_may_delete(
    const struct disk_rules *rules, const struct disk_candidate *candidate, int64_t wall_ms, uint64_t free_bytes);

#endif
