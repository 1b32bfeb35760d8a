/* SPDX-License-Identifier: Apache-2.0 */
/* A bare listener: takes everybody in, reads and throws away, closes when the other side has. What libsrt itself does
 * under a load shows here, without a relay around it. */
#include "tests/tools/end_srt.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { EVENTS = 256, TICK_MS = 100 };

static volatile sig_atomic_t is_asked_to_end;

static void on_signal(int number)
{
	(void)number;
	is_asked_to_end = 1;
}

static void accept_all(int epoll, SRTSOCKET listener)
{
	const int events = SRT_EPOLL_IN | SRT_EPOLL_ERR;
	SRTSOCKET sock;

	while ((sock = srt_accept(listener, NULL, NULL)) != SRT_INVALID_SOCK)
		srt_epoll_add_usock(epoll, sock, &events);
}

static void read_all(SRTSOCKET sock)
{
	char buf[END_SRT_MESSAGE_BYTES + 200];

	while (srt_recvmsg(sock, buf, sizeof(buf)) > 0)
		;
	if (srt_getlasterror(NULL) != SRT_EASYNCRCV)
		srt_close(sock);
}

static void run(int epoll, SRTSOCKET listener)
{
	const int accepting = SRT_EPOLL_IN;
	SRT_EPOLL_EVENT events[EVENTS];

	srt_epoll_add_usock(epoll, listener, &accepting);
	while (!is_asked_to_end) {
		int n = srt_epoll_uwait(epoll, events, EVENTS, TICK_MS);

		for (int i = 0; i < n; i++) {
			if (events[i].fd == listener)
				accept_all(epoll, listener);
			else
				read_all(events[i].fd);
		}
	}
}

int main(int argc, char **argv)
{
	const struct sigaction end = { .sa_handler = on_signal };
	struct end_srt e = { 0 };
	SRTSOCKET listener;
	int epoll;

	if (argc < 2 || argc > 4 || end_srt_parse(&e, argv[1]) < 0) {
		fputs("usage: srt_listen A.B.C.D:PORT [LATENCY-MS [WINDOW-PACKETS]]   port 0: any\n", stderr);
		return 2;
	}
	e.latency_ms = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;
	e.window_packets = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 0;
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	if (end_srt_start() < 0)
		return 1;
	listener = end_srt_listen(&e);
	epoll = srt_epoll_create();
	if (listener != SRT_INVALID_SOCK && epoll >= 0)
		run(epoll, listener);
	end_srt_stop();
	return listener == SRT_INVALID_SOCK;
}
