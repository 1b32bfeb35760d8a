/* SPDX-License-Identifier: Apache-2.0 */
#include "media/flv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "media/aac.h"
#include "media/h264.h"

enum {
	FRAME_TYPE_KEY = 1,
	FRAME_TYPE_INTER = 2,
	FRAME_TYPE_COMMAND = 5,
	IS_ENHANCED = 0x80, /* Enhanced RTMP: a FourCC follows the first byte */
	VIDEO_H264 = 7,
	SOUND_ENHANCED = 9,
	SOUND_AAC = 10,
	SOUND_44K_16_STEREO = 0x0f, /* what AAC must say, whatever it is (FLV 10.1 §E.4.2.1) */
	PACKET_CONFIG = 0,
	PACKET_FRAME = 1,
	MS = 90,
};

void flv_parser_init(struct flv_parser *p)
{
	memset(p, 0, sizeof(*p));
}

void flv_parser_fini(struct flv_parser *p)
{
	track_unref(p->video);
	track_unref(p->audio);
	track_unref(p->video_header);
	flv_parser_init(p);
}

/* Takes the reference. Equal tracks fold into the one that is there, so that frames can be compared by pointer. */
static bool adopt_track(struct track **current, struct track *track)
{
	if (track_is_same(*current, track)) {
		track_unref(track);
		return false;
	}
	track_unref(*current);
	*current = track;
	return true;
}

static void say_missing_config(struct flv_parser *p, struct flv_parsed *out)
{
	out->is_missing_config = true;
	p->n_missing_config++;
}

/* ---- H.264 ---- */

/* What a look at all units of a body tells, before anything is copied. */
struct access_unit {
	struct h264_config sets;
	size_t size_bytes; /* with 4-byte lengths, without what is dropped */
	bool has_slice;
	bool has_idr;
	bool is_recovery_point;
};

static bool is_kept(const struct nal *nal)
{
	return nal_h264_type(nal) != NAL_H264_AUD;
}

static enum parse_result look_at_units(struct access_unit *au, struct bytes_reader body, enum nal_format format)
{
	struct nal_walk walk;
	struct nal nal;

	memset(au, 0, sizeof(*au));
	nal_walk_init(&walk, body.pos, bytes_left(&body), format);
	while (nal_walk_next(&walk, &nal)) {
		if (!is_kept(&nal))
			continue;
		au->size_bytes += 4 + nal.len;
		au->has_slice |= nal_h264_is_slice(&nal);
		au->has_idr |= nal_h264_is_idr(&nal);
		au->is_recovery_point |= h264_is_recovery_point(&nal);
		(void)h264_config_add(&au->sets, &nal);
	}
	return walk.is_bad ? PARSE_BAD : PARSE_OK;
}

/* An IDR slice decides. Open GOPs have none: there the message must say key, and the picture that it can be a start. */
static bool is_key_picture(const struct access_unit *au, unsigned frame_type)
{
	if (au->has_idr)
		return true;
	return frame_type == FRAME_TYPE_KEY && (au->is_recovery_point || au->sets.n_sps > 0);
}

/* Phones turn without a new sequence header. Sets that make no sense leave the track as it is: a decoder may cope. */
static int take_sets_in_band(struct flv_parser *p, const struct access_unit *au, struct flv_parsed *out)
{
	struct track *track;
	int err;

	if (au->sets.n_sps == 0 && au->sets.n_pps == 0)
		return PARSE_OK;
	err = h264_track_update(&track, p->video, &au->sets);
	if (err == -ENOMEM)
		return err;
	if (err == PARSE_OK && track)
		out->is_new_track = adopt_track(&p->video, track);
	return PARSE_OK;
}

static void copy_units(struct frame *f, struct bytes_reader body, enum nal_format format)
{
	struct bytes_writer w;
	struct nal_walk walk;
	struct nal nal;

	bytes_writer_init_fixed(&w, f->data, f->size_bytes);
	nal_walk_init(&walk, body.pos, bytes_left(&body), format);
	while (nal_walk_next(&walk, &nal)) {
		if (is_kept(&nal))
			nal_write(&w, &nal);
	}
	assert(!w.is_full && w.len == f->size_bytes);
}

/* Whatever the record said: some encoders send Annex B. Seen when the lengths do not hold and a start code is there. */
static enum parse_result find_format(
    struct flv_parser *p, struct access_unit *au, struct bytes_reader body, enum nal_format *format)
{
	*format = p->nal_format;
	if (look_at_units(au, body, *format) == PARSE_OK)
		return PARSE_OK;
	if (!nal_has_start_code(body.pos, bytes_left(&body)))
		return PARSE_BAD;
	p->n_annex_b++;
	*format = NAL_ANNEX_B;
	return look_at_units(au, body, *format);
}

/* The 24-bit composition time is signed (FLV 10.1 §E.4.3.2). */
static int32_t signed_24(uint32_t v)
{
	return v & 0x800000u ? (int32_t)v - 0x1000000 : (int32_t)v;
}

struct video_head {
	unsigned frame_type;
	int32_t composition_ms;
};

static int parse_h264_frame(struct flv_parser *p, const struct flv_message *m, struct bytes_reader body,
    const struct video_head *head, struct flv_parsed *out)
{
	struct access_unit au;
	enum nal_format format;
	bool is_key;
	struct frame *f;
	int err;

	if (!p->video) {
		say_missing_config(p, out);
		return PARSE_OK;
	}
	if (find_format(p, &au, body, &format) != PARSE_OK)
		return PARSE_BAD;
	is_key = is_key_picture(&au, head->frame_type);
	if (is_key || !au.has_slice) {
		err = take_sets_in_band(p, &au, out);
		if (err != PARSE_OK)
			return err;
	}
	if (!au.has_slice) {
		out->kind = out->is_new_track ? FLV_CONFIG : FLV_NOTHING;
		return PARSE_OK;
	}
	f = frame_create(p->video, au.size_bytes);
	if (!f)
		return -ENOMEM;
	copy_units(f, body, format);
	f->dts_90k = (int64_t)m->timestamp_ms * MS;
	f->pts_90k = f->dts_90k + (int64_t)head->composition_ms * MS;
	f->arrival_us = m->arrival_us;
	f->flags = is_key ? FRAME_KEY : 0;
	out->kind = FLV_FRAME;
	out->frame = f;
	return PARSE_OK;
}

static int parse_h264_config(struct flv_parser *p, struct bytes_reader body, struct flv_parsed *out)
{
	struct h264_config config;
	struct track *track;
	int err;

	if (h264_config_parse(&config, body.pos, bytes_left(&body)) != PARSE_OK)
		return PARSE_BAD;
	err = h264_track_create_from_config(&track, &config);
	if (err != PARSE_OK)
		return err;
	p->nal_format = config.format;
	out->kind = FLV_CONFIG;
	if (!adopt_track(&p->video_header, track))
		return PARSE_OK; /* repeated: what came in band since then is newer */
	out->is_new_track = adopt_track(&p->video, track_ref(p->video_header));
	return PARSE_OK;
}

/* FLV 10.1 §E.4.3.1 for codec 7: AVCPacketType, CompositionTime, data */
static int parse_h264(
    struct flv_parser *p, const struct flv_message *m, struct bytes_reader body, struct flv_parsed *out)
{
	struct video_head head = { .frame_type = bytes_u8(&body) >> 4 };
	unsigned packet_type = bytes_u8(&body);

	head.composition_ms = signed_24(bytes_u24(&body));
	if (body.is_short || bytes_left(&body) == 0)
		return PARSE_OK;
	if (packet_type == PACKET_CONFIG)
		return parse_h264_config(p, body, out);
	if (packet_type == PACKET_FRAME)
		return parse_h264_frame(p, m, body, &head, out);
	return PARSE_OK; /* 2 is the end of a sequence */
}

/* ---- AAC ---- */

static int parse_aac_config(struct flv_parser *p, struct bytes_reader body, struct flv_parsed *out)
{
	struct track *track;
	int err = aac_track_create(&track, body.pos, bytes_left(&body));

	if (err != PARSE_OK)
		return err;
	out->kind = FLV_CONFIG;
	out->is_new_track = adopt_track(&p->audio, track);
	return PARSE_OK;
}

static int parse_aac_frame(
    struct flv_parser *p, const struct flv_message *m, struct bytes_reader body, struct flv_parsed *out)
{
	struct frame *f;

	if (!p->audio) {
		say_missing_config(p, out);
		return PARSE_OK;
	}
	f = frame_create(p->audio, bytes_left(&body));
	if (!f)
		return -ENOMEM;
	memcpy(f->data, body.pos, f->size_bytes);
	f->dts_90k = f->pts_90k = (int64_t)m->timestamp_ms * MS;
	f->arrival_us = m->arrival_us;
	f->flags = FRAME_KEY;
	out->kind = FLV_FRAME;
	out->frame = f;
	return PARSE_OK;
}

/* FLV 10.1 §E.4.2.2: AACPacketType, data */
static int parse_aac(
    struct flv_parser *p, const struct flv_message *m, struct bytes_reader body, struct flv_parsed *out)
{
	unsigned packet_type;

	bytes_skip(&body, 1);
	packet_type = bytes_u8(&body);
	if (body.is_short || bytes_left(&body) == 0)
		return PARSE_OK;
	if (packet_type == PACKET_CONFIG)
		return parse_aac_config(p, body, out);
	if (packet_type == PACKET_FRAME)
		return parse_aac_frame(p, m, body, out);
	return PARSE_OK;
}

/* ---- what a body says it is ---- */

typedef int (*parse_body_fn)(
    struct flv_parser *p, const struct flv_message *m, struct bytes_reader body, struct flv_parsed *out);

/* A codec's number in the first byte; without a function we know it by name only. */
struct flv_codec {
	const char *name;
	parse_body_fn parse;
};

static const struct flv_codec video_codecs[16] = {
	[2] = { "h263", NULL },
	[3] = { "screen", NULL },
	[4] = { "vp6", NULL },
	[5] = { "vp6-alpha", NULL },
	[6] = { "screen2", NULL },
	[VIDEO_H264] = { "h264", parse_h264 },
	[8] = { "h263-real", NULL },
	[9] = { "mpeg4", NULL },
	[12] = { "h265-legacy", NULL },
	[13] = { "av1-legacy", NULL },
};

static const struct flv_codec sound_codecs[16] = {
	[0] = { "pcm", NULL },
	[1] = { "adpcm", NULL },
	[2] = { "mp3", NULL },
	[3] = { "pcm-le", NULL },
	[4] = { "nellymoser-16k", NULL },
	[5] = { "nellymoser-8k", NULL },
	[6] = { "nellymoser", NULL },
	[7] = { "g711-alaw", NULL },
	[8] = { "g711-mulaw", NULL },
	[SOUND_AAC] = { "aac", parse_aac },
	[11] = { "speex", NULL },
	[14] = { "mp3-8k", NULL },
	[15] = { "device", NULL },
};

static int parse_as(const struct flv_codec *table, unsigned number, struct flv_parser *p, const struct flv_message *m,
    struct flv_parsed *out)
{
	const struct flv_codec *codec = &table[number];
	struct bytes_reader body;
	int err;

	if (!codec->parse) {
		out->kind = FLV_UNSUPPORTED;
		if (codec->name)
			(void)snprintf(out->codec_name, sizeof(out->codec_name), "%s", codec->name);
		else
			(void)snprintf(out->codec_name, sizeof(out->codec_name), "codec-%u", number);
		return PARSE_OK;
	}
	bytes_reader_init(&body, m->body, m->len);
	err = codec->parse(p, m, body, out);
	if (err != PARSE_OK)
		memset(out, 0, sizeof(*out));
	return err;
}

/* Enhanced RTMP: the FourCC stands behind the first byte, and what cannot be printed is a dot. */
static int name_fourcc(const struct flv_message *m, struct flv_parsed *out)
{
	if (m->len < 5)
		return PARSE_OK;
	out->kind = FLV_UNSUPPORTED;
	for (size_t i = 0; i < 4; i++) {
		uint8_t c = m->body[1 + i];

		out->codec_name[i] = (char)(c > 0x20 && c < 0x7f ? c : '.');
	}
	return PARSE_OK;
}

int flv_parse_video(struct flv_parser *p, const struct flv_message *m, struct flv_parsed *out)
{
	uint8_t first;

	memset(out, 0, sizeof(*out));
	if (m->len == 0)
		return PARSE_OK;
	first = m->body[0];
	if (first & IS_ENHANCED)
		return name_fourcc(m, out);
	if (first >> 4 == FRAME_TYPE_COMMAND)
		return PARSE_OK;
	return parse_as(video_codecs, first & 0x0fu, p, m, out);
}

int flv_parse_audio(struct flv_parser *p, const struct flv_message *m, struct flv_parsed *out)
{
	memset(out, 0, sizeof(*out));
	if (m->len == 0)
		return PARSE_OK;
	if (m->body[0] >> 4 == SOUND_ENHANCED)
		return name_fourcc(m, out);
	return parse_as(sound_codecs, m->body[0] >> 4, p, m, out);
}

/* ---- writing ---- */

static void write_video_head(struct bytes_writer *w, bool is_key, unsigned packet_type, int64_t composition_ms)
{
	const int64_t min_ms = -0x800000;
	const int64_t max_ms = 0x7fffff;

	if (composition_ms < min_ms)
		composition_ms = min_ms;
	if (composition_ms > max_ms)
		composition_ms = max_ms;
	bytes_put_u8(w, (uint8_t)((is_key ? FRAME_TYPE_KEY : FRAME_TYPE_INTER) << 4 | VIDEO_H264));
	bytes_put_u8(w, (uint8_t)packet_type);
	bytes_put_u24(w, (uint32_t)composition_ms & 0xffffffu);
}

static void write_sound_head(struct bytes_writer *w, unsigned packet_type)
{
	bytes_put_u8(w, SOUND_AAC << 4 | SOUND_44K_16_STEREO);
	bytes_put_u8(w, (uint8_t)packet_type);
}

/* Down to whole milliseconds, below zero too. */
static int64_t floor_ms(int64_t ticks)
{
	return ticks >= 0 ? ticks / MS : -((-ticks + MS - 1) / MS);
}

void flv_write_header(struct bytes_writer *w, const struct frame *f)
{
	switch (f->track->codec) {
	case CODEC_H264:
		/* Both rounded as the message's own timestamp is: their sum is the pts then. */
		write_video_head(w, frame_is_key(f), PACKET_FRAME, floor_ms(f->pts_90k) - floor_ms(f->dts_90k));
		break;
	case CODEC_AAC: write_sound_head(w, PACKET_FRAME); break;
	case CODEC_H265:
	case CODEC_OPUS:
	case CODECS: assert(false && "a codec this file cannot write");
	}
}

void flv_write_config(struct bytes_writer *w, const struct track *track)
{
	switch (track->codec) {
	case CODEC_H264: write_video_head(w, true, PACKET_CONFIG, 0); break;
	case CODEC_AAC: write_sound_head(w, PACKET_CONFIG); break;
	case CODEC_H265:
	case CODEC_OPUS:
	case CODECS: assert(false && "a codec this file cannot write");
	}
	bytes_put(w, track->config, track->config_len);
}
