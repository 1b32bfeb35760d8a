/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SRT caller at the door: may it come in, as what, with which passphrase, or which number is it turned away with?
 *
 * Owner: a pure function over an immutable plan. It runs on libsrt's receive thread for every handshake: it neither
 * allocates nor locks nor logs. Lifetime: an answer is a value, its passphrase borrowed from the plan.
 * A stream id that does not say its mode is tried as a key first and as a stream then: a key is long and random, so it
 * is never a stream's name (config/plan_check.h sees to it), and phones leave the mode out more often than players do.
 * Whoever asks for a stream is refused with one code, whatever the reason: nobody learns which streams there are.
 * Not here: whether the passphrase is right (libsrt finds out after the door), how many are inside, takeover.
 */
#ifndef ISARIBI_INGEST_DOOR_H
#define ISARIBI_INGEST_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "config/plan.h"
#include "ingest/streamid.h"
#include "relay/close_reasons.h"
#include "relay/gate.h"
#include "relay/token.h"

/* The numbers a caller sees: those of libsrt's access control, which follow HTTP's. */
enum door_reject {
	REJECT_BAD_REQUEST = 1400,
	REJECT_UNAUTHORIZED = 1401,
	REJECT_OVERLOAD = 1402,
	REJECT_FORBIDDEN = 1403,
	REJECT_NOT_FOUND = 1404,
	REJECT_BAD_MODE = 1405,
	REJECT_UNACCEPTABLE = 1406,
	REJECT_CONFLICT = 1409,
	REJECT_MEDIA_TYPE = 1415,
	REJECT_INTERNAL = 1500,
	REJECT_DOWN = 1503,
	REJECT_VERSION = 1505,
};

enum { DOOR_HANDSHAKE_VERSION = 5 }; /* of SRT 1.3.0; an older one carries no stream id */

struct door_question {
	const struct plan *plan;
	const char *streamid; /* need not be terminated */
	size_t streamid_len;
	int64_t now_ms; /* wall time */
	int handshake_version;
};

enum door_verdict {
	DOOR_PUBLISH,
	DOOR_PLAY,
	DOOR_REFUSE,
};

struct door_answer {
	enum door_verdict verdict;
	enum close_reason reason;	/* CLOSE_NONE unless refused */
	enum streamid_verdict streamid; /* says more about CLOSE_STREAMID_BAD and CLOSE_MEDIA_TYPE */
	const char *passphrase;		/* the caller must have the same; "": none. Borrowed from the plan, secret */
	struct gate_pass pass;		/* of a publisher */
	char stream[GATE_STREAM_SIZE];	/* what a player watches */
	char token[TOKEN_TEXT_SIZE];	/* of a player, to be asked again with; "": none. Secret */
};

void door_ask(struct door_answer *answer, const struct door_question *question);
/* The number to refuse with. Any reason but CLOSE_NONE. */
enum door_reject door_reject_of(enum close_reason reason);

#endif
