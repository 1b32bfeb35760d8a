/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/cursor.h"

#include <assert.h>

void cursor_init(struct cursor *c)
{
	*c = (struct cursor){ 0 };
}

bool cursor_start(struct cursor *c, const struct ring *r, int64_t now_us)
{
	assert(!c->is_running);
	if (!ring_start(r, &c->seq))
		return false;
	c->is_running = true;
	c->since_us = now_us;
	return true;
}

static bool is_behind(const struct cursor *c, const struct ring *r, int64_t now_us)
{
	const struct frame *next;
	int64_t waiting_since_us;

	if (c->seq < r->tail)
		return true;
	if (c->seq == r->head)
		return false;
	/* What a newcomer finds waiting is not its fault: its time counts from its start. */
	next = ring_frame(r, c->seq);
	waiting_since_us = next->arrival_us > c->since_us ? next->arrival_us : c->since_us;
	if (now_us - waiting_since_us > CURSOR_LAG_US)
		return true;
	return ring_bytes_from(r, c->seq) > CURSOR_LAG_BYTES && now_us - c->since_us > CURSOR_LAG_US;
}

/* Remembers this skip; true when it is one too many. */
static bool note_skip(struct cursor *c, int64_t now_us)
{
	unsigned slot = c->n_skips % CURSOR_SKIPS_MAX;
	unsigned oldest = (c->n_skips + 1) % CURSOR_SKIPS_MAX;

	c->skipped_us[slot] = now_us;
	c->n_skips++;
	return c->n_skips >= CURSOR_SKIPS_MAX && now_us - c->skipped_us[oldest] <= CURSOR_SKIPS_WINDOW_US;
}

enum cursor_verdict cursor_check(struct cursor *c, const struct ring *r, int64_t now_us)
{
	assert(c->is_running && c->seq <= r->head);
	if (!is_behind(c, r, now_us))
		return CURSOR_GOES_ON;
	if (note_skip(c, now_us))
		return CURSOR_TOO_SLOW;
	c->is_running = false;
	cursor_start(c, r, now_us);
	return CURSOR_SKIPPED;
}
