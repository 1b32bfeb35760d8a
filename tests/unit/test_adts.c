/* SPDX-License-Identifier: Apache-2.0 */
#include "media/adts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/aac.h"

static const struct {
	const char *name;
	uint8_t bytes[9];
	size_t len;
	enum parse_result want;
	size_t header_bytes, frame_bytes;
	uint32_t rate_hz;
	uint8_t config[2];
} headers[] = {
	{ "LC 48 kHz stereo", { 0xff, 0xf1, 0x4c, 0x80, 0x2d, 0x7f, 0xfc }, 7, PARSE_OK, 7, 363, 48000,
	    { 0x11, 0x90 } },
	{ "MPEG-2, 44.1 kHz mono", { 0xff, 0xf9, 0x50, 0x40, 0x01, 0x1f, 0xfc }, 7, PARSE_OK, 7, 8, 44100,
	    { 0x12, 0x08 } },
	{ "with a checksum", { 0xff, 0xf0, 0x4c, 0x80, 0x2d, 0x7f, 0xfc, 1, 2 }, 9, PARSE_OK, 9, 363, 48000,
	    { 0x11, 0x90 } },
	{ "5.1", { 0xff, 0xf1, 0x4d, 0x80, 0x2d, 0x7f, 0xfc }, 7, PARSE_OK, 7, 363, 48000, { 0x11, 0xb0 } },
	{ "the longest", { 0xff, 0xf1, 0x4c, 0x83, 0xff, 0xff, 0xfc }, 7, PARSE_OK, 7, 8191, 48000, { 0x11, 0x90 } },
	{ "six bytes", { 0xff, 0xf1, 0x4c, 0x80, 0x2d, 0x7f }, 6, PARSE_MORE, 0, 0, 0, { 0 } },
	{ "nothing", { 0 }, 0, PARSE_MORE, 0, 0, 0, { 0 } },
	{ "one byte that is none of it", { 0xfe }, 1, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "two bytes that are none of it", { 0xff, 0xe1 }, 2, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "no sync", { 0xff, 0xe1, 0x4c, 0x80, 0x2d, 0x7f, 0xfc }, 7, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "layer 2", { 0xff, 0xf3, 0x4c, 0x80, 0x2d, 0x7f, 0xfc }, 7, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "a reserved rate", { 0xff, 0xf1, 0x74, 0x80, 0x2d, 0x7f, 0xfc }, 7, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "a header and nothing else", { 0xff, 0xf1, 0x4c, 0x80, 0x00, 0xff, 0xfc }, 7, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "a length inside the header", { 0xff, 0xf1, 0x4c, 0x80, 0x00, 0x1f, 0xfc }, 7, PARSE_BAD, 0, 0, 0, { 0 } },
	{ "two blocks", { 0xff, 0xf1, 0x4c, 0x80, 0x2d, 0x7f, 0xfd }, 7, PARSE_BAD, 0, 0, 0, { 0 } },
};

static void headers_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct adts_header h;

		if (adts_parse(&h, headers[i].bytes, headers[i].len) != headers[i].want)
			fail_msg("%s: result", headers[i].name);
		if (headers[i].want != PARSE_OK)
			continue;
		if (h.header_bytes != headers[i].header_bytes || h.frame_bytes != headers[i].frame_bytes)
			fail_msg("%s: %zu %zu", headers[i].name, h.header_bytes, h.frame_bytes);
		assert_int_equal(h.core_rate_hz, headers[i].rate_hz);
		assert_memory_equal(h.config, headers[i].config, sizeof(h.config));
	}
}

static const struct {
	const char *name;
	uint8_t asc[5];
	size_t len;
	enum parse_result want;
	uint8_t back[2]; /* the configuration that its header says */
} formats[] = {
	{ "LC 48 kHz stereo", { 0x11, 0x90 }, 2, PARSE_OK, { 0x11, 0x90 } },
	{ "LC 44.1 kHz mono, SBR told to be absent", { 0x12, 0x08, 0x56, 0xe5, 0x00 }, 5, PARSE_OK, { 0x12, 0x08 } },
	{ "HE-AAC: its core", { 0x2b, 0x11, 0x88, 0x00 }, 4, PARSE_OK, { 0x13, 0x10 } },
	{ "7.1", { 0x11, 0xb8 }, 2, PARSE_OK, { 0x11, 0xb8 } },
	{ "48000 spelled out", { 0x17, 0x80, 0x5d, 0xc0, 0x10 }, 5, PARSE_OK, { 0x11, 0x90 } },
	{ "7.1 at 48000 spelled out", { 0x17, 0x80, 0x5d, 0xc0, 0x38 }, 5, PARSE_BAD, { 0 } },
	{ "6.1", { 0x11, 0xd8 }, 2, PARSE_BAD, { 0 } },
	{ "7.1 of another layout", { 0x11, 0xe0 }, 2, PARSE_BAD, { 0 } },
	{ "960 samples", { 0x11, 0x94 }, 2, PARSE_BAD, { 0 } },
	{ "50000 Hz", { 0x17, 0x80, 0x61, 0xa8, 0x10 }, 5, PARSE_BAD, { 0 } },
};

static void formats_are_written_and_read_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct track *t;
		struct adts_format format;
		struct adts_header h;
		uint8_t raw[ADTS_HEADER_BYTES];

		assert_int_equal(aac_track_create(&t, formats[i].asc, formats[i].len), PARSE_OK);
		if (adts_format_of_track(&format, t) != formats[i].want)
			fail_msg("%s: result", formats[i].name);
		track_unref(t);
		for (size_t len = 1; formats[i].want == PARSE_OK && len <= ADTS_FRAME_MAX_BYTES - ADTS_HEADER_BYTES;
		     len += 511) {
			adts_write(raw, &format, len);
			assert_int_equal(adts_parse(&h, raw, sizeof(raw)), PARSE_OK);
			assert_int_equal(h.frame_bytes, len + ADTS_HEADER_BYTES);
			assert_memory_equal(h.config, formats[i].back, sizeof(h.config));
		}
	}
}

/* A track that somebody made of other bytes than a configuration. */
static void a_track_without_a_configuration_has_no_format(void **state)
{
	static const uint8_t asc[] = { 0x11, 0x90 };
	struct adts_format format;
	struct track *t;

	(void)state;
	assert_int_equal(aac_track_create(&t, asc, sizeof(asc)), PARSE_OK);
	t->config_len = 1;
	assert_int_equal(adts_format_of_track(&format, t), PARSE_BAD);
	track_unref(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(formats_are_written_and_read_again),
		cmocka_unit_test(a_track_without_a_configuration_has_no_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
