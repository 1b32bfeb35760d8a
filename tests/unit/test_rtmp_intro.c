/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/rtmp_intro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/amf0.h"
#include "media/flv.h"
#include "media/rtmp_chunk.h"
#include "relay_fixture.h"

/* What a player makes of the bytes. */
struct heard {
	double width;
	double height;
	double framerate;
	double videocodecid;
	double audiosamplerate;
	double audiochannels;
	double audiocodecid;
	unsigned n_members;
	unsigned n_metadata;
	struct track *tracks[TRACK_KINDS];
	uint32_t timestamp_ms[TRACK_KINDS];
};

static enum parse_result hear_member(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	struct heard *h = ctx;
	const struct {
		const char *name;
		double *to;
	} numbers[] = {
		{ "width", &h->width },
		{ "height", &h->height },
		{ "framerate", &h->framerate },
		{ "videocodecid", &h->videocodecid },
		{ "audiosamplerate", &h->audiosamplerate },
		{ "audiochannels", &h->audiochannels },
		{ "audiocodecid", &h->audiocodecid },
	};

	h->n_members++;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (amf0_string_is(name, numbers[i].name)) {
			assert_int_equal(value->type, AMF0_NUMBER);
			*numbers[i].to = value->number;
		}
	}
	return PARSE_OK;
}

static void hear_metadata(struct heard *h, const struct rtmp_message *message)
{
	struct amf0_reader r;
	struct amf0_string name;

	h->n_metadata++;
	assert_int_equal(message->csid, RTMP_CSID_DATA);
	assert_int_equal(message->timestamp_ms, 0);
	amf0_reader_init(&r, message->payload, message->len);
	assert_int_equal(amf0_read_string(&r, &name), PARSE_OK);
	assert_true(amf0_string_is(name, "onMetaData"));
	assert_int_equal(amf0_peek(&r), AMF0_ECMA_ARRAY);
	assert_int_equal(amf0_visit(&r, hear_member, h), PARSE_OK);
	assert_int_equal(amf0_peek(&r), AMF0_END);
}

static void hear_config(struct heard *h, const struct rtmp_message *message)
{
	const bool is_video = message->type == RTMP_TYPE_VIDEO;
	const enum track_kind kind = is_video ? TRACK_VIDEO : TRACK_AUDIO;
	const bool is_enhanced = message->payload[0] == 0x90;
	const size_t head = is_video || is_enhanced ? 5 : 2;

	assert_null(h->tracks[kind]);
	assert_int_equal(message->csid, is_video ? RTMP_CSID_VIDEO : RTMP_CSID_AUDIO);
	assert_true(message->len > head);
	h->timestamp_ms[kind] = message->timestamp_ms;
	if (is_enhanced) {
		assert_memory_equal(message->payload + 1, is_video ? "hvc1" : "Opus", 4);
	} else {
		assert_int_equal(message->payload[0], is_video ? 0x17 : 0xaf);
		assert_int_equal(message->payload[1], 0); /* a sequence header */
	}
	h->tracks[kind] = track_create(kind,
	    is_video ? (is_enhanced ? CODEC_H265 : CODEC_H264) : (is_enhanced ? CODEC_OPUS : CODEC_AAC),
	    message->payload + head, message->len - head);
}

static void hear(struct heard *h, const uint8_t *data, size_t len)
{
	struct bytes_writer set_size;
	const struct rtmp_message_header header = { .csid = RTMP_CSID_CONTROL, .type = RTMP_TYPE_SET_CHUNK_SIZE };
	const uint8_t size[] = { 0, 0, RTMP_CHUNK_SIZE_OUT >> 8, RTMP_CHUNK_SIZE_OUT & 0xff };
	struct rtmp_chunk_reader reader;
	struct rtmp_message message;
	size_t consumed;
	size_t pos = 0;

	rtmp_chunk_reader_init(&reader);
	bytes_writer_init_growing(&set_size, 64);
	rtmp_chunk_write(&set_size, &header, size, sizeof(size), RTMP_CHUNK_SIZE_DEFAULT);
	assert_int_equal(rtmp_chunk_reader_feed(&reader, set_size.data, set_size.len, &consumed, &message), PARSE_MORE);
	while (rtmp_chunk_reader_feed(&reader, data + pos, len - pos, &consumed, &message) == PARSE_OK) {
		pos += consumed;
		assert_int_equal(message.stream_id, RTMP_STREAM_ID);
		if (message.type == RTMP_TYPE_DATA_AMF0)
			hear_metadata(h, &message);
		else
			hear_config(h, &message);
	}
	assert_int_equal(rtmp_chunk_reader_error(&reader), RTMP_CHUNK_FINE);
	assert_int_equal(pos + consumed, len);
	assert_int_equal(reader.half_read_bytes, 0);
	rtmp_chunk_reader_fini(&reader);
	bytes_writer_fini(&set_size);
}

/* Writes the intro, reads it back and compares with what it was made of. */
static struct heard round_trip(struct track *video, struct track *audio, uint32_t timestamp_ms)
{
	struct track *given[TRACK_KINDS] = { [TRACK_VIDEO] = video, [TRACK_AUDIO] = audio };
	struct heard h = { 0 };
	struct bytes_writer w;

	bytes_writer_init_growing(&w, RTMP_INTRO_MAX_BYTES);
	rtmp_intro_write(&w, video, audio, timestamp_ms);
	assert_false(w.is_full);
	hear(&h, w.data, w.len);
	assert_int_equal(h.n_metadata, 1);
	for (int i = 0; i < TRACK_KINDS; i++) {
		assert_true(track_is_same(h.tracks[i], given[i]));
		if (given[i])
			assert_int_equal(h.timestamp_ms[i], timestamp_ms);
		track_unref(h.tracks[i]);
	}
	bytes_writer_fini(&w);
	return h;
}

static void a_player_hears_what_the_tracks_are(void **state)
{
	struct track *video = fixture_video_track(3);
	struct track *audio = fixture_audio_track(3);
	struct heard h = round_trip(video, audio, 12345);

	(void)state;
	assert_true(h.width == 1280 && h.height == 720 && h.framerate == 30 && h.videocodecid == 7);
	assert_true(h.audiosamplerate == 48000 && h.audiochannels == 2 && h.audiocodecid == 10);
	/* Extended timestamps, too. */
	round_trip(video, audio, 0xffffff);
	round_trip(video, audio, 0xffffffff);
	track_unref(video);
	track_unref(audio);
}

static void enhanced_codecs_go_by_their_fourcc(void **state)
{
	struct track *video = track_create(TRACK_VIDEO, CODEC_H265, "a record", 8);
	struct track *audio = track_create(TRACK_AUDIO, CODEC_OPUS, "a head", 6);
	struct heard h = round_trip(video, audio, 12345);

	assert_non_null(video);
	assert_non_null(audio);
	(void)state;
	assert_true(h.videocodecid == 0x68766331 && h.audiocodecid == 0x4f707573);
	track_unref(video);
	track_unref(audio);
}

static void what_is_not_known_is_left_out(void **state)
{
	struct track *video = fixture_video_track(0);
	struct track *audio = fixture_audio_track(0);
	struct heard h = round_trip(video, NULL, 0);

	(void)state;
	assert_true(h.width == 1280 && h.audiocodecid == 0);
	h = round_trip(NULL, audio, 0);
	assert_true(h.width == 0 && h.videocodecid == 0 && h.audiocodecid == 10);
	h = round_trip(NULL, NULL, 0);
	assert_int_equal(h.n_members, 1); /* our name */
	video->fps_num = 0;
	video->fps_den = 0;
	h = round_trip(video, NULL, 0);
	assert_true(h.framerate == 0);
	track_unref(video);
	track_unref(audio);
}

static void the_longest_configurations_fit(void **state)
{
	static const uint8_t config[TRACK_CONFIG_MAX_BYTES] = { 1 };
	struct track *video = track_create(TRACK_VIDEO, CODEC_H264, config, sizeof(config));
	struct track *audio = track_create(TRACK_AUDIO, CODEC_AAC, config, sizeof(config));

	assert_non_null(video);
	assert_non_null(audio);
	(void)state;
	round_trip(video, audio, 0xffffff);
	track_unref(video);
	track_unref(audio);
}

static void a_writer_without_room_says_so(void **state)
{
	struct track *video = fixture_video_track(0);
	uint8_t buf[64];
	struct bytes_writer w;

	(void)state;
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	rtmp_intro_write(&w, video, NULL, 0);
	assert_true(w.is_full);
	track_unref(video);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_player_hears_what_the_tracks_are),
		cmocka_unit_test(enhanced_codecs_go_by_their_fourcc),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(the_longest_configurations_fit),
		cmocka_unit_test(a_writer_without_room_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
