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
#include "tests/unit/rtmp_bench.h"

static void a_publish_goes_its_way(void **state)
{
	struct rtmp_bench b;
	uint8_t meta[64];
	struct bytes_writer w;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "live");
	rtmp_bench_give_command(&b, "releaseStream", 2, "KEY");
	rtmp_bench_expect(&b, "3/0 _result 2; ");
	rtmp_bench_give_command(&b, "FCPublish", 3, "KEY");
	rtmp_bench_expect(&b, "3/0 onFCPublish 0 NetStream.Publish.Start; 3/0 _result 3; ");
	rtmp_bench_give_command(&b, "createStream", 4, NULL);
	rtmp_bench_expect(&b, "3/0 _result 4 1; ");
	rtmp_bench_give_command(&b, "publish", 5, "KEY?a=b");
	rtmp_bench_expect(&b, "PUBLISH [live] [KEY] [a=b]; ");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b, "control 4.0; 5/1 onStatus 0 NetStream.Publish.Start; ");
	assert_int_equal(b.m.state, RTMP_STATE_PUBLISHING);
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), -EINVAL);

	bytes_writer_init_fixed(&w, meta, sizeof(meta));
	amf0_put_string(&w, "@setDataFrame");
	amf0_put_string(&w, "onMetaData");
	amf0_put_ecma_array_start(&w, 0);
	amf0_put_object_end(&w);
	rtmp_bench_give(&b, RTMP_TYPE_DATA_AMF0, w.data, w.len);
	rtmp_bench_expect(&b, "METADATA; ");
	assert_int_equal(b.action.payload_len, w.len - 16);

	rtmp_bench_give_command(&b, "FCUnpublish", 6, "KEY");
	rtmp_bench_expect(&b,
	    "3/0 onFCUnpublish 0 NetStream.Unpublish.Success; 3/0 _result 6; "
	    "5/1 onStatus 0 NetStream.Unpublish.Success; END; ");
	rtmp_bench_give_command(&b, "deleteStream", 7, NULL);
	rtmp_bench_expect(&b, "");
	/* and again on the same connection */
	rtmp_bench_give_command(&b, "publish", 8, "KEY2");
	rtmp_bench_expect(&b, "PUBLISH [live] [KEY2] []; ");
	assert_int_equal(rtmp_command_publish_refused(&b.m, &b.out, "NetStream.Publish.BadName", "no"), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b, "5/1 onStatus 0 NetStream.Publish.BadName; ");
	assert_int_equal(b.m.state, RTMP_STATE_ENDED);
	rtmp_bench_give_command(&b, "publish", 9, "KEY2");
	rtmp_bench_expect(&b, "BAD second publish or play; ");
	rtmp_bench_finish(&b);
}

static void a_play_goes_its_way(void **state)
{
	struct rtmp_bench b;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "/play/?token=A");
	rtmp_bench_give_command(&b, "createStream", 2, NULL);
	rtmp_bench_expect(&b, "3/0 _result 2 1; ");
	rtmp_bench_give_command(&b, "getStreamLength", 3, "tanaka");
	rtmp_bench_expect(&b, "3/0 _result 3 0; ");
	rtmp_bench_give_command(&b, "play", 4, "/tanaka");
	rtmp_bench_expect(&b, "PLAY [play] [tanaka] [token=A]; ");
	rtmp_bench_give_command(&b, "pause", 5, NULL); /* too early: nothing */
	rtmp_bench_expect(&b, "");
	assert_int_equal(rtmp_command_play_accepted(&b.m, &b.out), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b,
	    "control 4.0; 5/1 onStatus 0 NetStream.Play.Reset; 5/1 onStatus 0 NetStream.Play.Start; "
	    "8/1 |RtmpSampleAccess; ");
	assert_null(b.m.names);
	rtmp_bench_give(&b, RTMP_TYPE_COMMAND_AMF0, "\2\0\5pause\0\0\0\0\0\0\0\0\0\5\1\1", 20);
	rtmp_bench_expect(&b, "PAUSE 1; ");
	assert_int_equal(rtmp_command_pause_done(&b.m, &b.out, true), 0);
	assert_int_equal(rtmp_command_pause_done(&b.m, &b.out, false), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b, "5/1 onStatus 0 NetStream.Pause.Notify; 5/1 onStatus 0 NetStream.Unpause.Notify; ");
	rtmp_bench_give(&b, RTMP_TYPE_COMMAND_AMF0, "\2\0\5pause\0\0\0\0\0\0\0\0\0\5", 18);
	rtmp_bench_expect(&b, "BAD malformed command; ");
	rtmp_bench_give_command(&b, "seek", 0, NULL);
	rtmp_bench_expect(&b, "5/1 onStatus 0 NetStream.Seek.Notify; ");
	assert_int_equal(rtmp_command_stream_eof(&b.m, &b.out), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(
	    &b, "control 4.1; 5/1 onStatus 0 NetStream.Play.UnpublishNotify; 5/1 onStatus 0 NetStream.Play.Stop; ");
	assert_int_equal(rtmp_command_stream_eof(&b.m, &b.out), -EINVAL);
	assert_int_equal(rtmp_command_pause_done(&b.m, &b.out, true), -EINVAL);
	rtmp_bench_give_command(&b, "deleteStream", 0, NULL);
	rtmp_bench_expect(&b, "");
	rtmp_bench_give_command(&b, "play", 0, "again");
	rtmp_bench_expect(&b, "BAD second publish or play; ");
	rtmp_bench_finish(&b);
}

static void a_player_is_told_what_it_cannot_have(void **state)
{
	struct rtmp_bench b;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "play");
	assert_int_equal(rtmp_command_play_failed(&b.m, &b.out, "no"), -EINVAL);
	rtmp_bench_give_command(&b, "play", 0, "tanaka");
	rtmp_bench_expect(&b, "PLAY [play] [tanaka] []; ");
	assert_int_equal(rtmp_command_play_failed(&b.m, &b.out, "no"), -EINVAL);
	assert_int_equal(b.out.len, 0);
	assert_int_equal(rtmp_command_play_accepted(&b.m, &b.out), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b,
	    "control 4.0; 5/1 onStatus 0 NetStream.Play.Reset; 5/1 onStatus 0 NetStream.Play.Start; "
	    "8/1 |RtmpSampleAccess; ");
	assert_int_equal(rtmp_command_play_failed(&b.m, &b.out, "no"), 0);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b,
	    "5/1 onStatus 0 NetStream.Play.Failed; control 4.1; 5/1 onStatus 0 NetStream.Play.UnpublishNotify; "
	    "5/1 onStatus 0 NetStream.Play.Stop; ");
	assert_int_equal(b.m.state, RTMP_STATE_ENDED);
	rtmp_bench_finish(&b);
}

static void a_client_may_leave_while_we_decide(void **state)
{
	struct rtmp_bench b;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "live");
	rtmp_bench_give_command(&b, "publish", 1, "KEY");
	rtmp_bench_give_command(&b, "closeStream", 0, NULL);
	rtmp_bench_expect(&b, "PUBLISH [live] [KEY] []; END; ");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), -EINVAL);
	assert_int_equal(rtmp_command_publish_refused(&b.m, &b.out, "a", "b"), -EINVAL);
	assert_int_equal(b.out.len, 0);
	rtmp_bench_give_command(&b, "play", 1, "s");
	rtmp_bench_give_command(&b, "deleteStream", 0, NULL);
	rtmp_bench_expect(&b, "PLAY [live] [s] []; END; ");
	assert_int_equal(rtmp_command_play_accepted(&b.m, &b.out), -EINVAL);
	assert_int_equal(rtmp_command_play_refused(&b.m, &b.out, "a", "b"), -EINVAL);
	rtmp_bench_finish(&b);
}

static void a_publish_can_be_ended_by_us(void **state)
{
	struct rtmp_bench b;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "live");
	rtmp_bench_give_command(&b, "publish", 1, "KEY");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), 0);
	assert_int_equal(rtmp_command_publish_refused(&b.m, &b.out, "NetStream.Publish.Denied", "slot over"), 0);
	assert_int_equal(b.m.state, RTMP_STATE_ENDED);
	assert_null(b.m.names);
	rtmp_bench_finish(&b);
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
		struct rtmp_bench b;

		rtmp_bench_begin(&b);
		rtmp_bench_connect(&b, cases[i].app);
		rtmp_bench_give_command(&b, "publish", 5, cases[i].name);
		rtmp_bench_expect(&b, cases[i].text);
		rtmp_bench_finish(&b);
	}
	for (int too_long = 0; too_long < 2; too_long++) {
		struct rtmp_bench b;

		rtmp_bench_begin(&b);
		rtmp_bench_give_connect(&b, too_long ? app_129 : app_128);
		rtmp_bench_expect(
		    &b, too_long ? "BAD app or stream name too long or with control characters; " : CONNECTED);
		if (!too_long) {
			rtmp_bench_give_command(&b, "publish", 5, name_512);
			assert_int_equal(b.action.kind, RTMP_ACTION_PUBLISH);
			assert_string_equal(b.action.name, name_512);
		}
		rtmp_bench_finish(&b);
	}
	/* a NUL inside */
	{
		struct rtmp_bench b;

		rtmp_bench_begin(&b);
		rtmp_bench_connect(&b, "live");
		rtmp_bench_give(&b, RTMP_TYPE_COMMAND_AMF0, "\2\0\7publish\0\0\0\0\0\0\0\0\0\5\2\0\3a\0b", 26);
		rtmp_bench_expect(&b, "BAD app or stream name too long or with control characters; ");
		rtmp_bench_finish(&b);
	}
}

static void a_query_fills_the_name(void **state)
{
	char name[513];
	struct rtmp_bench b;

	(void)state;
	memset(name, 'q', 512);
	name[512] = '\0';
	for (size_t at = 0; at < 512; at += 73) {
		name[at] = '?';
		rtmp_bench_begin(&b);
		rtmp_bench_connect(&b, "live");
		rtmp_bench_give_command(&b, "publish", 5, name);
		assert_int_equal(b.action.kind, RTMP_ACTION_PUBLISH);
		assert_int_equal(strlen(b.action.name), at);
		assert_int_equal(strlen(b.action.query), 511 - at);
		rtmp_bench_finish(&b);
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
	struct rtmp_bench b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *given[] = { cases[i].first, cases[i].second };

		rtmp_bench_begin(&b);
		for (size_t k = 0; k < 2 && given[k]; k++) {
			if (strcmp(given[k], "connect") == 0)
				rtmp_bench_give_connect(&b, "live");
			else
				rtmp_bench_give_command(&b, given[k], 9, "x");
		}
		rtmp_bench_expect(&b, cases[i].text);
		rtmp_bench_finish(&b);
	}
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "live");
	rtmp_bench_give_command(&b, "receiveVideo", 0, NULL); /* transaction 0: nobody waits */
	rtmp_bench_expect(&b, "");
	rtmp_bench_give_command(&b, "publish", 1, "a");
	rtmp_bench_give_command(&b, "publish", 1, "a");
	rtmp_bench_expect(&b, "PUBLISH [live] [a] []; BAD second publish or play; ");
	rtmp_bench_give_command(&b, "play", 1, "a");
	rtmp_bench_expect(&b, "BAD second publish or play; ");
	rtmp_bench_finish(&b);
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
		struct rtmp_bench b;

		rtmp_bench_begin(&b);
		rtmp_bench_give(&b, cases[i].type, cases[i].raw, cases[i].len);
		rtmp_bench_expect(&b, cases[i].text);
		rtmp_bench_finish(&b);
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
		struct rtmp_bench b;

		memcpy(raw, head, sizeof(head) - 1);
		memcpy(raw + sizeof(head) - 1, cases[i].raw, cases[i].len);
		rtmp_bench_begin(&b);
		rtmp_bench_connect(&b, "live");
		rtmp_bench_give(&b, RTMP_TYPE_COMMAND_AMF0, raw, sizeof(head) - 1 + cases[i].len);
		rtmp_bench_expect(&b, cases[i].text);
		rtmp_bench_finish(&b);
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
	struct rtmp_bench b;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_connect(&b, "live");
	rtmp_bench_give(&b, 18, cases[0].raw, cases[0].len);
	rtmp_bench_expect(&b, ""); /* nothing is published */
	rtmp_bench_give_command(&b, "publish", 1, "k");
	assert_int_equal(rtmp_command_publish_accepted(&b.m, &b.out), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rtmp_bench_give(&b, cases[i].type, cases[i].raw, cases[i].len);
		assert_int_equal(b.action.kind, cases[i].is_metadata ? RTMP_ACTION_METADATA : RTMP_ACTION_NONE);
		assert_int_equal(b.action.payload_len, cases[i].payload_len);
	}
	rtmp_bench_finish(&b);
}

static void pings_are_answered(void **state)
{
	struct rtmp_bench b;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_bench_give(&b, RTMP_TYPE_USER_CONTROL, "\0\6\1\2\3\4", 6);
	assert_memory_equal(b.said_control, "\0\7\1\2\3\4", 6);
	rtmp_bench_finish(&b);
}

static void bytes_are_acknowledged(void **state)
{
	struct rtmp_bench b;
	uint64_t total = 0;

	(void)state;
	rtmp_bench_begin(&b);
	rtmp_command_bytes_received(&b.m, 1u << 30, &b.out);
	assert_int_equal(b.out.len, 0); /* not asked for */
	rtmp_bench_give(&b, RTMP_TYPE_WINDOW_ACK_SIZE, "\0\1\0\0", 4);
	rtmp_command_bytes_received(&b.m, 65535, &b.out);
	assert_int_equal(b.out.len, 0);
	rtmp_command_bytes_received(&b.m, 65536, &b.out);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b, "control 3; ");
	assert_memory_equal(b.said_control, "\0\1\0\0", 4);
	rtmp_command_bytes_received(&b.m, 65537, &b.out);
	assert_int_equal(b.out.len, 0);
	/* past 2^32 */
	total = (1ull << 32) + 5;
	rtmp_command_bytes_received(&b.m, total, &b.out);
	rtmp_bench_say_replies(&b);
	rtmp_bench_expect(&b, "control 3; ");
	assert_memory_equal(b.said_control, "\0\0\0\5", 4);
	/* a window of one byte does not make us talk at every byte */
	rtmp_bench_give(&b, RTMP_TYPE_WINDOW_ACK_SIZE, "\0\0\0\1", 4);
	rtmp_command_bytes_received(&b.m, total + 4095, &b.out);
	assert_int_equal(b.out.len, 0);
	rtmp_command_bytes_received(&b.m, total + 4096, &b.out);
	assert_int_not_equal(b.out.len, 0);
	rtmp_bench_finish(&b);
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
		/* one that can only be encoded, one that can only be forwarded */
		{ RAW("\0\x12videoFourCcInfoMap\3\0\4hvc1\0\x40\0\0\0\0\0\0\0"
		      "\0\4"
		      "av01\0\x40\x10\0\0\0\0\0\0\0\0\x09"),
		    RTMP_FOURCC_ANNOUNCED | RTMP_FOURCC_AV01 },
#undef RAW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t raw[256];
		struct bytes_writer w;
		struct rtmp_bench b;

		bytes_writer_init_fixed(&w, raw, sizeof(raw));
		amf0_put_string(&w, "connect");
		amf0_put_number(&w, 1);
		amf0_put_object_start(&w);
		bytes_put(&w, cases[i].members, cases[i].len);
		amf0_put_object_end(&w);
		rtmp_bench_begin(&b);
		rtmp_bench_give(&b, RTMP_TYPE_COMMAND_AMF0, w.data, w.len);
		rtmp_bench_expect(&b, CONNECTED);
		assert_int_equal(b.m.fourcc_flags, cases[i].flags);
		rtmp_bench_finish(&b);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_publish_goes_its_way),
		cmocka_unit_test(a_play_goes_its_way),
		cmocka_unit_test(a_player_is_told_what_it_cannot_have),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
