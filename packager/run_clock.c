/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/run_clock.h"

void run_clock_init(struct run_clock *r, int64_t mono_zero_wall_ms, uint32_t limit_ms)
{
	*r = (struct run_clock){ .mono_zero_wall_ms = mono_zero_wall_ms, .limit_us = (int64_t)limit_ms * 1000 };
}

void run_clock_begin(struct run_clock *r, int64_t start_90k)
{
	r->start_90k = start_90k;
	r->has_frame = false;
	r->is_fixed = false;
	r->is_ahead = false;
}

static int64_t since_start_us(const struct run_clock *r, int64_t time_90k)
{
	return (time_90k - r->start_90k) * 100 / 9;
}

void run_clock_note(struct run_clock *r, int64_t time_90k, int64_t arrival_us)
{
	int64_t start_us = arrival_us - since_start_us(r, time_90k);

	if (r->is_fixed) {
		r->is_ahead = r->is_ahead || r->start_us - start_us > r->limit_us;
		return;
	}
	if (!r->has_frame || start_us < r->start_us)
		r->start_us = start_us;
	r->has_frame = true;
}

int64_t run_clock_wall_ms(struct run_clock *r, int64_t time_90k)
{
	if (r->mono_zero_wall_ms <= 0 || !r->has_frame)
		return -1;
	r->is_fixed = true;
	return r->mono_zero_wall_ms + (r->start_us + since_start_us(r, time_90k)) / 1000;
}
