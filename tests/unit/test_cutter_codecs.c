/* SPDX-License-Identifier: Apache-2.0 */
/* What is different in the cutter's parts when the codecs are H.265 and Opus. */
#include "packager/cutter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/h265.h"
#include "media/opus.h"
#include "tests/unit/part_fixture.h"

enum {
	MS = 90,
	ORIGIN = 10000 * MS, /* where a fresh stream's timeline begins */
};

static const struct cutter_config usual = { .part_ms = 500, .segment_ms = 2000, .first_msn = 7 };

static struct track *h265_track(void)
{
	static const uint8_t hvcc[] = { 1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 60, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8,
		0, 0, 0x0f, 3, 0xa0, 0, 1, 0, 24, 0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03,
		0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x95, 0x94, 0x09, 0xa1, 0, 1, 0, 44, 0x42,
		0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c,
		0xa0, 0x0a, 0x88, 0x0c, 0x1c, 0x44, 0xf9, 0x65, 0x65, 0x4a, 0x4c, 0x2f, 0x01, 0x68, 0x08, 0x00, 0x00,
		0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40, 0xa2, 0, 1, 0, 6, 0x44, 0x01, 0xc0, 0x73, 0xc1,
		0x89 };
	struct track *t;

	assert_int_equal(h265_track_create(&t, hvcc, sizeof(hvcc)), PARSE_OK);
	return t;
}

static void h265_sets_go_in_band_where_they_are_missing(void **state)
{
	enum { SETS_BYTES = 3 * 4 + 24 + 44 + 6 };
	static const struct {
		const char *name;
		uint8_t units[40];
		size_t len;
		size_t added_at;
		size_t added; /* bytes of sets */
		unsigned flags;
	} cases[] = {
		{ "an IDR picture", { 0, 0, 0, 3, 0x26, 1, 7 }, 7, 0, SETS_BYTES, FRAME_KEY },
		{ "behind a delimiter", { 0, 0, 0, 3, 0x46, 1, 0x50, 0, 0, 0, 3, 0x2a, 1, 7 }, 14, 7, SETS_BYTES,
		    FRAME_KEY },
		{ "with SPS and PPS, but no VPS",
		    { 0, 0, 0, 3, 0x42, 1, 7, 0, 0, 0, 3, 0x44, 1, 7, 0, 0, 0, 3, 0x26, 1, 7 }, 21, 0, SETS_BYTES,
		    FRAME_KEY },
		{ "with all of them",
		    { 0, 0, 0, 3, 0x40, 1, 7, 0, 0, 0, 3, 0x42, 1, 7, 0, 0, 0, 3, 0x44, 1, 7, 0, 0, 0, 3, 0x26, 1, 7 },
		    28, 0, 0, FRAME_KEY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cutter *c = cutter_create(&usual);
		struct fixture_parts parts = { .count = 0 };
		struct track *t = h265_track();
		struct frame *f = fixture_frame_sized(t, ORIGIN, cases[i].flags, cases[i].len);
		const uint8_t *payload;

		assert_non_null(c);
		memcpy(f->data, cases[i].units, cases[i].len);
		fixture_push(c, &parts, f);
		cutter_flush(c);
		fixture_drain(c, &parts);
		assert_int_equal(parts.count, 1);
		payload = parts.parts[0]->mdat->data + FMP4_MDAT_HEADER_BYTES;
		if (parts.parts[0]->mdat->size_bytes != FMP4_MDAT_HEADER_BYTES + cases[i].len + cases[i].added)
			fail_msg("%s: size", cases[i].name);
		assert_memory_equal(payload, cases[i].units, cases[i].added_at);
		if (cases[i].added > 0)
			assert_int_equal(payload[cases[i].added_at + 4] >> 1, 32);
		assert_memory_equal(payload + cases[i].added_at + cases[i].added, cases[i].units + cases[i].added_at,
		    cases[i].len - cases[i].added_at);
		fixture_parts_fini(&parts);
		cutter_destroy(&c);
		track_unref(t);
	}
}

/* Packets of 20, 60 and 10 ms: each lasts as long as it says, and the times are counted without a step. */
static void opus_packets_last_as_long_as_they_say(void **state)
{
	static const struct {
		uint8_t toc;
		unsigned ms;
	} packets[] = { { 0xfc, 20 }, { 0x1c, 60 }, { 0xf4, 10 } };
	struct cutter *c = cutter_create(&usual);
	struct fixture_parts parts = { .count = 0 };
	struct opus_config config;
	struct track *opus;
	int64_t at_ms = 0;
	uint32_t n = 0;
	uint64_t next = 0;

	assert_non_null(c);
	opus_config_default(&config);
	(void)state;
	assert_int_equal(opus_track_create_from_config(&opus, &config), PARSE_OK);
	for (; at_ms < 5000; at_ms += packets[n++ % 3].ms) {
		struct frame *f = fixture_frame(opus, ORIGIN + at_ms * MS, ORIGIN + at_ms * MS, FRAME_KEY);

		f->data[0] = packets[n % 3].toc;
		fixture_push(c, &parts, f);
	}
	cutter_flush(c);
	fixture_drain(c, &parts);
	n = 0;
	assert_int_equal(cutter_counters(c)->audio_anchors, 0);
	for (size_t i = 0; i < parts.count; i++) {
		const struct fmp4_run *run = &parts.parts[i]->runs[0];

		assert_true(i == 0 || run->base_decode_time == next);
		next = run->base_decode_time;
		for (uint32_t k = 0; k < run->sample_count; k++, n++) {
			next += run->samples[k].duration;
			assert_int_equal(run->samples[k].duration, packets[n % 3].ms * 48);
		}
	}
	assert_true(n > 150);
	assert_int_equal(next, (ORIGIN / MS + (uint64_t)at_ms) * 48);
	fixture_parts_fini(&parts);
	cutter_destroy(&c);
	track_unref(opus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h265_sets_go_in_band_where_they_are_missing),
		cmocka_unit_test(opus_packets_last_as_long_as_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
