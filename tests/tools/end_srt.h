/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of the SRT tools: where they connect to, with which options, and how it went.
 *
 * Owner: one thread between end_srt_start and end_srt_stop. Lifetime: the caller's memory; the caller closes sockets.
 * Not here: what is sent.
 */
#ifndef ISARIBI_TESTS_TOOLS_END_SRT_H
#define ISARIBI_TESTS_TOOLS_END_SRT_H

#include <netinet/in.h>
#include <srt/srt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { END_SRT_MESSAGE_BYTES = 1316 };

struct end_srt {
	struct sockaddr_in address; /* of the listener */
	const char *stream_id;	    /* "{n}" becomes the caller's number; NULL: none */
	char passphrase[80];	    /* "": none */
	int latency_ms;
	int window_packets; /* SRTO_FC, which libsrt sizes its lists of losses by; 0: its own */
	bool is_blocking_connect;
	/* So many callers share a UDP port, and with it the two threads that libsrt has for each; 0: all. */
	size_t n_per_port;
	struct sockaddr_in local;
	size_t n_on_local;
};

int end_srt_start(void); /* and the library says nothing on stderr but errors */
void end_srt_stop(void);
int end_srt_parse(struct end_srt *e, const char *to); /* A.B.C.D:PORT; 0 or -EINVAL */
/* The passphrase, up to a newline; 0 or a negative errno. */
int end_srt_read_passphrase(struct end_srt *e, const char *fd);
/* The n-th caller, its connect begun (or, blocking, done); SRT_INVALID_SOCK: failed. Sending and receiving never block.
 */
SRTSOCKET end_srt_call(struct end_srt *e, size_t n);
/* A listener on e->address, whose port may be 0, that never blocks; prints "ready srt=PORT". */
SRTSOCKET end_srt_listen(const struct end_srt *e);
/* All of it in messages; the number of messages that found no room, or -1: the connection is gone. */
int end_srt_send(SRTSOCKET sock, const uint8_t *data, size_t len);

#endif
