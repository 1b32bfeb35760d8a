/* SPDX-License-Identifier: Apache-2.0 */
/*
 * H.264 parameter sets and the configuration record made of them: picture size, frame rate, codecs text.
 *
 * Owner: the caller. Lifetime: a struct h264_config borrows the bytes it was read from (a record, a track, a payload);
 * tracks are counted. What can run out of memory returns PARSE_OK, PARSE_BAD or -ENOMEM as int: three different values.
 * Not here: slices beyond "is this a key picture".
 */
#ifndef ISARIBI_MEDIA_H264_H
#define ISARIBI_MEDIA_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "media/nal.h"
#include "media/track.h"

enum {
	H264_MAX_SIDE_PX = 4096,
	H264_MAX_SPS = 31,  /* what the record's 5 bits can count */
	H264_MAX_PPS = 255, /* what the record's 8 bits can count */
	H264_SPS_MAX_BYTES = 1024,
};

/* Sequence parameter set, H.264 §7.3.2.1.1: the fields somebody here needs. */
struct h264_sps {
	uint8_t profile_idc;
	uint8_t constraint_flags; /* the byte after profile_idc */
	uint8_t level_idc;
	uint8_t chroma_format_idc; /* 1 (4:2:0) unless a high profile says otherwise */
	uint8_t bit_depth_luma;
	uint8_t bit_depth_chroma;
	uint8_t id;
	bool is_interlaced; /* frame_mbs_only_flag is 0: fields may occur */
	uint32_t width_px;  /* after cropping */
	uint32_t height_px;
	uint32_t fps_num; /* lowest terms; 0/0 when the stream does not say or says nonsense (above 300, below 1/10) */
	uint32_t fps_den;
};

/* The parameter sets of a track or of an access unit, in their order. Borrowed pointers, headers included. */
struct h264_config {
	enum nal_format format; /* how NAL units stand in the frames that follow the record this was read from */
	size_t n_sps;
	size_t n_pps;
	struct nal sps[H264_MAX_SPS];
	struct nal pps[H264_MAX_PPS];
};

/*
 * Takes emulation prevention bytes out (H.264 §7.4.1) and returns how many bytes are in dst; stops when dst is full.
 * dst and src must not overlap.
 */
size_t h264_unescape(uint8_t *dst, size_t dst_size_bytes, const uint8_t *src, size_t len);

/* A whole SPS with its header byte. A broken VUI costs only the frame rate. */
enum parse_result h264_sps_parse(const struct nal *nal, struct h264_sps *out);

/*
 * AVCDecoderConfigurationRecord, ISO 14496-15 §5.3.3.1. At least one SPS and one PPS must be there, reserved bits are
 * not looked at, the extension of high profiles is not needed and ignored.
 */
enum parse_result h264_config_parse(struct h264_config *config, const uint8_t *avcc, size_t len);
/* Starts empty (memset to 0 is enough); adds the unit when it is an SPS or a PPS and there is room. True if added. */
bool h264_config_add(struct h264_config *config, const struct nal *nal);
/* The sets in a track made by this file: never fails, valid as long as the track. For the fMP4 and TS writers. */
void h264_config_of_track(struct h264_config *config, const struct track *track);
/* The record, always with 4-byte lengths, the extension written for the profiles that want it. */
enum parse_result h264_config_write(const struct h264_config *config, struct bytes_writer *w);

/*
 * A track from a record, or from sets alone (SRT, Annex B). Its config is the record as h264_config_write makes it, so
 * that equal sets give equal bytes. Size, rate and codecs text come from the first SPS. *out: one reference, or NULL.
 */
int h264_track_create(struct track **out, const uint8_t *avcc, size_t len);
int h264_track_create_from_config(struct track **out, const struct h264_config *config);
/*
 * What a track becomes when an access unit brings parameter sets in band: a set with a known id replaces the old one,
 * others are added. *out is NULL with PARSE_OK when nothing changed. old may be NULL: then in_band must be enough.
 */
int h264_track_update(struct track **out, const struct track *old, const struct h264_config *in_band);

/*
 * An SEI unit that says "decoding can start at this picture" (recovery point, H.264 §D.2.8, recovery_frame_cnt 0): open
 * GOPs have it instead of an IDR picture.
 */
bool h264_is_recovery_point(const struct nal *nal);

#endif
