/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of whole PES packets of one elementary stream, made into frames.
 *
 * Owner: one thread. Lifetime: ts_frames_init to ts_frames_fini; frames are counted, the taker's.
 * Times: dts_90k is the wire's, 33 bits; pts_90k is at most half the clock's round away from it, so it may lie outside.
 * Not here: putting PES packets together (media/ts_stream).
 */
#ifndef ISARIBI_MEDIA_TS_FRAMES_H
#define ISARIBI_MEDIA_TS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/adts.h"
#include "media/frame.h"
#include "media/opus.h"
#include "media/track.h"

struct ts_frames_ops {
	void (*frame)(void *ctx, struct frame *f, uint64_t first_packet); /* takes the reference */
	void (*unsupported)(void *ctx, const char *codec_name);
	void (*unreadable)(void *ctx); /* something in it made no sense */
};

struct ts_frames_counts {
	uint64_t frames_dropped; /* in front of the first key frame, behind a gap, without memory */
	uint64_t times_guessed;	 /* frames of a PES packet without a time */
};

struct ts_frames_config {
	enum track_codec codec;
	const struct opus_config *opus; /* with CODEC_OPUS */
	const struct ts_frames_ops *ops;
	void *ctx;
	struct ts_frames_counts *counts;
};

/* One PES packet, everything borrowed for the call. */
struct ts_pes {
	const uint8_t *payload;
	size_t len;
	bool has_pts;
	bool is_random_access; /* as the adaptation field says */
	int64_t pts_90k;
	int64_t dts_90k; /* equal to pts when the wire had none */
	uint64_t first_packet;
	int64_t arrival_us;
};

struct ts_frames {
	struct ts_frames_config config;
	struct opus_config opus;
	struct track *track; /* NULL before the first configuration */
	bool is_waiting;     /* for a key frame */
	bool is_gap;	     /* the next frame does not continue what came out before */
	bool is_refused;     /* said once that this configuration is not ours */
	bool has_time;
	int64_t time_90k; /* video: the last dts. Audio: from where samples are counted. */
	int64_t step_90k; /* video: between the last two */
	uint64_t samples; /* audio: since time_90k, at the track's rate */
	/* An ADTS frame that goes on in the next PES packet. */
	size_t half_len;
	uint64_t half_first_packet;
	uint8_t half[ADTS_FRAME_MAX_BYTES];
};

void ts_frames_init(struct ts_frames *f, const struct ts_frames_config *config);
void ts_frames_fini(struct ts_frames *f);
/*
 * H.264, H.265: one access unit; it is a key frame when an IDR or IRAP slice is in it, in H.264 also when the packet
 * says random access and a recovery point or an SPS agrees. Without a pts it takes the last dts and the step before it.
 * AAC, Opus: each packet a frame; the pts is that of the first that begins in this PES packet, the rest are counted on.
 */
void ts_frames_take(struct ts_frames *f, const struct ts_pes *pes);
/* Something is missing between what was taken and what comes: video goes on at a key frame. */
void ts_frames_gap(struct ts_frames *f);

#endif
