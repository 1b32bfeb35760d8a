/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/slate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/nal.h"

static struct slate *built_in(void)
{
	struct slate *slate;

	assert_int_equal(slate_create_built_in(&slate), 0);
	return slate;
}

static void the_built_in_one_is_a_loop_of_two_seconds(void **state)
{
	struct slate *slate = built_in();
	size_t bytes = 0;

	(void)state;
	assert_int_equal(slate_pictures(slate), 60);
	assert_int_equal(slate_picture_90k(slate), 3000);
	assert_int_equal(slate_track(slate)->width_px, 1280);
	assert_int_equal(slate_track(slate)->height_px, 720);
	for (uint32_t i = 0; i < slate_pictures(slate); i++) {
		struct slate_picture picture = slate_picture(slate, i);
		unsigned types = 0;
		struct nal_walk walk;
		struct nal nal;

		nal_walk_init(&walk, picture.data, picture.size_bytes, NAL_LENGTH_4);
		while (nal_walk_next(&walk, &nal))
			types |= 1u << nal_h264_type(&nal);
		assert_false(walk.is_bad);
		/* SPS, PPS and an IDR slice at the beginning, then slices; no SEI, no delimiter */
		assert_int_equal(types, i == 0 ? 1u << 5 | 1u << 7 | 1u << 8 : 1u << 1);
		assert_int_equal(picture.is_key, i == 0);
		bytes += picture.size_bytes;
	}
	assert_in_range(bytes, 10000, 150000);
	slate_destroy(&slate);
	assert_null(slate);
}

static void parts_are_whole_pictures_up_to_the_end_of_the_loop(void **state)
{
	static const struct {
		uint32_t first;
		int64_t duration_90k;
		uint32_t want; /* pictures */
		bool is_independent;
	} cases[] = {
		{ 0, 45000, 15, true },
		{ 0, 47999, 15, true },
		{ 0, 3000, 1, true },
		{ 0, 2999, 0, true },
		{ 0, 0, 0, true },
		{ 0, -1, 0, true },
		{ 15, 45000, 15, false },
		{ 45, 45000, 15, false },
		{ 46, 45000, 14, false },
		{ 59, 45000, 1, false },
		{ 60, 45000, 15, true },
		{ 60 * 1000000 + 50, 45000, 10, false },
		{ 0, INT64_MAX, 60, true },
	};
	struct slate *slate = built_in();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct part *p;

		assert_int_equal(slate_part(slate, cases[i].first, cases[i].duration_90k, &p), 0);
		assert_int_equal(p != NULL, cases[i].want > 0);
		if (!p)
			continue;
		assert_int_equal(p->run_count, 1);
		assert_int_equal(p->runs[0].sample_count, cases[i].want);
		assert_int_equal(p->duration_90k, cases[i].want * 3000);
		assert_int_equal(p->start_90k, (int64_t)cases[i].first * 3000);
		assert_int_equal(p->runs[0].base_decode_time, (int64_t)cases[i].first * 3000);
		assert_int_equal(p->is_independent, cases[i].is_independent);
		assert_int_equal(p->samples[0].is_key, cases[i].is_independent);
		assert_ptr_equal(p->init->tracks[TRACK_VIDEO], slate_track(slate));
		assert_null(p->init->tracks[TRACK_AUDIO]);
		part_unref(p);
	}
	slate_destroy(&slate);
}

/* Delimiter, SPS, PPS, IDR slice; delimiter, slice. 640x360. */
static const uint8_t stream[] = { 0, 0, 0, 1, 9, 0x10, 0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9,
	0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48, 0, 0, 0, 1,
	0x68, 0xcb, 0x83, 0xcb, 0x20, 0, 0, 1, 0x65, 1, 2, 3, 0, 0, 0, 1, 9, 0x30, 0, 0, 0, 1, 0x41, 4, 5, 6 };

static void a_stream_is_read_by_its_delimiters(void **state)
{
	static const uint8_t second[] = { 0, 0, 0, 4, 0x41, 4, 5, 6 };
	struct slate *slate;

	(void)state;
	assert_int_equal(slate_create(&slate, stream, sizeof(stream), 3600), 0);
	assert_int_equal(slate_pictures(slate), 2);
	assert_int_equal(slate_picture_90k(slate), 3600);
	assert_int_equal(slate_track(slate)->width_px, 640);
	assert_int_equal(slate_picture(slate, 1).size_bytes, sizeof(second));
	assert_memory_equal(slate_picture(slate, 1).data, second, sizeof(second));
	slate_destroy(&slate);
}

static void what_is_no_loop_is_refused(void **state)
{
	uint8_t bad[2 * sizeof(stream)];
	struct slate *slate;

	(void)state;
	assert_int_equal(slate_create(&slate, stream, 0, 3000), -EINVAL);
	assert_null(slate);
	assert_int_equal(slate_create(&slate, stream, 6, 3000), -EINVAL);			 /* a delimiter alone */
	assert_int_equal(slate_create(&slate, stream + 51, sizeof(stream) - 51, 3000), -EINVAL); /* no key frame */
	memcpy(bad, stream, sizeof(stream));
	memcpy(bad + sizeof(stream), stream, sizeof(stream)); /* a second one */
	assert_int_equal(slate_create(&slate, bad, sizeof(bad), 3000), -EINVAL);
	memset(bad + 10, 0, 25); /* no SPS */
	assert_int_equal(slate_create(&slate, bad, sizeof(stream), 3000), -EINVAL);
	slate_destroy(&slate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_built_in_one_is_a_loop_of_two_seconds),
		cmocka_unit_test(parts_are_whole_pictures_up_to_the_end_of_the_loop),
		cmocka_unit_test(a_stream_is_read_by_its_delimiters),
		cmocka_unit_test(what_is_no_loop_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
