/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRT sockets watched on a loop.
 *
 * libsrt has no descriptor to wait for, and its own wait looks every 10 ms. So the loop looks every 5 ms while
 * connections are there (every 20 ms when only a listener is) and opens its mail in between; what a look finds comes
 * out in one burst. Owner: the loop's thread. Lifetime: poll_srt_create on the loop's thread to poll_srt_destroy
 * after the last watch. Not here: what is done with a socket.
 */
#ifndef ISARIBI_RELAY_POLL_SRT_H
#define ISARIBI_RELAY_POLL_SRT_H

#include "base/loop.h"
#include "relay/io_srt.h"

struct poll_srt;

/* Embedded in whoever watches. */
struct poll_srt_watch {
	struct poll_srt_watch *next; /* in a list of those with the same hash */
	struct poll_srt *poll;	     /* NULL: not watched */
	int sock;
	unsigned events; /* a set of enum io_srt_events */
	bool is_listener;
	/* May remove this watch and others, and may add new ones. */
	void (*ready)(struct poll_srt_watch *watch, unsigned events);
};

/* 0 or a negative errno. */
int poll_srt_create(struct poll_srt **out, struct loop *loop);
void poll_srt_destroy(struct poll_srt **poll);
/* After each look, for what is done once for all that came: flushes. May be NULL. */
void poll_srt_set_after(struct poll_srt *poll, loop_fn after, void *arg);
/* sock, events, is_listener and ready are set by the caller. 0 or a negative errno. */
int poll_srt_add(struct poll_srt *poll, struct poll_srt_watch *watch);
int poll_srt_change(struct poll_srt_watch *watch, unsigned events);
void poll_srt_remove(struct poll_srt_watch *watch); /* before the socket is closed; fine when not watched */

#endif
