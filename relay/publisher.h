/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's hold on the stream it publishes to, wherever that stream is at home.
 *
 * Owner: the session's loop. Lifetime: publisher_begin to publisher_end; callbacks come later from the loop, never
 * inside a call, and never after publisher_end. Frames may be pushed once granted was called.
 */
#ifndef ISARIBI_RELAY_PUBLISHER_H
#define ISARIBI_RELAY_PUBLISHER_H

#include <stdbool.h>

#include "relay/gate.h"
#include "relay/local.h"

struct publisher;

struct publisher_ops {
	void (*granted)(void *arg);
	/* Refused, taken over or stopped: the session ends itself with this reason. Comes at most once. */
	void (*over)(void *arg, enum close_reason reason);
};

struct publisher_config {
	const struct gate_pass *pass; /* copied */
	uint64_t session_id;
	int64_t clock_modulus_90k; /* where the times of its frames wrap: TIMELINE_MODULUS_... */
	const struct publisher_ops *ops;
	void *arg;
};

/* 0, -ENOMEM, or -EBUSY when home takes no orders now. */
int publisher_begin(struct publisher **out, struct relay_local *local, const struct publisher_config *config);
/* Takes the reference. False: it was dropped, because home could not keep up; go on with the next key frame. */
bool publisher_push(struct publisher *p, struct frame *frame);
/* Once granted: rises with every publisher of the stream, and stands in its frames on their way out. */
uint64_t publisher_generation(const struct publisher *p);
/* The plan has moved the end of the window. */
void publisher_set_until(struct publisher *p, int64_t until_ms);
/* reason: what ended the session. NULL is fine. */
void publisher_end(struct publisher **p, enum close_reason reason);

/* From relay/hub. */
void publisher_granted(struct publisher *p, const struct mail *mail);
void publisher_over(struct publisher *p, enum close_reason reason);

#endif
