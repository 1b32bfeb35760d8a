/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages between the loops of the relay, and who carries them.
 *
 * Owner: set up by the composition root before the loops run, read by all of them. Lifetime: longer than the loops.
 * Orders always travel through the mailbox, also to the own loop, so nobody is called back inside a call. A frame for
 * the own loop is delivered directly: that is the fast path of a publisher and its stream on one loop. A mail owns a
 * reference to what it points to; the receiver takes it over.
 */
#ifndef ISARIBI_RELAY_COURIER_H
#define ISARIBI_RELAY_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "config/plan.h"
#include "media/frame.h"
#include "relay/close_reasons.h"
#include "relay/gate.h"
#include "relay/placement.h"
#include "relay/slots.h"

enum {
	COURIER_LOOPS_MAX = PLACEMENT_LOOPS_MAX,
	COURIER_MAILBOX_FRAMES = 8192, /* about 2 s of frames for 50 busy streams */
	COURIER_MAILBOX_RESERVE = 65536,
	COURIER_LINGER_MS = 40, /* of audio between loops, when no video frame takes it along before */
};

enum mail_kind {
	/* the publisher's loop to the stream's home */
	MAIL_PUBLISH_ASK,   /* stream, key_hash, until_ms, clock_modulus_90k; from: the publisher */
	MAIL_PUBLISH_END,   /* to: the stream, generation, reason */
	MAIL_PUBLISH_UNTIL, /* to: the stream, generation, until_ms: the plan moved the end of the window */
	MAIL_FRAME_IN,	    /* to: the stream, generation, frame */
	/* home to the publisher's loop */
	MAIL_PUBLISH_GRANTED, /* to: the publisher; from: the stream, generation */
	MAIL_PUBLISH_OVER,    /* to: the publisher; reason: refused, taken over, stopped */
	/* a reader's loop to home */
	MAIL_MIRROR_JOIN,  /* stream; from: the mirror */
	MAIL_MIRROR_LEAVE, /* stream; from: the mirror */
	/* home to a reader's loop */
	MAIL_FRAME_OUT,	  /* to: the mirror, frame, is_backlog */
	MAIL_MIRROR_OVER, /* to: the mirror, reason */
	/* the loop that accepted a connection to the one that it is placed on */
	MAIL_CONNECTION, /* fd, peer, guest */
	/* the composition root to every loop */
	MAIL_PLAN, /* plan */
	MAIL_STOP, /* end all sessions politely */
	MAIL_KINDS,
};

struct mail {
	enum mail_kind kind;
	enum close_reason reason;
	uint32_t from_loop;
	bool is_backlog; /* part of what a newcomer starts with; more follows at once */
	struct handle to;
	struct handle from;
	uint64_t generation;
	uint64_t session_id; /* for events */
	int64_t until_ms;
	int64_t clock_modulus_90k; /* where the publisher's clock wraps */
	struct frame *frame;
	struct plan *plan;
	int fd;		/* of MAIL_CONNECTION alone */
	unsigned guest; /* in the hub's list, which is the same on all loops that take connections */
	uint8_t key_hash[PLAN_HASH_BYTES];
	union {
		char stream[GATE_STREAM_SIZE];
		char peer[GATE_STREAM_SIZE]; /* "address:port" */
	};
};

/* The first n_homes loops are homes of streams; a loop beyond them has publishers and readers only. */
struct courier {
	unsigned n_loops;
	unsigned n_homes;
	struct mailbox *mailboxes[COURIER_LOOPS_MAX];
	struct placement *placement; /* NULL: a stream's home is its hash alone */
};

/* Gives back what a mail holds. For mailbox_config.drop. */
void mail_drop(void *mail);
/* Takes over what the mail holds, also when it returns false because the receiver's mailbox is full or gone. */
bool courier_post(const struct courier *courier, unsigned to_loop, struct mail *mail);
/* Which loop is home to a stream: the same answer everywhere and for the whole run. */
unsigned courier_home_of(const struct courier *courier, const char *stream);

#endif
