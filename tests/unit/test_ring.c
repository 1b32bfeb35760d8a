/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay_fixture.h"

enum {
	SECOND_90K = 90000,
	KB = 1024,
	MB = 1024 * 1024,
};

struct fixture {
	struct ring ring;
	struct track *video;
	struct track *audio;
};

static int set_up(void **state)
{
	static struct fixture f;

	ring_init(&f.ring);
	f.video = fixture_video_track(0);
	f.audio = fixture_audio_track(0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	ring_fini(&f->ring);
	/* The ring has given back all it held: the last references are ours. */
	assert_int_equal(atomic_load(&f->video->refs), 1);
	assert_int_equal(atomic_load(&f->audio->refs), 1);
	track_unref(f->video);
	track_unref(f->audio);
	return 0;
}

static void push(struct fixture *f, struct track *track, int64_t dts_90k, size_t size_bytes, unsigned flags)
{
	struct frame *frame = fixture_frame(track, dts_90k, size_bytes, flags);

	assert_int_equal(ring_push(&f->ring, frame), 0);
	frame_unref(frame);
}

/* 10 frames a second from..until (without it), a key frame first and then every key_every frames (0: no more). */
static void push_video(struct fixture *f, int64_t from_90k, int64_t until_90k, size_t size_bytes, int key_every)
{
	int n = 0;

	for (int64_t t = from_90k; t < until_90k; t += SECOND_90K / 10, n++)
		push(f, f->video, t, size_bytes, n == 0 || (key_every && n % key_every == 0) ? FRAME_KEY : 0);
}

static int64_t oldest_90k(const struct fixture *f)
{
	return ring_frame(&f->ring, f->ring.tail)->dts_90k;
}

static void an_empty_ring_starts_nobody(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	assert_false(ring_start(&f->ring, &seq));
	assert_int_equal(ring_bytes_from(&f->ring, f->ring.head), 0);
	assert_null(ring_track(&f->ring, TRACK_VIDEO));
}

static void a_newcomer_starts_at_the_newest_key_frame(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 0;

	push_video(f, 0, 3 * SECOND_90K, 100, 10);
	push(f, f->audio, 3 * SECOND_90K, 10, FRAME_KEY);
	assert_true(ring_start(&f->ring, &seq));
	assert_int_equal(ring_frame(&f->ring, seq)->dts_90k, 2 * SECOND_90K);
	assert_int_equal(ring_bytes_from(&f->ring, seq), 10 * 100 + 10);
	assert_int_equal(ring_bytes_from(&f->ring, f->ring.head), 0);
	assert_ptr_equal(ring_track(&f->ring, TRACK_VIDEO), f->video);
	assert_ptr_equal(ring_track(&f->ring, TRACK_AUDIO), f->audio);
}

static void without_a_key_frame_nobody_starts(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	for (int64_t t = 0; t < 5 * SECOND_90K; t += SECOND_90K / 10)
		push(f, f->video, t, 100, 0);
	assert_false(ring_start(&f->ring, &seq));
}

static void five_seconds_are_kept_for_readers_that_lag(void **state)
{
	struct fixture *f = *state;

	push_video(f, 0, 20 * SECOND_90K, 100, 10);
	/* The newest is at 19.9 s. */
	assert_int_equal(oldest_90k(f), 20 * SECOND_90K - SECOND_90K / 10 - RING_LAG_90K);
}

static void what_no_reader_wants_goes_with_the_next_key_frame(void **state)
{
	struct fixture *f = *state;

	f->ring.wanted_from = RING_NOTHING_WANTED;
	push_video(f, 0, 2 * SECOND_90K, 100, 10);
	assert_int_equal(oldest_90k(f), SECOND_90K);
	/* One that has read half of it holds the other half, until it has read on. */
	f->ring.wanted_from = f->ring.tail + 5;
	push(f, f->video, 2 * SECOND_90K, 100, FRAME_KEY);
	assert_int_equal(oldest_90k(f), SECOND_90K + SECOND_90K / 2);
	f->ring.wanted_from = f->ring.head;
	push(f, f->video, 2 * SECOND_90K + 1, 100, 0);
	assert_int_equal(oldest_90k(f), 2 * SECOND_90K);
	/* But five seconds are the most that it may hold. */
	f->ring.wanted_from = f->ring.tail;
	push_video(f, 3 * SECOND_90K, 20 * SECOND_90K, 100, 10);
	assert_int_equal(oldest_90k(f), 20 * SECOND_90K - SECOND_90K / 10 - RING_LAG_90K);
}

static void a_gop_longer_than_that_is_kept_whole(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 0;

	push_video(f, 0, 8 * SECOND_90K, 100, 10); /* the last key frame is at 7 s */
	push_video(f, 8 * SECOND_90K, 17 * SECOND_90K, 100, 0);
	assert_int_equal(oldest_90k(f), 8 * SECOND_90K);
	assert_true(ring_start(&f->ring, &seq));
	assert_int_equal(seq, f->ring.tail);
}

static void with_a_key_frame_every_ten_seconds_anybody_can_start_at_any_time(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 0;

	for (int i = 0; i < 1000; i++) {
		push(f, f->video, (int64_t)i * 9000, 100, i % 100 == 0 ? FRAME_KEY : 0);
		push(f, f->audio, (int64_t)i * 9000 + 4500, 10, FRAME_KEY);
		assert_true(ring_start(&f->ring, &seq));
		assert_int_equal(ring_frame(&f->ring, seq)->dts_90k, i / 100 * 900000);
	}
}

static void at_ten_seconds_a_gop_is_there_and_a_tick_later_it_is_not(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 0;

	push(f, f->video, 0, 100, FRAME_KEY);
	push(f, f->video, RING_MAX_90K, 100, 0);
	assert_true(ring_start(&f->ring, &seq));
	assert_int_equal(seq, f->ring.tail);
	push(f, f->video, RING_MAX_90K + 1, 100, 0);
	assert_false(ring_start(&f->ring, &seq));
	assert_int_equal(f->ring.gop_seq, 0);
}

static void sixteen_megabytes_are_the_end(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	push(f, f->video, 0, MB, FRAME_KEY);
	for (int i = 1; i < 16; i++)
		push(f, f->video, i * 3000, MB, 0);
	assert_int_equal(ring_bytes_from(&f->ring, f->ring.tail), RING_MAX_BYTES);
	assert_true(ring_start(&f->ring, &seq));
	/* One byte more and the oldest goes, also when it is the key frame. */
	push(f, f->video, 16 * 3000, 1, 0);
	assert_int_equal(ring_bytes_from(&f->ring, f->ring.tail), 15 * MB + 1);
	assert_false(ring_start(&f->ring, &seq));
	push(f, f->video, 17 * 3000, MB, FRAME_KEY);
	assert_true(ring_start(&f->ring, &seq));
	assert_int_equal(seq, f->ring.head - 1);
}

static void tiny_frames_are_bounded_by_their_number(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3 * RING_MAX_FRAMES; i++)
		push(f, f->video, i, 1, i == 0 ? FRAME_KEY : 0);
	assert_int_equal(f->ring.head - f->ring.tail, RING_MAX_FRAMES);
	assert_true(f->ring.mask + 1 <= 2 * RING_MAX_FRAMES);
}

static void audio_alone_starts_at_the_newest_after_a_second_without_a_picture(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 0;

	push(f, f->audio, 0, 10, FRAME_KEY);
	push(f, f->audio, RING_AUDIO_ALONE_90K - 1, 10, FRAME_KEY);
	assert_false(ring_start(&f->ring, &seq));
	push(f, f->audio, RING_AUDIO_ALONE_90K, 10, FRAME_KEY);
	assert_true(ring_start(&f->ring, &seq));
	assert_int_equal(seq, f->ring.head - 1);
	/* A picture without its key frame: wait for it. */
	push(f, f->video, RING_AUDIO_ALONE_90K + 1, 10, 0);
	assert_false(ring_start(&f->ring, &seq));
}

static void audio_alone_keeps_five_seconds(void **state)
{
	struct fixture *f = *state;
	int64_t kept_90k;

	for (int64_t t = 0; t <= 60 * SECOND_90K; t += 1920)
		push(f, f->audio, t, 10, FRAME_KEY);
	kept_90k = ring_frame(&f->ring, f->ring.head - 1)->dts_90k - oldest_90k(f);
	assert_in_range(kept_90k, RING_LAG_90K - 1919, RING_LAG_90K);
}

static void a_picture_that_stops_leaves_audio_alone(void **state)
{
	struct fixture *f = *state;
	uint64_t seq = 0;

	push_video(f, 0, 2 * SECOND_90K, 100, 10);
	for (int64_t t = 2 * SECOND_90K; t <= 13 * SECOND_90K; t += 1920)
		push(f, f->audio, t, 10, FRAME_KEY);
	assert_int_equal(f->ring.n_video, 0);
	assert_true(ring_start(&f->ring, &seq));
	assert_int_equal(seq, f->ring.head - 1);
}

static void a_pause_of_the_publisher_empties_it(void **state)
{
	struct fixture *f = *state;

	push_video(f, 0, 4 * SECOND_90K, 100, 10);
	push(f, f->video, 30 * SECOND_90K, 100, FRAME_KEY);
	assert_int_equal(f->ring.head - f->ring.tail, 1);
	assert_int_equal(ring_bytes_from(&f->ring, f->ring.tail), 100);
}

static void a_new_track_becomes_the_newest(void **state)
{
	struct fixture *f = *state;
	struct track *other = fixture_video_track(1);

	push(f, f->video, 0, 100, FRAME_KEY);
	push(f, other, 3000, 100, FRAME_KEY);
	assert_ptr_equal(ring_track(&f->ring, TRACK_VIDEO), other);
	ring_fini(&f->ring);
	ring_init(&f->ring);
	assert_int_equal(atomic_load(&other->refs), 1);
	track_unref(other);
}

static void two_rings_never_have_the_same_id(void **state)
{
	struct fixture *f = *state;
	uint64_t first = f->ring.id;

	ring_fini(&f->ring);
	ring_init(&f->ring);
	assert_true(f->ring.id != first && f->ring.id != 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_ring_starts_nobody),
		TEST(a_newcomer_starts_at_the_newest_key_frame),
		TEST(without_a_key_frame_nobody_starts),
		TEST(five_seconds_are_kept_for_readers_that_lag),
		TEST(what_no_reader_wants_goes_with_the_next_key_frame),
		TEST(a_gop_longer_than_that_is_kept_whole),
		TEST(with_a_key_frame_every_ten_seconds_anybody_can_start_at_any_time),
		TEST(at_ten_seconds_a_gop_is_there_and_a_tick_later_it_is_not),
		TEST(sixteen_megabytes_are_the_end),
		TEST(tiny_frames_are_bounded_by_their_number),
		TEST(audio_alone_starts_at_the_newest_after_a_second_without_a_picture),
		TEST(audio_alone_keeps_five_seconds),
		TEST(a_picture_that_stops_leaves_audio_alone),
		TEST(a_pause_of_the_publisher_empties_it),
		TEST(a_new_track_becomes_the_newest),
		TEST(two_rings_never_have_the_same_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
