/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations of real clients, recorded, against the command machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rtmp_bench.h"

/* What real clients sent to a server that answers like ours; cut in the middle of the media.
 * obs_publish goes from its sequence headers straight to the end of the stream;
 * mpv_play stops where mpv does when it is told to quit: after the header of its deleteStream. */
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

static void answer(struct rtmp_bench *b, const struct rtmp_message *message)
{
	if (message->type == RTMP_TYPE_AUDIO || message->type == RTMP_TYPE_VIDEO) {
		rtmp_bench_say(
		    b, "%s %u; ", message->type == RTMP_TYPE_AUDIO ? "audio" : "video", message->timestamp_ms);
		return;
	}
	rtmp_command_message(&b->m, message, &b->out, &b->action);
	rtmp_bench_say_replies(b);
	rtmp_bench_say_action(b);
	if (b->action.kind == RTMP_ACTION_PUBLISH)
		assert_int_equal(rtmp_command_publish_accepted(&b->m, &b->out), 0);
	if (b->action.kind == RTMP_ACTION_PLAY)
		assert_int_equal(rtmp_command_play_accepted(&b->m, &b->out), 0);
	rtmp_bench_say_replies(b);
}

static void converse(struct rtmp_bench *b, const uint8_t *raw, size_t len, size_t piece)
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
		{ "obs_publish",
		    CONNECTED "3/0 _result 2; " FC_PUBLISH "3/0 _result 3; 3/0 _result 4 1; "
			      "PUBLISH [live] [FAKEKEYFAKEKEYFAKEKEY4] []; " PUBLISHED
			      "METADATA; audio 0; video 0; 3/0 onFCUnpublish 0 NetStream.Unpublish.Success; "
			      "3/0 _result 6; 5/1 onStatus 0 NetStream.Unpublish.Success; END; " },
		{ "mpv_play", CONNECTED "3/0 _result 2 1; 3/0 _result 3 0; PLAY [play] [tanaka] []; " PLAYS },
		{ "vlc_play", CONNECTED "3/0 _result 2 1; 3/0 _result 3 0; PLAY [play] [tanaka] []; " PLAYS },
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
		char first[sizeof(((struct rtmp_bench *)NULL)->text)];
		size_t len = read_hex(cases[i].name, raw, sizeof(raw));

		for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
			struct rtmp_bench b;

			rtmp_bench_begin(&b);
			converse(&b, raw, len, pieces[k]);
			if (k == 0)
				memcpy(first, b.text, sizeof(first));
			assert_string_equal(b.text, first);
			b.text[strlen(cases[i].text)] = '\0';
			rtmp_bench_expect(&b, cases[i].text);
			rtmp_bench_finish(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_clients_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
