/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole RTMP connection without its socket: handshake, chunks, commands, and media once a publish was granted, as
 * ingest/rtmp_conn.c puts them together. The first byte says how the owner answers and where the bytes begin:
 *
 *   bit 0  the handshake is already over (else it is in the input)
 *   bit 1  every publish and play is refused (else: granted when the app is "live" or "play" and there is a name)
 *   bit 2  the owner lets questions stand: they are never answered
 *   bit 3  the owner ends a publish at its first metadata, and a play at its first pause
 *
 * Oracles: however the bytes are split, the same replies, the same wishes, the same frames; a wish comes only from a
 * connected client that has none yet; metadata and publishing only between grant and end; nothing is asked after a
 * refusal; replies are chunks and AMF0; memory.
 */
#include <errno.h>
#include <string.h>

#include "ingest/rtmp_command.h"
#include "ingest/rtmp_handshake.h"
#include "media/amf0.h"
#include "media/flv.h"
#include "tests/fuzz/fuzz.h"

enum {
	SKIPS_HANDSHAKE = 1 << 0,
	REFUSES = 1 << 1,
	LETS_STAND = 1 << 2,
	ENDS = 1 << 3,

	REPLY_MAX_BYTES = 1 << 16,
	/* Handshake, table of chunk streams, names of a connect, records of two tracks. */
	HEAP_BESIDE_BYTES = 6 * 8192,
};

struct session {
	unsigned how;
	bool is_handshaken;
	bool is_asked;
	bool is_granted;
	bool is_refused;
	bool is_dead;
	uint64_t bytes_in;
	uint8_t chance;
	struct rtmp_handshake handshake;
	struct rtmp_chunk_reader reader;
	struct rtmp_command command;
	struct flv_parser flv;
	struct bytes_writer replies;
	struct rtmp_chunk_reader answers; /* the peer's: reads our replies */
	struct fuzz_transcript *t;
};

static uint8_t reply_buf[REPLY_MAX_BYTES];

static void count_up(void *ctx, void *buf, size_t len)
{
	uint8_t *next = ctx;
	uint8_t *bytes = buf;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (*next)++;
}

static void check_answer(const struct rtmp_message *m)
{
	struct amf0_reader r;

	if (m->type != RTMP_TYPE_COMMAND_AMF0 && m->type != RTMP_TYPE_DATA_AMF0)
		return;
	amf0_reader_init(&r, m->payload, m->len);
	while (amf0_peek(&r) != AMF0_END)
		FUZZ_CHECK(amf0_skip_value(&r) == PARSE_OK);
}

/* Replies are read as a client would. */
static void take_replies(struct session *s)
{
	struct rtmp_message m;
	size_t pos = 0;
	size_t consumed;
	enum parse_result result;

	FUZZ_CHECK(!s->replies.is_full);
	fuzz_note(s->t, s->replies.data, s->replies.len);
	do {
		result =
		    rtmp_chunk_reader_feed(&s->answers, s->replies.data + pos, s->replies.len - pos, &consumed, &m);
		pos += consumed;
		if (result == PARSE_OK)
			check_answer(&m);
	} while (result == PARSE_OK);
	/* each answer is whole */
	FUZZ_CHECK(result == PARSE_MORE && s->answers.stage == 0 && s->answers.half_read_bytes == 0);
	bytes_writer_reset(&s->replies);
}

static void refuse(struct session *s, enum rtmp_action_kind kind)
{
	int err = kind == RTMP_ACTION_PUBLISH
	    ? rtmp_command_publish_refused(&s->command, &s->replies, "NetStream.Publish.BadName", "no")
	    : rtmp_command_play_refused(&s->command, &s->replies, "NetStream.Play.StreamNotFound", "no");

	FUZZ_CHECK(err == 0 && s->command.state == RTMP_STATE_ENDED && !s->command.names);
	FUZZ_CHECK(rtmp_command_publish_accepted(&s->command, &s->replies) == -EINVAL);
	FUZZ_CHECK(rtmp_command_play_accepted(&s->command, &s->replies) == -EINVAL);
	s->is_refused = true;
}

static void grant(struct session *s, enum rtmp_action_kind kind)
{
	int err = kind == RTMP_ACTION_PUBLISH ? rtmp_command_publish_accepted(&s->command, &s->replies)
					      : rtmp_command_play_accepted(&s->command, &s->replies);

	FUZZ_CHECK(err == 0);
	s->is_granted = kind == RTMP_ACTION_PUBLISH;
}

static void answer_wish(struct session *s, const struct rtmp_action *a)
{
	bool is_known = strcmp(a->app, a->kind == RTMP_ACTION_PUBLISH ? "live" : "play") == 0 && a->name[0];

	FUZZ_CHECK(!s->is_refused && !s->is_granted && !s->is_asked);
	FUZZ_CHECK(strlen(a->app) <= RTMP_APP_MAX_BYTES && strlen(a->name) <= RTMP_NAME_MAX_BYTES);
	fuzz_note_text(s->t, a->app);
	fuzz_note_text(s->t, a->name);
	fuzz_note_text(s->t, a->query);
	if (s->how & LETS_STAND)
		s->is_asked = true;
	else if ((s->how & REFUSES) || !is_known)
		refuse(s, a->kind);
	else
		grant(s, a->kind);
}

/* The slot is over, or what was watched has ended. */
static void end(struct session *s, enum rtmp_action_kind kind)
{
	if (!(s->how & ENDS))
		return;
	if (kind == RTMP_ACTION_METADATA)
		refuse(s, RTMP_ACTION_PUBLISH);
	else
		FUZZ_CHECK(rtmp_command_stream_eof(&s->command, &s->replies) == 0);
	FUZZ_CHECK(rtmp_command_stream_eof(&s->command, &s->replies) == -EINVAL);
	s->is_granted = false;
	s->is_refused = true;
}

static void act(struct session *s, const struct rtmp_action *a)
{
	fuzz_note_number(s->t, (uint64_t)a->kind);
	switch (a->kind) {
	case RTMP_ACTION_NONE: break;
	case RTMP_ACTION_PUBLISH:
	case RTMP_ACTION_PLAY: answer_wish(s, a); break;
	case RTMP_ACTION_PAUSE:
		FUZZ_CHECK(rtmp_command_pause_done(&s->command, &s->replies, a->is_paused) == 0);
		end(s, a->kind);
		break;
	case RTMP_ACTION_END_STREAM:
		s->is_granted = false;
		s->is_asked = false;
		flv_parser_fini(&s->flv);
		break;
	case RTMP_ACTION_METADATA:
		FUZZ_CHECK(s->is_granted && a->payload_len > 0);
		fuzz_note(s->t, a->payload, a->payload_len);
		end(s, a->kind);
		break;
	case RTMP_ACTION_BAD:
		FUZZ_CHECK(a->error != RTMP_COMMAND_FINE && a->error != RTMP_COMMAND_NO_MEMORY);
		fuzz_note_number(s->t, a->error);
		s->is_dead = true;
		break;
	}
}

static void take_media(struct session *s, const struct rtmp_message *m)
{
	const struct flv_message flv = { .body = m->payload, .len = m->len, .timestamp_ms = m->timestamp_ms };
	struct flv_parsed got;
	int result;

	if (s->command.state != RTMP_STATE_PUBLISHING)
		return;
	FUZZ_CHECK(s->is_granted);
	result =
	    m->type == RTMP_TYPE_VIDEO ? flv_parse_video(&s->flv, &flv, &got) : flv_parse_audio(&s->flv, &flv, &got);
	fuzz_note_number(s->t, (uint64_t)result);
	fuzz_note_number(s->t, got.kind);
	if (got.frame) {
		fuzz_note_number(s->t, (uint64_t)got.frame->pts_90k);
		fuzz_note(s->t, got.frame->data, got.frame->size_bytes);
	}
	frame_unref(got.frame);
}

static void take_message(struct session *s, const struct rtmp_message *m)
{
	struct rtmp_action action;
	bool was_ended = s->command.state == RTMP_STATE_ENDED;

	if (m->type == RTMP_TYPE_AUDIO || m->type == RTMP_TYPE_VIDEO) {
		take_media(s, m);
		return;
	}
	rtmp_command_message(&s->command, m, &s->replies, &action);
	act(s, &action);
	take_replies(s);
	FUZZ_CHECK(!was_ended || s->command.state == RTMP_STATE_ENDED);
	FUZZ_CHECK((s->command.state == RTMP_STATE_PUBLISHING) == s->is_granted);
}

static size_t feed_handshake(struct session *s, const uint8_t *data, size_t len)
{
	size_t consumed;
	enum parse_result result = rtmp_handshake_feed(&s->handshake, data, len, &consumed, &s->replies);

	for (size_t i = 0; i < s->replies.len; i++)
		fuzz_note(s->t, s->replies.data + i, 1);
	bytes_writer_reset(&s->replies);
	s->is_dead = result == PARSE_BAD;
	s->is_handshaken = result == PARSE_OK;
	return consumed;
}

static size_t feed_chunks(struct session *s, const uint8_t *data, size_t len)
{
	struct rtmp_message m;
	size_t consumed;

	switch (rtmp_chunk_reader_feed(&s->reader, data, len, &consumed, &m)) {
	case PARSE_OK: take_message(s, &m); break;
	case PARSE_MORE: FUZZ_CHECK(consumed == len); break;
	case PARSE_BAD:
		s->is_dead = true;
		fuzz_note_number(s->t, rtmp_chunk_reader_error(&s->reader));
		break;
	}
	return consumed;
}

static void feed(struct session *s, const uint8_t *data, size_t len)
{
	uint8_t ack[64];
	struct bytes_writer w;
	size_t pos = 0;

	while (pos < len && !s->is_dead)
		pos +=
		    s->is_handshaken ? feed_chunks(s, data + pos, len - pos) : feed_handshake(s, data + pos, len - pos);
	/* Acknowledgements do depend on the split: they are no part of the transcript. */
	s->bytes_in += len;
	bytes_writer_init_fixed(&w, ack, sizeof(ack));
	rtmp_command_bytes_received(&s->command, s->bytes_in, &w);
	FUZZ_CHECK(!w.is_full);
}

static void begin(struct session *s, struct fuzz_transcript *t, uint8_t how)
{
	*s = (struct session){ .how = how, .is_handshaken = (how & SKIPS_HANDSHAKE) != 0, .t = t };
	fuzz_transcript_init(t);
	rtmp_handshake_init(&s->handshake, count_up, &s->chance);
	rtmp_chunk_reader_init(&s->reader);
	rtmp_chunk_reader_init(&s->answers);
	rtmp_command_init(&s->command);
	flv_parser_init(&s->flv);
	bytes_writer_init_fixed(&s->replies, reply_buf, sizeof(reply_buf));
}

static void finish(struct session *s)
{
	fuzz_note_number(s->t, s->command.state);
	rtmp_handshake_fini(&s->handshake);
	rtmp_chunk_reader_fini(&s->reader);
	rtmp_chunk_reader_fini(&s->answers);
	rtmp_command_fini(&s->command);
	flv_parser_fini(&s->flv);
}

static void run(struct fuzz_transcript *t, const uint8_t *data, size_t len, unsigned split)
{
	struct session s;

	fuzz_heap_begin();
	begin(&s, t, data[0]);
	for (size_t pos = 1; pos < len && !s.is_dead;) {
		size_t n = fuzz_piece_bytes(split, len - pos);

		feed(&s, data + pos, n);
		pos += n;
	}
	finish(&s);
	FUZZ_CHECK(fuzz_heap_peak() <= 8 * len + HEAP_BESIDE_BYTES && fuzz_heap_now() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_transcript runs[FUZZ_SPLITS];

	if (len == 0)
		return 0;
	for (unsigned split = 0; split < FUZZ_SPLITS; split++) {
		run(&runs[split], data, len, split);
		FUZZ_CHECK(fuzz_transcript_is_equal(&runs[0], &runs[split]));
	}
	return 0;
}
