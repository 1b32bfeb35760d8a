/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/load_report.h"

#include "tests/tools/spread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { STALL_US = 1000000 };

static bool is_back(uint32_t now_ms, uint32_t before_ms)
{
	return (int32_t)(now_ms - before_ms) < 0;
}

static void note_gap(struct load_seen *s, int64_t gap_us)
{
	if (gap_us > s->max_gap_us)
		s->max_gap_us = gap_us;
	if (gap_us > STALL_US)
		s->n_stalls++;
}

/* FLV video: frame type in the upper four bits, 1 is a key frame; AVC packet type 0 or an enhanced sequence start (0)
 * is configuration, and 2 ends a sequence. */
static void see_video(struct load_seen *s, const struct wire_message *m, int64_t now_us)
{
	bool is_enhanced = m->head[0] & 0x80;
	unsigned packet_type = is_enhanced ? m->head[0] & 0x0f : m->head[1];
	bool is_key = (m->head[0] >> 4 & 7) == 1;

	if (packet_type != 1 && !(is_enhanced && packet_type == 3))
		return;
	if (!s->has_key && !is_key)
		s->n_not_key_first++;
	if (!s->has_key && is_key) {
		s->has_key = true;
		s->first_key_us = now_us;
		s->first_ms = m->timestamp_ms;
	}
	if (s->n_video > 0) {
		note_gap(s, now_us - s->last_video_us);
		s->n_backwards += is_back(m->timestamp_ms, s->last_video_ms);
	}
	s->n_video++;
	s->last_video_us = now_us;
	s->last_video_ms = m->timestamp_ms;
}

void load_seen_media(struct load_seen *s, const struct wire_message *m, int64_t now_us)
{
	if (m->head_bytes < 2)
		return;
	if (m->type == WIRE_VIDEO) {
		see_video(s, m, now_us);
		return;
	}
	if (m->type != WIRE_AUDIO || m->head[1] == 0)
		return;
	if (s->has_audio)
		s->n_backwards += is_back(m->timestamp_ms, s->last_audio_ms);
	s->has_audio = true;
	s->n_audio++;
	s->last_audio_ms = m->timestamp_ms;
}

void load_seen_end(struct load_seen *s, int64_t now_us)
{
	if (s->n_video > 0 && s->is_reading)
		note_gap(s, now_us - s->last_video_us);
}

static void print_counts(const struct load_run *run)
{
	size_t outcomes[LOAD_BROKEN + 1] = { 0 }, n_eos = 0, n_key = 0, n_lazy = 0, n_lazy_open = 0;
	uint64_t size_bytes = 0, n_back = 0, n_stalls = 0, n_video = 0, n_audio = 0, n_not_key = 0;

	for (size_t i = 0; i < run->n_players; i++) {
		const struct load_seen *s = &run->players[i];

		outcomes[s->outcome]++;
		n_eos += s->has_eos;
		n_key += s->has_key;
		n_lazy += !s->is_reading;
		n_lazy_open += !s->is_reading && s->outcome == LOAD_OPEN;
		size_bytes += s->size_bytes;
		n_back += s->n_backwards;
		n_stalls += s->n_stalls;
		n_video += s->n_video;
		n_audio += s->n_audio;
		n_not_key += s->n_not_key_first;
	}
	printf("{\"players\": %zu, \"open\": %zu, \"closed\": %zu, \"failed\": %zu, \"refused\": %zu, \"broken\": %zu",
	    run->n_players, outcomes[LOAD_OPEN], outcomes[LOAD_CLOSED], outcomes[LOAD_FAILED], outcomes[LOAD_REFUSED],
	    outcomes[LOAD_BROKEN]);
	printf(", \"playing\": %zu, \"end_of_stream\": %zu, \"never_read\": %zu, \"never_read_open\": %zu", n_key,
	    n_eos, n_lazy, n_lazy_open);
	printf(", \"bytes\": %llu, \"video\": %llu, \"audio\": %llu, \"backwards\": %llu, \"stalls\": %llu",
	    (unsigned long long)size_bytes, (unsigned long long)n_video, (unsigned long long)n_audio,
	    (unsigned long long)n_back, (unsigned long long)n_stalls);
	printf(", \"not_key_first\": %llu", (unsigned long long)n_not_key);
}

static void print_spreads(const struct load_run *run, double *values)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n_players; i++)
		if (run->players[i].has_key)
			values[n++] = (double)(run->players[i].first_key_us - run->players[i].start_us) / 1e3;
	spread_print("first_key_ms", values, n);
	n = 0;
	for (size_t i = 0; i < run->n_players; i++)
		if (run->players[i].is_reading && run->players[i].n_video > 1)
			values[n++] = (double)run->players[i].max_gap_us / 1e3;
	spread_print("max_gap_ms", values, n);
	n = 0;
	for (size_t i = 0; i < run->n_players; i++)
		if (run->players[i].has_key && run->players[i].is_reading)
			values[n++] = (double)(run->players[i].last_video_ms - run->players[i].first_ms);
	spread_print("media_ms", values, n);
}

int load_report(const struct load_run *run)
{
	double *values = calloc(run->n_players + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	print_counts(run);
	print_spreads(run, values);
	spread_print("delay_ms", run->delays_ms, run->n_delays);
	printf(", \"window_bytes\": %llu, \"delays\": %zu", (unsigned long long)run->window_bytes, run->n_delays);
	printf(", \"wall_s\": %.3f, \"cpu_s\": %.3f, \"cpu_percent\": %.1f}\n", (double)run->wall_us / 1e6,
	    (double)run->cpu_us / 1e6, 100.0 * (double)run->cpu_us / (double)run->wall_us);
	free(values);
	return 0;
}
