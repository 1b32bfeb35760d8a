/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: monotonic for measuring and deadlines, wall for schedules and playlists. Timers never use the wall clock.
 *
 * Owner: any thread may read. A fake clock is moved by one test thread.
 * Not here: timers (base/loop.h).
 */
#ifndef ISARIBI_BASE_CLOCK_H
#define ISARIBI_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*mono_us)(const struct clock *);
	int64_t (*wall_ms)(const struct clock *);
};

/* The system's clocks; static, never freed. */
const struct clock *clock_real(void);

struct clock_fake {
	struct clock clock;
	int64_t now_mono_us;
	int64_t now_wall_ms;
};

/* A clock that stands still until clock_fake_advance(); wall starts at wall_ms since 1970, monotonic at 1 s. */
void clock_fake_init(struct clock_fake *f, int64_t wall_ms);
void clock_fake_advance(struct clock_fake *f, int64_t us);

static inline int64_t clock_mono_us(const struct clock *c)
{
	return c->mono_us(c);
}

static inline int64_t clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c);
}

#endif
