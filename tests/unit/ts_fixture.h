/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of media/ts_*: made-up tracks and frames, somebody who keeps what a demultiplexer says, and a strict reader
 * of packets that knows nothing of the multiplexer but the standard.
 */
#ifndef ISARIBI_TESTS_UNIT_TS_FIXTURE_H
#define ISARIBI_TESTS_UNIT_TS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/frame.h"
#include "media/ts_demux.h"
#include "media/ts_mux.h"

enum { TS_GOT_MAX = 2048 };

struct track *ts_fixture_track(enum track_codec codec); /* one reference */
/* Video: one slice of payload_bytes, the track's sets are not in band. Other payloads for other dts. */
struct frame *ts_fixture_frame(
    struct track *track, bool is_key, int64_t dts_90k, int64_t pts_90k, size_t payload_bytes);

struct ts_got {
	size_t n_frames;
	struct frame *frames[TS_GOT_MAX];
	uint64_t first_packets[TS_GOT_MAX];
	size_t n_unsupported;
	char unsupported[8][24];
	unsigned n_unreadable;
	uint64_t n_packets;
};

extern const struct ts_demux_ops ts_got_ops; /* arg: struct ts_got */
void ts_got_clear(struct ts_got *got);
/* Everything through a new demultiplexer, in pieces. counts may be NULL. */
void ts_got_all(
    struct ts_got *got, const uint8_t *data, size_t len, size_t piece_bytes, struct ts_demux_counts *counts);
bool ts_frame_is_equal(const struct frame *a, const struct frame *b); /* times, flags, bytes, codec */

void ts_fixture_set_crc(uint8_t *section, size_t len); /* into its last four bytes */

/* What a strict reader saw. */
struct ts_checked {
	char fault[96]; /* empty: none */
	size_t n_packets;
	size_t n_psi; /* pairs of PAT and PMT */
	size_t n_pcr;
	size_t n_pcr_alone; /* in packets without payload */
	size_t n_discontinuity;
	size_t n_random_access;
	size_t n_pes[TRACK_KINDS];
	unsigned pmt_version;
	int64_t max_psi_gap_90k;
	int64_t max_pcr_gap_90k;
};

/* Sync bytes, counters, checksums, PSI before anything, PCR rising and ahead of every dts, gaps of both. */
void ts_check(struct ts_checked *c, const uint8_t *data, size_t len);

#endif
