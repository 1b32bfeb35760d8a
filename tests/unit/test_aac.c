/* SPDX-License-Identifier: Apache-2.0 */
#include "media/aac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

static const struct {
	const char *name;
	uint8_t asc[12];
	size_t len;
	enum parse_result want;
	const char *codecs;
	uint32_t core_rate_hz, sample_rate_hz, channels, samples_per_frame;
} cases[] = {
	{ "LC 48 kHz stereo", { 0x11, 0x90 }, 2, PARSE_OK, "mp4a.40.2", 48000, 48000, 2, 1024 },
	{ "LC 44.1 kHz mono", { 0x12, 0x08 }, 2, PARSE_OK, "mp4a.40.2", 44100, 44100, 1, 1024 },
	{ "ffmpeg's LC, SBR told to be absent", { 0x11, 0x90, 0x56, 0xe5, 0x00 }, 5, PARSE_OK, "mp4a.40.2", 48000,
	    48000, 2, 1024 },
	{ "Main 960", { 0x0a, 0x14 }, 2, PARSE_OK, "mp4a.40.1", 44100, 44100, 2, 960 },
	{ "LTP", { 0x21, 0x90 }, 2, PARSE_OK, "mp4a.40.4", 48000, 48000, 2, 1024 },
	{ "7.1 is 7", { 0x11, 0xb8 }, 2, PARSE_OK, "mp4a.40.2", 48000, 48000, 8, 1024 },
	{ "6.1 is 11", { 0x11, 0xd8 }, 2, PARSE_OK, "mp4a.40.2", 48000, 48000, 7, 1024 },
	{ "7350 Hz", { 0x16, 0x10 }, 2, PARSE_OK, "mp4a.40.2", 7350, 7350, 2, 1024 },
	/* 00010 1111 000000001011101110000000 0010 000 */
	{ "48000 spelled out", { 0x17, 0x80, 0x5d, 0xc0, 0x10 }, 5, PARSE_OK, "mp4a.40.2", 48000, 48000, 2, 1024 },
	/* 00101 0110 0010 0011 00010 000 */
	{ "HE-AAC 24 to 48 kHz", { 0x2b, 0x11, 0x88, 0x00 }, 4, PARSE_OK, "mp4a.40.5", 24000, 48000, 2, 2048 },
	{ "HE-AAC that does not double", { 0x29, 0x91, 0x88, 0x00 }, 4, PARSE_OK, "mp4a.40.5", 48000, 48000, 2, 1024 },
	/* 11101 0110 0001 0011 00010 000 */
	{ "HE-AAC v2", { 0xeb, 0x09, 0x88, 0x00 }, 4, PARSE_OK, "mp4a.40.29", 24000, 48000, 2, 2048 },
	/* 00010 0110 0010 000 | 01010110111 00101 1 0011 */
	{ "SBR told behind", { 0x13, 0x10, 0x56, 0xe5, 0x98 }, 5, PARSE_OK, "mp4a.40.5", 24000, 48000, 2, 2048 },
	/* ... 10101001000 1 */
	{ "SBR and PS told behind", { 0x13, 0x08, 0x56, 0xe5, 0x9d, 0x48, 0x80 }, 7, PARSE_OK, "mp4a.40.29", 24000,
	    48000, 2, 2048 },
	{ "SBR told behind at a strange rate", { 0x13, 0x10, 0x56, 0xe5, 0xa0 }, 5, PARSE_OK, "mp4a.40.2", 24000, 24000,
	    2, 1024 },
	{ "SBR told behind and cut off", { 0x13, 0x10, 0x56, 0xe5 }, 4, PARSE_OK, "mp4a.40.2", 24000, 24000, 2, 1024 },
	{ "padding", { 0x11, 0x90, 0, 0, 0, 0 }, 6, PARSE_OK, "mp4a.40.2", 48000, 48000, 2, 1024 },
	{ "depends on a core coder", { 0x11, 0x92, 0x00, 0x00 }, 4, PARSE_OK, "mp4a.40.2", 48000, 48000, 2, 1024 },
	{ "nothing", { 0 }, 0, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "one byte", { 0x11 }, 1, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "a rate cut off", { 0x17, 0x80, 0x5d }, 3, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "object type 0", { 0x01, 0x90 }, 2, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "SSR", { 0x19, 0x90 }, 2, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "escaped: xHE-AAC", { 0xf9, 0x46, 0x40, 0x00 }, 4, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "SBR of SBR", { 0x2b, 0x11, 0x94, 0x00, 0x00 }, 5, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "SBR at three times", { 0x2b, 0x11, 0x08, 0x00 }, 4, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "program config element", { 0x11, 0x80 }, 2, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "reserved channels", { 0x11, 0xc0 }, 2, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "22.2", { 0x11, 0xe8 }, 2, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "reserved rate", { 0x16, 0x90 }, 2, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "a rate of 0", { 0x17, 0x80, 0x00, 0x00, 0x10 }, 5, PARSE_BAD, NULL, 0, 0, 0, 0 },
	{ "a rate of 16 MHz", { 0x17, 0xff, 0xff, 0xff, 0x90 }, 5, PARSE_BAD, NULL, 0, 0, 0, 0 },
};

static void configurations_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct aac_config c;
		struct track *t;

		if (aac_track_create(&t, cases[i].asc, cases[i].len) != (int)cases[i].want)
			fail_msg("%s: result", cases[i].name);
		if (cases[i].want != PARSE_OK) {
			assert_null(t);
			continue;
		}
		if (t->sample_rate_hz != cases[i].sample_rate_hz || t->channels != cases[i].channels ||
		    t->samples_per_frame != cases[i].samples_per_frame)
			fail_msg("%s: %u Hz, %u channels, %u samples", cases[i].name, t->sample_rate_hz, t->channels,
			    t->samples_per_frame);
		assert_string_equal(t->codecs, cases[i].codecs);
		assert_int_equal(t->kind, TRACK_AUDIO);
		assert_int_equal(t->codec, CODEC_AAC);
		assert_memory_equal(t->config, cases[i].asc, cases[i].len);
		assert_int_equal(aac_config_parse(&c, cases[i].asc, cases[i].len), PARSE_OK);
		assert_int_equal(c.core_rate_hz, cases[i].core_rate_hz);
		/* a frame lasts as long as its core says */
		assert_int_equal(c.samples_per_frame * c.core_rate_hz, c.core_samples * c.sample_rate_hz);
		track_unref(t);
	}
}

static void a_configuration_beyond_the_bound_is_refused(void **state)
{
	static const uint8_t asc[TRACK_CONFIG_MAX_BYTES + 1] = { 0x11, 0x90 };
	struct track *t;

	(void)state;
	assert_int_equal(aac_track_create(&t, asc, sizeof(asc)), PARSE_BAD);
	assert_null(t);
	assert_int_equal(aac_track_create(&t, asc, sizeof(asc) - 1), PARSE_OK);
	track_unref(t);
}

static void every_three_bytes_do_no_harm(void **state)
{
	(void)state;
	for (uint32_t v = 0; v < 1u << 24; v += 5) {
		const uint8_t asc[] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v, 0x88, 0x10 };
		struct aac_config c;

		if (aac_config_parse(&c, asc, sizeof(asc)) != PARSE_OK)
			continue;
		assert_true(c.sample_rate_hz >= 7350 && c.sample_rate_hz <= 96000);
		assert_true(c.channels >= 1 && c.channels <= 8);
		assert_true(c.samples_per_frame >= 960 && c.samples_per_frame <= 2048);
	}
}

/* ics_info, ISO 14496-3 table 4.6 */
static void check_empty_window(struct bits_reader *b)
{
	assert_int_equal(bits_u(b, 1), 0); /* reserved */
	assert_int_equal(bits_u(b, 2), 0); /* one long window */
	(void)bits_u(b, 1);		   /* its shape, whichever */
	assert_int_equal(bits_u(b, 6), 0); /* max_sfb */
	assert_int_equal(bits_u(b, 1), 0); /* prediction */
}

static void check_end(struct bits_reader *b)
{
	assert_int_equal(bits_u(b, 3), 7); /* END */
	assert_true(bits_left(b) < 8);
	while (bits_left(b) > 0)
		assert_int_equal(bits_u(b, 1), 0);
	assert_false(b->is_short);
}

static void read_silence(uint8_t buf[static 6], struct bits_reader *b, uint32_t channels)
{
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, 6);
	aac_write_silence(&w, channels);
	assert_false(w.is_full);
	bits_reader_init(b, buf, w.len);
}

static void a_silent_frame_has_no_band(void **state)
{
	uint8_t buf[6];
	struct bits_reader b;

	(void)state;
	read_silence(buf, &b, 1);
	assert_int_equal(bits_u(&b, 3), 0); /* single channel element */
	bits_skip(&b, 4 + 8);		    /* tag, gain */
	check_empty_window(&b);
	assert_int_equal(bits_u(&b, 3), 0); /* pulses, TNS, gain control */
	check_end(&b);

	read_silence(buf, &b, 2);
	assert_int_equal(bits_u(&b, 3), 1); /* channel pair element */
	bits_skip(&b, 4);
	assert_int_equal(bits_u(&b, 1), 1); /* common window */
	check_empty_window(&b);
	assert_int_equal(bits_u(&b, 2), 0); /* M/S */
	for (unsigned i = 0; i < 2; i++) {
		bits_skip(&b, 8);
		assert_int_equal(bits_u(&b, 3), 0);
	}
	check_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_are_read),
		cmocka_unit_test(a_configuration_beyond_the_bound_is_refused),
		cmocka_unit_test(every_three_bytes_do_no_harm),
		cmocka_unit_test(a_silent_frame_has_no_band),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
