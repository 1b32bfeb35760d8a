/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/wire.h"

#include <string.h>

static uint32_t be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | be24(p + 1);
}

void wire_reader_init(struct wire_reader *r, wire_message_fn *on_message, void *ctx)
{
	memset(r, 0, sizeof(*r));
	r->chunk_bytes = 128;
	r->on_message = on_message;
	r->ctx = ctx;
}

/* RTMP 1.0 §5.3.1.1: the basic header is 1 to 3 bytes, told by the low six bits of the first. */
static uint32_t basic_header_bytes(uint8_t first)
{
	uint8_t low = first & 0x3f;

	return low == 0 ? 2 : low == 1 ? 3 : 1;
}

static uint32_t chunk_stream_id(const uint8_t *h)
{
	uint8_t low = h[0] & 0x3f;

	if (low == 0)
		return 64u + h[1];
	if (low == 1)
		return 64u + h[1] + 256u * h[2];
	return low;
}

static struct wire_chunk_stream *stream_of(struct wire_reader *r, uint32_t id)
{
	for (size_t i = 0; i < WIRE_CHUNK_STREAMS; i++) {
		struct wire_chunk_stream *s = &r->streams[i];

		if (s->id == 0)
			s->id = id;
		if (s->id == id)
			return s;
	}
	return NULL;
}

/* RTMP 1.0 §5.3.1.2: fields by format; a chunk inside a message repeats nothing but the extended timestamp. */
static void apply_header(struct wire_chunk_stream *s, unsigned format, const uint8_t *fields)
{
	bool is_start = s->got_bytes == 0;
	uint32_t ts = 0;

	if (format <= 2) {
		ts = be24(fields);
		s->has_extended = ts == 0xffffff;
		if (s->has_extended)
			ts = be32(fields + (format == 0 ? 11 : format == 1 ? 7 : 3));
	}
	if (format <= 1) {
		s->size_bytes = be24(fields + 3);
		s->type = fields[6];
	}
	if (format == 0) {
		s->stream_id =
		    fields[7] | (uint32_t)fields[8] << 8 | (uint32_t)fields[9] << 16 | (uint32_t)fields[10] << 24;
		s->timestamp_ms = ts;
		s->delta_ms = ts;
	} else if (format <= 2) {
		s->delta_ms = ts;
		s->timestamp_ms += ts;
	} else if (is_start) {
		s->timestamp_ms += s->delta_ms;
	}
}

/* Collects one header; PARSE_OK when it is whole. *used counts what it took of data. */
static enum parse_result read_header(struct wire_reader *r, const uint8_t *data, size_t len, size_t *used)
{
	static const uint8_t field_bytes[] = { 11, 7, 3, 0 };

	for (*used = 0; *used < len;) {
		uint32_t basic = 0, want = 0;
		unsigned format = 0;
		struct wire_chunk_stream *s = NULL;

		r->header[r->header_bytes++] = data[(*used)++];
		format = r->header[0] >> 6;
		basic = basic_header_bytes(r->header[0]);
		want = basic + field_bytes[format];
		if (r->header_bytes < want)
			continue;
		s = stream_of(r, chunk_stream_id(r->header));
		if (!s || (format == 3 && s->type == 0) || (format != 3 && s->got_bytes != 0))
			return PARSE_BAD;
		if (format == 3 ? s->has_extended : be24(r->header + basic) == 0xffffff)
			want += 4;
		if (r->header_bytes < want)
			continue;
		apply_header(s, format, r->header + basic);
		r->header_bytes = 0;
		r->current = s;
		r->payload_left = s->size_bytes - s->got_bytes;
		if (r->payload_left > r->chunk_bytes)
			r->payload_left = r->chunk_bytes;
		return PARSE_OK;
	}
	return PARSE_MORE;
}

static enum parse_result finish_message(struct wire_reader *r, struct wire_chunk_stream *s)
{
	struct wire_message m = {
		.type = s->type,
		.stream_id = s->stream_id,
		.timestamp_ms = s->timestamp_ms,
		.size_bytes = s->size_bytes,
		.head = s->head,
		.head_bytes = s->size_bytes < WIRE_HEAD_BYTES ? s->size_bytes : WIRE_HEAD_BYTES,
	};

	s->got_bytes = 0;
	if (s->type == WIRE_SET_CHUNK_SIZE) {
		uint32_t size = m.head_bytes >= 4 ? be32(s->head) : 0;

		if (size == 0 || size > 0x7fffffff)
			return PARSE_BAD;
		r->chunk_bytes = size;
	}
	r->on_message(r->ctx, &m);
	return PARSE_OK;
}

static size_t read_payload(struct wire_reader *r, const uint8_t *data, size_t len)
{
	struct wire_chunk_stream *s = r->current;
	size_t n = len < r->payload_left ? len : r->payload_left;

	if (s->got_bytes < WIRE_HEAD_BYTES) {
		size_t keep = WIRE_HEAD_BYTES - s->got_bytes;

		memcpy(s->head + s->got_bytes, data, n < keep ? n : keep);
	}
	s->got_bytes += (uint32_t)n;
	r->payload_left -= (uint32_t)n;
	return n;
}

enum parse_result wire_reader_feed(struct wire_reader *r, const uint8_t *data, size_t len)
{
	size_t pos = 0;

	r->total_bytes += len;
	while (pos < len || (r->current && r->payload_left == 0)) {
		struct wire_chunk_stream *s = r->current;

		if (!s) {
			size_t used = 0;
			enum parse_result res = read_header(r, data + pos, len - pos, &used);

			pos += used;
			if (res != PARSE_OK)
				return res == PARSE_MORE ? PARSE_OK : res;
			continue;
		}
		pos += read_payload(r, data + pos, len - pos);
		if (r->payload_left > 0)
			continue;
		r->current = NULL;
		if (s->got_bytes == s->size_bytes && finish_message(r, s) != PARSE_OK)
			return PARSE_BAD;
	}
	return PARSE_OK;
}

void wire_put_message(struct bytes_writer *w, const struct wire_out_message *m)
{
	bool has_extended = m->timestamp_ms >= 0xffffff;
	size_t done = 0;

	bytes_put_u8(w, m->chunk_stream);
	bytes_put_u24(w, has_extended ? 0xffffff : m->timestamp_ms);
	bytes_put_u24(w, (uint32_t)m->size_bytes);
	bytes_put_u8(w, m->type);
	bytes_put_u32_little(w, m->stream_id);
	if (has_extended)
		bytes_put_u32(w, m->timestamp_ms);
	for (;;) {
		size_t n = m->size_bytes - done;

		if (n > WIRE_CHUNK_BYTES_OUT)
			n = WIRE_CHUNK_BYTES_OUT;
		bytes_put(w, m->body + done, n);
		done += n;
		if (done == m->size_bytes)
			return;
		bytes_put_u8(w, 0xc0 | m->chunk_stream);
		if (has_extended)
			bytes_put_u32(w, m->timestamp_ms);
	}
}

static void put_control(struct bytes_writer *w, uint8_t type, const uint8_t *body, size_t len)
{
	const struct wire_out_message m = { .chunk_stream = 2, .type = type, .body = body, .size_bytes = len };

	wire_put_message(w, &m);
}

void wire_put_chunk_size(struct bytes_writer *w)
{
	const uint8_t body[4] = { 0, 0, WIRE_CHUNK_BYTES_OUT >> 8, WIRE_CHUNK_BYTES_OUT & 0xff };

	put_control(w, WIRE_SET_CHUNK_SIZE, body, sizeof(body));
}

void wire_put_ack(struct bytes_writer *w, uint32_t total_bytes)
{
	const uint8_t body[4] = { (uint8_t)(total_bytes >> 24), (uint8_t)(total_bytes >> 16),
		(uint8_t)(total_bytes >> 8), (uint8_t)total_bytes };

	put_control(w, WIRE_ACK, body, sizeof(body));
}

void wire_put_pong(struct bytes_writer *w, uint32_t timestamp)
{
	const uint8_t body[6] = { 0, 7, (uint8_t)(timestamp >> 24), (uint8_t)(timestamp >> 16),
		(uint8_t)(timestamp >> 8), (uint8_t)timestamp };

	put_control(w, WIRE_USER_CONTROL, body, sizeof(body));
}

void wire_put_amf_key(struct bytes_writer *w, const char *s)
{
	size_t len = strlen(s);

	bytes_put_u16(w, (uint16_t)len);
	bytes_put(w, s, len);
}

void wire_put_amf_string(struct bytes_writer *w, const char *s)
{
	bytes_put_u8(w, 2);
	wire_put_amf_key(w, s);
}

void wire_put_amf_number(struct bytes_writer *w, double v)
{
	bytes_put_u8(w, 0);
	bytes_put_f64(w, v);
}

void wire_put_amf_null(struct bytes_writer *w)
{
	bytes_put_u8(w, 5);
}
