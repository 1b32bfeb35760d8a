/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of a TS lane: fed by an SRT publisher's packets, by frames of another one, and by one after the other. */
#include "relay/ts_lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "media/h264.h"
#include "media/timeline.h"
#include "media/ts_mux.h"
#include "relay_fixture.h"
#include "relay_house.h"

enum {
	MESSAGES_MAX = 4096,
	PID_VIDEO = 0x100,
	PID_AUDIO = 0x101,
};

/* Takes what there is, message by message. */
struct listener {
	struct ts_reader reader; /* first: the ops get a pointer to it */
	uint8_t bytes[MESSAGES_MAX * TS_LANE_MESSAGE_BYTES];
	size_t len;
	size_t n_messages;
	size_t room; /* messages it takes before its socket is full */
	unsigned flushes;
	bool is_over;
	bool is_too_slow;
	enum close_reason reason;
};

struct fixture {
	struct house house;
	struct plan *plan;
	struct ts_lanes *lanes;
	struct ts_demux *demux;
	struct ts_direct *direct;
	struct ts_mux source; /* what an SRT publisher's encoder does */
	int64_t source_90k;
	uint64_t n_packets;
	unsigned n_pictures;
	size_t message_bytes; /* what is left over of a picture waits for the next one, unless it is whole packets */
	size_t held_bytes;
	uint8_t held[32 * 1024];
	unsigned loop; /* where the lanes are */
	struct track *video;
	struct track *audio;
	struct listener listeners[3];
};

static void take(struct listener *l)
{
	struct ts_piece piece;
	enum ts_piece_verdict verdict = TS_PIECE_NONE;

	while (l->room > 0 && (verdict = ts_lane_next(&l->reader, &piece)) == TS_PIECE_READY) {
		assert_true(piece.len <= TS_LANE_MESSAGE_BYTES && l->n_messages < MESSAGES_MAX);
		memcpy(l->bytes + l->len, piece.data, piece.len);
		l->len += piece.len;
		l->n_messages++;
		l->room--;
		ts_lane_advance(&l->reader);
	}
	if (verdict == TS_PIECE_TOO_SLOW)
		l->is_too_slow = true;
}

static void on_flush(struct ts_reader *reader)
{
	struct listener *l = (struct listener *)(void *)reader;

	l->flushes++;
	take(l);
}

static void on_over(struct ts_reader *reader, enum close_reason reason)
{
	struct listener *l = (struct listener *)(void *)reader;

	l->is_over = true;
	l->reason = reason;
}

static const struct ts_reader_ops ops = { .flush = on_flush, .over = on_over };

static void ignore_frame(void *arg, struct frame *frame, uint64_t first_packet)
{
	struct fixture *f = arg;

	if (frame_is_video(frame) && frame_is_key(frame))
		ts_direct_start(f->direct, first_packet, f->demux);
	frame_unref(frame);
}

static void ignore_codec(void *arg, const char *codec_name)
{
	(void)arg;
	(void)codec_name;
}

static void ignore(void *arg)
{
	(void)arg;
}

static struct track *make_video(void)
{
	static const uint8_t avcc[] = { 0x01, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0x00, 0x0a, 0x67, 0x42, 0xc0, 0x1e, 0xd9,
		0x00, 0xa0, 0x47, 0xfe, 0xc8, 0x01, 0x00, 0x04, 0x68, 0xce, 0x38, 0x80 };
	struct track *track = NULL;

	assert_int_equal(h264_track_create(&track, avcc, sizeof(avcc)), PARSE_OK);
	return track;
}

static int set_up(void **state)
{
	static const struct ts_demux_ops demux_ops = { ignore_frame, ignore_codec, ignore, NULL };
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.plan = plan_create();
	house_open(&f.house, f.plan);
	f.loop = house_loop(&f.house, "farm", 1);
	assert_int_equal(ts_lanes_create(&f.lanes, house_local(&f.house, f.loop)), 0);
	assert_int_equal(ts_demux_create(&f.demux, &demux_ops, &f), 0);
	ts_mux_init(&f.source);
	f.source_90k = 900000;
	f.message_bytes = TS_LANE_MESSAGE_BYTES;
	f.video = make_video();
	f.audio = fixture_audio_track(0);
	for (size_t i = 0; i < 3; i++) {
		f.listeners[i].reader.ops = &ops;
		f.listeners[i].room = SIZE_MAX;
	}
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 3; i++)
		ts_lane_detach(&f->listeners[i].reader);
	ts_direct_end(&f->direct);
	ts_lanes_destroy(&f->lanes);
	ts_demux_destroy(&f->demux);
	ts_mux_fini(&f->source);
	track_unref(f->video);
	track_unref(f->audio);
	house_close(&f->house);
	plan_unref(f->plan);
	return 0;
}

static struct frame *picture(struct fixture *f, int64_t dts_90k, bool is_key)
{
	static const uint8_t slice_head[] = { 0, 0, 0, 0, 0x41, 0x9a, 0x21, 0x6c };
	struct frame *frame = fixture_frame(f->video, dts_90k, 3000, is_key ? FRAME_KEY : 0);

	memcpy(frame->data, slice_head, sizeof(slice_head));
	frame->data[2] = (3000 - 4) >> 8;
	frame->data[3] = (uint8_t)(3000 - 4);
	if (is_key)
		frame->data[4] = 0x65;
	frame->arrival_us = f->house.clock.now_mono_us;
	return frame;
}

static void send_held(struct fixture *f)
{
	const bool is_all = f->message_bytes % TS_PACKET_BYTES == 0;
	size_t pos = 0;

	while (pos + f->message_bytes <= f->held_bytes || (is_all && pos < f->held_bytes)) {
		const size_t left = f->held_bytes - pos;
		const size_t len = left < f->message_bytes ? left : f->message_bytes;

		ts_direct_message(
		    f->direct, f->held + pos, len, ts_demux_next_packet(f->demux), f->house.clock.now_mono_us);
		ts_demux_feed(f->demux, f->held + pos, len, f->house.clock.now_mono_us);
		pos += len;
	}
	memmove(f->held, f->held + pos, f->held_bytes - pos);
	f->held_bytes -= pos;
}

/* The next picture of the SRT publisher's encoder goes into the lane, 100 ms after the one before. */
static void send_direct(struct fixture *f, bool is_key)
{
	struct bytes_writer w;
	struct frame *frame = picture(f, f->source_90k, is_key);

	bytes_writer_init_fixed(&w, f->held + f->held_bytes, sizeof(f->held) - f->held_bytes);
	assert_int_equal(ts_mux_frame(&f->source, frame, &w), 0);
	frame_unref(frame);
	f->held_bytes += w.len;
	f->source_90k += 9000;
	f->n_pictures++;
	send_held(f);
	ts_lanes_flush(f->lanes);
	house_advance(&f->house, 100);
	ts_lanes_flush(f->lanes);
}

/* What the listener got, read as any receiver would. */
struct seen {
	unsigned pictures;
	unsigned keys;
	bool begins_with_key;
	struct ts_demux_counts counts;
	unsigned discontinuities; /* packets that say so */
	uint16_t first_pids[4];
};

static void see_frame(void *arg, struct frame *frame, uint64_t first_packet)
{
	struct seen *seen = arg;

	(void)first_packet;
	if (frame_is_video(frame)) {
		if (seen->pictures == 0)
			seen->begins_with_key = frame_is_key(frame);
		seen->pictures++;
		seen->keys += frame_is_key(frame);
	}
	frame_unref(frame);
}

static struct seen see_bytes(const struct listener *l)
{
	static const struct ts_demux_ops see_ops = { see_frame, ignore_codec, ignore, NULL };
	struct seen seen = { 0 };
	struct ts_demux *demux;

	assert_int_equal(ts_demux_create(&demux, &see_ops, &seen), 0);
	ts_demux_feed(demux, l->bytes, l->len, 0);
	ts_demux_flush(demux);
	ts_demux_get_counts(demux, &seen.counts);
	ts_demux_destroy(&demux);
	return seen;
}

/* Whole packets, which count up or say that they do not: tables as well. */
static struct seen see(const struct listener *l)
{
	struct seen seen = see_bytes(l);
	uint8_t next[TS_PID_NULL + 1];

	memset(next, 0xff, sizeof(next));
	assert_int_equal(l->len % TS_PACKET_BYTES, 0);
	for (size_t pos = 0, n = 0; pos < l->len; pos += TS_PACKET_BYTES, n++) {
		struct ts_packet p;

		assert_int_equal(ts_packet_parse(&p, l->bytes + pos), PARSE_OK);
		seen.discontinuities += p.is_discontinuity;
		if (next[p.pid] != 0xff && !p.is_discontinuity && p.payload)
			assert_int_equal(p.continuity, next[p.pid]);
		next[p.pid] = (p.continuity + 1) & 15;
		if (n < 4)
			seen.first_pids[n] = p.pid;
	}
	return seen;
}

static struct listener *attach(struct fixture *f, size_t i)
{
	struct listener *l = &f->listeners[i];

	assert_int_equal(ts_lane_attach(f->lanes, "farm", &l->reader), 0);
	assert_int_equal(l->n_messages, 0);
	return l;
}

static void begin_direct(struct fixture *f, uint64_t generation)
{
	assert_int_equal(ts_direct_begin(&f->direct, f->lanes, "farm", generation), 0);
}

static void test_newcomer_gets_tables_and_the_newest_key_frame(void **state)
{
	struct fixture *f = *state;
	struct listener *l;
	struct seen seen;

	begin_direct(f, 1);
	for (int i = 0; i < 25; i++)
		send_direct(f, i % 10 == 0);
	l = attach(f, 0);
	ts_lanes_flush(f->lanes);
	for (int i = 25; i < 40; i++)
		send_direct(f, i % 10 == 0);
	seen = see(l);
	assert_int_equal(seen.first_pids[0], TS_PID_PAT);
	assert_int_equal(seen.first_pids[1], TS_MUX_PID_PMT);
	assert_true(seen.begins_with_key);
	assert_int_equal(seen.pictures, 20); /* from the 20th on */
	assert_int_equal(seen.counts.continuity_errors, 0);
	assert_int_equal(seen.discontinuities, 0);
}

static void test_readers_get_the_bytes_as_they_came(void **state)
{
	struct fixture *f = *state;
	struct listener *first;
	struct listener *second;

	begin_direct(f, 1);
	first = attach(f, 0);
	for (int i = 0; i < 15; i++)
		send_direct(f, i % 10 == 0);
	second = attach(f, 1);
	for (int i = 15; i < 30; i++)
		send_direct(f, i % 10 == 0);
	/* One that came later has the same bytes at its end; its beginning has tables in front. */
	assert_true(second->len < first->len);
	assert_memory_equal(first->bytes + first->len - 20 * 1316, second->bytes + second->len - 20 * 1316, 20 * 1316);
	assert_int_equal(see(first).counts.continuity_errors, 0);
	assert_int_equal(see(second).counts.continuity_errors, 0);
}

/* Messages of any size, as one gets from a tool that copies files. */
static void test_newcomer_misses_nothing_of_its_key_frame(void **state)
{
	struct fixture *f = *state;
	struct listener *l;

	f->message_bytes = 1000;
	begin_direct(f, 1);
	for (int i = 0; i < 25; i++)
		send_direct(f, i % 10 == 0);
	for (int i = 25; i < 80; i++) {
		l = attach(f, 0);
		ts_lanes_flush(f->lanes);
		send_direct(f, i % 10 == 0);
		assert_true(see_bytes(l).begins_with_key);
		ts_lane_detach(&l->reader);
		l->len = 0;
		l->n_messages = 0;
		l->reader.is_placed = l->reader.was_placed = false;
	}
}

static void test_waits_for_a_key_frame(void **state)
{
	struct fixture *f = *state;
	struct listener *l = attach(f, 0);

	begin_direct(f, 1);
	for (int i = 0; i < 5; i++)
		send_direct(f, false);
	assert_int_equal(l->n_messages, 0);
	send_direct(f, true);
	send_direct(f, false);
	assert_true(see(l).begins_with_key);
}

static void test_one_after_another_begins_with_a_key_frame_and_a_word(void **state)
{
	struct fixture *f = *state;
	struct listener *l = attach(f, 0);
	size_t before;
	struct seen seen;

	begin_direct(f, 1);
	for (int i = 0; i < 12; i++)
		send_direct(f, i == 0);
	ts_direct_end(&f->direct);
	ts_mux_discontinuity(&f->source);
	f->source_90k = 0; /* another encoder with another clock */
	ts_mux_fini(&f->source);
	ts_mux_init(&f->source);
	begin_direct(f, 2);
	before = l->len;
	send_direct(f, false);
	send_direct(f, false);
	assert_int_equal(l->len, before); /* of no use to anybody */
	send_direct(f, true);
	send_direct(f, false);
	seen = see(l);
	assert_int_equal(seen.pictures, 14);
	assert_int_equal(seen.keys, 2);
	assert_true(seen.discontinuities >= 1);
	assert_int_equal(seen.counts.continuity_errors, 0);
}

static void test_taken_over_while_it_is_on(void **state)
{
	struct fixture *f = *state;
	struct listener *l = attach(f, 0);
	struct ts_direct *old;
	uint8_t junk[TS_LANE_MESSAGE_BYTES] = { TS_SYNC_BYTE };
	size_t before;

	begin_direct(f, 1);
	send_direct(f, true);
	old = f->direct;
	begin_direct(f, 2);
	before = l->len;
	ts_direct_message(old, junk, sizeof(junk), 0, 0);
	ts_direct_start(old, 0, f->demux);
	ts_lanes_flush(f->lanes);
	ts_direct_end(&old);
	assert_int_equal(l->len, before);
	send_direct(f, true);
	assert_true(l->len > before);
}

static void test_slow_reader_skips_and_is_told_at_last(void **state)
{
	struct fixture *f = *state;
	struct listener *l = attach(f, 0);
	struct seen seen;

	begin_direct(f, 1);
	l->room = 3;
	for (int i = 0; i < 70; i++)
		send_direct(f, i % 10 == 0);
	assert_int_equal(l->n_messages, 3);
	l->room = SIZE_MAX;
	for (int i = 70; i < 90; i++)
		send_direct(f, i % 10 == 0);
	assert_false(l->is_too_slow);
	assert_int_equal(l->reader.lag.n_skips, 1);
	seen = see(l);
	assert_true(seen.discontinuities >= 1);
	assert_int_equal(seen.keys, 3); /* of 60, 70 and 80; the one it began with was cut off */
	for (int round = 0; round < 2; round++) {
		l->room = 0;
		for (int i = 0; i < 60; i++)
			send_direct(f, i % 10 == 0);
		l->room = SIZE_MAX;
		send_direct(f, true);
	}
	assert_true(l->is_too_slow);
}

static void test_after_a_loss_it_goes_on_at_a_later_key_frame(void **state)
{
	struct fixture *f = *state;
	struct listener *l = attach(f, 0);
	size_t before;

	begin_direct(f, 1);
	for (int i = 0; i < 5; i++)
		send_direct(f, i == 0);
	before = l->len;
	assert_false(ts_lane_skip(&l->reader));
	assert_false(ts_lane_skip(&l->reader)); /* it waits already */
	assert_int_equal(l->reader.lag.n_skips, 1);
	for (int i = 0; i < 5; i++)
		send_direct(f, false);
	assert_int_equal(l->len, before);
	send_direct(f, true);
	assert_true(l->len > before);
	assert_int_equal(see(l).counts.continuity_errors, 0);
}

/* ---- frames of another publisher ---- */

static void send_frames(struct fixture *f, struct house_publisher *p, int n, int key_every)
{
	for (int i = 0; i < n; i++) {
		struct frame *frame = picture(f, (int64_t)p->raw_ms * 90, i % key_every == 0);

		(void)publisher_push(p->publisher, frame);
		p->raw_ms += 100;
		house_advance(&f->house, 100);
	}
}

static void begin_frames(struct fixture *f, struct house_publisher *p)
{
	const struct house_publish spec = { .loop = 0, .stream = "farm", .key = 1 };

	p->raw_ms = 5000;
	house_publish(&f->house, p, &spec);
	house_pump(&f->house);
	assert_true(p->is_granted);
}

static void test_frames_are_muxed_once_for_all(void **state)
{
	struct fixture *f = *state;
	struct house_publisher p = { 0 };
	struct listener *first;
	struct listener *second;
	struct seen seen;

	begin_frames(f, &p);
	send_frames(f, &p, 15, 10);
	first = attach(f, 0);
	house_pump(&f->house);
	ts_lanes_flush(f->lanes);
	assert_true(first->n_messages > 0); /* at once, from the key frame before */
	second = attach(f, 1);
	send_frames(f, &p, 20, 10);
	seen = see(first);
	assert_true(seen.begins_with_key);
	assert_int_equal(seen.pictures, 5 + 20);
	assert_int_equal(seen.counts.continuity_errors, 0);
	assert_true(second->len > 0 && second->len <= first->len);
	assert_memory_equal(first->bytes + first->len - 20 * 1316, second->bytes + second->len - 20 * 1316, 20 * 1316);
	publisher_end(&p.publisher, CLOSE_CLIENT_ENDED);
	house_pump(&f->house);
}

static void test_packets_of_the_publisher_are_not_muxed_again(void **state)
{
	struct fixture *f = *state;
	struct house_publisher p = { 0 };
	struct listener *l;
	size_t before;

	begin_frames(f, &p);
	begin_direct(f, publisher_generation(p.publisher));
	l = attach(f, 0);
	send_direct(f, true);
	before = l->len;
	send_frames(f, &p, 10, 5);
	assert_int_equal(l->len, before);
	publisher_end(&p.publisher, CLOSE_CLIENT_ENDED);
	ts_direct_end(&f->direct);
	house_pump(&f->house);
	/* Another one, by another protocol: its frames are the stream now. */
	begin_frames(f, &p);
	send_frames(f, &p, 10, 5);
	assert_true(l->len > before);
	assert_true(see(l).discontinuities >= 1);
	assert_int_equal(see(l).pictures, 10); /* the one before was cut off, for all a receiver can tell */
	publisher_end(&p.publisher, CLOSE_CLIENT_ENDED);
	house_pump(&f->house);
}

static void test_end_of_the_stream_is_the_end_for_readers(void **state)
{
	struct fixture *f = *state;
	struct house_publisher p = { 0 };
	struct listener *l;

	begin_frames(f, &p);
	l = attach(f, 0);
	send_frames(f, &p, 5, 5);
	publisher_end(&p.publisher, CLOSE_CLIENT_ENDED);
	house_advance(&f->house, 20000);
	assert_true(l->is_over);
	assert_int_equal(l->reason, CLOSE_STREAM_OVER);
	assert_null(l->reader.lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_newcomer_gets_tables_and_the_newest_key_frame, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_readers_get_the_bytes_as_they_came, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newcomer_misses_nothing_of_its_key_frame, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waits_for_a_key_frame, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_one_after_another_begins_with_a_key_frame_and_a_word, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_taken_over_while_it_is_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slow_reader_skips_and_is_told_at_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_after_a_loss_it_goes_on_at_a_later_key_frame, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_frames_are_muxed_once_for_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_packets_of_the_publisher_are_not_muxed_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end_of_the_stream_is_the_end_for_readers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
