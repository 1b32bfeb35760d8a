/* SPDX-License-Identifier: Apache-2.0 */
#include "media/flv.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "media/aac.h"
#include "media/access_unit.h"
#include "media/opus.h"

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
	/* Enhanced RTMP v2: VideoPacketType, and AudioPacketType as far as it goes */
	EX_SEQUENCE_START = 0,
	EX_CODED_FRAMES = 1,
	EX_CODED_FRAMES_X = 3, /* video only */
	EX_METADATA = 4,       /* video only */
	EX_AUDIO_MULTITRACK = 5,
	EX_VIDEO_MULTITRACK = 6,
	EX_MOD_EX = 7,
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

/* ---- pictures ---- */

struct video_head {
	enum track_codec codec;
	bool is_key; /* as the message says */
	int32_t composition_ms;
};

/* H.264: an IDR slice decides. Open GOPs have none: there the message must say key, and the picture that it can start.
 */
static bool is_key_picture(const struct access_unit *au, const struct video_head *head)
{
	return au->has_random_access || (head->is_key && au->has_open_start);
}

/* Phones turn without a new sequence header. Sets that make no sense leave the track as it is: a decoder may cope. */
static int take_sets_in_band(struct flv_parser *p, const struct access_unit *au, struct flv_parsed *out)
{
	struct track *track;
	int err = access_unit_track(&track, au, p->video);

	if (err == -ENOMEM)
		return err;
	if (err == PARSE_OK && track)
		out->is_new_track = adopt_track(&p->video, track);
	return PARSE_OK;
}

/* Whatever the record said: some encoders send Annex B. Seen when the lengths do not hold and a start code is there. */
static enum parse_result look_at_units(
    struct flv_parser *p, struct access_unit *au, struct bytes_reader body, enum track_codec codec)
{
	if (access_unit_look(au, codec, body.pos, bytes_left(&body), p->nal_format) == PARSE_OK)
		return PARSE_OK;
	if (!nal_has_start_code(body.pos, bytes_left(&body)))
		return PARSE_BAD;
	p->n_annex_b++;
	return access_unit_look(au, codec, body.pos, bytes_left(&body), NAL_ANNEX_B);
}

/* The 24-bit composition time is signed (FLV 10.1 §E.4.3.2). */
static int32_t signed_24(uint32_t v)
{
	return v & 0x800000u ? (int32_t)v - 0x1000000 : (int32_t)v;
}

static struct frame *make_picture(struct track *track, const struct access_unit *au)
{
	struct frame *f = frame_create(track, au->size_bytes);
	struct bytes_writer w;

	if (!f)
		return NULL;
	bytes_writer_init_fixed(&w, f->data, f->size_bytes);
	access_unit_write(au, &w);
	assert(!w.is_full && w.len == f->size_bytes);
	return f;
}

static int parse_picture(struct flv_parser *p, const struct flv_message *m, struct bytes_reader body,
    const struct video_head *head, struct flv_parsed *out)
{
	struct access_unit au;
	bool is_key;
	struct frame *f;
	int err;

	if (!p->video || p->video->codec != head->codec) {
		say_missing_config(p, out);
		return PARSE_OK;
	}
	if (look_at_units(p, &au, body, head->codec) != PARSE_OK)
		return PARSE_BAD;
	is_key = is_key_picture(&au, head);
	if (is_key || !au.has_slice) {
		err = take_sets_in_band(p, &au, out);
		if (err != PARSE_OK)
			return err;
	}
	if (!au.has_slice) {
		out->kind = out->is_new_track ? FLV_CONFIG : FLV_NOTHING;
		return PARSE_OK;
	}
	f = make_picture(p->video, &au);
	if (!f)
		return -ENOMEM;
	f->dts_90k = (int64_t)m->timestamp_ms * MS;
	f->pts_90k = f->dts_90k + (int64_t)head->composition_ms * MS;
	f->arrival_us = m->arrival_us;
	f->flags = is_key ? FRAME_KEY : 0;
	out->kind = FLV_FRAME;
	out->frame = f;
	return PARSE_OK;
}

/* Takes the reference to the track of a sequence header. */
static void take_video_header(struct flv_parser *p, struct track *track, enum nal_format format, struct flv_parsed *out)
{
	p->nal_format = format;
	out->kind = FLV_CONFIG;
	if (!adopt_track(&p->video_header, track))
		return; /* repeated: what came in band since then is newer */
	out->is_new_track = adopt_track(&p->video, track_ref(p->video_header));
}

static int parse_h264_config(struct flv_parser *p, struct bytes_reader body, struct flv_parsed *out)
{
	struct h264_config config;
	struct track *track;
	int err;

	if (h264_config_parse(&config, body.pos, bytes_left(&body)) != PARSE_OK)
		return PARSE_BAD;
	err = h264_track_create_from_config(&track, &config);
	if (err == PARSE_OK)
		take_video_header(p, track, config.format, out);
	return err;
}

static int parse_h265_config(struct flv_parser *p, struct bytes_reader body, struct flv_parsed *out)
{
	struct h265_config config;
	struct track *track;
	int err;

	if (h265_config_parse(&config, body.pos, bytes_left(&body)) != PARSE_OK)
		return PARSE_BAD;
	err = h265_track_create_from_config(&track, &config);
	if (err == PARSE_OK)
		take_video_header(p, track, config.format, out);
	return err;
}

/* FLV 10.1 §E.4.3.1 for codec 7: AVCPacketType, CompositionTime, data */
static int parse_h264(
    struct flv_parser *p, const struct flv_message *m, struct bytes_reader body, struct flv_parsed *out)
{
	struct video_head head = { .codec = CODEC_H264, .is_key = bytes_u8(&body) >> 4 == FRAME_TYPE_KEY };
	unsigned packet_type = bytes_u8(&body);

	head.composition_ms = signed_24(bytes_u24(&body));
	if (body.is_short || bytes_left(&body) == 0)
		return PARSE_OK;
	if (packet_type == PACKET_CONFIG)
		return parse_h264_config(p, body, out);
	if (packet_type == PACKET_FRAME)
		return parse_picture(p, m, body, &head, out);
	return PARSE_OK; /* 2 is the end of a sequence */
}

/* ---- sound ---- */

static void take_audio_header(struct flv_parser *p, struct track *track, struct flv_parsed *out)
{
	out->kind = FLV_CONFIG;
	out->is_new_track = adopt_track(&p->audio, track);
}

static int parse_sound(struct flv_parser *p, const struct flv_message *m, struct bytes_reader body,
    enum track_codec codec, struct flv_parsed *out)
{
	struct frame *f;

	if (!p->audio || p->audio->codec != codec) {
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

static int parse_aac_config(struct flv_parser *p, struct bytes_reader body, struct flv_parsed *out)
{
	struct track *track;
	int err = aac_track_create(&track, body.pos, bytes_left(&body));

	if (err == PARSE_OK)
		take_audio_header(p, track, out);
	return err;
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
		return parse_sound(p, m, body, CODEC_AAC, out);
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

/* ---- Enhanced RTMP ---- */

struct enhanced_head {
	bool is_key;
	unsigned packet_type;
};

/* A body behind its FourCC. */
typedef int (*parse_enhanced_fn)(struct flv_parser *p, const struct flv_message *m, struct bytes_reader body,
    const struct enhanced_head *head, struct flv_parsed *out);

static int parse_hvc1(struct flv_parser *p, const struct flv_message *m, struct bytes_reader body,
    const struct enhanced_head *head, struct flv_parsed *out)
{
	struct video_head picture = { .codec = CODEC_H265, .is_key = head->is_key };

	switch (head->packet_type) {
	case EX_SEQUENCE_START: return bytes_left(&body) > 0 ? parse_h265_config(p, body, out) : PARSE_OK;
	case EX_CODED_FRAMES: picture.composition_ms = signed_24(bytes_u24(&body)); break;
	case EX_CODED_FRAMES_X: break; /* shown when decoded */
	default: return PARSE_OK;      /* the end of a sequence; metadata about colours: the SPS has them, too */
	}
	if (body.is_short || bytes_left(&body) == 0)
		return PARSE_OK;
	return parse_picture(p, m, body, &picture, out);
}

static int parse_opus_config(struct flv_parser *p, struct bytes_reader body, struct flv_parsed *out)
{
	struct opus_config config;
	struct track *track;
	int err;

	opus_config_default(&config); /* an empty body is allowed */
	if (bytes_left(&body) > 0 && opus_config_parse(&config, body.pos, bytes_left(&body)) != PARSE_OK)
		return PARSE_BAD;
	err = opus_track_create_from_config(&track, &config);
	if (err == PARSE_OK)
		take_audio_header(p, track, out);
	return err;
}

static int parse_opus(struct flv_parser *p, const struct flv_message *m, struct bytes_reader body,
    const struct enhanced_head *head, struct flv_parsed *out)
{
	if (head->packet_type == EX_SEQUENCE_START)
		return parse_opus_config(p, body, out);
	if (head->packet_type != EX_CODED_FRAMES || bytes_left(&body) == 0)
		return PARSE_OK;
	if (opus_packet_samples(body.pos, bytes_left(&body)) == 0)
		return PARSE_BAD;
	return parse_sound(p, m, body, CODEC_OPUS, out);
}

/* Enhanced RTMP v2, "Enhanced Video" and "Enhanced Audio": the codecs we take; every other FourCC is refused by name.
 */
static const struct enhanced_codec {
	enum track_kind kind;
	enum track_codec codec;
	char fourcc[5];
	parse_enhanced_fn parse;
} enhanced_codecs[] = {
	{ TRACK_VIDEO, CODEC_H265, "hvc1", parse_hvc1 },
	{ TRACK_AUDIO, CODEC_OPUS, "Opus", parse_opus },
};

/* What cannot be printed is a dot. */
static void name_fourcc(const uint8_t *fourcc, struct flv_parsed *out)
{
	out->kind = FLV_UNSUPPORTED;
	for (size_t i = 0; i < 4; i++)
		out->codec_name[i] = (char)(fourcc[i] > 0x20 && fourcc[i] < 0x7f ? fourcc[i] : '.');
}

/* ModEx (v2): extensions stand between the first byte and the rest, each with its size and the next packet type. None
 * of them matters here. False: cut off. */
static bool skip_extensions(struct bytes_reader *body, unsigned *packet_type)
{
	while (*packet_type == EX_MOD_EX && !body->is_short) {
		size_t size_bytes = (size_t)bytes_u8(body) + 1;

		if (size_bytes == 256)
			size_bytes = (size_t)bytes_u16(body) + 1;
		bytes_skip(body, size_bytes);
		*packet_type = bytes_u8(body) & 0x0fu;
	}
	return !body->is_short;
}

static int parse_enhanced(
    struct flv_parser *p, enum track_kind kind, const struct flv_message *m, struct flv_parsed *out)
{
	struct bytes_reader body;
	struct enhanced_head head;
	unsigned first;
	const uint8_t *fourcc;
	unsigned multitrack = kind == TRACK_VIDEO ? EX_VIDEO_MULTITRACK : EX_AUDIO_MULTITRACK;

	bytes_reader_init(&body, m->body, m->len);
	first = bytes_u8(&body);
	head.is_key = (first >> 4 & 7u) == FRAME_TYPE_KEY;
	head.packet_type = first & 0x0fu;
	if (!skip_extensions(&body, &head.packet_type))
		return PARSE_OK;
	if (kind == TRACK_VIDEO && (first >> 4 & 7u) == FRAME_TYPE_COMMAND && head.packet_type != EX_METADATA)
		return PARSE_OK;
	if (head.packet_type == multitrack) {
		out->kind = FLV_UNSUPPORTED;
		(void)snprintf(out->codec_name, sizeof(out->codec_name), "multitrack");
		return PARSE_OK;
	}
	fourcc = bytes_take(&body, 4);
	if (!fourcc)
		return PARSE_OK;
	for (size_t i = 0; i < ARRAY_LEN(enhanced_codecs); i++) {
		const struct enhanced_codec *codec = &enhanced_codecs[i];
		int err;

		if (codec->kind != kind || memcmp(codec->fourcc, fourcc, 4) != 0)
			continue;
		err = codec->parse(p, m, body, &head, out);
		if (err != PARSE_OK)
			memset(out, 0, sizeof(*out));
		return err;
	}
	name_fourcc(fourcc, out);
	return PARSE_OK;
}

/* ---- at the door ---- */

int flv_parse_video(struct flv_parser *p, const struct flv_message *m, struct flv_parsed *out)
{
	uint8_t first;

	memset(out, 0, sizeof(*out));
	if (m->len == 0)
		return PARSE_OK;
	first = m->body[0];
	if (first & IS_ENHANCED)
		return parse_enhanced(p, TRACK_VIDEO, m, out);
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
		return parse_enhanced(p, TRACK_AUDIO, m, out);
	return parse_as(sound_codecs, m->body[0] >> 4, p, m, out);
}

/* ---- writing ---- */

static int64_t clamp_24(int64_t ms)
{
	const int64_t min_ms = -0x800000;
	const int64_t max_ms = 0x7fffff;

	return ms < min_ms ? min_ms : ms > max_ms ? max_ms : ms;
}

static void put_composition(struct bytes_writer *w, int64_t ms)
{
	bytes_put_u24(w, (uint32_t)clamp_24(ms) & 0xffffffu);
}

static void write_video_head(struct bytes_writer *w, bool is_key, unsigned packet_type, int64_t composition_ms)
{
	bytes_put_u8(w, (uint8_t)((is_key ? FRAME_TYPE_KEY : FRAME_TYPE_INTER) << 4 | VIDEO_H264));
	bytes_put_u8(w, (uint8_t)packet_type);
	put_composition(w, composition_ms);
}

static void write_hvc1_head(struct bytes_writer *w, bool is_key, unsigned packet_type)
{
	unsigned frame_type = is_key ? FRAME_TYPE_KEY : FRAME_TYPE_INTER;

	bytes_put_u8(w, (uint8_t)(IS_ENHANCED | frame_type << 4 | packet_type));
	bytes_put(w, "hvc1", 4);
}

/* A frame that is shown when it is decoded needs no composition time. */
static void write_hvc1_frame_head(struct bytes_writer *w, bool is_key, int64_t composition_ms)
{
	write_hvc1_head(w, is_key, composition_ms == 0 ? EX_CODED_FRAMES_X : EX_CODED_FRAMES);
	if (composition_ms != 0)
		put_composition(w, composition_ms);
}

static void write_opus_head(struct bytes_writer *w, unsigned packet_type)
{
	bytes_put_u8(w, (uint8_t)((unsigned)SOUND_ENHANCED << 4 | packet_type));
	bytes_put(w, "Opus", 4);
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

/* Both rounded as the message's own timestamp is: their sum is the pts then. */
static int64_t composition_ms_of(const struct frame *f)
{
	return floor_ms(f->pts_90k) - floor_ms(f->dts_90k);
}

void flv_write_header(struct bytes_writer *w, const struct frame *f)
{
	switch (f->track->codec) {
	case CODEC_H264: write_video_head(w, frame_is_key(f), PACKET_FRAME, composition_ms_of(f)); break;
	case CODEC_H265: write_hvc1_frame_head(w, frame_is_key(f), composition_ms_of(f)); break;
	case CODEC_AAC: write_sound_head(w, PACKET_FRAME); break;
	case CODEC_OPUS: write_opus_head(w, EX_CODED_FRAMES); break;
	case CODECS: assert(false && "not a codec");
	}
}

void flv_write_config(struct bytes_writer *w, const struct track *track)
{
	switch (track->codec) {
	case CODEC_H264: write_video_head(w, true, PACKET_CONFIG, 0); break;
	case CODEC_H265: write_hvc1_head(w, true, EX_SEQUENCE_START); break;
	case CODEC_AAC: write_sound_head(w, PACKET_CONFIG); break;
	case CODEC_OPUS: write_opus_head(w, EX_SEQUENCE_START); break;
	case CODECS: assert(false && "not a codec");
	}
	bytes_put(w, track->config, track->config_len);
}

static uint32_t fourcc_number(const char fourcc[static 4])
{
	uint32_t number = 0;

	for (size_t i = 0; i < 4; i++)
		number = number << 8 | (uint8_t)fourcc[i];
	return number;
}

uint32_t flv_codec_id(enum track_codec codec)
{
	if (codec == CODEC_H264)
		return VIDEO_H264;
	if (codec == CODEC_AAC)
		return SOUND_AAC;
	for (size_t i = 0; i < ARRAY_LEN(enhanced_codecs); i++) {
		if (enhanced_codecs[i].codec == codec)
			return fourcc_number(enhanced_codecs[i].fourcc);
	}
	assert(false && "not a codec");
	return 0;
}
