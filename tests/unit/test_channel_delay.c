/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_delay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct channel_event event_of(enum channel_event_kind kind, const char *stream, int64_t due_us)
{
	struct channel_event event = { .kind = kind, .pts_90k = due_us, .due_us = due_us };

	(void)snprintf(event.stream, sizeof(event.stream), "%s", stream);
	return event;
}

static void nothing_comes_early_and_all_in_order(void **state)
{
	struct channel_delay d = { 0 };
	struct channel_event event;

	(void)state;
	assert_false(channel_delay_pop(&d, INT64_MAX, &event));
	assert_int_equal(channel_delay_next_us(&d), INT64_MAX);
	for (int64_t i = 0; i < 1000; i++) {
		event = event_of(CHANNEL_EVENT_KEY, "tanaka", 10 * i);
		assert_true(channel_delay_push(&d, &event));
		/* Half of them leave while others come: the ring turns, and grows while it is turned. */
		if (i % 2 == 1) {
			assert_int_equal(channel_delay_next_us(&d), 10 * (i / 2));
			assert_false(channel_delay_pop(&d, 10 * (i / 2) - 1, &event));
			assert_true(channel_delay_pop(&d, 10 * (i / 2), &event));
			assert_int_equal(event.pts_90k, 10 * (i / 2));
		}
	}
	for (int64_t i = 500; i < 1000; i++) {
		assert_true(channel_delay_pop(&d, INT64_MAX, &event));
		assert_int_equal(event.pts_90k, 10 * i);
	}
	assert_false(channel_delay_pop(&d, INT64_MAX, &event));
	channel_delay_fini(&d);
}

static void parts_are_held_by_reference(void **state)
{
	struct channel_delay d = { 0 };
	struct channel_event event = event_of(CHANNEL_EVENT_PART, "tanaka", 1);
	struct channel_event out;
	struct part *part = part_create(0);

	(void)state;
	assert_non_null(part);
	event.part = part;
	assert_true(channel_delay_push(&d, &event));
	assert_true(channel_delay_push(&d, &event));
	assert_int_equal(part->refs, 3);
	assert_true(channel_delay_pop(&d, 1, &out));
	assert_ptr_equal(out.part, part);
	part_unref(out.part);
	assert_int_equal(part->refs, 2);
	channel_delay_fini(&d);
	assert_int_equal(part->refs, 1);
	part_unref(part);
}

static void what_is_taken_down_is_gone_but_its_ends(void **state)
{
	static const struct {
		enum channel_event_kind kind;
		const char *stream;
		bool stays;
	} rows[] = {
		{ CHANNEL_EVENT_BEGIN, "tanaka", true },
		{ CHANNEL_EVENT_BEGIN, "suzuki", true },
		{ CHANNEL_EVENT_KEY, "tanaka", false },
		{ CHANNEL_EVENT_PART, "suzuki", true },
		{ CHANNEL_EVENT_PART, "tanaka", false },
		{ CHANNEL_EVENT_KEY, "suzuki", true },
		{ CHANNEL_EVENT_END, "tanaka", true },
	};
	struct channel_delay d = { 0 };
	struct channel_event event;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		event = event_of(rows[i].kind, rows[i].stream, (int64_t)i);
		assert_true(channel_delay_push(&d, &event));
	}
	channel_delay_drop(&d, "tanaka");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].stays)
			continue;
		assert_true(channel_delay_pop(&d, INT64_MAX, &event));
		assert_int_equal(event.kind, rows[i].kind);
		assert_string_equal(event.stream, rows[i].stream);
	}
	assert_false(channel_delay_pop(&d, INT64_MAX, &event));
	event = event_of(CHANNEL_EVENT_BEGIN, "tanaka", 1);
	assert_true(channel_delay_push(&d, &event));
	channel_delay_drop(&d, NULL);
	assert_int_equal(channel_delay_next_us(&d), INT64_MAX);
	channel_delay_fini(&d);
}

static void it_does_not_grow_without_end(void **state)
{
	struct channel_delay d = { 0 };
	const struct channel_event event = event_of(CHANNEL_EVENT_KEY, "tanaka", 1);
	size_t n = 0;

	(void)state;
	while (n <= CHANNEL_DELAY_MAX && channel_delay_push(&d, &event))
		n++;
	assert_int_equal(n, CHANNEL_DELAY_MAX);
	channel_delay_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_comes_early_and_all_in_order),
		cmocka_unit_test(parts_are_held_by_reference),
		cmocka_unit_test(what_is_taken_down_is_gone_but_its_ends),
		cmocka_unit_test(it_does_not_grow_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
