/* SPDX-License-Identifier: Apache-2.0 */
#include "media/h264.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

/* Records as x264 makes them, and what they must be read as. */
static const struct {
	const char *name;
	uint8_t avcc[64];
	size_t len;
	const char *codecs;
	uint32_t width_px, height_px, fps_num, fps_den;
} records[] = {
	{ "baseline",
	    { 0x01, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9,
		0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48, 0x01,
		0x00, 0x05, 0x68, 0xcb, 0x83, 0xcb, 0x20 },
	    41, "avc1.42C01E", 640, 360, 30, 1 },
	{ "main",
	    { 0x01, 0x4d, 0x40, 0x1f, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x4d, 0x40, 0x1f, 0xec, 0xa0, 0x28, 0x02, 0xdd,
		0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x90, 0x78, 0xc1, 0x8c, 0xb0, 0x01,
		0x00, 0x05, 0x68, 0xeb, 0xe3, 0xcb, 0x20 },
	    41, "avc1.4D401F", 1280, 720, 25, 1 },
	{ "high, cropped to 1080",
	    { 0x01, 0x64, 0x00, 0x2a, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x64, 0x00, 0x2a, 0xac, 0xd9, 0x40, 0x78, 0x02,
		0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x0f, 0xa4, 0x00, 0x07, 0x53, 0x00, 0x3c, 0x60, 0xc6, 0x58, 0x01,
		0x00, 0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00 },
	    46, "avc1.64002A", 1920, 1080, 60000, 1001 },
	{ "portrait",
	    { 0x01, 0x64, 0x00, 0x28, 0xff, 0xe1, 0x00, 0x1b, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x44, 0x03,
		0xc7, 0x97, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6,
		0x58, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00 },
	    48, "avc1.640028", 1080, 1920, 30, 1 },
	{ "interlaced",
	    { 0x01, 0x64, 0x00, 0x1e, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xb4, 0x24,
		0xd8, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x19, 0x0f, 0x8a, 0x14, 0xcb, 0x01, 0x00,
		0x07, 0x68, 0xfb, 0xa3, 0xcb, 0x30, 0x02, 0xc0, 0xfd, 0xf8, 0xf8, 0x00 },
	    46, "avc1.64001E", 720, 576, 25, 1 },
	{ "4:2:2, 10 bits",
	    { 0x01, 0x7a, 0x00, 0x1e, 0xff, 0xe1, 0x00, 0x1b, 0x67, 0x7a, 0x00, 0x1e, 0xb6, 0xcd, 0x94, 0x0d, 0x83,
		0xde, 0x6f, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x00, 0xf1, 0x62, 0xd9,
		0x60, 0x01, 0x00, 0x06, 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfe, 0xfa, 0xfa, 0x00 },
	    48, "avc1.7A001E", 854, 480, 24, 1 },
	{ "4:4:4, 322 by 242",
	    { 0x01, 0xf4, 0x00, 0x0c, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0xf4, 0x00, 0x0c, 0x91, 0x9b, 0x28, 0x2a, 0x10,
		0xf1, 0xf1, 0xf8, 0x08, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0f, 0x07, 0x8a, 0x14, 0xcb,
		0x01, 0x00, 0x06, 0x68, 0xeb, 0xe3, 0xc4, 0x48, 0x44, 0xff, 0xf8, 0xf8, 0x00 },
	    47, "avc1.F4000C", 322, 242, 15, 1 },
};

static void real_records_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct track *t;

		if (h264_track_create(&t, records[i].avcc, records[i].len) != PARSE_OK)
			fail_msg("%s: refused", records[i].name);
		assert_int_equal(t->kind, TRACK_VIDEO);
		assert_string_equal(t->codecs, records[i].codecs);
		assert_int_equal(t->width_px, records[i].width_px);
		assert_int_equal(t->height_px, records[i].height_px);
		assert_int_equal(t->fps_num, records[i].fps_num);
		assert_int_equal(t->fps_den, records[i].fps_den);
		/* x264's record is what ours looks like */
		assert_int_equal(t->config_len, records[i].len);
		assert_memory_equal(t->config, records[i].avcc, records[i].len);
		track_unref(t);
	}
}

static void a_record_cut_short_is_refused(void **state)
{
	const size_t without_extension = 42;
	struct track *t;

	(void)state;
	for (size_t len = 0; len < without_extension; len++) {
		assert_int_equal(h264_track_create(&t, records[2].avcc, len), PARSE_BAD);
		assert_null(t);
	}
	for (size_t len = without_extension; len <= records[2].len; len++) {
		assert_int_equal(h264_track_create(&t, records[2].avcc, len), PARSE_OK);
		assert_int_equal(t->config_len, records[2].len); /* written although it was not there */
		track_unref(t);
	}
}

static void length_sizes_are_one_two_or_four(void **state)
{
	static const struct {
		uint8_t byte;
		enum parse_result want;
		enum nal_format format;
	} cases[] = {
		{ 0xfc, PARSE_OK, NAL_LENGTH_1 }, { 0xfd, PARSE_OK, NAL_LENGTH_2 }, { 0xfe, PARSE_BAD, NAL_ANNEX_B },
		{ 0x03, PARSE_OK, NAL_LENGTH_4 }, /* reserved bits are nobody's business */
	};
	struct h264_config config;
	struct track *t;
	uint8_t avcc[64];

	(void)state;
	memcpy(avcc, records[0].avcc, sizeof(avcc));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		avcc[4] = cases[i].byte;
		assert_int_equal(h264_config_parse(&config, avcc, records[0].len), cases[i].want);
		assert_int_equal(config.format, cases[i].format);
		if (cases[i].want != PARSE_OK)
			continue;
		assert_int_equal(h264_track_create(&t, avcc, records[0].len), PARSE_OK);
		assert_int_equal(t->config[4], 0xff);
		track_unref(t);
	}
}

static void records_without_sets_are_refused(void **state)
{
	const uint8_t no_sps[] = { 1, 0x42, 0xc0, 0x1e, 0xff, 0xe0, 1, 0, 2, 0x68, 0xcb };
	const uint8_t empty_sps[] = { 1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 0, 1, 0, 2, 0x68, 0xcb };
	const uint8_t other_version[] = { 0, 0, 0, 1, 0x67 };
	uint8_t no_pps[64];
	struct track *t;

	(void)state;
	memcpy(no_pps, records[0].avcc, sizeof(no_pps));
	no_pps[33] = 0;
	assert_int_equal(h264_track_create(&t, no_sps, sizeof(no_sps)), PARSE_BAD);
	assert_int_equal(h264_track_create(&t, empty_sps, sizeof(empty_sps)), PARSE_BAD);
	assert_int_equal(h264_track_create(&t, other_version, sizeof(other_version)), PARSE_BAD);
	assert_int_equal(h264_track_create(&t, no_pps, records[0].len), PARSE_BAD);
	assert_int_equal(h264_track_create(&t, NULL, 0), PARSE_BAD);
}

/* An SPS written bit by bit: what no encoder at hand would make. */
struct sps_maker {
	uint8_t raw[512];
	size_t n_bits;
};

static void put_bits(struct sps_maker *m, uint64_t v, unsigned n)
{
	while (n-- > 0) {
		if (v >> n & 1)
			m->raw[m->n_bits / 8] |= (uint8_t)(0x80 >> m->n_bits % 8);
		m->n_bits++;
	}
}

static void put_ue(struct sps_maker *m, uint64_t v)
{
	unsigned n = 0;

	while ((v + 1) >> (n + 1))
		n++;
	put_bits(m, 0, n);
	put_bits(m, v + 1, n + 1);
}

struct wanted_sps {
	unsigned profile_idc;
	bool has_lists;
	uint64_t poc_type, n_in_cycle;
	uint64_t width_mbs, height_mbs;
	bool is_interlaced;
	uint64_t crop[4];
	uint64_t units_in_tick, time_scale;
};

/* List 3 is absent, list 5 ends at once (8 - 8 = 0: the default one), the others are whole. */
static void put_scaling_list(struct sps_maker *m, unsigned i)
{
	put_bits(m, i != 3, 1);
	if (i == 5)
		put_ue(m, 16); /* delta -8 */
	for (unsigned k = 0; i != 3 && i != 5 && k < (i < 6 ? 16u : 64u); k++)
		put_ue(m, 1); /* delta 1 */
}

static void make_sps(struct sps_maker *m, const struct wanted_sps *s)
{
	memset(m, 0, sizeof(*m));
	put_bits(m, 0x67, 8);
	put_bits(m, s->profile_idc, 8);
	put_bits(m, 0xff, 8); /* keeps emulation away, as all the ones below do */
	put_bits(m, 40, 8);
	put_ue(m, 0);
	if (s->profile_idc == 100) {
		put_ue(m, 1);
		put_ue(m, 0);
		put_ue(m, 0);
		put_bits(m, 0, 1);
		put_bits(m, s->has_lists, 1);
		for (unsigned i = 0; s->has_lists && i < 8; i++)
			put_scaling_list(m, i);
	}
	put_ue(m, 0);
	put_ue(m, s->poc_type);
	if (s->poc_type == 0)
		put_ue(m, 0);
	if (s->poc_type == 1) {
		put_bits(m, 1, 1);
		put_ue(m, 0);
		put_ue(m, 0);
		put_ue(m, s->n_in_cycle);
		for (uint64_t i = 0; i < s->n_in_cycle && i < 300; i++)
			put_ue(m, 3);
	}
	put_ue(m, 1);
	put_bits(m, 0, 1);
	put_ue(m, s->width_mbs - 1);
	put_ue(m, s->height_mbs - 1);
	put_bits(m, !s->is_interlaced, 1);
	if (s->is_interlaced)
		put_bits(m, 1, 1);
	put_bits(m, 1, 1);
	put_bits(m, 1, 1);
	for (unsigned i = 0; i < 4; i++)
		put_ue(m, s->crop[i]);
	put_bits(m, 1, 1);
	put_bits(m, 0, 4);
	put_bits(m, 1, 1);
	put_bits(m, s->units_in_tick, 32);
	put_bits(m, s->time_scale, 32);
	put_bits(m, 1, 1);
	put_bits(m, 1, 8);
}

static void sps_limits_hold(void **state)
{
	static const struct {
		const char *name;
		struct wanted_sps sps;
		enum parse_result want;
		uint32_t width_px, height_px, fps_num, fps_den;
	} cases[] = {
		{ "plain", { 66, false, 0, 0, 20, 15, false, { 0 }, 0x01010101, 0x3c3c3c3c }, PARSE_OK, 320, 240, 30,
		    1 },
		{ "scaling lists", { 100, true, 0, 0, 20, 15, false, { 0 }, 0x01010101, 0x3c3c3c3c }, PARSE_OK, 320,
		    240, 30, 1 },
		{ "cycle of 255", { 66, false, 1, 255, 20, 15, false, { 0 }, 0x01010101, 0x3c3c3c3c }, PARSE_OK, 320,
		    240, 30, 1 },
		{ "cycle of 256", { 66, false, 1, 256, 20, 15, false, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "endless cycle", { 66, false, 1, 0x7ffffffe, 20, 15, false, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "order type 3", { 66, false, 3, 0, 20, 15, false, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "4096 by 4096", { 66, false, 2, 0, 256, 256, false, { 0 }, 0x01010101, 0x02020202 }, PARSE_OK, 4096,
		    4096, 1, 1 },
		{ "too wide", { 66, false, 2, 0, 257, 15, false, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "too high", { 66, false, 2, 0, 20, 257, false, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "too high by fields", { 66, false, 2, 0, 20, 129, true, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "absurd", { 66, false, 2, 0, 0xffffffff, 0xffffffff, false, { 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0, 0 },
		{ "cropped", { 66, false, 2, 0, 20, 15, false, { 1, 2, 3, 4 }, 0x01010101, 0x02020202 }, PARSE_OK, 314,
		    226, 1, 1 },
		{ "cropped in fields", { 66, false, 2, 0, 20, 15, true, { 0, 0, 0, 2 }, 0x01010101, 0x02020202 },
		    PARSE_OK, 320, 472, 1, 1 },
		{ "cropped to nothing", { 66, false, 2, 0, 20, 15, false, { 80, 80, 0, 0 }, 1, 1 }, PARSE_BAD, 0, 0, 0,
		    0 },
		{ "cropped by 2^32", { 66, false, 2, 0, 20, 15, false, { 0, 0, 0xfffffffe, 2 }, 1, 1 }, PARSE_BAD, 0, 0,
		    0, 0 },
		{ "ticks of 0", { 66, false, 2, 0, 20, 15, false, { 0 }, 0, 0x3c3c3c3c }, PARSE_OK, 320, 240, 0, 0 },
		{ "a scale of 0", { 66, false, 2, 0, 20, 15, false, { 0 }, 0x01010101, 0 }, PARSE_OK, 320, 240, 0, 0 },
		{ "45000 a second", { 66, false, 2, 0, 20, 15, false, { 0 }, 0x00010001, 0xafc8afc8 }, PARSE_OK, 320,
		    240, 0, 0 },
		{ "one a minute", { 66, false, 2, 0, 20, 15, false, { 0 }, 0x1e1e1e1e, 0x01010101 }, PARSE_OK, 320, 240,
		    0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sps_maker m;
		struct h264_sps sps;

		make_sps(&m, &cases[i].sps);
		/* zeros in the numbers would be emulation: not what these cases are about */
		if (h264_sps_parse(&(struct nal){ m.raw, (m.n_bits + 7) / 8 }, &sps) != cases[i].want)
			fail_msg("%s: result", cases[i].name);
		if (cases[i].want != PARSE_OK)
			continue;
		if (sps.width_px != cases[i].width_px || sps.height_px != cases[i].height_px)
			fail_msg("%s: %u x %u", cases[i].name, sps.width_px, sps.height_px);
		if (sps.fps_num != cases[i].fps_num || sps.fps_den != cases[i].fps_den)
			fail_msg("%s: %u/%u", cases[i].name, sps.fps_num, sps.fps_den);
	}
}

static void an_sps_cut_in_its_vui_keeps_its_size(void **state)
{
	struct h264_config config;
	struct h264_sps sps;
	size_t n_ok = 0;

	(void)state;
	assert_int_equal(h264_config_parse(&config, records[3].avcc, records[3].len), PARSE_OK);
	for (size_t len = 0; len <= config.sps[0].len; len++) {
		struct nal cut = { config.sps[0].data, len };

		if (h264_sps_parse(&cut, &sps) != PARSE_OK)
			continue;
		n_ok++;
		assert_int_equal(sps.width_px, 1080);
		assert_int_equal(sps.height_px, 1920);
	}
	assert_int_equal(n_ok, 17); /* from the 11th byte on */
}

static void emulation_bytes_go(void **state)
{
	const uint8_t in[] = { 0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3, 0, 3, 0, 0, 0, 3 };
	const uint8_t want[] = { 0, 0, 1, 0, 0, 0, 0, 3, 0, 3, 0, 0, 0 };
	uint8_t out[32] = { 0 };

	(void)state;
	assert_int_equal(h264_unescape(out, sizeof(out), in, sizeof(in)), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
	memset(out, 0xee, sizeof(out));
	assert_int_equal(h264_unescape(out, 3, in, sizeof(in)), 3);
	assert_int_equal(out[3], 0xee);
}

static struct track *make_track(size_t record)
{
	struct track *t;

	assert_int_equal(h264_track_create(&t, records[record].avcc, records[record].len), PARSE_OK);
	return t;
}

static void sets_in_band_make_a_new_track(void **state)
{
	struct track *old = make_track(0);
	struct track *same;
	struct track *turned;
	struct track *fresh;
	struct h264_config in_band;
	struct h264_config got;
	const uint8_t padded[] = { 0x68, 0xcb, 0x83, 0xcb, 0x20, 0, 0 };
	const uint8_t second_pps[] = { 0x68, 0x50, 0x83, 0xcb, 0x20 }; /* id 1 */

	(void)state;
	h264_config_of_track(&in_band, old);
	assert_int_equal(h264_track_update(&same, old, &in_band), PARSE_OK);
	assert_null(same);

	/* a known set with zeros behind it is the known set */
	memset(&in_band, 0, sizeof(in_band));
	assert_true(h264_config_add(&in_band, &(struct nal){ padded, sizeof(padded) }));
	assert_int_equal(h264_track_update(&same, old, &in_band), PARSE_OK);
	assert_null(same);

	/* an unknown id is added */
	assert_true(h264_config_add(&in_band, &(struct nal){ second_pps, sizeof(second_pps) }));
	assert_int_equal(h264_track_update(&same, old, &in_band), PARSE_OK);
	h264_config_of_track(&got, same);
	assert_int_equal(got.n_sps, 1);
	assert_int_equal(got.n_pps, 2);
	assert_int_equal(same->width_px, 640);
	track_unref(same);

	/* a known id is replaced */
	assert_int_equal(h264_config_parse(&in_band, records[3].avcc, records[3].len), PARSE_OK);
	assert_int_equal(h264_track_update(&turned, old, &in_band), PARSE_OK);
	assert_int_equal(turned->width_px, 1080);
	fresh = make_track(3);
	assert_true(track_is_same(turned, fresh));
	track_unref(fresh);
	assert_int_equal(h264_track_update(&fresh, NULL, &in_band), PARSE_OK);
	assert_true(track_is_same(turned, fresh));
	track_unref(fresh);
	track_unref(turned);

	in_band.n_pps = 0;
	assert_int_equal(h264_track_update(&fresh, NULL, &in_band), PARSE_BAD);
	assert_null(fresh);
	track_unref(old);
}

static void too_many_and_too_long_sets_are_refused(void **state)
{
	static uint8_t long_pps[9000] = { 0x68 };
	struct h264_config config;
	struct track *t;
	uint8_t pps[] = { 0x68, 0, 1 };
	const uint8_t slice[] = { 0x65, 1 };

	(void)state;
	assert_int_equal(h264_config_parse(&config, records[0].avcc, records[0].len), PARSE_OK);
	assert_false(h264_config_add(&config, &(struct nal){ slice, 2 }));
	assert_false(h264_config_add(&config, &config.pps[0]));
	memset(long_pps + 1, 0xff, sizeof(long_pps) - 1);
	assert_true(h264_config_add(&config, &(struct nal){ long_pps, sizeof(long_pps) }));
	assert_int_equal(h264_track_create_from_config(&t, &config), PARSE_BAD);

	for (unsigned i = (unsigned)config.n_pps; i < H264_MAX_PPS; i++)
		config.pps[config.n_pps++] = (struct nal){ long_pps, 100 };
	assert_false(h264_config_add(&config, &(struct nal){ pps, sizeof(pps) }));
}

static void recovery_points_are_found(void **state)
{
	static const struct {
		uint8_t in[12];
		size_t len;
		bool want;
	} cases[] = {
		{ { 0x06, 6, 1, 0xc4, 0x80 }, 5, true },
		{ { 0x06, 6, 1, 0x44, 0x80 }, 5, false }, /* after one more frame */
		{ { 0x06, 1, 2, 9, 9, 6, 1, 0xc4, 0x80 }, 9, true },
		{ { 0x06, 1, 9, 9, 9, 6, 1, 0xc4, 0x80 }, 9, false }, /* longer than it is */
		{ { 0x06, 0xff, 6, 1, 0xc4, 0x80 }, 6, false },
		{ { 0x06, 0xff, 0xff, 0xff, 0xff }, 5, false },
		{ { 0x06, 6, 0, 0x80, 0x80 }, 5, false },
		{ { 0x06 }, 1, false },
		{ { 0x65, 6, 1, 0xc4, 0x80 }, 5, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (h264_is_recovery_point(&(struct nal){ cases[i].in, cases[i].len }) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

/* Every byte of a record replaced by every value: nothing to check but that nothing breaks. */
static void damaged_records_do_no_harm(void **state)
{
	uint8_t avcc[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		for (size_t at = 0; at < records[i].len * 256; at++) {
			struct track *t;

			memcpy(avcc, records[i].avcc, sizeof(avcc));
			avcc[at / 256] = (uint8_t)at;
			if (h264_track_create(&t, avcc, records[i].len) == PARSE_OK)
				assert_in_range(t->width_px, 1, H264_MAX_SIDE_PX);
			track_unref(t);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_records_are_read),
		cmocka_unit_test(a_record_cut_short_is_refused),
		cmocka_unit_test(length_sizes_are_one_two_or_four),
		cmocka_unit_test(records_without_sets_are_refused),
		cmocka_unit_test(sps_limits_hold),
		cmocka_unit_test(an_sps_cut_in_its_vui_keeps_its_size),
		cmocka_unit_test(emulation_bytes_go),
		cmocka_unit_test(sets_in_band_make_a_new_track),
		cmocka_unit_test(too_many_and_too_long_sets_are_refused),
		cmocka_unit_test(recovery_points_are_found),
		cmocka_unit_test(damaged_records_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
