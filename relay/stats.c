/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stats.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	const char *type;
	const char *help;
} table[STAT_COUNT] = {
#define STAT(id, name, type, help) [STAT_##id] = { name, type, help },
	STATS(STAT)
#undef STAT
};

void stats_init(struct stats *s)
{
	for (int i = 0; i < STAT_COUNT; i++)
		atomic_init(&s->values[i], 0);
	for (int i = 0; i < CLOSE_REASON_COUNT; i++)
		atomic_init(&s->closed[i], 0);
}

void stats_closed(struct stats *s, enum close_reason reason)
{
	atomic_fetch_add_explicit(&s->closed[reason], 1, memory_order_relaxed);
}

void stats_printf(struct bytes_writer *out, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n > 0)
		bytes_put(out, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void stats_write(struct stats *s, struct bytes_writer *out)
{
	for (int i = 0; i < STAT_COUNT; i++) {
		stats_printf(
		    out, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help, table[i].name, table[i].type);
		stats_printf(out, "%s %lld\n", table[i].name, (long long)stats_get(s, (enum stat)i));
	}
	stats_printf(out,
	    "# HELP isaribi_sessions_closed_total sessions by the reason of their end\n"
	    "# TYPE isaribi_sessions_closed_total counter\n");
	for (int i = CLOSE_NONE + 1; i < CLOSE_REASON_COUNT; i++) {
		stats_printf(out, "isaribi_sessions_closed_total{reason=\"%s\"} %lld\n",
		    close_reason_name((enum close_reason)i),
		    (long long)atomic_load_explicit(&s->closed[i], memory_order_relaxed));
	}
}
