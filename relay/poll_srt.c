/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/poll_srt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	LOOK_EVERY_MS = 5,
	LISTEN_EVERY_MS = 20,
	BUCKETS = 1024,
	EVENTS_AT_ONCE = 64,
};

struct poll_srt {
	struct loop *loop;
	struct loop_timer *timer;
	loop_fn after;
	void *after_arg;
	int poll;
	unsigned n_connections;
	unsigned n_watches;
	struct poll_srt_watch *buckets[BUCKETS];
};

void poll_srt_destroy(struct poll_srt **poll)
{
	struct poll_srt *p = *poll;

	*poll = NULL;
	if (!p)
		return;
	assert(p->n_watches == 0);
	loop_timer_destroy(&p->timer);
	if (p->poll >= 0)
		io_srt_poll_destroy(p->poll);
	free(p);
}

static struct poll_srt_watch **bucket(struct poll_srt *p, int sock)
{
	return &p->buckets[(unsigned)sock % BUCKETS];
}

static struct poll_srt_watch *find(struct poll_srt *p, int sock)
{
	struct poll_srt_watch *watch = *bucket(p, sock);

	while (watch && watch->sock != sock)
		watch = watch->next;
	return watch;
}

/* Looks again while the list comes back full, but not for ever: others wait for the loop, too. */
static void on_look(void *arg)
{
	struct poll_srt *p = arg;
	struct io_srt_event events[EVENTS_AT_ONCE];
	int n = EVENTS_AT_ONCE;

	for (int round = 0; round < 16 && n == EVENTS_AT_ONCE; round++) {
		n = io_srt_poll_look(p->poll, events, EVENTS_AT_ONCE);
		for (int i = 0; i < n; i++) {
			struct poll_srt_watch *watch = find(p, events[i].sock);

			if (watch)
				watch->ready(watch, events[i].events);
		}
	}
	if (p->after)
		p->after(p->after_arg);
}

int poll_srt_create(struct poll_srt **out, struct loop *loop)
{
	struct poll_srt *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->loop = loop;
	p->poll = io_srt_poll_create();
	err = p->poll < 0 ? p->poll : loop_timer_create(&p->timer, loop, on_look, p);
	if (err != 0) {
		poll_srt_destroy(&p);
		return err;
	}
	*out = p;
	return 0;
}

void poll_srt_set_after(struct poll_srt *p, loop_fn after, void *arg)
{
	p->after = after;
	p->after_arg = arg;
}

static void set_pace(struct poll_srt *p)
{
	const uint64_t every_ms = p->n_connections > 0 ? LOOK_EVERY_MS : LISTEN_EVERY_MS;

	if (p->n_watches == 0)
		loop_timer_stop(p->timer);
	else
		loop_timer_start(p->timer, every_ms, every_ms);
}

static void count(struct poll_srt *p, const struct poll_srt_watch *watch, int n)
{
	const bool was_busy = p->n_connections > 0;
	const bool was_used = p->n_watches > 0;

	p->n_watches += (unsigned)n;
	if (!watch->is_listener)
		p->n_connections += (unsigned)n;
	if (was_busy != (p->n_connections > 0) || was_used != (p->n_watches > 0))
		set_pace(p);
}

int poll_srt_add(struct poll_srt *p, struct poll_srt_watch *watch)
{
	struct poll_srt_watch **head = bucket(p, watch->sock);
	int err;

	loop_assert_owner(p->loop);
	assert(!watch->poll && watch->ready);
	err = io_srt_poll_set(p->poll, watch->sock, watch->events, true);
	if (err != 0)
		return err;
	watch->poll = p;
	watch->next = *head;
	*head = watch;
	count(p, watch, 1);
	return 0;
}

int poll_srt_change(struct poll_srt_watch *watch, unsigned events)
{
	if (watch->events == events)
		return 0;
	watch->events = events;
	return io_srt_poll_set(watch->poll->poll, watch->sock, events, false);
}

void poll_srt_remove(struct poll_srt_watch *watch)
{
	struct poll_srt *p = watch->poll;
	struct poll_srt_watch **at;

	if (!p)
		return;
	at = bucket(p, watch->sock);
	while (*at != watch)
		at = &(*at)->next;
	*at = watch->next;
	watch->poll = NULL;
	io_srt_poll_remove(p->poll, watch->sock);
	count(p, watch, -1);
}
