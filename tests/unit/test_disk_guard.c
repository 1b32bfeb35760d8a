/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/disk_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

#define MB   (UINT64_C(1) << 20)
#define GB   (UINT64_C(1) << 30)
#define DAY  (INT64_C(24) * 3600 * 1000)
#define NOW  (100 * DAY)
#define RATE UINT64_C(1000000) /* bytes a second: 8 Mbit/s */

static const struct disk_rules rules = { .keep_days = 7, .min_free_bytes = 2 * GB };

/* Two minutes at that rate. */
static struct disk_guard running(uint64_t free_bytes, uint64_t rate)
{
	struct disk_guard g = { 0 };

	for (int64_t s = 0; s <= 600; s += 10)
		disk_guard_note(&g, &rules, s * 1000000, free_bytes, rate * (uint64_t)s);
	return g;
}

static void it_foretells_hours(void **state)
{
	static const struct {
		uint64_t free_bytes;
		uint64_t rate;
		int64_t hours;
		enum disk_level level;
	} rows[] = {
		{ 1000 * GB, 0, -1, DISK_FINE },
		{ 1000 * GB, RATE, 298, DISK_FINE },
		{ 40 * GB, RATE, 11, DISK_LOW },
		{ 10 * GB, RATE, 2, DISK_URGENT },
		{ 10 * GB, 0, -1, DISK_FINE },
		{ 3 * GB, 0, -1, DISK_LOW },
		{ 1 * GB, 0, -1, DISK_URGENT },
		{ 15 * MB, 0, -1, DISK_FULL },
		{ 0, RATE, 0, DISK_FULL },
		{ UINT64_MAX, 1, -1, DISK_FINE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct disk_guard g = running(rows[i].free_bytes, rows[i].rate);

		assert_int_equal(disk_guard_hours_left(&g), rows[i].hours);
		assert_int_equal(g.level, rows[i].level);
	}
}

static void it_follows_the_rate(void **state)
{
	struct disk_guard g = running(100 * GB, RATE);
	uint64_t bytes = 600 * RATE;

	(void)state;
	assert_in_range(g.rate_bytes_s, RATE * 98 / 100, RATE);
	for (int64_t s = 610; s <= 670; s += 10)
		disk_guard_note(&g, &rules, s * 1000000, 100 * GB, bytes);
	assert_in_range(g.rate_bytes_s, RATE / 4, RATE / 2); /* a minute after all ended */
	for (int64_t s = 680; s <= 2000; s += 10)
		disk_guard_note(&g, &rules, s * 1000000, 100 * GB, bytes);
	assert_in_range(g.rate_bytes_s, 0, 10);
	/* Counters that begin anew, a clock that stands: nothing strange comes out. */
	disk_guard_note(&g, &rules, 2000 * 1000000, 100 * GB, bytes);
	disk_guard_note(&g, &rules, 2010 * INT64_C(1000000), 100 * GB, 0);
	assert_in_range(g.rate_bytes_s, 0, 10);
}

static void an_alarm_does_not_come_and_go(void **state)
{
	struct disk_guard g = { 0 };

	(void)state;
	assert_false(disk_guard_note(&g, &rules, 0, 10 * GB, 0));
	assert_true(disk_guard_note(&g, &rules, 1000000, 2 * GB - 1, 0));
	assert_int_equal(g.level, DISK_URGENT);
	assert_false(disk_guard_note(&g, &rules, 2000000, 2 * GB + 1, 0));
	assert_false(disk_guard_note(&g, &rules, 3000000, 2 * GB - 1, 0));
	assert_true(disk_guard_note(&g, &rules, 4000000, 3 * GB, 0));
	assert_int_equal(g.level, DISK_LOW);
	assert_true(disk_guard_note(&g, &rules, 5000000, 1 * MB, 0));
	assert_int_equal(g.level, DISK_FULL);
	assert_true(disk_guard_note(&g, &rules, 6000000, 10 * GB, 0));
	assert_int_equal(g.level, DISK_FINE);
}

static void rules_say_what_may_go(void **state)
{
	static const struct {
		int32_t keep_days;
		uint64_t free_bytes;
		struct disk_candidate candidate;
		const char *rule;
	} rows[] = {
		{ 7, 10 * GB, { REC_SAVED, false, NOW - 8 * DAY }, "keep_days" },
		{ 7, 10 * GB, { REC_DAMAGED, false, NOW - 8 * DAY }, "keep_days" },
		{ 7, 10 * GB, { REC_SAVED, false, NOW - 7 * DAY }, NULL },
		{ 7, 10 * GB, { REC_SAVED, true, NOW - 80 * DAY }, NULL },
		{ 7, 1 * GB, { REC_SAVED, true, NOW - 80 * DAY }, NULL },
		{ 7, 1 * GB, { REC_RECORDING, false, NOW - 80 * DAY }, NULL },
		{ 7, 1 * GB, { REC_SAVED, false, 0 }, NULL },
		{ 7, 1 * GB, { REC_SAVED, false, NOW - DAY }, "min_free_mb" },
		{ 7, 1 * GB, { REC_DAMAGED, false, NOW - DAY }, NULL },
		{ 7, 2 * GB, { REC_SAVED, false, NOW - DAY }, NULL },
		{ 0, 0, { REC_SAVED, false, NOW - 80 * DAY }, NULL },
		{ 36500, 10 * GB, { REC_SAVED, false, 1 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct disk_rules r = { rows[i].keep_days, 2 * GB };
		const char *rule = disk_guard_may_delete(&r, &rows[i].candidate, NOW, rows[i].free_bytes);

		if (rows[i].rule)
			assert_string_equal(rule, rows[i].rule);
		else
			assert_null(rule);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_foretells_hours),
		cmocka_unit_test(it_follows_the_rate),
		cmocka_unit_test(an_alarm_does_not_come_and_go),
		cmocka_unit_test(rules_say_what_may_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
