/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/profile.h"
#include "tests/tools/link_emulator/timeline.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS ((int64_t)1000000)

static struct script *parsed(const char *text)
{
	struct script *script = NULL;
	struct script_error error;

	if (script_parse(&script, text, &error) < 0)
		fail_msg("line %u: %s", error.line, error.text);
	return script;
}

static void says_where_and_what(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *want; /* part of the sentence */
	} rows[] = {
		{ "0 delay 40\nsoon delay 5\n", 2, "expected a time such as 40, 1.5s, +200 or 60s..180s, or repeat" },
		{ "\n\n# x\n0 dealy 40", 4, "expected up, down, both, delay" },
		{ "0 delay", 1, "expected a time such as 40" },
		{ "100 delay 1\n50 delay 2", 2, "not before the line above it (100 ms)" },
		{ "repeat\n1 delay 2\nend", 1, "repeat forever, or repeat with a number" },
		{ "repeat 0\n1 delay 2\nend", 1, "repeat with a number from 1" },
		{ "repeat 2x\n1 delay 2\nend", 1, "repeat with a number from 1" },
		{ "repeat 2 3\n1 delay 2\nend", 1, "the end of the line, found \"3\"" },
		{ "0 delay 1\nend", 2, "there is no repeat to end" },
		{ "repeat 2\n1 delay 1\n", 2, "an end for the repeat in line 1" },
		{ "repeat 2\n1 delay 1\ntrack\n", 3, "an end for the repeat in line 1" },
		{ "repeat forever\n0 delay 1\nend", 3, "at least 1 ms" },
		{ "repeat 5\n0..9 delay 1\nend", 3, "at least 1 ms" },
		{ "repeat 5\nend", 2, "at least 1 ms" },
		{ "repeat forever\n1 delay 1\nend\n5 delay 2", 4, "the loop above never ends" },
		{ "repeat forever\n1 delay 1\nend\nrepeat 2\n", 4, "the loop above never ends" },
		{ "repeat 1\nrepeat 1\nrepeat 1\nrepeat 1\nrepeat 1\n", 5, "at most 4 loops" },
		{ "on\n", 1, "a name after on" },
		{ "track me\n", 1, "the end of the line, found \"me\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script *script = NULL;
		struct script_error error;

		assert_int_equal(script_parse(&script, rows[i].text, &error), -EINVAL);
		assert_null(script);
		if (error.line != rows[i].line || !strstr(error.text, rows[i].want))
			fail_msg("row %zu: line %u: %s", i, error.line, error.text);
	}
}

static void sizes_are_bounded(void **state)
{
	struct script *script = NULL;
	struct script_error error;
	char *text = malloc(SCRIPT_MAX_BYTES + 2);

	(void)state;
	assert_non_null(text);
	memset(text, ' ', SCRIPT_MAX_BYTES + 1);
	text[SCRIPT_MAX_BYTES + 1] = '\0';
	assert_int_equal(script_parse(&script, text, &error), -EINVAL);
	assert_non_null(strstr(error.text, "bytes"));
	text[2000] = '\0';
	assert_int_equal(script_parse(&script, text, &error), -EINVAL);
	assert_non_null(strstr(error.text, "characters in a line"));
	text[0] = '\0';
	for (int i = 0; i < 20; i++)
		strcat(text, "track\n");
	assert_int_equal(script_parse(&script, text, &error), -EINVAL);
	assert_int_equal(error.line, 16);
	text[0] = '\0';
	for (int i = 0; i <= SCRIPT_MAX_STEPS; i++)
		strcpy(text + 4 * i, "+1 \n");
	assert_int_equal(script_parse(&script, text, &error), -EINVAL);
	assert_int_equal(error.line, SCRIPT_MAX_STEPS + 1);
	free(text);
}

/* "at:delay" of all events up to a time, in milliseconds. */
static void play(struct timeline *line, int64_t until_ns, char *out, size_t size)
{
	struct timeline_event event;
	size_t len = strlen(out);

	while (timeline_next_ns(line) <= until_ns) {
		assert_true(timeline_take(line, until_ns, &event));
		len += (size_t)snprintf(out + len, size - len, "%s%lld", len ? " " : "", (long long)(event.at_ns / MS));
		for (size_t i = 0; i < event.changes->n; i++)
			len += (size_t)snprintf(
			    out + len, size - len, ":%g", event.changes->list[i].args[0].low / (double)MS);
	}
	assert_false(timeline_take(line, until_ns, &event));
}

static void runs_in_order(void **state)
{
	static const struct {
		const char *text;
		int64_t until_ms;
		const char *want;
	} rows[] = {
		{ "", 1000, "" },
		{ "0 delay 1\n1s delay 2", 999, "0:1" },
		{ "0 delay 1\n1s delay 2", 1000, "0:1 1000:2" },
		{ "10 delay 1\n+5 delay 2\n+5 delay 3\n100 delay 4", 200, "10:1 15:2 20:3 100:4" },
		{ "5 delay 1 up jitter 7", 5, "5:1:7" },
		{ "repeat 3\n10 delay 1\n20 delay 2\nend\n+1 delay 3", 1000, "10:1 20:2 30:1 40:2 50:1 60:2 61:3" },
		{ "100 delay 9\nrepeat 2\n0 delay 1\n10\nend\n+0 delay 3", 1000, "100:9 100:1 110 110:1 120 120:3" },
		{ "repeat forever\n30 delay 1\nend", 100, "30:1 60:1 90:1" },
		{ "repeat 2\n1 delay 1\nrepeat 2\n+2 delay 2\nend\n+3 delay 3\nend", 100,
		    "1:1 3:2 5:2 8:3 9:1 11:2 13:2 16:3" },
		{ "50 delay 1\ntrack\n20 delay 2\ntrack\nrepeat 2\n30 delay 3\nend", 100, "20:2 30:3 50:1 60:3" },
		/* Equal times: the track that comes first in the text. */
		{ "50 delay 1\ntrack\n50 delay 2", 100, "50:1 50:2" },
		{ "on never\n1 delay 1", 1000, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script *script = parsed(rows[i].text);
		struct timeline line;
		char got[512] = "";

		timeline_start(&line, script, 1, DICE_EVENTS, 0);
		play(&line, rows[i].until_ms * MS, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
		script_destroy(&script);
	}
}

static void being_late_moves_nothing(void **state)
{
	struct script *script = parsed("repeat forever\n10 delay 1\nend");
	struct timeline line;
	char got[256] = "";

	(void)state;
	timeline_start(&line, script, 1, DICE_EVENTS, 7 * MS);
	play(&line, 39 * MS, got, sizeof(got));
	assert_string_equal(got, "17:1 27:1 37:1");
	assert_int_equal(timeline_next_ns(&line), 47 * MS);
	script_destroy(&script);
}

static void triggers_start_tracks(void **state)
{
	struct script *script = parsed("5 delay 1\non storm\n0 delay 2\n10 delay 3\non calm\n1 delay 4");
	struct timeline line;
	char got[256] = "";

	(void)state;
	timeline_start(&line, script, 1, DICE_EVENTS, 0);
	play(&line, 100 * MS, got, sizeof(got));
	assert_int_equal(timeline_trigger(&line, "rain", 100 * MS), 0);
	assert_int_equal(timeline_trigger(&line, "storm", 100 * MS), 1);
	play(&line, 105 * MS, got, sizeof(got));
	/* Again, before it has ended: from the start. */
	assert_int_equal(timeline_trigger(&line, "storm", 106 * MS), 1);
	play(&line, 200 * MS, got, sizeof(got));
	assert_string_equal(got, "5:1 100:2 106:2 116:3");
	script_destroy(&script);
	timeline_start(&line, NULL, 1, DICE_EVENTS, 0);
	assert_int_equal(timeline_trigger(&line, "storm", 0), 0);
	assert_true(timeline_next_ns(&line) == TIMELINE_NEVER);
}

static void moments_are_drawn_from_the_seed(void **state)
{
	struct script *script = parsed("repeat 50\n60s..180s freeze 150\nend");
	struct timeline line;
	char got[3][1024] = { "", "", "" };
	struct timeline_event event;
	int64_t last_ns = 0;

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		timeline_start(&line, script, i / 2, DICE_EVENTS, 0);
		play(&line, (int64_t)3600 * 24 * 1000 * MS, got[i], sizeof(got[i]));
	}
	assert_string_equal(got[0], got[1]);
	assert_string_not_equal(got[0], got[2]);
	timeline_start(&line, script, 5, DICE_EVENTS, 0);
	while (timeline_take(&line, INT64_MAX - 1, &event)) {
		assert_in_range(event.at_ns - last_ns, 60000 * MS, 180000 * MS);
		last_ns = event.at_ns;
	}
	script_destroy(&script);
}

static void profiles_are_scripts(void **state)
{
	const struct profile *profile = NULL;
	size_t n = 0;

	(void)state;
	for (; (profile = profile_at(n)); n++) {
		struct script *script = parsed(profile->script);
		struct timeline line;
		struct timeline_event event;

		assert_ptr_equal(profile_find(profile->name), profile);
		timeline_start(&line, script, 1, DICE_PROFILE_EVENTS, 0);
		assert_int_equal(timeline_next_ns(&line), 0);
		/* A profile that starts another would pull the carpet from under itself. */
		while (timeline_next_ns(&line) < (int64_t)8 * 3600 * 1000 * MS) {
			timeline_take(&line, timeline_next_ns(&line), &event);
			for (size_t i = 0; i < event.changes->n; i++)
				assert_true(change_is_setting(&event.changes->list[i]));
		}
		script_destroy(&script);
	}
	assert_int_equal(n, 6);
	assert_null(profile_find("moon"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_where_and_what),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(runs_in_order),
		cmocka_unit_test(being_late_moves_nothing),
		cmocka_unit_test(triggers_start_tracks),
		cmocka_unit_test(moments_are_drawn_from_the_seed),
		cmocka_unit_test(profiles_are_scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
