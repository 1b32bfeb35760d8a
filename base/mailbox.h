/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only way between threads: a bounded queue of small messages into one loop.
 *
 * Owner: the receiving loop creates, drains (by itself, from the loop) and destroys it; any thread may post.
 * Lifetime: nobody posts after mailbox_destroy; the composition root stops the senders first.
 * A message is a plain struct that is copied; what it points to is counted and changes hands with it.
 *
 * When full: a MAIL_DROPPABLE post (a frame) returns false and the sender marks a gap. A MAIL_MUST post (begin, end,
 * plan) may use a reserve beyond the capacity; a sender has at most a few of those under way, so the reserve is sized
 * by the number of sessions. When even that is full it returns false and the sender gives up its session.
 *
 * Waking another thread costs more than most messages do. A MAIL_LAZY post is a droppable one that need not be seen at
 * once: while such messages flow the receiver looks by itself every linger_ms and nobody wakes it.
 */
#ifndef ISARIBI_BASE_MAILBOX_H
#define ISARIBI_BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct loop;
struct mailbox;

enum mail_class {
	MAIL_DROPPABLE,
	MAIL_MUST,
	MAIL_LAZY,
};

/* Runs on the receiving loop; item points to a copy that is valid during the call. */
typedef void (*mailbox_handle_fn)(void *arg, void *item);

/* Gives back what a message holds when nobody will handle it any more. */
typedef void (*mailbox_drop_fn)(void *item);

struct mailbox_config {
	size_t item_bytes;
	size_t capacity;    /* items */
	size_t reserve;	    /* items for MAIL_MUST alone */
	unsigned linger_ms; /* how late a MAIL_LAZY post may be seen; 0: none is used */
	mailbox_handle_fn handle;
	mailbox_drop_fn drop; /* may be NULL when messages hold nothing */
	void *arg;
};

/* Call before the loop runs or on its thread. 0 or -ENOMEM. */
int mailbox_create(struct mailbox **out, struct loop *loop, const struct mailbox_config *config);
/* On the loop's thread, or after it has been joined. What is still queued is dropped. */
void mailbox_destroy(struct mailbox **mb);
bool mailbox_post(struct mailbox *mb, const void *item, enum mail_class mail_class) ATTR_NODISCARD;
/* Handles what is queued now; on the loop's thread. For a loop's last act: nothing that was posted before is lost. */
void mailbox_drain(struct mailbox *mb);
/* Posts refused so far because the mailbox was full; any thread. */
unsigned long mailbox_refused(const struct mailbox *mb);

#endif
