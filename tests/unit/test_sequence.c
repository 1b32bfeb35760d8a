/* SPDX-License-Identifier: Apache-2.0 */
/* What streams' numbers survive: the end of a process, of a stream, of a machine, clocks that go back. */
#include "packager/sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/sequence_fixture.h"

static void first_numbers_are_the_clocks(void **state)
{
	struct place *p = *state;
	struct sequence_start s;

	place_open(p);
	s = place_begin(p, "tanaka");
	assert_int_equal(s.next.epoch, NOW);
	assert_int_equal(s.next.msn, CLOCK_MSN);
	assert_int_equal(s.next.part, 1);
	assert_int_equal(s.next.init_version, 1);
	assert_int_equal(s.next.discontinuity_sequence, 0);
	assert_int_equal(s.next.media_90k, 0);
	assert_false(s.is_continued);
}

static void killed_goes_on(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;

	place_open(p);
	s = place_begin(p, "tanaka");
	told = place_run(p, &s, 10);
	for (int life = 0; life < 5; life++) {
		p->now_ms += 60 * 1000; /* the clock's number is far ahead of the stream's: that does not count */
		place_kill_and_open(p);
		s = place_begin(p, "tanaka");
		assert_true(s.is_continued);
		assert_true(s.is_same_epoch);
		place_same_numbers(&s.next, &told);
		told = place_run(p, &s, 7);
		assert_int_equal(told.discontinuity_sequence, life + 1);
	}
}

static void killed_at_once_goes_on(void **state)
{
	struct place *p = *state;
	struct sequence_start first;
	struct sequence_start second;

	place_open(p);
	first = place_begin(p, "tanaka");
	place_kill_and_open(p);
	second = place_begin(p, "tanaka");
	assert_true(second.is_same_epoch);
	place_same_numbers(&first.next, &second.next);
}

static void note_name(void *arg, const char *name)
{
	char *names = arg;

	strcat(strcat(names, name), " ");
}

static void who_was_cut_short_is_known(void **state)
{
	struct place *p = *state;
	char names[64] = "";
	struct sequence_start s;

	place_open(p);
	(void)place_begin(p, "long-ago");
	p->now_ms += 13 * (int64_t)HOUR_MS;
	s = place_begin(p, "over");
	sequence_end(p->seq, s.row, p->now_ms);
	(void)place_begin(p, "tanaka");
	(void)place_begin(p, "sato");
	place_kill_and_open(p);
	sequence_each_cut_short(p->seq, p->now_ms, note_name, names);
	assert_string_equal(names, "tanaka sato ");
}

static void cut_short_long_ago_is_another_broadcast(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;

	place_open(p);
	s = place_begin(p, "tanaka");
	told = place_run(p, &s, 10);
	p->now_ms += 13 * (int64_t)HOUR_MS;
	place_kill_and_open(p);
	s = place_begin(p, "tanaka");
	assert_true(s.is_continued);
	assert_false(s.is_same_epoch);
	assert_int_equal(s.next.epoch, p->now_ms);
	assert_int_equal(s.next.msn, (uint64_t)p->now_ms / 2000);
	assert_int_equal(s.next.discontinuity_sequence, told.discontinuity_sequence);
	assert_int_equal(s.next.media_90k, 0);
}

static void ended_begins_a_new_epoch(void **state)
{
	static const bool ends_process[] = { false, true };

	for (size_t i = 0; i < ARRAY_LEN(ends_process); i++) {
		struct place *p;
		struct sequence_start s;
		struct sequence_numbers told;

		place_setup(state);
		p = *state;
		place_open(p);
		s = place_begin(p, "tanaka");
		told = place_run(p, &s, 4000);
		/* Segments were shorter than the clock thinks: their numbers have run ahead. */
		told.msn += 5000;
		sequence_note(p->seq, s.row, &told, p->now_ms);
		sequence_end(p->seq, s.row, p->now_ms);
		if (ends_process[i])
			place_kill_and_open(p);
		s = place_begin(p, "tanaka");
		assert_true(s.is_continued);
		assert_false(s.is_same_epoch);
		assert_int_equal(s.next.epoch, p->now_ms);
		assert_int_equal(s.next.msn, told.msn);
		assert_int_equal(s.next.part, 1);
		assert_int_equal(s.next.init_version, 1);
		assert_int_equal(s.next.discontinuity_sequence, told.discontinuity_sequence);
		assert_int_equal(s.next.media_90k, told.media_90k);
		place_teardown(state);
	}
}

/* Epochs name cached things: a clock that goes back must not name one twice. */
static void epochs_rise_against_the_clock(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	uint64_t before;

	place_open(p);
	s = place_begin(p, "tanaka");
	for (int i = 0; i < 3; i++) {
		before = s.next.epoch;
		sequence_end(p->seq, s.row, p->now_ms);
		p->now_ms -= HOUR_MS;
		s = place_begin(p, "tanaka");
		assert_true(s.next.epoch > before);
		assert_true(s.next.msn >= CLOCK_MSN);
	}
}

static void stopped_leaves_the_copy_alone(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;

	place_open(p);
	s = place_begin(p, "tanaka");
	told = place_run(p, &s, 10);
	sequence_end(p->seq, s.row, p->now_ms);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	assert_false(place_has_files(p->memory));
	place_open(p);
	p->now_ms = NOW; /* so that the clock's number is no help */
	s = place_begin(p, "tanaka");
	assert_int_equal(s.next.msn, told.msn);
	assert_int_equal(s.next.epoch, told.epoch + 1);
}

/* The machine went down: the copy is a few seconds old, and no number may be given twice. */
static void lost_memory_skips_what_may_have_been(void **state)
{
	static const struct {
		int parts_after;
		int64_t away_ms;
	} cases[] = { { 0, 0 }, { 20, 0 }, { 20, 30000 }, { 20, 6 * (int64_t)HOUR_MS }, { 20, -8 * (int64_t)HOUR_MS } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place *p;
		struct sequence_start s;
		struct sequence_numbers told;

		place_setup(state);
		p = *state;
		place_open(p);
		s = place_begin(p, "tanaka");
		told = place_run(p, &s, 100);
		sequence_save(p->seq);
		s.next = told;
		told = place_run(p, &s, cases[i].parts_after);
		sequence_close(&p->seq);
		place_empty_folder(p->memory);
		p->now_ms += cases[i].away_ms;
		place_open(p);
		s = place_begin(p, "tanaka");
		assert_true(s.is_same_epoch);
		assert_int_equal(s.next.epoch, told.epoch);
		assert_true(s.next.msn > told.msn);
		assert_true(s.next.part > told.part);
		assert_true(s.next.init_version > told.init_version);
		assert_true(s.next.discontinuity_sequence >= told.discontinuity_sequence);
		assert_true(s.next.media_90k > told.media_90k);
		place_teardown(state);
	}
}

static void a_full_table_forgets_the_longest_away(void **state)
{
	struct place *p = *state;
	struct sequence_start s;

	place_open(p);
	for (int i = 0; i < SEQUENCE_ROWS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%d", i);
		s = place_begin(p, name);
		assert_int_equal(s.row, i);
		if (i < 2)
			sequence_end(p->seq, s.row, p->now_ms);
		p->now_ms++;
	}
	s = place_begin(p, "one more");
	assert_int_equal(s.row, 0);
	assert_false(s.is_continued);
	assert_true(place_begin(p, "s1").is_continued);
	/* All are on the air: this one is numbered by the clock. */
	s = place_begin(p, "too many");
	assert_int_equal(s.row, SEQUENCE_NO_ROW);
	assert_int_equal(s.next.epoch, p->now_ms);
	assert_int_equal(s.next.msn, (uint64_t)p->now_ms / 2000);
	sequence_note(p->seq, s.row, &s.next, p->now_ms);
	sequence_end(p->seq, s.row, p->now_ms);
	place_kill_and_open(p);
	assert_true(place_begin(p, "s1023").is_same_epoch);
	assert_true(place_begin(p, "one more").is_same_epoch);
	assert_false(place_begin(p, "s0").is_continued);
}

static void a_name_too_long_is_numbered_by_the_clock(void **state)
{
	struct place *p = *state;
	char name[SEQUENCE_NAME_MAX + 1];

	memset(name, 'a', sizeof(name));
	name[SEQUENCE_NAME_MAX] = '\0';
	place_open(p);
	assert_int_equal(place_begin(p, name).row, SEQUENCE_NO_ROW);
	name[SEQUENCE_NAME_MAX - 1] = '\0';
	assert_int_equal(place_begin(p, name).row, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(first_numbers_are_the_clocks),
		WITH_PLACE(killed_goes_on),
		WITH_PLACE(killed_at_once_goes_on),
		WITH_PLACE(who_was_cut_short_is_known),
		WITH_PLACE(cut_short_long_ago_is_another_broadcast),
		cmocka_unit_test(ended_begins_a_new_epoch),
		WITH_PLACE(epochs_rise_against_the_clock),
		WITH_PLACE(stopped_leaves_the_copy_alone),
		cmocka_unit_test(lost_memory_skips_what_may_have_been),
		WITH_PLACE(a_full_table_forgets_the_longest_away),
		WITH_PLACE(a_name_too_long_is_numbered_by_the_clock),
	};

	return place_run_tests(tests);
}
