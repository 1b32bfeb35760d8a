/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay on one loop: opens the mail, finds the stream by its name, and beats the clock for all that lives here.
 *
 * Owner: hub_create before the loops run (it makes the loop's mailbox in the courier); then the loop's thread;
 * hub_destroy after all loops have been joined, so that nobody posts any more. Lifetime: the loop's. Not here:
 * protocols; they register a hub_guest.
 */
#ifndef ISARIBI_RELAY_HUB_H
#define ISARIBI_RELAY_HUB_H

#include "relay/local.h"

struct hub;

enum { HUB_TICK_MS = 500 };

/* A protocol that lives on this loop. All functions run on the loop's thread; any may be NULL. */
struct hub_guest {
	void (*on_tick)(void *arg); /* every HUB_TICK_MS: deadlines */
	void (*on_plan)(void *arg); /* local->plan is a new one */
	void (*on_stop)(void *arg); /* end all sessions politely */
	/* A connection that the same guest of another loop has accepted; takes the descriptor. */
	void (*on_connection)(void *arg, int fd, const char *peer);
	void *arg;
};

/* Takes its own reference to plan. 0 or -ENOMEM. */
int hub_create(struct hub **out, struct relay_setup *setup, struct loop *loop, unsigned index, struct plan *plan);
void hub_destroy(struct hub **hub);
/* On the loop's thread: the first thing it does, and the last. */
void hub_start(struct hub *hub);
void hub_end(struct hub *hub);
/* What beats every HUB_TICK_MS; for a test that has its own time. */
void hub_tick(struct hub *hub);
struct relay_local *hub_local(struct hub *hub);
/*
 * At most HUB_GUESTS_MAX; before hub_start or on the loop's thread. The guest outlives the hub's last tick. Returns its
 * number, for mail to the same guest on another loop.
 */
unsigned hub_add_guest(struct hub *hub, const struct hub_guest *guest);

enum { HUB_GUESTS_MAX = 4 };

#endif
