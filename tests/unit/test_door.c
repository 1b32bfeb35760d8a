/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "config/plan_parse.h"

#define VIEW_KEY "view-key-of-the-test-0123456789"

static const char plan_text[] =
    "{\"isaribi_plan\":1,\"rev\":1,"
    "\"keys\":["
    "{\"id\":\"k1\",\"key\":\"key-of-tanaka-000\",\"stream\":\"tanaka\",\"srt_passphrase\":\"sea-of-lights\","
    "\"windows\":[{\"from\":1000,\"until\":2000,\"rehearsal\":true},{\"from\":2000,\"until\":3000}]},"
    "{\"id\":\"k2\",\"key\":\"key-without-end-0\",\"stream\":\"sato\"},"
    "{\"id\":\"k3\",\"key\":\"key-revoked-00000\",\"stream\":\"sato\",\"windows\":[]}],"
    "\"streams\":[{\"id\":\"tanaka\",\"srt_passphrase\":\"for-the-readers\"},{\"id\":\"suzuki\",\"play\":\"private\"},"
    "{\"id\":\"mori\",\"play\":\"private\",\"srt_passphrase\":\"for-the-forest\"}],"
    "\"tokens\":{\"view_key\":\"" VIEW_KEY "\"}}";

static struct plan *make_plan(void)
{
	struct config_errors errors;
	struct plan *plan = NULL;

	config_errors_init(&errors);
	if (plan_parse(&plan, plan_text, sizeof(plan_text) - 1, NULL, &errors) != 0)
		fail_msg("%s: %s", errors.list[0].where, errors.list[0].en);
	return plan;
}

static struct door_answer ask(const struct plan *plan, const char *streamid, size_t len, int64_t now_ms)
{
	const struct door_question question = { plan, streamid, len, now_ms, DOOR_HANDSHAKE_VERSION };
	struct door_answer answer;

	door_ask(&answer, &question);
	return answer;
}

static void who_comes_in_as_what(void **state)
{
	static const struct {
		const char *streamid;
		int64_t now_ms;
		enum door_verdict verdict;
		const char *stream;
		const char *passphrase;
	} rows[] = {
		{ "#!::r=key-of-tanaka-000,m=publish", 2500, DOOR_PUBLISH, "tanaka", "sea-of-lights" },
		{ "#!::u=x,r=live/key-of-tanaka-000,m=publish,t=stream", 2500, DOOR_PUBLISH, "tanaka",
		    "sea-of-lights" },
		{ "publish:key-of-tanaka-000", 2999, DOOR_PUBLISH, "tanaka", "sea-of-lights" },
		{ "key-of-tanaka-000", 2000, DOOR_PUBLISH, "tanaka", "sea-of-lights" },
		{ "#!::r=key-of-tanaka-000", 2000, DOOR_PUBLISH, "tanaka", "sea-of-lights" },
		{ "publish:key-of-tanaka-000", 1500, DOOR_PUBLISH, "tanaka~rehearsal", "sea-of-lights" },
		{ "key-without-end-0", 0, DOOR_PUBLISH, "sato", "" },
		{ "#!::r=tanaka,m=request", 0, DOOR_PLAY, "tanaka", "for-the-readers" },
		{ "#!::r=tanaka", 0, DOOR_PLAY, "tanaka", "for-the-readers" },
		{ "request:play/tanaka", 0, DOOR_PLAY, "tanaka", "for-the-readers" },
		{ "read:sato", 0, DOOR_PLAY, "sato", "" },
		{ "play/sato", 0, DOOR_PLAY, "sato", "" },
	};
	struct plan *plan = make_plan();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct door_answer answer = ask(plan, rows[i].streamid, strlen(rows[i].streamid), rows[i].now_ms);
		bool is_publish = rows[i].verdict == DOOR_PUBLISH;

		assert_int_equal(answer.verdict, rows[i].verdict);
		assert_int_equal(answer.reason, CLOSE_NONE);
		assert_string_equal(is_publish ? answer.pass.stream : answer.stream, rows[i].stream);
		assert_string_equal(is_publish ? answer.stream : answer.pass.stream, "");
		assert_string_equal(answer.passphrase, rows[i].passphrase);
	}
	plan_unref(plan);
}

static void who_is_turned_away_with_what(void **state)
{
	static const struct {
		const char *streamid;
		int64_t now_ms;
		enum close_reason reason;
		enum door_reject code;
	} rows[] = {
		{ "publish:key-of-nobody-000", 2500, CLOSE_KEY_UNKNOWN, REJECT_UNAUTHORIZED },
		{ "key-of-nobody-000", 2500, CLOSE_KEY_UNKNOWN, REJECT_UNAUTHORIZED },
		{ "publish:tanaka", 2500, CLOSE_KEY_UNKNOWN, REJECT_UNAUTHORIZED },
		{ "publish:key-of-tanaka-000", 999, CLOSE_KEY_EARLY, REJECT_FORBIDDEN },
		{ "#!::r=key-of-tanaka-000", 999, CLOSE_KEY_EARLY, REJECT_FORBIDDEN },
		{ "publish:key-of-tanaka-000", 3000, CLOSE_KEY_EXPIRED, REJECT_FORBIDDEN },
		{ "publish:key-revoked-00000", 2500, CLOSE_KEY_REVOKED, REJECT_FORBIDDEN },
		{ "request:key-of-tanaka-000", 2500, CLOSE_STREAM_UNKNOWN, REJECT_NOT_FOUND },
		{ "request:nobody", 0, CLOSE_STREAM_UNKNOWN, REJECT_NOT_FOUND },
		{ "#!::r=nobody", 0, CLOSE_STREAM_UNKNOWN, REJECT_NOT_FOUND },
		{ "request:suzuki", 0, CLOSE_TOKEN_BAD, REJECT_NOT_FOUND },
		{ "#!::r=suzuki", 0, CLOSE_TOKEN_BAD, REJECT_NOT_FOUND },
		{ "request:suzuki:18f-0123456789abcdef0123456789abcdef", 0, CLOSE_TOKEN_BAD, REJECT_NOT_FOUND },
		{ "request:tanaka~rehearsal", 1500, CLOSE_TOKEN_BAD, REJECT_NOT_FOUND },
		{ "#!::r=tanaka,m=bidirectional", 0, CLOSE_MODE_BAD, REJECT_BAD_MODE },
		{ "#!::r=key-of-tanaka-000,m=push", 2500, CLOSE_MODE_BAD, REJECT_BAD_MODE },
		{ "#!::r=tanaka,m=request,t=file", 0, CLOSE_MEDIA_TYPE, REJECT_MEDIA_TYPE },
		{ "#!:{r=tanaka}", 0, CLOSE_STREAMID_BAD, REJECT_BAD_REQUEST },
		{ "", 0, CLOSE_STREAMID_BAD, REJECT_BAD_REQUEST },
		{ "publish:key-of\x01-tanaka", 0, CLOSE_STREAMID_BAD, REJECT_BAD_REQUEST },
		{ "request:ta\nnaka", 0, CLOSE_STREAMID_BAD, REJECT_BAD_REQUEST },
	};
	struct plan *plan = make_plan();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct door_answer answer = ask(plan, rows[i].streamid, strlen(rows[i].streamid), rows[i].now_ms);

		assert_int_equal(answer.verdict, DOOR_REFUSE);
		assert_int_equal(answer.reason, rows[i].reason);
		assert_int_equal(door_reject_of(answer.reason), rows[i].code);
		assert_string_equal(answer.passphrase, "");
	}
	plan_unref(plan);
}

static void private_streams_want_a_token(void **state)
{
	static const struct {
		const char *stream;
		const char *of_stream; /* the token's */
		int64_t until_ms;
		enum close_reason reason;
		const char *passphrase;
	} rows[] = {
		{ "suzuki", "suzuki", 2000, CLOSE_NONE, "" },
		{ "mori", "mori", 2000, CLOSE_NONE, "for-the-forest" },
		{ "tanaka~rehearsal", "tanaka~rehearsal", 2000, CLOSE_NONE, "for-the-readers" },
		{ "suzuki", "suzuki", 1000, CLOSE_TOKEN_EXPIRED, "" },
		{ "suzuki", "mori", 2000, CLOSE_TOKEN_BAD, "" },
		{ "tanaka~rehearsal", "tanaka", 2000, CLOSE_TOKEN_BAD, "" },
	};
	struct plan *plan = make_plan();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * 3; i++) { /* each in three forms */
		size_t row = i / 3;
		char token[TOKEN_TEXT_SIZE];
		char text[STREAMID_MAX_BYTES];
		struct door_answer answer;

		token_make(VIEW_KEY, rows[row].of_stream, rows[row].until_ms, token);
		if (i % 3 == 1)
			snprintf(text, sizeof(text), "#!::s=%s,r=%s,m=request", token, rows[row].stream);
		else if (i % 3 == 0)
			snprintf(text, sizeof(text), "request:%s:%s", rows[row].stream, token);
		else
			snprintf(text, sizeof(text), "#!::r=%s,s=%s", rows[row].stream, token);
		answer = ask(plan, text, strlen(text), 1500);
		assert_int_equal(answer.reason, rows[row].reason);
		assert_int_equal(answer.verdict, rows[row].reason == CLOSE_NONE ? DOOR_PLAY : DOOR_REFUSE);
		assert_string_equal(answer.passphrase, rows[row].passphrase);
		assert_string_equal(answer.token, rows[row].reason == CLOSE_NONE ? token : "");
	}
	plan_unref(plan);
}

static void the_longest_and_one_more(void **state)
{
	static const char begin[] = "#!::r=key-of-tanaka-000,m=publish,u=";
	struct plan *plan = make_plan();
	char text[STREAMID_MAX_BYTES + 1];
	struct door_answer answer;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, begin, sizeof(begin) - 1);
	answer = ask(plan, text, STREAMID_MAX_BYTES, 2500);
	assert_int_equal(answer.verdict, DOOR_PUBLISH);
	answer = ask(plan, text, STREAMID_MAX_BYTES + 1, 2500);
	assert_int_equal(answer.reason, CLOSE_STREAMID_BAD);
	assert_int_equal(answer.streamid, STREAMID_TOO_LONG);
	/* A name beyond any stream's, a token beyond any. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "request:", 8);
	assert_int_equal(ask(plan, text, STREAMID_MAX_BYTES, 0).reason, CLOSE_STREAM_UNKNOWN);
	memcpy(text, "request:sato:", 13);
	answer = ask(plan, text, STREAMID_MAX_BYTES, 0);
	assert_int_equal(answer.verdict, DOOR_PLAY);
	assert_string_equal(answer.token, "");
	memcpy(text, "request:mori:", 13);
	assert_int_equal(ask(plan, text, STREAMID_MAX_BYTES, 0).reason, CLOSE_TOKEN_BAD);
	plan_unref(plan);
}

static void an_old_handshake_is_refused(void **state)
{
	struct plan *plan = make_plan();
	struct door_question question = { plan, "publish:key-of-tanaka-000", 25, 2500, 4 };
	struct door_answer answer;

	(void)state;
	door_ask(&answer, &question);
	assert_int_equal(answer.verdict, DOOR_REFUSE);
	assert_int_equal(answer.reason, CLOSE_PEER_OLD);
	assert_int_equal(door_reject_of(answer.reason), REJECT_VERSION);
	question.handshake_version = 5;
	door_ask(&answer, &question);
	assert_int_equal(answer.verdict, DOOR_PUBLISH);
	plan_unref(plan);
}

static void every_reason_has_a_code(void **state)
{
	(void)state;
	for (int i = CLOSE_NONE + 1; i < CLOSE_REASON_COUNT; i++)
		assert_in_range(door_reject_of((enum close_reason)i), REJECT_BAD_REQUEST, REJECT_VERSION);
	assert_int_equal(door_reject_of(CLOSE_STREAM_BUSY), REJECT_CONFLICT);
	assert_int_equal(door_reject_of(CLOSE_TOO_MANY), REJECT_OVERLOAD);
	assert_int_equal(door_reject_of(CLOSE_SHUTDOWN), REJECT_DOWN);
	assert_int_equal(door_reject_of(CLOSE_PASSPHRASE), REJECT_UNAUTHORIZED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_comes_in_as_what),
		cmocka_unit_test(who_is_turned_away_with_what),
		cmocka_unit_test(private_streams_want_a_token),
		cmocka_unit_test(the_longest_and_one_more),
		cmocka_unit_test(an_old_handshake_is_refused),
		cmocka_unit_test(every_reason_has_a_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
