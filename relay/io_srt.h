/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door to libsrt: sockets, their options, what they measured, and why they were refused.
 *
 * Owner: io_srt_start and io_srt_stop belong to the composition root; sockets belong to the loop of their owner.
 * Lifetime: a socket is a number, from listen, accept or connect to io_srt_close. Nothing blocks. Sockets carry
 * messages of up to IO_SRT_MESSAGE_MAX bytes in live mode.
 * Not here: waiting (relay/poll_srt), who may come in (ingest/door), bytes (relay/ts_lane).
 */
#ifndef ISARIBI_RELAY_IO_SRT_H
#define ISARIBI_RELAY_IO_SRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "relay/link_figures.h"

struct sockaddr;

enum {
	IO_SRT_MESSAGE_MAX = 1456,
	IO_SRT_PAYLOAD = 1316, /* 7 packets of MPEG-TS: what everybody sends */
	IO_SRT_PEER_TEXT_MAX = 64,
	IO_SRT_STREAM_ID_MAX = 512,
	IO_SRT_PASSPHRASE_SIZE = 80,
	IO_SRT_LATENCY_LAN_MS = 120,
	IO_SRT_IDLE_MS = 5000, /* a peer that is silent for so long is gone */
	IO_SRT_CONNECT_MS = 3000,
};

/* 0 or -ENOMEM. Once per process, before all others. */
int io_srt_start(void);
void io_srt_stop(void);

/* What the one who listens says to a caller. */
struct io_srt_answer {
	int reject_code;			 /* 0: welcome, else one of libsrt's predefined codes (1000 and up) */
	int latency_ms;				 /* of our receiving side, 0: as the listener's */
	bool is_receiver;			 /* it sends us nothing: no room for what comes in */
	char passphrase[IO_SRT_PASSPHRASE_SIZE]; /* "": none; wiped when libsrt has it */
};

struct io_srt_caller {
	int sock;	       /* the one that io_srt_accept will give, if the passphrase fits */
	const char *stream_id; /* terminated; "" when there is none */
	size_t stream_id_len;
	const struct sockaddr *peer;
	int handshake_version; /* 4: older than SRT 1.3 */
};

/* Called on libsrt's receiving thread: no lock, no file, no allocation. */
typedef void (*io_srt_ask_fn)(void *arg, const struct io_srt_caller *caller, struct io_srt_answer *answer);

struct io_srt_listen {
	const char *host;	/* numeric */
	uint16_t port;		/* 0: any */
	int latency_ms;		/* of whoever is given none at the door */
	int longest_latency_ms; /* of anybody */
	io_srt_ask_fn ask;
	void *arg;
};

/* A listening socket, or a negative errno; *port is the bound one. */
int io_srt_listen(const struct io_srt_listen *listen, uint16_t *port);
/* A connected socket, or -EAGAIN, or another negative errno. */
int io_srt_accept(int listener, char peer[IO_SRT_PEER_TEXT_MAX]);
/* The stream id that an accepted socket was asked for with; terminated. Its length. */
size_t io_srt_stream_id(int sock, char out[IO_SRT_STREAM_ID_MAX + 1]);

struct io_srt_call {
	const struct sockaddr *peer;
	size_t peer_len;
	const char *stream_id;	/* "": none */
	const char *passphrase; /* "": none */
	int latency_ms;
};

/* A socket that is connecting, or a negative errno. */
int io_srt_call(const struct io_srt_call *call);

/* Bytes of one message; -EAGAIN; -ENOTCONN: the connection is over; or another negative errno. */
ssize_t io_srt_receive(int sock, void *buf, size_t size_bytes);
/* 0: taken. -EAGAIN: no room now; -ENOTCONN; or another negative errno. */
int io_srt_send(int sock, const void *message, size_t len);
/* What was sent and not yet acknowledged: messages. */
size_t io_srt_unsent(int sock);
void io_srt_close(int sock);

/* "192.0.2.1:40000", "[2001:db8::1]:40000" */
void io_srt_format_peer(const struct sockaddr *addr, char out[IO_SRT_PEER_TEXT_MAX]);

enum io_srt_state {
	IO_SRT_CONNECTING,
	IO_SRT_CONNECTED,
	IO_SRT_OVER,
};

enum io_srt_state io_srt_state(int sock);
/* False: libsrt has none to give (yet). */
bool io_srt_has_reject_reason(int sock);
/* Why a call did not come to a connection: a static text of libsrt, or of the codes that servers answer with. */
const char *io_srt_reject_text(int sock);
/* 0 or a negative errno. */
int io_srt_figures(int sock, bool is_receiving, struct link_figures *out);

/* libsrt's epoll, for relay/poll_srt. Events are a set of these two; an error wakes both. */
enum io_srt_events {
	IO_SRT_IN = 1,
	IO_SRT_OUT = 2,
};

struct io_srt_event {
	int sock;
	unsigned events;
};

int io_srt_poll_create(void); /* a number, or a negative errno */
void io_srt_poll_destroy(int poll);
int io_srt_poll_set(int poll, int sock, unsigned events, bool is_new);
void io_srt_poll_remove(int poll, int sock);
/* What is ready now, without waiting; at most max. */
int io_srt_poll_look(int poll, struct io_srt_event *out, int max);

#endif
