/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/hub.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/burst.h"
#include "base/log.h"
#include "relay/mirror.h"
#include "relay/publisher.h"
#include "relay/stream.h"

struct hub {
	struct relay_local local;
	struct relay_setup *setup; /* to take our mailbox out again */
	struct loop_timer *tick;
	struct hub_guest guests[HUB_GUESTS_MAX];
	size_t n_guests;
	bool is_stopping;
};

void hub_destroy(struct hub **hub)
{
	struct hub *h = *hub;
	struct stream *stream;
	uint32_t place = 0;

	*hub = NULL;
	if (!h)
		return;
	while ((stream = slots_next(&h->local.streams, &place)) != NULL) {
		stream_stop(stream);
		stream_destroy(&stream);
	}
	loop_timer_destroy(&h->tick);
	mailbox_destroy(&h->setup->courier.mailboxes[h->local.index]);
	slots_fini(&h->local.streams);
	slots_fini(&h->local.mirrors);
	slots_fini(&h->local.publishers);
	plan_unref(h->local.plan);
	burst_destroy(&h->local.burst);
	free(h);
}

static struct stream *find_stream(struct hub *h, const char *name)
{
	struct stream *s;
	uint32_t place = 0;

	while ((s = slots_next(&h->local.streams, &place)) != NULL) {
		if (strcmp(stream_name(s), name) == 0)
			return s;
	}
	return NULL;
}

static struct stream *find_or_create_stream(struct hub *h, const char *name)
{
	struct stream *s = find_stream(h, name);

	if (!s && !h->is_stopping && stream_create(&s, &h->local, name) != 0)
		log_error(NULL, "no memory for stream %s", name);
	return s;
}

static void refuse(struct hub *h, const struct mail *mail, enum mail_kind kind)
{
	struct mail answer = {
		.kind = kind, .to = mail->from, .reason = h->is_stopping ? CLOSE_SHUTDOWN : CLOSE_NO_MEMORY
	};

	(void)courier_post(&h->setup->courier, mail->from_loop, &answer);
}

static void open_publish_ask(struct hub *h, const struct mail *mail)
{
	struct stream *s = find_or_create_stream(h, mail->stream);

	if (s)
		stream_publish_ask(s, mail);
	else
		refuse(h, mail, MAIL_PUBLISH_OVER);
}

static void open_mirror_join(struct hub *h, const struct mail *mail)
{
	struct stream *s = find_or_create_stream(h, mail->stream);

	if (s)
		stream_mirror_join(s, mail);
	else
		refuse(h, mail, MAIL_MIRROR_OVER);
}

static void open_mirror_leave(struct hub *h, const struct mail *mail)
{
	struct stream *s = find_stream(h, mail->stream);

	if (s)
		stream_mirror_leave(s, mail);
}

/* The session may have ended while its question was under way: then the stream loses its publisher at once. */
static void open_granted(struct hub *h, const struct mail *mail)
{
	struct publisher *p = slots_get(&h->local.publishers, mail->to);
	struct mail end = { .kind = MAIL_PUBLISH_END,
		.to = mail->from,
		.generation = mail->generation,
		.reason = CLOSE_CLIENT_CLOSED };

	if (p)
		publisher_granted(p, mail);
	else
		(void)courier_post(&h->setup->courier, mail->from_loop, &end);
}

static void open_for_publisher(struct hub *h, const struct mail *mail)
{
	struct publisher *p = slots_get(&h->local.publishers, mail->to);

	if (p)
		publisher_over(p, mail->reason);
}

static void open_for_stream(struct hub *h, struct mail *mail)
{
	struct stream *s = slots_get(&h->local.streams, mail->to);

	if (!s) {
		mail_drop(mail);
		return;
	}
	if (mail->kind == MAIL_FRAME_IN)
		stream_frame(s, mail->generation, mail->frame);
	else if (mail->kind == MAIL_PUBLISH_END)
		stream_publish_end(s, mail);
	else
		stream_publish_until(s, mail);
}

static void open_for_mirror(struct hub *h, struct mail *mail)
{
	struct mirror *m = slots_get(&h->local.mirrors, mail->to);

	if (!m)
		mail_drop(mail);
	else if (mail->kind == MAIL_FRAME_OUT)
		mirror_frame(m, mail->frame, mail->is_backlog);
	else
		mirror_over(m, mail->reason);
}

static void take_plan(struct hub *h, struct plan *plan)
{
	struct stream *s;
	uint32_t place = 0;

	plan_unref(h->local.plan);
	h->local.plan = plan;
	while ((s = slots_next(&h->local.streams, &place)) != NULL)
		stream_plan(s);
	for (size_t i = 0; i < h->n_guests; i++) {
		if (h->guests[i].on_plan)
			h->guests[i].on_plan(h->guests[i].arg);
	}
}

static void stop_all(struct hub *h)
{
	struct stream *s;
	uint32_t place = 0;

	h->is_stopping = true;
	while ((s = slots_next(&h->local.streams, &place)) != NULL)
		stream_stop(s);
	for (size_t i = 0; i < h->n_guests; i++) {
		if (h->guests[i].on_stop)
			h->guests[i].on_stop(h->guests[i].arg);
	}
}

static void open_connection(struct hub *h, struct mail *mail)
{
	const struct hub_guest *guest = mail->guest < h->n_guests ? &h->guests[mail->guest] : NULL;

	if (!h->is_stopping && guest && guest->on_connection)
		guest->on_connection(guest->arg, mail->fd, mail->peer);
	else
		mail_drop(mail);
}

static void open_mail(void *arg, void *item)
{
	struct hub *h = arg;
	struct mail *mail = item;

	switch (mail->kind) {
	case MAIL_PUBLISH_ASK: open_publish_ask(h, mail); break;
	case MAIL_PUBLISH_END:
	case MAIL_PUBLISH_UNTIL:
	case MAIL_FRAME_IN: open_for_stream(h, mail); break;
	case MAIL_PUBLISH_GRANTED: open_granted(h, mail); break;
	case MAIL_PUBLISH_OVER: open_for_publisher(h, mail); break;
	case MAIL_MIRROR_JOIN: open_mirror_join(h, mail); break;
	case MAIL_MIRROR_LEAVE: open_mirror_leave(h, mail); break;
	case MAIL_FRAME_OUT:
	case MAIL_MIRROR_OVER: open_for_mirror(h, mail); break;
	case MAIL_CONNECTION: open_connection(h, mail); break;
	case MAIL_PLAN: take_plan(h, mail->plan); break;
	case MAIL_STOP: stop_all(h); break;
	case MAIL_KINDS: break;
	}
}

void hub_tick(struct hub *h)
{
	struct stream *s;
	uint32_t place = 0;
	struct placement *placement = h->setup->courier.placement;

	if (placement && h->local.index < placement->n_loops)
		placement_note_busy(placement, h->local.index, loop_busy_permille(h->local.loop));
	while ((s = slots_next(&h->local.streams, &place)) != NULL) {
		if (stream_tick(s))
			stream_destroy(&s);
	}
	for (size_t i = 0; i < h->n_guests; i++) {
		if (h->guests[i].on_tick)
			h->guests[i].on_tick(h->guests[i].arg);
	}
}

static void on_tick(void *arg)
{
	hub_tick(arg);
}

int hub_create(struct hub **out, struct relay_setup *setup, struct loop *loop, unsigned index, struct plan *plan)
{
	struct hub *h = calloc(1, sizeof(*h));
	const struct mailbox_config mail = {
		.item_bytes = sizeof(struct mail),
		.capacity = COURIER_MAILBOX_FRAMES,
		.reserve = COURIER_MAILBOX_RESERVE,
		.linger_ms = COURIER_LINGER_MS,
		.handle = open_mail,
		.drop = mail_drop,
		.arg = h,
	};

	*out = NULL;
	if (!h)
		return -ENOMEM;
	assert(index < COURIER_LOOPS_MAX && setup->n_taps <= RELAY_TAPS_MAX);
	h->setup = setup;
	h->local = (struct relay_local){ .setup = setup, .loop = loop, .index = index, .plan = plan_ref(plan) };
	/* Kernels and containers that do not let us have it are fine, only dearer. */
	if (setup->limits.has_bursts && burst_create(&h->local.burst) != 0)
		log_debug(NULL, "no io_uring for %s", loop_name(loop));
	slots_init(&h->local.streams);
	slots_init(&h->local.mirrors);
	slots_init(&h->local.publishers);
	if (loop_timer_create(&h->tick, loop, on_tick, h) != 0 ||
	    mailbox_create(&setup->courier.mailboxes[index], loop, &mail) != 0) {
		hub_destroy(&h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void hub_start(struct hub *h)
{
	loop_timer_start(h->tick, HUB_TICK_MS, HUB_TICK_MS);
}

void hub_end(struct hub *h)
{
	loop_timer_destroy(&h->tick);
}

struct relay_local *hub_local(struct hub *h)
{
	return &h->local;
}

unsigned hub_add_guest(struct hub *h, const struct hub_guest *guest)
{
	assert(h->n_guests < HUB_GUESTS_MAX);
	h->guests[h->n_guests] = *guest;
	return (unsigned)h->n_guests++;
}
