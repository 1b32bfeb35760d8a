/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/door.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"

static void refuse(struct door_answer *answer, enum close_reason reason)
{
	answer->verdict = DOOR_REFUSE;
	answer->reason = reason;
	answer->passphrase = "";
}

static enum close_reason reason_of(enum streamid_verdict verdict)
{
	return verdict == STREAMID_MEDIA_TYPE ? CLOSE_MEDIA_TYPE : CLOSE_STREAMID_BAD;
}

/* False when there is no such key; a key that may not come in now is an answer. */
static bool publish(struct door_answer *answer, const struct door_question *q, const struct streamid *id)
{
	const struct plan_key *key;
	enum close_reason reason = gate_publish(q->plan, id->name.text, id->name.len, q->now_ms, &answer->pass);

	if (reason != CLOSE_NONE) {
		refuse(answer, reason);
		return reason != CLOSE_KEY_UNKNOWN;
	}
	key = plan_key_find(q->plan, id->name.text, id->name.len);
	answer->verdict = DOOR_PUBLISH;
	answer->reason = CLOSE_NONE;
	answer->passphrase = key->srt_passphrase;
	return true;
}

/* False when it does not fit, or holds what would end it early. */
static bool copy(char *out, size_t size_bytes, struct streamid_slice from)
{
	if (from.len >= size_bytes)
		return false;
	if (from.len > 0)
		memcpy(out, from.text, from.len);
	out[from.len] = '\0';
	return true;
}

static void play(struct door_answer *answer, const struct door_question *q, const struct streamid *id)
{
	const struct gate_viewer viewer = {
		.stream = answer->stream, .token = id->token.text, .token_len = id->token.len
	};
	const struct plan_stream *stream;
	enum close_reason reason;

	if (!copy(answer->stream, sizeof(answer->stream), id->name)) {
		refuse(answer, CLOSE_STREAM_UNKNOWN);
		return;
	}
	reason = gate_play(q->plan, &viewer, q->now_ms);
	if (reason != CLOSE_NONE) {
		refuse(answer, reason);
		return;
	}
	/* One that is too long is a token of nothing, and where it counts it was refused. */
	if (!copy(answer->token, sizeof(answer->token), id->token))
		answer->token[0] = '\0';
	stream = gate_stream(q->plan, answer->stream);
	answer->verdict = DOOR_PLAY;
	answer->reason = CLOSE_NONE;
	answer->passphrase = stream ? stream->srt_passphrase : "";
}

void door_ask(struct door_answer *answer, const struct door_question *q)
{
	struct streamid id;

	*answer = (struct door_answer){ .passphrase = "" };
	if (q->handshake_version < DOOR_HANDSHAKE_VERSION) {
		refuse(answer, CLOSE_PEER_OLD);
		return;
	}
	answer->streamid = streamid_parse(&id, q->streamid, q->streamid_len);
	if (answer->streamid != STREAMID_OK) {
		refuse(answer, reason_of(answer->streamid));
		return;
	}
	switch (id.mode) {
	case STREAMID_PUBLISH: (void)publish(answer, q, &id); return;
	case STREAMID_REQUEST: play(answer, q, &id); return;
	case STREAMID_UNSAID:
		if (!publish(answer, q, &id))
			play(answer, q, &id);
		return;
	case STREAMID_BAD_MODE: refuse(answer, CLOSE_MODE_BAD); return;
	}
}

static const struct {
	enum close_reason reason;
	enum door_reject code;
} codes[] = {
	{ CLOSE_STREAMID_BAD, REJECT_BAD_REQUEST },
	{ CLOSE_MODE_BAD, REJECT_BAD_MODE },
	{ CLOSE_MEDIA_TYPE, REJECT_MEDIA_TYPE },
	{ CLOSE_PEER_OLD, REJECT_VERSION },
	{ CLOSE_KEY_UNKNOWN, REJECT_UNAUTHORIZED },
	{ CLOSE_PASSPHRASE, REJECT_UNAUTHORIZED },
	{ CLOSE_KEY_EARLY, REJECT_FORBIDDEN },
	{ CLOSE_KEY_EXPIRED, REJECT_FORBIDDEN },
	{ CLOSE_KEY_REVOKED, REJECT_FORBIDDEN },
	{ CLOSE_SLOT_OVER, REJECT_FORBIDDEN },
	{ CLOSE_STREAM_UNKNOWN, REJECT_NOT_FOUND },
	{ CLOSE_CHANNEL_ELSEWHERE, REJECT_NOT_FOUND },
	{ CLOSE_TOKEN_BAD, REJECT_NOT_FOUND },
	{ CLOSE_TOKEN_EXPIRED, REJECT_NOT_FOUND },
	{ CLOSE_STREAM_BUSY, REJECT_CONFLICT },
	{ CLOSE_CODEC_UNSUPPORTED, REJECT_UNACCEPTABLE },
	{ CLOSE_TOO_MANY, REJECT_OVERLOAD },
	{ CLOSE_OVERLOAD, REJECT_OVERLOAD },
	{ CLOSE_NO_MEMORY, REJECT_OVERLOAD },
	{ CLOSE_SHUTDOWN, REJECT_DOWN },
};

enum door_reject door_reject_of(enum close_reason reason)
{
	assert(reason != CLOSE_NONE);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		if (codes[i].reason == reason)
			return codes[i].code;
	}
	return REJECT_INTERNAL;
}
