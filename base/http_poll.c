/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* EPOLLRDHUP */
#include "base/http_poll.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/loop.h"

enum { BATCH_MAX = 128 };

void http_poll_fini(struct http_poll *p)
{
	if (!p->on_event)
		return;
	loop_watch_destroy(&p->watch);
	if (p->fd >= 0)
		close(p->fd);
	memset(p, 0, sizeof(*p));
}

/* More than one batch keeps the set readable, so the loop comes back. */
static void on_readable(void *arg, unsigned loop_events)
{
	struct http_poll *p = arg;
	struct epoll_event batch[BATCH_MAX];
	int n = epoll_wait(p->fd, batch, BATCH_MAX, 0);

	(void)loop_events;
	p->batch = batch;
	p->n_batch = n > 0 ? (size_t)n : 0;
	for (size_t i = 0; i < p->n_batch; i++) {
		struct http_poll_socket *socket = batch[i].data.ptr;

		if (!socket)
			continue;
		socket->armed = 0;
		p->on_event(socket);
	}
	p->batch = NULL;
	p->n_batch = 0;
}

int http_poll_init(struct http_poll *p, struct loop *loop, void (*on_event)(struct http_poll_socket *socket))
{
	int err;

	memset(p, 0, sizeof(*p));
	p->on_event = on_event;
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	err = p->fd < 0 ? -errno : loop_watch_create(&p->watch, loop, p->fd, on_readable, p);
	if (err == 0)
		err = loop_watch_set(p->watch, LOOP_READABLE);
	if (err != 0)
		http_poll_fini(p);
	return err;
}

int http_poll_want(struct http_poll *p, struct http_poll_socket *socket, int fd, enum http_poll_what what)
{
	struct epoll_event ev = { .data.ptr = socket };

	ev.events = what == HTTP_POLL_ROOM ? EPOLLOUT : EPOLLRDHUP;
	if (socket->armed == ev.events)
		return 0;
	socket->armed = ev.events;
	ev.events |= EPOLLONESHOT;
	if (epoll_ctl(p->fd, socket->is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev) != 0)
		return -errno;
	socket->is_added = true;
	return 0;
}

void http_poll_forget(struct http_poll *p, struct http_poll_socket *socket, int fd)
{
	if (!socket->is_added)
		return;
	/* Closing the descriptor would do the same, but that is not in our hands. */
	(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
	memset(socket, 0, sizeof(*socket));
	for (size_t i = 0; i < p->n_batch; i++) {
		if (p->batch[i].data.ptr == socket)
			p->batch[i].data.ptr = NULL;
	}
}
