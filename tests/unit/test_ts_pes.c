/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_pes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

enum { HEADER_BYTES = 19 };

/* 33 bits, so no enum. */
#define PTS_90K INT64_C(0x123456789)
#define DTS_90K INT64_C(0x0fedcba98)

/* With a length, both times and four bytes of payload; the fields are at 9 (pts) and 14 (dts). */
static const struct ts_pes_header whole = {
	.stream_id = TS_PES_VIDEO,
	.has_length = true,
	.has_pts = true,
	.has_dts = true,
	.pts_90k = PTS_90K,
	.dts_90k = DTS_90K,
	.payload_bytes = 4,
};

static void headers_are_written_and_read_again(void **state)
{
	static const size_t payloads[] = { 0, 1, 65535 - 13, 65535 - 12 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(payloads) * 3; i++) {
		struct ts_pes_header in = whole;
		struct ts_pes_header out;
		uint8_t raw[TS_PES_HEADER_MAX_BYTES];
		size_t n;

		in.payload_bytes = payloads[i / 3];
		in.has_pts = i % 3 > 0;
		in.has_dts = i % 3 > 1;
		n = ts_pes_write(raw, &in);
		assert_int_equal(n, 9 + 5 * (i % 3));
		assert_int_equal(ts_pes_parse(&out, raw, n), PARSE_OK);
		assert_int_equal(out.stream_id, TS_PES_VIDEO);
		assert_int_equal(out.header_bytes, n);
		assert_int_equal(out.has_length, in.payload_bytes + n - 6 <= 65535);
		assert_int_equal(out.payload_bytes, out.has_length ? in.payload_bytes : 0);
		assert_int_equal(out.has_pts, in.has_pts);
		assert_int_equal(out.has_dts, in.has_dts);
		assert_int_equal(out.pts_90k, in.has_pts ? PTS_90K : 0);
		assert_int_equal(out.dts_90k, in.has_dts ? DTS_90K : 0);
	}
}

static void every_byte_of_a_header_is_waited_for(void **state)
{
	uint8_t raw[TS_PES_HEADER_MAX_BYTES];
	struct ts_pes_header out;

	(void)state;
	assert_int_equal(ts_pes_write(raw, &whole), HEADER_BYTES);
	for (size_t len = 0; len < HEADER_BYTES; len++)
		assert_int_equal(ts_pes_parse(&out, raw, len), PARSE_MORE);
	assert_int_equal(ts_pes_parse(&out, raw, HEADER_BYTES), PARSE_OK);
}

/* One byte of the whole header is another. */
static const struct {
	const char *name;
	size_t at;
	uint8_t byte;
	enum parse_result want;
	bool has_pts, has_dts;
} changes[] = {
	{ "no start code, first", 0, 1, PARSE_BAD, false, false },
	{ "no start code, second", 1, 1, PARSE_BAD, false, false },
	{ "no start code, third", 2, 0, PARSE_BAD, false, false },
	{ "not a PES stream_id", 3, 0xb9, PARSE_BAD, false, false },
	{ "program stream map", 3, 0xbc, PARSE_BAD, false, false },
	{ "padding", 3, 0xbe, PARSE_BAD, false, false },
	{ "private stream 2", 3, 0xbf, PARSE_BAD, false, false },
	{ "ECM", 3, 0xf0, PARSE_BAD, false, false },
	{ "EMM", 3, 0xf1, PARSE_BAD, false, false },
	{ "DSM-CC", 3, 0xf2, PARSE_BAD, false, false },
	{ "H.222.1 type E", 3, 0xf8, PARSE_BAD, false, false },
	{ "program stream directory", 3, 0xff, PARSE_BAD, false, false },
	{ "private stream 1", 3, TS_PES_PRIVATE_1, PARSE_OK, true, true },
	{ "extended stream_id", 3, 0xfd, PARSE_OK, true, true },
	{ "MPEG-1's header", 6, 0x40, PARSE_BAD, false, false },
	{ "a length that ends inside the header", 5, 12, PARSE_BAD, false, false },
	{ "a length that ends with the header", 5, 13, PARSE_OK, true, true },
	{ "no times", 7, 0x00, PARSE_OK, false, false },
	{ "the forbidden value of the flags", 7, 0x40, PARSE_OK, false, false },
	{ "pts alone", 7, 0x80, PARSE_OK, true, false },
	{ "fields too short for dts", 8, 9, PARSE_OK, true, false },
	{ "fields too short for pts", 8, 4, PARSE_OK, false, false },
	{ "the nibble of pts alone in front of both", 9, 0x29, PARSE_OK, true, true },
	{ "pts: first marker", 9, 0x38, PARSE_OK, false, false },
	{ "pts: second marker", 11, 0x00, PARSE_OK, false, false },
	{ "pts: third marker", 13, 0x00, PARSE_OK, false, false },
	{ "dts: nibble", 14, 0x21, PARSE_OK, true, false },
	{ "dts: first marker", 14, 0x10, PARSE_OK, true, false },
	{ "dts: second marker", 16, 0x00, PARSE_OK, true, false },
	{ "dts: third marker", 18, 0x00, PARSE_OK, true, false },
};

static void a_header_of_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		uint8_t raw[TS_PES_HEADER_MAX_BYTES];
		struct ts_pes_header out;

		assert_int_equal(ts_pes_write(raw, &whole), sizeof(raw));
		raw[changes[i].at] = changes[i].byte;
		if (ts_pes_parse(&out, raw, sizeof(raw)) != changes[i].want)
			fail_msg("%s: result", changes[i].name);
		if (out.has_pts != changes[i].has_pts || out.has_dts != changes[i].has_dts)
			fail_msg("%s: pts %d, dts %d", changes[i].name, out.has_pts, out.has_dts);
	}
}

/* ---- Opus ---- */

static const struct {
	const char *name;
	uint8_t bytes[8];
	size_t len; /* with a packet of two bytes */
	enum parse_result want;
	size_t header_bytes;
} controls[] = {
	{ "plain", { 0x7f, 0xe0, 2, 1, 1 }, 5, PARSE_OK, 3 },
	{ "start trim", { 0x7f, 0xf0, 2, 0, 9, 1, 1 }, 7, PARSE_OK, 5 },
	{ "end trim", { 0x7f, 0xe8, 2, 0, 9, 1, 1 }, 7, PARSE_OK, 5 },
	{ "an extension", { 0x7f, 0xe4, 2, 2, 9, 9, 1, 1 }, 8, PARSE_OK, 6 },
	{ "an empty extension", { 0x7f, 0xe4, 2, 0, 1, 1 }, 6, PARSE_OK, 4 },
	{ "an extension longer than all", { 0x7f, 0xe4, 2, 9, 1, 1 }, 6, PARSE_BAD, 0 },
	{ "a trim cut short", { 0x7f, 0xf0, 2, 0 }, 4, PARSE_BAD, 0 },
	{ "another prefix", { 0x7e, 0xe0, 2, 1, 1 }, 5, PARSE_BAD, 0 },
	{ "another end of the prefix", { 0x7f, 0xc0, 2, 1, 1 }, 5, PARSE_BAD, 0 },
	{ "nothing", { 0 }, 0, PARSE_BAD, 0 },
	{ "one byte", { 0x7f }, 1, PARSE_BAD, 0 },
	{ "no size", { 0x7f, 0xe0 }, 2, PARSE_BAD, 0 },
	{ "a size that does not end", { 0x7f, 0xe0, 255, 255 }, 4, PARSE_BAD, 0 },
	{ "a packet cut short", { 0x7f, 0xe0, 2, 1 }, 4, PARSE_BAD, 0 },
};

static void opus_control_headers_of_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		struct ts_opus_header out;

		if (ts_opus_parse(&out, controls[i].bytes, controls[i].len) != controls[i].want)
			fail_msg("%s: result", controls[i].name);
		if (controls[i].want == PARSE_OK &&
		    (out.header_bytes != controls[i].header_bytes || out.packet_bytes != 2))
			fail_msg("%s: %zu %zu", controls[i].name, out.header_bytes, out.packet_bytes);
	}
}

static void opus_control_headers_are_written_and_read_again(void **state)
{
	static const size_t sizes[] = { 0, 1, 254, 255, 256, 509, 510, 65535 };
	static uint8_t raw[TS_OPUS_HEADER_MAX_BYTES + 65535];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct ts_opus_header out;
		size_t n = ts_opus_write(raw, sizes[i]);

		assert_int_equal(n, ts_opus_header_bytes(sizes[i]));
		assert_int_equal(ts_opus_parse(&out, raw, n + sizes[i]), PARSE_OK);
		assert_int_equal(out.header_bytes, n);
		assert_int_equal(out.packet_bytes, sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_written_and_read_again),
		cmocka_unit_test(every_byte_of_a_header_is_waited_for),
		cmocka_unit_test(a_header_of_every_shape),
		cmocka_unit_test(opus_control_headers_of_every_shape),
		cmocka_unit_test(opus_control_headers_are_written_and_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
