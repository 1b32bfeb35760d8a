/* SPDX-License-Identifier: Apache-2.0 */
#include "media/h265.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/h264.h"
#include "media/vui.h"

enum {
	NAL_HEADER_BYTES = 2,
	CHROMA_420 = 1,
	CHROMA_422 = 2,
	CHROMA_444 = 3,
	MAX_SUB_LAYERS = 7,
	PROFILE_BITS = 88,	  /* of a sub-layer, without its level (H.265 §7.3.3) */
	MAX_SHORT_TERM_SETS = 64, /* H.265 §7.4.3.2.1 */
	MAX_SET_PICTURES = 16,	  /* a decoded picture buffer holds no more (H.265 §A.4.2) */
	MAX_LONG_TERM_PICTURES = 32,
	UNIT_MAX_BYTES = UINT16_MAX, /* what the record's 16 bits can count */
	ARRAY_COMPLETE = 0x80,
};

/* ---- SPS ---- */

/* H.265 §7.3.3 with profilePresentFlag 1 */
static void read_profile_tier_level(struct bits_reader *b, struct h265_sps *sps)
{
	bool has_profile[MAX_SUB_LAYERS] = { false };
	bool has_level[MAX_SUB_LAYERS] = { false };
	unsigned n_below = sps->temporal_layers - 1u;

	sps->profile_space = (uint8_t)bits_u(b, 2);
	sps->is_high_tier = bits_flag(b);
	sps->profile_idc = (uint8_t)bits_u(b, 5);
	sps->compatibility_flags = bits_u(b, 32);
	for (size_t i = 0; i < H265_CONSTRAINT_BYTES; i++)
		sps->constraint_flags[i] = (uint8_t)bits_u(b, 8);
	sps->level_idc = (uint8_t)bits_u(b, 8);
	for (unsigned i = 0; i < n_below; i++) {
		has_profile[i] = bits_flag(b);
		has_level[i] = bits_flag(b);
	}
	if (n_below > 0)
		bits_skip(b, (8 - n_below) * 2);
	for (unsigned i = 0; i < n_below; i++)
		bits_skip(b, (has_profile[i] ? PROFILE_BITS : 0u) + (has_level[i] ? 8u : 0u));
}

/* What the conformance window leaves of one side, H.265 §7.4.3.2.1. */
static enum parse_result crop_side(uint32_t *side_px, uint32_t unit, uint32_t before, uint32_t after)
{
	uint64_t cut = ((uint64_t)before + after) * unit;

	if (cut >= *side_px)
		return PARSE_BAD;
	*side_px -= (uint32_t)cut;
	return PARSE_OK;
}

static enum parse_result read_size(struct bits_reader *b, struct h265_sps *sps)
{
	uint32_t unit_x = sps->chroma_format_idc == CHROMA_420 || sps->chroma_format_idc == CHROMA_422 ? 2 : 1;
	uint32_t unit_y = sps->chroma_format_idc == CHROMA_420 ? 2 : 1;
	uint32_t window[4];

	sps->width_px = bits_ue(b);
	sps->height_px = bits_ue(b);
	if (sps->width_px == 0 || sps->width_px > H265_MAX_SIDE_PX || sps->height_px == 0 ||
	    sps->height_px > H265_MAX_SIDE_PX)
		return PARSE_BAD;
	if (!bits_flag(b))
		return PARSE_OK;
	for (size_t i = 0; i < 4; i++)
		window[i] = bits_ue(b); /* left, right, top, bottom */
	if (crop_side(&sps->width_px, unit_x, window[0], window[1]) != PARSE_OK)
		return PARSE_BAD;
	return crop_side(&sps->height_px, unit_y, window[2], window[3]);
}

static enum parse_result read_formats(struct bits_reader *b, struct h265_sps *sps)
{
	uint32_t id = bits_ue(b);
	uint32_t chroma = bits_ue(b);
	uint32_t luma_beyond_8;
	uint32_t chroma_beyond_8;

	if (id > 15 || chroma > CHROMA_444)
		return PARSE_BAD;
	sps->id = (uint8_t)id;
	sps->chroma_format_idc = (uint8_t)chroma;
	if (chroma == CHROMA_444 && bits_flag(b)) /* separate_colour_plane_flag */
		sps->chroma_format_idc = 0;
	if (read_size(b, sps) != PARSE_OK)
		return PARSE_BAD;
	sps->chroma_format_idc = (uint8_t)chroma;
	luma_beyond_8 = bits_ue(b);
	chroma_beyond_8 = bits_ue(b);
	if (luma_beyond_8 > 7 || chroma_beyond_8 > 7) /* what the record's 3 bits can say */
		return PARSE_BAD;
	sps->bit_depth_luma = (uint8_t)(8 + luma_beyond_8);
	sps->bit_depth_chroma = (uint8_t)(8 + chroma_beyond_8);
	return PARSE_OK;
}

static void skip_sub_layer_ordering(struct bits_reader *b, const struct h265_sps *sps)
{
	unsigned n = bits_flag(b) ? sps->temporal_layers : 1;

	for (unsigned i = 0; i < 3 * n; i++)
		(void)bits_ue(b);
}

/* H.265 §7.3.4 */
static void skip_scaling_lists(struct bits_reader *b)
{
	for (unsigned size_id = 0; size_id < 4; size_id++) {
		unsigned n_coefficients = size_id == 0 ? 16 : 64;

		for (unsigned matrix = 0; matrix < 6 && !b->is_short; matrix += size_id == 3 ? 3 : 1) {
			if (!bits_flag(b)) {
				(void)bits_ue(b);
				continue;
			}
			if (size_id > 1)
				(void)bits_se(b);
			for (unsigned i = 0; i < n_coefficients && !b->is_short; i++)
				(void)bits_se(b);
		}
	}
}

/* A set that is told by its difference to the one before it. Returns how many pictures it has. */
static unsigned skip_predicted_set(struct bits_reader *b, unsigned n_before)
{
	unsigned n = 0;

	bits_skip(b, 1); /* delta_rps_sign */
	(void)bits_ue(b);
	for (unsigned i = 0; i <= n_before; i++) {
		bool is_used = bits_flag(b);

		if (is_used || bits_flag(b))
			n++;
	}
	return n;
}

/* H.265 §7.3.7. False: beyond what there can be. */
static bool skip_short_term_sets(struct bits_reader *b)
{
	uint32_t n_sets = bits_ue(b);
	unsigned n = 0;

	if (n_sets > MAX_SHORT_TERM_SETS)
		return false;
	for (uint32_t i = 0; i < n_sets; i++) {
		uint32_t negative;
		uint32_t positive;

		if (i > 0 && bits_flag(b)) {
			n = skip_predicted_set(b, n);
		} else {
			negative = bits_ue(b);
			positive = bits_ue(b);
			if (negative > MAX_SET_PICTURES || positive > MAX_SET_PICTURES)
				return false;
			n = negative + positive;
			for (unsigned k = 0; k < n; k++) {
				(void)bits_ue(b);
				bits_skip(b, 1);
			}
		}
		if (n > MAX_SET_PICTURES || b->is_short)
			return false;
	}
	return true;
}

static bool skip_long_term_pictures(struct bits_reader *b, uint32_t poc_bits)
{
	uint32_t n;

	if (!bits_flag(b))
		return true;
	n = bits_ue(b);
	if (n > MAX_LONG_TERM_PICTURES)
		return false;
	bits_skip(b, (size_t)n * (poc_bits + 1));
	return true;
}

/* Everything between the bit depths and the VUI. False: it cannot be read, and so the VUI not found. */
static bool skip_to_vui(struct bits_reader *b, const struct h265_sps *sps)
{
	uint32_t poc_bits = bits_ue(b) + 4;

	if (poc_bits > 16)
		return false;
	skip_sub_layer_ordering(b, sps);
	for (unsigned i = 0; i < 6; i++) /* sizes and depths of coding and transform blocks */
		(void)bits_ue(b);
	if (bits_flag(b) && bits_flag(b))
		skip_scaling_lists(b);
	bits_skip(b, 2);    /* amp_enabled_flag, sample_adaptive_offset_enabled_flag */
	if (bits_flag(b)) { /* pcm */
		bits_skip(b, 8);
		(void)bits_ue(b);
		(void)bits_ue(b);
		bits_skip(b, 1);
	}
	if (!skip_short_term_sets(b) || !skip_long_term_pictures(b, poc_bits))
		return false;
	bits_skip(b, 2); /* temporal MVP, strong intra smoothing */
	return !b->is_short;
}

/* H.265 §E.2.1, up to the timing. Unlike in H.264 a tick is a whole picture (§E.3.1). */
static void read_vui(struct bits_reader *b, struct h265_sps *sps)
{
	vui_skip_display(b);
	bits_skip(b, 3);    /* neutral chroma, field sequence, frame and field info */
	if (bits_flag(b)) { /* default display window */
		for (unsigned i = 0; i < 4; i++)
			(void)bits_ue(b);
	}
	vui_read_rate(b, 1, &sps->fps_num, &sps->fps_den);
}

enum parse_result h265_sps_parse(const struct nal *nal, struct h265_sps *out)
{
	uint8_t plain[H265_SPS_MAX_BYTES];
	struct bits_reader b;
	unsigned n_below;

	memset(out, 0, sizeof(*out));
	if (nal_h265_type(nal) != NAL_H265_SPS)
		return PARSE_BAD;
	bits_reader_init(
	    &b, plain, h264_unescape(plain, sizeof(plain), nal->data + NAL_HEADER_BYTES, nal->len - NAL_HEADER_BYTES));
	bits_skip(&b, 4); /* sps_video_parameter_set_id */
	n_below = bits_u(&b, 3);
	if (n_below >= MAX_SUB_LAYERS)
		return PARSE_BAD;
	out->temporal_layers = (uint8_t)(n_below + 1);
	out->is_temporal_id_nested = bits_flag(&b);
	read_profile_tier_level(&b, out);
	if (read_formats(&b, out) != PARSE_OK || b.is_short)
		return PARSE_BAD;
	if (skip_to_vui(&b, out) && bits_flag(&b))
		read_vui(&b, out);
	return PARSE_OK;
}

static uint32_t reverse_bits(uint32_t v)
{
	uint32_t reversed = 0;

	for (unsigned i = 0; i < 32; i++)
		reversed |= (v >> i & 1u) << (31 - i);
	return reversed;
}

/* ISO 14496-15 annex E.3: the flags in reverse bit order without leading zeros, no constraint bytes but up to the last
 * that is not 0 */
void h265_codecs_text(const struct h265_sps *sps, char out[TRACK_CODECS_TEXT_MAX])
{
	static const char spaces[4][2] = { "", "A", "B", "C" };
	size_t n_constraints = H265_CONSTRAINT_BYTES;
	int len;

	while (n_constraints > 0 && sps->constraint_flags[n_constraints - 1] == 0)
		n_constraints--;
	len =
	    snprintf(out, TRACK_CODECS_TEXT_MAX, "hvc1.%s%u.%X.%c%u", spaces[sps->profile_space & 3u], sps->profile_idc,
		(unsigned)reverse_bits(sps->compatibility_flags), sps->is_high_tier ? 'H' : 'L', sps->level_idc);
	for (size_t i = 0; i < n_constraints; i++)
		len +=
		    snprintf(out + len, TRACK_CODECS_TEXT_MAX - (size_t)len, ".%X", (unsigned)sps->constraint_flags[i]);
}

/* ---- the record ---- */

static bool is_equal(const struct nal *a, const struct nal *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* H265_SET_KINDS for what is none; of the base layer only (nuh_layer_id 0). */
static enum h265_set_kind set_kind_of(const struct nal *nal)
{
	unsigned type = nal_h265_type(nal);

	if (type < NAL_H265_VPS || type > NAL_H265_PPS || (nal->data[0] & 1u) != 0 || nal->data[1] >> 3 != 0)
		return H265_SET_KINDS;
	return (enum h265_set_kind)(type - NAL_H265_VPS);
}

bool h265_config_add(struct h265_config *config, const struct nal *nal)
{
	enum h265_set_kind kind = set_kind_of(nal);
	struct nal unit = *nal;

	if (kind == H265_SET_KINDS)
		return false;
	/* No unit ends in zero; Annex B's trailing zeros, left in by careless encoders, would look like a change. */
	while (unit.len > 0 && unit.data[unit.len - 1] == 0)
		unit.len--;
	if (unit.len <= NAL_HEADER_BYTES || unit.len > UNIT_MAX_BYTES)
		return false;
	if (config->count[kind] == (kind == H265_PPS ? H265_MAX_SETS : 16))
		return false;
	for (size_t i = 0; i < config->count[kind]; i++) {
		if (is_equal(&config->sets[kind][i], &unit))
			return false;
	}
	config->sets[kind][config->count[kind]++] = unit;
	return true;
}

static bool is_enough(const struct h265_config *config)
{
	return config->count[H265_VPS] > 0 && config->count[H265_SPS] > 0 && config->count[H265_PPS] > 0;
}

enum parse_result h265_config_parse(struct h265_config *config, const uint8_t *hvcc, size_t len)
{
	struct bytes_reader r;
	unsigned length_size;
	unsigned n_arrays;

	memset(config, 0, sizeof(*config));
	bytes_reader_init(&r, hvcc, len);
	/* Drafts of the standard, and encoders that follow them, have version 0. */
	if (bytes_u8(&r) > 1)
		return PARSE_BAD;
	bytes_skip(&r, 20); /* profile to frame rate: the SPS says it again */
	length_size = (bytes_u8(&r) & 3u) + 1;
	if (length_size == 3)
		return PARSE_BAD;
	config->format = (enum nal_format)length_size;
	n_arrays = bytes_u8(&r);
	for (unsigned i = 0; i < n_arrays && !r.is_short; i++) {
		unsigned n_units;

		bytes_skip(&r, 1); /* completeness and type: the units say it again */
		n_units = bytes_u16(&r);
		for (unsigned k = 0; k < n_units && !r.is_short; k++) {
			size_t unit_len = bytes_u16(&r);
			const struct nal unit = { .data = bytes_take(&r, unit_len), .len = unit_len };

			if (!r.is_short && unit_len > 0)
				(void)h265_config_add(config, &unit);
		}
	}
	return r.is_short || !is_enough(config) ? PARSE_BAD : PARSE_OK;
}

void h265_config_of_track(struct h265_config *config, const struct track *track)
{
	enum parse_result result;

	assert(track->codec == CODEC_H265);
	result = h265_config_parse(config, track->config, track->config_len);
	assert(result == PARSE_OK);
	(void)result;
}

static void write_record(struct bytes_writer *w, const struct h265_config *config, const struct h265_sps *sps)
{
	bytes_put_u8(w, 1);
	bytes_put_u8(w, (uint8_t)(sps->profile_space << 6 | (sps->is_high_tier ? 0x20 : 0) | sps->profile_idc));
	bytes_put_u32(w, sps->compatibility_flags);
	bytes_put(w, sps->constraint_flags, H265_CONSTRAINT_BYTES);
	bytes_put_u8(w, sps->level_idc);
	bytes_put_u16(w, 0xf000); /* min_spatial_segmentation_idc: not known */
	bytes_put_u8(w, 0xfc);	  /* parallelismType: not known */
	bytes_put_u8(w, 0xfc | sps->chroma_format_idc);
	bytes_put_u8(w, (uint8_t)(0xf8 | (sps->bit_depth_luma - 8)));
	bytes_put_u8(w, (uint8_t)(0xf8 | (sps->bit_depth_chroma - 8)));
	bytes_put_u16(w, 0); /* avgFrameRate, and constantFrameRate in the next two bits: not known */
	bytes_put_u8(
	    w, (uint8_t)(sps->temporal_layers << 3 | (sps->is_temporal_id_nested ? 4 : 0) | (NAL_LENGTH_4 - 1)));
	bytes_put_u8(w, H265_SET_KINDS);
	for (unsigned kind = 0; kind < H265_SET_KINDS; kind++) {
		bytes_put_u8(w, (uint8_t)(ARRAY_COMPLETE | (NAL_H265_VPS + kind)));
		bytes_put_u16(w, (uint16_t)config->count[kind]);
		for (size_t i = 0; i < config->count[kind]; i++) {
			bytes_put_u16(w, (uint16_t)config->sets[kind][i].len);
			bytes_put(w, config->sets[kind][i].data, config->sets[kind][i].len);
		}
	}
}

int h265_track_create_from_config(struct track **out, const struct h265_config *config)
{
	uint8_t record[TRACK_CONFIG_MAX_BYTES];
	struct bytes_writer w;
	struct h265_sps sps;
	struct track *track;

	*out = NULL;
	bytes_writer_init_fixed(&w, record, sizeof(record));
	if (!is_enough(config) || h265_sps_parse(&config->sets[H265_SPS][0], &sps) != PARSE_OK)
		return PARSE_BAD;
	write_record(&w, config, &sps);
	if (w.is_full)
		return PARSE_BAD;
	track = track_create(TRACK_VIDEO, CODEC_H265, record, w.len);
	if (!track)
		return -ENOMEM;
	h265_codecs_text(&sps, track->codecs);
	track->width_px = sps.width_px;
	track->height_px = sps.height_px;
	track->fps_num = sps.fps_num;
	track->fps_den = sps.fps_den;
	*out = track;
	return PARSE_OK;
}

int h265_track_create(struct track **out, const uint8_t *hvcc, size_t len)
{
	struct h265_config config;

	*out = NULL;
	if (h265_config_parse(&config, hvcc, len) != PARSE_OK)
		return PARSE_BAD;
	return h265_track_create_from_config(out, &config);
}

/* ---- sets in band ---- */

/* The id a set is known by; UINT32_MAX when it has none that can be read. */
static uint32_t set_id(const struct nal *set, enum h265_set_kind kind)
{
	uint8_t plain[8];
	struct bits_reader b;
	struct h265_sps sps;
	uint32_t id;

	if (kind == H265_SPS)
		return h265_sps_parse(set, &sps) == PARSE_OK ? sps.id : UINT32_MAX;
	bits_reader_init(
	    &b, plain, h264_unescape(plain, sizeof(plain), set->data + NAL_HEADER_BYTES, set->len - NAL_HEADER_BYTES));
	id = kind == H265_VPS ? bits_u(&b, 4) : bits_ue(&b);
	return b.is_short ? UINT32_MAX : id;
}

static bool merge_set(struct h265_config *config, enum h265_set_kind kind, const struct nal *set)
{
	size_t at = 0;

	while (at < config->count[kind] && set_id(&config->sets[kind][at], kind) != set_id(set, kind))
		at++;
	if (at == config->count[kind])
		return h265_config_add(config, set);
	if (is_equal(&config->sets[kind][at], set))
		return false;
	config->sets[kind][at] = *set;
	return true;
}

int h265_track_update(struct track **out, const struct track *old, const struct h265_config *in_band)
{
	struct h265_config merged = { .format = NAL_LENGTH_4 };
	bool is_changed = false;

	*out = NULL;
	if (old)
		h265_config_of_track(&merged, old);
	for (unsigned kind = 0; kind < H265_SET_KINDS; kind++) {
		for (size_t i = 0; i < in_band->count[kind]; i++)
			is_changed |= merge_set(&merged, (enum h265_set_kind)kind, &in_band->sets[kind][i]);
	}
	if (!is_changed && old)
		return PARSE_OK;
	return h265_track_create_from_config(out, &merged);
}
