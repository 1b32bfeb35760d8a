/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/tcp_conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECES = 64 };

static void end_close(struct tcp_end *end, bool is_hard)
{
	struct budget *budget = end->conn->link->paths[0].budget;

	while (end->head) {
		struct packet *packet = end->head;

		end->head = packet->next;
		packet_destroy(budget, &packet);
	}
	if (end->watch.fd < 0)
		return;
	poller_set(end->conn->link->poller, &end->watch, 0);
	if (is_hard)
		tcp_close_hard(end->watch.fd);
	else
		close(end->watch.fd);
	end->watch.fd = -1;
}

void tcp_close_hard(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

void tcp_conn_destroy(struct tcp_conn **conn)
{
	if (!*conn)
		return;
	for (size_t i = 0; i < LINK_WAYS; i++)
		end_close(&(*conn)->ends[i], true);
	assert((*conn)->flows[LINK_UP].n_packets + (*conn)->flows[LINK_DOWN].n_packets == 0);
	free(*conn);
	*conn = NULL;
}

static void conn_close(struct tcp_conn *conn, bool is_hard)
{
	for (size_t i = 0; i < LINK_WAYS; i++)
		end_close(&conn->ends[i], is_hard);
	conn->is_closed = true;
}

void tcp_conn_reset(struct tcp_conn *conn)
{
	conn_close(conn, true);
}

bool tcp_conn_is_over(const struct tcp_conn *conn)
{
	return conn->is_closed && conn->flows[LINK_UP].n_packets + conn->flows[LINK_DOWN].n_packets == 0;
}

static struct path *path_from(const struct tcp_end *end)
{
	return &end->conn->link->paths[end->way];
}

static struct tcp_end *other_end(struct tcp_end *end)
{
	return &end->conn->ends[end->way == LINK_UP ? LINK_DOWN : LINK_UP];
}

static bool may_read(const struct tcp_end *end)
{
	const struct path *path = path_from(end);
	const struct budget *budget = path->budget;
	size_t most_bytes = TCP_READ_BYTES + (TCP_READ_BYTES / TCP_SEGMENT_BYTES + 2) * PACKET_OVERHEAD_BYTES;

	return end->is_connected && !end->is_read_done && end->watch.fd >= 0 && path_has_room(path) &&
	    end->conn->flows[end->way].size_bytes < TCP_FLOW_BYTES &&
	    budget->max_bytes - budget->used_bytes >= most_bytes;
}

static void end_watch(struct tcp_end *end)
{
	bool is_writing = end->watch.fd >= 0 && (end->head || !end->is_connected);

	if (end->watch.fd >= 0)
		poller_set(end->conn->link->poller, &end->watch,
		    (may_read(end) ? (uint32_t)EPOLLIN : 0u) | (is_writing ? (uint32_t)EPOLLOUT : 0u));
}

void tcp_conn_watch(struct tcp_conn *conn)
{
	for (size_t i = 0; i < LINK_WAYS; i++)
		end_watch(&conn->ends[i]);
}

/* False: no memory, the connection has been reset, because a stream with a hole is none. */
static bool offer(struct tcp_end *end, enum packet_kind kind, const void *data, size_t size_bytes)
{
	struct path *path = path_from(end);
	struct packet *packet = packet_create(path->budget, &end->conn->flows[end->way], data, size_bytes);

	if (!packet) {
		tcp_conn_reset(end->conn);
		return false;
	}
	packet->kind = kind;
	path_offer(path, packet, poller_now_ns());
	return true;
}

static void offer_bytes(struct tcp_end *end, const uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at < n; at += TCP_SEGMENT_BYTES) {
		size_t size = n - at < TCP_SEGMENT_BYTES ? n - at : TCP_SEGMENT_BYTES;

		if (!offer(end, PACKET_DATA, bytes + at, size))
			return;
	}
}

/* False: nothing more for now. */
static bool end_read(struct tcp_end *end)
{
	uint8_t bytes[TCP_READ_BYTES];
	ssize_t n = recv(end->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0) {
		offer_bytes(end, bytes, (size_t)n);
		return true;
	}
	end->is_read_done = true;
	offer(end, n == 0 ? PACKET_END : PACKET_RESET, NULL, 0);
	return false;
}

static size_t fill_pieces(struct tcp_end *end, struct iovec *pieces)
{
	size_t n = 0;

	for (struct packet *p = end->head; p && p->kind == PACKET_DATA && n < PIECES; p = p->next)
		pieces[n++] =
		    (struct iovec){ .iov_base = p->data + p->sent_bytes, .iov_len = p->size_bytes - p->sent_bytes };
	return n;
}

static void pop(struct tcp_end *end)
{
	struct packet *packet = end->head;

	end->head = packet->next;
	packet_destroy(path_from(end)->budget, &packet);
}

static void take_written(struct tcp_end *end, size_t n)
{
	while (end->head && end->head->kind == PACKET_DATA && n >= end->head->size_bytes - end->head->sent_bytes) {
		n -= end->head->size_bytes - end->head->sent_bytes;
		pop(end);
	}
	if (n > 0)
		end->head->sent_bytes += (uint32_t)n;
}

static void end_shut(struct tcp_end *end)
{
	pop(end);
	shutdown(end->watch.fd, SHUT_WR);
	end->is_shut = true;
	if (other_end(end)->is_shut)
		conn_close(end->conn, false);
}

/* Writes what has arrived for this socket. */
static void end_flush(struct tcp_end *end)
{
	while (end->watch.fd >= 0 && end->is_connected && end->head) {
		struct iovec pieces[PIECES];
		struct msghdr head = { .msg_iov = pieces };
		ssize_t n = 0;

		if (end->head->kind != PACKET_DATA) {
			end_shut(end);
			return;
		}
		head.msg_iovlen = fill_pieces(end, pieces);
		n = sendmsg(end->watch.fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			tcp_conn_reset(end->conn);
			return;
		}
		take_written(end, (size_t)n);
	}
}

static void on_event(void *ctx, uint32_t events)
{
	struct tcp_end *end = ctx;
	int err = 0;
	socklen_t len = sizeof(err);

	if (!end->is_connected) {
		if (getsockopt(end->watch.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err) {
			tcp_conn_reset(end->conn);
			return;
		}
		end->is_connected = true;
	}
	/* An error without room to read shows when writing, or when there is room again. */
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && may_read(end))
		end_read(end);
	end_flush(end);
	tcp_conn_watch(end->conn);
}

static void set_options(int fd)
{
	int one = 1, size = TCP_SOCKET_BUFFER_BYTES;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* The client's wish to connect has crossed the link. */
static void connect_server(struct tcp_conn *conn)
{
	struct tcp_end *end = &conn->ends[LINK_DOWN];
	const struct address *target = &conn->link->target;

	end->watch.fd = socket(target->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (end->watch.fd < 0) {
		tcp_conn_reset(conn);
		return;
	}
	set_options(end->watch.fd);
	if (connect(end->watch.fd, &target->u.any, target->len) < 0 && errno != EINPROGRESS) {
		tcp_conn_reset(conn);
		return;
	}
	end_watch(end);
}

void tcp_conn_arrive(struct tcp_conn *conn, struct packet *packet)
{
	struct tcp_end *sink = &conn->ends[packet->flow->way == LINK_UP ? LINK_DOWN : LINK_UP];
	struct budget *budget = conn->link->paths[0].budget;
	enum packet_kind kind = packet->kind;

	if (kind == PACKET_CONNECT || kind == PACKET_RESET) {
		packet_destroy(budget, &packet);
		if (kind == PACKET_CONNECT)
			connect_server(conn);
		else
			tcp_conn_reset(conn);
		return;
	}
	packet->next = NULL;
	if (sink->head)
		sink->tail->next = packet;
	else
		sink->head = packet;
	sink->tail = packet;
	end_flush(sink);
	end_watch(sink);
}

void tcp_conn_drain(struct tcp_conn *conn)
{
	for (size_t i = 0; i < LINK_WAYS; i++)
		while (!conn->is_closed && may_read(&conn->ends[i]) && end_read(&conn->ends[i]))
			;
	tcp_conn_watch(conn);
}

struct tcp_conn *tcp_conn_create(struct link *link, int client_fd)
{
	struct tcp_conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		tcp_close_hard(client_fd);
		return NULL;
	}
	conn->link = link;
	for (unsigned way = 0; way < LINK_WAYS; way++) {
		struct tcp_end *end = &conn->ends[way];

		*end = (struct tcp_end){ .conn = conn, .way = (enum link_way)way };
		end->watch = (struct poller_watch){ .fd = -1, .fn = on_event, .ctx = end };
		conn->flows[way] = (struct flow){ .owner = conn, .way = way };
	}
	conn->ends[LINK_UP].watch.fd = client_fd;
	conn->ends[LINK_UP].is_connected = true;
	set_options(client_fd);
	if (offer(&conn->ends[LINK_UP], PACKET_CONNECT, NULL, 0))
		tcp_conn_watch(conn);
	return conn;
}
