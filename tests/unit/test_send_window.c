/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/send_window.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LOOK_US = 5000, ACK_EVERY_US = 10000 };

static void test_room_is_what_is_left(void **state)
{
	struct send_window window;

	(void)state;
	send_window_init(&window);
	assert_int_equal(send_window_room(&window, 0), SEND_WINDOW_MESSAGES);
	assert_int_equal(send_window_room(&window, SEND_WINDOW_MESSAGES - 1), 1);
	assert_int_equal(send_window_room(&window, SEND_WINDOW_MESSAGES), 0);
	assert_int_equal(send_window_room(&window, SEND_WINDOW_MAX_MESSAGES), 0);
}

static void test_one_that_passes_now_and_then_stays(void **state)
{
	struct send_window window;

	(void)state;
	send_window_init(&window);
	for (int64_t now_us = 0; now_us < 10 * SEND_WINDOW_HELD_US; now_us += SEND_WINDOW_HELD_US - 1) {
		send_window_hold(&window, 50, now_us);
		send_window_hold(&window, 50, now_us + SEND_WINDOW_HELD_US - 1);
		send_window_pass(&window);
	}
	assert_int_equal(window.messages, SEND_WINDOW_MESSAGES);
}

static void test_one_that_does_not_shrink_doubles_up_to_the_most(void **state)
{
	struct send_window window;
	int64_t now_us = 0;

	(void)state;
	send_window_init(&window);
	send_window_hold(&window, 100, now_us);
	send_window_hold(&window, 91, now_us += SEND_WINDOW_HELD_US);
	assert_int_equal(window.messages, 2 * SEND_WINDOW_MESSAGES);
	send_window_hold(&window, 91, now_us + SEND_WINDOW_HELD_US - 1);
	assert_int_equal(window.messages, 2 * SEND_WINDOW_MESSAGES);
	for (int i = 0; i < 20; i++)
		send_window_hold(&window, 91, now_us += SEND_WINDOW_HELD_US);
	assert_int_equal(window.messages, SEND_WINDOW_MAX_MESSAGES);
}

/* A player with a backlog behind a link, as out_srt does it: sends at every look what the window lets through. */
struct link {
	const char *what;
	int64_t rtt_us;
	size_t backlog;	      /* messages that a newcomer finds */
	size_t per_s;	      /* that come while it catches up */
	int64_t done_us_most; /* it has caught up by then */
	size_t window_most;
};

static const struct link links[] = {
	{ "2 Mbit/s and 2 s on a LAN", 200, 380, 190, 200000, SEND_WINDOW_MESSAGES },
	{ "2 Mbit/s and 4 s on a LAN", 200, 760, 190, 400000, SEND_WINDOW_MESSAGES },
	{ "a key frame of 100 KB on a LAN", 200, 76, 190, 40000, SEND_WINDOW_MESSAGES },
	{ "2 Mbit/s and 2 s at 40 ms", 40000, 380, 190, 500000, 4 * SEND_WINDOW_MESSAGES },
	{ "2 Mbit/s and 2 s at 120 ms", 120000, 380, 190, 700000, 8 * SEND_WINDOW_MESSAGES },
	{ "10 Mbit/s and 4 s at 300 ms", 300000, 3800, 950, 2500000, SEND_WINDOW_MAX_MESSAGES },
};

enum { LOOKS_MAX = 1000 };

static void run_link(const struct link *link)
{
	struct send_window window;
	size_t sent_by[LOOKS_MAX + 1] = { 0 };
	size_t sent = 0, acknowledged = 0, all = link->backlog;
	int64_t now_us = 0;
	size_t look = 0;

	send_window_init(&window);
	do {
		const int64_t heard_us = now_us - now_us % ACK_EVERY_US - link->rtt_us;
		size_t room;

		assert_true(look < LOOKS_MAX);
		all = link->backlog + (size_t)now_us * link->per_s / 1000000;
		if (heard_us > 0)
			acknowledged = sent_by[heard_us / LOOK_US];
		room = send_window_room(&window, sent - acknowledged);
		sent += room < all - sent ? room : all - sent;
		sent_by[++look] = sent;
		if (sent < all)
			send_window_hold(&window, all - sent, now_us);
		now_us += LOOK_US;
	} while (sent < all);
	if (now_us > link->done_us_most || window.messages > link->window_most)
		fail_msg("%s: %lld us, window %zu", link->what, (long long)now_us, window.messages);
}

static void test_backlogs_go_out_in_time_through_small_windows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		run_link(&links[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_is_what_is_left),
		cmocka_unit_test(test_one_that_passes_now_and_then_stays),
		cmocka_unit_test(test_one_that_does_not_shrink_doubles_up_to_the_most),
		cmocka_unit_test(test_backlogs_go_out_in_time_through_small_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
