/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/stats.h"

#include "base/attr.h"

#include <inttypes.h>
#include <stddef.h>

static size_t bucket_of(int64_t delay_ns)
{
	size_t i = 0;

	while (i < STATS_BUCKETS - 1 && delay_ns >= (int64_t)1000000 << i)
		i++;
	return i;
}

void stats_see_due(struct stats *stats, int64_t in_ns, int64_t due_ns, int64_t now_ns)
{
	int64_t delay_ns = now_ns - in_ns, late_ns = now_ns - due_ns;

	stats->n_due++;
	stats->delay_sum_ns += delay_ns;
	stats->late_sum_ns += late_ns;
	if (delay_ns > stats->delay_max_ns)
		stats->delay_max_ns = delay_ns;
	if (late_ns > stats->late_max_ns)
		stats->late_max_ns = late_ns;
	stats->delay_buckets[bucket_of(delay_ns)]++;
}

void stats_print(const struct stats *s, FILE *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "in", s->in },
		{ "in_bytes", s->in_bytes },
		{ "forwarded", s->forwarded },
		{ "forwarded_bytes", s->forwarded_bytes },
		{ "lost_random", s->lost_random },
		{ "lost_burst", s->lost_burst },
		{ "lost_outage", s->lost_outage },
		{ "dropped_queue", s->dropped_queue },
		{ "dropped_mtu", s->dropped_mtu },
		{ "dropped_memory", s->dropped_memory },
		{ "send_failed", s->send_failed },
		{ "orphaned", s->orphaned },
		{ "waiting", s->waiting },
		{ "duplicated", s->duplicated },
		{ "corrupted", s->corrupted },
		{ "reordered", s->reordered },
		{ "stalled", s->stalled },
	};
	double n_due = s->n_due > 0 ? (double)s->n_due : 1;

	fputc('{', out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		fprintf(out, "\"%s\": %" PRIu64 ", ", rows[i].name, rows[i].value);
	fprintf(out, "\"delay_mean_ms\": %.3f, \"delay_max_ms\": %.3f, \"late_mean_ms\": %.3f, \"late_max_ms\": %.3f",
	    (double)s->delay_sum_ns / n_due / 1e6, (double)s->delay_max_ns / 1e6, (double)s->late_sum_ns / n_due / 1e6,
	    (double)s->late_max_ns / 1e6);
	fputs(", \"delay_buckets\": [", out);
	for (size_t i = 0; i < STATS_BUCKETS; i++)
		fprintf(out, "%s%" PRIu64, i ? ", " : "", s->delay_buckets[i]);
	fputs("]}", out);
}
