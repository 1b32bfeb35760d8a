/* SPDX-License-Identifier: Apache-2.0 */
#include "media/flv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/h264.h"

/* Parameter sets as x264 makes them. */
#define SPS_640X360                                                                                                 \
	0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, \
	    0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48
#define PPS_640X360 0x68, 0xcb, 0x83, 0xcb, 0x20
#define SPS_1080X1920                                                                                               \
	0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x44, 0x03, 0xc7, 0x97, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, \
	    0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58
#define PPS_1080X1920 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0

#define HEAD_KEY   0x17, 1, 0, 0, 0
#define HEAD_INTER 0x27, 1, 0, 0, 0
#define LEN(n)	   0, 0, 0, n

static const uint8_t avc_header[] = { 0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 25, SPS_640X360, 1, 0, 5,
	PPS_640X360 };
static const uint8_t avc_header_turned[] = { 0x17, 0, 0, 0, 0, 1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, SPS_1080X1920, 1, 0,
	6, PPS_1080X1920 };
static const uint8_t avc_header_size_2[] = { 0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1e, 0xfd, 0xe1, 0, 25, SPS_640X360, 1,
	0, 5, PPS_640X360 };
static const uint8_t aac_header[] = { 0xaf, 0, 0x11, 0x90 };

static int parse(struct flv_parser *p, enum track_kind kind, const void *body, size_t len, struct flv_parsed *out)
{
	const struct flv_message m = { .body = body, .len = len, .timestamp_ms = 4294967295u, .arrival_us = 77 };

	memset(out, 0xee, sizeof(*out));
	return kind == TRACK_VIDEO ? flv_parse_video(p, &m, out) : flv_parse_audio(p, &m, out);
}

static void init_configured(struct flv_parser *p)
{
	struct flv_parsed out;

	flv_parser_init(p);
	assert_int_equal(parse(p, TRACK_VIDEO, avc_header, sizeof(avc_header), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_true(out.is_new_track);
	assert_int_equal(parse(p, TRACK_AUDIO, aac_header, sizeof(aac_header), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_true(out.is_new_track);
}

/* Bodies that are no frames, before and after there is a configuration. */
static const struct {
	const char *name;
	enum track_kind kind;
	uint8_t body[16];
	size_t len;
	int want;
	enum flv_kind want_kind;
	const char *codec_name;
} no_frames[] = {
	{ "empty video", TRACK_VIDEO, { 0 }, 0, PARSE_OK, FLV_NOTHING, "" },
	{ "empty audio", TRACK_AUDIO, { 0 }, 0, PARSE_OK, FLV_NOTHING, "" },
	{ "one byte of h264", TRACK_VIDEO, { 0x17 }, 1, PARSE_OK, FLV_NOTHING, "" },
	{ "one byte of aac", TRACK_AUDIO, { 0xaf }, 1, PARSE_OK, FLV_NOTHING, "" },
	{ "half a head", TRACK_VIDEO, { 0x17, 1, 0, 0 }, 4, PARSE_OK, FLV_NOTHING, "" },
	{ "a head alone", TRACK_VIDEO, { HEAD_KEY }, 5, PARSE_OK, FLV_NOTHING, "" },
	{ "an empty record", TRACK_VIDEO, { 0x17, 0, 0, 0, 0 }, 5, PARSE_OK, FLV_NOTHING, "" },
	{ "an aac head alone", TRACK_AUDIO, { 0xaf, 1 }, 2, PARSE_OK, FLV_NOTHING, "" },
	{ "an empty aac configuration", TRACK_AUDIO, { 0xaf, 0 }, 2, PARSE_OK, FLV_NOTHING, "" },
	{ "end of sequence", TRACK_VIDEO, { 0x17, 2, 0, 0, 0 }, 5, PARSE_OK, FLV_NOTHING, "" },
	{ "end of sequence with more", TRACK_VIDEO, { 0x17, 2, 0, 0, 0, 1 }, 6, PARSE_OK, FLV_NOTHING, "" },
	{ "packet type 9", TRACK_AUDIO, { 0xaf, 9, 1 }, 3, PARSE_OK, FLV_NOTHING, "" },
	{ "a command", TRACK_VIDEO, { 0x57, 0 }, 2, PARSE_OK, FLV_NOTHING, "" },
	{ "h263", TRACK_VIDEO, { 0x12, 1 }, 2, PARSE_OK, FLV_UNSUPPORTED, "h263" },
	{ "codec 15", TRACK_VIDEO, { 0x1f }, 1, PARSE_OK, FLV_UNSUPPORTED, "codec-15" },
	{ "mp3", TRACK_AUDIO, { 0x2f }, 1, PARSE_OK, FLV_UNSUPPORTED, "mp3" },
	{ "speex", TRACK_AUDIO, { 0xb2, 1, 2 }, 3, PARSE_OK, FLV_UNSUPPORTED, "speex" },
	{ "av1", TRACK_VIDEO, { 0x90, 'a', 'v', '0', '1', 1 }, 6, PARSE_OK, FLV_UNSUPPORTED, "av01" },
	{ "vp9", TRACK_VIDEO, { 0xa3, 'v', 'p', '0', '9', 1 }, 6, PARSE_OK, FLV_UNSUPPORTED, "vp09" },
	{ "h264 behind a FourCC", TRACK_VIDEO, { 0x90, 'a', 'v', 'c', '1' }, 5, PARSE_OK, FLV_UNSUPPORTED, "avc1" },
	{ "an audio FourCC in video", TRACK_VIDEO, { 0x90, 'O', 'p', 'u', 's' }, 5, PARSE_OK, FLV_UNSUPPORTED, "Opus" },
	{ "many tracks", TRACK_VIDEO, { 0x96, 0, 'h', 'v', 'c', '1' }, 6, PARSE_OK, FLV_UNSUPPORTED, "multitrack" },
	{ "many tracks of sound", TRACK_AUDIO, { 0x95, 1, 'O', 'p', 'u', 's' }, 6, PARSE_OK, FLV_UNSUPPORTED,
	    "multitrack" },
	{ "an enhanced command", TRACK_VIDEO, { 0xd0, 0, 'h', 'v', 'c', '1' }, 6, PARSE_OK, FLV_NOTHING, "" },
	{ "hvc1 alone", TRACK_VIDEO, { 0x90, 'h', 'v', 'c', '1' }, 5, PARSE_OK, FLV_NOTHING, "" },
	{ "a record of one byte of hvc1", TRACK_VIDEO, { 0x90, 'h', 'v', 'c', '1', 1 }, 6, PARSE_BAD, FLV_NOTHING, "" },
	{ "half a composition time", TRACK_VIDEO, { 0x91, 'h', 'v', 'c', '1', 0, 0 }, 7, PARSE_OK, FLV_NOTHING, "" },
	{ "hvc1 without a payload", TRACK_VIDEO, { 0x91, 'h', 'v', 'c', '1', 0, 0, 0 }, 8, PARSE_OK, FLV_NOTHING, "" },
	{ "the end of hvc1", TRACK_VIDEO, { 0x92, 'h', 'v', 'c', '1' }, 5, PARSE_OK, FLV_NOTHING, "" },
	{ "metadata of hvc1", TRACK_VIDEO, { 0x94, 'h', 'v', 'c', '1', 2, 0 }, 7, PARSE_OK, FLV_NOTHING, "" },
	{ "metadata that is a command", TRACK_VIDEO, { 0xd4, 'h', 'v', 'c', '1', 2, 0 }, 7, PARSE_OK, FLV_NOTHING, "" },
	{ "packet type 15 of hvc1", TRACK_VIDEO, { 0x9f, 'h', 'v', 'c', '1', 2 }, 6, PARSE_OK, FLV_NOTHING, "" },
	{ "an extension before av1", TRACK_VIDEO, { 0x97, 2, 0, 1, 2, 0, 'a', 'v', '0', '1' }, 10, PARSE_OK,
	    FLV_UNSUPPORTED, "av01" },
	{ "an extension of 256 bytes that are not there", TRACK_VIDEO, { 0x97, 255, 0, 255, 1, 2 }, 6, PARSE_OK,
	    FLV_NOTHING, "" },
	{ "extensions without end", TRACK_VIDEO, { 0x97, 0, 0, 7, 0, 0, 7, 0, 0, 7 }, 10, PARSE_OK, FLV_NOTHING, "" },
	{ "enhanced rubbish", TRACK_VIDEO, { 0x90, 0, '\n', 0xff, '1' }, 5, PARSE_OK, FLV_UNSUPPORTED, "...1" },
	{ "enhanced and cut off", TRACK_VIDEO, { 0x90, 'h', 'v', 'c' }, 4, PARSE_OK, FLV_NOTHING, "" },
	{ "ac-3", TRACK_AUDIO, { 0x91, 'a', 'c', '-', '3' }, 5, PARSE_OK, FLV_UNSUPPORTED, "ac-3" },
	{ "flac", TRACK_AUDIO, { 0x90, 'f', 'L', 'a', 'C' }, 5, PARSE_OK, FLV_UNSUPPORTED, "fLaC" },
	{ "enhanced mp3", TRACK_AUDIO, { 0x91, '.', 'm', 'p', '3' }, 5, PARSE_OK, FLV_UNSUPPORTED, ".mp3" },
	{ "aac behind a FourCC", TRACK_AUDIO, { 0x90, 'm', 'p', '4', 'a' }, 5, PARSE_OK, FLV_UNSUPPORTED, "mp4a" },
	{ "opus alone", TRACK_AUDIO, { 0x91, 'O', 'p', 'u', 's' }, 5, PARSE_OK, FLV_NOTHING, "" },
	{ "the end of opus", TRACK_AUDIO, { 0x92, 'O', 'p', 'u', 's', 1 }, 6, PARSE_OK, FLV_NOTHING, "" },
	{ "channels of opus", TRACK_AUDIO, { 0x94, 'O', 'p', 'u', 's', 1 }, 6, PARSE_OK, FLV_NOTHING, "" },
	{ "no OpusHead", TRACK_AUDIO, { 0x90, 'O', 'p', 'u', 's', 1 }, 6, PARSE_BAD, FLV_NOTHING, "" },
	{ "no frames in a packet", TRACK_AUDIO, { 0x91, 'O', 'p', 'u', 's', 0xfb, 0 }, 7, PARSE_BAD, FLV_NOTHING, "" },
	{ "enhanced audio alone", TRACK_AUDIO, { 0x90 }, 1, PARSE_OK, FLV_NOTHING, "" },
	{ "a record of one byte", TRACK_VIDEO, { 0x17, 0, 0, 0, 0, 1 }, 6, PARSE_BAD, FLV_NOTHING, "" },
	{ "an aac configuration of one byte", TRACK_AUDIO, { 0xaf, 0, 0x11 }, 3, PARSE_BAD, FLV_NOTHING, "" },
};

static void bodies_without_a_frame(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_frames) * 2; i++) {
		size_t at = i / 2;
		struct flv_parser p;
		struct flv_parsed out;

		flv_parser_init(&p);
		if (i % 2)
			init_configured(&p);
		if (parse(&p, no_frames[at].kind, no_frames[at].body, no_frames[at].len, &out) != no_frames[at].want)
			fail_msg("%s: result", no_frames[at].name);
		if (out.kind != no_frames[at].want_kind)
			fail_msg("%s: kind %d", no_frames[at].name, out.kind);
		assert_string_equal(out.codec_name, no_frames[at].codec_name);
		assert_null(out.frame);
		assert_false(out.is_new_track);
		assert_false(out.is_missing_config);
		flv_parser_fini(&p);
	}
}

static void media_before_its_configuration_is_dropped_and_counted(void **state)
{
	const uint8_t video[] = { HEAD_KEY, LEN(1), 0x65 };
	const uint8_t audio[] = { 0xaf, 1, 0x21 };
	struct flv_parser p;
	struct flv_parsed out;

	(void)state;
	flv_parser_init(&p);
	assert_int_equal(parse(&p, TRACK_VIDEO, video, sizeof(video), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_NOTHING);
	assert_true(out.is_missing_config);
	assert_int_equal(parse(&p, TRACK_AUDIO, audio, sizeof(audio), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_NOTHING);
	assert_true(out.is_missing_config);
	assert_int_equal(p.n_missing_config, 2);
	flv_parser_fini(&p);
}

/* Video bodies after avc_header: which payload, and is it key? */
static const struct {
	const char *name;
	uint8_t body[96];
	size_t len;
	int want;
	enum flv_kind want_kind;
	bool is_key;
	uint8_t payload[96];
	size_t payload_len;
	uint32_t width_px; /* 0: as before */
} frames[] = {
	{ "an IDR picture", { HEAD_KEY, LEN(2), 0x65, 1 }, 11, PARSE_OK, FLV_FRAME, true, { LEN(2), 0x65, 1 }, 6, 0 },
	{ "a P picture", { HEAD_INTER, LEN(2), 0x41, 1 }, 11, PARSE_OK, FLV_FRAME, false, { LEN(2), 0x41, 1 }, 6, 0 },
	{ "an IDR picture that the message denies", { HEAD_INTER, LEN(1), 0x65 }, 10, PARSE_OK, FLV_FRAME, true,
	    { LEN(1), 0x65 }, 5, 0 },
	{ "key without IDR", { HEAD_KEY, LEN(1), 0x41 }, 10, PARSE_OK, FLV_FRAME, false, { LEN(1), 0x41 }, 5, 0 },
	{ "key at a recovery point", { HEAD_KEY, LEN(5), 6, 6, 1, 0xc4, 0x80, LEN(1), 0x41 }, 19, PARSE_OK, FLV_FRAME,
	    true, { LEN(5), 6, 6, 1, 0xc4, 0x80, LEN(1), 0x41 }, 14, 0 },
	{ "a recovery point that is not key", { HEAD_INTER, LEN(5), 6, 6, 1, 0xc4, 0x80, LEN(1), 0x41 }, 19, PARSE_OK,
	    FLV_FRAME, false, { LEN(5), 6, 6, 1, 0xc4, 0x80, LEN(1), 0x41 }, 14, 0 },
	{ "delimiter and empty units go", { HEAD_KEY, LEN(2), 9, 0xf0, LEN(0), LEN(1), 0x65, LEN(0) }, 24, PARSE_OK,
	    FLV_FRAME, true, { LEN(1), 0x65 }, 5, 0 },
	{ "only a delimiter", { HEAD_INTER, LEN(2), 9, 0xf0 }, 11, PARSE_OK, FLV_NOTHING, false, { 0 }, 0, 0 },
	{ "only empty units", { HEAD_INTER, LEN(0), LEN(0) }, 13, PARSE_OK, FLV_NOTHING, false, { 0 }, 0, 0 },
	{ "a unit too long", { HEAD_KEY, LEN(2), 0x65, 1, LEN(2), 0x65 }, 16, PARSE_BAD, FLV_NOTHING, false, { 0 }, 0,
	    0 },
	{ "half a length", { HEAD_KEY, LEN(2), 0x65, 1, 0 }, 12, PARSE_BAD, FLV_NOTHING, false, { 0 }, 0, 0 },
	{ "annex b", { HEAD_KEY, 0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65, 0x88, 0x84 }, 17, PARSE_OK, FLV_FRAME, true,
	    { LEN(3), 0x65, 0x88, 0x84 }, 7, 0 },
	{ "the same sets in band stay in band", { HEAD_KEY, LEN(25), SPS_640X360, LEN(5), PPS_640X360, LEN(1), 0x65 },
	    48, PARSE_OK, FLV_FRAME, true, { LEN(25), SPS_640X360, LEN(5), PPS_640X360, LEN(1), 0x65 }, 43, 0 },
	{ "other sets in band", { HEAD_KEY, LEN(27), SPS_1080X1920, LEN(6), PPS_1080X1920, LEN(1), 0x65 }, 51, PARSE_OK,
	    FLV_FRAME, true, { LEN(27), SPS_1080X1920, LEN(6), PPS_1080X1920, LEN(1), 0x65 }, 46, 1080 },
	{ "key by its sets alone", { HEAD_KEY, LEN(27), SPS_1080X1920, LEN(6), PPS_1080X1920, LEN(1), 0x41 }, 51,
	    PARSE_OK, FLV_FRAME, true, { LEN(27), SPS_1080X1920, LEN(6), PPS_1080X1920, LEN(1), 0x41 }, 46, 1080 },
	{ "sets in a picture that is not key", { HEAD_INTER, LEN(27), SPS_1080X1920, LEN(1), 0x41 }, 41, PARSE_OK,
	    FLV_FRAME, false, { LEN(27), SPS_1080X1920, LEN(1), 0x41 }, 36, 0 },
	{ "sets alone", { HEAD_KEY, LEN(27), SPS_1080X1920, LEN(6), PPS_1080X1920 }, 46, PARSE_OK, FLV_CONFIG, false,
	    { 0 }, 0, 1080 },
	{ "broken sets in band", { HEAD_KEY, LEN(6), 0x67, 0x42, 0xc0, 0x1e, 0x80, 0x01, LEN(1), 0x65 }, 20, PARSE_OK,
	    FLV_FRAME, true, { LEN(6), 0x67, 0x42, 0xc0, 0x1e, 0x80, 0x01, LEN(1), 0x65 }, 15, 0 },
};

static void video_bodies_become_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct flv_parser p;
		struct flv_parsed out;

		init_configured(&p);
		if (parse(&p, TRACK_VIDEO, frames[i].body, frames[i].len, &out) != frames[i].want)
			fail_msg("%s: result", frames[i].name);
		if (out.kind != frames[i].want_kind)
			fail_msg("%s: kind %d", frames[i].name, out.kind);
		if (out.is_new_track != (frames[i].width_px != 0))
			fail_msg("%s: new track %d", frames[i].name, out.is_new_track);
		assert_int_equal(p.video->width_px, frames[i].width_px ? frames[i].width_px : 640);
		if (out.kind == FLV_FRAME) {
			if (frame_is_key(out.frame) != frames[i].is_key)
				fail_msg("%s: key %d", frames[i].name, frame_is_key(out.frame));
			assert_ptr_equal(out.frame->track, p.video);
			if (out.frame->size_bytes != frames[i].payload_len ||
			    memcmp(out.frame->data, frames[i].payload, frames[i].payload_len) != 0)
				fail_msg("%s: payload", frames[i].name);
			assert_int_equal(out.frame->dts_90k, 4294967295ll * 90);
			assert_int_equal(out.frame->arrival_us, 77);
		} else {
			assert_null(out.frame);
		}
		frame_unref(out.frame);
		flv_parser_fini(&p);
	}
}

static void composition_time_is_signed(void **state)
{
	static const struct {
		uint8_t raw[3];
		int64_t want_ms;
	} cases[] = {
		{ { 0, 0, 0 }, 0 },
		{ { 0, 0, 80 }, 80 },
		{ { 0xff, 0xff, 0xd8 }, -40 },
		{ { 0x7f, 0xff, 0xff }, 8388607 },
		{ { 0x80, 0, 0 }, -8388608 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t body[] = { HEAD_KEY, LEN(1), 0x65 };
		uint8_t head[FLV_HEADER_MAX_BYTES];
		struct bytes_writer w;
		struct flv_parser p;
		struct flv_parsed out;

		memcpy(body + 2, cases[i].raw, 3);
		init_configured(&p);
		assert_int_equal(parse(&p, TRACK_VIDEO, body, sizeof(body), &out), PARSE_OK);
		assert_int_equal(out.frame->pts_90k - out.frame->dts_90k, cases[i].want_ms * 90);
		bytes_writer_init_fixed(&w, head, sizeof(head));
		flv_write_header(&w, out.frame);
		assert_int_equal(w.len, 5);
		assert_memory_equal(head, body, 5);
		frame_unref(out.frame);
		flv_parser_fini(&p);
	}
}

static void other_length_sizes_become_four(void **state)
{
	const uint8_t body[] = { HEAD_KEY, 0, 2, 9, 0xf0, 0, 0, 0, 3, 0x65, 1, 2 };
	const uint8_t want[] = { LEN(3), 0x65, 1, 2 };
	struct flv_parser p;
	struct flv_parsed out;

	(void)state;
	init_configured(&p);
	assert_int_equal(parse(&p, TRACK_VIDEO, avc_header_size_2, sizeof(avc_header_size_2), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_false(out.is_new_track); /* for us it is the same */
	assert_int_equal(parse(&p, TRACK_VIDEO, body, sizeof(body), &out), PARSE_OK);
	assert_int_equal(out.frame->size_bytes, sizeof(want));
	assert_memory_equal(out.frame->data, want, sizeof(want));
	frame_unref(out.frame);
	flv_parser_fini(&p);
}

static void a_track_changes_only_when_it_changes(void **state)
{
	const uint8_t turned[] = { HEAD_KEY, LEN(27), SPS_1080X1920, LEN(6), PPS_1080X1920, LEN(1), 0x65 };
	const uint8_t other_aac[] = { 0xaf, 0, 0x12, 0x10 };
	struct flv_parser p;
	struct flv_parsed out;
	struct track *audio;

	(void)state;
	init_configured(&p);
	audio = p.audio;
	assert_int_equal(parse(&p, TRACK_AUDIO, aac_header, sizeof(aac_header), &out), PARSE_OK);
	assert_false(out.is_new_track);
	assert_ptr_equal(p.audio, audio);
	assert_int_equal(parse(&p, TRACK_AUDIO, other_aac, sizeof(other_aac), &out), PARSE_OK);
	assert_true(out.is_new_track);
	assert_int_equal(p.audio->sample_rate_hz, 44100);

	/* turned in band; the old header again, as a careless encoder repeats it, does not turn it back */
	assert_int_equal(parse(&p, TRACK_VIDEO, turned, sizeof(turned), &out), PARSE_OK);
	assert_true(out.is_new_track);
	frame_unref(out.frame);
	assert_int_equal(parse(&p, TRACK_VIDEO, avc_header, sizeof(avc_header), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_false(out.is_new_track);
	assert_int_equal(p.video->width_px, 1080);
	assert_int_equal(parse(&p, TRACK_VIDEO, turned, sizeof(turned), &out), PARSE_OK);
	assert_false(out.is_new_track);
	frame_unref(out.frame);
	/* a header that says what is already known changes nothing, the first one is a change again then */
	assert_int_equal(parse(&p, TRACK_VIDEO, avc_header_turned, sizeof(avc_header_turned), &out), PARSE_OK);
	assert_false(out.is_new_track);
	assert_int_equal(parse(&p, TRACK_VIDEO, avc_header, sizeof(avc_header), &out), PARSE_OK);
	assert_true(out.is_new_track);
	assert_int_equal(p.video->width_px, 640);
	flv_parser_fini(&p);
}

static void a_bad_header_leaves_what_was(void **state)
{
	uint8_t bad[sizeof(avc_header)];
	const uint8_t key[] = { HEAD_KEY, LEN(1), 0x65 };
	struct flv_parser p;
	struct flv_parsed out;

	(void)state;
	memcpy(bad, avc_header, sizeof(bad));
	bad[9] = 0xfd;	/* 2-byte lengths, but */
	bad[13] = 0x66; /* no SPS */
	init_configured(&p);
	assert_int_equal(parse(&p, TRACK_VIDEO, bad, sizeof(bad), &out), PARSE_BAD);
	assert_int_equal(out.kind, FLV_NOTHING);
	assert_int_equal(parse(&p, TRACK_VIDEO, key, sizeof(key), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_FRAME);
	assert_int_equal(out.frame->size_bytes, 5);
	frame_unref(out.frame);
	flv_parser_fini(&p);
}

static void what_is_written_is_read_again(void **state)
{
	const uint8_t audio[] = { 0xaf, 1, 0x21, 0x10, 0x05 };
	struct flv_parser p;
	struct flv_parsed out;
	struct bytes_writer w;
	uint8_t buf[256];

	(void)state;
	init_configured(&p);
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	flv_write_config(&w, p.video);
	assert_int_equal(w.len, sizeof(avc_header));
	assert_memory_equal(buf, avc_header, sizeof(avc_header));
	bytes_writer_reset(&w);
	flv_write_config(&w, p.audio);
	assert_int_equal(w.len, sizeof(aac_header));
	assert_memory_equal(buf, aac_header, sizeof(aac_header));

	assert_int_equal(parse(&p, TRACK_AUDIO, audio, sizeof(audio), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_FRAME);
	assert_true(frame_is_key(out.frame));
	assert_int_equal(out.frame->pts_90k, 4294967295ll * 90);
	bytes_writer_reset(&w);
	flv_write_header(&w, out.frame);
	bytes_put(&w, out.frame->data, out.frame->size_bytes);
	assert_int_equal(w.len, sizeof(audio));
	assert_memory_equal(buf, audio, sizeof(audio));
	frame_unref(out.frame);
	flv_parser_fini(&p);
}

/* Times that are no whole milliseconds: message time plus composition time is the pts, and absurd ones are cut. */
static void composition_time_is_rounded_with_its_message(void **state)
{
	static const struct {
		int64_t dts_90k, pts_90k;
		uint8_t want[FLV_HEADER_MAX_BYTES];
	} cases[] = {
		{ 900089, 900090, { 0x27, 1, 0, 0, 1 } },
		{ 900000, 900089, { 0x27, 1, 0, 0, 0 } },
		{ 900000, 896400, { 0x27, 1, 0xff, 0xff, 0xd8 } },
		{ 0, -1, { 0x27, 1, 0xff, 0xff, 0xff } },
		{ 0, INT64_C(1) << 50, { 0x27, 1, 0x7f, 0xff, 0xff } },
		{ INT64_C(1) << 50, 0, { 0x27, 1, 0x80, 0, 0 } },
	};
	struct flv_parser p;

	(void)state;
	init_configured(&p);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct frame *f = frame_create(p.video, 0);
		struct bytes_writer w;
		uint8_t head[FLV_HEADER_MAX_BYTES] = { 0 };

		assert_non_null(f);
		frame_stamp(f, cases[i].dts_90k, cases[i].pts_90k, 0);
		bytes_writer_init_fixed(&w, head, sizeof(head));
		flv_write_header(&w, f);
		assert_memory_equal(head, cases[i].want, sizeof(head));
		frame_unref(f);
	}
	flv_parser_fini(&p);
}

/* What x265 makes of 322x180. */
#define H265_VPS                                                                                                    \
	0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, \
	    0x03, 0x00, 0x3c, 0x95, 0x94, 0x09
#define H265_SPS                                                                                                    \
	0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, \
	    0xa0, 0x0a, 0x88, 0x0c, 0x1c, 0x44, 0xf9, 0x65, 0x65, 0x4a, 0x4c, 0x2f, 0x01, 0x68, 0x08, 0x00, 0x00,   \
	    0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x40
#define H265_PPS       0x44, 0x01, 0xc0, 0x73, 0xc1, 0x89
#define H265_OTHER_PPS 0x44, 0x01, 0xc0, 0x73, 0xc1, 0x8a
#define HVC1	       'h', 'v', 'c', '1'

static const uint8_t hvc1_header[] = { 0x90, HVC1, 1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 60, 0xf0, 0, 0xfc, 0xfd,
	0xf8, 0xf8, 0, 0, 0x0f, 3, 0xa0, 0, 1, 0, 24, H265_VPS, 0xa1, 0, 1, 0, 44, H265_SPS, 0xa2, 0, 1, 0, 6,
	H265_PPS };
static const uint8_t opus_header[] = { 0x90, 'O', 'p', 'u', 's', 'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 2, 0x38, 1,
	0x80, 0xbb, 0, 0, 0, 0, 0 };

static void init_enhanced(struct flv_parser *p)
{
	struct flv_parsed out;

	flv_parser_init(p);
	assert_int_equal(parse(p, TRACK_VIDEO, hvc1_header, sizeof(hvc1_header), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_true(out.is_new_track);
	assert_int_equal(p->video->codec, CODEC_H265);
	assert_int_equal(p->video->width_px, 322);
	assert_string_equal(p->video->codecs, "hvc1.1.6.L60.90");
	assert_int_equal(parse(p, TRACK_AUDIO, opus_header, sizeof(opus_header), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_true(out.is_new_track);
	assert_int_equal(p->audio->codec, CODEC_OPUS);
}

/* Bodies after hvc1_header, and what is written of them again. */
static const struct {
	const char *name;
	uint8_t body[64];
	size_t len;
	int want;
	enum flv_kind want_kind;
	bool is_key;
	int composition_ms;
	size_t payload_at;
	size_t payload_len;
	bool is_new_track;
} pictures[] = {
	{ "an IDR picture", { 0x93, HVC1, LEN(3), 0x26, 1, 7 }, 12, PARSE_OK, FLV_FRAME, true, 0, 5, 7, false },
	{ "an IDR picture later", { 0x91, HVC1, 0, 0, 40, LEN(3), 0x26, 1, 7 }, 15, PARSE_OK, FLV_FRAME, true, 40, 8, 7,
	    false },
	{ "an IDR picture earlier", { 0x91, HVC1, 0xff, 0xff, 0xff, LEN(3), 0x26, 1, 7 }, 15, PARSE_OK, FLV_FRAME, true,
	    -1, 8, 7, false },
	{ "a CRA picture", { 0x93, HVC1, LEN(3), 0x2a, 1, 7 }, 12, PARSE_OK, FLV_FRAME, true, 0, 5, 7, false },
	{ "a BLA picture", { 0x93, HVC1, LEN(3), 0x20, 1, 7 }, 12, PARSE_OK, FLV_FRAME, true, 0, 5, 7, false },
	{ "a trailing picture", { 0xa3, HVC1, LEN(3), 0x02, 1, 7 }, 12, PARSE_OK, FLV_FRAME, false, 0, 5, 7, false },
	{ "a leading picture", { 0xa3, HVC1, LEN(3), 0x12, 1, 7 }, 12, PARSE_OK, FLV_FRAME, false, 0, 5, 7, false },
	{ "annex b", { 0x93, HVC1, 0, 0, 0, 1, 0x26, 1, 7 }, 12, PARSE_OK, FLV_FRAME, true, 0, 0, 7, false },
	{ "a delimiter goes", { 0xa3, HVC1, LEN(3), 0x46, 1, 0x50, LEN(3), 0x02, 1, 7 }, 19, PARSE_OK, FLV_FRAME, false,
	    0, 12, 7, false },
	{ "sets alone", { 0x93, HVC1, LEN(6), H265_OTHER_PPS }, 15, PARSE_OK, FLV_CONFIG, false, 0, 0, 0, true },
	{ "the same sets alone", { 0x93, HVC1, LEN(6), H265_PPS }, 15, PARSE_OK, FLV_NOTHING, false, 0, 0, 0, false },
	{ "other sets in band", { 0x93, HVC1, LEN(6), H265_OTHER_PPS, LEN(3), 0x26, 1, 7 }, 22, PARSE_OK, FLV_FRAME,
	    true, 0, 5, 17, true },
	{ "an extension before it", { 0x97, 2, 1, 2, 3, 3, HVC1, LEN(3), 0x26, 1, 7 }, 17, PARSE_OK, FLV_FRAME, true, 0,
	    10, 7, false },
	{ "a unit too long", { 0x93, HVC1, LEN(4), 0x26, 1, 7 }, 12, PARSE_BAD, FLV_NOTHING, false, 0, 0, 0, false },
	{ "half a header", { 0x93, HVC1, LEN(1), 0x26 }, 10, PARSE_OK, FLV_NOTHING, false, 0, 0, 0, false },
	{ "h264 without its configuration", { HEAD_KEY, LEN(1), 0x65 }, 10, PARSE_OK, FLV_NOTHING, false, 0, 0, 0,
	    false },
};

static void check_picture(size_t i, const struct frame *f)
{
	const uint8_t *payload = pictures[i].body + pictures[i].payload_at;
	const uint8_t from_annex_b[] = { LEN(3), 0x26, 1, 7 };

	if (frame_is_key(f) != pictures[i].is_key)
		fail_msg("%s: key %d", pictures[i].name, frame_is_key(f));
	if (f->pts_90k - f->dts_90k != pictures[i].composition_ms * 90)
		fail_msg("%s: composition", pictures[i].name);
	if (pictures[i].payload_at == 0)
		payload = from_annex_b;
	if (f->size_bytes != pictures[i].payload_len || memcmp(f->data, payload, f->size_bytes) != 0)
		fail_msg("%s: payload", pictures[i].name);
}

static void check_head_of(size_t i, const struct frame *f)
{
	uint8_t head[FLV_HEADER_MAX_BYTES];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, head, sizeof(head));
	flv_write_header(&w, f);
	assert_int_equal(w.len, pictures[i].composition_ms == 0 ? 5 : 8);
	assert_int_equal(
	    head[0], 0x80 | (pictures[i].is_key ? 0x10 : 0x20) | (pictures[i].composition_ms == 0 ? 3 : 1));
	assert_memory_equal(head + 1, "hvc1", 4);
	if (w.len == 8)
		assert_memory_equal(head + 5, pictures[i].body + 5, 3);
}

static void hvc1_bodies_become_frames_and_bodies_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pictures); i++) {
		struct flv_parser p;
		struct flv_parsed out;

		init_enhanced(&p);
		if (parse(&p, TRACK_VIDEO, pictures[i].body, pictures[i].len, &out) != pictures[i].want)
			fail_msg("%s: result", pictures[i].name);
		if (out.kind != pictures[i].want_kind || (out.frame != NULL) != (out.kind == FLV_FRAME))
			fail_msg("%s: kind %d", pictures[i].name, out.kind);
		if (out.is_new_track != pictures[i].is_new_track)
			fail_msg("%s: new track %d", pictures[i].name, out.is_new_track);
		if (out.frame) {
			check_picture(i, out.frame);
			check_head_of(i, out.frame);
		}
		frame_unref(out.frame);
		flv_parser_fini(&p);
	}
}

static void opus_goes_in_and_out(void **state)
{
	const uint8_t packet[] = { 0x91, 'O', 'p', 'u', 's', 0xfc, 1, 2 };
	const uint8_t empty_header[] = { 0x90, 'O', 'p', 'u', 's' };
	uint8_t buf[256];
	struct bytes_writer w;
	struct flv_parser p;
	struct flv_parsed out;

	(void)state;
	init_enhanced(&p);
	assert_int_equal(parse(&p, TRACK_AUDIO, packet, sizeof(packet), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_FRAME);
	assert_true(frame_is_key(out.frame));
	assert_int_equal(frame_samples(out.frame), 960);
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	flv_write_header(&w, out.frame);
	bytes_put(&w, out.frame->data, out.frame->size_bytes);
	assert_int_equal(w.len, sizeof(packet));
	assert_memory_equal(buf, packet, sizeof(packet));
	frame_unref(out.frame);
	bytes_writer_reset(&w);
	flv_write_config(&w, p.audio);
	assert_int_equal(w.len, sizeof(opus_header));
	assert_memory_equal(buf, opus_header, sizeof(opus_header));
	/* a header without a body means stereo, which is what there was */
	assert_int_equal(parse(&p, TRACK_AUDIO, empty_header, sizeof(empty_header), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_CONFIG);
	assert_false(out.is_new_track);
	bytes_writer_reset(&w);
	flv_write_config(&w, p.video);
	assert_int_equal(w.len, sizeof(hvc1_header));
	assert_memory_equal(buf, hvc1_header, sizeof(hvc1_header));
	flv_parser_fini(&p);
}

static void the_codec_may_change(void **state)
{
	const uint8_t h264[] = { HEAD_KEY, LEN(1), 0x65 };
	const uint8_t h265[] = { 0x93, HVC1, LEN(3), 0x26, 1, 7 };
	struct flv_parser p;
	struct flv_parsed out;

	(void)state;
	init_enhanced(&p);
	assert_int_equal(parse(&p, TRACK_VIDEO, avc_header, sizeof(avc_header), &out), PARSE_OK);
	assert_true(out.is_new_track);
	assert_int_equal(parse(&p, TRACK_VIDEO, h265, sizeof(h265), &out), PARSE_OK);
	assert_true(out.is_missing_config);
	assert_int_equal(parse(&p, TRACK_VIDEO, h264, sizeof(h264), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_FRAME);
	assert_int_equal(out.frame->track->codec, CODEC_H264);
	frame_unref(out.frame);
	assert_int_equal(parse(&p, TRACK_VIDEO, hvc1_header, sizeof(hvc1_header), &out), PARSE_OK);
	assert_true(out.is_new_track);
	assert_int_equal(parse(&p, TRACK_VIDEO, h265, sizeof(h265), &out), PARSE_OK);
	assert_int_equal(out.kind, FLV_FRAME);
	frame_unref(out.frame);
	flv_parser_fini(&p);
}

static void codecs_have_their_numbers(void **state)
{
	(void)state;
	assert_int_equal(flv_codec_id(CODEC_H264), 7);
	assert_int_equal(flv_codec_id(CODEC_AAC), 10);
	assert_int_equal(flv_codec_id(CODEC_H265), 0x68766331);
	assert_int_equal(flv_codec_id(CODEC_OPUS), 0x4f707573);
}

/* One byte wrong in every place and with every value: no harm, and the parser goes on. */
static void damaged_bodies_do_no_harm(void **state)
{
	static const uint8_t key[] = { HEAD_KEY, LEN(25), SPS_640X360, LEN(5), PPS_640X360, LEN(1), 0x65 };
	static const uint8_t h265_key[] = { 0x91, HVC1, 0, 0, 40, LEN(44), H265_SPS, LEN(3), 0x26, 1, 7 };
	static const struct {
		const uint8_t *body;
		size_t len;
	} bodies[] = { { avc_header, sizeof(avc_header) }, { key, sizeof(key) }, { hvc1_header, sizeof(hvc1_header) },
		{ h265_key, sizeof(h265_key) } };
	struct flv_parser p;
	struct flv_parsed out;
	uint8_t body[128];

	(void)state;
	init_configured(&p);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		for (size_t at = 0; at < bodies[i].len * 256; at++) {
			memcpy(body, bodies[i].body, bodies[i].len);
			body[at / 256] = (uint8_t)at;
			(void)parse(&p, TRACK_VIDEO, body, bodies[i].len, &out);
			frame_unref(out.frame);
			(void)parse(&p, TRACK_VIDEO, body, at / 256, &out);
			frame_unref(out.frame);
		}
	}
	assert_non_null(p.video);
	flv_parser_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_without_a_frame),
		cmocka_unit_test(media_before_its_configuration_is_dropped_and_counted),
		cmocka_unit_test(video_bodies_become_frames),
		cmocka_unit_test(composition_time_is_signed),
		cmocka_unit_test(other_length_sizes_become_four),
		cmocka_unit_test(a_track_changes_only_when_it_changes),
		cmocka_unit_test(a_bad_header_leaves_what_was),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(composition_time_is_rounded_with_its_message),
		cmocka_unit_test(hvc1_bodies_become_frames_and_bodies_again),
		cmocka_unit_test(opus_goes_in_and_out),
		cmocka_unit_test(the_codec_may_change),
		cmocka_unit_test(codecs_have_their_numbers),
		cmocka_unit_test(damaged_bodies_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
