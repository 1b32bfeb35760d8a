/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_reply.h"

#include <assert.h>
#include <string.h>

#include "media/amf0.h"
#include "media/rtmp_chunk.h"

enum {
	BODY_MAX_BYTES = 1024, /* of a reply; all are below */
	BANDWIDTH_LIMIT_DYNAMIC = 2,
};

static void put_message(struct bytes_writer *out, uint32_t chunk_size, const struct rtmp_message_header *header,
    const struct bytes_writer *body)
{
	assert(!body->is_full);
	rtmp_chunk_write(out, header, body->data, body->len, chunk_size);
}

/* §5.4: always on chunk stream 2 and message stream 0; shorter than any chunk size we have */
static void put_control(struct bytes_writer *out, uint8_t type, const struct bytes_writer *body)
{
	const struct rtmp_message_header header = { .csid = RTMP_CSID_CONTROL, .type = type };

	put_message(out, RTMP_CHUNK_SIZE_DEFAULT, &header, body);
}

void rtmp_reply_control(struct bytes_writer *out, uint8_t type, uint32_t value)
{
	uint8_t buf[4];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	bytes_put_u32(&body, value);
	put_control(out, type, &body);
}

void rtmp_reply_peer_bandwidth(struct bytes_writer *out, uint32_t window_bytes)
{
	uint8_t buf[5];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	bytes_put_u32(&body, window_bytes);
	bytes_put_u8(&body, BANDWIDTH_LIMIT_DYNAMIC);
	put_control(out, RTMP_TYPE_SET_PEER_BANDWIDTH, &body);
}

void rtmp_reply_user_control(struct bytes_writer *out, enum rtmp_user_control event, uint32_t value)
{
	uint8_t buf[6];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	bytes_put_u16(&body, (uint16_t)event);
	bytes_put_u32(&body, value);
	put_control(out, RTMP_TYPE_USER_CONTROL, &body);
}

static void begin_body(struct bytes_writer *body, uint8_t *buf, const char *command, double transaction)
{
	bytes_writer_init_fixed(body, buf, BODY_MAX_BYTES);
	amf0_put_string(body, command);
	amf0_put_number(body, transaction);
}

static void put_info(struct bytes_writer *body, const char *level, const char *code, const char *description)
{
	amf0_put_member_string(body, "level", level);
	amf0_put_member_string(body, "code", code);
	amf0_put_member_string(body, "description", description);
}

static void put_command(struct bytes_writer *out, uint32_t chunk_size, const struct bytes_writer *body)
{
	const struct rtmp_message_header header = { .csid = RTMP_CSID_COMMAND, .type = RTMP_TYPE_COMMAND_AMF0 };

	put_message(out, chunk_size, &header, body);
}

void rtmp_reply_connected(struct bytes_writer *out, uint32_t chunk_size, double transaction)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	begin_body(&body, buf, "_result", transaction);
	amf0_put_object_start(&body);
	amf0_put_member_string(&body, "fmsVer", "FMS/3,5,7,7009"); /* clients look for a version they know */
	amf0_put_member_number(&body, "capabilities", 31);
	amf0_put_object_end(&body);
	amf0_put_object_start(&body);
	put_info(&body, "status", "NetConnection.Connect.Success", "connected");
	amf0_put_member_number(&body, "objectEncoding", 0); /* AMF0, whatever was asked for */
	amf0_put_object_end(&body);
	put_command(out, chunk_size, &body);
}

void rtmp_reply_result(struct bytes_writer *out, uint32_t chunk_size, double transaction)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	if (!(transaction > 0))
		return;
	begin_body(&body, buf, "_result", transaction);
	amf0_put_null(&body);
	amf0_put_null(&body);
	put_command(out, chunk_size, &body);
}

void rtmp_reply_number(struct bytes_writer *out, uint32_t chunk_size, double transaction, double number)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	begin_body(&body, buf, "_result", transaction);
	amf0_put_null(&body);
	amf0_put_number(&body, number);
	put_command(out, chunk_size, &body);
}

void rtmp_reply_fc(struct bytes_writer *out, uint32_t chunk_size, const char *command, const char *code)
{
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	begin_body(&body, buf, command, 0);
	amf0_put_null(&body);
	amf0_put_object_start(&body);
	put_info(&body, "status", code, "");
	amf0_put_object_end(&body);
	put_command(out, chunk_size, &body);
}

void rtmp_reply_status(
    struct bytes_writer *out, uint32_t chunk_size, const char *level, const char *code, const char *description)
{
	const struct rtmp_message_header header = {
		.csid = RTMP_CSID_STATUS,
		.type = RTMP_TYPE_COMMAND_AMF0,
		.stream_id = RTMP_STREAM_ID,
	};
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	assert(strlen(code) <= RTMP_STATUS_TEXT_MAX_BYTES && strlen(description) <= RTMP_STATUS_TEXT_MAX_BYTES);
	begin_body(&body, buf, "onStatus", 0);
	amf0_put_null(&body);
	amf0_put_object_start(&body);
	put_info(&body, level, code, description);
	amf0_put_object_end(&body);
	put_message(out, chunk_size, &header, &body);
}

void rtmp_reply_sample_access(struct bytes_writer *out, uint32_t chunk_size)
{
	const struct rtmp_message_header header = {
		.csid = RTMP_CSID_DATA,
		.type = RTMP_TYPE_DATA_AMF0,
		.stream_id = RTMP_STREAM_ID,
	};
	uint8_t buf[BODY_MAX_BYTES];
	struct bytes_writer body;

	bytes_writer_init_fixed(&body, buf, sizeof(buf));
	amf0_put_string(&body, "|RtmpSampleAccess");
	amf0_put_bool(&body, true);
	amf0_put_bool(&body, true);
	put_message(out, chunk_size, &header, &body);
}
