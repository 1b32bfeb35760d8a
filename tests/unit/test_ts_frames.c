/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "media/ts_packet.h"
#include "media/ts_pes.h"
#include "tests/unit/oom.h"
#include "tests/unit/ts_fixture.h"

enum {
	START_90K = 900000,
	ES_MAX_BYTES = 4096,
	ADTS_48000_STEP_90K = 1920, /* 1024 samples */
};

/* One stream, what comes out of it, and the PES packet that is made next. */
struct bench {
	struct ts_frames frames;
	struct ts_frames_ops ops;
	struct ts_frames_counts counts;
	struct ts_got got;
	uint8_t es[ES_MAX_BYTES];
	size_t len;
	uint64_t n_packets;
};

static struct bench *start(enum track_codec codec, const struct opus_config *opus)
{
	static struct bench b;
	const struct ts_frames_config config = {
		.codec = codec, .opus = opus, .ops = &b.ops, .ctx = &b.got, .counts = &b.counts
	};

	memset(&b, 0, sizeof(b));
	b.ops = (struct ts_frames_ops){ ts_got_ops.frame, ts_got_ops.unsupported, ts_got_ops.unreadable };
	ts_frames_init(&b.frames, &config);
	return &b;
}

static void stop(struct bench *b)
{
	ts_got_clear(&b->got);
	ts_frames_fini(&b->frames);
}

static const struct frame *frame_at(const struct bench *b, size_t n)
{
	assert_true(n < b->got.n_frames);
	return b->got.frames[n];
}

static void put(struct bench *b, const void *data, size_t len)
{
	assert_true(b->len + len <= sizeof(b->es));
	memcpy(b->es + b->len, data, len);
	b->len += len;
}

/* pts_90k below 0: none. */
static void send_at(struct bench *b, int64_t dts_90k, int64_t pts_90k, bool is_random_access)
{
	const struct ts_pes pes = { .payload = b->es,
		.len = b->len,
		.has_pts = pts_90k >= 0,
		.is_random_access = is_random_access,
		.pts_90k = pts_90k >= 0 ? pts_90k : 0,
		.dts_90k = pts_90k >= 0 ? dts_90k : 0,
		.first_packet = b->n_packets++ };

	ts_frames_take(&b->frames, &pes);
	b->len = 0;
}

static void send(struct bench *b, int64_t pts_90k)
{
	send_at(b, pts_90k, pts_90k, false);
}

/* ---- pictures ---- */

static const uint8_t start_code[] = { 0, 0, 0, 1 };
/* 64x48, without timing */
static const uint8_t plain_sps[] = { 0x67, 0x42, 0x00, 0x0a, 0xdc, 0x47, 0x90 };
static const uint8_t plain_pps[] = { 0x68, 0xce, 0x38, 0x80 };
static const uint8_t idr[] = { 0x65, 0x88, 0x81, 0x11 };
static const uint8_t inter[] = { 0x41, 0x9a, 0x21, 0x11 };
static const uint8_t recovery[] = { 0x06, 0x06, 0x01, 0xc4, 0x80 };
static const uint8_t broken_sps[] = { 0x67, 0x42 };

static void put_unit(struct bench *b, const uint8_t *unit, size_t len)
{
	put(b, start_code, sizeof(start_code));
	put(b, unit, len);
}

static void put_plain_sets(struct bench *b)
{
	put_unit(b, plain_sps, sizeof(plain_sps));
	put_unit(b, plain_pps, sizeof(plain_pps));
}

/* Those of the fixture's record, 640x360 and 30 pictures a second. */
static void put_timed_sets(struct bench *b)
{
	struct track *track = ts_fixture_track(CODEC_H264);

	put_unit(b, track->config + 8, 25);
	put_unit(b, track->config + 36, 5);
	track_unref(track);
}

static void send_key(struct bench *b, int64_t pts_90k)
{
	put_unit(b, idr, sizeof(idr));
	send(b, pts_90k);
}

static void send_inter(struct bench *b, int64_t pts_90k)
{
	put_unit(b, inter, sizeof(inter));
	send(b, pts_90k);
}

static void a_missing_time_is_a_step_further(void **state)
{
	static const struct {
		bool is_timed;
		int64_t dts_90k[3]; /* of the first pictures; -1: not sent */
		int64_t want_step_90k;
	} rows[] = {
		{ true, { START_90K, -1 }, 3000 }, { false, { START_90K, -1 }, 3000 },
		{ false, { START_90K, START_90K + 3600, -1 }, 3600 },
		{ false, { START_90K, START_90K + 3600, START_90K + 5400 }, 1800 },
		{ false, { START_90K, START_90K + 3600, START_90K + 103600 }, 3600 }, /* a pause is no step */
		{ false, { START_90K, START_90K + 3600, START_90K }, 3600 },	      /* nor is a step back */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = start(CODEC_H264, NULL);
		int64_t last_90k = 0;

		for (size_t n = 0; n < 3 && rows[i].dts_90k[n] > 0; n++) {
			if (n == 0 && rows[i].is_timed)
				put_timed_sets(b);
			else if (n == 0)
				put_plain_sets(b);
			last_90k = rows[i].dts_90k[n];
			send_key(b, last_90k);
		}
		send_inter(b, -1);
		send_inter(b, -1);
		assert_true(b->got.n_frames >= 3);
		assert_int_equal(frame_at(b, b->got.n_frames - 1)->dts_90k, last_90k + 2 * rows[i].want_step_90k);
		assert_int_equal(frame_at(b, b->got.n_frames - 1)->pts_90k, last_90k + 2 * rows[i].want_step_90k);
		assert_int_equal(b->counts.times_guessed, 2);
		stop(b);
	}
}

static void a_missing_time_goes_around_with_the_clock(void **state)
{
	struct bench *b = start(CODEC_H264, NULL);

	(void)state;
	put_plain_sets(b);
	send_key(b, TS_CLOCK_MODULUS - 1000);
	send_inter(b, -1);
	assert_int_equal(frame_at(b, 1)->dts_90k, 2000);
	put_unit(b, inter, sizeof(inter));
	send_at(b, TS_CLOCK_MODULUS - 1000, 2000, false);
	assert_int_equal(frame_at(b, 2)->dts_90k, TS_CLOCK_MODULUS - 1000);
	assert_int_equal(frame_at(b, 2)->pts_90k, TS_CLOCK_MODULUS + 2000);
	put_unit(b, inter, sizeof(inter));
	send_at(b, 1000, TS_CLOCK_MODULUS - 1000, false);
	assert_int_equal(frame_at(b, 3)->pts_90k, -1000);
	stop(b);
}

static void nothing_comes_before_time_sets_and_a_key(void **state)
{
	struct bench *b = start(CODEC_H264, NULL);

	(void)state;
	send_inter(b, START_90K); /* no key */
	send_key(b, START_90K);	  /* no sets */
	put_unit(b, broken_sps, sizeof(broken_sps));
	send_key(b, START_90K); /* broken ones */
	assert_int_equal(b->counts.frames_dropped, 3);
	stop(b);
	b = start(CODEC_H264, NULL);
	put_plain_sets(b);
	send_key(b, -1); /* no time to guess from */
	assert_int_equal(b->counts.frames_dropped, 1);
	assert_int_equal(b->counts.times_guessed, 0);
	assert_int_equal(b->got.n_frames, 0);
	send_inter(b, START_90K);
	assert_int_equal(b->got.n_frames, 0);
	send_key(b, START_90K);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

/* Sets in a PES packet of their own are no picture, but the next one's. */
static void sets_alone_are_no_frame(void **state)
{
	struct bench *b = start(CODEC_H264, NULL);

	(void)state;
	put_plain_sets(b);
	send(b, START_90K);
	assert_int_equal(b->got.n_frames + b->counts.frames_dropped, 0);
	send_key(b, START_90K);
	assert_int_equal(b->got.n_frames, 1);
	assert_int_equal(frame_at(b, 0)->track->width_px, 64);
	put_timed_sets(b);
	send_key(b, START_90K + 3000);
	assert_int_equal(frame_at(b, 1)->track->width_px, 640);
	assert_ptr_not_equal(frame_at(b, 0)->track, frame_at(b, 1)->track);
	stop(b);
}

/* A packet that says "random access" is believed when what is in it agrees. */
static void pictures_without_idr_may_be_keys(void **state)
{
	static const struct {
		bool has_recovery, is_random_access, is_key;
	} rows[] = { { true, true, true }, { true, false, false }, { false, true, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bench *b = start(CODEC_H264, NULL);

		put_plain_sets(b);
		send(b, START_90K);
		if (rows[i].has_recovery)
			put_unit(b, recovery, sizeof(recovery));
		put_unit(b, inter, sizeof(inter));
		send_at(b, START_90K, START_90K, rows[i].is_random_access);
		assert_int_equal(b->got.n_frames, rows[i].is_key);
		stop(b);
	}
}

static void without_memory_a_picture_is_dropped(void **state)
{
	struct bench *b = start(CODEC_H264, NULL);

	(void)state;
	put_plain_sets(b);
	send_key(b, START_90K);
	oom_arm(1, true);
	send_key(b, START_90K + 3000);
	oom_disarm(NULL);
	assert_int_equal(b->counts.frames_dropped, 1);
	send_inter(b, START_90K + 6000); /* depends on what is lost */
	assert_int_equal(b->got.n_frames, 1);
	send_key(b, START_90K + 9000);
	assert_int_equal(b->got.n_frames, 2);
	stop(b);
}

/* ---- AAC ---- */

/* 20 bytes with the header; LC, stereo. rate_index 3: 48 kHz, 4: 44.1 kHz; object_type 1: LC */
static void put_adts(struct bench *b, unsigned object_type, unsigned rate_index)
{
	uint8_t frame[20] = { 0xff, 0xf1, (uint8_t)(object_type << 6 | rate_index << 2), 0x80, 20 >> 3,
		(20 & 7) << 5 | 0x1f, 0xfc, 0x21 };

	put(b, frame, sizeof(frame));
}

static void sound_is_counted_on(void **state)
{
	struct bench *b = start(CODEC_AAC, NULL);

	(void)state;
	put_adts(b, 1, 3);
	send(b, -1); /* from where? */
	assert_int_equal(b->counts.frames_dropped, 1);
	put_adts(b, 1, 3);
	put_adts(b, 1, 3);
	send(b, START_90K);
	put_adts(b, 1, 3);
	send(b, -1);
	assert_int_equal(b->got.n_frames, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(frame_at(b, i)->dts_90k, START_90K + (int64_t)i * ADTS_48000_STEP_90K);
	assert_int_equal(b->counts.times_guessed, 1);
	stop(b);
}

/* Samples before the change count at the old rate. */
static void the_rate_changes_in_the_middle(void **state)
{
	struct bench *b = start(CODEC_AAC, NULL);

	(void)state;
	put_adts(b, 1, 3);
	put_adts(b, 1, 3);
	put_adts(b, 1, 4);
	put_adts(b, 1, 4);
	send(b, START_90K);
	assert_int_equal(b->got.n_frames, 4);
	assert_int_equal(frame_at(b, 2)->dts_90k, START_90K + 2 * ADTS_48000_STEP_90K);
	assert_int_equal(frame_at(b, 3)->dts_90k, START_90K + 2 * ADTS_48000_STEP_90K + 1024 * 90000 / 44100);
	assert_int_equal(frame_at(b, 1)->track->sample_rate_hz, 48000);
	assert_int_equal(frame_at(b, 2)->track->sample_rate_hz, 44100);
	stop(b);
}

/* Scalable rate profile: not ours. Said once; what is ours goes on. */
static void a_profile_that_is_not_ours_is_named_once(void **state)
{
	struct bench *b = start(CODEC_AAC, NULL);

	(void)state;
	put_adts(b, 2, 3);
	put_adts(b, 2, 3);
	put_adts(b, 1, 3);
	send(b, START_90K);
	assert_int_equal(b->got.n_unsupported, 1);
	assert_string_equal(b->got.unsupported[0], "aac");
	assert_int_equal(b->counts.frames_dropped, 2);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

static void without_memory_sound_is_dropped(void **state)
{
	struct bench *b = start(CODEC_AAC, NULL);

	(void)state;
	put_adts(b, 1, 3);
	oom_arm(1, true);
	send(b, START_90K);
	oom_disarm(NULL);
	assert_int_equal(b->counts.frames_dropped, 1);
	assert_int_equal(b->got.n_unsupported, 0);
	put_adts(b, 1, 3);
	send(b, START_90K);
	put_adts(b, 1, 3);
	put_adts(b, 1, 3);
	oom_arm(1, false);
	send(b, START_90K + ADTS_48000_STEP_90K);
	oom_disarm(NULL);
	/* the one that is missing has its time all the same */
	assert_int_equal(b->got.n_frames, 2);
	assert_int_equal(frame_at(b, 1)->dts_90k, START_90K + 2 * ADTS_48000_STEP_90K);
	stop(b);
}

/* Said once in a PES packet; then the next header of the same track. */
static void garbage_between_frames_is_walked_over(void **state)
{
	static const uint8_t garbage[] = { 0, 0xff, 0xff, 0xf1, 0, 0, 0xff };
	static const uint8_t others[] = { 0xff, 0xf1, 0x50, 0x80, 0x02, 0x9f, 0xfc }; /* 44.1 kHz: by chance */
	struct bench *b = start(CODEC_AAC, NULL);

	(void)state;
	put(b, garbage, sizeof(garbage));
	put_adts(b, 1, 3);
	put(b, garbage, sizeof(garbage));
	put(b, others, sizeof(others));
	put_adts(b, 1, 3);
	put(b, garbage, sizeof(garbage));
	send(b, START_90K);
	assert_int_equal(b->got.n_unreadable, 1);
	assert_int_equal(b->got.n_frames, 2);
	put(b, garbage, 1); /* it is not kept as half a header */
	send(b, START_90K);
	assert_int_equal(b->got.n_unreadable, 2);
	put_adts(b, 1, 3);
	send(b, START_90K);
	assert_int_equal(b->got.n_frames, 3);
	stop(b);
}

/* Halves in pieces of any size, also of none; what goes on with something else is given up. */
static void halves_of_frames(void **state)
{
	uint8_t frame[20];
	struct bench *b = start(CODEC_AAC, NULL);

	(void)state;
	put_adts(b, 1, 3);
	memcpy(frame, b->es, sizeof(frame));
	b->len = 0;
	for (size_t piece = 1; piece < sizeof(frame); piece++) {
		for (size_t at = 0; at < sizeof(frame); at += piece) {
			put(b, frame + at, piece < sizeof(frame) - at ? piece : sizeof(frame) - at);
			send(b, at == 0 ? START_90K : -1);
			send(b, -1);
		}
		assert_int_equal(b->got.n_frames, piece);
		assert_int_equal(frame_at(b, piece - 1)->size_bytes, sizeof(frame) - 7);
		assert_int_equal(frame_at(b, piece - 1)->dts_90k, START_90K);
	}
	put(b, frame, 3);
	send(b, START_90K);
	put(b, "\xff\xff\xff\xff", 4); /* so the header would have a rate that there is not */
	send(b, -1);
	assert_int_equal(b->got.n_unreadable, 1);
	put(b, frame, 10);
	send(b, START_90K);
	ts_frames_gap(&b->frames);
	put(b, frame, sizeof(frame));
	send(b, START_90K);
	assert_int_equal(b->got.n_frames, sizeof(frame));
	assert_int_equal(b->got.n_unreadable, 1);
	stop(b);
}

/* ---- Opus ---- */

/* Two bytes: one frame of 20 ms. */
static void put_opus(struct bench *b)
{
	static const uint8_t packet[] = { 0x7f, 0xe0, 2, 0xfc, 0x11 };

	put(b, packet, sizeof(packet));
}

static void opus_packets_are_counted_on(void **state)
{
	static const uint8_t malformed[] = { 0x7f, 0xe0, 1, 0xff }; /* it does not say how many frames */
	static const uint8_t empty[] = { 0x7f, 0xe0, 0 };
	static const uint8_t no_header[] = { 0xfc, 0x11 };
	struct opus_config config;
	struct bench *b;

	(void)state;
	opus_config_default(&config);
	b = start(CODEC_OPUS, &config);
	put_opus(b);
	send(b, -1); /* from where? */
	assert_int_equal(b->counts.frames_dropped, 1);
	put_opus(b);
	put(b, malformed, sizeof(malformed));
	put(b, empty, sizeof(empty));
	put_opus(b);
	put(b, no_header, sizeof(no_header));
	put_opus(b);
	send(b, START_90K);
	assert_int_equal(b->got.n_frames, 2);
	assert_int_equal(frame_at(b, 1)->dts_90k, START_90K + 1800);
	assert_int_equal(b->got.n_unreadable, 3);
	put_opus(b);
	send(b, -1);
	assert_int_equal(frame_at(b, 2)->dts_90k, START_90K + 3600);
	assert_int_equal(b->counts.times_guessed, 1);
	stop(b);
}

static void without_memory_for_its_track_opus_waits(void **state)
{
	struct opus_config config;
	struct bench *b;

	(void)state;
	opus_config_default(&config);
	b = start(CODEC_OPUS, &config);
	put_opus(b);
	oom_arm(1, true);
	send(b, START_90K);
	oom_disarm(NULL);
	assert_int_equal(b->counts.frames_dropped, 1);
	put_opus(b);
	send(b, START_90K);
	assert_int_equal(b->got.n_frames, 1);
	stop(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_time_is_a_step_further),
		cmocka_unit_test(a_missing_time_goes_around_with_the_clock),
		cmocka_unit_test(nothing_comes_before_time_sets_and_a_key),
		cmocka_unit_test(sets_alone_are_no_frame),
		cmocka_unit_test(pictures_without_idr_may_be_keys),
		cmocka_unit_test(without_memory_a_picture_is_dropped),
		cmocka_unit_test(sound_is_counted_on),
		cmocka_unit_test(the_rate_changes_in_the_middle),
		cmocka_unit_test(a_profile_that_is_not_ours_is_named_once),
		cmocka_unit_test(without_memory_sound_is_dropped),
		cmocka_unit_test(garbage_between_frames_is_walked_over),
		cmocka_unit_test(halves_of_frames),
		cmocka_unit_test(opus_packets_are_counted_on),
		cmocka_unit_test(without_memory_for_its_track_opus_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
