/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hls_load saw: counts, times, and the JSON summary of them.
 *
 * Owner: one thread. Lifetime: hls_report_init to hls_report_fini. Not here: sockets, viewers.
 */
#ifndef ISARIBI_TESTS_TOOLS_HLS_REPORT_H
#define ISARIBI_TESTS_TOOLS_HLS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hls_time {
	HLS_TIME_PLAYLIST, /* request to answer, of a playlist that did not have to wait */
	HLS_TIME_MEDIA,	   /* request to last byte of a segment or part that was named */
	HLS_TIME_AGE,	   /* of the newest access unit, by its stamp, when its segment or part is whole */
	HLS_TIMES,
};

struct hls_report {
	uint64_t n_requests;
	uint64_t n_errors; /* an answer that is not 200, a connection that broke */
	uint64_t size_bytes;
	uint64_t n_window_requests; /* answered between --from-us and --to-us */
	uint64_t window_bytes;
	int last_error_status; /* 0: a connection broke */
	double *times_ms[HLS_TIMES];
	size_t n_times[HLS_TIMES];
	struct hls_answer *answers; /* of blocking reloads */
	size_t n_answers;
};

/* 0 or -ENOMEM, and then it is empty: hls_report_fini may be called or not. */
int hls_report_init(struct hls_report *r);
void hls_report_fini(struct hls_report *r);
void hls_report_time(struct hls_report *r, enum hls_time what, int64_t us);

/* The answer to a reload that asked for (msn, part). arrived_us: at the socket, read_us: by us. */
struct hls_answer {
	uint64_t msn;
	unsigned part;
	int64_t asked_us;
	int64_t arrived_us;
	int64_t read_us;
};
void hls_report_answer(struct hls_report *r, const struct hls_answer *answer);

struct hls_run {
	size_t n_viewers;
	size_t n_live;	 /* connected, and media has come lately */
	size_t n_broken; /* lost a connection */
	uint64_t n_media;
	uint64_t n_stalls;
	int64_t wall_us;
	int64_t cpu_us;
};
/* Prints one JSON object to stdout. */
void hls_report_print(struct hls_report *r, const struct hls_run *run);
/* A line for each answer to a blocking reload: msn, part, asked, arrived, in us. 0 or a negative errno. */
int hls_report_write_answers(const struct hls_report *r, const char *path);

#endif
