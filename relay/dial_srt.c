/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/dial_srt.h"

#include <errno.h>

#include "base/err.h"
#include "relay/hub.h"

enum { TICKS_MAX = 3 * IO_SRT_CONNECT_MS / HUB_TICK_MS }; /* libsrt gives up itself, long before */

void dial_srt_init(struct dial_srt *d)
{
	d->watch.sock = -1;
}

/* Stops watching; the socket is the caller's. */
static int take_socket(struct dial_srt *d)
{
	const int sock = d->watch.sock;

	poll_srt_remove(&d->watch);
	d->watch.sock = -1;
	return sock;
}

void dial_srt_stop(struct dial_srt *d)
{
	resolve_cancel(&d->resolve);
	if (d->watch.sock >= 0)
		io_srt_close(take_socket(d));
}

static void fail(struct dial_srt *d, const char *reason)
{
	dial_srt_stop(d);
	d->ops->failed(d->arg, reason);
}

static void look(struct dial_srt *d)
{
	switch (io_srt_state(d->watch.sock)) {
	case IO_SRT_CONNECTING: break;
	case IO_SRT_CONNECTED:
		d->addresses.n = 0; /* the next time the name may mean another host */
		d->ops->connected(d->arg, take_socket(d));
		break;
	case IO_SRT_OVER:
		/* Between connecting and connected a socket looks like this for a moment, too. */
		if (io_srt_has_reject_reason(d->watch.sock) || d->is_doubted)
			fail(d, io_srt_reject_text(d->watch.sock));
		else
			d->is_doubted = true;
		break;
	}
}

static void on_ready(struct poll_srt_watch *watch, unsigned events)
{
	(void)events;
	look((struct dial_srt *)(void *)watch);
}

static void connect_next(struct dial_srt *d)
{
	const struct plan_transfer *to = d->to;
	const struct resolved *address = &d->addresses.list[d->n_tried++];
	const struct io_srt_call call = {
		.peer = (const struct sockaddr *)&address->addr,
		.peer_len = address->len,
		.stream_id = to->stream_id,
		.passphrase = to->passphrase,
		.latency_ms = to->latency_ms > 0 ? to->latency_ms : DIAL_SRT_LATENCY_MS,
	};
	const int sock = io_srt_call(&call);
	int err;

	d->is_doubted = false;

	if (sock < 0) {
		fail(d, err_text(sock));
		return;
	}
	d->watch = (struct poll_srt_watch){ .sock = sock, .events = IO_SRT_IN | IO_SRT_OUT, .ready = on_ready };
	err = poll_srt_add(d->poll, &d->watch);
	if (err != 0)
		fail(d, err_text(err));
}

static void on_resolved(void *arg, int err, const struct resolved_list *list)
{
	struct dial_srt *d = arg;

	d->addresses = *list;
	if (err != 0)
		fail(d, "the name of the host cannot be found");
	else
		connect_next(d);
}

void dial_srt_try(struct dial_srt *d, const struct plan_transfer *to)
{
	int err;

	dial_srt_stop(d);
	d->to = to;
	d->n_ticks = 0;
	if (d->n_tried >= d->addresses.n) {
		d->n_tried = 0;
		d->addresses.n = 0;
		if (resolve_numeric(&d->addresses, to->host, to->port) != 0) {
			err = resolve_begin(&d->resolve, d->loop, to->host, to->port, on_resolved, d);
			if (err != 0)
				fail(d, err_text(err));
			return;
		}
	}
	connect_next(d);
}

void dial_srt_tick(struct dial_srt *d)
{
	if (d->watch.sock < 0)
		return;
	if (++d->n_ticks > TICKS_MAX)
		fail(d, "no answer");
	else
		look(d);
}

void dial_srt_rebase(struct dial_srt *d, const struct plan_transfer *to)
{
	d->to = to;
}
