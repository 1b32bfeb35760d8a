/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/rtmp_command.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/amf0.h"

/* A machine, what it said and what it wanted, as text. */
struct bench {
	struct rtmp_command m;
	struct bytes_writer out;
	struct rtmp_chunk_reader replies;
	struct rtmp_action action;
	uint8_t said_control[64]; /* payload of the last reply that was no command */
	char text[4096];
};

static void say(struct bench *b, const char *format, ...) ATTR_PRINTF(2, 3);
static void say(struct bench *b, const char *format, ...)
{
	size_t len = strlen(b->text);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(b->text + len, sizeof(b->text) - len, format, args);
	va_end(args);
	assert_true(n >= 0 && (size_t)n < sizeof(b->text) - len);
}

static void begin(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	rtmp_command_init(&b->m);
	bytes_writer_init_growing(&b->out, 1u << 16);
	rtmp_chunk_reader_init(&b->replies);
}

static void finish(struct bench *b)
{
	rtmp_command_fini(&b->m);
	bytes_writer_fini(&b->out);
	rtmp_chunk_reader_fini(&b->replies);
}

static enum parse_result say_code(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	if (amf0_string_is(name, "code"))
		say(ctx, " %.*s", (int)value->string.len, value->string.data);
	return PARSE_OK;
}

/* "3/0 _result 2 1": chunk stream, message stream, command, transaction, last number or the code */
static void say_command(struct bench *b, const struct rtmp_message *message)
{
	struct amf0_reader r;
	struct amf0_string name;
	double number;

	amf0_reader_init(&r, message->payload, message->len);
	assert_int_equal(amf0_read_string(&r, &name), PARSE_OK);
	say(b, "%u/%u %.*s", message->csid, message->stream_id, (int)name.len, name.data);
	if (amf0_peek(&r) == AMF0_NUMBER) {
		assert_int_equal(amf0_read_number(&r, &number), PARSE_OK);
		say(b, " %g", number);
	}
	while (amf0_peek(&r) != AMF0_END) {
		if (amf0_peek(&r) == AMF0_NUMBER) {
			assert_int_equal(amf0_read_number(&r, &number), PARSE_OK);
			say(b, " %g", number);
		} else if (amf0_peek(&r) == AMF0_OBJECT) {
			assert_int_equal(amf0_visit(&r, say_code, b), PARSE_OK);
		} else {
			assert_int_equal(amf0_skip_value(&r), PARSE_OK);
		}
	}
	say(b, "; ");
}

/* Reads the replies with the reader; Set Chunk Size is obeyed by it and never seen. */
static void say_replies(struct bench *b)
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
		say(b, "control %u", message.type);
		if (message.type == RTMP_TYPE_USER_CONTROL)
			say(b, ".%u", message.payload[1]);
		say(b, "; ");
	}
	assert_int_equal(result, PARSE_MORE);
	bytes_writer_reset(&b->out);
}

static void say_action(struct bench *b)
{
	static const char *const kinds[] = { "", "PUBLISH", "PLAY", "PAUSE", "END", "METADATA", "BAD" };
	const struct rtmp_action *a = &b->action;

	if (a->kind == RTMP_ACTION_NONE)
		return;
	say(b, "%s", kinds[a->kind]);
	if (a->kind == RTMP_ACTION_PUBLISH || a->kind == RTMP_ACTION_PLAY)
		say(b, " [%s] [%s] [%s]", a->app, a->name, a->query);
	if (a->kind == RTMP_ACTION_PAUSE)
		say(b, " %d", a->is_paused);
	if (a->kind == RTMP_ACTION_BAD)
		say(b, " %s", rtmp_command_error_text(a->error));
	say(b, "; ");
}

static void give(struct bench *b, uint8_t type, const void *payload, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct rtmp_message message = { .csid = 3, .type = type, .payload = len ? exact : NULL, .len = len };

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, payload, len);
	rtmp_command_message(&b->m, &message, &b->out, &b->action);
	say_replies(b);
	say_action(b);
	free(exact);
}

/* A command with a null object and, when not NULL, one string. */
static void give_command(struct bench *b, const char *name, double transaction, const char *arg)
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
	give(b, RTMP_TYPE_COMMAND_AMF0, w.data, w.len);
}

static void give_connect(struct bench *b, const char *app)
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
	give(b, RTMP_TYPE_COMMAND_AMF0, w.data, w.len);
}

static void expect(struct bench *b, const char *text)
{
	assert_string_equal(b->text, text);
	b->text[0] = '\0';
}

#define CONNECTED "control 5; control 6; 3/0 _result 1 NetConnection.Connect.Success; "

static void connect_to(struct bench *b, const char *app)
{
	give_connect(b, app);
	expect(b, CONNECTED);
}

static void a_publish_goes_its_way(void **state)
{
	struct bench b;
	uint8_t meta[64];
	struct bytes_writer w;

	(void)state;
	begin(&b);
	connect_to(&b, "live");
	give_command(&b, "releaseStream", 2, "KEY");
	expect(&b, "3/0 _result 2; ");
	give_command(&b, "FCPublish", 3, "KEY");
	expect(&b, "3/0 onFCPublish 0 NetStream.Publish.Start; 3/0 _result 3; ");
	give_command(&b, "createStream", 4, NULL);
	expect(&b, "3/0 _result 4 1; ");
	give_command(&b, "publish", 5, "KEY?a=b");
	expect(&b, "PUBLISH [live] [KEY] [a=b]; ");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), 0);
	say_replies(&b);
	expect(&b, "control 4.0; 5/1 onStatus 0 NetStream.Publish.Start; ");
	assert_int_equal(b.m.state, RTMP_STATE_PUBLISHING);
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), -EINVAL);

	bytes_writer_init_fixed(&w, meta, sizeof(meta));
	amf0_put_string(&w, "@setDataFrame");
	amf0_put_string(&w, "onMetaData");
	amf0_put_ecma_array_start(&w, 0);
	amf0_put_object_end(&w);
	give(&b, RTMP_TYPE_DATA_AMF0, w.data, w.len);
	expect(&b, "METADATA; ");
	assert_int_equal(b.action.payload_len, w.len - 16);

	give_command(&b, "FCUnpublish", 6, "KEY");
	expect(&b,
	    "3/0 onFCUnpublish 0 NetStream.Unpublish.Success; 3/0 _result 6; "
	    "5/1 onStatus 0 NetStream.Unpublish.Success; END; ");
	give_command(&b, "deleteStream", 7, NULL);
	expect(&b, "");
	/* and again on the same connection */
	give_command(&b, "publish", 8, "KEY2");
	expect(&b, "PUBLISH [live] [KEY2] []; ");
	assert_int_equal(rtmp_command_publish_refused(&b.m, &b.out, "NetStream.Publish.BadName", "no"), 0);
	say_replies(&b);
	expect(&b, "5/1 onStatus 0 NetStream.Publish.BadName; ");
	assert_int_equal(b.m.state, RTMP_STATE_ENDED);
	give_command(&b, "publish", 9, "KEY2");
	expect(&b, "BAD second publish or play; ");
	finish(&b);
}

static void a_play_goes_its_way(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	connect_to(&b, "/play/?token=A");
	give_command(&b, "createStream", 2, NULL);
	expect(&b, "3/0 _result 2 1; ");
	give_command(&b, "getStreamLength", 3, "tanaka");
	expect(&b, "3/0 _result 3 0; ");
	give_command(&b, "play", 4, "/tanaka");
	expect(&b, "PLAY [play] [tanaka] [token=A]; ");
	give_command(&b, "pause", 5, NULL); /* too early: nothing */
	expect(&b, "");
	assert_int_equal(rtmp_command_play_accepted(&b.m, &b.out), 0);
	say_replies(&b);
	expect(&b,
	    "control 4.0; 5/1 onStatus 0 NetStream.Play.Reset; 5/1 onStatus 0 NetStream.Play.Start; "
	    "8/1 |RtmpSampleAccess; ");
	assert_null(b.m.names);
	give(&b, RTMP_TYPE_COMMAND_AMF0, "\2\0\5pause\0\0\0\0\0\0\0\0\0\5\1\1", 20);
	expect(&b, "PAUSE 1; ");
	assert_int_equal(rtmp_command_pause_done(&b.m, &b.out, true), 0);
	assert_int_equal(rtmp_command_pause_done(&b.m, &b.out, false), 0);
	say_replies(&b);
	expect(&b, "5/1 onStatus 0 NetStream.Pause.Notify; 5/1 onStatus 0 NetStream.Unpause.Notify; ");
	give(&b, RTMP_TYPE_COMMAND_AMF0, "\2\0\5pause\0\0\0\0\0\0\0\0\0\5", 18);
	expect(&b, "BAD malformed command; ");
	give_command(&b, "seek", 0, NULL);
	expect(&b, "5/1 onStatus 0 NetStream.Seek.Notify; ");
	assert_int_equal(rtmp_command_stream_eof(&b.m, &b.out), 0);
	say_replies(&b);
	expect(&b, "control 4.1; 5/1 onStatus 0 NetStream.Play.UnpublishNotify; 5/1 onStatus 0 NetStream.Play.Stop; ");
	assert_int_equal(rtmp_command_stream_eof(&b.m, &b.out), -EINVAL);
	assert_int_equal(rtmp_command_pause_done(&b.m, &b.out, true), -EINVAL);
	give_command(&b, "deleteStream", 0, NULL);
	expect(&b, "");
	give_command(&b, "play", 0, "again");
	expect(&b, "BAD second publish or play; ");
	finish(&b);
}

static void a_client_may_leave_while_we_decide(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	connect_to(&b, "live");
	give_command(&b, "publish", 1, "KEY");
	give_command(&b, "closeStream", 0, NULL);
	expect(&b, "PUBLISH [live] [KEY] []; END; ");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), -EINVAL);
	assert_int_equal(rtmp_command_publish_refused(&b.m, &b.out, "a", "b"), -EINVAL);
	assert_int_equal(b.out.len, 0);
	give_command(&b, "play", 1, "s");
	give_command(&b, "deleteStream", 0, NULL);
	expect(&b, "PLAY [live] [s] []; END; ");
	assert_int_equal(rtmp_command_play_accepted(&b.m, &b.out), -EINVAL);
	assert_int_equal(rtmp_command_play_refused(&b.m, &b.out, "a", "b"), -EINVAL);
	finish(&b);
}

static void a_publish_can_be_ended_by_us(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	connect_to(&b, "live");
	give_command(&b, "publish", 1, "KEY");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), 0);
	assert_int_equal(rtmp_command_publish_refused(&b.m, &b.out, "NetStream.Publish.Denied", "slot over"), 0);
	assert_int_equal(b.m.state, RTMP_STATE_ENDED);
	assert_null(b.m.names);
	finish(&b);
}

static void names_are_found_and_bounded(void **state)
{
	static char app_128[129], app_129[130], name_512[513], name_513[514];
	static const struct {
		const char *app;
		const char *name;
		const char *text;
	} cases[] = {
		{ "live", "KEY", "PUBLISH [live] [KEY] []; " },
		{ "live/", "KEY", "PUBLISH [live] [KEY] []; " },
		{ "//live//", "/KEY/", "PUBLISH [live] [KEY] []; " },
		{ "live/KEY", "", "PUBLISH [live] [KEY] []; " },
		{ "live/KEY", NULL, "PUBLISH [live] [KEY] []; " },
		{ "live/KEY?q=1", "", "PUBLISH [live] [KEY] [q=1]; " },
		{ "live/a/b", "", "PUBLISH [live] [a/b] []; " },
		{ "live/a", "b", "PUBLISH [live/a] [b] []; " },
		{ "live", "", "PUBLISH [live] [] []; " },
		{ "", "KEY", "PUBLISH [] [KEY] []; " },
		{ NULL, "KEY", "PUBLISH [] [KEY] []; " },
		{ "live?a=1", "KEY?b=2", "PUBLISH [live] [KEY] [b=2]; " },
		{ "live?a=1", "KEY?", "PUBLISH [live] [KEY] [a=1]; " },
		{ "live", "?t=1", "PUBLISH [live] [] [t=1]; " },
		{ "live", "KEY?b=2?c=3", "PUBLISH [live] [KEY] [b=2?c=3]; " },
		{ "live", "\xe6\xbc\x81\xe7\x81\xab", "PUBLISH [live] [\xe6\xbc\x81\xe7\x81\xab] []; " },
		{ "live", "a\nb", "BAD app or stream name too long or with control characters; " },
		{ "live", "a?b\x7f", "BAD app or stream name too long or with control characters; " },
		{ "live", name_513, "BAD app or stream name too long or with control characters; " },
	};

	(void)state;
	memset(app_128, 'a', 128);
	memset(app_129, 'a', 129);
	memset(name_512, 'n', 512);
	memset(name_513, 'n', 513);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;

		begin(&b);
		connect_to(&b, cases[i].app);
		give_command(&b, "publish", 5, cases[i].name);
		expect(&b, cases[i].text);
		finish(&b);
	}
	for (int too_long = 0; too_long < 2; too_long++) {
		struct bench b;

		begin(&b);
		give_connect(&b, too_long ? app_129 : app_128);
		expect(&b, too_long ? "BAD app or stream name too long or with control characters; " : CONNECTED);
		if (!too_long) {
			give_command(&b, "publish", 5, name_512);
			assert_int_equal(b.action.kind, RTMP_ACTION_PUBLISH);
			assert_string_equal(b.action.name, name_512);
		}
		finish(&b);
	}
	/* a NUL inside */
	{
		struct bench b;

		begin(&b);
		connect_to(&b, "live");
		give(&b, RTMP_TYPE_COMMAND_AMF0, "\2\0\7publish\0\0\0\0\0\0\0\0\0\5\2\0\3a\0b", 26);
		expect(&b, "BAD app or stream name too long or with control characters; ");
		finish(&b);
	}
}

static void a_query_fills_the_name(void **state)
{
	char name[513];
	struct bench b;

	(void)state;
	memset(name, 'q', 512);
	name[512] = '\0';
	for (size_t at = 0; at < 512; at += 73) {
		name[at] = '?';
		begin(&b);
		connect_to(&b, "live");
		give_command(&b, "publish", 5, name);
		assert_int_equal(b.action.kind, RTMP_ACTION_PUBLISH);
		assert_int_equal(strlen(b.action.name), at);
		assert_int_equal(strlen(b.action.query), 511 - at);
		finish(&b);
		name[at] = 'q';
	}
}

static void order_is_kept(void **state)
{
	static const struct {
		const char *first, *second;
		const char *text;
	} cases[] = {
		{ "publish", NULL, "BAD command before connect; " },
		{ "play", NULL, "BAD command before connect; " },
		{ "createStream", NULL, "BAD command before connect; " },
		{ "connect", "connect", CONNECTED "BAD second connect; " },
		{ "connect", "createStream", CONNECTED "3/0 _result 9 1; " },
		{ "FCUnpublish", NULL, "3/0 onFCUnpublish 0 NetStream.Unpublish.Success; 3/0 _result 9; " },
		{ "deleteStream", NULL, "" },
		{ "FCSubscribe", NULL, "3/0 onFCSubscribe 0 NetStream.Play.Start; 3/0 _result 9; " },
		{ "_checkbw", NULL, "3/0 _result 9; " },
		{ "set_playlist", NULL, "3/0 _result 9; " },
		{ "onStatus", "_result", "" },
		{ "", NULL, "3/0 _result 9; " },
	};
	struct bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *given[] = { cases[i].first, cases[i].second };

		begin(&b);
		for (size_t k = 0; k < 2 && given[k]; k++) {
			if (strcmp(given[k], "connect") == 0)
				give_connect(&b, "live");
			else
				give_command(&b, given[k], 9, "x");
		}
		expect(&b, cases[i].text);
		finish(&b);
	}
	begin(&b);
	connect_to(&b, "live");
	give_command(&b, "receiveVideo", 0, NULL); /* transaction 0: nobody waits */
	expect(&b, "");
	give_command(&b, "publish", 1, "a");
	give_command(&b, "publish", 1, "a");
	expect(&b, "PUBLISH [live] [a] []; BAD second publish or play; ");
	give_command(&b, "play", 1, "a");
	expect(&b, "BAD second publish or play; ");
	finish(&b);
}

static void fields_may_be_missing(void **state)
{
	static const struct {
		uint8_t type;
		const char *raw;
		size_t len;
		const char *text;
	} cases[] = {
#define RAW(text) text, sizeof(text) - 1
		{ 20, RAW(""), "BAD malformed command; " },
		{ 17, RAW(""), "BAD malformed command; " },
		{ 17, RAW("\0"), "BAD malformed command; " },
		{ 20, RAW("\5"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7conn"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7connect"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7connect\0\1"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\2\0\0"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\3\0\3app"), "BAD malformed command; " },
		{ 20, RAW("\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\3\0\3app\5\0\0\x09"), CONNECTED },
		{ 20, RAW("\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\5"), CONNECTED },
		{ 17, RAW("\0\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\5"), CONNECTED },
		{ 17, RAW("\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\5"), CONNECTED },
		{ 20, RAW("\2\0\7connect\0\x7f\xf8\0\0\0\0\0\0\5"),
		    "control 5; control 6; 3/0 _result nan NetConnection.Connect.Success; " },
		{ 20, RAW("\2\0\7nothing"), "" },
		{ 20, RAW("\2\0\7nothing\0\x7f\xf8\0\0\0\0\0\0"), "" },
		{ 3, RAW(""), "BAD protocol control message without its fields; " },
		{ 3, RAW("\0\0\0"), "BAD protocol control message without its fields; " },
		{ 3, RAW("\0\0\0\0"), "" },
		{ 4, RAW(""), "BAD protocol control message without its fields; " },
		{ 4, RAW("\0"), "BAD protocol control message without its fields; " },
		{ 4, RAW("\0\3"), "" },
		{ 4, RAW("\0\6\1\2\3"), "BAD protocol control message without its fields; " },
		{ 4, RAW("\0\6\1\2\3\4"), "control 4.7; " },
		{ 5, RAW(""), "BAD protocol control message without its fields; " },
		{ 5, RAW("\0\0\0"), "BAD protocol control message without its fields; " },
		{ 6, RAW(""), "BAD protocol control message without its fields; " },
		{ 6, RAW("\0\0\0\1"), "" },
		{ 15, RAW(""), "" },
		{ 18, RAW(""), "" },
		{ 16, RAW(""), "" },
		{ 22, RAW(""), "" },
		{ 255, RAW("x"), "" },
#undef RAW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;

		begin(&b);
		give(&b, cases[i].type, cases[i].raw, cases[i].len);
		expect(&b, cases[i].text);
		finish(&b);
	}
}

static void broken_publish_commands_are_refused(void **state)
{
	static const char head[] = "\2\0\7publish\0\x3f\xf0\0\0\0\0\0\0";
	static const struct {
		const char *raw;
		size_t len;
		const char *text;
	} cases[] = {
#define RAW(text) text, sizeof(text) - 1
		{ RAW(""), "BAD malformed command; " },
		{ RAW("\5"), "PUBLISH [live] [] []; " },
		{ RAW("\5\5"), "PUBLISH [live] [] []; " },
		{ RAW("\5\0\0\0\0\0\0\0\0\0"), "BAD malformed command; " },
		{ RAW("\5\2\0\5k"), "BAD malformed command; " },
		{ RAW("\x11\1\2\0\1k"), "BAD malformed command; " },
		{ RAW("\3\0\0\x09\2\0\1k\2\0\6record"), "PUBLISH [live] [k] []; " },
		{ RAW("\5\2\0\1k\2\0\6append"), "PUBLISH [live] [k] []; " },
		{ RAW("\5\2\0\1k\x42garbage"), "PUBLISH [live] [k] []; " },
#undef RAW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t raw[64];
		struct bench b;

		memcpy(raw, head, sizeof(head) - 1);
		memcpy(raw + sizeof(head) - 1, cases[i].raw, cases[i].len);
		begin(&b);
		connect_to(&b, "live");
		give(&b, RTMP_TYPE_COMMAND_AMF0, raw, sizeof(head) - 1 + cases[i].len);
		expect(&b, cases[i].text);
		finish(&b);
	}
}

static void metadata_is_a_courtesy(void **state)
{
	static const struct {
		uint8_t type;
		const char *raw;
		size_t len;
		bool is_metadata;
		size_t payload_len;
	} cases[] = {
#define RAW(text) text, sizeof(text) - 1
#define SET	  "\2\0\x0d@setDataFrame"
#define ON	  "\2\0\x0aonMetaData"
		{ 18, RAW(SET ON "\3\0\0\x09"), true, 17 },
		{ 18, RAW(ON "\3\0\0\x09"), true, 17 },
		{ 15, RAW("\0" SET ON "\3\0\0\x09"), true, 17 },
		{ 18, RAW(SET ON), true, 13 },
		{ 18, RAW(SET), false, 0 },
		{ 18, RAW(SET "\5"), false, 0 },
		{ 18, RAW(SET ON "\3\0\1a"), false, 0 },
		{ 18, RAW(SET ON "\x11"), false, 0 },
		{ 18, RAW("\2\0\6onText\5"), false, 0 },
		{ 18, RAW("\2\0\x0f@clearDataFrame" ON), false, 0 },
		{ 18, RAW(""), false, 0 },
		{ 18, RAW("\0"), false, 0 },
		{ 18, RAW("\xff"), false, 0 },
#undef ON
#undef SET
#undef RAW
	};
	struct bench b;

	(void)state;
	begin(&b);
	connect_to(&b, "live");
	give(&b, 18, cases[0].raw, cases[0].len);
	expect(&b, ""); /* nothing is published */
	give_command(&b, "publish", 1, "k");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		give(&b, cases[i].type, cases[i].raw, cases[i].len);
		assert_int_equal(b.action.kind, cases[i].is_metadata ? RTMP_ACTION_METADATA : RTMP_ACTION_NONE);
		assert_int_equal(b.action.payload_len, cases[i].payload_len);
	}
	finish(&b);
}

static void pings_are_answered(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	give(&b, RTMP_TYPE_USER_CONTROL, "\0\6\1\2\3\4", 6);
	assert_memory_equal(b.said_control, "\0\7\1\2\3\4", 6);
	finish(&b);
}

static void bytes_are_acknowledged(void **state)
{
	struct bench b;
	uint64_t total = 0;

	(void)state;
	begin(&b);
	rtmp_command_bytes_received(&b.m, 1u << 30, &b.out);
	assert_int_equal(b.out.len, 0); /* not asked for */
	give(&b, RTMP_TYPE_WINDOW_ACK_SIZE, "\0\1\0\0", 4);
	rtmp_command_bytes_received(&b.m, 65535, &b.out);
	assert_int_equal(b.out.len, 0);
	rtmp_command_bytes_received(&b.m, 65536, &b.out);
	say_replies(&b);
	expect(&b, "control 3; ");
	assert_memory_equal(b.said_control, "\0\1\0\0", 4);
	rtmp_command_bytes_received(&b.m, 65537, &b.out);
	assert_int_equal(b.out.len, 0);
	/* past 2^32 */
	total = (1ull << 32) + 5;
	rtmp_command_bytes_received(&b.m, total, &b.out);
	say_replies(&b);
	expect(&b, "control 3; ");
	assert_memory_equal(b.said_control, "\0\0\0\5", 4);
	/* a window of one byte does not make us talk at every byte */
	give(&b, RTMP_TYPE_WINDOW_ACK_SIZE, "\0\0\0\1", 4);
	rtmp_command_bytes_received(&b.m, total + 4095, &b.out);
	assert_int_equal(b.out.len, 0);
	rtmp_command_bytes_received(&b.m, total + 4096, &b.out);
	assert_int_not_equal(b.out.len, 0);
	finish(&b);
}

static void fourccs_are_remembered(void **state)
{
	static const struct {
		const char *members;
		size_t len;
		uint32_t flags;
	} cases[] = {
#define RAW(text) text, sizeof(text) - 1
		{ RAW(""), 0 },
		{ RAW("\0\x0a"
		      "fourCcList\x0a\0\0\0\0"),
		    RTMP_FOURCC_ANNOUNCED },
		{ RAW("\0\x0a"
		      "fourCcList\x0a\0\0\0\2\2\0\4hvc1\2\0\4av01"),
		    RTMP_FOURCC_ANNOUNCED | RTMP_FOURCC_HVC1 | RTMP_FOURCC_AV01 },
		{ RAW("\0\x0a"
		      "fourCcList\x0a\0\0\0\1\2\0\1*"),
		    RTMP_FOURCC_ANNOUNCED | RTMP_FOURCC_ALL },
		{ RAW("\0\x0a"
		      "fourCcList\2\0\4hvc1"),
		    RTMP_FOURCC_ANNOUNCED },
		{ RAW("\0\x12videoFourCcInfoMap\3\0\4hvc1\0\x3f\xf0\0\0\0\0\0\0\0\0\x09"
		      "\0\x12"
		      "audioFourCcInfoMap\3\0\4Opus\0\x3f\xf0\0\0\0\0\0\0\0\0\x09"),
		    RTMP_FOURCC_ANNOUNCED | RTMP_FOURCC_HVC1 | RTMP_FOURCC_OPUS },
#undef RAW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t raw[256];
		struct bytes_writer w;
		struct bench b;

		bytes_writer_init_fixed(&w, raw, sizeof(raw));
		amf0_put_string(&w, "connect");
		amf0_put_number(&w, 1);
		amf0_put_object_start(&w);
		bytes_put(&w, cases[i].members, cases[i].len);
		amf0_put_object_end(&w);
		begin(&b);
		give(&b, RTMP_TYPE_COMMAND_AMF0, w.data, w.len);
		expect(&b, CONNECTED);
		assert_int_equal(b.m.fourcc_flags, cases[i].flags);
		finish(&b);
	}
}

static void a_full_writer_is_an_error(void **state)
{
	uint8_t buf[20];
	struct bytes_writer out;
	struct rtmp_command m;
	struct rtmp_action action;
	static const char connect[] = "\2\0\7connect\0\x3f\xf0\0\0\0\0\0\0\5";
	const struct rtmp_message message = {
		.type = RTMP_TYPE_COMMAND_AMF0,
		.payload = (const uint8_t *)connect,
		.len = sizeof(connect) - 1,
	};

	(void)state;
	bytes_writer_init_fixed(&out, buf, sizeof(buf));
	rtmp_command_init(&m);
	rtmp_command_message(&m, &message, &out, &action);
	assert_int_equal(action.kind, RTMP_ACTION_BAD);
	assert_int_equal(action.error, RTMP_COMMAND_NO_MEMORY);
	rtmp_command_fini(&m);
	rtmp_command_fini(&m);
	for (int e = 0; e < RTMP_COMMAND_ERRORS; e++)
		assert_non_null(rtmp_command_error_text((enum rtmp_command_error)e));
}

/* What real clients sent to a server that answers like ours; cut in the middle of the media. */
static size_t read_hex(const char *name, uint8_t *raw, size_t size)
{
	char path[128];
	size_t len = 0;
	unsigned byte;
	FILE *f;

	snprintf(path, sizeof(path), "tests/unit/data/rtmp/%s.hex", name);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fscanf(f, "%2x", &byte) == 1) {
		assert_true(len < size);
		raw[len++] = (uint8_t)byte;
	}
	fclose(f);
	return len;
}

static void answer(struct bench *b, const struct rtmp_message *message)
{
	if (message->type == RTMP_TYPE_AUDIO || message->type == RTMP_TYPE_VIDEO) {
		say(b, "%s %u; ", message->type == RTMP_TYPE_AUDIO ? "audio" : "video", message->timestamp_ms);
		return;
	}
	rtmp_command_message(&b->m, message, &b->out, &b->action);
	say_replies(b);
	say_action(b);
	if (b->action.kind == RTMP_ACTION_PUBLISH)
		assert_int_equal(rtmp_command_publish_accepted(&b->m, &b->out), 0);
	if (b->action.kind == RTMP_ACTION_PLAY)
		assert_int_equal(rtmp_command_play_accepted(&b->m, &b->out), 0);
	say_replies(b);
}

static void converse(struct bench *b, const uint8_t *raw, size_t len, size_t piece)
{
	struct rtmp_chunk_reader reader;

	rtmp_chunk_reader_init(&reader);
	for (size_t pos = 0; pos < len; pos += piece) {
		size_t end = pos + piece < len ? pos + piece : len;
		size_t at = pos;
		enum parse_result result;

		do {
			struct rtmp_message message;
			size_t consumed;

			result = rtmp_chunk_reader_feed(&reader, raw + at, end - at, &consumed, &message);
			at += consumed;
			if (result == PARSE_OK)
				answer(b, &message);
		} while (result == PARSE_OK);
		assert_int_equal(result, PARSE_MORE);
	}
	rtmp_chunk_reader_fini(&reader);
}

#define PUBLISHED "control 4.0; 5/1 onStatus 0 NetStream.Publish.Start; "
#define PLAYS                                                                                         \
	"control 4.0; 5/1 onStatus 0 NetStream.Play.Reset; 5/1 onStatus 0 NetStream.Play.Start; 8/1 " \
	"|RtmpSampleAccess; "
#define FC_PUBLISH "3/0 onFCPublish 0 NetStream.Publish.Start; "

static void real_clients_are_understood(void **state)
{
	static const struct {
		const char *name;
		const char *text; /* how the conversation begins */
	} cases[] = {
		{ "ffmpeg_publish",
		    CONNECTED "3/0 _result 2; " FC_PUBLISH "3/0 _result 3; 3/0 _result 4 1; "
			      "PUBLISH [live] [KEY0] []; " PUBLISHED "METADATA; " },
		{ "ffmpeg_extended_timestamp",
		    CONNECTED "3/0 _result 2; " FC_PUBLISH
			      "3/0 _result 3; 3/0 _result 4 1; PUBLISH [live] [KEY3] []; " PUBLISHED
			      "METADATA; audio 0; audio 16999977; audio 17000000; audio 17000023; " },
		{ "gst_rtmp2sink_publish",
		    CONNECTED FC_PUBLISH "3/0 _result 2 1; PUBLISH [live] [KEY1] []; " PUBLISHED
					 "METADATA; video 0; " },
		{ "librtmp_publish",
		    CONNECTED "3/0 _result 2; " FC_PUBLISH "3/0 _result 3; 3/0 _result 4 1; "
			      "PUBLISH [live] [KEY2] []; " PUBLISHED "METADATA; video 0; " },
		{ "ffmpeg_play", CONNECTED "3/0 _result 2 1; 3/0 _result 3 0; PLAY [play] [tanaka] [token=T]; " PLAYS },
		{ "gst_rtmp2src_play", CONNECTED "3/0 _result 2 1; PLAY [play] [tanaka] []; " PLAYS },
		{ "rtmpdump_play",
		    CONNECTED "3/0 _result 2 1; 3/0 onFCSubscribe 0 NetStream.Play.Start; 3/0 _result 3; "
			      "PLAY [play] [tanaka] [token=T]; " PLAYS "END; " },
	};
	static const size_t pieces[] = { 4096, 1, 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t raw[2048];
		char first[sizeof(((struct bench *)NULL)->text)];
		size_t len = read_hex(cases[i].name, raw, sizeof(raw));

		for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
			struct bench b;

			begin(&b);
			converse(&b, raw, len, pieces[k]);
			if (k == 0)
				memcpy(first, b.text, sizeof(first));
			assert_string_equal(b.text, first);
			b.text[strlen(cases[i].text)] = '\0';
			expect(&b, cases[i].text);
			finish(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_publish_goes_its_way),
		cmocka_unit_test(a_play_goes_its_way),
		cmocka_unit_test(a_client_may_leave_while_we_decide),
		cmocka_unit_test(a_publish_can_be_ended_by_us),
		cmocka_unit_test(names_are_found_and_bounded),
		cmocka_unit_test(a_query_fills_the_name),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(fields_may_be_missing),
		cmocka_unit_test(broken_publish_commands_are_refused),
		cmocka_unit_test(metadata_is_a_courtesy),
		cmocka_unit_test(pings_are_answered),
		cmocka_unit_test(bytes_are_acknowledged),
		cmocka_unit_test(fourccs_are_remembered),
		cmocka_unit_test(a_full_writer_is_an_error),
		cmocka_unit_test(real_clients_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
