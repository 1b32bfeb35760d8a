/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many messages of an SRT player may wait in libsrt, sent and not yet acknowledged or not yet sent.
 *
 * libsrt makes room for 32 messages to begin with and keeps for good what it once needed more, so a window begins just
 * below that. A newcomer's backlog goes through it in a moment where the link is short; where the link is long, or the
 * stream is large, acknowledgements come too late for so few, and the window doubles until they do not.
 *
 * Owner: the loop of the player. Lifetime: a value. Pure: time is an argument. Not here: sending (relay/out_srt).
 */
#ifndef ISARIBI_RELAY_SEND_WINDOW_H
#define ISARIBI_RELAY_SEND_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SEND_WINDOW_MESSAGES = 30,
	SEND_WINDOW_MAX_MESSAGES = SEND_WINDOW_MESSAGES * 128,
	/* A backlog that the window holds up for so long must have shrunk by this part of itself. */
	SEND_WINDOW_HELD_US = 50 * 1000,
	SEND_WINDOW_SHRINKS_BY = 10,
};

struct send_window {
	size_t messages;
	bool is_held;	       /* there is more to send than it lets through */
	int64_t held_since_us; /* or since when it was last looked whether the backlog shrinks */
	size_t held_waiting;   /* messages that waited for it then */
};

void send_window_init(struct send_window *window);
/* How many may go out now, when so many have not been acknowledged. */
size_t send_window_room(const struct send_window *window, size_t unacknowledged);
/* It is full and so many messages wait for it. */
void send_window_hold(struct send_window *window, size_t waiting, int64_t now_us);
/* Nothing waits for it any more. */
void send_window_pass(struct send_window *window);

#endif
