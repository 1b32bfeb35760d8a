/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for sockets and for a moment, to the nanosecond as far as the kernel keeps it (epoll and a timerfd).
 *
 * Owner: one thread. Lifetime: poller_open/poller_close; a watch is the caller's memory and may go as soon as it has
 * been removed, also from inside a callback.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_POLLER_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum { POLLER_BATCH = 64 };

typedef void (*poller_fn)(void *ctx, uint32_t events);

struct poller_watch {
	int fd;
	uint32_t events; /* 0: not watched */
	poller_fn fn;
	void *ctx;
};

struct poller {
	int epoll_fd;
	int timer_fd;
	int64_t armed_ns;
	int n_ready;
	struct epoll_event ready[POLLER_BATCH];
};

void poller_close(struct poller *poller);
int poller_open(struct poller *poller);
/* events: a set of EPOLLIN and EPOLLOUT; 0 forgets the descriptor, which is then free to be closed. 0 or -errno. */
int poller_set(struct poller *poller, struct poller_watch *watch, uint32_t events);
/* Waits until a watch is ready or the moment has come (INT64_MAX: never), and calls back. 0 or -errno. */
int poller_wait(struct poller *poller, int64_t until_ns);
/* The monotonic clock. */
int64_t poller_now_ns(void);

#endif
