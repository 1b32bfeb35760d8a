/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets and connections on a loop: non-blocking, gathered writes straight from the caller's buffers.
 *
 * Owner: the loop that a listener or connection was created on. Lifetime: tcp_conn_destroy may be called from inside
 * any of the connection's callbacks; nothing is called back afterwards. Not here: protocols. A connection does not
 * buffer what it writes, except the small replies of tcp_conn_send.
 */
#ifndef ISARIBI_BASE_TCP_H
#define ISARIBI_BASE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct loop;
struct tls_context;
struct tcp_listener;
struct tcp_conn;

enum {
	TCP_PEER_TEXT_MAX = 64,
	TCP_SEND_QUEUE_MAX_BYTES = 256 * 1024, /* what tcp_conn_send may hold back for one peer */
};

/*
 * n listening, non-blocking sockets that share one port (one per loop), after making sure that nobody else listens
 * there: sharing would else let a second server take half of the first one's connections in silence. host: a numeric
 * address, port 0: any. 0 with fds filled and *port_out as bound, or a negative errno and nothing is open.
 */
int tcp_listen_sockets(const char *host, uint16_t port, int *fds, unsigned n, uint16_t *port_out);

/*
 * fd: the callee owns it now. peer: "address:port", valid during the call. A negative errno for fd: somebody was turned
 * away, because descriptors or memory are out; peer is empty then.
 */
typedef void (*tcp_accept_fn)(void *arg, int fd, const char *peer);

/* Takes the descriptor, even when it fails. When descriptors run out newcomers are closed at once, without spinning.
 */
int tcp_listener_create(struct tcp_listener **out, struct loop *loop, int listen_fd, tcp_accept_fn fn, void *arg);
void tcp_listener_destroy(struct tcp_listener **listener);

struct tcp_conn_ops {
	/* Bytes have come; data is valid during the call. */
	void (*on_bytes)(void *arg, const uint8_t *data, size_t len);
	/* After a write that was short: there is room again, and nothing of tcp_conn_send is held back. */
	void (*on_writable)(void *arg);
	/* The peer has closed (err 0) or the connection broke (negative errno). The owner destroys it. */
	void (*on_closed)(void *arg, int err);
};

/* Takes the descriptor, even when it fails. */
int tcp_conn_create(struct tcp_conn **out, struct loop *loop, int fd, const struct tcp_conn_ops *ops, void *arg);
void tcp_conn_destroy(struct tcp_conn **conn);
/* Right after tcp_conn_create: everything goes through TLS from the first byte on. 0 or -ENOMEM. */
int tcp_conn_start_tls(struct tcp_conn *conn, struct tls_context *context);
/* While paused nothing is read; the kernel's window closes. */
void tcp_conn_pause_reading(struct tcp_conn *conn, bool is_paused);
/* Limits what the kernel holds unsent: a slow reader is then noticed by us instead of buffered there. */
void tcp_conn_limit_unsent(struct tcp_conn *conn, int bytes);
/* No more writes: the peer reads what was sent, then the end. What it sends meanwhile still arrives at on_bytes. */
void tcp_conn_shutdown(struct tcp_conn *conn);
/*
 * Writes now what the socket takes. Returns the bytes taken (0: none, on_writable will tell) or a negative errno.
 * While replies of tcp_conn_send are held back it takes nothing.
 */
ssize_t tcp_conn_writev(struct tcp_conn *conn, const struct iovec *iov, int n_iov);
/*
 * For writing together with others (base/burst.h): the descriptor if tcp_conn_writev would write to it right away, else
 * -1. tcp_conn_wrote is told the result n of such a write of len bytes, before anything else is done with it.
 */
int tcp_conn_burst_fd(const struct tcp_conn *conn);
void tcp_conn_wrote(struct tcp_conn *conn, ssize_t n, size_t len);
/* Sends a small reply, holding back a copy of what the socket does not take. 0, -ENOBUFS beyond the cap, or -errno. */
int tcp_conn_send(struct tcp_conn *conn, const void *data, size_t len);
bool tcp_conn_has_unsent(const struct tcp_conn *conn);
uint64_t tcp_conn_bytes_in(const struct tcp_conn *conn);
uint64_t tcp_conn_bytes_out(const struct tcp_conn *conn);

#endif
