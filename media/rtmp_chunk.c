/* SPDX-License-Identifier: Apache-2.0 */
#include "media/rtmp_chunk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum {
	TIMESTAMP_EXTENDED = 0xffffff, /* §5.3.1.3 */
	MESSAGE_LEN_MAX = 0xffffff,
	STREAMS_FIRST_SIZE = 4,
	BUFFER_FIRST_BYTES = 256,
};

/* What the next byte of the connection is. */
enum stage {
	STAGE_BASIC_HEADER,
	STAGE_MESSAGE_HEADER,
	STAGE_EXTENDED, /* of type 0, 1, 2: it is there */
	STAGE_PROBE,	/* of type 3: perhaps it is there */
	STAGE_PAYLOAD,
};

struct rtmp_chunk_stream {
	uint32_t csid;
	uint32_t timestamp_ms;
	uint32_t delta_ms; /* what a type 3 chunk that begins a message adds */
	uint32_t field;	   /* timestamp or delta as the last header said it, extended or not */
	uint32_t len;
	uint32_t stream_id;
	uint8_t type;
	bool has_header;
	bool has_extended;
	bool is_half_read; /* a message has begun and is not complete */
	uint8_t *buf;
	uint32_t buf_len;
	uint32_t buf_size;
};

void rtmp_chunk_reader_init(struct rtmp_chunk_reader *reader)
{
	*reader = (struct rtmp_chunk_reader){ .chunk_size = RTMP_CHUNK_SIZE_DEFAULT, .stage = STAGE_BASIC_HEADER };
}

void rtmp_chunk_reader_fini(struct rtmp_chunk_reader *reader)
{
	for (size_t i = 0; i < reader->streams_used; i++)
		free(reader->streams[i].buf);
	free(reader->streams);
	*reader = (struct rtmp_chunk_reader){ .chunk_size = RTMP_CHUNK_SIZE_DEFAULT };
}

const char *rtmp_chunk_error_text(enum rtmp_chunk_error error)
{
	static const char *const texts[RTMP_CHUNK_ERRORS] = {
		[RTMP_CHUNK_FINE] = "no error",
		[RTMP_CHUNK_TOO_MANY_STREAMS] = "too many chunk streams",
		[RTMP_CHUNK_NO_FULL_HEADER] = "chunk stream begins without a full header",
		[RTMP_CHUNK_MESSAGE_TOO_LONG] = "message longer than its type may be",
		[RTMP_CHUNK_MESSAGE_INTERRUPTED] = "new header inside an unfinished message",
		[RTMP_CHUNK_HALF_READ_TOO_MUCH] = "too much in unfinished messages",
		[RTMP_CHUNK_BAD_CONTROL] = "broken chunk size or abort message",
		[RTMP_CHUNK_NO_MEMORY] = "out of memory",
	};

	return (unsigned)error < ARRAY_LEN(texts) ? texts[error] : "unknown";
}

enum rtmp_chunk_error rtmp_chunk_reader_error(const struct rtmp_chunk_reader *reader)
{
	return reader->error;
}

size_t rtmp_chunk_reader_memory(const struct rtmp_chunk_reader *reader)
{
	size_t bytes = reader->streams_size * sizeof(*reader->streams);

	for (size_t i = 0; i < reader->streams_used; i++)
		bytes += reader->streams[i].buf_size;
	return bytes;
}

static enum parse_result fail(struct rtmp_chunk_reader *reader, enum rtmp_chunk_error error)
{
	reader->error = error;
	return PARSE_BAD;
}

static struct rtmp_chunk_stream *current_stream(struct rtmp_chunk_reader *reader)
{
	return &reader->streams[reader->current];
}

static void set_stage(struct rtmp_chunk_reader *reader, enum stage stage)
{
	reader->stage = (uint8_t)stage;
	reader->header_len = 0;
}

/* Finds the chunk stream or begins one, and makes it the current one. */
static enum parse_result select_stream(struct rtmp_chunk_reader *reader, uint32_t csid)
{
	struct rtmp_chunk_stream *bigger;
	size_t size;

	for (size_t i = 0; i < reader->streams_used; i++) {
		if (reader->streams[i].csid == csid) {
			reader->current = (uint8_t)i;
			return PARSE_OK;
		}
	}
	if (reader->streams_used == RTMP_CHUNK_STREAMS_MAX)
		return fail(reader, RTMP_CHUNK_TOO_MANY_STREAMS);
	if (reader->streams_used == reader->streams_size) {
		size = reader->streams_size == 0 ? STREAMS_FIRST_SIZE : reader->streams_size * 2u;
		bigger = realloc(reader->streams, size * sizeof(*bigger));
		if (!bigger)
			return fail(reader, RTMP_CHUNK_NO_MEMORY);
		reader->streams = bigger;
		reader->streams_size = (uint8_t)size;
	}
	reader->current = reader->streams_used++;
	*current_stream(reader) = (struct rtmp_chunk_stream){ .csid = csid };
	return PARSE_OK;
}

static uint32_t len_limit(uint8_t type)
{
	switch (type) {
	case RTMP_TYPE_VIDEO: return RTMP_VIDEO_MAX_BYTES;
	case RTMP_TYPE_AUDIO: return RTMP_AUDIO_MAX_BYTES;
	default: return RTMP_OTHER_MAX_BYTES;
	}
}

/* The headers of this chunk are complete: the message begins or goes on. */
static enum parse_result begin_payload(struct rtmp_chunk_reader *reader)
{
	struct rtmp_chunk_stream *s = current_stream(reader);
	uint32_t left;

	if (!s->is_half_read) {
		s->timestamp_ms = reader->format == 0 ? s->field : s->timestamp_ms + s->delta_ms;
		s->is_half_read = true;
		s->buf_len = 0;
	}
	left = s->len - s->buf_len;
	reader->chunk_left = left < reader->chunk_size ? left : reader->chunk_size;
	set_stage(reader, STAGE_PAYLOAD);
	return PARSE_OK;
}

/* §5.3.1.1: basic header of one, two or three bytes */
static enum parse_result take_basic_header(struct rtmp_chunk_reader *reader)
{
	const uint8_t *h = reader->header;
	uint32_t csid = h[0] & 0x3fu;
	uint8_t need = csid == 0 ? 2 : csid == 1 ? 3 : 1;
	struct rtmp_chunk_stream *s;

	if (reader->header_len < need)
		return PARSE_OK;
	if (need == 2)
		csid = 64u + h[1];
	else if (need == 3)
		csid = 64u + h[1] + 256u * h[2];
	reader->format = h[0] >> 6;
	if (select_stream(reader, csid) != PARSE_OK)
		return PARSE_BAD;
	s = current_stream(reader);
	if (!s->has_header && reader->format >= 2)
		return fail(reader, RTMP_CHUNK_NO_FULL_HEADER);
	if (s->is_half_read && reader->format < 3)
		return fail(reader, RTMP_CHUNK_MESSAGE_INTERRUPTED);
	if (reader->format < 3) {
		set_stage(reader, STAGE_MESSAGE_HEADER);
	} else if (s->has_extended) {
		set_stage(reader, STAGE_PROBE);
	} else {
		return begin_payload(reader);
	}
	return PARSE_OK;
}

/* The value of the timestamp field is known, from three bytes or from four. */
static enum parse_result take_timestamp(struct rtmp_chunk_reader *reader, uint32_t field)
{
	struct rtmp_chunk_stream *s = current_stream(reader);

	s->field = field;
	if (reader->format > 0)
		s->delta_ms = field;
	else
		s->delta_ms = field <= RTMP_TYPE3_DELTA_MAX_MS ? field : 0;
	return begin_payload(reader);
}

/* §5.3.1.2: 11, 7 or 3 bytes */
static enum parse_result take_message_header(struct rtmp_chunk_reader *reader)
{
	static const uint8_t sizes[3] = { 11, 7, 3 };
	struct rtmp_chunk_stream *s = current_stream(reader);
	struct bytes_reader r;
	uint32_t field;

	if (reader->header_len < sizes[reader->format])
		return PARSE_OK;
	bytes_reader_init(&r, reader->header, reader->header_len);
	field = bytes_u24(&r);
	if (reader->format < 2) {
		s->len = bytes_u24(&r);
		s->type = bytes_u8(&r);
	}
	if (reader->format == 0)
		s->stream_id = bytes_u32_little(&r);
	if (s->len > len_limit(s->type))
		return fail(reader, RTMP_CHUNK_MESSAGE_TOO_LONG);
	s->has_header = true;
	s->has_extended = field == TIMESTAMP_EXTENDED;
	if (!s->has_extended)
		return take_timestamp(reader, field);
	set_stage(reader, STAGE_EXTENDED);
	return PARSE_OK;
}

static enum parse_result take_extended(struct rtmp_chunk_reader *reader)
{
	struct bytes_reader r;

	if (reader->header_len < 4)
		return PARSE_OK;
	bytes_reader_init(&r, reader->header, 4);
	return take_timestamp(reader, bytes_u32(&r));
}

static bool begins_like(const uint8_t *bytes, size_t len, uint32_t value)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != (uint8_t)(value >> (24 - 8 * i)))
			return false;
	}
	return true;
}

/* Is this the extended timestamp again? At the first byte that says no, what was taken is payload and given back. */
static enum parse_result take_probe(struct rtmp_chunk_reader *reader)
{
	const struct rtmp_chunk_stream *s = current_stream(reader);
	uint8_t n = reader->header_len;

	if (begins_like(reader->header, n, s->field) ||
	    (s->is_half_read && begins_like(reader->header, n, s->timestamp_ms)))
		return n < 4 ? PARSE_OK : begin_payload(reader);
	/* What was given back earlier and not read again stands behind it: together never more than four. */
	assert(n + reader->returned_len <= (int)sizeof(reader->returned));
	memmove(reader->returned + n, reader->returned, reader->returned_len);
	memcpy(reader->returned, reader->header, n);
	reader->returned_len = (uint8_t)(reader->returned_len + n);
	return begin_payload(reader);
}

static enum parse_result take_header_byte(struct rtmp_chunk_reader *reader, uint8_t byte)
{
	assert(reader->stage != STAGE_PAYLOAD && reader->header_len < sizeof(reader->header));
	reader->header[reader->header_len++] = byte;
	switch ((enum stage)reader->stage) {
	case STAGE_BASIC_HEADER: return take_basic_header(reader);
	case STAGE_MESSAGE_HEADER: return take_message_header(reader);
	case STAGE_EXTENDED: return take_extended(reader);
	case STAGE_PROBE: return take_probe(reader);
	case STAGE_PAYLOAD: break;
	}
	return PARSE_BAD;
}

/* Memory follows what has arrived, not what was announced. */
static bool make_room(struct rtmp_chunk_stream *s, uint32_t len)
{
	uint32_t wanted = s->buf_size < BUFFER_FIRST_BYTES ? BUFFER_FIRST_BYTES : s->buf_size;
	uint8_t *bigger;

	if (s->buf_len + len <= s->buf_size)
		return true;
	while (wanted < s->buf_len + len)
		wanted *= 2;
	if (wanted > s->len)
		wanted = s->len;
	bigger = realloc(s->buf, wanted);
	if (!bigger)
		return false;
	s->buf = bigger;
	s->buf_size = wanted;
	return true;
}

static enum parse_result keep_payload(struct rtmp_chunk_reader *reader, const uint8_t *data, uint32_t len)
{
	struct rtmp_chunk_stream *s = current_stream(reader);

	if (len == 0)
		return PARSE_OK;
	if (len > RTMP_HALF_READ_MAX_BYTES - reader->half_read_bytes)
		return fail(reader, RTMP_CHUNK_HALF_READ_TOO_MUCH);
	if (!make_room(s, len))
		return fail(reader, RTMP_CHUNK_NO_MEMORY);
	memcpy(s->buf + s->buf_len, data, len);
	s->buf_len += len;
	reader->half_read_bytes += len;
	reader->chunk_left -= len;
	return PARSE_OK;
}

static void drop_buffer(struct rtmp_chunk_stream *s)
{
	free(s->buf);
	s->buf = NULL;
	s->buf_size = 0;
}

/* The message handed out last is not needed any more; only media buffers of modest size are worth keeping. */
static void release_delivered(struct rtmp_chunk_reader *reader)
{
	struct rtmp_chunk_stream *s;

	if (reader->delivered == 0)
		return;
	s = &reader->streams[reader->delivered - 1];
	reader->delivered = 0;
	if (s->buf_size > RTMP_KEPT_BUFFER_MAX_BYTES || (s->type != RTMP_TYPE_AUDIO && s->type != RTMP_TYPE_VIDEO))
		drop_buffer(s);
}

static enum parse_result obey_chunk_size(struct rtmp_chunk_reader *reader, const struct rtmp_message *message)
{
	struct bytes_reader r;
	uint32_t size;

	bytes_reader_init(&r, message->payload, message->len);
	size = bytes_u32(&r) & 0x7fffffffu; /* §5.4.1: the first bit must be zero; it is ignored */
	if (size == 0)
		return fail(reader, RTMP_CHUNK_BAD_CONTROL);
	reader->chunk_size = size;
	return PARSE_MORE;
}

static enum parse_result obey_abort(struct rtmp_chunk_reader *reader, const struct rtmp_message *message)
{
	struct bytes_reader r;
	uint32_t csid;

	bytes_reader_init(&r, message->payload, message->len);
	csid = bytes_u32(&r);
	if (r.is_short)
		return fail(reader, RTMP_CHUNK_BAD_CONTROL);
	for (size_t i = 0; i < reader->streams_used; i++) {
		struct rtmp_chunk_stream *s = &reader->streams[i];

		if (s->csid != csid || !s->is_half_read)
			continue;
		reader->half_read_bytes -= s->buf_len;
		s->is_half_read = false;
		s->buf_len = 0;
		drop_buffer(s);
	}
	return PARSE_MORE;
}

/* The message of the current stream is complete. PARSE_MORE when it was for the reader itself. */
static enum parse_result finish_message(
    struct rtmp_chunk_reader *reader, const uint8_t *payload, struct rtmp_message *message)
{
	struct rtmp_chunk_stream *s = current_stream(reader);

	*message = (struct rtmp_message){
		.csid = s->csid,
		.type = s->type,
		.timestamp_ms = s->timestamp_ms,
		.stream_id = s->stream_id,
		.payload = s->len > 0 ? payload : NULL,
		.len = s->len,
	};
	reader->half_read_bytes -= s->buf_len;
	s->is_half_read = false;
	s->buf_len = 0;
	reader->delivered = (uint8_t)(reader->current + 1);
	set_stage(reader, STAGE_BASIC_HEADER);
	if (s->type == RTMP_TYPE_SET_CHUNK_SIZE)
		return obey_chunk_size(reader, message);
	if (s->type == RTMP_TYPE_ABORT)
		return obey_abort(reader, message);
	return PARSE_OK;
}

/* Takes payload of the current chunk out of len bytes, *taken of them. PARSE_MORE: no message is complete. */
static enum parse_result take_payload(
    struct rtmp_chunk_reader *reader, const uint8_t *data, size_t len, size_t *taken, struct rtmp_message *message)
{
	struct rtmp_chunk_stream *s = current_stream(reader);
	uint32_t n = len < reader->chunk_left ? (uint32_t)len : reader->chunk_left;

	*taken = n;
	/* The whole message lies in one piece before us: no copy, but the same limit as for one in pieces. */
	if (s->buf_len == 0 && n == s->len && n <= RTMP_HALF_READ_MAX_BYTES - reader->half_read_bytes)
		return finish_message(reader, data, message);
	if (keep_payload(reader, data, n) != PARSE_OK)
		return PARSE_BAD;
	if (reader->chunk_left > 0)
		return PARSE_MORE;
	if (s->buf_len == s->len)
		return finish_message(reader, s->buf, message);
	set_stage(reader, STAGE_BASIC_HEADER);
	return PARSE_MORE;
}

/* Bytes given back by the probe are read again one by one; payload of theirs is always copied, for they move. */
static enum parse_result take_returned(struct rtmp_chunk_reader *reader, struct rtmp_message *message)
{
	uint8_t byte = reader->returned[0];
	struct rtmp_chunk_stream *s;

	reader->returned_len--;
	memmove(reader->returned, reader->returned + 1, reader->returned_len);
	if (reader->stage != STAGE_PAYLOAD)
		return take_header_byte(reader, byte) == PARSE_BAD ? PARSE_BAD : PARSE_MORE;
	s = current_stream(reader);
	if (keep_payload(reader, &byte, 1) != PARSE_OK)
		return PARSE_BAD;
	if (s->buf_len == s->len)
		return finish_message(reader, s->buf, message);
	if (reader->chunk_left == 0)
		set_stage(reader, STAGE_BASIC_HEADER);
	return PARSE_MORE;
}

enum parse_result rtmp_chunk_reader_feed(
    struct rtmp_chunk_reader *reader, const uint8_t *data, size_t len, size_t *consumed, struct rtmp_message *message)
{
	enum parse_result result = PARSE_MORE;
	size_t pos = 0;
	size_t taken;

	*consumed = 0;
	if (reader->error != RTMP_CHUNK_FINE)
		return PARSE_BAD;
	while (result == PARSE_MORE) {
		release_delivered(reader);
		if (reader->stage == STAGE_PAYLOAD && reader->chunk_left == 0) {
			/* only an empty message gets here */
			result = finish_message(reader, NULL, message);
		} else if (reader->returned_len > 0) {
			result = take_returned(reader, message);
		} else if (pos == len) {
			break;
		} else if (reader->stage == STAGE_PAYLOAD) {
			result = take_payload(reader, data + pos, len - pos, &taken, message);
			pos += taken;
		} else if (take_header_byte(reader, data[pos++]) == PARSE_BAD) {
			result = PARSE_BAD;
		}
	}
	*consumed = pos;
	return result;
}

static uint8_t put_basic_header(uint8_t *p, unsigned format, uint32_t csid)
{
	assert(csid >= 2 && csid <= 65599);
	if (csid < 64) {
		p[0] = (uint8_t)(format << 6 | csid);
		return 1;
	}
	csid -= 64;
	p[0] = (uint8_t)(format << 6 | (csid < 256 ? 0u : 1u));
	p[1] = (uint8_t)csid;
	p[2] = (uint8_t)(csid >> 8);
	return csid < 256 ? 2 : 3;
}

struct rtmp_wire_header rtmp_wire_header_make(const struct rtmp_message_header *header, size_t len)
{
	bool is_extended = header->timestamp_ms >= TIMESTAMP_EXTENDED;
	struct rtmp_wire_header wire = { 0 };
	struct bytes_writer w;
	uint8_t basic_len;

	assert(len <= MESSAGE_LEN_MAX);
	basic_len = put_basic_header(wire.first, 0, header->csid);
	bytes_writer_init_fixed(&w, wire.first + basic_len, sizeof(wire.first) - basic_len);
	bytes_put_u24(&w, is_extended ? (uint32_t)TIMESTAMP_EXTENDED : header->timestamp_ms);
	bytes_put_u24(&w, (uint32_t)len);
	bytes_put_u8(&w, header->type);
	bytes_put_u32_little(&w, header->stream_id);
	if (is_extended)
		bytes_put_u32(&w, header->timestamp_ms);
	wire.first_len = (uint8_t)(basic_len + w.len);

	basic_len = put_basic_header(wire.next, 3, header->csid);
	bytes_writer_init_fixed(&w, wire.next + basic_len, sizeof(wire.next) - basic_len);
	if (is_extended)
		bytes_put_u32(&w, header->timestamp_ms);
	wire.next_len = (uint8_t)(basic_len + w.len);
	return wire;
}

void rtmp_chunk_write(struct bytes_writer *w, const struct rtmp_message_header *header, const void *payload, size_t len,
    uint32_t chunk_size)
{
	struct rtmp_wire_header wire = rtmp_wire_header_make(header, len);
	const uint8_t *p = payload;

	assert(chunk_size > 0);
	bytes_put(w, wire.first, wire.first_len);
	while (len > chunk_size) {
		bytes_put(w, p, chunk_size);
		bytes_put(w, wire.next, wire.next_len);
		p += chunk_size;
		len -= chunk_size;
	}
	bytes_put(w, p, len);
}
