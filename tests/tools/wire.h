/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's view of RTMP on the wire: chunks in, messages out, and the few messages that a client sends.
 *
 * Owner: one thread. Lifetime: the caller's memory, nothing is allocated by the reader.
 * A second opinion on purpose: it shares no code with the server's reader or writer.
 * Not here: sockets, the order of commands (client.h). The payload of media is counted, not kept: only the first
 * WIRE_HEAD_BYTES of a message are seen.
 */
#ifndef ISARIBI_TESTS_TOOLS_WIRE_H
#define ISARIBI_TESTS_TOOLS_WIRE_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WIRE_HEAD_BYTES = 512,
	WIRE_CHUNK_STREAMS = 12,
	WIRE_HANDSHAKE_BYTES = 1536,
	WIRE_CHUNK_BYTES_OUT = 4096,
};

enum wire_type {
	WIRE_SET_CHUNK_SIZE = 1,
	WIRE_ACK = 3,
	WIRE_USER_CONTROL = 4,
	WIRE_WINDOW_ACK = 5,
	WIRE_PEER_BANDWIDTH = 6,
	WIRE_AUDIO = 8,
	WIRE_VIDEO = 9,
	WIRE_DATA = 18,
	WIRE_COMMAND = 20,
};

struct wire_message {
	uint8_t type;
	uint32_t stream_id;
	uint32_t timestamp_ms;
	uint32_t size_bytes;
	const uint8_t *head; /* borrowed, valid during the call */
	uint32_t head_bytes; /* the smaller of size_bytes and WIRE_HEAD_BYTES */
};

typedef void wire_message_fn(void *ctx, const struct wire_message *m);

struct wire_chunk_stream {
	uint32_t id; /* 0: free */
	uint32_t timestamp_ms;
	uint32_t delta_ms;
	uint32_t size_bytes;
	uint32_t stream_id;
	uint32_t got_bytes; /* of the message in progress */
	uint8_t type;
	bool has_extended;
	uint8_t head[WIRE_HEAD_BYTES];
};

struct wire_reader {
	uint32_t chunk_bytes;
	uint64_t total_bytes;
	uint8_t header[18];
	uint32_t header_bytes;
	struct wire_chunk_stream *current; /* whose payload is being read, or NULL: a header is */
	uint32_t payload_left;
	struct wire_chunk_stream streams[WIRE_CHUNK_STREAMS];
	wire_message_fn *on_message;
	void *ctx;
};

void wire_reader_init(struct wire_reader *r, wire_message_fn *on_message, void *ctx);
/* Takes all of data. PARSE_BAD: the server's chunks make no sense; the reader is of no use afterwards. */
enum parse_result wire_reader_feed(struct wire_reader *r, const uint8_t *data, size_t len);

/* One message in chunks of WIRE_CHUNK_BYTES_OUT: wire_put_chunk_size says so and goes first. */
struct wire_out_message {
	uint8_t chunk_stream; /* 2..63 */
	uint8_t type;
	uint32_t stream_id;
	uint32_t timestamp_ms;
	const uint8_t *body;
	size_t size_bytes;
};
void wire_put_message(struct bytes_writer *w, const struct wire_out_message *m);
void wire_put_chunk_size(struct bytes_writer *w);
void wire_put_ack(struct bytes_writer *w, uint32_t total_bytes);
void wire_put_pong(struct bytes_writer *w, uint32_t timestamp);

/* AMF0, as much as a client says. */
void wire_put_amf_string(struct bytes_writer *w, const char *s);
void wire_put_amf_key(struct bytes_writer *w, const char *s);
void wire_put_amf_number(struct bytes_writer *w, double v);
void wire_put_amf_null(struct bytes_writer *w);

#endif
