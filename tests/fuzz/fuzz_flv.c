/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Audio and video message bodies through one parser. The input is a row of records: kind (even: video, odd: audio),
 * length (2 bytes), body. Oracles: what a message makes is at most 8 x its body (and a track's record); frames are well
 * formed; what is written back for a player is read by a second parser as the same frame of the same track.
 */
#include <string.h>

#include "media/flv.h"
#include "tests/fuzz/fuzz.h"

enum {
	OUT_MAX_BYTES = 1 << 18,
	/* The sets in band are merged with the track's: a record and its track, and a frame's own fields. */
	BESIDE_BYTES = TRACK_CONFIG_MAX_BYTES + 1024,
	RECORD_HEAD_BYTES = 3,
};

static uint8_t out_buf[OUT_MAX_BYTES];

static int parse(struct flv_parser *p, bool is_video, const struct flv_message *m, struct flv_parsed *out)
{
	return is_video ? flv_parse_video(p, m, out) : flv_parse_audio(p, m, out);
}

static void check_video_payload(const struct frame *f)
{
	struct nal_walk walk;
	struct nal nal;
	bool is_h265 = f->track->codec == CODEC_H265;
	bool has_slice = false;
	bool has_start = false;

	nal_walk_init(&walk, f->data, f->size_bytes, NAL_LENGTH_4);
	while (nal_walk_next(&walk, &nal)) {
		FUZZ_CHECK(is_h265 ? nal_h265_type(&nal) != NAL_H265_AUD : nal_h264_type(&nal) != NAL_H264_AUD);
		has_slice |= is_h265 ? nal_h265_is_slice(&nal) : nal_h264_is_slice(&nal);
		has_start |= is_h265 ? nal_h265_is_irap(&nal) : nal_h264_is_idr(&nal);
	}
	FUZZ_CHECK(!walk.is_bad && has_slice);
	FUZZ_CHECK(!has_start || frame_is_key(f));
	FUZZ_CHECK(!is_h265 || has_start || !frame_is_key(f));
}

/* A player's side: configuration first, then the frame. */
static void write_back(const struct frame *f, uint32_t timestamp_ms)
{
	struct bytes_writer w;
	struct flv_message m = { .timestamp_ms = timestamp_ms };
	struct flv_parser player;
	struct flv_parsed got;
	bool is_video = frame_is_video(f);

	flv_parser_init(&player);
	bytes_writer_init_fixed(&w, out_buf, sizeof(out_buf));
	flv_write_config(&w, f->track);
	m.body = w.data;
	m.len = w.len;
	FUZZ_CHECK(parse(&player, is_video, &m, &got) == PARSE_OK && got.kind == FLV_CONFIG && got.is_new_track);
	FUZZ_CHECK(track_is_same(is_video ? player.video : player.audio, f->track));
	bytes_writer_reset(&w);
	flv_write_header(&w, f);
	FUZZ_CHECK(w.len <= FLV_HEADER_MAX_BYTES);
	bytes_put(&w, f->data, f->size_bytes);
	FUZZ_CHECK(!w.is_full);
	m.body = w.data;
	m.len = w.len;
	FUZZ_CHECK(parse(&player, is_video, &m, &got) == PARSE_OK && got.kind == FLV_FRAME);
	FUZZ_CHECK(got.frame->size_bytes == f->size_bytes && memcmp(got.frame->data, f->data, f->size_bytes) == 0);
	FUZZ_CHECK(frame_is_key(got.frame) == frame_is_key(f));
	FUZZ_CHECK(got.frame->dts_90k == f->dts_90k && got.frame->pts_90k == f->pts_90k);
	FUZZ_CHECK(track_is_same(got.frame->track, f->track));
	frame_unref(got.frame);
	flv_parser_fini(&player);
}

static void check_frame(const struct flv_parser *p, const struct frame *f, uint32_t timestamp_ms)
{
	FUZZ_CHECK(f->track == (frame_is_video(f) ? p->video : p->audio) && f->track != NULL);
	FUZZ_CHECK(f->size_bytes > 0);
	FUZZ_CHECK(f->dts_90k == (int64_t)timestamp_ms * 90);
	if (frame_is_video(f))
		check_video_payload(f);
	else
		FUZZ_CHECK(frame_is_key(f) && f->pts_90k == f->dts_90k && frame_samples(f) > 0);
	write_back(f, timestamp_ms);
}

static void take_message(struct flv_parser *p, bool is_video, const struct flv_message *m)
{
	struct flv_parsed got;
	size_t before = fuzz_heap_now();
	int result;

	result = parse(p, is_video, m, &got);
	if (fuzz_heap_is_metered())
		FUZZ_CHECK(fuzz_heap_now() <= before + 8 * m->len + BESIDE_BYTES);
	FUZZ_CHECK(result == PARSE_OK || result == PARSE_BAD);
	FUZZ_CHECK((got.frame != NULL) == (got.kind == FLV_FRAME));
	FUZZ_CHECK(memchr(got.codec_name, '\0', sizeof(got.codec_name)));
	FUZZ_CHECK((got.kind == FLV_UNSUPPORTED) == (got.codec_name[0] != '\0'));
	if (result == PARSE_BAD)
		FUZZ_CHECK(got.kind == FLV_NOTHING);
	if (got.frame)
		check_frame(p, got.frame, m->timestamp_ms);
	frame_unref(got.frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct flv_parser p;
	struct bytes_reader r;
	uint32_t timestamp_ms = UINT32_MAX - 20; /* it wraps soon */

	if (len > OUT_MAX_BYTES / 8)
		return 0;
	fuzz_heap_begin();
	flv_parser_init(&p);
	bytes_reader_init(&r, data, len);
	while (bytes_left(&r) >= RECORD_HEAD_BYTES) {
		bool is_video = bytes_u8(&r) % 2 == 0;
		size_t body_len = bytes_u16(&r);
		struct flv_message m = { .timestamp_ms = timestamp_ms };

		m.len = body_len < bytes_left(&r) ? body_len : bytes_left(&r);
		m.body = bytes_take(&r, m.len);
		take_message(&p, is_video, &m);
		timestamp_ms += 20;
	}
	flv_parser_fini(&p);
	FUZZ_CHECK(fuzz_heap_now() == 0);
	return 0;
}
