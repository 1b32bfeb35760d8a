/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wall clock of one run of media: what PROGRAM-DATE-TIME says. A pure function of the frames and when they came.
 *
 * Owner: the cutter that embeds it. Lifetime: a value. Not here: where a run ends; the caller does that at the next key
 * frame when is_ahead says so.
 *
 * A run is anchored to the arrival of its first frame; when those that follow came sooner after it than they last (a
 * network let go of what it had held up), to the arrival that fits them all. From the first answer on it follows media
 * time exactly. A publisher whose clock is slow falls behind the wall clock and may; one whose clock is fast would
 * name moments that are still to come, and is ahead as soon as that passes the limit.
 */
#ifndef ISARIBI_PACKAGER_RUN_CLOCK_H
#define ISARIBI_PACKAGER_RUN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct run_clock {
	int64_t mono_zero_wall_ms; /* wall clock at arrival_us 0; 0: unknown */
	int64_t limit_us;
	int64_t start_90k;
	int64_t start_us; /* when that was, on the clock of arrival_us */
	bool has_frame;
	bool is_fixed; /* somebody was told */
	bool is_ahead;
};

/* limit_ms: so far may what is named lie ahead of its arrival. */
void run_clock_init(struct run_clock *r, int64_t mono_zero_wall_ms, uint32_t limit_ms);
/* A new run: the next frame anchors it. */
void run_clock_begin(struct run_clock *r, int64_t start_90k);
/* A frame of the run's leading track, in order of arrival. */
void run_clock_note(struct run_clock *r, int64_t time_90k, int64_t arrival_us);
/* The wall clock at a time of the run, in ms since 1970; -1: unknown. */
int64_t run_clock_wall_ms(struct run_clock *r, int64_t time_90k);

#endif
