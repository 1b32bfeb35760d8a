/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/change.h"

#include <errno.h>
#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void numbers(void **state)
{
	static const struct {
		enum number_kind kind;
		const char *text;
		double low; /* below 0: refused */
		double high;
	} rows[] = {
		{ NUMBER_TIME, "40", 40e6, 40e6 },
		{ NUMBER_TIME, "0", 0, 0 },
		{ NUMBER_TIME, "1.5s", 1.5e9, 1.5e9 },
		{ NUMBER_TIME, "250us", 250e3, 250e3 },
		{ NUMBER_TIME, "60s..3min", 60e9, 180e9 },
		{ NUMBER_TIME, "10..20ms", 10e6, 20e6 },
		{ NUMBER_TIME, "6h", 21600e9, 21600e9 },
		{ NUMBER_TIME, "20..10", -1, 0 },
		{ NUMBER_TIME, "10..", -1, 0 },
		{ NUMBER_TIME, "..10", -1, 0 },
		{ NUMBER_TIME, "1..2..3", -1, 0 },
		{ NUMBER_TIME, "1.2.3", -1, 0 },
		{ NUMBER_TIME, "", -1, 0 },
		{ NUMBER_TIME, ".", -1, 0 },
		{ NUMBER_TIME, "-5", -1, 0 },
		{ NUMBER_TIME, "0x10", -1, 0 },
		{ NUMBER_TIME, "nan", -1, 0 },
		{ NUMBER_TIME, "5 ", -1, 0 },
		{ NUMBER_TIME, "5%", -1, 0 },
		{ NUMBER_TIME, "31000h", -1, 0 },
		{ NUMBER_CHANCE, "5%", 0.05, 0.05 },
		{ NUMBER_CHANCE, "0.05", 0.05, 0.05 },
		{ NUMBER_CHANCE, "0.5%..1.5%", 0.005, 0.015 },
		{ NUMBER_CHANCE, "1", 1, 1 },
		{ NUMBER_CHANCE, "5", -1, 0 },
		{ NUMBER_CHANCE, "101%", -1, 0 },
		{ NUMBER_RATE, "6mbit", 6e6, 6e6 },
		{ NUMBER_RATE, "3mbit..6mbit", 3e6, 6e6 },
		{ NUMBER_RATE, "64000", 64e3, 64e3 },
		{ NUMBER_RATE, "999", -1, 0 },
		{ NUMBER_RATE, "6mb", -1, 0 },
		{ NUMBER_COUNT, "5", 5, 5 },
		{ NUMBER_COUNT, "0.5", -1, 0 },
		{ NUMBER_BYTES, "1200", 1200, 1200 },
		{ NUMBER_BYTES, "12345678901234567890123456789012345", -1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct range got = { 7, 7 };
		int res = number_parse(&got, rows[i].text, rows[i].kind);

		if (res != (rows[i].low < 0 ? -EINVAL : 0))
			fail_msg("row %zu: %s", i, rows[i].text);
		if (res < 0)
			continue;
		assert_true(fabs(got.low - rows[i].low) <= rows[i].low * 1e-12);
		assert_true(fabs(got.high - rows[i].high) <= rows[i].high * 1e-12);
	}
}

static struct change_list parsed(const char *text)
{
	struct change_list list;
	char error[CHANGE_ERROR_SIZE];

	if (change_list_parse(&list, text, error) < 0)
		fail_msg("%s: %s", text, error);
	return list;
}

static void settings_take_effect(void **state)
{
	struct change_list list =
	    parsed("delay 40 jitter 10 order free loss 1% burst 10% 4 reorder 2% reorder-by 15 duplicate 3% corrupt 4% "
		   "rate 6mbit queue 64000 mtu 1200 rto 300 outage on freeze 2s cut off");
	struct settings s;
	struct dice dice = dice_make(1, 0, DICE_EVENTS);

	(void)state;
	settings_init(&s);
	for (size_t i = 0; i < list.n; i++)
		change_apply(&list.list[i], &s, &dice, 1000);
	assert_int_equal(s.delay_ns, 40000000);
	assert_int_equal(s.jitter_ns, 10000000);
	assert_true(s.may_reorder);
	assert_true(s.loss == 0.01 && s.reorder == 0.02 && s.duplicate == 0.03 && s.corrupt == 0.04);
	assert_true(s.bursts.r == 0.25 && s.bursts.loss_bad == 1);
	assert_int_equal(s.reorder_by_ns, 15000000);
	assert_int_equal(s.rate_bps, 6000000);
	assert_int_equal(s.queue_bytes, 64000);
	assert_int_equal(s.queue_ns, 0);
	assert_int_equal(s.mtu_bytes, 1200);
	assert_int_equal(s.rto_ns, 300000000);
	assert_true(s.outage_until_ns == SETTINGS_FOR_EVER);
	assert_int_equal(s.freeze_until_ns, 2000001000);
	assert_int_equal(s.cut_until_ns, 0);
	list = parsed("order keep queue 200ms mtu off rate off gilbert 1% 20% 0 0.9 outage off");
	for (size_t i = 0; i < list.n; i++)
		change_apply(&list.list[i], &s, &dice, 1000);
	assert_false(s.may_reorder);
	assert_int_equal(s.queue_bytes, 0);
	assert_int_equal(s.queue_ns, 200000000);
	assert_int_equal(s.mtu_bytes + s.rate_bps + s.outage_until_ns, 0);
	assert_true(s.bursts.p == 0.01 && s.bursts.r == 0.2 && s.bursts.loss_good == 0 && s.bursts.loss_bad == 0.9);
}

static void directions(void **state)
{
	struct change_list list = parsed("delay 1 up loss 1% rate 1mbit down loss 2% both mtu 1400 # up loss 5%");
	static const unsigned want[] = { 3, 1, 1, 2, 3 };

	(void)state;
	assert_int_equal(list.n, 5);
	for (size_t i = 0; i < list.n; i++)
		assert_int_equal(list.list[i].ways, want[i]);
	assert_int_equal(parsed("  \t # nothing").n, 0);
}

static void ranges_are_drawn(void **state)
{
	struct change_list list = parsed("delay 10..20");
	struct settings s;
	struct dice a = dice_make(1, 0, DICE_EVENTS), b = a;
	int64_t first_ns = 0;

	(void)state;
	settings_init(&s);
	for (size_t i = 0; i < 100; i++) {
		change_apply(&list.list[0], &s, &a, 0);
		assert_in_range(s.delay_ns, 10000000, 20000000);
		first_ns = i == 0 ? s.delay_ns : first_ns;
	}
	assert_true(s.delay_ns != first_ns);
	change_apply(&list.list[0], &s, &b, 0);
	assert_int_equal(s.delay_ns, first_ns);
}

static void says_what_was_expected(void **state)
{
	static const struct {
		const char *text;
		const char *want; /* part of the sentence */
	} rows[] = {
		{ "dealy 40", "expected up, down, both, delay, jitter" },
		{ "dealy 40", "found \"dealy\"" },
		{ "delay", "expected a time such as 40, 1.5s or 60s..180s after delay, found the end of the line" },
		{ "delay fast", "after delay, found \"fast\"" },
		{ "delay 40 loss 5", "expected a share such as 5%" },
		{ "loss 5 %", "after loss, found \"5\"" },
		{ "burst 5%", "after burst, found the end of the line" },
		{ "burst 90% 2", "at most N / (N + 1)" },
		{ "burst 10%..60% 1..5", "at most N / (N + 1)" },
		{ "order random", "expected keep or free" },
		{ "rate 6", "off or a rate" },
		{ "queue 5x", "off, bytes such as 64000, or a time" },
		{ "outage yes", "on, off or a time" },
		{ "profile", "a name or an address after profile" },
		{ "mtu zero", "off or bytes" },
		{ "delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 "
		  "delay 1 "
		  "delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1 delay 1",
		    "at most 24 settings" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct change_list list;
		char error[CHANGE_ERROR_SIZE] = "";

		assert_int_equal(change_list_parse(&list, rows[i].text, error), -EINVAL);
		if (!strstr(error, rows[i].want))
			fail_msg("%s: %s", rows[i].text, error);
	}
}

static void what_is_for_the_link(void **state)
{
	struct change_list list =
	    parsed("clear profile lte rebind rebind-to 127.0.0.2 target 127.0.0.1:80 reset cut on");

	(void)state;
	for (size_t i = 0; i < list.n; i++)
		assert_int_equal(change_is_setting(&list.list[i]), i == list.n - 1);
	assert_string_equal(list.list[1].word, "lte");
	assert_string_equal(list.list[3].word, "127.0.0.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(settings_take_effect),
		cmocka_unit_test(directions),
		cmocka_unit_test(ranges_are_drawn),
		cmocka_unit_test(says_what_was_expected),
		cmocka_unit_test(what_is_for_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
