/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_mux.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/aac.h"
#include "tests/unit/ts_fixture.h"

enum {
	SECOND = 90000,
	START_90K = 10 * SECOND,
	OUT_MAX_BYTES = 16 * 1024 * 1024,
};

/* A stream of some seconds: what went in and what came out. */
struct stream {
	struct ts_mux mux;
	struct bytes_writer w;
	struct track *tracks[TRACK_KINDS];
	size_t n_frames;
	struct frame *frames[TS_GOT_MAX];
};

static void begin(struct stream *s, enum track_codec video, enum track_codec audio)
{
	memset(s, 0, sizeof(*s));
	ts_mux_init(&s->mux);
	bytes_writer_init_growing(&s->w, OUT_MAX_BYTES);
	s->tracks[TRACK_VIDEO] = video == CODECS ? NULL : ts_fixture_track(video);
	s->tracks[TRACK_AUDIO] = audio == CODECS ? NULL : ts_fixture_track(audio);
}

static void end(struct stream *s)
{
	for (size_t i = 0; i < s->n_frames; i++)
		frame_unref(s->frames[i]);
	track_unref(s->tracks[TRACK_VIDEO]);
	track_unref(s->tracks[TRACK_AUDIO]);
	bytes_writer_fini(&s->w);
	ts_mux_fini(&s->mux);
}

/* Takes the frame. */
static void put(struct stream *s, struct frame *f)
{
	assert_true(s->n_frames < TS_GOT_MAX);
	s->frames[s->n_frames++] = f;
	assert_int_equal(ts_mux_frame(&s->mux, f, &s->w), 0);
}

static void put_picture(struct stream *s, int64_t dts_90k, unsigned n, size_t payload_bytes)
{
	int64_t offset_90k = n % 3 == 0 ? 2 * 3000 : 0; /* as with B-frames */

	put(s, ts_fixture_frame(s->tracks[TRACK_VIDEO], n % 30 == 0, dts_90k, dts_90k + offset_90k, payload_bytes));
}

struct shape {
	enum track_codec video, audio; /* CODECS: none */
	int64_t step_90k;	       /* of video */
	int64_t lag_90k;	       /* of audio: it comes so much later than its time */
	int64_t burst_90k;	       /* audio comes in heaps of this length */
};

/* Both tracks in the order in which they would arrive. */
static void run(struct stream *s, const struct shape *shape, int64_t seconds)
{
	const int64_t audio_step_90k = shape->audio == CODEC_OPUS ? 1800 : 1920;
	int64_t video_90k = 0;
	int64_t audio_90k = 0;
	unsigned n = 0;

	for (int64_t now_90k = 0; now_90k < seconds * SECOND; now_90k += 30) {
		if (shape->video != CODECS && video_90k <= now_90k) {
			put_picture(s, START_90K + video_90k, n, 100 + n * 37 % 5000);
			n++;
			video_90k += shape->step_90k;
		}
		if (shape->audio == CODECS || (shape->burst_90k > 0 && now_90k % shape->burst_90k != 0))
			continue;
		for (; audio_90k + shape->lag_90k <= now_90k; audio_90k += audio_step_90k)
			put(s,
			    ts_fixture_frame(s->tracks[TRACK_AUDIO], true, START_90K + audio_90k, START_90K + audio_90k,
				(size_t)(20 + audio_90k % 700)));
	}
}

static const struct {
	const char *name;
	struct shape shape;
	size_t max_alone; /* packets for the PCR alone */
} shapes[] = {
	{ "h264 and aac", { CODEC_H264, CODEC_AAC, 3000, 0, 0 }, 0 },
	{ "h265 and opus", { CODEC_H265, CODEC_OPUS, 1500, 0, 0 }, 0 },
	{ "film", { CODEC_H264, CODEC_AAC, 3750, 0, 0 }, 2 },
	{ "h264 alone", { CODEC_H264, CODECS, 3000, 0, 0 }, 0 },
	{ "aac alone", { CODECS, CODEC_AAC, 0, 0, 0 }, 0 },
	{ "opus alone", { CODECS, CODEC_OPUS, 0, 0, 0 }, 0 },
	{ "five pictures a second", { CODEC_H264, CODECS, 18000, 0, 0 }, 200 },
	{ "five pictures a second with sound", { CODEC_H264, CODEC_AAC, 18000, 0, 0 }, 200 },
	{ "sound late by half a second", { CODEC_H264, CODEC_AAC, 3000, 45000, 0 }, 120 },
	{ "sound early", { CODEC_H264, CODEC_AAC, 3000, -45000, 0 }, 8 },
	{ "sound in heaps of 200 ms", { CODEC_H264, CODEC_AAC, 3000, 0, 18000 }, 5 * 30 },
};

static void a_strict_reader_has_nothing_to_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct stream s;
		struct ts_checked c;

		begin(&s, shapes[i].shape.video, shapes[i].shape.audio);
		for (unsigned kind = 0; kind < TRACK_KINDS; kind++)
			assert_int_equal(ts_mux_set_track(&s.mux, kind, s.tracks[kind]), 0);
		run(&s, &shapes[i].shape, 6);
		ts_check(&c, s.w.data, s.w.len);
		if (c.fault[0])
			fail_msg("%s: %s", shapes[i].name, c.fault);
		if (c.max_psi_gap_90k > 400 * 90 || c.max_pcr_gap_90k > 100 * 90)
			fail_msg("%s: PSI %lld, PCR %lld", shapes[i].name, (long long)c.max_psi_gap_90k,
			    (long long)c.max_pcr_gap_90k);
		if (c.n_pcr_alone > shapes[i].max_alone)
			fail_msg("%s: %zu PCR alone", shapes[i].name, c.n_pcr_alone);
		assert_int_equal(c.n_pes[TRACK_VIDEO] + c.n_pes[TRACK_AUDIO], s.n_frames);
		assert_int_equal(c.pmt_version, 0);
		assert_int_equal(c.n_discontinuity, 0);
		end(&s);
	}
}

/* Of one kind, in order. */
static void compare(const struct stream *s, const struct ts_got *got, enum track_kind kind, const char *name)
{
	size_t at = 0;

	for (size_t i = 0; i < s->n_frames; i++) {
		if (s->frames[i]->track->kind != kind)
			continue;
		while (at < got->n_frames && got->frames[at]->track->kind != kind)
			at++;
		if (at == got->n_frames)
			fail_msg("%s: frame %zu is missing", name, i);
		if (!ts_frame_is_equal(s->frames[i], got->frames[at]))
			fail_msg("%s: frame %zu is another", name, i);
		at++;
	}
}

static void without_sets(struct ts_got *got)
{
	for (size_t i = 0; i < got->n_frames; i++) {
		struct frame *f = got->frames[i];
		size_t at = 0;

		if (f->track->kind != TRACK_VIDEO || !frame_is_key(f))
			continue;
		for (;;) { /* the last unit is the slice */
			size_t len = (size_t)f->data[at + 2] << 8 | f->data[at + 3];

			if (at + 4 + len == f->size_bytes)
				break;
			at += 4 + len;
		}
		assert_true(at > 0);
		f->size_bytes -= at;
		memmove(f->data, f->data + at, f->size_bytes);
	}
}

static void what_goes_in_comes_out(void **state)
{
	static const size_t pieces[] = { SIZE_MAX, 1316, 188, 100, 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes) * ARRAY_LEN(pieces); i++) {
		size_t at = i / ARRAY_LEN(pieces);
		struct stream s;
		static struct ts_got got;
		struct ts_demux_counts counts;

		begin(&s, shapes[at].shape.video, shapes[at].shape.audio);
		run(&s, &shapes[at].shape, 2);
		ts_got_all(&got, s.w.data, s.w.len, pieces[i % ARRAY_LEN(pieces)], &counts);
		without_sets(&got);
		assert_int_equal(got.n_frames, s.n_frames);
		compare(&s, &got, TRACK_VIDEO, shapes[at].name);
		compare(&s, &got, TRACK_AUDIO, shapes[at].name);
		for (unsigned kind = 0; kind < TRACK_KINDS && got.n_frames > 0; kind++) {
			const struct frame *f = got.frames[got.n_frames - 1];

			if (s.tracks[f->track->kind])
				assert_true(track_is_same(f->track, s.tracks[f->track->kind]));
		}
		assert_int_equal(counts.continuity_errors + counts.skipped_bytes + counts.pes_bad + counts.crc_errors +
			counts.frames_dropped + counts.times_guessed + got.n_unreadable,
		    0);
		ts_got_clear(&got);
		end(&s);
	}
}

static void times_wrap_after_33_bits(void **state)
{
	struct stream s;
	static struct ts_got got;
	struct ts_checked c;
	const int64_t first_90k = 3 * TS_CLOCK_MODULUS - 3 * 3000;

	(void)state;
	begin(&s, CODEC_H264, CODECS);
	for (unsigned n = 0; n < 60; n++)
		put_picture(&s, first_90k + n * 3000, n, 500);
	ts_check(&c, s.w.data, s.w.len / TS_PACKET_BYTES / 20 * TS_PACKET_BYTES); /* in front of the wrap */
	assert_string_equal(c.fault, "");
	ts_got_all(&got, s.w.data, s.w.len, SIZE_MAX, NULL);
	assert_int_equal(got.n_frames, 60);
	for (unsigned n = 0; n < 60; n++) {
		int64_t dts_90k = got.frames[n]->dts_90k;

		assert_int_equal(dts_90k, (first_90k + n * 3000) & (TS_CLOCK_MODULUS - 1));
		assert_int_equal(got.frames[n]->pts_90k - dts_90k, n % 3 == 0 ? 6000 : 0);
	}
	ts_got_clear(&got);
	end(&s);
}

/* Sizes around what one and two packets hold: every rest must come out. */
static void any_size_fits(void **state)
{
	(void)state;
	for (size_t size_bytes = 10; size_bytes < 620; size_bytes++) {
		struct stream s;
		static struct ts_got got;

		begin(&s, CODEC_H265, CODEC_AAC);
		put_picture(&s, START_90K, 0, size_bytes);
		put_picture(&s, START_90K + 3000, 1, size_bytes);
		put(&s, ts_fixture_frame(s.tracks[TRACK_AUDIO], true, START_90K, START_90K, size_bytes));
		put_picture(&s, START_90K + 6000, 2, size_bytes);
		assert_int_equal(s.w.len % TS_PACKET_BYTES, 0);
		ts_got_all(&got, s.w.data, s.w.len, SIZE_MAX, NULL);
		without_sets(&got);
		assert_int_equal(got.n_frames, 4);
		for (size_t i = 0; i < 4; i++)
			assert_true(ts_frame_is_equal(got.frames[i], s.frames[i]));
		ts_got_clear(&got);
		end(&s);
	}
}

/* 300 KB: no length in the header, so it ends where the next one begins. */
static void a_long_picture_has_no_length(void **state)
{
	struct stream s;
	static struct ts_got got;

	(void)state;
	begin(&s, CODEC_H264, CODECS);
	put_picture(&s, START_90K, 1, 300000); /* dropped: no key frame before it */
	put(&s, ts_fixture_frame(s.tracks[TRACK_VIDEO], true, START_90K + 3000, START_90K + 3000, 300000));
	put_picture(&s, START_90K + 6000, 1, 100);
	ts_got_all(&got, s.w.data, s.w.len, 1316, NULL);
	assert_int_equal(got.n_frames, 2);
	assert_int_equal(got.frames[1]->size_bytes, 104);
	ts_got_clear(&got);
	end(&s);
}

static void a_new_track_is_a_new_pmt(void **state)
{
	struct stream s;
	struct ts_checked c;
	size_t n_psi;

	(void)state;
	begin(&s, CODEC_H264, CODEC_AAC);
	put(&s, ts_fixture_frame(s.tracks[TRACK_AUDIO], true, START_90K, START_90K, 100));
	put_picture(&s, START_90K, 0, 100);
	ts_check(&c, s.w.data, s.w.len);
	assert_string_equal(c.fault, "");
	assert_int_equal(c.pmt_version, 1);
	n_psi = c.n_psi;
	/* An equal one is none, and a new size of the picture is not the PMT's business. */
	track_unref(s.tracks[TRACK_AUDIO]);
	s.tracks[TRACK_AUDIO] = ts_fixture_track(CODEC_AAC);
	put(&s, ts_fixture_frame(s.tracks[TRACK_AUDIO], true, START_90K + 1920, START_90K + 1920, 100));
	ts_check(&c, s.w.data, s.w.len);
	assert_int_equal(c.n_psi, n_psi);
	track_unref(s.tracks[TRACK_AUDIO]);
	s.tracks[TRACK_AUDIO] = ts_fixture_track(CODEC_OPUS);
	put(&s, ts_fixture_frame(s.tracks[TRACK_AUDIO], true, START_90K + 3840, START_90K + 3840, 100));
	ts_check(&c, s.w.data, s.w.len);
	assert_string_equal(c.fault, "");
	assert_int_equal(c.pmt_version, 2);
	assert_int_equal(c.n_psi, n_psi + 1);
	end(&s);
}

static void a_discontinuity_is_said_on_each_pid_once(void **state)
{
	struct stream s;
	struct ts_checked c;

	(void)state;
	begin(&s, CODEC_H264, CODEC_AAC);
	run(&s, &shapes[0].shape, 1);
	ts_mux_discontinuity(&s.mux);
	put(&s, ts_fixture_frame(s.tracks[TRACK_AUDIO], true, 5 * SECOND, 5 * SECOND, 100));
	for (unsigned n = 0; n < 9; n++)
		put_picture(&s, 5 * SECOND + n * 3000, n, 100);
	ts_check(&c, s.w.data, s.w.len);
	assert_string_equal(c.fault, "");
	assert_int_equal(c.n_discontinuity, 4);
	end(&s);
}

static void a_jump_of_time_is_a_discontinuity(void **state)
{
	static const int64_t jumps_90k[] = { 8 * SECOND, -8 * SECOND };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jumps_90k); i++) {
		struct stream s;
		struct ts_checked c;

		begin(&s, CODEC_H264, CODECS);
		for (unsigned n = 0; n < 60; n++)
			put_picture(&s, START_90K + n * 3000 + (n < 30 ? 0 : jumps_90k[i]), n, 100);
		ts_check(&c, s.w.data, s.w.len);
		assert_string_equal(c.fault, "");
		assert_int_equal(c.n_discontinuity, 1);
		assert_true(c.max_pcr_gap_90k <= 100 * 90);
		end(&s);
	}
}

static void sets_in_band_are_not_repeated(void **state)
{
	static const uint8_t with_sets[] = { 0, 0, 0, 2, 0x67, 1, 0, 0, 0, 2, 0x68, 2, 0, 0, 0, 2, 0x65, 3 };
	static const uint8_t with_one[] = { 0, 0, 0, 2, 0x67, 1, 0, 0, 0, 2, 0x65, 3 };
	static const uint8_t sps[] = { 0, 0, 0, 1, 0x67 };
	const struct {
		const uint8_t *payload;
		size_t len;
		unsigned n_sps;
	} cases[] = { { with_sets, sizeof(with_sets), 1 }, { with_one, sizeof(with_one), 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stream s;
		struct frame *f;
		unsigned n_sps = 0;

		begin(&s, CODEC_H264, CODECS);
		f = frame_create(s.tracks[TRACK_VIDEO], cases[i].len);
		assert_non_null(f);
		memcpy(f->data, cases[i].payload, cases[i].len);
		f->flags = FRAME_KEY;
		f->dts_90k = f->pts_90k = START_90K;
		put(&s, f);
		for (size_t at = 0; at + sizeof(sps) <= s.w.len; at++)
			n_sps += memcmp(s.w.data + at, sps, sizeof(sps)) == 0;
		assert_int_equal(n_sps, cases[i].n_sps);
		end(&s);
	}
}

static void what_cannot_be_written_leaves_no_trace(void **state)
{
	static const uint8_t asc_960[] = { 0x11, 0x94 };
	struct stream s;
	struct ts_checked c;
	struct bytes_writer small;
	uint8_t buf[2 * TS_PACKET_BYTES];
	struct track *odd;
	struct frame *f;

	(void)state;
	begin(&s, CODEC_H264, CODEC_AAC);
	put_picture(&s, START_90K, 0, 100);
	assert_int_equal(aac_track_create(&odd, asc_960, sizeof(asc_960)), 0);
	f = ts_fixture_frame(odd, true, START_90K, START_90K, 10);
	assert_int_equal(ts_mux_frame(&s.mux, f, &s.w), -ENOTSUP);
	frame_unref(f);
	track_unref(odd);
	f = ts_fixture_frame(s.tracks[TRACK_AUDIO], true, START_90K, START_90K, 8185);
	assert_int_equal(ts_mux_frame(&s.mux, f, &s.w), -EINVAL);
	frame_unref(f);
	f = ts_fixture_frame(s.tracks[TRACK_VIDEO], false, START_90K + 3000, START_90K + 3000, 100);
	f->data[3]++; /* a length beyond the end */
	assert_int_equal(ts_mux_frame(&s.mux, f, &s.w), -EINVAL);
	f->data[3]--;
	bytes_writer_init_fixed(&small, buf, sizeof(buf) - 1);
	while (ts_mux_frame(&s.mux, f, &small) == 0)
		;
	frame_unref(f);
	end(&s);

	begin(&s, CODEC_H264, CODECS);
	put_picture(&s, START_90K, 0, 100);
	f = ts_fixture_frame(s.tracks[TRACK_VIDEO], false, START_90K + 3000, START_90K + 3000, 1000);
	bytes_writer_init_fixed(&small, buf, sizeof(buf));
	assert_int_equal(ts_mux_frame(&s.mux, f, &small), -ENOMEM);
	assert_int_equal(small.len, 0);
	put(&s, f);
	ts_check(&c, s.w.data, s.w.len);
	assert_string_equal(c.fault, "");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_strict_reader_has_nothing_to_say),
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(times_wrap_after_33_bits),
		cmocka_unit_test(any_size_fits),
		cmocka_unit_test(a_long_picture_has_no_length),
		cmocka_unit_test(a_new_track_is_a_new_pmt),
		cmocka_unit_test(a_discontinuity_is_said_on_each_pid_once),
		cmocka_unit_test(a_jump_of_time_is_a_discontinuity),
		cmocka_unit_test(sets_in_band_are_not_repeated),
		cmocka_unit_test(what_cannot_be_written_leaves_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
