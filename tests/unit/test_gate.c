/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "config/plan_parse.h"
#include "relay/token.h"

#define VIEW_KEY "view-key-of-the-test-0123456789"

static const char plan_text[] =
    "{\"isaribi_plan\":1,\"rev\":1,"
    "\"keys\":["
    "{\"id\":\"k1\",\"key\":\"key-of-tanaka-000\",\"stream\":\"tanaka\","
    "\"windows\":[{\"from\":1000,\"until\":2000,\"rehearsal\":true},{\"from\":2000,\"until\":3000}]},"
    "{\"id\":\"k2\",\"key\":\"key-of-suzuki-000\",\"stream\":\"suzuki\","
    "\"windows\":[{\"from\":1000,\"until\":2000},{\"from\":2000,\"until\":2500}]},"
    "{\"id\":\"k3\",\"key\":\"key-without-end-0\",\"stream\":\"sato\"},"
    "{\"id\":\"k4\",\"key\":\"key-revoked-00000\",\"stream\":\"sato\",\"windows\":[]}],"
    "\"streams\":[{\"id\":\"tanaka\",\"play\":\"public\"},{\"id\":\"suzuki\",\"play\":\"private\"}],"
    "\"channels\":[{\"id\":\"main\"},{\"id\":\"staff\",\"play\":\"private\"}],"
    "\"pulls\":[{\"stream\":\"cam3\",\"url\":\"srt://example.jp:9000\"}],"
    "\"tokens\":{\"view_key\":\"" VIEW_KEY "\"}}";

static struct plan *parse(const char *text)
{
	struct config_errors errors;
	struct plan *plan = NULL;

	config_errors_init(&errors);
	if (plan_parse(&plan, text, strlen(text), NULL, &errors) != 0)
		fail_msg("%s: %s", errors.list[0].where, errors.list[0].en);
	return plan;
}

static void who_may_publish_when(void **state)
{
	static const struct {
		const char *key;
		int64_t now_ms;
		enum close_reason want;
		const char *stream;
		int64_t until_ms;
	} rows[] = {
		{ "key-of-tanaka-000", 999, CLOSE_KEY_EARLY, "", 0 },
		{ "key-of-tanaka-000", 1000, CLOSE_NONE, "tanaka~rehearsal", 2000 },
		{ "key-of-tanaka-000", 1999, CLOSE_NONE, "tanaka~rehearsal", 2000 },
		{ "key-of-tanaka-000", 2000, CLOSE_NONE, "tanaka", 3000 },
		{ "key-of-tanaka-000", 3000, CLOSE_KEY_EXPIRED, "", 0 },
		{ "key-of-suzuki-000", 1500, CLOSE_NONE, "suzuki", 2000 },
		{ "key-of-suzuki-000", 2500, CLOSE_KEY_EXPIRED, "", 0 },
		{ "key-without-end-0", 0, CLOSE_NONE, "sato", 0 },
		{ "key-without-end-0", INT64_MAX, CLOSE_NONE, "sato", 0 },
		{ "key-revoked-00000", 1500, CLOSE_KEY_REVOKED, "", 0 },
		{ "key-of-nobody-000", 1500, CLOSE_KEY_UNKNOWN, "", 0 },
		{ "key-of-tanaka-00", 1500, CLOSE_KEY_UNKNOWN, "", 0 },
		{ "key-of-tanaka-0000", 1500, CLOSE_KEY_UNKNOWN, "", 0 },
		{ "tanaka", 1500, CLOSE_KEY_UNKNOWN, "", 0 },
		{ "", 1500, CLOSE_KEY_UNKNOWN, "", 0 },
	};
	struct plan *plan = parse(plan_text);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gate_pass pass;

		assert_int_equal(
		    gate_publish(plan, rows[i].key, strlen(rows[i].key), rows[i].now_ms, &pass), rows[i].want);
		assert_string_equal(pass.stream, rows[i].stream);
		assert_int_equal(pass.until_ms, rows[i].until_ms);
		assert_int_equal(pass.is_rehearsal, strstr(rows[i].stream, "~rehearsal") != NULL);
	}
	plan_unref(plan);
}

static struct gate_pass pass_of(const struct plan *plan, const char *key, int64_t now_ms)
{
	struct gate_pass pass;

	assert_int_equal(gate_publish(plan, key, strlen(key), now_ms, &pass), CLOSE_NONE);
	return pass;
}

static void a_pass_moves_with_the_plan(void **state)
{
	static const char key[] = "key-of-suzuki-000";
#define SUZUKI(stream, windows)                                                                                     \
	"{\"isaribi_plan\":1,\"rev\":2,\"keys\":[{\"id\":\"k2\",\"key\":\"key-of-suzuki-000\",\"stream\":\"" stream \
	"\",\"windows\":[" windows "]}]}"
	static const struct {
		const char *plan;
		int64_t now_ms;
		enum close_reason want;
		int64_t until_ms;
	} rows[] = {
		/* longer, shorter, open end */
		{ SUZUKI("suzuki", "{\"from\":1000,\"until\":9000}"), 1600, CLOSE_NONE, 9000 },
		{ SUZUKI("suzuki", "{\"from\":1000,\"until\":1700}"), 1600, CLOSE_NONE, 1700 },
		{ SUZUKI("suzuki", "{\"from\":0,\"until\":0}"), 1600, CLOSE_NONE, 0 },
		/* the same key at another place, another at its own */
		{ "{\"isaribi_plan\":1,\"rev\":2,\"keys\":["
		  "{\"id\":\"k8\",\"key\":\"key-of-nakamura-0\",\"stream\":\"nakamura\",\"windows\":[]},"
		  "{\"id\":\"k9\",\"key\":\"key-of-kobayashi0\",\"stream\":\"kobayashi\",\"windows\":[]},"
		  "{\"id\":\"k2\",\"key\":\"key-of-suzuki-000\",\"stream\":\"suzuki\"}]}",
		    1600, CLOSE_NONE, 0 },
		/* ended by the host, moved to later, taken away */
		{ SUZUKI("suzuki", "{\"from\":1000,\"until\":1600}"), 1600, CLOSE_SLOT_OVER, 2000 },
		{ SUZUKI("suzuki", "{\"from\":1700,\"until\":9000}"), 1600, CLOSE_SLOT_OVER, 2000 },
		{ SUZUKI("suzuki", ""), 1600, CLOSE_KEY_REVOKED, 2000 },
		{ "{\"isaribi_plan\":1,\"rev\":2,\"keys\":[]}", 1600, CLOSE_KEY_REVOKED, 2000 },
		/* of another stream now, or a rehearsal only: come in again */
		{ SUZUKI("sato", "{\"from\":1000,\"until\":9000}"), 1600, CLOSE_SLOT_OVER, 2000 },
		{ SUZUKI("suzuki", "{\"from\":1000,\"until\":9000,\"rehearsal\":true}"), 1600, CLOSE_SLOT_OVER, 2000 },
	};
#undef SUZUKI
	struct plan *before = parse(plan_text);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct plan *after = parse(rows[i].plan);
		struct gate_pass pass = pass_of(before, key, 1500);

		assert_int_equal(gate_publish_again(after, &pass, rows[i].now_ms), rows[i].want);
		assert_int_equal(pass.until_ms, rows[i].until_ms);
		assert_string_equal(pass.stream, "suzuki");
		plan_unref(after);
	}
	plan_unref(before);
}

static void a_pass_ends_with_its_window(void **state)
{
	struct plan *plan = parse(plan_text);
	struct gate_pass pass = pass_of(plan, "key-of-suzuki-000", 1500);

	(void)state;
	assert_int_equal(gate_publish_again(plan, &pass, 1999), CLOSE_NONE);
	/* The next window follows at once: the broadcast goes on in it. */
	assert_int_equal(gate_publish_again(plan, &pass, 2000), CLOSE_NONE);
	assert_int_equal(pass.until_ms, 2500);
	assert_int_equal(gate_publish_again(plan, &pass, 2500), CLOSE_SLOT_OVER);

	/* A rehearsal does not slide into the broadcast. */
	pass = pass_of(plan, "key-of-tanaka-000", 1500);
	assert_int_equal(gate_publish_again(plan, &pass, 1999), CLOSE_NONE);
	assert_int_equal(gate_publish_again(plan, &pass, 2000), CLOSE_SLOT_OVER);
	plan_unref(plan);
}

static void a_pull_fills_its_stream_while_the_plan_names_it(void **state)
{
	struct plan *plan = parse(plan_text);
	struct plan *without = parse("{\"isaribi_plan\":1,\"rev\":1}");
	struct gate_pass pass;
	struct gate_pass other;

	(void)state;
	gate_pull("cam3", &pass);
	assert_string_equal(pass.stream, "cam3");
	assert_int_equal(pass.until_ms, 0);
	assert_int_equal(gate_publish_again(plan, &pass, 1500), CLOSE_NONE);
	assert_string_equal(pass.stream, "cam3");
	assert_int_equal(gate_publish_again(without, &pass, 1500), CLOSE_KEY_REVOKED);
	/* Every stream's is another, no stream that is not pulled has one, and the text it is made of opens nothing. */
	gate_pull("tanaka", &other);
	assert_memory_not_equal(pass.key_hash, other.key_hash, sizeof(pass.key_hash));
	assert_int_equal(gate_publish_again(plan, &other, 1500), CLOSE_KEY_REVOKED);
	assert_int_equal(gate_publish(plan, "pull:cam3", 9, 1500, &other), CLOSE_KEY_UNKNOWN);
	snprintf(pass.stream, sizeof(pass.stream), "tanaka");
	assert_int_equal(gate_publish_again(plan, &pass, 1500), CLOSE_KEY_REVOKED);
	plan_unref(without);
	plan_unref(plan);
}

#define LONGEST_ID "a23456789012345678901234567890123456789012345678901234567890123"

static void who_may_watch(void **state)
{
	static const char of_the_stream[] = "*";
	static const struct {
		const char *stream;
		const char *token_of; /* NULL: none */
		int64_t token_until_ms;
		enum close_reason want;
	} rows[] = {
		{ "tanaka", NULL, 0, CLOSE_NONE },
		{ "sato", NULL, 0, CLOSE_NONE }, /* known by its key alone */
		{ "cam3", NULL, 0, CLOSE_NONE }, /* by its pull */
		{ "suzuki", NULL, 0, CLOSE_TOKEN_BAD },
		{ "suzuki", of_the_stream, 5000, CLOSE_NONE },
		{ "suzuki", of_the_stream, 1000, CLOSE_TOKEN_EXPIRED },
		{ "suzuki", "tanaka", 5000, CLOSE_TOKEN_BAD },
		{ "suzuki", "suzuki~rehearsal", 5000, CLOSE_TOKEN_BAD },
		/* Rehearsals are never public, whatever the stream is. */
		{ "tanaka~rehearsal", NULL, 0, CLOSE_TOKEN_BAD },
		{ "tanaka~rehearsal", "tanaka", 5000, CLOSE_TOKEN_BAD },
		{ "tanaka~rehearsal", of_the_stream, 5000, CLOSE_NONE },
		{ "tanaka~rehearsal", of_the_stream, 1000, CLOSE_TOKEN_EXPIRED },
		{ "suzuki~rehearsal", of_the_stream, 5000, CLOSE_NONE },
		/* Names that are none. */
		{ "nobody", NULL, 0, CLOSE_STREAM_UNKNOWN },
		{ "nobody~rehearsal", of_the_stream, 5000, CLOSE_STREAM_UNKNOWN },
		{ "nobody", of_the_stream, 5000, CLOSE_STREAM_UNKNOWN },
		{ "", NULL, 0, CLOSE_STREAM_UNKNOWN },
		{ "~rehearsal", of_the_stream, 5000, CLOSE_STREAM_UNKNOWN },
		{ "tanaka~rehearsal~rehearsal", of_the_stream, 5000, CLOSE_STREAM_UNKNOWN },
		{ "Tanaka", NULL, 0, CLOSE_STREAM_UNKNOWN },
		{ "tanaka/", NULL, 0, CLOSE_STREAM_UNKNOWN },
		{ LONGEST_ID, NULL, 0, CLOSE_STREAM_UNKNOWN },
		{ LONGEST_ID "~rehearsal", of_the_stream, 5000, CLOSE_STREAM_UNKNOWN },
		{ LONGEST_ID "4~rehearsal", of_the_stream, 5000, CLOSE_STREAM_UNKNOWN },
		{ LONGEST_ID LONGEST_ID LONGEST_ID, NULL, 0, CLOSE_STREAM_UNKNOWN },
	};
	struct plan *plan = parse(plan_text);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char token[TOKEN_TEXT_SIZE] = "";
		struct gate_viewer viewer = { .stream = rows[i].stream };

		if (rows[i].token_of) {
			token_make(VIEW_KEY, rows[i].token_of == of_the_stream ? rows[i].stream : rows[i].token_of,
			    rows[i].token_until_ms, token);
			viewer.token = token;
			viewer.token_len = strlen(token);
		}
		assert_int_equal(gate_play(plan, &viewer, 1500), rows[i].want);
	}
	plan_unref(plan);
}

/* A channel's name is its own: a stream of the same id has nothing to do with it. */
static void channels_are_watched_over_hls(void **state)
{
	static const struct {
		const char *name;
		const char *token_of; /* NULL: none */
		enum close_reason over_hls;
		enum close_reason elsewhere;
	} rows[] = {
		{ "@main", NULL, CLOSE_NONE, CLOSE_CHANNEL_ELSEWHERE },
		{ "@staff", NULL, CLOSE_TOKEN_BAD, CLOSE_CHANNEL_ELSEWHERE },
		{ "@staff", "staff", CLOSE_TOKEN_BAD, CLOSE_CHANNEL_ELSEWHERE },
		{ "@staff", "@main", CLOSE_TOKEN_BAD, CLOSE_CHANNEL_ELSEWHERE },
		{ "@staff", "@staff", CLOSE_NONE, CLOSE_CHANNEL_ELSEWHERE },
		{ "@tanaka", NULL, CLOSE_STREAM_UNKNOWN, CLOSE_STREAM_UNKNOWN },
		{ "@", NULL, CLOSE_STREAM_UNKNOWN, CLOSE_STREAM_UNKNOWN },
		{ "@@main", NULL, CLOSE_STREAM_UNKNOWN, CLOSE_STREAM_UNKNOWN },
		{ "@main~rehearsal", NULL, CLOSE_STREAM_UNKNOWN, CLOSE_STREAM_UNKNOWN },
		{ "main", NULL, CLOSE_STREAM_UNKNOWN, CLOSE_STREAM_UNKNOWN },
	};
	struct plan *plan = parse(plan_text);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char token[TOKEN_TEXT_SIZE] = "";
		struct gate_viewer viewer = { .stream = rows[i].name, .has_channels = true };

		if (rows[i].token_of) {
			token_make(VIEW_KEY, rows[i].token_of, 5000, token);
			viewer.token = token;
			viewer.token_len = strlen(token);
		}
		assert_int_equal(gate_play(plan, &viewer, 1500), rows[i].over_hls);
		viewer.has_channels = false;
		assert_int_equal(gate_play(plan, &viewer, 1500), rows[i].elsewhere);
	}
	plan_unref(plan);
}

static void a_name_of_the_greatest_length_is_a_name(void **state)
{
	struct plan *plan =
	    parse("{\"isaribi_plan\":1,\"rev\":1,\"keys\":[{\"id\":\"k\",\"key\":\"key-of-the-longest\","
		  "\"stream\":\"" LONGEST_ID "\",\"windows\":[{\"rehearsal\":true}]}],"
		  "\"tokens\":{\"view_key\":\"" VIEW_KEY "\"}}");
	struct gate_pass pass = pass_of(plan, "key-of-the-longest", 1);
	struct gate_viewer viewer = { .stream = LONGEST_ID };
	char token[TOKEN_TEXT_SIZE];

	(void)state;
	assert_int_equal(sizeof(LONGEST_ID), ID_SIZE);
	assert_string_equal(pass.stream, LONGEST_ID "~rehearsal");
	assert_int_equal(gate_play(plan, &viewer, 1), CLOSE_NONE);
	token_make(VIEW_KEY, pass.stream, 1000, token);
	viewer = (struct gate_viewer){ .stream = pass.stream, .token = token, .token_len = strlen(token) };
	assert_int_equal(gate_play(plan, &viewer, 1), CLOSE_NONE);
	plan_unref(plan);
}

static void without_a_view_key_nothing_private_is_played(void **state)
{
	struct plan *plan =
	    parse("{\"isaribi_plan\":1,\"rev\":1,\"streams\":[{\"id\":\"suzuki\",\"play\":\"private\"}]}");
	struct gate_viewer viewer = { .stream = "suzuki" };
	char token[TOKEN_TEXT_SIZE];

	(void)state;
	token_make("", "suzuki", 5000, token);
	viewer.token = token;
	viewer.token_len = strlen(token);
	assert_int_equal(gate_play(plan, &viewer, 1500), CLOSE_TOKEN_BAD);
	plan_unref(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_publish_when),
		cmocka_unit_test(a_pass_moves_with_the_plan),
		cmocka_unit_test(a_pass_ends_with_its_window),
		cmocka_unit_test(a_pull_fills_its_stream_while_the_plan_names_it),
		cmocka_unit_test(who_may_watch),
		cmocka_unit_test(channels_are_watched_over_hls),
		cmocka_unit_test(a_name_of_the_greatest_length_is_a_name),
		cmocka_unit_test(without_a_view_key_nothing_private_is_played),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
