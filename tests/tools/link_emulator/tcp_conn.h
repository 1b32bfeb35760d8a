/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One proxied connection: two sockets, and in each direction the bytes that have arrived but are not written yet.
 *
 * Connecting, ending and resetting travel as packets, too: the server sees them after the delay and behind the data.
 *
 * Owner: the main thread. Lifetime: tcp_conn_create; tcp_conn_reset or its own end close the sockets; the owner calls
 * tcp_conn_destroy once tcp_conn_is_over.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_TCP_CONN_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_TCP_CONN_H

#include "tests/tools/link_emulator/link.h"

enum {
	TCP_SEGMENT_BYTES = 1448,
	TCP_READ_BYTES = 65536,
	/* Read but not written yet, of one connection in one direction: as much as fills 200 Mb/s at 160 ms. */
	TCP_FLOW_BYTES = 4 << 20,
	/* The kernel's part stays small, so that a slow link is felt by the sender. */
	TCP_SOCKET_BUFFER_BYTES = 128 * 1024,
};

struct tcp_end {
	struct tcp_conn *conn;
	enum link_way way; /* that this socket is the source of; it is the sink of the other */
	struct poller_watch watch;
	bool is_connected;
	bool is_read_done;   /* the last byte, or a reset, has been taken in */
	bool is_shut;	     /* our last byte has been written */
	struct packet *head; /* to be written */
	struct packet *tail;
};

struct tcp_conn {
	struct tcp_conn *next;
	struct link *link;
	struct tcp_end ends[LINK_WAYS]; /* [LINK_UP]: the client's socket, [LINK_DOWN]: the server's */
	struct flow flows[LINK_WAYS];
	bool is_closed;
};

void tcp_conn_destroy(struct tcp_conn **conn);
/* Takes the accepted socket over. NULL: no memory, the socket is closed. */
struct tcp_conn *tcp_conn_create(struct link *link, int client_fd);
/* A packet of the connection has arrived: takes it over. */
void tcp_conn_arrive(struct tcp_conn *conn, struct packet *packet);
/* Both sides see a reset. */
void tcp_conn_reset(struct tcp_conn *conn);
/* Reads what waits, as far as there is room. */
void tcp_conn_drain(struct tcp_conn *conn);
/* Listens again or no longer, after the paths' room has changed. */
void tcp_conn_watch(struct tcp_conn *conn);
bool tcp_conn_is_over(const struct tcp_conn *conn);
/* Closes a socket so that the other side sees a reset. */
void tcp_close_hard(int fd);

#endif
