/* SPDX-License-Identifier: Apache-2.0 */
#include "media/nal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

/* What a payload becomes with 4-byte lengths. */
static const struct {
	const char *name;
	enum nal_format format;
	uint8_t in[24];
	size_t in_len;
	enum parse_result want;
	uint8_t out[24];
	size_t out_len;
} conversions[] = {
	{ "nothing", NAL_LENGTH_4, { 0 }, 0, PARSE_OK, { 0 }, 0 },
	{ "nothing in annex b", NAL_ANNEX_B, { 0 }, 0, PARSE_OK, { 0 }, 0 },
	{ "one of four", NAL_LENGTH_4, { 0, 0, 0, 2, 0x65, 9 }, 6, PARSE_OK, { 0, 0, 0, 2, 0x65, 9 }, 6 },
	{ "empty units go", NAL_LENGTH_4, { 0, 0, 0, 0, 0, 0, 0, 1, 0x41, 0, 0, 0, 0 }, 13, PARSE_OK,
	    { 0, 0, 0, 1, 0x41 }, 5 },
	{ "only empty ones", NAL_LENGTH_1, { 0, 0, 0 }, 3, PARSE_OK, { 0 }, 0 },
	{ "lengths of one", NAL_LENGTH_1, { 1, 0x67, 2, 0x68, 1 }, 5, PARSE_OK,
	    { 0, 0, 0, 1, 0x67, 0, 0, 0, 2, 0x68, 1 }, 11 },
	{ "lengths of two", NAL_LENGTH_2, { 0, 1, 0x67, 0, 2, 0x68, 1 }, 7, PARSE_OK,
	    { 0, 0, 0, 1, 0x67, 0, 0, 0, 2, 0x68, 1 }, 11 },
	{ "one byte too long", NAL_LENGTH_4, { 0, 0, 0, 3, 0x65, 9 }, 6, PARSE_BAD, { 0 }, 0 },
	{ "huge", NAL_LENGTH_4, { 0xff, 0xff, 0xff, 0xff, 0x65, 9 }, 6, PARSE_BAD, { 0 }, 0 },
	{ "half a length", NAL_LENGTH_4, { 0, 0, 0, 1, 0x65, 0, 0 }, 7, PARSE_BAD, { 0, 0, 0, 1, 0x65 }, 5 },
	{ "start codes of three and four", NAL_ANNEX_B, { 0, 0, 0, 1, 0x67, 5, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 0 }, 16,
	    PARSE_OK, { 0, 0, 0, 2, 0x67, 5, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65 }, 16 },
	{ "rubbish first, zeros last", NAL_ANNEX_B, { 9, 9, 0, 0, 1, 0x65, 0, 0, 3, 1, 0, 0, 0 }, 13, PARSE_OK,
	    { 0, 0, 0, 5, 0x65, 0, 0, 3, 1 }, 9 },
	{ "start codes and nothing else", NAL_ANNEX_B, { 0, 0, 1, 0, 0, 1, 0, 0, 0, 1 }, 10, PARSE_OK, { 0 }, 0 },
	{ "no start code", NAL_ANNEX_B, { 1, 2, 3, 0, 0 }, 5, PARSE_OK, { 0 }, 0 },
};

static void every_framing_becomes_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(conversions); i++) {
		struct bytes_writer w;
		uint8_t buf[64];

		bytes_writer_init_fixed(&w, buf, sizeof(buf));
		if (nal_write_all(&w, conversions[i].in, conversions[i].in_len, conversions[i].format) !=
		    conversions[i].want)
			fail_msg("%s: result", conversions[i].name);
		if (w.len != conversions[i].out_len || memcmp(buf, conversions[i].out, w.len) != 0)
			fail_msg("%s: bytes", conversions[i].name);
	}
}

static void annex_b_comes_back(void **state)
{
	const uint8_t in[] = { 0, 0, 0, 2, 0x67, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0x68 };
	const uint8_t want[] = { 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68 };
	struct bytes_writer w;
	uint8_t buf[32];

	(void)state;
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	assert_int_equal(nal_write_annex_b(&w, in, sizeof(in)), PARSE_OK);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
	bytes_writer_reset(&w);
	assert_int_equal(nal_write_annex_b(&w, in, sizeof(in) - 1), PARSE_BAD);
}

static void a_start_code_is_seen(void **state)
{
	const uint8_t four[] = { 0, 0, 0, 1 };
	const uint8_t other[] = { 0, 0, 2, 1 };

	(void)state;
	assert_true(nal_has_start_code(four, 4));
	assert_false(nal_has_start_code(four, 3));
	assert_false(nal_has_start_code(four + 1, 3));
	assert_false(nal_has_start_code(other, 4));
	assert_false(nal_has_start_code(NULL, 0));
}

static void types_are_the_low_five_bits(void **state)
{
	const uint8_t idr[] = { 0x65 };
	const uint8_t sps[] = { 0x67 };
	const uint8_t slice[] = { 0x01 };
	const struct nal units[] = { { idr, 1 }, { sps, 1 }, { slice, 1 }, { idr, 0 } };

	(void)state;
	assert_true(nal_h264_is_idr(&units[0]) && nal_h264_is_slice(&units[0]));
	assert_int_equal(nal_h264_type(&units[1]), NAL_H264_SPS);
	assert_false(nal_h264_is_slice(&units[1]));
	assert_true(nal_h264_is_slice(&units[2]) && !nal_h264_is_idr(&units[2]));
	assert_int_equal(nal_h264_type(&units[3]), 0);
}

static void types_of_h265_have_two_bytes(void **state)
{
	static const struct {
		uint8_t data[2];
		size_t len;
		unsigned type;
		bool is_slice, is_irap;
	} cases[] = {
		{ { 0x02, 1 }, 2, 1, true, false },  /* trailing */
		{ { 0x12, 1 }, 2, 9, true, false },  /* leading */
		{ { 0x20, 1 }, 2, 16, true, true },  /* BLA */
		{ { 0x26, 1 }, 2, 19, true, true },  /* IDR */
		{ { 0x2a, 1 }, 2, 21, true, true },  /* CRA */
		{ { 0x2e, 1 }, 2, 23, true, true },  /* reserved for their kind */
		{ { 0x30, 1 }, 2, 24, true, false }, /* reserved */
		{ { 0x40, 1 }, 2, NAL_H265_VPS, false, false },
		{ { 0x46, 1 }, 2, NAL_H265_AUD, false, false },
		{ { 0x26, 1 }, 1, NAL_H265_NONE, false, false },
		{ { 0x26, 1 }, 0, NAL_H265_NONE, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct nal nal = { cases[i].data, cases[i].len };

		assert_int_equal(nal_h265_type(&nal), cases[i].type);
		assert_int_equal(nal_h265_is_slice(&nal), cases[i].is_slice);
		assert_int_equal(nal_h265_is_irap(&nal), cases[i].is_irap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_framing_becomes_ours),
		cmocka_unit_test(annex_b_comes_back),
		cmocka_unit_test(a_start_code_is_seen),
		cmocka_unit_test(types_are_the_low_five_bits),
		cmocka_unit_test(types_of_h265_have_two_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
