/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What srt_load saw of each player, and the JSON summary of all.
 *
 * Owner: one thread. Lifetime: the caller's memory. Not here: reading sockets.
 */
#ifndef ISARIBI_TESTS_TOOLS_REPORT_SRT_H
#define ISARIBI_TESTS_TOOLS_REPORT_SRT_H

#include "tests/tools/ts_seen.h"

#include <srt/srt.h>

enum report_outcome {
	REPORT_OPEN,
	REPORT_CONNECTING, /* still */
	REPORT_CLOSED,	   /* by the server */
	REPORT_FAILED,	   /* no socket */
	REPORT_REFUSED,	   /* reject_code says why */
	REPORT_OUTCOMES,
};

struct report_player {
	SRTSOCKET sock;
	SRTSOCKET first_sock; /* of the first player only */
	bool is_connected;
	enum report_outcome outcome;
	int reject_code;
	int64_t start_us;
	uint64_t n_bytes;
	int64_t n_late_drops; /* never made it in time */
	int64_t n_belated;    /* came too late */
	int64_t n_lost;	      /* on the way; most come a second time */
	int64_t n_undecryptable;
	int latency_ms; /* negotiated */
	struct ts_seen seen;
};

struct report_run {
	const struct report_player *players;
	size_t n_players;
	int64_t wall_us;
	int64_t cpu_us;
	uint64_t window_bytes; /* read between --from-us and --to-us */
	double *delays_ms;     /* of stamped frames in that window; gets sorted; NULL: not asked for */
	size_t n_delays;
};

/* Prints one JSON object to stdout; 0 or -ENOMEM. */
int report_srt(const struct report_run *run);

#endif
