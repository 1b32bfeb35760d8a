/* SPDX-License-Identifier: Apache-2.0 */
#include "media/h265.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

/* Parameter sets as x265 makes them. */
#define VPS_322X180                                                                                                 \
	0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, \
	    0x03, 0x00, 0x3c, 0x95, 0x94, 0x09
#define SPS_322X180                                                                                                 \
	0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, \
	    0xa0, 0x0a, 0x88, 0x0c, 0x1c, 0x44, 0xf9, 0x65, 0x65, 0x4a, 0x4c, 0x2f, 0x01, 0x68, 0x08, 0x00, 0x00,   \
	    0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40
#define PPS_322X180 0x44, 0x01, 0xc0, 0x73, 0xc1, 0x89
#define PPS_OTHER   0x44, 0x01, 0xc0, 0x73, 0xc1, 0x8a
#define PPS_SECOND  0x44, 0x01, 0x40, 0x73, 0xc1, 0x89 /* id 1 */
#define SPS_1080P                                                                                                   \
	0x42, 0x01, 0x01, 0x22, 0x20, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x96, \
	    0xa0, 0x03, 0xc0, 0x80, 0x11, 0x07, 0xca, 0xd9, 0x65, 0x65, 0x4a, 0x4c, 0x2f, 0x01, 0xb5, 0x09, 0x10,   \
	    0x09, 0xb6, 0x2d, 0xb7, 0x00, 0x00, 0x03, 0x03, 0xe9, 0x00, 0x00, 0x75, 0x30, 0x08
#define SPS_444                                                                                                     \
	0x42, 0x01, 0x02, 0x04, 0x08, 0x00, 0x00, 0x03, 0x00, 0x9e, 0x08, 0x00, 0x00, 0x03, 0x00, 0x00, 0x3c, 0x00, \
	    0x00, 0x90, 0x02, 0x04, 0x0e, 0x3e, 0x3f, 0x2c, 0xac, 0xc5, 0x66, 0x4a, 0x4e, 0x17, 0x80, 0xb4, 0x04,   \
	    0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x20

static const uint8_t vps[] = { VPS_322X180 };
static const uint8_t sps[] = { SPS_322X180 };
static const uint8_t pps[] = { PPS_322X180 };

#define RECORD_HEAD 1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 60, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0, 0x0f, 3
static const uint8_t record[] = { RECORD_HEAD, 0xa0, 0, 1, 0, 24, VPS_322X180, 0xa1, 0, 1, 0, 44, SPS_322X180, 0xa2, 0,
	1, 0, 6, PPS_322X180 };

/* ---- SPS ---- */

static const struct {
	const char *name;
	uint8_t nal[64];
	size_t len;
	uint32_t width_px, height_px, fps_num, fps_den;
	unsigned chroma, depth, layers;
	const char *codecs;
} spss[] = {
	{ "Main, cropped", { SPS_322X180 }, 44, 322, 180, 25, 1, 1, 8, 1, "hvc1.1.6.L60.90" },
	{ "Main 10, high tier, 29.97", { SPS_1080P }, 49, 1920, 1080, 30000, 1001, 1, 10, 1, "hvc1.2.4.H150.90" },
	{ "4:4:4, two layers, scaling lists", { SPS_444 }, 46, 128, 98, 50, 1, 3, 8, 2, "hvc1.4.10.L60.9E.8" },
	{ "cut behind the bit depths", { SPS_322X180 }, 26, 322, 180, 0, 0, 1, 8, 1, "hvc1.1.6.L60.90" },
};

static void sps_says_size_rate_and_codecs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spss); i++) {
		const struct nal nal = { spss[i].nal, spss[i].len };
		char text[TRACK_CODECS_TEXT_MAX];
		struct h265_sps s;

		if (h265_sps_parse(&nal, &s) != PARSE_OK)
			fail_msg("%s: result", spss[i].name);
		if (s.width_px != spss[i].width_px || s.height_px != spss[i].height_px)
			fail_msg("%s: %ux%u", spss[i].name, s.width_px, s.height_px);
		if (s.fps_num != spss[i].fps_num || s.fps_den != spss[i].fps_den)
			fail_msg("%s: %u/%u", spss[i].name, s.fps_num, s.fps_den);
		assert_int_equal(s.chroma_format_idc, spss[i].chroma);
		assert_int_equal(s.bit_depth_luma, spss[i].depth);
		assert_int_equal(s.bit_depth_chroma, spss[i].depth);
		assert_int_equal(s.temporal_layers, spss[i].layers);
		h265_codecs_text(&s, text);
		assert_string_equal(text, spss[i].codecs);
	}
}

static void the_codecs_text_follows_annex_e(void **state)
{
	static const struct {
		struct h265_sps sps;
		const char *want;
	} cases[] = {
		{ { .profile_idc = 1,
		      .compatibility_flags = 0x60000000,
		      .level_idc = 93,
		      .constraint_flags = { 0xb0 } },
		    "hvc1.1.6.L93.B0" },
		{ { .profile_space = 1, .profile_idc = 1, .compatibility_flags = 0x60000000, .level_idc = 93 },
		    "hvc1.A1.6.L93" },
		{ { .profile_idc = 2, .is_high_tier = true, .level_idc = 153, .constraint_flags = { 0, 0, 1 } },
		    "hvc1.2.0.H153.0.0.1" },
		{ { .profile_space = 3,
		      .profile_idc = 31,
		      .is_high_tier = true,
		      .level_idc = 255,
		      .compatibility_flags = UINT32_MAX,
		      .constraint_flags = { 255, 255, 255, 255, 255, 255 } },
		    "hvc1.C31.FFFFFFFF.H255.FF.FF.FF.FF.FF.FF" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[TRACK_CODECS_TEXT_MAX];

		h265_codecs_text(&cases[i].sps, text);
		assert_string_equal(text, cases[i].want);
	}
}

/* A writer of bits, for sets that x265 does not make. */
struct bits {
	uint8_t bytes[256];
	size_t n;
};

static void put(struct bits *b, unsigned n, uint32_t value)
{
	for (unsigned i = n; i-- > 0; b->n++)
		b->bytes[b->n / 8] |= (uint8_t)((value >> i & 1u) << (7 - b->n % 8));
}

static void put_ue(struct bits *b, uint32_t value)
{
	unsigned len = 0;

	while (((uint64_t)value + 1) >> (len + 1))
		len++;
	put(b, len, 0);
	put(b, len + 1, value + 1);
}

struct made {
	uint32_t width, height, crop, bit_depth, id, chroma, n_below;
	uint32_t predicted_sets, long_term, negative;
	uint32_t ticks, scale;
};

/* Has sub-layers with profiles, all scaling lists, PCM, sets of reference pictures told each way, and a whole VUI. The
 * bytes hold no run of zeros that would have to be escaped: the profile's are all 1. */
static void make_sps(struct bits *b, const struct made *m)
{
	memset(b, 0, sizeof(*b));
	put(b, 16, 0x4201);
	put(b, 8, m->n_below << 1 | 1);
	for (int i = 0; i < 12; i++)
		put(b, 8, 0xff);
	for (uint32_t i = 0; i < m->n_below; i++)
		put(b, 2, 3);
	if (m->n_below > 0)
		put(b, (8 - m->n_below) * 2, UINT32_MAX);
	for (uint32_t i = 0; i < m->n_below * 12; i++)
		put(b, 8, 0xff);
	put_ue(b, m->id);
	put_ue(b, m->chroma);
	if (m->chroma == 3)
		put(b, 1, 1); /* planes of their own */
	put_ue(b, m->width);
	put_ue(b, m->height);
	put(b, 1, 1);
	for (int i = 0; i < 4; i++)
		put_ue(b, m->crop);
	put_ue(b, m->bit_depth - 8);
	put_ue(b, m->bit_depth - 8);
	put_ue(b, 4); /* picture order count of 8 bits */
	put(b, 1, 1);
	for (uint32_t i = 0; i < 3 * (m->n_below + 1); i++)
		put_ue(b, 2);
	for (int i = 0; i < 6; i++)
		put_ue(b, 1);
	put(b, 2, 3); /* scaling lists that are here */
	for (int i = 0; i < 20; i++) {
		put(b, 1, i % 2 ? 1u : 0u);
		if (i % 2 == 0)
			put_ue(b, 1);
		for (int k = 0; i % 2 && k < (i < 6 ? 16 : i < 12 ? 64 : 65); k++)
			put_ue(b, 0);
	}
	put(b, 2, 3);
	put(b, 1, 1); /* PCM */
	put(b, 8, 0x77);
	put_ue(b, 0);
	put_ue(b, 0);
	put(b, 1, 1);
	put_ue(b, 1 + m->predicted_sets);
	put_ue(b, m->negative);
	put_ue(b, 0);
	for (uint32_t i = 0; i < m->negative; i++) {
		put_ue(b, 0);
		put(b, 1, 1);
	}
	for (uint32_t i = 0; i < m->predicted_sets; i++) {
		put(b, 2, 3);
		put_ue(b, 0);
		put(b, 1, 0); /* not used now, and not later: one picture fewer */
		put(b, 1, 0);
		put(b, m->negative, UINT32_MAX);
	}
	put(b, 1, 1);
	put_ue(b, m->long_term);
	for (uint32_t i = 0; i < m->long_term && i < 4; i++)
		put(b, 9, 0x1ff);
	put(b, 2, 3);
	put(b, 1, 1);	  /* VUI */
	put(b, 9, 0x1ff); /* extended aspect ratio */
	put(b, 32, 0x110011);
	put(b, 2, 3);	 /* overscan */
	put(b, 6, 0x3f); /* video signal with colours */
	put(b, 24, 0x010101);
	put(b, 1, 1);
	put_ue(b, 1);
	put_ue(b, 1);
	put(b, 3, 7);
	put(b, 1, 1);
	for (int i = 0; i < 4; i++)
		put_ue(b, 0);
	put(b, 1, 1);
	put(b, 32, m->ticks);
	put(b, 32, m->scale);
	put(b, 8, 0xff);
}

static const struct {
	const char *name;
	struct made made;
	enum parse_result want;
	uint32_t width_px, height_px, fps_num, fps_den;
} mades[] = {
	{ "everything",
	    { .width = 640,
		.height = 360,
		.crop = 2,
		.bit_depth = 10,
		.chroma = 1,
		.n_below = 2,
		.predicted_sets = 1,
		.long_term = 2,
		.negative = 3,
		.ticks = 0x01010101,
		.scale = 0x1f1f1f1f },
	    PARSE_OK, 632, 352, 31, 1 },
	{ "4:2:2",
	    { .width = 640,
		.height = 360,
		.crop = 2,
		.bit_depth = 8,
		.chroma = 2,
		.ticks = 0x01010101,
		.scale = 0x19191919 },
	    PARSE_OK, 632, 356, 25, 1 },
	{ "planes of their own",
	    { .width = 640,
		.height = 360,
		.crop = 2,
		.bit_depth = 8,
		.chroma = 3,
		.ticks = 0x01010101,
		.scale = 0x19191919 },
	    PARSE_OK, 636, 356, 25, 1 },
	{ "grey", { .width = 640, .height = 360, .crop = 2, .bit_depth = 8, .ticks = 0x01010101, .scale = 0x19191919 },
	    PARSE_OK, 636, 356, 25, 1 },
	{ "the largest",
	    { .width = 4096, .height = 4096, .bit_depth = 8, .chroma = 1, .ticks = 0x01010101, .scale = 0x19191919 },
	    PARSE_OK, 4096, 4096, 25, 1 },
	{ "a rate beyond reason",
	    { .width = 640, .height = 360, .bit_depth = 8, .chroma = 1, .ticks = 0x01010101, .scale = UINT32_MAX },
	    PARSE_OK, 640, 360, 255, 1 },
	{ "too many sets",
	    { .width = 640,
		.height = 360,
		.bit_depth = 8,
		.chroma = 1,
		.predicted_sets = 64,
		.ticks = 0x01010101,
		.scale = 0x19191919 },
	    PARSE_OK, 640, 360, 0, 0 },
	{ "too many pictures",
	    { .width = 640,
		.height = 360,
		.bit_depth = 8,
		.chroma = 1,
		.negative = 17,
		.ticks = 0x01010101,
		.scale = 0x19191919 },
	    PARSE_OK, 640, 360, 0, 0 },
	{ "too many long-term pictures",
	    { .width = 640,
		.height = 360,
		.bit_depth = 8,
		.chroma = 1,
		.long_term = 33,
		.ticks = 0x01010101,
		.scale = 0x19191919 },
	    PARSE_OK, 640, 360, 0, 0 },
	{ "too wide", { .width = 4097, .height = 360, .bit_depth = 8, .chroma = 1 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "too high", { .width = 640, .height = 4097, .bit_depth = 8, .chroma = 1 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "no width", { .width = 0, .height = 360, .bit_depth = 8, .chroma = 1 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "no height", { .width = 640, .height = 0, .bit_depth = 8, .chroma = 1 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "nothing left", { .width = 640, .height = 360, .crop = 90, .bit_depth = 8, .chroma = 1 }, PARSE_BAD, 0, 0, 0,
	    0 },
	{ "cropped by 2^32", { .width = 640, .height = 360, .crop = 0x7fffffff, .bit_depth = 8, .chroma = 1 },
	    PARSE_BAD, 0, 0, 0, 0 },
	{ "16 bits deep", { .width = 640, .height = 360, .bit_depth = 16, .chroma = 1 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "chroma format 4", { .width = 640, .height = 360, .bit_depth = 8, .chroma = 4 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "id 16", { .width = 640, .height = 360, .bit_depth = 8, .chroma = 1, .id = 16 }, PARSE_BAD, 0, 0, 0, 0 },
	{ "eight layers", { .width = 640, .height = 360, .bit_depth = 8, .chroma = 1, .n_below = 7 }, PARSE_BAD, 0, 0,
	    0, 0 },
};

static void sps_that_no_encoder_at_hand_makes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mades); i++) {
		struct bits b;
		struct h265_sps s;

		make_sps(&b, &mades[i].made);
		assert_true(b.n / 8 < sizeof(b.bytes));
		if (h265_sps_parse(&(struct nal){ b.bytes, b.n / 8 }, &s) != mades[i].want)
			fail_msg("%s: result", mades[i].name);
		if (mades[i].want != PARSE_OK)
			continue;
		if (s.width_px != mades[i].width_px || s.height_px != mades[i].height_px)
			fail_msg("%s: %ux%u", mades[i].name, s.width_px, s.height_px);
		if (s.fps_num != mades[i].fps_num || s.fps_den != mades[i].fps_den)
			fail_msg("%s: %u/%u", mades[i].name, s.fps_num, s.fps_den);
	}
}

/* ---- the record ---- */

static void a_record_becomes_a_track(void **state)
{
	struct h265_config config;
	struct track *t;

	(void)state;
	assert_int_equal(h265_track_create(&t, record, sizeof(record)), PARSE_OK);
	assert_int_equal(t->kind, TRACK_VIDEO);
	assert_int_equal(t->codec, CODEC_H265);
	assert_int_equal(t->width_px, 322);
	assert_int_equal(t->fps_num, 25);
	assert_string_equal(t->codecs, "hvc1.1.6.L60.90");
	assert_int_equal(t->config_len, sizeof(record));
	assert_memory_equal(t->config, record, sizeof(record));
	h265_config_of_track(&config, t);
	for (unsigned kind = 0; kind < H265_SET_KINDS; kind++)
		assert_int_equal(config.count[kind], 1);
	assert_int_equal(config.sets[H265_SPS][0].len, sizeof(sps));
	assert_memory_equal(config.sets[H265_SPS][0].data, sps, sizeof(sps));
	track_unref(t);
}

/* Records that say the same in another way give the same bytes. */
static void records_are_brought_into_one_form(void **state)
{
	/* version 0, 2-byte lengths, another order, an SEI, a set of another layer, a repeated one, a trailing zero */
	static const uint8_t other[] = { 0, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0xf0, 3, 0xff, 0, 0, 0, 1, 2, 0x0d,
		4, 0x22, 0, 3, 0, 7, PPS_322X180, 0, 0, 6, PPS_322X180, 0, 6, 0x44, 0x09, 0xc0, 0x73, 0xc1, 0x89, 0x21,
		0, 1, 0, 44, SPS_322X180, 0x20, 0, 1, 0, 24, VPS_322X180, 0x27, 0, 2, 0, 0, 0, 3, 0x4e, 1, 5 };
	struct h265_config config;
	struct track *t;

	(void)state;
	assert_int_equal(h265_config_parse(&config, other, sizeof(other)), PARSE_OK);
	assert_int_equal(config.format, NAL_LENGTH_2);
	assert_int_equal(h265_track_create_from_config(&t, &config), PARSE_OK);
	assert_int_equal(t->config_len, sizeof(record));
	assert_memory_equal(t->config, record, sizeof(record));
	track_unref(t);
}

static void bad_records_are_refused(void **state)
{
	static const uint8_t without_pps[] = { RECORD_HEAD, 0xa0, 0, 1, 0, 24, VPS_322X180, 0xa1, 0, 1, 0, 44,
		SPS_322X180, 0xa2, 0, 0 };
	uint8_t bad[sizeof(record)];
	struct track *t;

	(void)state;
	for (size_t len = 0; len < sizeof(record); len++) {
		if (h265_track_create(&t, record, len) != PARSE_BAD)
			fail_msg("cut to %zu", len);
		assert_null(t);
	}
	assert_int_equal(h265_track_create(&t, without_pps, sizeof(without_pps)), PARSE_BAD);
	memcpy(bad, record, sizeof(bad));
	bad[0] = 2;
	assert_int_equal(h265_track_create(&t, bad, sizeof(bad)), PARSE_BAD);
	bad[0] = 1;
	bad[21] = 0x0e; /* lengths of 3 bytes */
	assert_int_equal(h265_track_create(&t, bad, sizeof(bad)), PARSE_BAD);
	bad[21] = 0x0f;
	assert_int_equal(h265_track_create(&t, bad, sizeof(bad)), PARSE_OK);
	track_unref(t);
}

static void too_many_sets_are_left_out(void **state)
{
	struct h265_config config = { 0 };
	uint8_t unit[] = { 0x44, 1, 0, 1 };

	(void)state;
	for (unsigned i = 1; i < 200; i++) {
		uint8_t *kept = unit;
		const struct nal nal = { kept, sizeof(unit) };

		unit[2] = (uint8_t)i;
		assert_int_equal(h265_config_add(&config, &nal), i == 1);
	}
	assert_int_equal(config.count[H265_PPS], 1); /* the same memory: equal to itself */
	for (unsigned i = 0; i < 17; i++) {
		static uint8_t many[17][4];

		memcpy(many[i], (uint8_t[]){ 0x40, 1, (uint8_t)(i + 1), 1 }, 4);
		assert_int_equal(h265_config_add(&config, &(struct nal){ many[i], 4 }), i < 16);
	}
	assert_false(h265_config_add(&config, &(struct nal){ (const uint8_t[]){ 0x26, 1, 1 }, 3 }));
	assert_false(h265_config_add(&config, &(struct nal){ (const uint8_t[]){ 0x44, 1 }, 2 }));
	assert_false(h265_config_add(&config, &(struct nal){ NULL, 0 }));
}

/* ---- in band ---- */

static void sets_in_band_change_a_track(void **state)
{
	static const uint8_t other[] = { PPS_OTHER };
	static const uint8_t second[] = { PPS_SECOND };
	static const uint8_t large[] = { SPS_1080P };
	static const struct {
		const char *name;
		struct nal nal;
		size_t n_pps; /* 0: nothing changes */
		uint32_t width_px;
	} cases[] = {
		{ "the same VPS", { vps, sizeof(vps) }, 0, 322 },
		{ "the same SPS", { sps, sizeof(sps) }, 0, 322 },
		{ "the same PPS", { pps, sizeof(pps) }, 0, 322 },
		{ "another PPS", { other, sizeof(other) }, 1, 322 },
		{ "one more PPS", { second, sizeof(second) }, 2, 322 },
		{ "another SPS", { large, sizeof(large) }, 1, 1920 },
	};
	struct track *old;

	(void)state;
	assert_int_equal(h265_track_create(&old, record, sizeof(record)), PARSE_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct h265_config in_band = { 0 };
		struct h265_config now;
		struct track *t;

		assert_true(h265_config_add(&in_band, &cases[i].nal));
		assert_int_equal(h265_track_update(&t, old, &in_band), PARSE_OK);
		if ((t != NULL) != (cases[i].n_pps > 0))
			fail_msg("%s: change", cases[i].name);
		if (!t)
			continue;
		h265_config_of_track(&now, t);
		assert_int_equal(now.count[H265_PPS], cases[i].n_pps);
		assert_int_equal(now.count[H265_SPS], 1);
		assert_int_equal(t->width_px, cases[i].width_px);
		track_unref(t);
	}
	track_unref(old);
}

static void sets_alone_make_a_track(void **state)
{
	struct h265_config in_band = { 0 };
	struct track *t;

	(void)state;
	assert_true(h265_config_add(&in_band, &(struct nal){ pps, sizeof(pps) }));
	assert_true(h265_config_add(&in_band, &(struct nal){ sps, sizeof(sps) }));
	assert_int_equal(h265_track_update(&t, NULL, &in_band), PARSE_BAD);
	assert_null(t);
	assert_true(h265_config_add(&in_band, &(struct nal){ vps, sizeof(vps) }));
	assert_int_equal(h265_track_update(&t, NULL, &in_band), PARSE_OK);
	assert_memory_equal(t->config, record, sizeof(record));
	track_unref(t);
}

/* One byte wrong in every place and with every value: no harm. */
static void damaged_records_do_no_harm(void **state)
{
	uint8_t body[sizeof(record)];
	unsigned n_good = 0;

	(void)state;
	for (size_t at = 0; at < sizeof(record) * 256; at++) {
		struct track *t;

		memcpy(body, record, sizeof(record));
		body[at / 256] = (uint8_t)at;
		if (h265_track_create(&t, body, sizeof(body)) == PARSE_OK) {
			n_good++;
			assert_in_range(t->width_px, 1, H265_MAX_SIDE_PX);
			assert_in_range(t->height_px, 1, H265_MAX_SIDE_PX);
			assert_true(t->fps_den == 0 || t->fps_num / t->fps_den <= 300);
		}
		track_unref(t);
	}
	assert_in_range(n_good, 1000, sizeof(record) * 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sps_says_size_rate_and_codecs),
		cmocka_unit_test(the_codecs_text_follows_annex_e),
		cmocka_unit_test(sps_that_no_encoder_at_hand_makes),
		cmocka_unit_test(a_record_becomes_a_track),
		cmocka_unit_test(records_are_brought_into_one_form),
		cmocka_unit_test(bad_records_are_refused),
		cmocka_unit_test(too_many_sets_are_left_out),
		cmocka_unit_test(sets_in_band_change_a_track),
		cmocka_unit_test(sets_alone_make_a_track),
		cmocka_unit_test(damaged_records_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
