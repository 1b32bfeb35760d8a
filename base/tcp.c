/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4 */
#include "base/tcp.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/loop.h"
#include "base/tls.h"

enum {
	LISTEN_BACKLOG = 4096, /* an audience that comes at the stroke of the hour; the kernel may have a lower limit */
	ACCEPTS_PER_TURN = 64,
	READ_BUFFER_BYTES = 64 * 1024,
	READS_PER_TURN = 4, /* then the other connections get their turn */
	REST_AFTER_EXHAUSTION_MS = 100,
	DEAD_PEER_TIMEOUT_MS = 20000,
};

struct tcp_listener {
	struct loop *loop;
	struct loop_watch *watch;
	struct loop_timer *rest;
	int fd;
	int reserve_fd; /* given up for a moment to accept and close somebody politely when descriptors run out */
	tcp_accept_fn fn;
	void *arg;
};

struct tcp_conn {
	struct loop *loop;
	struct loop_watch *watch;
	int fd;
	struct tls_session *tls; /* NULL: plain */
	const struct tcp_conn_ops *ops;
	void *arg;
	struct bytes_writer unsent;
	size_t unsent_pos;
	bool is_reading_paused;
	bool is_write_wanted;
	struct loop_reap reap_read; /* of read_what_waits */
	struct loop_reap reap_free;
	bool is_gone; /* destroyed: the memory stays until the end of the turn, for callers further up the stack */
	uint64_t bytes_in;
	uint64_t bytes_out;
};

static void set_int_option(int fd, int level, int name, int value)
{
	/* None of these options decides whether the connection works; a kernel that lacks one is fine. */
	if (setsockopt(fd, level, name, &value, sizeof(value)) != 0)
		return;
}

/* Bound only, or also listening and sharing its port. A descriptor or a negative errno. */
static int open_bound(const struct addrinfo *info, bool is_listening)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	set_int_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (is_listening)
		set_int_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (info->ai_family == AF_INET6)
		set_int_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && (!is_listening || listen(fd, LISTEN_BACKLOG) == 0))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static uint16_t port_of(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)addr)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)addr)->sin_port);
}

static void set_port(struct addrinfo *info, uint16_t port)
{
	if (info->ai_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)info->ai_addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)(void *)info->ai_addr)->sin_port = htons(port);
}

/* A socket that does not share finds out whether somebody listens on the port. */
static int check_port_is_free(const struct addrinfo *info)
{
	int fd = open_bound(info, false);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int open_one(struct addrinfo *info, uint16_t *port)
{
	struct sockaddr_storage bound;
	socklen_t bound_len = sizeof(bound);
	int fd = open_bound(info, true);

	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&bound, &bound_len) == 0) {
		*port = port_of(&bound);
		set_port(info, *port); /* for the next one, when any port was asked for */
	}
	return fd;
}

int tcp_listen_sockets(const char *host, uint16_t port, int *fds, unsigned n, uint16_t *port_out)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *info = NULL;
	char service[8];
	int err;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &info) != 0 || !info)
		return -EADDRNOTAVAIL;
	err = check_port_is_free(info);
	for (unsigned i = 0; i < n && err == 0; i++) {
		fds[i] = open_one(info, port_out);
		if (fds[i] >= 0)
			continue;
		err = fds[i];
		while (i-- > 0)
			close(fds[i]);
		break;
	}
	freeaddrinfo(info);
	return err;
}

static void format_peer(const struct sockaddr_storage *addr, char out[TCP_PEER_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (addr->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, host, sizeof(host));
	snprintf(out, TCP_PEER_TEXT_MAX, addr->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port_of(addr));
}

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void tcp_listener_destroy(struct tcp_listener **listener)
{
	struct tcp_listener *l = *listener;

	*listener = NULL;
	if (!l)
		return;
	loop_watch_destroy(&l->watch);
	loop_timer_destroy(&l->rest);
	if (l->fd >= 0)
		close(l->fd);
	if (l->reserve_fd >= 0)
		close(l->reserve_fd);
	free(l);
}

static void rest_is_over(void *arg)
{
	struct tcp_listener *l = arg;

	if (l->reserve_fd < 0)
		l->reserve_fd = open_reserve();
	loop_watch_set(l->watch, LOOP_READABLE);
}

/* Takes one newcomer with the descriptor of the reserve, only to close it. False: there is none, or no reserve. */
static bool refuse_one(struct tcp_listener *l)
{
	int fd;

	if (l->reserve_fd < 0)
		return false;
	close(l->reserve_fd);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	l->reserve_fd = open_reserve();
	return fd >= 0;
}

/* Descriptors are out: nobody who waits is left hanging. Then rest a little, lest this is all we do. */
static void refuse_some(struct tcp_listener *l, int err)
{
	for (int i = 0; i < ACCEPTS_PER_TURN && refuse_one(l); i++)
		l->fn(l->arg, err, "");
	loop_watch_set(l->watch, 0);
	loop_timer_start(l->rest, REST_AFTER_EXHAUSTION_MS, 0);
}

static void accept_some(void *arg, unsigned events)
{
	struct tcp_listener *l = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage addr = { 0 };
		socklen_t addr_len = sizeof(addr);
		char peer[TCP_PEER_TEXT_MAX];
		int fd = accept4(l->fd, (struct sockaddr *)&addr, &addr_len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == ECONNABORTED || errno == EINTR)
				continue;
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				refuse_some(l, -errno);
			return;
		}
		format_peer(&addr, peer);
		l->fn(l->arg, fd, peer);
	}
}

int tcp_listener_create(struct tcp_listener **out, struct loop *loop, int listen_fd, tcp_accept_fn fn, void *arg)
{
	struct tcp_listener *l = calloc(1, sizeof(*l));
	int err;

	*out = NULL;
	if (!l) {
		close(listen_fd);
		return -ENOMEM;
	}
	*l = (struct tcp_listener){ .loop = loop, .fd = listen_fd, .reserve_fd = open_reserve(), .fn = fn, .arg = arg };
	err = loop_timer_create(&l->rest, loop, rest_is_over, l);
	if (err == 0)
		err = loop_watch_create(&l->watch, loop, listen_fd, accept_some, l);
	if (err == 0)
		err = loop_watch_set(l->watch, LOOP_READABLE);
	if (err != 0) {
		tcp_listener_destroy(&l);
		return err;
	}
	*out = l;
	return 0;
}

void tcp_conn_destroy(struct tcp_conn **conn)
{
	struct tcp_conn *c = *conn;

	*conn = NULL;
	if (!c)
		return;
	loop_assert_owner(c->loop);
	loop_watch_destroy(&c->watch);
	tls_session_destroy(&c->tls);
	close(c->fd);
	bytes_writer_fini(&c->unsent);
	c->is_gone = true;
	loop_reap(c->loop, &c->reap_free, free, c);
}

static void watch_what_is_wanted(struct tcp_conn *c)
{
	const bool is_write_wanted = c->is_write_wanted || (c->tls && tls_session_wants_write(c->tls));
	unsigned events = (c->is_reading_paused ? 0u : LOOP_READABLE) | (is_write_wanted ? LOOP_WRITABLE : 0u);

	loop_watch_set(c->watch, events);
}

bool tcp_conn_has_unsent(const struct tcp_conn *c)
{
	return c->unsent.len > c->unsent_pos || (c->tls && tls_session_has_unsent(c->tls));
}

static ssize_t write_plain(struct tcp_conn *c, const struct iovec *iov, int n_iov)
{
	/* The kernel does not write through msg_iov. */
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n_iov };
	ssize_t n;

	do {
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
}

static ssize_t write_now(struct tcp_conn *c, const struct iovec *iov, int n_iov)
{
	ssize_t n = c->tls ? tls_session_writev(c->tls, iov, n_iov) : write_plain(c, iov, n_iov);

	if (n > 0)
		c->bytes_out += (uint64_t)n;
	return n;
}

static int flush_unsent(struct tcp_conn *c)
{
	struct iovec iov = { c->unsent.data + c->unsent_pos, c->unsent.len - c->unsent_pos };
	int err = c->tls ? tls_session_flush(c->tls) : 0;
	ssize_t n;

	if (err != 0 || iov.iov_len == 0)
		return err == -EAGAIN ? 0 : err;
	n = write_now(c, &iov, 1);
	if (n < 0)
		return (int)n;
	c->unsent_pos += (size_t)n;
	if (c->unsent_pos == c->unsent.len) {
		bytes_writer_fini(&c->unsent);
		bytes_writer_init_growing(&c->unsent, TCP_SEND_QUEUE_MAX_BYTES);
		c->unsent_pos = 0;
	}
	return 0;
}

static void handle_writable(struct tcp_conn *c)
{
	int err = tcp_conn_has_unsent(c) ? flush_unsent(c) : 0;

	if (err != 0) {
		c->ops->on_closed(c->arg, err);
		return;
	}
	if (tcp_conn_has_unsent(c))
		return;
	c->is_write_wanted = false;
	watch_what_is_wanted(c);
	if (c->ops->on_writable)
		c->ops->on_writable(c->arg);
}

static ssize_t read_now(struct tcp_conn *c, void *buf, size_t size_bytes)
{
	ssize_t n;

	if (c->tls)
		return tls_session_read(c->tls, buf, size_bytes);
	do {
		n = recv(c->fd, buf, size_bytes, 0);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

/* What TLS has decrypted already is read to its end: no event of the socket would tell of it. */
static void handle_readable(struct tcp_conn *c)
{
	static _Thread_local uint8_t buf[READ_BUFFER_BYTES];
	bool is_more = true;

	for (int i = 0; is_more && !c->is_gone && !c->is_reading_paused; i++) {
		ssize_t n = read_now(c, buf, sizeof(buf));

		if (n <= 0) {
			if (n != -EAGAIN)
				c->ops->on_closed(c->arg, (int)n);
			return;
		}
		c->bytes_in += (uint64_t)n;
		is_more = c->tls ? i + 1 < READS_PER_TURN || tls_session_has_unread(c->tls)
				 : i + 1 < READS_PER_TURN && (size_t)n == sizeof(buf);
		c->ops->on_bytes(c->arg, buf, (size_t)n);
	}
}

static void on_events(void *arg, unsigned events)
{
	struct tcp_conn *c = arg;
	const bool is_handshake_writing = c->tls && tls_session_wants_write(c->tls);

	if (events & LOOP_WRITABLE)
		handle_writable(c);
	if (!c->is_gone && (events & LOOP_READABLE || is_handshake_writing))
		handle_readable(c);
	if (!c->is_gone && c->tls)
		watch_what_is_wanted(c);
}

static void read_what_waits(void *arg)
{
	struct tcp_conn *c = arg;

	if (!c->is_gone && !c->is_reading_paused)
		handle_readable(c);
}

static void set_socket_options(int fd)
{
	set_int_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
	set_int_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
	set_int_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set_int_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_PEER_TIMEOUT_MS);
}

int tcp_conn_create(struct tcp_conn **out, struct loop *loop, int fd, const struct tcp_conn_ops *ops, void *arg)
{
	struct tcp_conn *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	*c = (struct tcp_conn){ .loop = loop, .fd = fd, .ops = ops, .arg = arg };
	bytes_writer_init_growing(&c->unsent, TCP_SEND_QUEUE_MAX_BYTES);
	set_socket_options(fd);
	err = loop_watch_create(&c->watch, loop, fd, on_events, c);
	if (err == 0)
		err = loop_watch_set(c->watch, LOOP_READABLE);
	if (err != 0) {
		tcp_conn_destroy(&c);
		return err;
	}
	*out = c;
	return 0;
}

int tcp_conn_start_tls(struct tcp_conn *c, struct tls_context *context)
{
	assert(!c->tls && c->bytes_in == 0 && c->bytes_out == 0);
	return tls_session_create(&c->tls, context, c->fd);
}

void tcp_conn_pause_reading(struct tcp_conn *c, bool is_paused)
{
	c->is_reading_paused = is_paused;
	watch_what_is_wanted(c);
	if (!is_paused && c->tls && tls_session_has_unread(c->tls))
		loop_reap(c->loop, &c->reap_read, read_what_waits, c);
}

void tcp_conn_limit_unsent(struct tcp_conn *c, int bytes)
{
	set_int_option(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes);
}

void tcp_conn_shutdown(struct tcp_conn *c)
{
	if (c->tls)
		tls_session_shutdown(c->tls);
	/* Fails only when the peer is gone, and then reading says so. */
	(void)shutdown(c->fd, SHUT_WR);
}

static size_t iov_bytes(const struct iovec *iov, int n_iov)
{
	size_t total = 0;

	for (int i = 0; i < n_iov; i++)
		total += iov[i].iov_len;
	return total;
}

ssize_t tcp_conn_writev(struct tcp_conn *c, const struct iovec *iov, int n_iov)
{
	ssize_t n = 0;

	loop_assert_owner(c->loop);
	if (!tcp_conn_has_unsent(c))
		n = write_now(c, iov, n_iov);
	if (n < 0 || (size_t)n == iov_bytes(iov, n_iov))
		return n;
	c->is_write_wanted = true;
	watch_what_is_wanted(c);
	return n;
}

int tcp_conn_burst_fd(const struct tcp_conn *c)
{
	return c->tls || tcp_conn_has_unsent(c) ? -1 : c->fd;
}

void tcp_conn_wrote(struct tcp_conn *c, ssize_t n, size_t len)
{
	loop_assert_owner(c->loop);
	if (n > 0)
		c->bytes_out += (uint64_t)n;
	if (n < 0 || (size_t)n == len)
		return;
	c->is_write_wanted = true;
	watch_what_is_wanted(c);
}

int tcp_conn_send(struct tcp_conn *c, const void *data, size_t len)
{
	const struct iovec iov = { (void *)(uintptr_t)data, len };
	ssize_t n = tcp_conn_writev(c, &iov, 1);

	if (n < 0)
		return (int)n;
	bytes_put(&c->unsent, (const uint8_t *)data + n, len - (size_t)n);
	return c->unsent.is_full ? -ENOBUFS : 0;
}

uint64_t tcp_conn_bytes_in(const struct tcp_conn *c)
{
	return c->bytes_in;
}

uint64_t tcp_conn_bytes_out(const struct tcp_conn *c)
{
	return c->bytes_out;
}
