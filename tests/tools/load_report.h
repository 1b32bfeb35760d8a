/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rtmp_load saw of each player, and the JSON summary of all.
 *
 * Owner: one thread. Lifetime: the caller's memory. Not here: sockets.
 */
#ifndef ISARIBI_TESTS_TOOLS_LOAD_REPORT_H
#define ISARIBI_TESTS_TOOLS_LOAD_REPORT_H

#include "tests/tools/client.h"

#include <stddef.h>

enum load_outcome {
	LOAD_OPEN,
	LOAD_CLOSED,  /* by the server */
	LOAD_FAILED,  /* could not connect */
	LOAD_REFUSED, /* an error status */
	LOAD_BROKEN,  /* nonsense on the wire */
};

struct load_seen {
	enum load_outcome outcome;
	bool is_reading; /* false: a --never-read player */
	bool has_eos;
	bool has_key;
	bool has_audio;
	int64_t start_us;
	int64_t first_key_us;
	int64_t last_video_us;
	int64_t max_gap_us;
	uint64_t size_bytes;
	uint64_t n_video;
	uint64_t n_audio;
	uint32_t last_video_ms;
	uint32_t last_audio_ms;
	uint32_t first_ms;
	uint32_t n_stalls;
	uint32_t n_backwards; /* timestamps that went back within a track */
	uint32_t n_not_key_first;
};

/* One audio or video message at now_us. */
void load_seen_media(struct load_seen *s, const struct wire_message *m, int64_t now_us);
/* The silence up to now_us counts as a gap, too. */
void load_seen_end(struct load_seen *s, int64_t now_us);

struct load_run {
	const struct load_seen *players;
	size_t n_players;
	int64_t wall_us;
	int64_t cpu_us;
	uint64_t window_bytes; /* read between --from-us and --to-us */
	double *delays_ms;     /* of stamped frames in that window; gets sorted */
	size_t n_delays;
};
/* Prints one JSON object to stdout; 0 or -ENOMEM. */
int load_report(const struct load_run *run);

#endif
