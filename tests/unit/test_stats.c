/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, why sessions end and what is told to the control: the tables are complete and well-formed. */
#include "relay/stats.h"

#include <ctype.h>
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
#include "relay/events.h"

enum { LINE_MAX_LEN = 400 };

static void every_reason_has_a_name_and_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < CLOSE_REASON_COUNT; i++) {
		const char *name = close_reason_name((enum close_reason)i);
		const char *text = close_reason_text((enum close_reason)i);

		assert_non_null(name);
		assert_true(name[0] != '\0' && text[0] != '\0');
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(name, close_reason_name((enum close_reason)k));
		/* "closed: ..." goes on with it. */
		assert_true(text[strlen(text) - 1] != '.');
	}
	assert_false(close_reason_is_error(CLOSE_NONE));
	assert_false(close_reason_is_error(CLOSE_TAKEN_OVER));
	assert_true(close_reason_is_error(CLOSE_TOO_SLOW));
}

static void a_client_that_hangs_up_did_nothing_wrong(void **state)
{
	static const struct {
		int err;
		enum close_reason reason;
	} cases[] = {
		{ 0, CLOSE_CLIENT_CLOSED },
		{ -ECONNRESET, CLOSE_CLIENT_CLOSED },
		{ -EPIPE, CLOSE_CLIENT_CLOSED },
		{ -ETIMEDOUT, CLOSE_CONNECTION_BROKEN },
		{ -EHOSTUNREACH, CLOSE_CONNECTION_BROKEN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(close_reason_of_socket(cases[i].err), cases[i].reason);
}

/* Prometheus text format 0.0.4: `name value` or `name{label="value",...} value`. */
static void assert_sample(const char *line)
{
	const char *p = line;
	char *end;

	assert_true(isalpha((unsigned char)*p) || *p == '_');
	p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
	if (*p == '{') {
		do {
			size_t n = strspn(++p, "abcdefghijklmnopqrstuvwxyz_");

			assert_true(n > 0);
			p += n;
			assert_memory_equal(p, "=\"", 2);
			p += 2;
			p += strcspn(p, "\"\\\n");
			assert_int_equal(*p++, '"');
		} while (*p == ',');
		assert_int_equal(*p++, '}');
	}
	assert_int_equal(*p++, ' ');
	(void)strtod(p, &end);
	assert_true(end != p && *end == '\0');
}

/* `# HELP name text` or `# TYPE name counter`; the name of a TYPE comes out. */
static void assert_comment(const char *line, char type_of[LINE_MAX_LEN])
{
	char word[LINE_MAX_LEN];
	char name[LINE_MAX_LEN];
	char rest[LINE_MAX_LEN];

	assert_int_equal(sscanf(line, "# %399s %399s %399s", word, name, rest), 3);
	if (strcmp(word, "TYPE") == 0) {
		assert_true(strcmp(rest, "counter") == 0 || strcmp(rest, "gauge") == 0);
		if (strcmp(rest, "counter") == 0)
			assert_non_null(strstr(name, "_total"));
		snprintf(type_of, LINE_MAX_LEN, "%s", name);
	} else {
		assert_string_equal(word, "HELP");
	}
}

static void every_line_of_the_metrics_is_well_formed(void **state)
{
	char type_of[LINE_MAX_LEN] = "";
	struct stats stats;
	struct bytes_writer out;
	unsigned n_samples = 0;
	char *line;

	(void)state;
	stats_init(&stats);
	bytes_writer_init_growing(&out, 1024 * 1024);
	stats_write(&stats, &out);
	assert_false(out.is_full);
	assert_int_equal(out.data[out.len - 1], '\n');
	out.data[out.len - 1] = '\0';
	assert_int_equal(strlen((char *)out.data), out.len - 1);
	for (line = (char *)out.data; line;) {
		char *next = strchr(line, '\n');

		if (next)
			*next++ = '\0';
		assert_true(strlen(line) < LINE_MAX_LEN);
		if (line[0] == '#') {
			assert_comment(line, type_of);
		} else {
			assert_sample(line);
			assert_memory_equal(line, type_of, strlen(type_of));
		}
		n_samples += line[0] != '#';
		line = next;
	}
	assert_int_equal(n_samples, STAT_COUNT + CLOSE_REASON_COUNT - 1);
	bytes_writer_fini(&out);
}

static void what_is_counted_is_shown(void **state)
{
	struct stats stats;
	struct bytes_writer out;

	(void)state;
	stats_init(&stats);
	stats_add(&stats, STAT_RTMP_BYTES_OUT, INT64_C(5000000000));
	stats_add(&stats, STAT_STREAMS, 3);
	stats_add(&stats, STAT_STREAMS, -1);
	stats_closed(&stats, CLOSE_TOO_SLOW);
	stats_closed(&stats, CLOSE_TOO_SLOW);
	bytes_writer_init_growing(&out, 1024 * 1024);
	stats_write(&stats, &out);
	bytes_put_u8(&out, 0);
	assert_false(out.is_full);
	assert_non_null(strstr((char *)out.data, "\nisaribi_rtmp_sent_bytes_total 5000000000\n"));
	assert_non_null(strstr((char *)out.data, "\nisaribi_streams 2\n"));
	assert_non_null(strstr((char *)out.data, "\nisaribi_sessions_closed_total{reason=\"too_slow\"} 2\n"));
	assert_null(strstr((char *)out.data, "reason=\"none\""));
	bytes_writer_fini(&out);
}

static void a_line_too_long_is_cut_not_overrun(void **state)
{
	char text[2000];
	struct bytes_writer out;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bytes_writer_init_growing(&out, 4096);
	stats_printf(&out, "%s", text);
	assert_int_equal(out.len, 511);
	bytes_writer_fini(&out);
}

static void note_event(void *arg, const struct event *event)
{
	*(struct event *)arg = *event;
}

static void events_go_to_whoever_listens(void **state)
{
	const struct event event = { .kind = EVENT_STREAM_AWAY, .stream = "tanaka", .reason = CLOSE_SILENT };
	struct event heard = { 0 };
	const struct events sink = { note_event, &heard };
	const struct events deaf = { NULL, NULL };

	(void)state;
	events_emit(NULL, &event);
	events_emit(&deaf, &event);
	assert_null(heard.stream);
	events_emit(&sink, &event);
	assert_int_equal(heard.kind, EVENT_STREAM_AWAY);
	assert_int_equal(heard.reason, CLOSE_SILENT);
	assert_string_equal(heard.stream, "tanaka");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_and_a_text),
		cmocka_unit_test(a_client_that_hangs_up_did_nothing_wrong),
		cmocka_unit_test(every_line_of_the_metrics_is_well_formed),
		cmocka_unit_test(what_is_counted_is_shown),
		cmocka_unit_test(a_line_too_long_is_cut_not_overrun),
		cmocka_unit_test(events_go_to_whoever_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
