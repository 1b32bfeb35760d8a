/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An MPEG-TS file sent in real time, again and again without a seam: bursts of whole packets, a frame each.
 *
 * Owner: one thread. Lifetime: the bytes of a burst are good until the next one is asked for. Times, continuity
 * counters and the clock of each frame (a stamp with room for digits, see tests/lib/media_ts.py) are written into the
 * packets as they go. Not here: sockets and waiting.
 */
#ifndef ISARIBI_TESTS_TOOLS_TS_FILE_H
#define ISARIBI_TESTS_TOOLS_TS_FILE_H

#include "tests/tools/stamp.h"

#include <stddef.h>
#include <stdint.h>

enum { TS_PACKET = 188, TS_PIDS = 8192 };

struct ts_burst {
	size_t first; /* packet */
	size_t n_packets;
	int64_t at_us; /* from the first burst on */
};

/* Where in the file the digits of one frame's stamp stand: they may lie in two packets. */
struct ts_digits {
	size_t at[STAMP_DIGITS];
};

struct ts_file {
	uint8_t *data;
	size_t n_packets;
	struct ts_burst *bursts;
	size_t n_bursts;
	struct ts_digits *digits;
	size_t n_digits;
	int64_t round_90k; /* one time through the file */
	size_t next;	   /* burst */
	size_t next_digits;
	uint64_t n_rounds;
	uint64_t n_frames; /* stamped so far */
	uint8_t cc[TS_PIDS];
};

/* 0, or a negative errno: -EINVAL for a file that is no TS or holds fewer than two pictures with times. */
int ts_file_open(struct ts_file *f, const char *name);
void ts_file_close(struct ts_file *f);
/* When the next burst is due, counted from the first one. */
int64_t ts_file_due_us(const struct ts_file *f);
/* The next burst, saying now_us as its clock. */
const uint8_t *ts_file_next(struct ts_file *f, int64_t now_us, size_t *len);

#endif
