/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTMP 1.0 §5: the chunk stream. Bytes to messages (reader with limits), messages to bytes (writer).
 *
 * Owner: one connection; one thread at a time. Lifetime: init/fini; payloads are borrowed, see the feed function.
 * The reader obeys Set Chunk Size and Abort itself and does not report them. It takes any split of the input, keeps
 * what it has of a header or message, and holds less than 100 bytes until the first chunk arrives.
 *
 * Where clients differ from the specification or from each other:
 * - Type 3 chunks repeat the extended timestamp (§5.3.1.3); some encoders leave it out. The four bytes are compared
 * with the field of the header and with the message's timestamp (some repeat that one): if they differ they are
 * payload.
 * - A type 3 chunk that begins a message repeats the last delta (§5.3.1.2.4). After a type 0 header that delta is the
 *   type 0 timestamp itself, and ffmpeg counts on it; nginx-rtmp and librtmp mean "same time as before". So up to
 *   RTMP_TYPE3_DELTA_MAX_MS it is taken as written in the specification, above (no live stream doubles its clock) as
 * zero.
 * - A chunk stream that begins with type 1 is read as if stream id and previous time were 0 (pings of some librtmp).
 *   One that begins with type 2 or 3 is refused.
 *
 * Not here: what messages mean (ingest/rtmp_command, media/flv), the handshake.
 */
#ifndef ISARIBI_MEDIA_RTMP_CHUNK_H
#define ISARIBI_MEDIA_RTMP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* RTMP 1.0 §5.4, §7.1 */
enum rtmp_message_type {
	RTMP_TYPE_SET_CHUNK_SIZE = 1,
	RTMP_TYPE_ABORT = 2,
	RTMP_TYPE_ACK = 3,
	RTMP_TYPE_USER_CONTROL = 4,
	RTMP_TYPE_WINDOW_ACK_SIZE = 5,
	RTMP_TYPE_SET_PEER_BANDWIDTH = 6,
	RTMP_TYPE_AUDIO = 8,
	RTMP_TYPE_VIDEO = 9,
	RTMP_TYPE_DATA_AMF3 = 15,
	RTMP_TYPE_COMMAND_AMF3 = 17,
	RTMP_TYPE_DATA_AMF0 = 18,
	RTMP_TYPE_COMMAND_AMF0 = 20,
	RTMP_TYPE_AGGREGATE = 22,
};

/* The chunk streams we send on. Media and data are made once for all players, so these never change. */
enum {
	RTMP_CSID_CONTROL = 2,
	RTMP_CSID_COMMAND = 3,
	RTMP_CSID_AUDIO = 4,
	RTMP_CSID_STATUS = 5,
	RTMP_CSID_VIDEO = 6,
	RTMP_CSID_DATA = 8,
};

enum {
	RTMP_CHUNK_SIZE_DEFAULT = 128, /* both ways, until a Set Chunk Size: §5.4.1 */
	RTMP_CHUNK_SIZE_OUT = 60000,   /* most messages in one chunk: the fewer pieces, the cheaper the write */
	RTMP_STREAM_ID = 1,	       /* the one message stream a connection has */

	RTMP_CHUNK_STREAMS_MAX = 16,
	RTMP_VIDEO_MAX_BYTES = 4 * 1024 * 1024,
	RTMP_AUDIO_MAX_BYTES = 64 * 1024,
	RTMP_OTHER_MAX_BYTES = 16 * 1024,
	RTMP_HALF_READ_MAX_BYTES = 6 * 1024 * 1024,
	RTMP_KEPT_BUFFER_MAX_BYTES = 64 * 1024, /* media buffers up to this are used again, others are freed */
	RTMP_TYPE3_DELTA_MAX_MS = 1000,
};

enum rtmp_chunk_error {
	RTMP_CHUNK_FINE,
	RTMP_CHUNK_TOO_MANY_STREAMS,	/* a 17th chunk stream */
	RTMP_CHUNK_NO_FULL_HEADER,	/* type 2 or 3 on a chunk stream that has no header yet */
	RTMP_CHUNK_MESSAGE_TOO_LONG,	/* announced length above the limit of its type */
	RTMP_CHUNK_MESSAGE_INTERRUPTED, /* new header while the message of the chunk stream is half read */
	RTMP_CHUNK_HALF_READ_TOO_MUCH,	/* more than RTMP_HALF_READ_MAX_BYTES in unfinished messages */
	RTMP_CHUNK_BAD_CONTROL,		/* Set Chunk Size or Abort too short, or chunk size 0 */
	RTMP_CHUNK_NO_MEMORY,
	RTMP_CHUNK_ERRORS,
};

/* Static text in plain words. */
const char *rtmp_chunk_error_text(enum rtmp_chunk_error error);

struct rtmp_message {
	uint32_t csid;
	uint8_t type;
	uint32_t timestamp_ms; /* absolute, wraps at 2^32 */
	uint32_t stream_id;
	const uint8_t *payload; /* NULL when len is 0 */
	size_t len;
};

struct rtmp_chunk_stream; /* private */

struct rtmp_chunk_reader {
	struct rtmp_chunk_stream *streams; /* allocated with the first chunk */
	uint8_t streams_used;
	uint8_t streams_size;
	uint8_t current;      /* index of the chunk being read */
	uint8_t stage;	      /* what the next byte is */
	uint8_t format;	      /* 0..3 of the chunk being read */
	uint8_t header_len;   /* bytes of header[] that are there */
	uint8_t returned_len; /* bytes that were no extended timestamp after all, to be read again */
	uint8_t delivered;    /* index + 1 of the stream whose message was handed out last */
	uint8_t header[11];
	uint8_t returned[4];
	uint32_t chunk_size;
	uint32_t chunk_left; /* payload of this chunk still to come */
	uint32_t half_read_bytes;
	enum rtmp_chunk_error error;
};

void rtmp_chunk_reader_init(struct rtmp_chunk_reader *reader);
void rtmp_chunk_reader_fini(struct rtmp_chunk_reader *reader);
/*
 * Reads until a message is complete or the input is used up; *consumed says how much of data was taken, on every
 * result. PARSE_OK: *message is filled, feed the rest of data again. PARSE_MORE: all of data was taken. PARSE_BAD: the
 * connection is lost, the reader's error says why, and further calls say the same. The payload is valid until the next
 * feed or fini, and no longer than data (it may point into it).
 */
enum parse_result rtmp_chunk_reader_feed(
    struct rtmp_chunk_reader *reader, const uint8_t *data, size_t len, size_t *consumed, struct rtmp_message *message);
enum rtmp_chunk_error rtmp_chunk_reader_error(const struct rtmp_chunk_reader *reader);
/* Heap bytes held now: tables and buffers. */
size_t rtmp_chunk_reader_memory(const struct rtmp_chunk_reader *reader);

/* Headers of a message whose chunks many connections share. */
struct rtmp_wire_header {
	uint8_t first[18]; /* before the first chunk's payload */
	uint8_t first_len;
	uint8_t next[7]; /* before each further chunk's payload */
	uint8_t next_len;
};

struct rtmp_message_header {
	uint32_t csid; /* 2..65599 */
	uint8_t type;
	uint32_t timestamp_ms;
	uint32_t stream_id;
};

/* Type 0 first, type 3 then, both with the extended timestamp when needed. len < 2^24. */
struct rtmp_wire_header rtmp_wire_header_make(const struct rtmp_message_header *header, size_t len);
/* Writes the message in chunks of chunk_size (> 0). When w gets full the message is cut: ask w->is_full. */
void rtmp_chunk_write(struct bytes_writer *w, const struct rtmp_message_header *header, const void *payload, size_t len,
    uint32_t chunk_size);

#endif
