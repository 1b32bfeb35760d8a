/* SPDX-License-Identifier: Apache-2.0 */
/* The SRT tools' own eyes: what a sender writes into a stream comes out, and what is taken away is missed. */
#include "tests/tools/ts_bits.h"
#include "tests/tools/ts_file.h"
#include "tests/tools/ts_seen.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	PACKET = 188,
	PMT_PID = 0x100,
	VIDEO_PID = 0x101,
	FRAMES = 10,
	KEY_EVERY = 5,
	STEP_90K = 3000,
	STEP_US = 33333,
	TABLES = 2,
	PER_FRAME = 2, /* packets */
	PACKETS = TABLES + FRAMES * PER_FRAME,
	PES_HEAD = 14,
	STAMP_IN_SECOND = 8, /* so many of its digits lie in the frame's second packet */
};

static const uint8_t pat[] = { 0x47, 0x40, 0, 0x10, 0, 0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0 };
static const uint8_t pmt[] = { 0x47, 0x41, 0, 0x10, 0, 2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, 0x1b, 0xe1, 1,
	0xf0, 0 };

static void write_time(uint8_t *p, unsigned mark, int64_t t_90k)
{
	p[0] = (uint8_t)(mark << 4 | (t_90k >> 30 & 7) << 1 | 1);
	p[1] = (uint8_t)(t_90k >> 22);
	p[2] = (uint8_t)((t_90k >> 15 & 0x7f) << 1 | 1);
	p[3] = (uint8_t)(t_90k >> 7);
	p[4] = (uint8_t)((t_90k & 0x7f) << 1 | 1);
}

/* A PES with a PTS alone, filler, a stamp over the seam of both packets, and the first bytes of a slice. */
static void write_frame(uint8_t *out, int64_t t_90k, bool is_key)
{
	static const uint8_t head[PES_HEAD] = { 0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5 };
	static const uint8_t slice[] = { 0, 0, 0, 1 };
	uint8_t payload[2 * (PACKET - 4)];
	size_t stamp_at = PACKET - 4 - (STAMP_MARK_BYTES + STAMP_DIGITS - STAMP_IN_SECOND);

	memset(payload, 0xff, sizeof(payload));
	memcpy(payload, head, sizeof(head));
	write_time(payload + 9, 2, t_90k);
	memcpy(payload + stamp_at, stamp_mark, STAMP_MARK_BYTES);
	memset(payload + stamp_at + STAMP_MARK_BYTES, '0', STAMP_DIGITS);
	memcpy(payload + 250, slice, sizeof(slice));
	payload[254] = is_key ? 0x65 : 0x41;
	for (int i = 0; i < PER_FRAME; i++) {
		uint8_t *p = out + i * PACKET;

		p[0] = TS_SYNC;
		p[1] = (uint8_t)((i == 0 ? 0x40 : 0) | VIDEO_PID >> 8);
		p[2] = VIDEO_PID & 0xff;
		p[3] = 0x10;
		memcpy(p + 4, payload + i * (PACKET - 4), PACKET - 4);
	}
}

static void write_stream(uint8_t *out)
{
	memset(out, 0xff, (size_t)TABLES * PACKET);
	memcpy(out, pat, sizeof(pat));
	memcpy(out + PACKET, pmt, sizeof(pmt));
	for (int i = 0; i < FRAMES; i++)
		write_frame(out + (TABLES + i * PER_FRAME) * PACKET, (1LL << 33) - 2 * STEP_90K + i * STEP_90K,
		    i % KEY_EVERY == 0);
}

struct world {
	struct ts_file file;
	struct ts_seen seen;
	int n_stamps;
	int64_t delays_us;
};

static void on_stamp(void *ctx, int64_t written_us, int64_t arrived_us)
{
	struct world *w = ctx;

	w->n_stamps++;
	w->delays_us += arrived_us - written_us;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	static uint8_t stream[PACKETS * PACKET];
	char name[] = "/tmp/test_ts_tools.XXXXXX";
	int fd = mkstemp(name);

	assert_non_null(w);
	assert_true(fd >= 0);
	write_stream(stream);
	assert_int_equal(write(fd, stream, sizeof(stream)), sizeof(stream));
	close(fd);
	assert_int_equal(ts_file_open(&w->file, name), 0);
	unlink(name);
	ts_seen_init(&w->seen);
	w->seen.on_stamp = on_stamp;
	w->seen.ctx = w;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	ts_file_close(&w->file);
	free(w);
	return 0;
}

/* n bursts, each read 7 us after it was written; packet `without` of burst `of` never arrives. */
static void run(struct world *w, int n, int of, int without)
{
	for (int i = 0; i < n; i++) {
		int64_t now_us = 1000000 + ts_file_due_us(&w->file);
		size_t len = 0;
		const uint8_t *data = ts_file_next(&w->file, now_us, &len);

		for (int at = 0; (size_t)at * PACKET < len; at++)
			if (i != of || (without >= 0 && at != without))
				ts_seen_feed(&w->seen, data + at * PACKET, PACKET, now_us + 7);
	}
	ts_seen_end(&w->seen, 1000000 + ts_file_due_us(&w->file));
}

static void test_whole(void **state)
{
	struct world *w = *state;

	/* Three rounds: the seams do not show, nor that 33 bits are over in the middle. */
	run(w, 3 * FRAMES, -1, -1);
	assert_int_equal(w->seen.n_packets, 3 * PACKETS);
	assert_int_equal(w->seen.n_frames, 3 * FRAMES);
	assert_int_equal(w->file.n_frames, 3 * FRAMES);
	assert_int_equal(w->seen.n_continuity, 0);
	assert_int_equal(w->seen.n_missing, 0);
	assert_int_equal(w->seen.n_backwards, 0);
	assert_int_equal(w->seen.n_not_key_first, 0);
	assert_int_equal(w->seen.first_key_us, 1000007);
	assert_in_range(w->seen.max_gap_us, STEP_US - 1, STEP_US + 1);
	assert_int_equal(w->n_stamps, 3 * FRAMES);
	assert_int_equal(w->delays_us, 3 * FRAMES * 7);
}

static void test_lost(void **state)
{
	static const struct {
		int of, without; /* -1: the whole burst */
		uint64_t continuity, frames, missing;
		int stamps;
	} cases[] = {
		/* A frame of two packets leaves a gap in the counter; the frame itself is missed by its time. */
		{ 3, -1, 1, FRAMES - 1, 1, FRAMES - 1 },
		/* Its first packet: the second is taken for the end of the frame before. */
		{ 3, 0, 1, FRAMES - 1, 1, FRAMES - 1 },
		/* Its second packet, and half of the clock with it. */
		{ 3, 1, 1, FRAMES, 0, FRAMES - 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w;

		setup(state);
		w = *state;
		run(w, FRAMES, cases[i].of, cases[i].without);
		assert_int_equal(w->seen.n_continuity, cases[i].continuity);
		assert_int_equal(w->seen.n_frames, cases[i].frames);
		assert_int_equal(w->seen.n_missing, cases[i].missing);
		assert_int_equal(w->n_stamps, cases[i].stamps);
		teardown(state);
	}
}

static void test_sixteen_frames_away(void **state)
{
	struct world *w;

	/* The counter is round again and says nothing: the times do. */
	setup(state);
	w = *state;
	for (int i = 0; i < 2 * FRAMES; i++) {
		int64_t now_us = 1000000 + ts_file_due_us(&w->file);
		size_t len = 0;
		const uint8_t *data = ts_file_next(&w->file, now_us, &len);

		if (i < 2 || i >= 10)
			ts_seen_feed(&w->seen, data, len, now_us);
	}
	ts_seen_end(&w->seen, 1000000);
	assert_int_equal(w->seen.n_continuity, 0);
	assert_int_equal(w->seen.n_missing, 8);
	teardown(state);
}

static void test_joined_between_keys(void **state)
{
	struct world *w = *state;
	size_t len;

	for (int i = 0; i < 3; i++)
		ts_file_next(&w->file, 0, &len);
	/* Tables come with the first burst of a file only, so the pictures are seen from the second round on. */
	run(w, FRAMES, -1, -1);
	assert_int_equal(w->seen.n_frames, 3);
	assert_int_equal(w->seen.n_not_key_first, 0);
	ts_seen_init(&w->seen);
	w->seen.pmt_pid = PMT_PID;
	w->seen.video_pid = VIDEO_PID;
	run(w, FRAMES, -1, -1);
	assert_int_equal(w->seen.n_not_key_first, 2);
	assert_true(w->seen.has_key);
}

static void test_not_a_stream(void **state)
{
	struct ts_file file;
	struct ts_seen seen;
	uint8_t rubbish[PACKET + 5] = { 1, 2, 3 };

	(void)state;
	assert_int_equal(ts_file_open(&file, "/dev/null"), -EINVAL);
	assert_int_equal(ts_file_open(&file, "/no/such/file"), -ENOENT);
	ts_seen_init(&seen);
	ts_seen_feed(&seen, rubbish, sizeof(rubbish), 0);
	assert_int_equal(seen.n_unsynced, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, setup, teardown),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_sixteen_frames_away),
		cmocka_unit_test_setup_teardown(test_joined_between_keys, setup, teardown),
		cmocka_unit_test(test_not_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
