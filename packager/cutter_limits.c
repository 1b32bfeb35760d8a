/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a cutter's configuration alone: how long its parts and segments can be (packager/cutter.h). */
#include "base/attr.h"
#include "packager/cutter.h"

enum {
	ROUNDING_90K = 450 * 90, /* EXTINF below target + 0.5 s still rounds to the target duration */
	PART_JITTER_US =
	    8000, /* by so much may its frames last more or less than their rate says: two times written shakily */
};

unsigned cutter_target_duration_s(uint32_t segment_ms)
{
	return (unsigned)((2 * (uint64_t)segment_ms + 999) / 1000);
}

int64_t cutter_longest_segment_90k(uint32_t segment_ms)
{
	return (int64_t)cutter_target_duration_s(segment_ms) * 90000 + ROUNDING_90K;
}

/* Is there a whole number of frames of every usual rate in 85 to 100 % of it? */
static bool suits_usual_rates(uint32_t target_ms)
{
	/* 23.976, 24, 25, 29.97, 30, 50, 59.94 and 60 pictures a second; frames of audio are short enough for any */
	static const uint32_t frame_us[] = { 41708, 41667, 40000, 33367, 33333, 20000, 16683, 16667 };
	const uint32_t most_us = target_ms * 1000 - PART_JITTER_US;
	const uint32_t least_us = target_ms * 10 * CUTTER_PART_MIN_PERCENT + PART_JITTER_US;

	for (size_t i = 0; i < ARRAY_LEN(frame_us); i++) {
		if (most_us / frame_us[i] * frame_us[i] < least_us)
			return false;
	}
	return true;
}

uint32_t cutter_part_target_ms(const struct cutter_config *config)
{
	uint32_t target_ms = config->part_ms;

	while (!suits_usual_rates(target_ms))
		target_ms++;
	return target_ms;
}
