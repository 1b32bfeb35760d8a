/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport stream (ISO 13818-1) made into frames: the first program's first video and first audio that we relay.
 *
 * Owner: the publisher's loop thread; the ops are called inside feed and flush. Lifetime: create to destroy.
 * Times: raw, 33 bits at 90 kHz (see media/ts_frames); media/timeline with TIMELINE_MODULUS_TS makes a stream's times
 * of them. PCR is not looked at. Key frames: see media/ts_frames. Bytes may come cut in any way. Packets have 188
 * bytes: at the beginning the first sync byte is believed, later on, when one is missing, the next place is looked for
 * where four stand 188 apart. Packets of 192 or 204 bytes have no such place, and all is skipped (and counted). Changes
 * of the PMT are followed: a PID that is still there with its codec goes on, one that is gone ends its track. Limits: 4
 * MB of video and 64 KB of audio in a PES packet, 1 KB in a section, 32 streams in a PMT. Not here: more than one
 * program, one video and one audio; what is done with the packets themselves.
 */
#ifndef ISARIBI_MEDIA_TS_DEMUX_H
#define ISARIBI_MEDIA_TS_DEMUX_H

#include <stddef.h>
#include <stdint.h>

#include "media/frame.h"
#include "media/ts_packet.h"

enum { TS_PSI_MAX_PACKETS = 12 };

struct ts_demux_ops {
	/* Takes the reference. first_packet: the packet its PES packet began in, counted from 0 since ts_demux_create.
	 */
	void (*frame)(void *arg, struct frame *frame, uint64_t first_packet);
	/* Once per PID and PMT: video or audio that does not come out as frames. A second one of ours is "multitrack".
	 */
	void (*unsupported)(void *arg, const char *codec_name);
	/* A section or a PES packet made no sense. */
	void (*unreadable)(void *arg);
	/* Each whole packet as it came, before the frames it completes; may be NULL. */
	void (*packet)(void *arg, const uint8_t packet[TS_PACKET_BYTES]);
};

struct ts_demux_counts {
	uint64_t packets;	    /* whole ones, those of other PIDs and null packets too */
	uint64_t continuity_errors; /* holes in the streams that are taken */
	uint64_t skipped_bytes;	    /* while looking for packets */
	uint64_t transport_errors;  /* packets marked as damaged, or with an impossible adaptation field */
	uint64_t crc_errors;	    /* sections that could not be used */
	uint64_t pes_bad;
	uint64_t scrambled_packets;
	uint64_t frames_dropped; /* in front of the first key frame, behind a hole, without memory */
	uint64_t times_guessed;	 /* frames whose PES packet had no time */
};

struct ts_demux;

/* 0 or -ENOMEM. ops are borrowed until destroy. */
int ts_demux_create(struct ts_demux **out, const struct ts_demux_ops *ops, void *arg);
void ts_demux_destroy(struct ts_demux **d); /* what is half there is thrown away */
void ts_demux_feed(struct ts_demux *d, const uint8_t *data, size_t len, int64_t arrival_us);
/* The sender is gone: what is complete comes out. The next bytes may come from anywhere. */
void ts_demux_flush(struct ts_demux *d);
uint64_t ts_demux_packets(const struct ts_demux *d);
/* The number of the first packet that can begin in what is fed next: there may be half a one already. */
uint64_t ts_demux_next_packet(const struct ts_demux *d);
void ts_demux_get_counts(const struct ts_demux *d, struct ts_demux_counts *out);
/*
 * The newest PAT and PMT as whole packets of their own, for whoever begins to listen in the middle: their continuity
 * leads up to the last packet of these PIDs that was fed. Returns how many, at most TS_PSI_MAX_PACKETS; 0: not both
 * seen, or more than max.
 */
size_t ts_demux_psi(const struct ts_demux *d, uint8_t out[][TS_PACKET_BYTES], size_t max);

#endif
