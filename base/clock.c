/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t real_mono_us(const struct clock *c)
{
	(void)c;
	return read_us(CLOCK_MONOTONIC);
}

static int64_t real_wall_ms(const struct clock *c)
{
	(void)c;
	return read_us(CLOCK_REALTIME) / 1000;
}

const struct clock *clock_real(void)
{
	static const struct clock real = { real_mono_us, real_wall_ms };

	return &real;
}

static const struct clock_fake *as_fake(const struct clock *c)
{
	return (const struct clock_fake *)(const void *)c; /* `clock` is its first member */
}

static int64_t fake_mono_us(const struct clock *c)
{
	return as_fake(c)->now_mono_us;
}

static int64_t fake_wall_ms(const struct clock *c)
{
	return as_fake(c)->now_wall_ms;
}

void clock_fake_init(struct clock_fake *f, int64_t wall_ms)
{
	f->clock = (struct clock){ fake_mono_us, fake_wall_ms };
	f->now_mono_us = 1000000;
	f->now_wall_ms = wall_ms;
}

void clock_fake_advance(struct clock_fake *f, int64_t us)
{
	int64_t before_ms = f->now_mono_us / 1000;

	f->now_mono_us += us;
	f->now_wall_ms += f->now_mono_us / 1000 - before_ms;
}
