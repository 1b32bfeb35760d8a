/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What publishers of every protocol share: the gate, the hold on a stream, deadlines, and how it ends.
 *
 * Owner: the loop of the connection. Lifetime: session_begin to session_end; callbacks come from the loop, never inside
 * a call, and may end the session. Not here: bytes (in_rtmp, in_srt).
 */
#ifndef ISARIBI_INGEST_SESSION_H
#define ISARIBI_INGEST_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "media/frame.h"
#include "relay/local.h"

struct session;

enum {
	SESSION_SILENCE_US = 10 * 1000000, /* without a frame */
	SESSION_UNREADABLE_MAX = 100,	   /* messages in a row that could not be read */
};

struct session_ops {
	/* Frames may come now. */
	void (*granted)(void *arg);
	/* The owner says goodbye to its peer and calls session_end. */
	void (*over)(void *arg, enum close_reason reason);
};

/* What differs between the protocols that frames come in by. */
struct session_protocol {
	enum stat publishers;	   /* the gauge of those that are on */
	int64_t clock_modulus_90k; /* where the times of its frames wrap: TIMELINE_MODULUS_... */
};

struct session_config {
	const struct session_protocol *protocol;
	const char *key; /* as the publisher sent it; borrowed, never logged */
	size_t key_len;
	struct log_ctx *log; /* borrowed for the session's life; its stream is filled in */
	const struct session_ops *ops;
	void *arg;
};

struct session_counts {
	uint64_t frames;
	uint64_t bytes;
};

/* CLOSE_NONE: wait for granted. Anything else: refused at once, *out is NULL. */
enum close_reason session_begin(struct session **out, struct relay_local *local, const struct session_config *config);
/* One frame with the publisher's own times; takes the reference. Only after granted. */
void session_frame(struct session *s, struct frame *frame);
/* A media message that could not be read. CLOSE_NONE, or why it is one too many. */
enum close_reason session_unreadable(struct session *s);
/* Every HUB_TICK_MS, and when a new plan has come. CLOSE_NONE, or why the session must end. */
enum close_reason session_tick(struct session *s);
/* Of the publisher, once granted (relay/publisher.h). */
uint64_t session_generation(const struct session *s);
const char *session_stream(const struct session *s);
struct session_counts session_counts(const struct session *s);
void session_end(struct session **s, enum close_reason reason); /* NULL is fine */

#endif
