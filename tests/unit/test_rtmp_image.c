/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/rtmp_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "relay_fixture.h"

enum { LIST_MAX = 4096 };

static struct iovec iov[LIST_MAX];

/* The wire bytes as the writer of single messages makes them: what every player must get. */
static void write_message(struct bytes_writer *w, const struct frame *frame)
{
	const bool is_video = frame_is_video(frame);
	const struct rtmp_message_header header = {
		.csid = is_video ? RTMP_CSID_VIDEO : RTMP_CSID_AUDIO,
		.type = is_video ? RTMP_TYPE_VIDEO : RTMP_TYPE_AUDIO,
		.timestamp_ms = (uint32_t)(frame->dts_90k / 90),
		.stream_id = RTMP_STREAM_ID,
	};
	struct bytes_writer body;

	bytes_writer_init_growing(&body, RTMP_VIDEO_MAX_BYTES + FLV_HEADER_MAX_BYTES);
	flv_write_header(&body, frame);
	bytes_put(&body, frame->data, frame->size_bytes);
	rtmp_chunk_write(w, &header, body.data, body.len, RTMP_CHUNK_SIZE_OUT);
	assert_false(body.is_full || w->is_full);
	bytes_writer_fini(&body);
}

static void assert_list_is(const struct rtmp_image_list *list, const uint8_t *want, size_t len)
{
	size_t pos = 0;

	assert_int_equal(list->bytes, len);
	for (int i = 0; i < list->len; i++) {
		assert_true(list->iov[i].iov_len > 0);
		assert_true(pos + list->iov[i].iov_len <= len);
		assert_memory_equal(list->iov[i].iov_base, want + pos, list->iov[i].iov_len);
		pos += list->iov[i].iov_len;
	}
	assert_int_equal(pos, len);
}

static void check_frame(struct frame *frame)
{
	struct rtmp_image_list list = { .iov = iov, .max = LIST_MAX };
	const struct rtmp_image *image = rtmp_image_of(frame);
	struct bytes_writer want;

	assert_non_null(image);
	bytes_writer_init_growing(&want, 2 * RTMP_VIDEO_MAX_BYTES);
	write_message(&want, frame);
	assert_int_equal(image->wire_bytes, want.len);
	assert_true(rtmp_image_append(&list, image, frame, 0));
	assert_list_is(&list, want.data, want.len);
	bytes_writer_fini(&want);
}

static const size_t sizes[] = { 0, 1, 2, 100, 4089, 4090, 4091, 4092, 4093, 4094, 4095, 4096, 4097, 8185, 8186, 8187,
	8188, 8189, 8190, 8191, 8192, 8193, 12288, 40955, 40956, 40957, 40960, 1000003 };

/* 0xffffff ms is where the extended timestamp begins, 2^32 ms where it wraps. */
static const int64_t times_ms[] = { 0, 1, 10000, 0xfffffe, 0xffffff, 0x1000000, 0xfffffffe, 0xffffffff, 0x100000000,
	0x100000001 };

static void the_wire_is_what_the_writer_makes(void **state)
{
	struct track *tracks[] = { fixture_video_track(0), fixture_audio_track(0),
		track_create(TRACK_VIDEO, CODEC_H265, "x", 1), track_create(TRACK_AUDIO, CODEC_OPUS, "x", 1) };

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(tracks); t++) {
		assert_non_null(tracks[t]);
		for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
			for (size_t i = 0; i < ARRAY_LEN(times_ms); i++) {
				struct frame *frame =
				    fixture_frame(tracks[t], times_ms[i] * 90 + 45, sizes[s], i % 2 ? FRAME_KEY : 0);

				frame->pts_90k += (int64_t)i * 1500;
				check_frame(frame);
				frame_unref(frame);
			}
		}
		track_unref(tracks[t]);
	}
}

static void every_offset_gives_the_rest(void **state)
{
	static const size_t some_sizes[] = { 1, 4091, 4092, 8187, 9000 };
	static const int64_t some_ms[] = { 40, 0x1000000 };
	struct track *track = fixture_video_track(0);

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(some_sizes) * ARRAY_LEN(some_ms); s++) {
		struct frame *frame = fixture_frame(track, some_ms[s % 2] * 90, some_sizes[s / 2], FRAME_KEY);
		const struct rtmp_image *image = rtmp_image_of(frame);
		struct bytes_writer want;

		assert_non_null(image);
		bytes_writer_init_growing(&want, 65536);
		write_message(&want, frame);
		for (size_t offset = 0; offset < want.len; offset++) {
			struct rtmp_image_list list = { .iov = iov, .max = LIST_MAX };

			assert_true(rtmp_image_append(&list, image, frame, offset));
			assert_list_is(&list, want.data + offset, want.len - offset);
		}
		bytes_writer_fini(&want);
		frame_unref(frame);
	}
	track_unref(track);
}

/* With a list of any size, going on where it ended gives the whole message in the end. */
static void a_list_too_small_is_filled_and_can_be_gone_on_from(void **state)
{
	struct track *track = fixture_video_track(0);
	struct frame *frame = fixture_frame(track, 90, 20000, FRAME_KEY);
	const struct rtmp_image *image = rtmp_image_of(frame);
	struct bytes_writer want;

	assert_non_null(image);
	(void)state;
	bytes_writer_init_growing(&want, 65536);
	write_message(&want, frame);
	for (int max = 1; max <= 12; max++) {
		size_t offset = 0;
		bool is_whole = false;

		while (!is_whole) {
			struct rtmp_image_list list = { .iov = iov, .max = max };

			is_whole = rtmp_image_append(&list, image, frame, offset);
			assert_true(list.len > 0 && (is_whole || list.len == max));
			assert_true(offset + list.bytes <= want.len);
			assert_list_is(&list, want.data + offset, list.bytes);
			offset += list.bytes;
		}
		assert_int_equal(offset, want.len);
	}
	bytes_writer_fini(&want);
	frame_unref(frame);
	track_unref(track);
}

static void a_list_that_is_full_takes_nothing(void **state)
{
	struct track *track = fixture_audio_track(0);
	struct frame *frame = fixture_frame(track, 90, 200, FRAME_KEY);
	struct rtmp_image_list list = { .iov = iov, .max = 4, .len = 4, .bytes = 77 };

	(void)state;
	assert_non_null(rtmp_image_of(frame));
	assert_false(rtmp_image_append(&list, rtmp_image_of(frame), frame, 0));
	assert_int_equal(list.len, 4);
	assert_int_equal(list.bytes, 77);
	frame_unref(frame);
	track_unref(track);
}

static void it_is_made_once(void **state)
{
	struct track *track = fixture_video_track(0);
	struct frame *frame = fixture_frame(track, 90, 200, FRAME_KEY);
	const struct rtmp_image *image = rtmp_image_of(frame);

	assert_non_null(image);
	(void)state;
	assert_ptr_equal(rtmp_image_of(frame), image);
	frame_unref(frame);
	track_unref(track);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wire_is_what_the_writer_makes),
		cmocka_unit_test(every_offset_gives_the_rest),
		cmocka_unit_test(a_list_too_small_is_filled_and_can_be_gone_on_from),
		cmocka_unit_test(a_list_that_is_full_takes_nothing),
		cmocka_unit_test(it_is_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
