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
	lag_start(&c->lag, now_us);
	return true;
}

static bool is_behind(const struct cursor *c, const struct ring *r, int64_t now_us)
{
	if (c->seq < r->tail)
		return true;
	if (c->seq == r->head)
		return false;
	return lag_is_behind(&c->lag, ring_frame(r, c->seq)->arrival_us, ring_bytes_from(r, c->seq), now_us);
}

enum cursor_verdict cursor_check(struct cursor *c, const struct ring *r, int64_t now_us)
{
	assert(c->is_running && c->seq <= r->head);
	if (!is_behind(c, r, now_us))
		return CURSOR_GOES_ON;
	if (lag_skip(&c->lag, now_us))
		return CURSOR_TOO_SLOW;
	c->is_running = false;
	cursor_start(c, r, now_us);
	return CURSOR_SKIPPED;
}
