/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for room in sockets, or for their clients to leave, while somebody else (libwebsockets) owns them and waits for
 * their input: an epoll set of its own inside the loop's, so a wait costs one system call, or none when the same was
 * waited for before.
 *
 * Owner: the loop's thread. Lifetime: http_poll_init to http_poll_fini; a socket is forgotten before its descriptor is
 * closed. Not here: what to do then.
 */
#ifndef ISARIBI_BASE_HTTP_POLL_H
#define ISARIBI_BASE_HTTP_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct epoll_event;
struct loop;
struct loop_watch;

/* One socket; embedded in its connection, zeroed first. */
struct http_poll_socket {
	uint32_t armed; /* what the kernel will tell of, once */
	bool is_added;
};

enum http_poll_what {
	HTTP_POLL_ROOM,
	HTTP_POLL_GONE, /* the client has closed its side, or the connection is broken */
};

struct http_poll {
	int fd; /* -1: none */
	struct loop_watch *watch;
	/* What was asked for last has come; a broken connection is told to whoever asked for anything. */
	void (*on_event)(struct http_poll_socket *socket);
	struct epoll_event *batch; /* being told of */
	size_t n_batch;
};

/* 0 or a negative errno. */
int http_poll_init(struct http_poll *poll, struct loop *loop, void (*on_event)(struct http_poll_socket *socket));
void http_poll_fini(struct http_poll *poll); /* also of a zeroed one that was never initialised */
/* Tells once, and only of what was asked for last: one that is asked for and no longer of interest may still come. */
int http_poll_want(struct http_poll *poll, struct http_poll_socket *socket, int fd, enum http_poll_what what);
/* Nothing is told of it any more. */
void http_poll_forget(struct http_poll *poll, struct http_poll_socket *socket, int fd);

#endif
