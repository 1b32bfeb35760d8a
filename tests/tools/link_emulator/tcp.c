/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "tests/tools/link_emulator/tcp.h"

#include "tests/tools/link_emulator/tcp_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKLOG = 128 };

struct tcp {
	struct link *link;
	struct poller_watch listener;
	struct tcp_conn *conns;
	size_t n_open;
	uint64_t n_accepted;
	uint64_t n_refused; /* while the link was cut */
};

static void tcp_close(struct link *link)
{
	struct tcp *tcp = link->carrier;

	if (!tcp)
		return;
	/* The paths' packets point to the connections: they go first. */
	for (size_t i = 0; i < LINK_WAYS; i++)
		path_drop_all(&link->paths[i]);
	while (tcp->conns) {
		struct tcp_conn *conn = tcp->conns;

		tcp->conns = conn->next;
		tcp_conn_destroy(&conn);
	}
	if (tcp->listener.fd >= 0) {
		poller_set(link->poller, &tcp->listener, 0);
		close(tcp->listener.fd);
	}
	free(tcp);
	link->carrier = NULL;
}

static bool is_cut(const struct link *link, int64_t now_ns)
{
	return link->paths[LINK_UP].settings.cut_until_ns > now_ns ||
	    link->paths[LINK_DOWN].settings.cut_until_ns > now_ns;
}

static void take_client(struct tcp *tcp, int fd)
{
	struct tcp_conn *conn = NULL;

	if (is_cut(tcp->link, poller_now_ns())) {
		tcp->n_refused++;
		tcp_close_hard(fd);
		return;
	}
	conn = tcp_conn_create(tcp->link, fd);
	if (!conn)
		return;
	tcp->n_accepted++;
	conn->next = tcp->conns;
	tcp->conns = conn;
}

static void on_listener(void *ctx, uint32_t events)
{
	struct tcp *tcp = ctx;
	int fd = -1;

	(void)events;
	while ((fd = accept4(tcp->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		take_client(tcp, fd);
}

static int tcp_open(struct link *link)
{
	struct tcp *tcp = calloc(1, sizeof(*tcp));
	int one = 1;

	if (!tcp)
		return -ENOMEM;
	link->carrier = tcp;
	tcp->link = link;
	tcp->listener = (struct poller_watch){ .fn = on_listener, .ctx = tcp };
	tcp->listener.fd = socket(link->listen.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (tcp->listener.fd < 0)
		return -errno;
	setsockopt(tcp->listener.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (link->listen.u.any.sa_family == AF_INET6)
		setsockopt(tcp->listener.fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	/* Before listening: connections inherit it, and the window is settled with the first packet. */
	setsockopt(tcp->listener.fd, SOL_SOCKET, SO_RCVBUF, &(int){ TCP_SOCKET_BUFFER_BYTES }, sizeof(int));
	if (bind(tcp->listener.fd, &link->listen.u.any, link->listen.len) < 0 || listen(tcp->listener.fd, BACKLOG) < 0)
		return -errno;
	link->port = address_port_of(tcp->listener.fd);
	return poller_set(link->poller, &tcp->listener, EPOLLIN);
}

static void run_path(struct path *path, int64_t now_ns)
{
	struct packet *packet = NULL;

	while ((packet = path_take(path, now_ns))) {
		struct tcp_conn *conn = packet->flow->owner;

		if (conn->is_closed) {
			path->stats.orphaned++;
			packet_destroy(path->budget, &packet);
			continue;
		}
		path->stats.forwarded++;
		path->stats.forwarded_bytes += packet->size_bytes;
		tcp_conn_arrive(conn, packet);
	}
}

static void tcp_run(struct link *link, int64_t now_ns)
{
	struct tcp *tcp = link->carrier;
	struct tcp_conn **at = &tcp->conns;

	for (size_t i = 0; i < LINK_WAYS; i++)
		run_path(&link->paths[i], now_ns);
	tcp->n_open = 0;
	while (*at) {
		struct tcp_conn *conn = *at;

		if (tcp_conn_is_over(conn)) {
			*at = conn->next;
			tcp_conn_destroy(&conn);
			continue;
		}
		if (!conn->is_closed) {
			tcp->n_open++;
			tcp_conn_watch(conn);
		}
		at = &conn->next;
	}
}

static void tcp_drain(struct link *link)
{
	struct tcp *tcp = link->carrier;

	on_listener(tcp, EPOLLIN);
	for (struct tcp_conn *conn = tcp->conns; conn; conn = conn->next)
		if (!conn->is_closed)
			tcp_conn_drain(conn);
}

static void tcp_reset(struct link *link)
{
	struct tcp *tcp = link->carrier;

	for (struct tcp_conn *conn = tcp->conns; conn; conn = conn->next)
		if (!conn->is_closed)
			tcp_conn_reset(conn);
}

static void tcp_changed(struct link *link, int64_t now_ns)
{
	if (is_cut(link, now_ns))
		tcp_reset(link);
}

/* A connection does not survive a new address. */
static int tcp_rebind(struct link *link, const struct address *host)
{
	(void)host;
	tcp_reset(link);
	return 0;
}

static void tcp_print(const struct link *link, FILE *out)
{
	const struct tcp *tcp = link->carrier;

	fprintf(out, ", \"connections\": %zu, \"accepted\": %llu, \"refused\": %llu", tcp->n_open,
	    (unsigned long long)tcp->n_accepted, (unsigned long long)tcp->n_refused);
}

const struct link_ops tcp_ops = {
	.kind = "tcp",
	.is_stream = true,
	.open = tcp_open,
	.close = tcp_close,
	.run = tcp_run,
	.drain = tcp_drain,
	.changed = tcp_changed,
	.rebind = tcp_rebind,
	.reset = tcp_reset,
	.print = tcp_print,
};
