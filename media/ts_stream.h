/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of one PID, put together to PES packets.
 *
 * Owner: one thread. Lifetime: ts_stream_init to ts_stream_fini.
 * A PES packet ends where its length says, else where the next one begins. One with a hole in it is dropped. Memory
 * grows as bytes come. Not here: what is in a PES packet (media/ts_frames).
 */
#ifndef ISARIBI_MEDIA_TS_STREAM_H
#define ISARIBI_MEDIA_TS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/ts_frames.h"
#include "media/ts_packet.h"
#include "media/ts_pes.h"

enum {
	TS_PES_VIDEO_MAX_BYTES = 4 * 1024 * 1024,
	TS_PES_AUDIO_MAX_BYTES = 64 * 1024 + 64, /* its length field cannot say more */
};

struct ts_stream_counts {
	uint64_t continuity_errors;
	uint64_t scrambled_packets;
	uint64_t pes_bad; /* broken headers, too long, shorter than they said, damaged inside */
	struct ts_frames_counts frames;
};

struct ts_stream {
	uint16_t pid;
	struct ts_frames frames;
	struct ts_stream_counts *counts;
	bool has_continuity;
	uint8_t continuity;
	bool is_open; /* a PES packet is being put together */
	bool has_header;
	bool is_random_access;
	bool is_stuffed; /* its last packet so far was not full */
	uint64_t first_packet;
	int64_t arrival_us; /* of its last packet so far */
	struct ts_pes_header header;
	uint8_t *buf; /* from the PES header on; what is in it stays until the next one begins */
	size_t len;
	size_t capacity;
	size_t tail_len; /* what the last packet brought; 0: nothing */
};

/* counts: its frames member is what config->counts is set to. */
void ts_stream_init(
    struct ts_stream *s, uint16_t pid, const struct ts_frames_config *config, struct ts_stream_counts *counts);
void ts_stream_fini(struct ts_stream *s);
/* A packet of this PID; number: counted from 0 over all PIDs. */
void ts_stream_take(struct ts_stream *s, const struct ts_packet *p, uint64_t number, int64_t arrival_us);
/* No more packets: the last PES packet comes out when it is complete by its length or by the stuffing in its end. */
void ts_stream_flush(struct ts_stream *s);

#endif
