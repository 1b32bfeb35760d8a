/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/client.h"

#include <string.h>

enum {
	OUT_MAX_BYTES = 8 << 20,
	BODY_MAX_BYTES = 2048,
};

static void on_message(void *ctx, const struct wire_message *m);

void client_fini(struct client *c)
{
	bytes_writer_fini(&c->out);
}

void client_init(struct client *c, const struct client_config *cfg)
{
	memset(c, 0, sizeof(*c));
	c->cfg = cfg;
	wire_reader_init(&c->in, on_message, c);
	bytes_writer_init_growing(&c->out, OUT_MAX_BYTES);
	bytes_put_u8(&c->out, 3);
	bytes_put_zeros(&c->out, 8);
	for (int i = 8; i < WIRE_HANDSHAKE_BYTES; i++)
		bytes_put_u8(&c->out, (uint8_t)(i * 31));
}

static void put_command(struct client *c, uint32_t stream_id, const struct bytes_writer *body)
{
	const struct wire_out_message m = {
		.chunk_stream = stream_id ? 8 : 3,
		.type = WIRE_COMMAND,
		.stream_id = stream_id,
		.body = body->data,
		.size_bytes = body->len,
	};

	wire_put_message(&c->out, &m);
}

static void put_name_and_number(struct bytes_writer *body, const char *name, double transaction)
{
	wire_put_amf_string(body, name);
	wire_put_amf_number(body, transaction);
}

static void send_connect(struct client *c)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	put_name_and_number(&body, "connect", 1);
	bytes_put_u8(&body, 3);
	wire_put_amf_key(&body, "app");
	wire_put_amf_string(&body, c->cfg->app);
	wire_put_amf_key(&body, "flashVer");
	wire_put_amf_string(&body, "isaribi test 1");
	wire_put_amf_key(&body, "tcUrl");
	wire_put_amf_string(&body, c->cfg->tc_url);
	wire_put_amf_key(&body, "");
	bytes_put_u8(&body, 9);
	wire_put_chunk_size(&c->out);
	put_command(c, 0, &body);
	c->state = CLIENT_CONNECT;
}

static void send_create_stream(struct client *c)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	put_name_and_number(&body, "createStream", 2);
	wire_put_amf_null(&body);
	put_command(c, 0, &body);
	c->state = CLIENT_CREATE;
}

static void send_start(struct client *c)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	put_name_and_number(&body, c->cfg->is_publisher ? "publish" : "play", 3);
	wire_put_amf_null(&body);
	wire_put_amf_string(&body, c->cfg->stream);
	if (c->cfg->is_publisher)
		wire_put_amf_string(&body, "live");
	put_command(c, c->stream_id, &body);
	c->state = CLIENT_START;
}

void client_send_delete_stream(struct client *c)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	put_name_and_number(&body, "deleteStream", 4);
	wire_put_amf_null(&body);
	wire_put_amf_number(&body, c->stream_id);
	put_command(c, 0, &body);
}

void client_send_media(struct client *c, uint8_t type, uint32_t timestamp_ms, const uint8_t *body, size_t len)
{
	const struct wire_out_message m = {
		.chunk_stream = type == WIRE_AUDIO ? 4
		    : type == WIRE_VIDEO	   ? 6
						   : 5,
		.type = type,
		.stream_id = c->stream_id,
		.timestamp_ms = timestamp_ms,
		.body = body,
		.size_bytes = len,
	};

	wire_put_message(&c->out, &m);
}

/* True when the bytes of text stand anywhere in the head of the message. */
static bool says(const struct wire_message *m, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i + len <= m->head_bytes; i++)
		if (memcmp(m->head + i, text, len) == 0)
			return true;
	return false;
}

static bool is_named(const struct wire_message *m, const char *name)
{
	size_t len = strlen(name);

	return m->head_bytes >= 3 + len && m->head[0] == 2 && m->head[2] == len && memcmp(m->head + 3, name, len) == 0;
}

/* createStream's answer ends in the number of the new message stream. */
static void take_stream_id(struct client *c, const struct wire_message *m)
{
	struct bytes_reader r;

	if (m->head_bytes < 9 || m->size_bytes > WIRE_HEAD_BYTES) {
		c->state = CLIENT_BROKEN;
		return;
	}
	bytes_reader_init(&r, m->head + m->head_bytes - 9, 9);
	if (bytes_u8(&r) != 0) {
		c->state = CLIENT_BROKEN;
		return;
	}
	c->stream_id = (uint32_t)bytes_f64(&r);
	send_start(c);
}

static void on_command(struct client *c, const struct wire_message *m)
{
	if (is_named(m, "_error"))
		c->state = CLIENT_REFUSED;
	else if (is_named(m, "_result") && c->state == CLIENT_CONNECT)
		send_create_stream(c);
	else if (is_named(m, "_result") && c->state == CLIENT_CREATE)
		take_stream_id(c, m);
	if (!is_named(m, "onStatus"))
		return;
	if (says(m, "NetStream.Play.Start") || says(m, "NetStream.Publish.Start"))
		c->state = CLIENT_RUNNING;
	else if (says(m, "NetStream.Play.UnpublishNotify") || says(m, "NetStream.Play.Stop"))
		c->has_unpublish_notice = true;
	else if (says(m, "error"))
		c->state = CLIENT_REFUSED;
}

static void on_user_control(struct client *c, const struct wire_message *m)
{
	struct bytes_reader r;
	uint16_t event = 0;
	uint32_t value = 0;

	bytes_reader_init(&r, m->head, m->head_bytes);
	event = bytes_u16(&r);
	value = bytes_u32(&r);
	if (event == 1)
		c->is_ended = true;
	else if (event == 6)
		wire_put_pong(&c->out, value);
}

static void on_message(void *ctx, const struct wire_message *m)
{
	struct client *c = ctx;

	switch (m->type) {
	case WIRE_COMMAND: on_command(c, m); break;
	case WIRE_USER_CONTROL: on_user_control(c, m); break;
	case WIRE_WINDOW_ACK:
		if (m->head_bytes >= 4)
			c->window_bytes = (uint32_t)m->head[0] << 24 | (uint32_t)m->head[1] << 16 |
			    (uint32_t)m->head[2] << 8 | m->head[3];
		break;
	case WIRE_AUDIO:
	case WIRE_VIDEO:
	case WIRE_DATA:
		if (c->cfg->on_media)
			c->cfg->on_media(c->cfg->ctx, m);
		break;
	default: break;
	}
}

/* S0, S1 and S2 are 3073 bytes; only S1 is kept, to be said back as C2. */
static size_t feed_handshake(struct client *c, const uint8_t *data, size_t len)
{
	const uint32_t all = 1 + 2 * WIRE_HANDSHAKE_BYTES;
	uint32_t kept = c->handshake_bytes;
	size_t used = all - c->handshake_bytes;

	if (used > len)
		used = len;
	if (kept < sizeof(c->handshake)) {
		size_t room = sizeof(c->handshake) - kept;

		memcpy(c->handshake + kept, data, used < room ? used : room);
	}
	c->handshake_bytes += (uint32_t)used;
	if (c->handshake_bytes < all)
		return used;
	if (c->handshake[0] != 3) {
		c->state = CLIENT_BROKEN;
		return used;
	}
	bytes_put(&c->out, c->handshake + 1, WIRE_HANDSHAKE_BYTES);
	send_connect(c);
	return used;
}

void client_feed(struct client *c, const uint8_t *data, size_t len)
{
	if (c->state == CLIENT_HANDSHAKE) {
		size_t used = feed_handshake(c, data, len);

		data += used;
		len -= used;
	}
	if (len == 0 || c->state == CLIENT_BROKEN)
		return;
	if (wire_reader_feed(&c->in, data, len) != PARSE_OK)
		c->state = CLIENT_BROKEN;
	if (c->window_bytes && c->in.total_bytes - c->acked_bytes >= c->window_bytes / 2) {
		c->acked_bytes = c->in.total_bytes;
		wire_put_ack(&c->out, (uint32_t)c->in.total_bytes);
	}
}
