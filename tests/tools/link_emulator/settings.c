/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/settings.h"

#include <stddef.h>

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.reorder_by_ns = 10000000,
		.queue_ns = 200000000,
		.rto_ns = 200000000,
	};
}

int64_t settings_blocked_until(const struct settings *s, bool is_stream, int64_t at_ns)
{
	int64_t until_ns = s->freeze_until_ns > at_ns ? s->freeze_until_ns : at_ns;

	if (is_stream && s->outage_until_ns > until_ns)
		until_ns = s->outage_until_ns;
	return until_ns;
}

bool settings_is_out(const struct settings *s, int64_t at_ns)
{
	return s->outage_until_ns > at_ns || s->cut_until_ns > at_ns;
}

int64_t settings_send_ns(const struct settings *s, uint32_t wire_bytes)
{
	return s->rate_bps > 0 ? (int64_t)wire_bytes * 8 * 1000000000 / s->rate_bps : 0;
}

size_t settings_queue_bytes(const struct settings *s)
{
	size_t limit = s->queue_bytes > 0 ? (size_t)s->queue_bytes : SIZE_MAX;

	if (s->queue_ns > 0 && s->rate_bps > 0) {
		/* In double: 30 days at 100 Gb/s would not fit. */
		double bytes = (double)s->queue_ns * (double)s->rate_bps / 8e9;

		if (bytes < (double)limit)
			limit = (size_t)bytes;
	}
	return limit;
}
