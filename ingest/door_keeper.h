/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers libsrt's receive thread at the door, out of the plan of the moment, and remembers whom it turned away.
 *
 * Two threads meet here without a lock: the receive thread asks (door_keeper_answer), the SRT loop changes the plan and
 * reads the refusals (everything else). The plan is immutable; the receive thread says which one it is looking at, and
 * an old one is let go when it is not that. Refusals wait in a ring of fixed size; when it is full they are counted
 * only. Whether the passphrase fits libsrt finds out behind the door, and tells nobody: whom the door let in and who
 * does not come out of io_srt_accept had none that fits. Lifetime: longer than the listening socket. Not here: the
 * decision (ingest/door).
 */
#ifndef ISARIBI_INGEST_DOOR_KEEPER_H
#define ISARIBI_INGEST_DOOR_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/door.h"
#include "relay/io_srt.h"
#include "relay/local.h"

struct door_keeper;

enum { DOOR_KEEPER_ACCEPT_US = 1000000 }; /* from the door to io_srt_accept: a thousand times what it takes */

struct door_refusal {
	enum close_reason reason;
	enum streamid_verdict streamid;
	char peer[IO_SRT_PEER_TEXT_MAX];
};

/* 0 or -ENOMEM. */
int door_keeper_create(struct door_keeper **out, const struct relay_local *local, uint32_t latency_ms);
/* Nobody asks any more. */
void door_keeper_destroy(struct door_keeper **keeper);
/* local->plan is a new one. */
void door_keeper_plan(struct door_keeper *keeper);
/* How many connections are inside; from the node's maximum on nobody else comes in. */
void door_keeper_set_inside(struct door_keeper *keeper, uint32_t n);
/* The loop accepted this socket. */
void door_keeper_came_in(struct door_keeper *keeper, int sock);
/* The oldest refusal that nobody has read yet; those for their passphrase follow DOOR_KEEPER_ACCEPT_US later. */
bool door_keeper_next_refusal(struct door_keeper *keeper, struct door_refusal *out);

/* An io_srt_ask_fn; arg is the keeper. */
void door_keeper_answer(void *arg, const struct io_srt_caller *caller, struct io_srt_answer *answer);

#endif
