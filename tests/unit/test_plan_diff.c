/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/plan_parse.h"

/* Writes what it is told, one after the other: "key + k 0;", "stream * a 32;" */
static void note(char *text, const char *kind, const char *before, const char *after, unsigned changes)
{
	char line[128];

	assert_true(before || after);
	if (before && after)
		assert_string_equal(before, after);
	(void)snprintf(line, sizeof(line), "%s %s %s %u;", kind,
	    !before	 ? "+"
		: !after ? "-"
			 : "*",
	    before ? before : after, changes);
	strcat(text, line);
}

static void see_key(void *ctx, const struct plan_key *before, const struct plan_key *after, unsigned changes)
{
	note(ctx, "key", before ? before->id : NULL, after ? after->id : NULL, changes);
}

static void see_stream(void *ctx, const struct plan_stream *before, const struct plan_stream *after, unsigned changes)
{
	note(ctx, "stream", before ? before->id : NULL, after ? after->id : NULL, changes);
}

static void see_clip(void *ctx, const struct plan_clip *before, const struct plan_clip *after, unsigned changes)
{
	note(ctx, "clip", before ? before->id : NULL, after ? after->id : NULL, changes);
}

static void see_channel(
    void *ctx, const struct plan_channel *before, const struct plan_channel *after, unsigned changes)
{
	note(ctx, "channel", before ? before->id : NULL, after ? after->id : NULL, changes);
}

static void see_take_down(
    void *ctx, const struct plan_take_down *before, const struct plan_take_down *after, unsigned changes)
{
	note(ctx, "take_down", before ? before->id : NULL, after ? after->id : NULL, changes);
}

static void see_push(void *ctx, const struct plan_transfer *before, const struct plan_transfer *after, unsigned changes)
{
	note(ctx, "push", before ? before->stream : NULL, after ? after->stream : NULL, changes);
}

static void see_pull(void *ctx, const struct plan_transfer *before, const struct plan_transfer *after, unsigned changes)
{
	note(ctx, "pull", before ? before->stream : NULL, after ? after->stream : NULL, changes);
}

static void see_view_key(void *ctx)
{
	strcat(ctx, "view_key;");
}

static struct plan *make_plan(const char *text)
{
	struct config_errors errors;
	struct plan *plan = NULL;

	config_errors_init(&errors);
	assert_int_equal(plan_parse(&plan, text, strlen(text), NULL, &errors), 0);
	return plan;
}

static size_t diff(const struct plan *before, const struct plan *after, char text[1024])
{
	const struct plan_diff_visitor visitor = {
		.ctx = text,
		.key = see_key,
		.stream = see_stream,
		.clip = see_clip,
		.channel = see_channel,
		.take_down = see_take_down,
		.push = see_push,
		.pull = see_pull,
		.view_key = see_view_key,
	};

	text[0] = '\0';
	return plan_diff(before, after, &visitor);
}

static void tells_what_changed(void **state)
{
	static const struct {
		const char *before;
		const char *after;
		const char *want;
		size_t want_count;
	} rows[] = { { "{\"isaribi_plan\":1}", "{\"isaribi_plan\":1}", "", 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}", "",
		    0 },
		{ "{\"isaribi_plan\":1}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "key + k 0;", 1 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1}", "key - k 0;", 1 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"hash\":"
		    "\"b9cee80dd600741fbbc55deb76ab4a8f5bddf1bfe6ee1eeed4936d7896ecac1c\"}]}",
		    "", 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnopq\"}]}",
		    "key * k 1;", 1 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"t\",\"key\":\"abcdefghijklmnop\"}]}",
		    "key * k 2;", 1 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		    "\"windows\":[]}]}",
		    "key * k 4;", 1 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		    "\"windows\":[{\"rehearsal\":true}]}]}",
		    "key * k 4;", 1 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		    "\"windows\":[{}]}]}",
		    "", 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}",
		    "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"t\",\"key\":\"abcdefghijklmnopq\",\"srt_"
		    "passphrase\":\"0123456789\",\"windows\":[{\"until\":5}]}]}",
		    "key * k 15;", 1 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"b\"},{\"id\":\"a\"},{\"id\":\"d\"}]}",
		    "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"c\"},{\"id\":\"d\"},{\"id\":\"a\",\"record\":true}]}",
		    "stream * a 32;stream - b 0;stream + c 0;", 3 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\"}]}",
		    "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"play\":\"private\",\"renditions\":[\"480p\"]}]}",
		    "stream * a 80;", 1 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\"}]}",
		    "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"srt_passphrase\":\"0123456789\"}]}",
		    "stream * a 32768;", 1 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"renditions\":[\"480p\",\"720p\"]}]}",
		    "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"renditions\":[\"720p\",\"480p\"]}]}",
		    "stream * a 64;", 1 },
		{ "{\"isaribi_plan\":1,\"clips\":[{\"id\":\"c\",\"recording\":\"r\"}]}",
		    "{\"isaribi_plan\":1,\"clips\":[{\"id\":\"c\",\"recording\":\"r\",\"out\":5}]}", "clip * c 8192;",
		    1 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"m\"}]}",
		    "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"m\",\"profile\":\"480p30\",\"play\":\"private\","
		    "\"delay_ms\":1,\"slate\":\"y\","
		    "\"on_air\":[{\"stream\":\"a\"}],\"override\":{\"slate\":true},\"filler\":[\"z\"]}]}",
		    "channel * m 139136;", 1 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"m\",\"on_air\":[{\"from\":1,\"until\":2,\"stream\":"
		  "\"a\"},{\"from\":2,\"until\":3,\"stream\":\"b\"}]}]}",
		    "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"m\",\"on_air\":[{\"from\":2,\"until\":3,\"stream\":"
		    "\"b\"},{\"from\":1,\"until\":2,\"stream\":\"a\"}]}]}",
		    "", 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"m\",\"on_air\":[{\"from\":1,\"until\":2,\"stream\":"
		  "\"a\"}]}]}",
		    "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"m\",\"on_air\":[{\"from\":1,\"until\":2,\"stream\":"
		    "\"b\"}]}]}",
		    "channel * m 1024;", 1 },
		{ "{\"isaribi_plan\":1,\"taken_down\":[{\"id\":\"b\",\"before\":1},{\"id\":\"a\",\"before\":1}]}",
		    "{\"isaribi_plan\":1,\"taken_down\":[{\"id\":\"a\",\"before\":2},{\"id\":\"c\",\"before\":3}]}",
		    "take_down * a 262144;take_down - b 0;take_down + c 0;", 3 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://"
		  "h:1\"},{\"stream\":\"a\",\"url\":\"srt://h:2\"}]}",
		    "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://"
		    "h:2\"},{\"stream\":\"a\",\"url\":\"srt://h:3\"}]}",
		    "push - a 0;push + a 0;", 2 },
		{ "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://h:1\"}]}",
		    "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://h:2\"}]}", "pull * a 16384;", 1 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\"}]}",
		    "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"latency_ms\":500}]}",
		    "push * a 65536;", 1 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"stream_id\":\"\"}]}",
		    "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"latency_ms\":0}]}", "",
		    0 },
		{ "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://"
		  "h:1\",\"passphrase\":\"0123456789\"}]}",
		    "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://"
		    "h:1\",\"passphrase\":\"0123456780\"}]}",
		    "pull * a 65536;", 1 },
		{ "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://h:1\"}]}",
		    "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://h:1?streamid=x\"}]}",
		    "pull * a 81920;", 1 },
		{ "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"rtmp://h/a/b\"}]}",
		    "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://h:1\"}]}", "pull * a 81920;", 1 },
		{ "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"0123456789abcdef\"}}",
		    "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"0123456789abcdef\"}}", "", 0 },
		{ "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"0123456789abcdef\"}}",
		    "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"0123456789abcdeg\"}}", "view_key;", 1 },
		{ "{\"isaribi_plan\":1}", "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"0123456789abcdef\"}}",
		    "view_key;", 1 },
		{ "{\"isaribi_plan\":1,\"rev\":1}", "{\"isaribi_plan\":1,\"rev\":2}", "", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const struct plan_diff_visitor deaf;
		struct plan *before = make_plan(rows[i].before);
		struct plan *after = make_plan(rows[i].after);
		char text[1024];

		assert_int_equal(diff(before, after, text), rows[i].want_count);
		assert_string_equal(text, rows[i].want);
		assert_int_equal(plan_diff(before, after, &deaf), rows[i].want_count);
		plan_unref(before);
		plan_unref(after);
	}
}

static void no_plan_is_an_empty_plan(void **state)
{
	struct plan *plan = make_plan("{\"isaribi_plan\":1,\"streams\":[{\"id\":\"b\"},{\"id\":\"a\"}]}");
	char text[1024];

	(void)state;
	assert_int_equal(diff(NULL, plan, text), 2);
	assert_string_equal(text, "stream + a 0;stream + b 0;");
	assert_int_equal(diff(plan, NULL, text), 2);
	assert_string_equal(text, "stream - a 0;stream - b 0;");
	assert_int_equal(diff(NULL, NULL, text), 0);
	assert_int_equal(diff(plan, plan, text), 0);
	plan_unref(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_changed),
		cmocka_unit_test(no_plan_is_an_empty_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
