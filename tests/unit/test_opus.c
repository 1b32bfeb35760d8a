/* SPDX-License-Identifier: Apache-2.0 */
#include "media/opus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

#define MAGIC 'O', 'p', 'u', 's', 'H', 'e', 'a', 'd'

static const struct {
	const char *name;
	uint8_t head[32];
	size_t len;
	enum parse_result want;
	struct opus_config config;
	uint8_t dops[24];
	size_t dops_len;
} heads[] = {
	{ "ffmpeg's stereo", { MAGIC, 1, 2, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0 }, 19, PARSE_OK,
	    { .channels = 2, .pre_skip = 312, .input_rate_hz = 48000 }, { 0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0 },
	    11 },
	{ "mono with a gain, fed at 16 kHz", { MAGIC, 1, 1, 0, 15, 0x80, 0x3e, 0, 0, 0x34, 0x12, 0 }, 19, PARSE_OK,
	    { .channels = 1, .pre_skip = 3840, .input_rate_hz = 16000, .output_gain = 0x1234 },
	    { 0, 1, 15, 0, 0, 0, 0x3e, 0x80, 0x12, 0x34, 0 }, 11 },
	{ "5.1", { MAGIC, 1, 6, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 1, 4, 2, 0, 4, 1, 2, 3, 5 }, 27, PARSE_OK,
	    { .channels = 6,
		.pre_skip = 312,
		.input_rate_hz = 48000,
		.mapping_family = 1,
		.streams = 4,
		.coupled = 2,
		.mapping = { 0, 4, 1, 2, 3, 5 } },
	    { 0, 6, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 1, 4, 2, 0, 4, 1, 2, 3, 5 }, 19 },
	{ "a silent channel", { MAGIC, 1, 3, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 1, 1, 1, 0, 255, 1 }, 24, PARSE_OK,
	    { .channels = 3,
		.pre_skip = 312,
		.input_rate_hz = 48000,
		.mapping_family = 1,
		.streams = 1,
		.coupled = 1,
		.mapping = { 0, 255, 1 } },
	    { 0, 3, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 1, 1, 1, 0, 255, 1 }, 16 },
	{ "a later minor version, with more behind", { MAGIC, 15, 2, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0, 9, 9 }, 21,
	    PARSE_OK, { .channels = 2, .pre_skip = 312, .input_rate_hz = 48000 },
	    { 0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0 }, 11 },
	{ .name = "nothing", .want = PARSE_BAD },
	{ .name = "other magic",
	    .head = { 'O', 'p', 'u', 's', 'T', 'a', 'g', 's', 1, 2 },
	    .len = 19,
	    .want = PARSE_BAD },
	{ .name = "cut off", .head = { MAGIC, 1, 2, 0x38, 1, 0x80, 0xbb }, .len = 18, .want = PARSE_BAD },
	{ .name = "another major version", .head = { MAGIC, 16, 2 }, .len = 19, .want = PARSE_BAD },
	{ .name = "no channels", .head = { MAGIC, 1, 0 }, .len = 19, .want = PARSE_BAD },
	{ .name = "three channels of family 0", .head = { MAGIC, 1, 3 }, .len = 19, .want = PARSE_BAD },
	{ .name = "nine channels", .head = { MAGIC, 1, 9, [18] = 1, 9, 0 }, .len = 32, .want = PARSE_BAD },
	{ .name = "family 255", .head = { MAGIC, 1, 2, [18] = 255, 2, 0, 0, 1 }, .len = 23, .want = PARSE_BAD },
	{ .name = "family 1 without its table", .head = { MAGIC, 1, 2, [18] = 1 }, .len = 19, .want = PARSE_BAD },
	{ .name = "no streams", .head = { MAGIC, 1, 1, [18] = 1, 0, 0, 0 }, .len = 22, .want = PARSE_BAD },
	{ .name = "more coupled than streams",
	    .head = { MAGIC, 1, 1, [18] = 1, 1, 2, 0 },
	    .len = 22,
	    .want = PARSE_BAD },
	{ .name = "a stream that is not there",
	    .head = { MAGIC, 1, 1, [18] = 1, 1, 0, 1 },
	    .len = 22,
	    .want = PARSE_BAD },
	{ .name = "half a table", .head = { MAGIC, 1, 2, [18] = 1, 2, 0, 0 }, .len = 22, .want = PARSE_BAD },
};

static void check_written(const struct opus_config *config, size_t i)
{
	uint8_t buf[64];
	struct bytes_writer w;
	struct opus_config again;

	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	opus_config_write_dops(config, &w);
	if (w.len != heads[i].dops_len || memcmp(buf, heads[i].dops, w.len) != 0)
		fail_msg("%s: dOps", heads[i].name);
	bytes_writer_reset(&w);
	opus_config_write_head(config, &w);
	assert_int_equal(opus_config_parse(&again, buf, w.len), PARSE_OK);
	assert_memory_equal(&again, config, sizeof(again));
}

static void headers_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct opus_config config;

		if (opus_config_parse(&config, heads[i].head, heads[i].len) != heads[i].want)
			fail_msg("%s: result", heads[i].name);
		if (heads[i].want != PARSE_OK)
			continue;
		if (memcmp(&config, &heads[i].config, sizeof(config)) != 0)
			fail_msg("%s: values", heads[i].name);
		check_written(&config, i);
	}
}

static void a_track_says_what_a_player_needs(void **state)
{
	struct track *t;
	struct track *other;
	struct opus_config config;

	(void)state;
	assert_int_equal(opus_track_create(&t, heads[0].head, heads[0].len), PARSE_OK);
	assert_int_equal(t->kind, TRACK_AUDIO);
	assert_int_equal(t->codec, CODEC_OPUS);
	assert_string_equal(t->codecs, "opus");
	assert_int_equal(t->sample_rate_hz, 48000);
	assert_int_equal(t->channels, 2);
	assert_int_equal(t->samples_per_frame, 960);
	assert_memory_equal(t->config, heads[0].head, 19);
	opus_config_default(&config);
	assert_int_equal(opus_track_create_from_config(&other, &config), PARSE_OK);
	assert_true(track_is_same(t, other));
	track_unref(other);
	track_unref(t);
	/* whatever the encoder was fed with, it plays at 48 kHz */
	assert_int_equal(opus_track_create(&t, heads[1].head, heads[1].len), PARSE_OK);
	assert_int_equal(t->sample_rate_hz, 48000);
	track_unref(t);
	assert_int_equal(opus_track_create(&t, heads[0].head, 5), PARSE_BAD);
	assert_null(t);
}

static void packets_say_how_long_they_are(void **state)
{
	static const struct {
		uint8_t packet[2];
		size_t len;
		uint32_t samples;
	} cases[] = {
		{ { 0x00 }, 1, 480 },	     /* SILK, 10 ms */
		{ { 0x18 }, 1, 2880 },	     /* SILK, 60 ms */
		{ { 0x58 }, 1, 2880 },	     /* SILK, wide band, 60 ms */
		{ { 0x60 }, 1, 480 },	     /* hybrid, 10 ms */
		{ { 0x78 }, 1, 960 },	     /* hybrid, 20 ms */
		{ { 0x80 }, 1, 120 },	     /* CELT, 2.5 ms */
		{ { 0xfc }, 1, 960 },	     /* CELT, 20 ms, stereo: what ffmpeg sends */
		{ { 0xf9 }, 1, 1920 },	     /* two frames */
		{ { 0xfa }, 1, 1920 },	     /* two of different size */
		{ { 0xfb, 0x06 }, 2, 5760 }, /* six by count */
		{ { 0xfb, 0x86 }, 2, 5760 }, /* with variable sizes */
		{ { 0x1b, 0x02 }, 2, 5760 }, /* two of 60 ms */
		{ { 0x83, 0x30 }, 2, 5760 }, /* 48 of 2.5 ms */
		{ { 0x83, 0x31 }, 2, 0 },    /* more than 120 ms */
		{ { 0x1b, 0x03 }, 2, 0 },
		{ { 0xfb, 0x00 }, 2, 0 }, /* none */
		{ { 0xfb }, 1, 0 },	  /* the count is missing */
		{ { 0 }, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (opus_packet_samples(cases[i].packet, cases[i].len) != cases[i].samples)
			fail_msg("case %zu: %u", i, opus_packet_samples(cases[i].packet, cases[i].len));
	}
}

static void configurations_are_compared_by_their_members(void **state)
{
	struct opus_config a;
	struct opus_config b;

	(void)state;
	memset(&a, 0x55, sizeof(a)); /* also between the members */
	memset(&b, 0xaa, sizeof(b));
	opus_config_default(&a);
	opus_config_default(&b);
	assert_true(opus_config_is_equal(&a, &b));
	b.streams = 7; /* family 0 has none */
	assert_true(opus_config_is_equal(&a, &b));
	a.mapping_family = b.mapping_family = 1;
	assert_false(opus_config_is_equal(&a, &b));
	b.streams = a.streams;
	assert_true(opus_config_is_equal(&a, &b));
	b.mapping[7] = 7; /* beyond the channels */
	assert_true(opus_config_is_equal(&a, &b));
	b.mapping[1] = 7;
	assert_false(opus_config_is_equal(&a, &b));
	b = a;
	b.channels = 1;
	assert_false(opus_config_is_equal(&a, &b));
	b = a;
	b.pre_skip++;
	assert_false(opus_config_is_equal(&a, &b));
	b = a;
	b.input_rate_hz++;
	assert_false(opus_config_is_equal(&a, &b));
	b = a;
	b.output_gain++;
	assert_false(opus_config_is_equal(&a, &b));
	b = a;
	b.mapping_family = 0;
	assert_false(opus_config_is_equal(&a, &b));
	b = a;
	b.coupled++;
	assert_false(opus_config_is_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations_are_compared_by_their_members),
		cmocka_unit_test(headers_are_read_and_written),
		cmocka_unit_test(a_track_says_what_a_player_needs),
		cmocka_unit_test(packets_say_how_long_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
