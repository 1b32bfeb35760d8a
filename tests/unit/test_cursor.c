/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay_fixture.h"

enum {
	SECOND_US = 1000000,
	FRAME_US = 100000, /* 10 frames a second, a key frame every second */
	MB = 1024 * 1024,
};

struct fixture {
	struct ring ring;
	struct track *video;
	struct cursor cursor;
	int64_t next_us;
	int n_pushed;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .video = fixture_video_track(0) };
	ring_init(&f.ring);
	cursor_init(&f.cursor);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	ring_fini(&f->ring);
	track_unref(f->video);
	return 0;
}

/* The publisher sends until then, without it. */
static void publish_until(struct fixture *f, int64_t until_us, size_t size_bytes)
{
	for (; f->next_us < until_us; f->next_us += FRAME_US, f->n_pushed++) {
		struct frame *frame =
		    fixture_frame(f->video, f->next_us * 9 / 100, size_bytes, f->n_pushed % 10 == 0 ? FRAME_KEY : 0);

		assert_int_equal(ring_push(&f->ring, frame), 0);
		frame_unref(frame);
	}
}

static void read_all(struct fixture *f)
{
	f->cursor.seq = f->ring.head;
}

static void waits_for_a_key_frame(void **state)
{
	struct fixture *f = *state;

	f->n_pushed = 1;
	publish_until(f, 5 * FRAME_US, 10);
	assert_false(cursor_start(&f->cursor, &f->ring, 0));
	assert_false(f->cursor.is_running);
	publish_until(f, 15 * FRAME_US, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	assert_int_equal(f->cursor.seq, f->ring.gop_seq);
}

static void a_reader_that_keeps_up_is_never_moved(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	for (int64_t now = 0; now < 3600ll * SECOND_US; now += SECOND_US) {
		publish_until(f, now, 100);
		assert_int_equal(cursor_check(&f->cursor, &f->ring, now), CURSOR_GOES_ON);
		read_all(f);
	}
	/* Nothing comes any more: that is not its fault. */
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 7200ll * SECOND_US), CURSOR_GOES_ON);
	assert_int_equal(f->cursor.lag.n_skips, 0);
}

static void five_seconds_of_waiting_move_it_to_the_newest_key_frame(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	read_all(f);
	publish_until(f, FRAME_US + LAG_MAX_US, 10);
	/* The oldest frame it has not read came at 0.1 s. */
	assert_int_equal(cursor_check(&f->cursor, &f->ring, FRAME_US + LAG_MAX_US), CURSOR_GOES_ON);
	assert_int_equal(cursor_check(&f->cursor, &f->ring, FRAME_US + LAG_MAX_US + 1), CURSOR_SKIPPED);
	assert_true(f->cursor.is_running);
	assert_int_equal(f->cursor.seq, f->ring.gop_seq);
	assert_int_equal(f->cursor.lag.n_skips, 1);
}

static void eight_megabytes_move_it_too(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	publish_until(f, 20ll * SECOND_US, 10);
	read_all(f);
	publish_until(f, 21ll * SECOND_US - FRAME_US, MB); /* 9 MB in less than a second */
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 21ll * SECOND_US), CURSOR_SKIPPED);
}

static void eight_megabytes_exactly_are_allowed(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	publish_until(f, 20ll * SECOND_US, 10);
	read_all(f);
	publish_until(f, 20ll * SECOND_US + 8 * FRAME_US, MB);
	assert_int_equal(ring_bytes_from(&f->ring, f->cursor.seq), LAG_MAX_BYTES);
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 21ll * SECOND_US), CURSOR_GOES_ON);
	publish_until(f, 20ll * SECOND_US + 9 * FRAME_US, 1);
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 21ll * SECOND_US), CURSOR_SKIPPED);
}

static void what_a_newcomer_finds_is_not_its_fault(void **state)
{
	struct fixture *f = *state;

	/* A GOP of 9 s and 12 MB waits for it. */
	for (int i = 0; i < 90; i++) {
		struct frame *frame = fixture_frame(f->video, (i + 10) * 9000, 12 * MB / 90, i == 0 ? FRAME_KEY : 0);

		assert_int_equal(ring_push(&f->ring, frame), 0);
		frame_unref(frame);
	}
	assert_true(cursor_start(&f->cursor, &f->ring, 10ll * SECOND_US));
	assert_int_equal(f->cursor.seq, f->ring.tail);
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 10ll * SECOND_US), CURSOR_GOES_ON);
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 10ll * SECOND_US + LAG_MAX_US), CURSOR_GOES_ON);
	/* But it has five seconds to read it, like everybody. */
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 10ll * SECOND_US + LAG_MAX_US + 1), CURSOR_SKIPPED);
}

static void what_the_ring_has_dropped_is_behind(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	publish_until(f, 30ll * SECOND_US, 10);
	assert_true(f->cursor.seq < f->ring.tail);
	assert_int_equal(cursor_check(&f->cursor, &f->ring, SECOND_US), CURSOR_SKIPPED);
	assert_true(f->cursor.seq >= f->ring.tail && f->cursor.seq < f->ring.head);
}

static void without_a_key_frame_it_waits_after_a_skip(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	for (int i = 1; i < 200; i++) {
		struct frame *frame = fixture_frame(f->video, i * 9000, 10, 0);

		assert_int_equal(ring_push(&f->ring, frame), 0);
		frame_unref(frame);
	}
	assert_int_equal(cursor_check(&f->cursor, &f->ring, 20ll * SECOND_US), CURSOR_SKIPPED);
	assert_false(f->cursor.is_running);
}

/* A reader that never reads: how it fares when it is asked at these times. */
static enum cursor_verdict skip_at(struct fixture *f, int64_t now_us)
{
	publish_until(f, now_us, 10);
	return cursor_check(&f->cursor, &f->ring, now_us);
}

static void the_third_skip_within_a_minute_is_the_last(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	assert_int_equal(skip_at(f, 10ll * SECOND_US), CURSOR_SKIPPED);
	assert_int_equal(skip_at(f, 40ll * SECOND_US), CURSOR_SKIPPED);
	assert_int_equal(skip_at(f, 70ll * SECOND_US), CURSOR_TOO_SLOW);
}

static void three_skips_in_more_than_a_minute_are_borne(void **state)
{
	struct fixture *f = *state;

	publish_until(f, 1, 10);
	assert_true(cursor_start(&f->cursor, &f->ring, 0));
	assert_int_equal(skip_at(f, 10ll * SECOND_US), CURSOR_SKIPPED);
	assert_int_equal(skip_at(f, 40ll * SECOND_US), CURSOR_SKIPPED);
	assert_int_equal(skip_at(f, 70ll * SECOND_US + FRAME_US), CURSOR_SKIPPED);
	/* The fourth counts with the second and third. */
	assert_int_equal(skip_at(f, 101ll * SECOND_US), CURSOR_SKIPPED);
	assert_int_equal(skip_at(f, 125ll * SECOND_US), CURSOR_TOO_SLOW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(waits_for_a_key_frame),
		TEST(a_reader_that_keeps_up_is_never_moved),
		TEST(five_seconds_of_waiting_move_it_to_the_newest_key_frame),
		TEST(eight_megabytes_move_it_too),
		TEST(eight_megabytes_exactly_are_allowed),
		TEST(what_a_newcomer_finds_is_not_its_fault),
		TEST(what_the_ring_has_dropped_is_behind),
		TEST(without_a_key_frame_it_waits_after_a_skip),
		TEST(the_third_skip_within_a_minute_is_the_last),
		TEST(three_skips_in_more_than_a_minute_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
