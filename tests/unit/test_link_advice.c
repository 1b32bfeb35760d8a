/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/link_advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

enum {
	INTERVAL_US = 2000000,
	PACKETS = 1000, /* in an interval */
};

/* A link over time. */
struct scene {
	struct link_advice advice;
	struct link_figures figures;
	int64_t now_us;
	char said[512]; /* "+link_loss -link_loss " */
	char ja[LINK_TEXT_SIZE];
	char en[LINK_TEXT_SIZE];
};

static void hear(void *arg, const struct link_note *note)
{
	struct scene *s = arg;

	assert_true(note->ja[0] != '\0' && note->en[0] != '\0');
	assert_true(strlen(note->ja) < LINK_TEXT_SIZE - 1 && strlen(note->en) < LINK_TEXT_SIZE - 1); /* not cut */
	strcat(s->said, note->is_on ? "+" : "-");
	strcat(s->said, note->code);
	strcat(s->said, " ");
	snprintf(s->ja, sizeof(s->ja), "%s", note->ja);
	snprintf(s->en, sizeof(s->en), "%s", note->en);
}

static void scene_init(struct scene *s, uint32_t latency_ms)
{
	memset(s, 0, sizeof(*s));
	link_advice_init(&s->advice);
	s->figures = (struct link_figures){ .is_receiving = true,
		.rtt_us = 20000,
		.latency_ms = latency_ms,
		.bandwidth_kbps = 50000,
		.rate_kbps = 2000 };
	link_advice_take(&s->advice, &s->figures, s->now_us, hear, s);
}

/* n intervals in which of 1000 packets so many are lost, and so many never come in time. */
static void run(struct scene *s, unsigned n, unsigned lost, unsigned late)
{
	for (unsigned i = 0; i < n; i++) {
		s->now_us += INTERVAL_US;
		s->figures.packets += PACKETS - lost;
		s->figures.lost += lost;
		s->figures.dropped_late += late;
		link_advice_take(&s->advice, &s->figures, s->now_us, hear, s);
	}
}

static void of_a_call_it_names_the_plan(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 500);
	link_advice_init(&s.advice);
	s.advice.is_call = true;
	s.figures.rtt_us = 250000;
	run(&s, 40, 10, 0);
	assert_string_equal(s.said, "+link_latency ");
	assert_non_null(strstr(s.en, "latency_ms in the plan to 1000"));
	assert_non_null(strstr(s.ja, "latency_ms を 1000"));
}

static void recommends_by_rtt_and_loss(void **state)
{
	static const struct {
		int64_t rtt_us;
		unsigned lost; /* per mille */
		uint32_t want_ms;
	} rows[] = {
		{ 1000, 0, 120 },
		{ 30000, 0, 120 },
		{ 30001, 0, 150 },
		{ 37500, 0, 150 },
		{ 37501, 0, 200 },
		{ 120000, 0, 500 },
		{ 120000, 30, 500 },
		{ 120000, 31, 600 },
		{ 120000, 70, 600 },
		{ 120000, 71, 750 },
		{ 120000, 100, 750 },
		{ 120000, 101, 850 },
		{ 120000, 500, 850 },
		{ 300000, 0, 1200 },
		{ 3000000, 0, 8000 },
		{ 0, 50, 0 },
		{ -5, 50, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene s;

		scene_init(&s, 8000);
		link_advice_init(&s.advice);
		s.figures.rtt_us = rows[i].rtt_us;
		run(&s, 12, rows[i].lost, 0);
		assert_int_equal(s.advice.latency_ms, rows[i].want_ms);
	}
}

static void rises_at_once_and_falls_after_a_minute(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 1500);
	run(&s, 5, 0, 0);
	assert_int_equal(s.advice.latency_ms, 120);
	s.figures.rtt_us = 300000;
	run(&s, 1, 0, 0);
	assert_int_equal(s.advice.rtt_us, 90000); /* a quarter of the way */
	assert_int_equal(s.advice.latency_ms, 400);
	run(&s, 30, 0, 0);
	assert_in_range(s.advice.latency_ms, 1150, 1200);
	s.figures.rtt_us = 20000;
	run(&s, 30, 0, 0);
	assert_in_range(s.advice.latency_ms, 1150, 1200);
	run(&s, 2, 0, 0);
	assert_int_equal(s.advice.latency_ms, 120);
	assert_string_equal(s.said, "");
}

static void says_nothing_about_a_good_link(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 1500);
	run(&s, 100, 1, 0);
	assert_string_equal(s.said, "");
	/* Without loss a short latency is long enough. */
	scene_init(&s, 120);
	s.figures.rtt_us = 200000;
	run(&s, 100, 0, 0);
	assert_string_equal(s.said, "");
}

static void says_which_latency(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 120);
	s.figures.rtt_us = 290000;
	run(&s, 1, 10, 0);
	assert_string_equal(s.said, "");
	for (unsigned i = 0; i < 12; i++) /* once, and again as the smoothed time has grown by half */
		run(&s, 1, 10, 0);
	assert_string_equal(s.said, "+link_latency +link_latency ");
	link_advice_init(&s.advice);
	s.said[0] = '\0';
	run(&s, 3, 10, 0);
	assert_string_equal(s.said, "+link_latency ");
	assert_string_equal(s.ja,
	    "この回線では遅延 1,200 ms をおすすめします。いまは 120 ms "
	    "です。配信アプリの遅延（latency）の設定を変えてください。");
	assert_string_equal(s.en,
	    "This link needs a latency of 1,200 ms; it is 120 ms now. Please change the latency in the streaming app.");
	/* The app was set: a new connection with another latency. */
	s.said[0] = '\0';
	s.figures.latency_ms = 1200;
	run(&s, 10, 10, 0);
	assert_string_equal(s.said, "");
	run(&s, 1, 10, 0);
	assert_string_equal(s.said, "-link_latency ");
}

static void says_what_is_lost(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 1500);
	run(&s, 5, 90, 0);
	assert_string_equal(s.said, "");
	run(&s, 10, 120, 0);
	assert_string_equal(s.said, "+link_loss ");
	assert_non_null(strstr(s.ja, "データの 10 %")); /* when it was said */
	run(&s, 30, 120, 0);
	assert_string_equal(s.said, "+link_loss ");
	/* Between good and bad: what was said stands. */
	run(&s, 30, 60, 0);
	assert_string_equal(s.said, "+link_loss ");
	run(&s, 20, 10, 0);
	assert_string_equal(s.said, "+link_loss -link_loss ");
	assert_string_equal(s.en, "The link is fine again.");
	/* Little is lost, yet it comes too late. */
	s.said[0] = '\0';
	run(&s, 3, 30, 20);
	assert_string_equal(s.said, "+link_loss ");
	assert_non_null(strstr(s.en, " % of the data"));
}

static void says_when_it_is_too_slow(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 1500);
	s.figures.bandwidth_kbps = 2400;
	run(&s, 5, 0, 0); /* an estimate alone says nothing */
	assert_string_equal(s.said, "");
	run(&s, 10, 25, 0);
	assert_string_equal(s.said, "+link_slow ");
	assert_non_null(strstr(s.ja, "2000 kbit/s"));
	s.figures.bandwidth_kbps = 2600;
	run(&s, 30, 25, 0);
	assert_string_equal(s.said, "+link_slow ");
	run(&s, 30, 0, 0);
	assert_string_equal(s.said, "+link_slow -link_slow ");
	/* Who sends sees its own buffer. */
	scene_init(&s, 120);
	s.figures.is_receiving = false;
	s.figures.buffer_ms = 1000;
	run(&s, 5, 0, 0);
	assert_string_equal(s.said, "");
	s.figures.buffer_ms = 1001;
	run(&s, 1, 0, 0);
	assert_string_equal(s.said, "");
	run(&s, 1, 0, 0);
	assert_string_equal(s.said, "+link_slow ");
	s.figures.buffer_ms = 100;
	run(&s, 6, 0, 0);
	assert_string_equal(s.said, "+link_slow -link_slow ");
}

/* Counts of before are no loss of now. */
static void begins_anew_with_a_new_connection(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 1500);
	link_advice_init(&s.advice);
	s.figures.packets = 5000;
	s.figures.lost = 5000;
	run(&s, 5, 0, 0);
	assert_int_equal(s.advice.loss_permille, 0);
	run(&s, 5, 200, 0);
	assert_int_equal(s.advice.loss_permille, 111);
	s.figures.packets = 0;
	s.figures.lost = 0;
	run(&s, 2, 0, 0);
	assert_int_equal(s.advice.loss_permille, 0);
}

static void survives_any_figures(void **state)
{
	static const uint64_t wild[] = { 0, UINT64_MAX, 1, UINT64_MAX / 2, 1000, UINT64_MAX - 1 };
	struct scene s;

	(void)state;
	scene_init(&s, 120);
	for (size_t i = 0; i < 2000; i++) {
		struct link_figures f = {
			.is_receiving = i % 2 == 0,
			.rtt_us = (int64_t)wild[i % ARRAY_LEN(wild)],
			.packets = wild[i * 5 % ARRAY_LEN(wild)],
			.lost = wild[i / 6 % ARRAY_LEN(wild)],
			.dropped_late = wild[i / 36 % ARRAY_LEN(wild)],
			.latency_ms = (uint32_t)wild[i / 3 % ARRAY_LEN(wild)],
			.bandwidth_kbps = (int64_t)wild[i / 7 % ARRAY_LEN(wild)],
			.rate_kbps = (int64_t)wild[i / 11 % ARRAY_LEN(wild)],
			.buffer_ms = (uint32_t)wild[i / 13 % ARRAY_LEN(wild)],
		};

		s.said[0] = '\0';
		link_advice_take(&s.advice, &f, (int64_t)i * INTERVAL_US, hear, &s);
		assert_true(s.advice.latency_ms == 0 || (s.advice.latency_ms >= 120 && s.advice.latency_ms <= 8000));
		assert_true(s.advice.loss_permille <= 1000 && s.advice.late_permille <= 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recommends_by_rtt_and_loss),
		cmocka_unit_test(of_a_call_it_names_the_plan),
		cmocka_unit_test(rises_at_once_and_falls_after_a_minute),
		cmocka_unit_test(says_nothing_about_a_good_link),
		cmocka_unit_test(says_which_latency),
		cmocka_unit_test(says_what_is_lost),
		cmocka_unit_test(says_when_it_is_too_slow),
		cmocka_unit_test(begins_anew_with_a_new_connection),
		cmocka_unit_test(survives_any_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
