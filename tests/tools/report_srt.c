/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/report_srt.h"

#include "tests/tools/spread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void print_outcomes(const struct report_run *run)
{
	static const char *const names[REPORT_OUTCOMES] = { "open", "connecting", "closed", "failed", "refused" };
	size_t outcomes[REPORT_OUTCOMES] = { 0 }, n_key = 0;
	const char *comma = "";

	for (size_t i = 0; i < run->n_players; i++) {
		outcomes[run->players[i].outcome]++;
		n_key += run->players[i].seen.has_key;
	}
	printf("{\"players\": %zu", run->n_players);
	for (int i = 0; i < REPORT_OUTCOMES; i++)
		printf(", \"%s\": %zu", names[i], outcomes[i]);
	printf(", \"playing\": %zu, \"reject_codes\": [", n_key);
	for (size_t i = 0; i < run->n_players; i++) {
		if (run->players[i].outcome != REPORT_REFUSED)
			continue;
		printf("%s%d", comma, run->players[i].reject_code);
		comma = ", ";
	}
	printf("]");
}

static void print_media(const struct report_run *run)
{
	unsigned long long bytes = 0, packets = 0, unsynced = 0, continuity = 0, said = 0, frames = 0, missing = 0,
			   back = 0;
	unsigned long long stalls = 0, not_key = 0;

	for (size_t i = 0; i < run->n_players; i++) {
		const struct ts_seen *s = &run->players[i].seen;

		bytes += run->players[i].n_bytes;
		packets += s->n_packets;
		unsynced += s->n_unsynced;
		continuity += s->n_continuity;
		said += s->n_discontinuous;
		frames += s->n_frames;
		missing += s->n_missing;
		back += s->n_backwards;
		stalls += s->n_stalls;
		not_key += s->n_not_key_first;
	}
	printf(", \"bytes\": %llu, \"ts_packets\": %llu, \"unsynced\": %llu, \"continuity_errors\": %llu", bytes,
	    packets, unsynced, continuity);
	printf(", \"said_discontinuous\": %llu, \"frames\": %llu, \"missing_frames\": %llu, \"backwards\": %llu", said,
	    frames, missing, back);
	printf(", \"stalls\": %llu, \"not_key_first\": %llu", stalls, not_key);
}

static void print_link(const struct report_run *run)
{
	long long late = 0, belated = 0, lost = 0, undecryptable = 0;
	int latency_ms = 0;

	for (size_t i = 0; i < run->n_players; i++) {
		const struct report_player *p = &run->players[i];

		late += p->n_late_drops;
		belated += p->n_belated;
		lost += p->n_lost;
		undecryptable += p->n_undecryptable;
		if (p->latency_ms > latency_ms)
			latency_ms = p->latency_ms;
	}
	printf(", \"late_drops\": %lld, \"belated\": %lld, \"lost\": %lld, \"undecryptable\": %lld, \"latency_ms\": %d",
	    late, belated, lost, undecryptable, latency_ms);
}

static void print_spreads(const struct report_run *run, double *values)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n_players; i++)
		if (run->players[i].seen.has_key)
			values[n++] = (double)(run->players[i].seen.first_key_us - run->players[i].start_us) / 1e3;
	spread_print("first_key_ms", values, n);
	n = 0;
	for (size_t i = 0; i < run->n_players; i++)
		if (run->players[i].seen.n_frames > 1)
			values[n++] = (double)run->players[i].seen.max_gap_us / 1e3;
	spread_print("max_gap_ms", values, n);
}

int report_srt(const struct report_run *run)
{
	double *values = calloc(run->n_players + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	print_outcomes(run);
	print_media(run);
	print_link(run);
	print_spreads(run, values);
	spread_print("delay_ms", run->delays_ms, run->n_delays);
	printf(", \"window_bytes\": %llu, \"delays\": %zu", (unsigned long long)run->window_bytes, run->n_delays);
	printf(", \"wall_s\": %.3f, \"cpu_s\": %.3f, \"cpu_percent\": %.1f}\n", (double)run->wall_us / 1e6,
	    (double)run->cpu_us / 1e6, 100.0 * (double)run->cpu_us / (double)run->wall_us);
	free(values);
	return 0;
}
