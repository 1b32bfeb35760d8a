/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decoder must know before the first frame of a track: codec and configuration.
 *
 * Owner: its maker until the first other reference exists; immutable from then on, any thread may ref and unref.
 * Lifetime: the last track_unref frees. A frame holds its track, so "did the codec change" is a comparison of pointers
 * after track_is_same() has folded equal ones together.
 */
#ifndef ISARIBI_MEDIA_TRACK_H
#define ISARIBI_MEDIA_TRACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum track_kind {
	TRACK_VIDEO,
	TRACK_AUDIO,
	TRACK_KINDS,
};

enum track_codec {
	CODEC_H264,
	CODEC_H265,
	CODEC_AAC,
	CODEC_OPUS,
	CODECS,
};

enum {
	TRACK_CODECS_TEXT_MAX = 48,    /* the longest is H.265's, 41 with its end */
	TRACK_CONFIG_MAX_BYTES = 8192, /* configuration records beyond this are refused */
};

struct track {
	atomic_uint refs;
	enum track_kind kind;
	enum track_codec codec;
	char codecs[TRACK_CODECS_TEXT_MAX]; /* RFC 6381: "avc1.64001F", "hvc1.1.6.L93.B0", "mp4a.40.2" */

	/* video */
	uint32_t width_px; /* after cropping */
	uint32_t height_px;
	uint32_t fps_num; /* frame rate as a fraction, 0/0 when the stream does not say */
	uint32_t fps_den;

	/* audio */
	uint32_t sample_rate_hz;
	uint32_t channels;
	uint32_t samples_per_frame; /* Opus packets may differ: frame_samples() knows */

	/*
	 * AVCDecoderConfigurationRecord or HEVCDecoderConfigurationRecord (ISO 14496-15 §5.3.3.1, §8.3.3.1),
	 * AudioSpecificConfig (ISO 14496-3 §1.6.2.1) or the identification header of Opus (RFC 7845 §5.1)
	 */
	size_t config_len;
	uint8_t config[];
};

/* A zeroed track with a copy of its configuration and one reference; NULL when memory is out or config is too long. */
struct track *track_create(enum track_kind kind, enum track_codec codec, const void *config, size_t config_len);
struct track *track_ref(struct track *t); /* returns t; NULL is fine */
void track_unref(struct track *t);	  /* NULL is fine */
/* Same codec and the same configuration bytes? Two NULLs are the same. */
bool track_is_same(const struct track *a, const struct track *b);
/* "h264", "aac", ...: static text */
const char *track_codec_name(enum track_codec codec);

#endif
