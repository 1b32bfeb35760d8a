/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of one stream made into a transport stream of one program (ISO 13818-1): whole packets for each frame.
 *
 * Owner: one thread. Lifetime: ts_mux_init to ts_mux_fini; it holds a reference to each track.
 * What comes out: PAT and PMT in front of every key frame of video, whenever the PMT changes, and every 200 ms or so;
 * PCR on the video's PID (on the audio's when there is no video) 100 ms before the slower track's dts, never back, at
 * most 90 ms apart. H.264 and H.265 in Annex B with an access unit delimiter, parameter sets in front of key frames
 * that do not bring them; AAC as ADTS; Opus with its control header. One frame, one PES packet. Times: the frame's,
 * modulo 2^33. Frames whose dts lies below 100 ms make a PCR from before the clock's last turn. Not here: pacing;
 * stuffing to a constant rate.
 */
#ifndef ISARIBI_MEDIA_TS_MUX_H
#define ISARIBI_MEDIA_TS_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/adts.h"
#include "media/frame.h"
#include "media/opus.h"
#include "media/track.h"

enum {
	TS_MUX_PID_PMT = 0x1000,
	TS_MUX_PID_VIDEO = 0x100,
	TS_MUX_PID_AUDIO = 0x101,
	TS_MUX_PROGRAM = 1,
	TS_MUX_PSI_90K = 200 * 90, /* the tables are repeated with the first frame this long after the last time */
	TS_MUX_PCR_DELAY_90K = 100 * 90,
	TS_MUX_PMT_MAX_BYTES = 64,
};

struct ts_mux_pid {
	uint16_t pid;
	uint8_t continuity;    /* of the next packet with payload */
	bool is_discontinuity; /* the next packet says so */
};

struct ts_mux {
	struct track *tracks[TRACK_KINDS];
	struct adts_format adts;
	struct opus_config opus;
	struct ts_mux_pid pat;
	struct ts_mux_pid pmt;
	struct ts_mux_pid streams[TRACK_KINDS];
	uint8_t pmt_version;
	size_t pmt_len; /* 0: not made since the tracks changed */
	uint8_t pmt_section[TS_MUX_PMT_MAX_BYTES];
	bool has_psi;
	int64_t psi_90k; /* when, by the slower track's dts */
	bool has_pcr;
	int64_t pcr_90k;
	bool has_dts[TRACK_KINDS];
	int64_t dts_90k[TRACK_KINDS]; /* of the last frame */
};

void ts_mux_init(struct ts_mux *m);
void ts_mux_fini(struct ts_mux *m);

/*
 * Says which track will come, so that the first PMT has both; ts_mux_frame() does it otherwise. NULL: there is none any
 * more. Takes a reference of its own. -ENOTSUP: a transport stream has no words for this configuration
 * (media/adts); what was there stays.
 */
int ts_mux_set_track(struct ts_mux *m, enum track_kind kind, struct track *track);

/*
 * Appends whole packets. -EINVAL: the frame makes no sense; -ENOTSUP: see above; -ENOMEM: the writer is full. Then
 * nothing was appended, and the next frame goes on as if this one had not been.
 */
int ts_mux_frame(struct ts_mux *m, const struct frame *f, struct bytes_writer *w);

/* What comes does not follow what came before: the next packet of each PID says so, and clock and tables begin anew. */
void ts_mux_discontinuity(struct ts_mux *m);

#endif
