/* SPDX-License-Identifier: Apache-2.0 */
#include "media/fmp4_scan.h"

#include <errno.h>
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

enum { MAX_BYTES = 64 * 1024 };

/* A track of H.265 as an encoder of 320x180 makes it: sets of one layer. */
static struct track *video_h265(void)
{
	static const uint8_t vps[] = { 0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90,
		0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x95, 0x98, 0x09 };
	static const uint8_t sps[] = { 0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03,
		0x00, 0x00, 0x03, 0x00, 0x3c, 0xa0, 0x0a, 0x08, 0x0b, 0x9f, 0x79, 0x65, 0x66, 0x92, 0x4c, 0xaf, 0x01,
		0x68, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40 };
	static const uint8_t pps[] = { 0x44, 0x01, 0xc1, 0x72, 0xb4, 0x22, 0x40 };
	static struct h265_config config;
	struct track *t;

	memset(&config, 0, sizeof(config));
	assert_true(h265_config_add(&config, &(struct nal){ vps, sizeof(vps) }));
	assert_true(h265_config_add(&config, &(struct nal){ sps, sizeof(sps) }));
	assert_true(h265_config_add(&config, &(struct nal){ pps, sizeof(pps) }));
	assert_int_equal(h265_track_create_from_config(&t, &config), PARSE_OK);
	return t;
}

static struct track *audio_opus(void)
{
	struct opus_config config;
	struct track *t;

	opus_config_default(&config);
	config.pre_skip = 400;
	assert_int_equal(opus_track_create_from_config(&t, &config), PARSE_OK);
	return t;
}

static struct track *audio_opus_six(void)
{
	struct opus_config config = { .channels = 6,
		.pre_skip = 312,
		.input_rate_hz = 44100,
		.output_gain = 0xff00,
		.mapping_family = 1,
		.streams = 4,
		.coupled = 2,
		.mapping = { 0, 4, 1, 2, 3, 5 } };
	struct track *t;

	assert_int_equal(opus_track_create_from_config(&t, &config), PARSE_OK);
	return t;
}

static void check_round_trip(struct track *video, struct track *audio)
{
	const struct track *tracks[TRACK_KINDS];
	static uint8_t buf[MAX_BYTES];
	struct fmp4_scan_init init;
	struct bytes_writer w;
	struct track *read;
	size_t n = 0;

	if (video)
		tracks[n++] = video;
	if (audio)
		tracks[n++] = audio;
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	assert_int_equal(fmp4_write_init(&w, tracks, n), 0);
	for (size_t len = 0; len < w.len; len++)
		assert_int_equal(fmp4_scan_read_init(&init, buf, len), PARSE_MORE);
	assert_int_equal(fmp4_scan_read_init(&init, buf, w.len + 8), PARSE_OK);
	assert_int_equal(init.bytes, w.len);
	assert_int_equal(init.track_count, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(init.tracks[i].kind, tracks[i]->kind);
		assert_int_equal(init.tracks[i].timescale, fmp4_timescale(tracks[i]));
		assert_int_equal(fmp4_scan_track_create(&read, &init, i, buf), PARSE_OK);
		assert_true(track_is_same(read, tracks[i]));
		assert_string_equal(read->codecs, tracks[i]->codecs);
		assert_int_equal(read->width_px, tracks[i]->width_px);
		assert_int_equal(read->sample_rate_hz, tracks[i]->sample_rate_hz);
		track_unref(read);
	}
	track_unref(video);
	track_unref(audio);
}

static void every_codec_is_read_as_it_was_written(void **state)
{
	(void)state;
	check_round_trip(fixture_video(), fixture_audio());
	check_round_trip(fixture_video_large(), NULL);
	check_round_trip(video_h265(), audio_opus());
	check_round_trip(NULL, fixture_audio_44100());
	check_round_trip(NULL, audio_opus_six());
}

/* An init segment of both tracks, in a buffer that is the test's own. */
static size_t write_init(uint8_t *buf)
{
	struct track *video = fixture_video();
	struct track *audio = fixture_audio();
	const struct track *tracks[] = { video, audio };
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, MAX_BYTES);
	assert_int_equal(fmp4_write_init(&w, tracks, 2), 0);
	track_unref(video);
	track_unref(audio);
	return w.len;
}

static void damage_in_an_init_segment_is_survived(void **state)
{
	static uint8_t buf[MAX_BYTES];
	size_t len = write_init(buf);
	unsigned bad = 0;

	(void)state;
	for (size_t at = 0; at < len; at++) {
		struct fmp4_scan_init init;
		struct track *track;

		buf[at] ^= 0xff;
		if (fmp4_scan_read_init(&init, buf, len) == PARSE_OK) {
			for (size_t i = 0; i < init.track_count; i++) {
				(void)!fmp4_scan_track_create(&track, &init, i, buf);
				track_unref(track);
			}
		} else {
			bad++;
		}
		buf[at] ^= 0xff;
	}
	assert_true(bad > 100);
}

static void wrong_init_segments_are_refused(void **state)
{
	static uint8_t buf[MAX_BYTES];
	static const struct {
		const char *what; /* a box type or handler of the file */
		unsigned nth;
	} table[] = { { "ftyp", 0 }, { "moov", 0 }, { "mdia", 0 }, { "mdia", 1 }, { "hdlr", 0 }, { "vide", 0 },
		{ "tkhd", 1 }, { "mdhd", 0 }, { "minf", 0 }, { "stbl", 1 }, { "stsd", 0 } };
	size_t len = write_init(buf);
	struct fmp4_scan_init init;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		unsigned nth = table[i].nth;
		size_t at = 0;

		while (memcmp(buf + at, table[i].what, 4) != 0 || nth-- > 0)
			at++;
		buf[at] ^= 0x20;
		assert_int_equal(fmp4_scan_read_init(&init, buf, len), PARSE_BAD);
		buf[at] ^= 0x20;
	}
	memcpy(buf, "\0\1\0\1ftyp", 8); /* a size beyond all bounds is no reason to wait */
	assert_int_equal(fmp4_scan_read_init(&init, buf, len), PARSE_BAD);
}

/* ---- fragments ---- */

static const struct fmp4_sample video_samples[] = { { 3000, 1000, 0, true }, { 3003, 20, -3000, false },
	{ 2997, 0, 6000, false } };
static const struct fmp4_sample audio_samples[] = { { 1024, 7, 0, true }, { 1024, 8, 0, true } };
static const struct fmp4_run runs[] = { { TRACK_VIDEO, 90000, 0, 3, video_samples },
	{ TRACK_AUDIO, (uint64_t)1 << 40, 1020, 2, audio_samples } };

static size_t write_fragment(uint8_t *buf, const struct fmp4_run *of, size_t n, size_t payload_bytes)
{
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, MAX_BYTES);
	assert_int_equal(fmp4_write_moof(&w, 77, of, n), 0);
	fmp4_write_mdat_header(&w, payload_bytes);
	return w.len;
}

static void check_run(const struct fmp4_scan_run *got, const struct fmp4_run *run)
{
	uint64_t duration = 0;

	assert_int_equal(got->kind, run->kind);
	assert_true(got->base_decode_time == run->base_decode_time);
	assert_int_equal(got->mdat_offset, run->mdat_offset);
	assert_int_equal(got->sample_count, run->sample_count);
	for (uint32_t i = 0; i < run->sample_count; i++) {
		struct fmp4_sample s = fmp4_scan_sample(got, i);

		duration += s.duration;
		assert_int_equal(s.duration, run->samples[i].duration);
		assert_int_equal(s.size_bytes, run->samples[i].size_bytes);
		assert_int_equal(s.composition_offset, run->samples[i].composition_offset);
		assert_int_equal(s.is_key, run->samples[i].is_key);
	}
	assert_true(got->duration == duration);
}

static void a_fragment_is_read_as_it_was_written(void **state)
{
	static uint8_t init_bytes[MAX_BYTES];
	static uint8_t buf[MAX_BYTES];
	size_t len = write_fragment(buf, runs, 2, 1035);
	struct fmp4_scan_fragment f;
	struct fmp4_scan_init init;

	(void)state;
	assert_int_equal(fmp4_scan_read_init(&init, init_bytes, write_init(init_bytes)), PARSE_OK);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, n), PARSE_MORE);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, len), PARSE_OK);
	assert_int_equal(f.sequence, 77);
	assert_int_equal(f.moof_bytes, len - 8);
	assert_int_equal(f.mdat_bytes, 1043);
	assert_int_equal(f.run_count, 2);
	check_run(&f.runs[0], &runs[0]);
	check_run(&f.runs[1], &runs[1]);
	assert_int_equal(f.runs[0].bytes, 1020);
	assert_int_equal(f.runs[1].bytes, 15);
}

/* What is still taken after a change says what was written before it. */
static void check_like_written(const struct fmp4_scan_fragment *f, const uint8_t *data)
{
	static struct fmp4_sample samples[TRACK_KINDS][4096];
	struct fmp4_run again[TRACK_KINDS];
	static uint8_t buf[MAX_BYTES];
	struct bytes_writer w;

	for (size_t i = 0; i < f->run_count; i++) {
		for (uint32_t n = 0; n < f->runs[i].sample_count; n++)
			samples[i][n] = fmp4_scan_sample(&f->runs[i], n);
		again[i] = (struct fmp4_run){ f->runs[i].kind, f->runs[i].base_decode_time, f->runs[i].mdat_offset,
			f->runs[i].sample_count, samples[i] };
	}
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	assert_int_equal(fmp4_write_moof(&w, f->sequence, again, f->run_count), 0);
	fmp4_write_mdat_header(&w, f->mdat_bytes - 8);
	assert_memory_equal(buf, data, w.len);
}

static void damage_in_a_fragment_is_noticed(void **state)
{
	static uint8_t init_bytes[MAX_BYTES];
	static uint8_t buf[MAX_BYTES];
	size_t len = write_fragment(buf, runs, 2, 1035);
	struct fmp4_scan_fragment f;
	struct fmp4_scan_init init;
	unsigned taken = 0;

	(void)state;
	assert_int_equal(fmp4_scan_read_init(&init, init_bytes, write_init(init_bytes)), PARSE_OK);
	for (size_t bit = 0; bit < len * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (fmp4_scan_read_fragment(&f, &init, buf, len) == PARSE_OK) {
			check_like_written(&f, buf);
			taken++;
		}
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* The sequence, two tfdt below the bound, five durations, three composition offsets: nothing else is free. */
	assert_in_range(taken, 32 + 2 * 45, 32 + 2 * 47 + 5 * 32 + 3 * 32);
}

static void fragments_that_we_never_write_are_refused(void **state)
{
	static uint8_t init_bytes[MAX_BYTES];
	static uint8_t buf[MAX_BYTES];
	const struct fmp4_run swapped[] = { { TRACK_AUDIO, 0, 0, 2, audio_samples },
		{ TRACK_VIDEO, 0, 15, 3, video_samples } };
	const struct fmp4_run apart = { TRACK_VIDEO, 0, 8, 3, video_samples };
	const struct fmp4_run late = { TRACK_VIDEO, ((uint64_t)1 << 46) + 1, 0, 3, video_samples };
	struct fmp4_scan_fragment f;
	struct fmp4_scan_init init;

	(void)state;
	assert_int_equal(fmp4_scan_read_init(&init, init_bytes, write_init(init_bytes)), PARSE_OK);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, write_fragment(buf, swapped, 2, 1035)), PARSE_BAD);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, write_fragment(buf, &apart, 1, 1028)), PARSE_BAD);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, write_fragment(buf, &late, 1, 1020)), PARSE_BAD);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, write_fragment(buf, runs, 2, 1036)), PARSE_BAD);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, write_fragment(buf, runs, 0, 0)), PARSE_BAD);
	init.track_count = 1; /* a track that the init segment does not have */
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, buf, write_fragment(buf, runs, 2, 1035)), PARSE_BAD);
}

/* As channels have it. Everything but the audio's timescale is as it would be. */
static void an_audio_timescale_can_be_given(void **state)
{
	struct track *video = fixture_video();
	struct track *audio = fixture_audio_44100();
	const struct track *tracks[] = { video, audio };
	static uint8_t buf[MAX_BYTES];
	static uint8_t own[MAX_BYTES];
	struct fmp4_scan_init init;
	struct bytes_writer w;
	struct track *read;
	size_t differing = 0;

	(void)state;
	bytes_writer_init_fixed(&w, own, sizeof(own));
	assert_int_equal(fmp4_write_init_scaled(&w, tracks, 2, 0), 0);
	assert_int_equal(fmp4_scan_read_init(&init, own, w.len), PARSE_OK);
	assert_int_equal(init.tracks[1].timescale, 44100);
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	assert_int_equal(fmp4_write_init_scaled(&w, tracks, 2, 90000), 0);
	assert_int_equal(fmp4_scan_read_init(&init, buf, w.len), PARSE_OK);
	assert_int_equal(init.tracks[0].timescale, 90000);
	assert_int_equal(init.tracks[1].timescale, 90000);
	assert_int_equal(fmp4_scan_track_create(&read, &init, 1, buf), PARSE_OK);
	assert_int_equal(read->sample_rate_hz, 44100);
	assert_true(track_is_same(read, audio));
	for (size_t i = 0; i < w.len; i++)
		differing += buf[i] != own[i];
	assert_true(differing > 0 && differing <= 4);
	track_unref(read);
	track_unref(video);
	track_unref(audio);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_codec_is_read_as_it_was_written),
		cmocka_unit_test(damage_in_an_init_segment_is_survived),
		cmocka_unit_test(wrong_init_segments_are_refused),
		cmocka_unit_test(an_audio_timescale_can_be_given),
		cmocka_unit_test(a_fragment_is_read_as_it_was_written),
		cmocka_unit_test(damage_in_a_fragment_is_noticed),
		cmocka_unit_test(fragments_that_we_never_write_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
