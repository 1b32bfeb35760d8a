/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/rtmp_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/amf0.h"

void rtmp_bench_say(struct rtmp_bench *b, const char *format, ...)
{
	size_t len = strlen(b->text);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(b->text + len, sizeof(b->text) - len, format, args);
	va_end(args);
	assert_true(n >= 0 && (size_t)n < sizeof(b->text) - len);
}

void rtmp_bench_begin(struct rtmp_bench *b)
{
	memset(b, 0, sizeof(*b));
	rtmp_command_init(&b->m);
	bytes_writer_init_growing(&b->out, 1u << 16);
	rtmp_chunk_reader_init(&b->replies);
}

void rtmp_bench_finish(struct rtmp_bench *b)
{
	rtmp_command_fini(&b->m);
	bytes_writer_fini(&b->out);
	rtmp_chunk_reader_fini(&b->replies);
}

static enum parse_result say_code(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	if (amf0_string_is(name, "code"))
		rtmp_bench_say(ctx, " %.*s", (int)value->string.len, value->string.data);
	return PARSE_OK;
}

/* "3/0 _result 2 1": chunk stream, message stream, command, transaction, last number or the code */
static void say_command(struct rtmp_bench *b, const struct rtmp_message *message)
{
	struct amf0_reader r;
	struct amf0_string name;
	double number;

	amf0_reader_init(&r, message->payload, message->len);
	assert_int_equal(amf0_read_string(&r, &name), PARSE_OK);
	rtmp_bench_say(b, "%u/%u %.*s", message->csid, message->stream_id, (int)name.len, name.data);
	if (amf0_peek(&r) == AMF0_NUMBER) {
		assert_int_equal(amf0_read_number(&r, &number), PARSE_OK);
		rtmp_bench_say(b, " %g", number);
	}
	while (amf0_peek(&r) != AMF0_END) {
		if (amf0_peek(&r) == AMF0_NUMBER) {
			assert_int_equal(amf0_read_number(&r, &number), PARSE_OK);
			rtmp_bench_say(b, " %g", number);
		} else if (amf0_peek(&r) == AMF0_OBJECT) {
			assert_int_equal(amf0_visit(&r, say_code, b), PARSE_OK);
		} else {
			assert_int_equal(amf0_skip_value(&r), PARSE_OK);
		}
	}
	rtmp_bench_say(b, "; ");
}

/* Reads the replies with the reader; Set Chunk Size is obeyed by it and never seen. */
void rtmp_bench_say_replies(struct rtmp_bench *b)
{
	struct rtmp_message message;
	size_t pos = 0;
	size_t consumed;
	enum parse_result result;

	for (;;) {
		result = rtmp_chunk_reader_feed(&b->replies, b->out.data + pos, b->out.len - pos, &consumed, &message);
		pos += consumed;
		if (result != PARSE_OK)
			break;
		assert_int_equal(message.timestamp_ms, 0);
		if (message.type == RTMP_TYPE_COMMAND_AMF0 || message.type == RTMP_TYPE_DATA_AMF0) {
			say_command(b, &message);
			continue;
		}
		assert_int_equal(message.csid, RTMP_CSID_CONTROL);
		assert_int_equal(message.stream_id, 0);
		assert_true(message.len <= sizeof(b->said_control));
		memcpy(b->said_control, message.payload, message.len);
		rtmp_bench_say(b, "control %u", message.type);
		if (message.type == RTMP_TYPE_USER_CONTROL)
			rtmp_bench_say(b, ".%u", message.payload[1]);
		rtmp_bench_say(b, "; ");
	}
	assert_int_equal(result, PARSE_MORE);
	bytes_writer_reset(&b->out);
}

void rtmp_bench_say_action(struct rtmp_bench *b)
{
	static const char *const kinds[] = { "", "PUBLISH", "PLAY", "PAUSE", "END", "METADATA", "BAD" };
	const struct rtmp_action *a = &b->action;

	if (a->kind == RTMP_ACTION_NONE)
		return;
	rtmp_bench_say(b, "%s", kinds[a->kind]);
	if (a->kind == RTMP_ACTION_PUBLISH || a->kind == RTMP_ACTION_PLAY)
		rtmp_bench_say(b, " [%s] [%s] [%s]", a->app, a->name, a->query);
	if (a->kind == RTMP_ACTION_PAUSE)
		rtmp_bench_say(b, " %d", a->is_paused);
	if (a->kind == RTMP_ACTION_BAD)
		rtmp_bench_say(b, " %s", rtmp_command_error_text(a->error));
	rtmp_bench_say(b, "; ");
}

void rtmp_bench_give(struct rtmp_bench *b, uint8_t type, const void *payload, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct rtmp_message message = { .csid = 3, .type = type, .payload = len ? exact : NULL, .len = len };

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, payload, len);
	rtmp_command_message(&b->m, &message, &b->out, &b->action);
	rtmp_bench_say_replies(b);
	rtmp_bench_say_action(b);
	free(exact);
}

/* A command with a null object and, when not NULL, one string. */
void rtmp_bench_give_command(struct rtmp_bench *b, const char *name, double transaction, const char *arg)
{
	uint8_t buf[2048];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	amf0_put_string(&w, name);
	amf0_put_number(&w, transaction);
	amf0_put_null(&w);
	if (arg)
		amf0_put_string(&w, arg);
	assert_false(w.is_full);
	rtmp_bench_give(b, RTMP_TYPE_COMMAND_AMF0, w.data, w.len);
}

void rtmp_bench_give_connect(struct rtmp_bench *b, const char *app)
{
	uint8_t buf[2048];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	amf0_put_string(&w, "connect");
	amf0_put_number(&w, 1);
	amf0_put_object_start(&w);
	if (app)
		amf0_put_member_string(&w, "app", app);
	amf0_put_member_string(&w, "tcUrl", "rtmp://host/app");
	amf0_put_member_number(&w, "objectEncoding", 3);
	amf0_put_object_end(&w);
	assert_false(w.is_full);
	rtmp_bench_give(b, RTMP_TYPE_COMMAND_AMF0, w.data, w.len);
}

void rtmp_bench_expect(struct rtmp_bench *b, const char *text)
{
	assert_string_equal(b->text, text);
	b->text[0] = '\0';
}

void rtmp_bench_connect(struct rtmp_bench *b, const char *app)
{
	rtmp_bench_give_connect(b, app);
	rtmp_bench_expect(b, CONNECTED);
}
