/* SPDX-License-Identifier: Apache-2.0 */
/*
 * H.265 parameter sets and the configuration record made of them: picture size, frame rate, codecs text.
 *
 * Owner: the caller. Lifetime: a struct h265_config borrows the bytes it was read from (a record, a track, a payload);
 * tracks are counted. What can run out of memory returns PARSE_OK, PARSE_BAD or -ENOMEM as int: three different values.
 * Not here: slices, and layers other than the base layer: their sets are left out.
 */
#ifndef ISARIBI_MEDIA_H265_H
#define ISARIBI_MEDIA_H265_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "media/nal.h"
#include "media/track.h"

enum {
	H265_MAX_SIDE_PX = 4096,
	H265_MAX_SETS = 64, /* of PPS; of VPS and SPS 16 (H.265 §7.4.3) */
	H265_SPS_MAX_BYTES = 1024,
	H265_CONSTRAINT_BYTES = 6,
};

/* Sequence parameter set, H.265 §7.3.2.2: the fields somebody here needs. */
struct h265_sps {
	uint8_t profile_space;
	bool is_high_tier;
	uint8_t profile_idc;
	uint32_t compatibility_flags; /* flag 0 in the highest bit, as they come */
	uint8_t constraint_flags[H265_CONSTRAINT_BYTES];
	uint8_t level_idc;
	uint8_t temporal_layers; /* 1 to 7 */
	bool is_temporal_id_nested;
	uint8_t chroma_format_idc;
	uint8_t bit_depth_luma;
	uint8_t bit_depth_chroma;
	uint8_t id;
	uint32_t width_px; /* after cropping */
	uint32_t height_px;
	uint32_t fps_num; /* lowest terms; 0/0 when the stream does not say or says nonsense (above 300, below 1/10) */
	uint32_t fps_den;
};

enum h265_set_kind {
	H265_VPS,
	H265_SPS,
	H265_PPS,
	H265_SET_KINDS,
};

/* The parameter sets of a track or of an access unit, in their order. Borrowed pointers, headers included. */
struct h265_config {
	enum nal_format format; /* how NAL units stand in the frames that follow the record this was read from */
	size_t count[H265_SET_KINDS];
	struct nal sets[H265_SET_KINDS][H265_MAX_SETS];
};

/* A whole SPS with its header. What is broken behind the bit depths costs only the frame rate. */
enum parse_result h265_sps_parse(const struct nal *nal, struct h265_sps *out);
/* "hvc1.1.6.L93.B0", ISO 14496-15 annex E.3. */
void h265_codecs_text(const struct h265_sps *sps, char out[TRACK_CODECS_TEXT_MAX]);

/*
 * HEVCDecoderConfigurationRecord, ISO 14496-15 §8.3.3.1. At least one set of each kind must be there; reserved bits are
 * not looked at, units of other types (SEI) and of other layers are left out.
 */
enum parse_result h265_config_parse(struct h265_config *config, const uint8_t *hvcc, size_t len);
/* Starts empty (memset to 0 is enough); adds the unit when it is a set and there is room. True if added. */
bool h265_config_add(struct h265_config *config, const struct nal *nal);
/* The sets in a track made by this file: never fails, valid as long as the track. */
void h265_config_of_track(struct h265_config *config, const struct track *track);

/*
 * A track from a record, or from sets alone. Its config is a record of our own writing, always with 4-byte lengths, so
 * that equal sets give equal bytes. Size, rate and codecs text come from the first SPS. *out: one reference, or NULL.
 */
int h265_track_create(struct track **out, const uint8_t *hvcc, size_t len);
int h265_track_create_from_config(struct track **out, const struct h265_config *config);
/*
 * What a track becomes when an access unit brings parameter sets in band: a set with a known id replaces the old one,
 * others are added. *out is NULL with PARSE_OK when nothing changed. old may be NULL: then in_band must be enough.
 */
int h265_track_update(struct track **out, const struct track *old, const struct h265_config *in_band);

#endif
