/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an RTMP audio or video message (an FLV tag body, FLV 10.1 §E.4.2 and §E.4.3) and our frames, both ways.
 *
 * Owner: the publisher's loop thread. Lifetime: a parser belongs to one publisher and holds references to its tracks
 * between flv_parser_init and flv_parser_fini; frames are counted.
 * Times: raw, as the publisher counts them: dts_90k is the wire's 32-bit milliseconds times 90 (it wraps at
 * 2^32 ms), pts_90k adds the signed composition time. media/timeline makes a stream's times of them.
 * Codecs: H.264 and AAC as FLV has them, H.265 and Opus as Enhanced RTMP has them (FourCC hvc1 and Opus). Everything
 * else is FLV_UNSUPPORTED with its name.
 * Not here: the tag header of FLV files, RTMP chunks, script data.
 */
#ifndef ISARIBI_MEDIA_FLV_H
#define ISARIBI_MEDIA_FLV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "media/frame.h"
#include "media/nal.h"
#include "media/track.h"

enum {
	FLV_CODEC_NAME_MAX = 16,
	FLV_HEADER_MAX_BYTES = 8,
};

enum flv_kind {
	FLV_NOTHING,	 /* end of sequence, commands, empty bodies, media before its configuration */
	FLV_FRAME,	 /* parsed->frame */
	FLV_CONFIG,	 /* the parser's track may have changed: parsed->is_new_track */
	FLV_UNSUPPORTED, /* parsed->codec_name */
};

struct flv_message {
	const uint8_t *body; /* borrowed during the call */
	size_t len;
	uint32_t timestamp_ms; /* as on the wire */
	int64_t arrival_us;
};

struct flv_parsed {
	enum flv_kind kind;
	struct frame *frame;	/* with FLV_FRAME one reference, the caller's; else NULL */
	bool is_new_track;	/* with FLV_CONFIG or FLV_FRAME: parser->video or ->audio is not what it was */
	bool is_missing_config; /* with FLV_NOTHING: dropped, because no configuration came before it */
	char codec_name[FLV_CODEC_NAME_MAX];
};

struct flv_parser {
	struct track *video; /* what frames are made with now; NULL before the first configuration */
	struct track *audio;
	/* The last sequence header. An encoder that repeats an old one and rotates in band must not flap to and fro. */
	struct track *video_header;
	enum nal_format nal_format; /* of the video's payloads */
	uint64_t n_missing_config;
	uint64_t n_annex_b; /* frames that came in Annex B against the rules */
};

void flv_parser_init(struct flv_parser *p);
void flv_parser_fini(struct flv_parser *p);

/*
 * One message body. Returns PARSE_OK with *out filled, or PARSE_BAD or -ENOMEM with *out zeroed; the parser stays
 * usable after both. Never more than 8 times the body's size is allocated, beside what a track and a frame take
 * themselves: sets in band make a new record out of the old one, which may be TRACK_CONFIG_MAX_BYTES long.
 *
 * A video frame has FRAME_KEY when an IDR slice is in it, whatever the message's frame type says. Without one it has it
 * only if the message says "key" and a recovery point or an SPS says that decoding can start here (open GOP). The
 * payload has 4-byte lengths, no empty units and no access unit delimiters; SPS and PPS stay in. Sets that differ from
 * the track's make a new track. A body without a slice is no frame: its sets are taken over, the rest is dropped.
 * H.265 alike, but a key frame is one with an IRAP picture, and nothing else.
 */
int flv_parse_video(struct flv_parser *p, const struct flv_message *m, struct flv_parsed *out);
/* Every audio frame has FRAME_KEY. A packet of Opus that does not say how long it is is bad. */
int flv_parse_audio(struct flv_parser *p, const struct flv_message *m, struct flv_parsed *out);

/* What stands before the frame's payload in a message: 5 bytes for H.264, 2 for AAC, 5 or 8 for H.265, 5 for Opus. */
void flv_write_header(struct bytes_writer *w, const struct frame *f);
/* A whole sequence header body: what a player gets before the first frame of a track. */
void flv_write_config(struct bytes_writer *w, const struct track *track);
/* What onMetaData calls the codec: FLV's number, or the FourCC as a number (Enhanced RTMP). */
uint32_t flv_codec_id(enum track_codec codec);

#endif
