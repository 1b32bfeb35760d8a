/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* F_DUPFD_CLOEXEC */
#include "base/http_linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"

enum {
	LINGER_US = 2000000,
	LINGER_BYTES = 256 * 1024,
	LINGER_SOCKETS = 64, /* beyond, answers may be lost: only clients that send what they should not are here */
};

struct linger_socket {
	struct linger_socket *next;
	struct http_linger *linger;
	struct loop_watch *watch;
	int fd;
	int64_t deadline_us;
	size_t bytes;
};

static void socket_destroy(struct linger_socket *s)
{
	struct linger_socket **link = &s->linger->first;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	s->linger->n_sockets--;
	loop_watch_destroy(&s->watch);
	close(s->fd);
	free(s);
}

void http_linger_fini(struct http_linger *linger)
{
	while (linger->first)
		socket_destroy(linger->first);
}

void http_linger_init(struct http_linger *linger, struct loop *loop)
{
	memset(linger, 0, sizeof(*linger));
	linger->loop = loop;
}

static void on_events(void *arg, unsigned events)
{
	struct linger_socket *s = arg;
	char waste[16 * 1024];
	ssize_t n = recv(s->fd, waste, sizeof(waste), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		s->bytes += (size_t)n;
	if (n <= 0 || s->bytes > LINGER_BYTES)
		socket_destroy(s);
}

void http_linger_add(struct http_linger *linger, int fd)
{
	struct linger_socket *s;

	if (linger->n_sockets >= LINGER_SOCKETS)
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->linger = linger;
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	s->deadline_us = loop_now_us(linger->loop) + LINGER_US;
	if (s->fd < 0 || loop_watch_create(&s->watch, linger->loop, s->fd, on_events, s) != 0) {
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return;
	}
	s->next = linger->first;
	linger->first = s;
	linger->n_sockets++;
	loop_watch_set(s->watch, LOOP_READABLE);
}

void http_linger_sweep(struct http_linger *linger, int64_t now_us)
{
	struct linger_socket *next;

	for (struct linger_socket *s = linger->first; s; s = next) {
		next = s->next;
		if (now_us >= s->deadline_us)
			socket_destroy(s);
	}
}
