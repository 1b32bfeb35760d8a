/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragmented MP4 (ISO 14496-12, CMAF ISO 23000-19): the init segment of some tracks, and the moof of a part.
 *
 * Owner: the caller; nothing is kept between calls. Lifetime: everything given is borrowed for the call.
 * moof and mdat are separate pieces on purpose: data offsets are counted from the moof (default-base-is-moof), so the
 * same mdat can stand behind any moof that describes the same samples, a channel's for example.
 * Not here: which frames belong together (packager/cutter), reading MP4.
 */
#ifndef ISARIBI_MEDIA_FMP4_H
#define ISARIBI_MEDIA_FMP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/track.h"

enum {
	FMP4_VIDEO_TIMESCALE = 90000,
	FMP4_MDAT_HEADER_BYTES = 8,
};

/* The track id in moov and traf: 1 is video, 2 is audio, whether the other one is there or not. */
uint32_t fmp4_track_id(enum track_kind kind);
/* Ticks per second of a track's times: 90000 for video, the sample rate for audio. Never 0. */
uint32_t fmp4_timescale(const struct track *track);

/* One access unit. Durations and offsets in the track's timescale. */
struct fmp4_sample {
	uint32_t duration;
	uint32_t size_bytes;
	int32_t composition_offset; /* pts - dts; may be negative */
	bool is_key;
};

/* The samples of one track in one part, contiguous in time and in the mdat. */
struct fmp4_run {
	enum track_kind kind;
	uint64_t base_decode_time; /* tfdt, in the track's timescale */
	uint32_t mdat_offset;	   /* of the first sample, from the first byte behind the mdat header */
	uint32_t sample_count;	   /* 0: the run is left out */
	const struct fmp4_sample *samples;
};

/*
 * ftyp and moov for 1 or 2 tracks, video before audio. Returns 0, -EINVAL when a track cannot be described (an empty
 * configuration, say), -ENOMEM when the writer is full.
 */
int fmp4_write_init(struct bytes_writer *w, const struct track *const tracks[], size_t n);
/* The same, but audio times count in ticks of audio_timescale; 0: the track's own. */
int fmp4_write_init_scaled(
    struct bytes_writer *w, const struct track *const tracks[], size_t n, uint32_t audio_timescale);
/* One moof; 0, or -ENOMEM when the writer is full. */
int fmp4_write_moof(struct bytes_writer *w, uint32_t sequence, const struct fmp4_run runs[], size_t n);
/* The header of an mdat with that many bytes of payload; at most 2^32 - 9. */
void fmp4_write_mdat_header(struct bytes_writer *w, size_t payload_bytes);

#endif
