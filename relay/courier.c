/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/courier.h"

#include <assert.h>
#include <unistd.h>

void mail_drop(void *item)
{
	struct mail *mail = item;

	frame_unref(mail->frame);
	plan_unref(mail->plan);
	mail->frame = NULL;
	mail->plan = NULL;
	if (mail->kind == MAIL_CONNECTION)
		close(mail->fd);
}

/* A mirror lets audio wait for its video, so there is no hurry with it on the way either. */
static enum mail_class class_of(const struct mail *mail)
{
	if (mail->kind != MAIL_FRAME_IN && mail->kind != MAIL_FRAME_OUT)
		return MAIL_MUST;
	return mail->is_backlog || frame_is_video(mail->frame) ? MAIL_DROPPABLE : MAIL_LAZY;
}

bool courier_post(const struct courier *courier, unsigned to_loop, struct mail *mail)
{
	struct mailbox *mailbox = courier->mailboxes[to_loop];

	assert(to_loop < courier->n_loops);
	/* Hubs are destroyed one after the other, and the last words of one may go to one that is gone. */
	if (mailbox && mailbox_post(mailbox, mail, class_of(mail)))
		return true;
	mail_drop(mail);
	return false;
}

unsigned courier_home_of(const struct courier *courier, const char *stream)
{
	uint32_t hash = 2166136261u; /* FNV-1a: names are few and come from the plan */

	for (const char *c = stream; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 16777619u;
	return courier->placement ? placement_of_stream(courier->placement, hash) : hash % courier->n_homes;
}
