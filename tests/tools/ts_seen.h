/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one player has seen of a transport stream: what is missing, when pictures came and how old they were.
 *
 * Owner: one thread. Lifetime: the caller's memory. A picture is judged when the next one begins: only then a PES
 * without a length is known to be whole; its time is that of its last packet. Not here: sockets.
 */
#ifndef ISARIBI_TESTS_TOOLS_TS_SEEN_H
#define ISARIBI_TESTS_TOOLS_TS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TS_SEEN_PIDS = 8192, TS_SEEN_HEAD_BYTES = 2048 };

struct ts_seen {
	void (*on_stamp)(void *ctx, int64_t written_us, int64_t arrived_us); /* may be NULL */
	void *ctx;

	uint64_t n_packets;
	uint64_t n_unsynced;	  /* packets without a sync byte, bytes that are no whole packet */
	uint64_t n_continuity;	  /* errors (§2.4.3.3) */
	uint64_t n_discontinuous; /* said by the sender: no errors */
	uint64_t n_frames;
	uint64_t n_missing; /* frames that the steps of the DTS say were there */
	uint64_t n_backwards;
	uint32_t n_stalls; /* silences of more than a second */
	uint32_t n_not_key_first;
	bool has_key;
	int64_t first_key_us;
	int64_t last_frame_us;
	int64_t max_gap_us;

	uint16_t pmt_pid;
	uint16_t video_pid;
	bool is_in_frame;
	int64_t last_packet_us; /* of the frame */
	int64_t dts_90k;	/* of the frame; -1: unknown */
	int64_t last_dts_90k;
	int64_t step_90k; /* the smallest so far; 0: unknown */
	size_t head_bytes;
	uint8_t head[TS_SEEN_HEAD_BYTES];
	uint8_t cc[TS_SEEN_PIDS]; /* 255: not seen */
};

void ts_seen_init(struct ts_seen *s);
void ts_seen_feed(struct ts_seen *s, const uint8_t *data, size_t len, int64_t now_us);
/* The silence up to now counts as a gap, too. */
void ts_seen_end(struct ts_seen *s, int64_t now_us);

#endif
