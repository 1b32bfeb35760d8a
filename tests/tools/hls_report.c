/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/hls_report.h"

#include "tests/tools/spread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOTES_MAX = 1 << 20 };

void hls_report_fini(struct hls_report *r)
{
	for (size_t i = 0; i < HLS_TIMES; i++)
		free(r->times_ms[i]);
	free(r->answers);
	*r = (struct hls_report){ 0 };
}

int hls_report_init(struct hls_report *r)
{
	*r = (struct hls_report){ 0 };
	r->answers = calloc(NOTES_MAX, sizeof(*r->answers));
	for (size_t i = 0; i < HLS_TIMES; i++) {
		r->times_ms[i] = calloc(NOTES_MAX, sizeof(**r->times_ms));
		if (!r->times_ms[i] || !r->answers) {
			hls_report_fini(r);
			return -ENOMEM;
		}
	}
	return 0;
}

void hls_report_time(struct hls_report *r, enum hls_time what, int64_t us)
{
	if (r->n_times[what] < NOTES_MAX)
		r->times_ms[what][r->n_times[what]++] = (double)us / 1e3;
}

void hls_report_answer(struct hls_report *r, const struct hls_answer *answer)
{
	if (r->n_answers < NOTES_MAX)
		r->answers[r->n_answers++] = *answer;
}

static bool is_same_part(const struct hls_answer *a, const struct hls_answer *b)
{
	return a->msn == b->msn && a->part == b->part;
}

static int compare_answers(const void *first, const void *second)
{
	const struct hls_answer *a = first, *b = second;

	if (a->msn != b->msn)
		return a->msn < b->msn ? -1 : 1;
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	return (a->arrived_us > b->arrived_us) - (a->arrived_us < b->arrived_us);
}

/*
 * A part exists no later than the first of its answers arrives. Who had asked by then has waited: how much later than
 * the first was his answer? Who asked afterwards did not wait: how long did the answer take?
 */
static void print_waits(struct hls_report *r)
{
	double *arrived_ms = calloc(r->n_answers + 1, sizeof(*arrived_ms));
	double *read_ms = calloc(r->n_answers + 1, sizeof(*read_ms));
	const struct hls_answer *first = r->answers;
	size_t n = 0;

	qsort(r->answers, r->n_answers, sizeof(*r->answers), compare_answers);
	for (size_t i = 0; arrived_ms && read_ms && i < r->n_answers; i++) {
		const struct hls_answer *a = &r->answers[i];

		if (!is_same_part(a, first))
			first = a;
		if (a->asked_us >= first->arrived_us) {
			hls_report_time(r, HLS_TIME_PLAYLIST, a->arrived_us - a->asked_us);
			continue;
		}
		arrived_ms[n] = (double)(a->arrived_us - first->arrived_us) / 1e3;
		read_ms[n++] = (double)(a->read_us - first->arrived_us) / 1e3;
	}
	printf(", \"waited\": %zu, \"not_waited\": %zu", n, r->n_answers - n);
	spread_print("waited_ms", arrived_ms, n);
	spread_print("waited_until_read_ms", read_ms, n);
	free(arrived_ms);
	free(read_ms);
}

void hls_report_print(struct hls_report *r, const struct hls_run *run)
{
	static const char *const names[HLS_TIMES] = { "playlist_ms", "media_ms", "age_ms" };

	printf("{\"viewers\": %zu, \"live\": %zu, \"broken\": %zu, \"stalls\": %llu", run->n_viewers, run->n_live,
	    run->n_broken, (unsigned long long)run->n_stalls);
	printf(", \"requests\": %llu, \"errors\": %llu, \"last_error_status\": %d, \"media\": %llu, \"bytes\": %llu",
	    (unsigned long long)r->n_requests, (unsigned long long)r->n_errors, r->last_error_status,
	    (unsigned long long)run->n_media, (unsigned long long)r->size_bytes);
	printf(", \"window_requests\": %llu, \"window_bytes\": %llu", (unsigned long long)r->n_window_requests,
	    (unsigned long long)r->window_bytes);
	print_waits(r);
	for (size_t i = 0; i < HLS_TIMES; i++)
		spread_print(names[i], r->times_ms[i], r->n_times[i]);
	printf(", \"wall_s\": %.3f, \"cpu_s\": %.3f, \"cpu_percent\": %.1f}\n", (double)run->wall_us / 1e6,
	    (double)run->cpu_us / 1e6, 100.0 * (double)run->cpu_us / (double)run->wall_us);
}

int hls_report_write_answers(const struct hls_report *r, const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return -errno;
	for (size_t i = 0; i < r->n_answers; i++) {
		const struct hls_answer *a = &r->answers[i];

		fprintf(file, "%llu %u %lld %lld\n", (unsigned long long)a->msn, a->part, (long long)a->asked_us,
		    (long long)a->arrived_us);
	}
	return fclose(file) == 0 ? 0 : -errno;
}
