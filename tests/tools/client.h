/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RTMP client as a state machine: bytes in, bytes out, no socket and no clock.
 *
 * Owner: one thread. Lifetime: client_init/client_fini; config's strings are borrowed for as long.
 * The order of messages: C0C1, S0S1S2, C2 connect, _result, createStream, _result, play or publish, onStatus, media.
 * Not here: when to connect, what to do with media (on_media).
 */
#ifndef ISARIBI_TESTS_TOOLS_CLIENT_H
#define ISARIBI_TESTS_TOOLS_CLIENT_H

#include "tests/tools/wire.h"

enum client_state {
	CLIENT_HANDSHAKE,
	CLIENT_CONNECT,
	CLIENT_CREATE,
	CLIENT_START,
	CLIENT_RUNNING, /* the server said NetStream.Play.Start or NetStream.Publish.Start */
	CLIENT_REFUSED, /* the server answered with an error */
	CLIENT_BROKEN,	/* the server's bytes make no sense */
};

struct client_config {
	bool is_publisher;
	const char *app;
	const char *tc_url;
	const char *stream;
	wire_message_fn *on_media; /* audio, video and data messages; may be NULL */
	void *ctx;
};

struct client {
	const struct client_config *cfg;
	enum client_state state;
	bool is_ended;		   /* Stream EOF */
	bool has_unpublish_notice; /* a status said so; the stream may come back */
	uint32_t stream_id;
	uint32_t window_bytes;
	uint64_t acked_bytes;
	uint32_t handshake_bytes;
	uint8_t handshake[1 + WIRE_HANDSHAKE_BYTES]; /* S0 S1 */
	struct wire_reader in;
	struct bytes_writer out; /* to send; the socket's owner takes it and resets it */
};

/* C0 and C1 stand in out afterwards. */
void client_init(struct client *c, const struct client_config *cfg);
void client_fini(struct client *c);
void client_feed(struct client *c, const uint8_t *data, size_t len);
/* A publisher that is CLIENT_RUNNING. */
void client_send_media(struct client *c, uint8_t type, uint32_t timestamp_ms, const uint8_t *body, size_t len);
void client_send_delete_stream(struct client *c);

#endif
