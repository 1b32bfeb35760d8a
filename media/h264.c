/* SPDX-License-Identifier: Apache-2.0 */
#include "media/h264.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "media/vui.h"

enum {
	CHROMA_MONO = 0,
	CHROMA_420 = 1,
	CHROMA_422 = 2,
	CHROMA_444 = 3,
	MAX_SIDE_MBS = H264_MAX_SIDE_PX / 16,
	SEI_RECOVERY_POINT = 6,
	SEI_MAX_BYTES = 1024,
	UNIT_MAX_BYTES = UINT16_MAX, /* what the record's 16 bits can count */
};

size_t h264_unescape(uint8_t *dst, size_t dst_size_bytes, const uint8_t *src, size_t len)
{
	size_t n = 0;
	unsigned zeros = 0;

	for (size_t i = 0; i < len && n < dst_size_bytes; i++) {
		if (zeros >= 2 && src[i] == 3) {
			zeros = 0;
			continue;
		}
		zeros = src[i] == 0 ? zeros + 1 : 0;
		dst[n++] = src[i];
	}
	return n;
}

/* H.264 §7.3.2.1.1: the profiles whose SPS has chroma format, bit depths and scaling lists. */
static bool has_chroma_format(unsigned profile_idc)
{
	static const uint8_t profiles[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135 };

	return memchr(profiles, (int)profile_idc, sizeof(profiles)) != NULL;
}

/* H.264 §7.3.2.1.1.1 */
static void skip_scaling_list(struct bits_reader *b, unsigned size)
{
	int32_t last = 8;

	for (unsigned i = 0; i < size && !b->is_short; i++) {
		int32_t delta = bits_se(b);
		int32_t next = (int32_t)(((int64_t)last + delta) & 0xff);

		if (next == 0)
			return;
		last = next;
	}
}

static void skip_scaling_lists(struct bits_reader *b, unsigned count)
{
	for (unsigned i = 0; i < count && !b->is_short; i++) {
		if (bits_flag(b))
			skip_scaling_list(b, i < 6 ? 16 : 64);
	}
}

static enum parse_result read_chroma_format(struct bits_reader *b, struct h264_sps *sps, bool *has_planes)
{
	uint32_t chroma = bits_ue(b);
	uint32_t luma_beyond_8;
	uint32_t chroma_beyond_8;

	if (chroma > CHROMA_444)
		return PARSE_BAD;
	if (chroma == CHROMA_444)
		*has_planes = bits_flag(b);
	luma_beyond_8 = bits_ue(b);
	chroma_beyond_8 = bits_ue(b);
	if (luma_beyond_8 > 6 || chroma_beyond_8 > 6)
		return PARSE_BAD;
	sps->chroma_format_idc = (uint8_t)chroma;
	sps->bit_depth_luma = (uint8_t)(8 + luma_beyond_8);
	sps->bit_depth_chroma = (uint8_t)(8 + chroma_beyond_8);
	bits_skip(b, 1); /* qpprime_y_zero_transform_bypass_flag */
	if (bits_flag(b))
		skip_scaling_lists(b, chroma == CHROMA_444 ? 12 : 8);
	return PARSE_OK;
}

static enum parse_result skip_picture_order(struct bits_reader *b)
{
	uint32_t type = bits_ue(b);
	uint32_t n_in_cycle;

	if (type > 2)
		return PARSE_BAD;
	if (type == 0)
		(void)bits_ue(b);
	if (type != 1)
		return PARSE_OK;
	bits_skip(b, 1);
	(void)bits_se(b);
	(void)bits_se(b);
	n_in_cycle = bits_ue(b);
	if (n_in_cycle > 255) /* H.264 §7.4.2.1.1 */
		return PARSE_BAD;
	for (uint32_t i = 0; i < n_in_cycle && !b->is_short; i++)
		(void)bits_se(b);
	return PARSE_OK;
}

/* What cropping leaves of one side: H.264 formulas 7-19 to 7-22. */
static enum parse_result crop_side(uint32_t *side_px, uint32_t unit, uint32_t before, uint32_t after)
{
	uint64_t cut = ((uint64_t)before + after) * unit;

	if (cut >= *side_px)
		return PARSE_BAD;
	*side_px -= (uint32_t)cut;
	return PARSE_OK;
}

static enum parse_result read_cropping(struct bits_reader *b, struct h264_sps *sps, bool has_planes)
{
	unsigned chroma = has_planes ? CHROMA_MONO : sps->chroma_format_idc;
	uint32_t unit_x = chroma == CHROMA_420 || chroma == CHROMA_422 ? 2u : 1u;
	uint32_t unit_y = (chroma == CHROMA_420 ? 2u : 1u) * (sps->is_interlaced ? 2u : 1u);
	uint32_t left = bits_ue(b);
	uint32_t right = bits_ue(b);
	uint32_t top = bits_ue(b);
	uint32_t bottom = bits_ue(b);

	if (crop_side(&sps->width_px, unit_x, left, right) != PARSE_OK)
		return PARSE_BAD;
	return crop_side(&sps->height_px, unit_y, top, bottom);
}

static enum parse_result read_size(struct bits_reader *b, struct h264_sps *sps, bool has_planes)
{
	uint32_t width_minus1 = bits_ue(b);
	uint32_t height_minus1 = bits_ue(b);
	uint32_t fields;

	sps->is_interlaced = !bits_flag(b);
	fields = sps->is_interlaced ? 2 : 1;
	if (width_minus1 >= MAX_SIDE_MBS || height_minus1 >= MAX_SIDE_MBS)
		return PARSE_BAD;
	sps->width_px = (width_minus1 + 1) * 16;
	sps->height_px = (height_minus1 + 1) * 16 * fields;
	if (sps->height_px > H264_MAX_SIDE_PX)
		return PARSE_BAD;
	if (sps->is_interlaced)
		bits_skip(b, 1); /* mb_adaptive_frame_field_flag */
	bits_skip(b, 1);	 /* direct_8x8_inference_flag */
	return bits_flag(b) ? read_cropping(b, sps, has_planes) : PARSE_OK;
}

/* H.264 §E.1.1, up to the timing. A tick is a field: two make a frame (§E.2.1). */
static void read_vui(struct bits_reader *b, struct h264_sps *sps)
{
	vui_skip_display(b);
	vui_read_rate(b, 2, &sps->fps_num, &sps->fps_den);
}

enum parse_result h264_sps_parse(const struct nal *nal, struct h264_sps *out)
{
	uint8_t plain[H264_SPS_MAX_BYTES];
	struct bits_reader b;
	bool has_planes = false;
	uint32_t id;

	*out = (struct h264_sps){ .chroma_format_idc = CHROMA_420, .bit_depth_luma = 8, .bit_depth_chroma = 8 };
	if (nal_h264_type(nal) != NAL_H264_SPS)
		return PARSE_BAD;
	bits_reader_init(&b, plain, h264_unescape(plain, sizeof(plain), nal->data + 1, nal->len - 1));
	out->profile_idc = (uint8_t)bits_u(&b, 8);
	out->constraint_flags = (uint8_t)bits_u(&b, 8);
	out->level_idc = (uint8_t)bits_u(&b, 8);
	id = bits_ue(&b);
	if (id > 31)
		return PARSE_BAD;
	out->id = (uint8_t)id;
	if (has_chroma_format(out->profile_idc) && read_chroma_format(&b, out, &has_planes) != PARSE_OK)
		return PARSE_BAD;
	(void)bits_ue(&b); /* log2_max_frame_num_minus4 */
	if (skip_picture_order(&b) != PARSE_OK)
		return PARSE_BAD;
	(void)bits_ue(&b); /* max_num_ref_frames */
	bits_skip(&b, 1);  /* gaps_in_frame_num_value_allowed_flag */
	if (read_size(&b, out, has_planes) != PARSE_OK || b.is_short)
		return PARSE_BAD;
	if (bits_flag(&b))
		read_vui(&b, out);
	return PARSE_OK;
}

static bool is_equal(const struct nal *a, const struct nal *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

bool h264_config_add(struct h264_config *config, const struct nal *nal)
{
	unsigned type = nal_h264_type(nal);
	bool is_sps = type == NAL_H264_SPS;
	struct nal *sets = is_sps ? config->sps : config->pps;
	size_t *n = is_sps ? &config->n_sps : &config->n_pps;
	struct nal unit = *nal;

	if (type != NAL_H264_SPS && type != NAL_H264_PPS)
		return false;
	/* No unit ends in zero; Annex B's trailing zeros, left in by careless encoders, would look like a change. */
	while (unit.len > 0 && unit.data[unit.len - 1] == 0)
		unit.len--;
	if (unit.len < (is_sps ? 4u : 2u) || unit.len > UNIT_MAX_BYTES)
		return false;
	if (*n == (is_sps ? H264_MAX_SPS : H264_MAX_PPS))
		return false;
	for (size_t i = 0; i < *n; i++) {
		if (is_equal(&sets[i], &unit))
			return false;
	}
	sets[(*n)++] = unit;
	return true;
}

static void read_sets(struct h264_config *config, struct bytes_reader *r, unsigned count)
{
	for (unsigned i = 0; i < count && !r->is_short; i++) {
		size_t len = bytes_u16(r);
		const struct nal unit = { .data = bytes_take(r, len), .len = len };

		if (!r->is_short && len > 0)
			(void)h264_config_add(config, &unit);
	}
}

enum parse_result h264_config_parse(struct h264_config *config, const uint8_t *avcc, size_t len)
{
	struct bytes_reader r;
	unsigned length_size;

	memset(config, 0, sizeof(*config));
	bytes_reader_init(&r, avcc, len);
	if (bytes_u8(&r) != 1) /* configurationVersion */
		return PARSE_BAD;
	bytes_skip(&r, 3); /* profile, compatibility, level: the SPS says it again */
	length_size = (bytes_u8(&r) & 3u) + 1;
	if (length_size == 3)
		return PARSE_BAD;
	config->format = (enum nal_format)length_size;
	read_sets(config, &r, bytes_u8(&r) & 31u);
	read_sets(config, &r, bytes_u8(&r));
	if (r.is_short || config->n_sps == 0 || config->n_pps == 0)
		return PARSE_BAD;
	return PARSE_OK;
}

void h264_config_of_track(struct h264_config *config, const struct track *track)
{
	enum parse_result result;

	assert(track->codec == CODEC_H264);
	result = h264_config_parse(config, track->config, track->config_len);
	assert(result == PARSE_OK);
	(void)result;
}

static void write_sets(struct bytes_writer *w, const struct nal *sets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bytes_put_u16(w, (uint16_t)sets[i].len);
		bytes_put(w, sets[i].data, sets[i].len);
	}
}

static void write_record(struct bytes_writer *w, const struct h264_config *config, const struct h264_sps *sps)
{
	bytes_put_u8(w, 1);
	bytes_put_u8(w, sps->profile_idc);
	bytes_put_u8(w, sps->constraint_flags);
	bytes_put_u8(w, sps->level_idc);
	bytes_put_u8(w, 0xfc | (NAL_LENGTH_4 - 1));
	bytes_put_u8(w, (uint8_t)(0xe0 | config->n_sps));
	write_sets(w, config->sps, config->n_sps);
	bytes_put_u8(w, (uint8_t)config->n_pps);
	write_sets(w, config->pps, config->n_pps);
	/* ISO 14496-15 §5.3.3.1.2: all profiles but Baseline, Main and Extended go on */
	if (sps->profile_idc == 66 || sps->profile_idc == 77 || sps->profile_idc == 88)
		return;
	bytes_put_u8(w, 0xfc | sps->chroma_format_idc);
	bytes_put_u8(w, (uint8_t)(0xf8 | (sps->bit_depth_luma - 8)));
	bytes_put_u8(w, (uint8_t)(0xf8 | (sps->bit_depth_chroma - 8)));
	bytes_put_u8(w, 0);
}

enum parse_result h264_config_write(const struct h264_config *config, struct bytes_writer *w)
{
	struct h264_sps sps;

	if (config->n_sps == 0 || config->n_pps == 0 || h264_sps_parse(&config->sps[0], &sps) != PARSE_OK)
		return PARSE_BAD;
	write_record(w, config, &sps);
	return PARSE_OK;
}

int h264_track_create_from_config(struct track **out, const struct h264_config *config)
{
	uint8_t record[TRACK_CONFIG_MAX_BYTES];
	struct bytes_writer w;
	struct h264_sps sps;
	struct track *track;

	*out = NULL;
	bytes_writer_init_fixed(&w, record, sizeof(record));
	if (config->n_sps == 0 || config->n_pps == 0 || h264_sps_parse(&config->sps[0], &sps) != PARSE_OK)
		return PARSE_BAD;
	write_record(&w, config, &sps);
	if (w.is_full)
		return PARSE_BAD;
	track = track_create(TRACK_VIDEO, CODEC_H264, record, w.len);
	if (!track)
		return -ENOMEM;
	(void)snprintf(track->codecs, sizeof(track->codecs), "avc1.%02X%02X%02X", sps.profile_idc, sps.constraint_flags,
	    sps.level_idc);
	track->width_px = sps.width_px;
	track->height_px = sps.height_px;
	track->fps_num = sps.fps_num;
	track->fps_den = sps.fps_den;
	*out = track;
	return PARSE_OK;
}

int h264_track_create(struct track **out, const uint8_t *avcc, size_t len)
{
	struct h264_config config;

	*out = NULL;
	if (h264_config_parse(&config, avcc, len) != PARSE_OK)
		return PARSE_BAD;
	return h264_track_create_from_config(out, &config);
}

/* The id a set is known by: after the three level bytes of an SPS, first in a PPS. */
static uint32_t set_id(const struct nal *set)
{
	uint8_t plain[8];
	size_t skipped = nal_h264_type(set) == NAL_H264_SPS ? 4 : 1;
	struct bits_reader b;
	size_t n = h264_unescape(plain, sizeof(plain), set->data, set->len);

	if (n <= skipped)
		return UINT32_MAX;
	bits_reader_init(&b, plain + skipped, n - skipped);
	return bits_ue(&b);
}

static bool merge_sets(struct h264_config *config, const struct nal *sets, size_t n_sets)
{
	bool is_changed = false;

	for (size_t i = 0; i < n_sets; i++) {
		bool is_sps = nal_h264_type(&sets[i]) == NAL_H264_SPS;
		struct nal *known = is_sps ? config->sps : config->pps;
		size_t n_known = is_sps ? config->n_sps : config->n_pps;
		size_t at = 0;

		while (at < n_known && set_id(&known[at]) != set_id(&sets[i]))
			at++;
		if (at == n_known) {
			is_changed |= h264_config_add(config, &sets[i]);
		} else if (!is_equal(&known[at], &sets[i])) {
			known[at] = sets[i];
			is_changed = true;
		}
	}
	return is_changed;
}

int h264_track_update(struct track **out, const struct track *old, const struct h264_config *in_band)
{
	struct h264_config merged = { .format = NAL_LENGTH_4 };
	bool is_changed;

	*out = NULL;
	if (old)
		h264_config_of_track(&merged, old);
	is_changed = merge_sets(&merged, in_band->sps, in_band->n_sps);
	is_changed |= merge_sets(&merged, in_band->pps, in_band->n_pps);
	if (!is_changed && old)
		return PARSE_OK;
	return h264_track_create_from_config(out, &merged);
}

/* One of the 0xff-extended numbers of an SEI header, H.264 §7.3.2.3.1. */
static size_t read_sei_number(struct bytes_reader *r)
{
	size_t number = 0;
	uint8_t byte;

	do {
		byte = bytes_u8(r);
		number += byte;
	} while (byte == 0xff);
	return number;
}

bool h264_is_recovery_point(const struct nal *nal)
{
	uint8_t plain[SEI_MAX_BYTES];
	struct bytes_reader r;

	if (nal_h264_type(nal) != NAL_H264_SEI)
		return false;
	bytes_reader_init(&r, plain, h264_unescape(plain, sizeof(plain), nal->data + 1, nal->len - 1));
	while (bytes_left(&r) > 2) {
		size_t type = read_sei_number(&r);
		size_t size_bytes = read_sei_number(&r);
		const uint8_t *message = bytes_take(&r, size_bytes);
		struct bits_reader b;

		if (!message)
			return false;
		if (type != SEI_RECOVERY_POINT)
			continue;
		bits_reader_init(&b, message, size_bytes);
		return bits_ue(&b) == 0 && !b.is_short;
	}
	return false;
}
