/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/disk_guard.h"

#include <stddef.h>

enum {
	RATE_WINDOW_S = 60, /* a change of rate is seen to two thirds after so long */
	LOW_HOURS = 12,
	URGENT_HOURS = 3,
	SECONDS_PER_HOUR = 3600,
	HOURS_PER_YEAR = 8760,
	FULL_BYTES = 16 * 1024 * 1024,
};

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void note_rate(struct disk_guard *g, int64_t now_us, uint64_t recorded_bytes)
{
	const int64_t span_ms = (now_us - g->noted_us) / 1000;
	int64_t rate;
	int64_t step;

	if (!g->has_rate || span_ms <= 0 || recorded_bytes < g->noted_bytes)
		return;
	rate = (int64_t)((recorded_bytes - g->noted_bytes) * 1000 / (uint64_t)span_ms);
	step = (rate - (int64_t)g->rate_bytes_s) * span_ms / (span_ms + RATE_WINDOW_S * 1000);
	g->rate_bytes_s = (uint64_t)((int64_t)g->rate_bytes_s + step);
}

static int64_t hours_of(uint64_t bytes, uint64_t rate_bytes_s)
{
	const uint64_t hours = rate_bytes_s > 0 ? bytes / rate_bytes_s / SECONDS_PER_HOUR : HOURS_PER_YEAR;

	return hours >= HOURS_PER_YEAR ? -1 : (int64_t)hours;
}

static enum disk_level level_at(const struct disk_guard *g, const struct disk_rules *rules, uint64_t free_bytes)
{
	const int64_t hours = hours_of(free_bytes, g->rate_bytes_s);

	if (free_bytes < FULL_BYTES)
		return DISK_FULL;
	if (free_bytes < rules->min_free_bytes || (hours >= 0 && hours < URGENT_HOURS))
		return DISK_URGENT;
	if (free_bytes / 2 < rules->min_free_bytes || (hours >= 0 && hours < LOW_HOURS))
		return DISK_LOW;
	return DISK_FINE;
}

bool disk_guard_note(
    struct disk_guard *g, const struct disk_rules *rules, int64_t now_us, uint64_t free_bytes, uint64_t recorded_bytes)
{
	const enum disk_level before = g->level;
	enum disk_level level;

	note_rate(g, now_us, recorded_bytes);
	g->has_rate = true;
	g->noted_us = now_us;
	g->noted_bytes = recorded_bytes;
	g->free_bytes = free_bytes;
	level = level_at(g, rules, free_bytes);
	/* An alarm ends a fifth later than it began, or it would come and go. */
	if (level < before) {
		const enum disk_level later = level_at(g, rules, free_bytes - free_bytes / 5);

		level = later < before ? later : before;
	}
	g->level = level;
	return g->level != before;
}

int64_t disk_guard_hours_left(const struct disk_guard *g)
{
	return hours_of(g->free_bytes, g->rate_bytes_s);
}

const char *disk_level_name(enum disk_level level)
{
	static const char *const names[DISK_LEVELS] = { "fine", "low", "urgent", "full" };

	return names[level];
}

const char *disk_guard_may_delete(
    const struct disk_rules *rules, const struct disk_candidate *candidate, int64_t wall_ms, uint64_t free_bytes)
{
	if (rules->keep_days == 0 || candidate->is_pinned || candidate->state == REC_RECORDING ||
	    candidate->end_wall_ms <= 0)
		return NULL;
	if (wall_ms - candidate->end_wall_ms > rules->keep_days * DAY_MS)
		return "keep_days";
	return free_bytes < rules->min_free_bytes && candidate->state == REC_SAVED ? "min_free_mb" : NULL;
}
