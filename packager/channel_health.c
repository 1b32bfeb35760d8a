/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_health.h"

enum {
	LATE_US = 100 * 1000,
	GOOD_AGAIN_US = 2 * 1000000,
	GOOD_AGAIN_LATER_US = 5 * 1000000,
	SHAKY_US = 60 * 1000000,
};

int64_t channel_health_patience_us(uint32_t part_ms)
{
	return 2 * (int64_t)part_ms * 1000 + LATE_US;
}

static bool is_on(const struct channel_health *h)
{
	return h->state == CHANNEL_GOOD || h->state == CHANNEL_RETURNING;
}

/*
 * It broke off after the last part. What had not come back yet has not dropped again: often that was a part left over
 * from before the hole.
 */
static void note_drop(struct channel_health *h)
{
	bool is_shaky = h->has_returned && h->heard_us - h->since_us < SHAKY_US;

	if (h->state == CHANNEL_GOOD)
		h->needed_us = is_shaky ? GOOD_AGAIN_LATER_US : GOOD_AGAIN_US;
	h->state = CHANNEL_LOST;
}

static void catch_up(struct channel_health *h, uint32_t part_ms, int64_t now_us)
{
	if (is_on(h) && now_us - h->heard_us > channel_health_patience_us(part_ms))
		note_drop(h);
}

void channel_health_begin(struct channel_health *h, int64_t now_us)
{
	bool is_fresh = h->state == CHANNEL_TAKEN_DOWN || (h->has_ended && now_us - h->ended_us > SHAKY_US);

	if (is_fresh)
		*h = (struct channel_health){ 0 };
	if (h->has_ended) {
		h->has_ended = false;
		h->state = CHANNEL_LOST;
	}
}

static void note_good_frames(struct channel_health *h, int64_t duration_us, bool is_broken, int64_t now_us)
{
	if (h->state == CHANNEL_LOST || is_broken) {
		h->since_us = now_us - duration_us;
		h->good_us = 0;
	}
	h->state = CHANNEL_RETURNING;
	h->good_us += duration_us;
	/* Both: a heap of old parts at once is no sign of health. */
	if (h->good_us < h->needed_us || now_us - h->since_us < h->needed_us)
		return;
	h->state = CHANNEL_GOOD;
	h->since_us = now_us;
	h->has_returned = true;
}

void channel_health_note(
    struct channel_health *h, const struct channel_health_part *part, uint32_t part_ms, int64_t now_us)
{
	if (h->state == CHANNEL_TAKEN_DOWN)
		return;
	if (h->has_ended)
		channel_health_begin(h, now_us);
	catch_up(h, part_ms, now_us);
	h->heard_us = now_us;
	h->is_misfit = part->is_misfit;
	if (h->state == CHANNEL_ABSENT) {
		h->state = CHANNEL_GOOD;
		h->since_us = now_us;
	} else if (h->state != CHANNEL_GOOD) {
		note_good_frames(h, part->duration_us, part->is_broken, now_us);
	}
}

void channel_health_end(struct channel_health *h, uint32_t part_ms, int64_t now_us)
{
	if (h->state == CHANNEL_TAKEN_DOWN || h->state == CHANNEL_ABSENT)
		return;
	catch_up(h, part_ms, now_us);
	if (is_on(h))
		note_drop(h);
	h->state = CHANNEL_ABSENT;
	h->has_ended = true;
	h->ended_us = now_us;
}

void channel_health_take_down(struct channel_health *h)
{
	*h = (struct channel_health){ .state = CHANNEL_TAKEN_DOWN };
}

enum channel_verdict channel_health_at(struct channel_health *h, uint32_t part_ms, int64_t now_us)
{
	catch_up(h, part_ms, now_us);
	return is_on(h) && h->is_misfit ? CHANNEL_MISFIT : h->state;
}

int64_t channel_health_next_us(const struct channel_health *h, uint32_t part_ms)
{
	return is_on(h) ? h->heard_us + channel_health_patience_us(part_ms) + 1 : INT64_MAX;
}
