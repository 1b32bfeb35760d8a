/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/publisher.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/stream.h"

struct publisher {
	struct relay_local *local;
	struct handle handle;
	const struct publisher_ops *ops;
	void *arg;
	unsigned home;
	bool is_granted;
	bool is_over;
	struct handle stream; /* once granted */
	uint64_t generation;
};

static void destroy(struct publisher *p)
{
	slots_remove(&p->local->publishers, p->handle);
	free(p);
}

int publisher_begin(struct publisher **out, struct relay_local *local, const struct publisher_config *config)
{
	struct publisher *p = calloc(1, sizeof(*p));
	struct mail mail = {
		.kind = MAIL_PUBLISH_ASK,
		.from_loop = local->index,
		.session_id = config->session_id,
		.until_ms = config->pass->until_ms,
		.clock_modulus_90k = config->clock_modulus_90k,
	};

	loop_assert_owner(local->loop);
	*out = NULL;
	if (!p)
		return -ENOMEM;
	*p = (struct publisher){ .local = local, .ops = config->ops, .arg = config->arg };
	p->home = courier_home_of(&local->setup->courier, config->pass->stream);
	if (slots_add(&local->publishers, p, &p->handle) != 0) {
		free(p);
		return -ENOMEM;
	}
	mail.from = p->handle;
	memcpy(mail.key_hash, config->pass->key_hash, sizeof(mail.key_hash));
	snprintf(mail.stream, sizeof(mail.stream), "%s", config->pass->stream);
	if (!courier_post(&local->setup->courier, p->home, &mail)) {
		destroy(p);
		return -EBUSY;
	}
	*out = p;
	return 0;
}

bool publisher_push(struct publisher *p, struct frame *frame)
{
	struct mail mail = { .kind = MAIL_FRAME_IN, .to = p->stream, .generation = p->generation, .frame = frame };

	assert(p->is_granted);
	if (p->home == p->local->index) {
		struct stream *stream = slots_get(&p->local->streams, p->stream);

		if (stream)
			stream_frame(stream, p->generation, frame);
		else
			frame_unref(frame);
		return true;
	}
	if (courier_post(&p->local->setup->courier, p->home, &mail))
		return true;
	stats_add(p->local->setup->stats, STAT_FRAMES_DROPPED, 1);
	return false;
}

uint64_t publisher_generation(const struct publisher *p)
{
	assert(p->is_granted);
	return p->generation;
}

void publisher_set_until(struct publisher *p, int64_t until_ms)
{
	struct mail mail = {
		.kind = MAIL_PUBLISH_UNTIL, .to = p->stream, .generation = p->generation, .until_ms = until_ms
	};

	if (p->is_granted)
		(void)courier_post(&p->local->setup->courier, p->home, &mail);
}

void publisher_end(struct publisher **publisher, enum close_reason reason)
{
	struct publisher *p = *publisher;

	*publisher = NULL;
	if (!p)
		return;
	if (!p->is_over) {
		struct mail mail = {
			.kind = MAIL_PUBLISH_END,
			.to = p->stream,
			.from = p->handle,
			.generation = p->generation,
			.reason = reason,
		};

		/* Not granted yet: the grant will find nobody here, and relay/hub ends it then. */
		if (p->is_granted)
			(void)courier_post(&p->local->setup->courier, p->home, &mail);
	}
	destroy(p);
}

void publisher_granted(struct publisher *p, const struct mail *mail)
{
	p->is_granted = true;
	p->stream = mail->from;
	p->generation = mail->generation;
	p->ops->granted(p->arg);
}

void publisher_over(struct publisher *p, enum close_reason reason)
{
	p->is_over = true;
	p->ops->over(p->arg, reason);
}
