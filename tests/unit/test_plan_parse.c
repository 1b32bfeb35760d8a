/* SPDX-License-Identifier: Apache-2.0 */
#include "config/plan_parse.h"

#include <errno.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/oom.h"

/* A copy without a NUL behind it, whose end AddressSanitizer watches. */
static int parse(struct plan **plan, const char *text, size_t len, struct config_errors *errors)
{
	char *copy = malloc(len > 0 ? len : 1);
	int result;

	assert_non_null(copy);
	memcpy(copy, text, len);
	config_errors_init(errors);
	result = plan_parse(plan, copy, len, "p.json", errors);
	free(copy);
	return result;
}

static void sample_is_read_whole(void **state)
{
	struct config_errors errors;
	struct plan *plan = NULL;
	const struct plan_key *key;
	const struct plan_stream *stream;
	const struct plan_channel *channel;
	const struct plan_clip *clip;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(plan_load_file(&plan, "config/plan.sample.json", &errors), 0);
	assert_int_equal(errors.total, 0);
	assert_int_equal(plan->rev, 1);
	assert_int_equal(plan->n_keys, 3);
	key = plan_key_find(plan, "replace-this-key-with-your-own", 30);
	assert_non_null(key);
	assert_string_equal(key->id, "k7");
	assert_string_equal(key->stream, "tanaka");
	assert_int_equal(key->n_windows, 1);
	assert_int_equal(plan_window_at(key, 0, NULL), KEY_OPEN);
	key = &plan->keys[1];
	assert_int_equal(key->hash[0], 0x58);
	assert_int_equal(key->hash[31], 0x78);
	assert_int_equal(key->n_windows, 2);
	assert_true(key->windows[0].is_rehearsal); /* sorted by from */
	assert_int_equal(key->windows[1].until_ms, 1790003600000);
	assert_int_equal(plan_window_at(&plan->keys[2], 0, NULL), KEY_REVOKED);
	stream = plan_stream_find(plan, "tanaka");
	assert_true(stream->is_recorded);
	assert_false(stream->is_private);
	assert_int_equal(stream->n_renditions, 1);
	assert_string_equal(stream->renditions[0], "480p");
	stream = plan_stream_find(plan, "suzuki");
	assert_false(stream->is_recorded);
	assert_true(stream->is_private);
	clip = plan_clip_find(plan, "clip-12");
	assert_string_equal(clip->recording, "r-8");
	assert_int_equal(clip->in_ms, 12000);
	assert_int_equal(clip->out_ms, 95000);
	channel = plan_channel_find(plan, "main");
	assert_string_equal(channel->profile, "720p30");
	assert_false(channel->is_private);
	assert_string_equal(channel->slate, "soon");
	assert_int_equal(channel->n_on_air, 1);
	assert_string_equal(channel->on_air[0].stream, "suzuki");
	assert_int_equal(channel->override.kind, PLAN_OVERRIDE_NONE);
	assert_int_equal(channel->n_filler, 2);
	assert_string_equal(channel->filler[0], "clip-12"); /* in the order of the file */
	assert_int_equal(plan_take_down_find(plan, "clip-3")->before_ms, 1790000000000);
	assert_string_equal(plan->pushes[0].stream, "tanaka");
	assert_string_equal(plan->pushes[0].host, "relay.example.jp");
	assert_string_equal(plan->pushes[0].stream_id, "publish:replace-this");
	assert_int_equal(plan->pushes[0].latency_ms, 600);
	assert_string_equal(plan->pulls[0].url, "rtmp://camera.example.jp/live/cam3");
	assert_string_equal(plan->view_key, "replace-this-with-32-random-characters");
	plan_unref(plan);
}

static void what_is_not_said_has_a_meaning(void **state)
{
	static const char text[] = "{\"isaribi_plan\":1,\"later\":{\"x\":[1]},\"streams\":[{\"id\":\"a\",\"more\":1},"
				   "{\"id\":\"b\",\"srt_passphrase\":\"0123456789\"}],"
				   "\"channels\":[{\"id\":\"c\",\"override\":{\"clip\":\"x\",\"until\":9}},"
				   "{\"id\":\"d\",\"override\":{\"slate\":true}}],"
				   "\"tokens\":{\"view_key\":null}}";
	struct config_errors errors;
	struct plan *plan = NULL;

	(void)state;
	assert_int_equal(parse(&plan, text, sizeof(text) - 1, &errors), 0);
	assert_int_equal(plan->rev, 0);
	assert_int_equal(plan->n_keys, 0);
	assert_null(plan->view_key);
	assert_false(plan->streams[0].is_private);
	assert_false(plan->streams[0].is_recorded);
	assert_string_equal(plan->streams[0].srt_passphrase, "");
	assert_string_equal(plan->streams[1].srt_passphrase, "0123456789");
	assert_string_equal(plan->channels[0].profile, "720p30");
	assert_string_equal(plan->channels[0].slate, "");
	assert_int_equal(plan->channels[0].override.kind, PLAN_OVERRIDE_CLIP);
	assert_string_equal(plan->channels[0].override.id, "x");
	assert_int_equal(plan->channels[0].override.until_ms, 9);
	assert_int_equal(plan->channels[1].override.kind, PLAN_OVERRIDE_SLATE);
	plan_unref(plan);
}

/* The query of the URL and the members beside it. */
static void links_are_read_from_url_and_members(void **state)
{
	static const char text[] =
	    "{\"isaribi_plan\":1,\"pushes\":["
	    "{\"stream\":\"a\",\"url\":\"srt://h:1?streamid=publish:x%26y&passphrase=from%20the%20url&latency=200\"},"
	    "{\"stream\":\"b\",\"url\":\"srt://"
	    "[2001:db8::1]:8890?streamid=of-url&passphrase=from-the-url&latency=200\","
	    "\"stream_id\":\"#!::r=k,m=publish\",\"passphrase\":\"from-the-member\",\"latency_ms\":8000},"
	    "{\"stream\":\"c\",\"url\":\"srt://h:1?streamid=of-url&latency=200\",\"stream_id\":\"\",\"latency_ms\":0,"
	    "\"passphrase\":\"\"}],"
	    "\"pulls\":[{\"stream\":\"d\",\"url\":\"rtmp://h/live/x?passphrase=short\"}]}";
	struct config_errors errors;
	struct plan *plan = NULL;

	(void)state;
	assert_int_equal(parse(&plan, text, sizeof(text) - 1, &errors), 0);
	assert_true(plan->pushes[0].is_srt);
	assert_string_equal(plan->pushes[0].host, "h");
	assert_int_equal(plan->pushes[0].port, 1);
	assert_string_equal(plan->pushes[0].stream_id, "publish:x&y");
	assert_string_equal(plan->pushes[0].passphrase, "from the url");
	assert_int_equal(plan->pushes[0].latency_ms, 200);
	assert_string_equal(plan->pushes[1].host, "2001:db8::1");
	assert_int_equal(plan->pushes[1].port, 8890);
	assert_string_equal(plan->pushes[1].stream_id, "#!::r=k,m=publish");
	assert_string_equal(plan->pushes[1].passphrase, "from-the-member");
	assert_int_equal(plan->pushes[1].latency_ms, 8000);
	assert_string_equal(plan->pushes[2].stream_id, "of-url");
	assert_string_equal(plan->pushes[2].passphrase, "");
	assert_int_equal(plan->pushes[2].latency_ms, 200);
	assert_false(plan->pulls[0].is_srt);
	assert_null(plan->pulls[0].host);
	plan_unref(plan);
}

static void says_where_and_what(void **state)
{
	static const struct {
		const char *text;
		const char *want_where;
		const char *want_en; /* part of it */
		unsigned line;
		unsigned column; /* 0: not checked */
	} rows[] = { { "{\"rev\":1}", "isaribi_plan", "\"isaribi_plan\": 1", 0, 0 },
		{ "{\"isaribi_plan\":2}", "isaribi_plan", "\"isaribi_plan\": 1", 0, 0 },
		{ "{\"isaribi_plan\":\"1\"}", "isaribi_plan", "\"isaribi_plan\": 1", 0, 0 },
		{ "[]", "", "object", 0, 0 }, { "{\"isaribi_plan\":1,\"rev\":-1}", "rev", "whole number", 0, 0 },
		{ "{\"isaribi_plan\":1,\"rev\":1.5}", "rev", "whole number", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":{}}", "keys", "array", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":null}", "keys", "array", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[7]}", "keys[0]", "object", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"stream\":\"s\",\"key\":\"abcdefghijklmnop\"}]}", "keys[0].id",
		    "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"key\":\"abcdefghijklmnop\"}]}", "keys[0].stream",
		    "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s~rehearsal\",\"key\":\"abcdefghijklmnop\"}"
		  "]}",
		    "keys[0].stream", "a name", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"@main\",\"key\":\"abcdefghijklmnop\"}]}",
		    "keys[0].stream", "a name", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\\u0000\",\"key\":\"abcdefghijklmnop\"}]}",
		    "", "not JSON", 1, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\"}]}", "keys[0]", "either hash or key", 0,
		    0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\",\"hash\":"
		  "\"6bdaf135791cd88721c7b23bdb82a51085be437c5c6e9b5acaec56e88c216fc9\"}]}",
		    "keys[0]", "either hash or key", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"short\"}]}", "keys[0].key",
		    "16 to 128", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop/\"}]}",
		    "keys[0].key", "16 to 128", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":7}]}", "keys[0].key",
		    "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"hash\":"
		  "\"6bdaf135791cd88721c7b23bdb82a51085be437c5c6e9b5acaec56e88c216fc\"}]}",
		    "keys[0].hash", "64 hexadecimal", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"hash\":"
		  "\"6bdaf135791cd88721c7b23bdb82a51085be437c5c6e9b5acaec56e88c216fc90\"}]}",
		    "keys[0].hash", "64 hexadecimal", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"hash\":"
		  "\"gbdaf135791cd88721c7b23bdb82a51085be437c5c6e9b5acaec56e88c216fc9\"}]}",
		    "keys[0].hash", "64 hexadecimal", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":null}]}",
		    "keys[0].windows", "array", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":{}}]}",
		    "keys[0].windows", "array", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":[1]}]}",
		    "keys[0].windows[0]", "object", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":[{\"from\":\"now\"}]}]}",
		    "keys[0].windows[0].from", "whole number", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":[{},{\"from\":200,\"until\":100}]}]}",
		    "keys[0].windows[1].until", "after from", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":[{\"from\":200,\"until\":200}]}]}",
		    "keys[0].windows[0].until", "after from", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":[{\"until\":1790000000000000}]}]}",
		    "keys[0].windows[0].until", "whole number", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\","
		  "\"windows\":[{\"rehearsal\":1}]}]}",
		    "keys[0].windows[0].rehearsal", "true or false", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\",\"srt_"
		  "passphrase\":\"short\"}]}",
		    "keys[0].srt_passphrase", "10 to 79", 0, 0 },
		{ "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"abcdefghijklmnop\",\"srt_"
		  "passphrase\":\"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp\"}]"
		  "}",
		    "keys[0].srt_passphrase", "10 to 79", 0, 0 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"srt_passphrase\":\"012345678\"}]}",
		    "streams[0].srt_passphrase", "10 to 79", 0, 0 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"srt_passphrase\":7}]}", "streams[0].srt_passphrase",
		    "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"play\":\"secret\"}]}", "streams[0].play",
		    "\"public\" or \"private\"", 0, 0 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"record\":\"yes\"}]}", "streams[0].record",
		    "true or false", 0, 0 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"renditions\":[1]}]}", "streams[0].renditions[0]",
		    "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"streams\":[{\"id\":\"a\",\"renditions\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\","
		  "\"7\",\"8\",\"9\"]}]}",
		    "streams[0].renditions", "up to 8", 0, 0 },
		{ "{\"isaribi_plan\":1,\"clips\":[{\"id\":\"c\",\"recording\":\"r\",\"in\":5,\"out\":5}]}",
		    "clips[0].out", "after in", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"profile\":\"4320p30\"}]}", "channels[0].profile",
		    "expected one of", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"profile\":\"720P30\"}]}", "channels[0].profile",
		    "a name", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"play\":\"all\"}]}", "channels[0].play",
		    "\"private\"", 0, 0 },
		{ "{\"isaribi_plan\":1,\"taken_down\":[{\"id\":\"c\"}]}", "taken_down[0].before", "a time", 0, 0 },
		{ "{\"isaribi_plan\":1,\"taken_down\":[{\"before\":1}]}", "taken_down[0].id", "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"taken_down\":[{\"id\":\"c\",\"before\":-1}]}", "taken_down[0].before",
		    "whole number", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"delay_ms\":120001}]}", "channels[0].delay_ms",
		    "0 to 120000", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"on_air\":[{\"from\":1}]}]}",
		    "channels[0].on_air[0].stream", "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"override\":{}}]}", "channels[0].override",
		    "expected one of", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"override\":{\"stream\":\"a\",\"slate\":true}}]}",
		    "channels[0].override", "expected one of", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"override\":{\"stream\":\"A\"}}]}",
		    "channels[0].override.stream", "a name", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"override\":\"a\"}]}", "channels[0].override",
		    "object", 0, 0 },
		{ "{\"isaribi_plan\":1,\"channels\":[{\"id\":\"c\",\"filler\":[\"x y\"]}]}", "channels[0].filler[0]",
		    "a name", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h\"}]}", "pushes[0].url", "a port",
		    0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1?latency=19\"}]}",
		    "pushes[0].url", "20 to 8000", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1?mode=listener\"}]}",
		    "pushes[0].url", "mode=caller", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"passphrase\":\"hush\"}]}",
		    "pushes[0].passphrase", "10 to 79", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"latency_ms\":19}]}",
		    "pushes[0].latency_ms", "20 to 8000", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"latency_ms\":8001}]}",
		    "pushes[0].latency_ms", "20 to 8000", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"latency_ms\":\"200\"}]}",
		    "pushes[0].latency_ms", "20 to 8000", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"stream_id\":\"a\\tb\"}]}",
		    "pushes[0].stream_id", "512", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\",\"stream_id\":7}]}",
		    "pushes[0].stream_id", "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"rtmp://h/"
		  "a\",\"passphrase\":\"0123456789\"}]}",
		    "pushes[0].passphrase", "only an srt://", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"rtmp://h/a\",\"latency_ms\":200}]}",
		    "pushes[0].latency_ms", "only an srt://", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"rtmp://h/a\",\"stream_id\":\"a\"}]}",
		    "pushes[0].stream_id", "only an srt://", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"file:///etc/passwd\"}]}",
		    "pushes[0].url", "srt://", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://\"}]}", "pushes[0].url", "srt://",
		    0, 0 },
		{ "{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1\\nx\"}]}", "pushes[0].url",
		    "srt://", 0, 0 },
		{ "{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\"}]}", "pulls[0].url", "a string", 0, 0 },
		{ "{\"isaribi_plan\":1,\"tokens\":[]}", "tokens", "object", 0, 0 },
		{ "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"\"}}", "tokens.view_key", "16 to 256", 0, 0 },
		{ "{\"isaribi_plan\":1,\"tokens\":{\"view_key\":7}}", "tokens.view_key", "16 to 256", 0, 0 },
		{ "{\"isaribi_plan\":1,\n\"rev\":1,\"rev\":2}", "", "twice in one object", 2, 0 },
		{ "{\"isaribi_plan\":1,\n\"rev\":", "", "ends too early", 2, 0 },
		{ "{\"isaribi_plan\":1,\"rev\":1} x", "", "after the end", 1, 0 }, { "", "", "ends too early", 1, 0 },
		{ "{\"isaribi_plan\":1,\"rev\":99999999999999999999}", "", "too big", 1, 0 },
		{ "[[[[[[[[[[[[[[[[[", "", "too deep (up to 16", 1, 17 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct plan *plan = NULL;

		assert_int_equal(parse(&plan, rows[i].text, strlen(rows[i].text), &errors), -EINVAL);
		assert_null(plan);
		assert_int_equal(errors.total, 1);
		assert_string_equal(errors.list[0].file, "p.json");
		assert_string_equal(errors.list[0].where, rows[i].want_where);
		assert_non_null(strstr(errors.list[0].en, rows[i].want_en));
		assert_true(errors.list[0].ja[0] != '\0');
		assert_int_equal(errors.list[0].line, rows[i].line);
		if (rows[i].column > 0)
			assert_int_equal(errors.list[0].column, rows[i].column);
	}
}

static void collects_all(void **state)
{
	static const char text[] = "{\"isaribi_plan\":1,\"keys\":[{\"id\":\"K\"},{}],\"streams\":[{\"id\":\"a\"},"
				   "{\"id\":\"a\",\"play\":\"?\"}]}";
	/* keys[1] has no name and so no place: no more is said of it */
	static const char *const wheres[] = { "keys[0].id", "keys[0].stream", "keys[0]", "keys[1].id",
		"streams[1].play", "streams[1].id" };
	struct config_errors errors;
	struct plan *plan = NULL;

	(void)state;
	assert_int_equal(parse(&plan, text, sizeof(text) - 1, &errors), -EINVAL);
	assert_int_equal(errors.total, ARRAY_LEN(wheres));
	for (size_t i = 0; i < ARRAY_LEN(wheres); i++)
		assert_string_equal(errors.list[i].where, wheres[i]);
}

/* Whatever is wrong around a secret, no error repeats it. */
static void secrets_never_stand_in_errors(void **state)
{
	static const char *const rows[] = {
		"{\"isaribi_plan\":1,\"keys\":[{\"id\":\"hush/hush\",\"stream\":\"hush hush\",\"key\":\"hush\"}]}",
		"{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"hash\":\"hush\"}]}",
		"{\"isaribi_plan\":1,\"keys\":[{\"key\":\"hush\" \"hush\"}]}",
		"{\"isaribi_plan\":1,\"keys\":[{\"key\":\"hush",
		"{\"isaribi_plan\":1,\"keys\":[{\"key\": hush }]}",
		"{\"isaribi_plan\":1,\"tokens\":{\"view_key\":\"hush\"}}",
		"{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"http://h/hush\"}]}",
		"{\"isaribi_plan\":1,\"pushes\":[{\"stream\":\"a\",\"url\":\"srt://h:1?passphrase=hush\"}]}",
		"{\"isaribi_plan\":1,\"pulls\":[{\"stream\":\"a\",\"url\":\"srt://hush\",\"passphrase\":\"hush\"}]}",
		"{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"s\",\"key\":\"hush-hush-hush-hush\"},"
		"{\"id\":\"l\",\"stream\":\"s\",\"key\":\"hush-hush-hush-hush\"}]}",
		"{\"isaribi_plan\":1,\"keys\":[{\"id\":\"k\",\"stream\":\"hush-hush-hush-hush\","
		"\"key\":\"hush-hush-hush-hush\"}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_errors errors;
		struct plan *plan = NULL;
		char text[1024];

		assert_int_equal(parse(&plan, rows[i], strlen(rows[i]), &errors), -EINVAL);
		for (size_t j = 0; j < errors.count; j++) {
			(void)config_error_format(&errors.list[j], text, sizeof(text));
			assert_null(strstr(text, "hush"));
		}
	}
}

static size_t read_sample(char *text, size_t size_bytes)
{
	FILE *in = fopen("config/plan.sample.json", "rb");
	size_t len;

	assert_non_null(in);
	len = fread(text, 1, size_bytes, in);
	assert_int_equal(fclose(in), 0);
	assert_in_range(len, 1, size_bytes - 1);
	return len;
}

/* Cut at every byte, and every byte replaced: no crash, no plan without all of its text. */
static void damaged_text_is_refused_or_read(void **state)
{
	static const char replacements[] = { '"', '{', '}', '[', ']', ',', '0', '\0', '\x80', 'a' };
	struct config_errors errors;
	char text[8192];
	size_t len = read_sample(text, sizeof(text));

	(void)state;
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	for (size_t i = 0; i < len; i++) {
		struct plan *plan = NULL;

		assert_int_equal(parse(&plan, text, i, &errors), -EINVAL);
		assert_null(plan);
	}
	for (size_t i = 0; i < len; i++) {
		char kept = text[i];

		for (size_t j = 0; j < sizeof(replacements); j++) {
			struct plan *plan = NULL;
			int result;

			text[i] = replacements[j];
			result = parse(&plan, text, len, &errors);
			assert_int_equal(result == 0, plan != NULL);
			assert_int_equal(errors.total == 0, plan != NULL);
			plan_unref(plan);
		}
		text[i] = kept;
	}
}

static void too_big_is_refused_unread(void **state)
{
	char *text = calloc(1, PLAN_FILE_MAX_BYTES + 1);
	struct config_errors errors;
	struct plan *plan = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', PLAN_FILE_MAX_BYTES + 1);
	config_errors_init(&errors);
	assert_int_equal(plan_parse(&plan, text, PLAN_FILE_MAX_BYTES + 1, NULL, &errors), -EFBIG);
	assert_int_equal(plan_parse(&plan, text, PLAN_FILE_MAX_BYTES, NULL, &errors), -EINVAL);
	assert_int_equal(errors.total, 2);
	free(text);
}

static void a_missing_file_is_named(void **state)
{
	struct config_errors errors;
	struct plan *plan = NULL;

	(void)state;
	config_errors_init(&errors);
	assert_int_equal(plan_load_file(&plan, "/nonexistent/plan.json", &errors), -ENOENT);
	assert_string_equal(errors.list[0].file, "/nonexistent/plan.json");
	assert_null(plan);
}

static int load_sample(void *arg)
{
	struct config_errors errors;
	struct plan *plan = NULL;
	int result;

	(void)arg;
	config_errors_init(&errors);
	result = plan_load_file(&plan, "config/plan.sample.json", &errors);
	assert_true((result == 0) == (plan != NULL) && (result == 0) == (errors.total == 0));
	plan_unref(plan);
	return result;
}

static void without_memory_it_says_so_and_keeps_nothing(void **state)
{
	(void)state;
	oom_sweep(load_sample, NULL, -ENOMEM, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_is_read_whole),
		cmocka_unit_test(what_is_not_said_has_a_meaning),
		cmocka_unit_test(links_are_read_from_url_and_members),
		cmocka_unit_test(says_where_and_what),
		cmocka_unit_test(collects_all),
		cmocka_unit_test(secrets_never_stand_in_errors),
		cmocka_unit_test(damaged_text_is_refused_or_read),
		cmocka_unit_test(too_big_is_refused_unread),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(without_memory_it_says_so_and_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
