/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/poller.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* No moment: the timer has gone off. Setting it anew also takes the event away, nobody needs to read it. */
enum { FIRED = -1 };

void poller_close(struct poller *poller)
{
	if (poller->timer_fd >= 0)
		close(poller->timer_fd);
	if (poller->epoll_fd >= 0)
		close(poller->epoll_fd);
	poller->timer_fd = poller->epoll_fd = -1;
}

int poller_open(struct poller *poller)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = poller };

	*poller = (struct poller){ .armed_ns = INT64_MAX };
	poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	poller->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (poller->epoll_fd >= 0 && poller->timer_fd >= 0 &&
	    epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->timer_fd, &event) == 0)
		return 0;
	int err = -errno;
	poller_close(poller);
	return err;
}

int64_t poller_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Events of this turn that were not handed out yet must not find a watch that is gone. */
static void forget_ready(struct poller *poller, const struct poller_watch *watch)
{
	for (int i = 0; i < poller->n_ready; i++)
		if (poller->ready[i].data.ptr == watch)
			poller->ready[i].data.ptr = NULL;
}

int poller_set(struct poller *poller, struct poller_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };
	int op = watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == watch->events)
		return 0;
	if (events == 0) {
		op = EPOLL_CTL_DEL;
		forget_ready(poller, watch);
	}
	if (epoll_ctl(poller->epoll_fd, op, watch->fd, &event) < 0)
		return -errno;
	watch->events = events;
	return 0;
}

static int arm(struct poller *poller, int64_t until_ns)
{
	struct itimerspec at = { 0 };

	if (until_ns == poller->armed_ns)
		return 0;
	poller->armed_ns = until_ns;
	if (until_ns != INT64_MAX) {
		at.it_value.tv_sec = until_ns / 1000000000;
		at.it_value.tv_nsec = until_ns % 1000000000;
	}
	return timerfd_settime(poller->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) < 0 ? -errno : 0;
}

int poller_wait(struct poller *poller, int64_t until_ns)
{
	int res = arm(poller, until_ns);

	if (res < 0)
		return res;
	poller->n_ready = epoll_wait(poller->epoll_fd, poller->ready, POLLER_BATCH, -1);
	if (poller->n_ready < 0) {
		poller->n_ready = 0;
		return errno == EINTR ? 0 : -errno;
	}
	for (int i = 0; i < poller->n_ready; i++) {
		struct poller_watch *watch = poller->ready[i].data.ptr;

		if (poller->ready[i].data.ptr == poller)
			poller->armed_ns = FIRED;
		else if (watch)
			watch->fn(watch->ctx, poller->ready[i].events);
	}
	poller->n_ready = 0;
	return 0;
}
