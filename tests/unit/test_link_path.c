/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS ((int64_t)1000000)

enum { ARRIVED_MAX = 6000 };

/* A path with one flow, and what has come out of it. */
struct lab {
	struct budget budget;
	struct flow flow;
	struct dice dice;
	struct path path;
	size_t n;
	struct {
		int64_t at_ns;
		uint32_t number;
		bool is_wrong; /* corrupted */
	} arrived[ARRIVED_MAX];
};

static struct lab lab;

static void lab_open(uint64_t seed, bool is_stream)
{
	memset(&lab, 0, sizeof(lab));
	lab.budget.max_bytes = 64 << 20;
	lab.dice = dice_make(seed, 9, DICE_EVENTS);
	path_init(&lab.path, &(struct path_config){ .seed = seed, .is_stream = is_stream, .budget = &lab.budget });
}

static int lab_close(void **state)
{
	(void)state;
	path_fini(&lab.path);
	assert_int_equal(lab.budget.used_bytes, 0);
	assert_int_equal(lab.flow.n_packets, 0);
	return 0;
}

static void set(const char *text, int64_t now_ns)
{
	struct change_list list;
	char error[CHANGE_ERROR_SIZE];

	if (change_list_parse(&list, text, error) < 0)
		fail_msg("%s: %s", text, error);
	for (size_t i = 0; i < list.n; i++)
		path_change(&lab.path, &list.list[i], &lab.dice, now_ns);
}

static void send(uint32_t number, uint32_t size_bytes, int64_t now_ns)
{
	uint8_t bytes[2000];
	struct packet *packet = NULL;

	memset(bytes, (int)(number & 0xff), sizeof(bytes));
	memcpy(bytes, &number, sizeof(number));
	packet = packet_create(&lab.budget, &lab.flow, bytes, size_bytes);
	path_offer(&lab.path, packet, now_ns);
}

static bool is_wrong(const struct packet *packet, uint32_t number)
{
	for (uint32_t i = 4; i < packet->size_bytes; i++)
		if (packet->data[i] != (number & 0xff))
			return true;
	return false;
}

/* Lets the time go on to until_ns, waking exactly when the path asks for it. */
static void run(int64_t now_ns, int64_t until_ns)
{
	struct packet *packet = NULL;
	int64_t next_ns = 0;

	while ((next_ns = path_next_ns(&lab.path, now_ns)) <= until_ns) {
		assert_true(next_ns >= now_ns || next_ns == lab.path.heap.items[0]->release_ns);
		now_ns = next_ns > now_ns ? next_ns : now_ns;
		while ((packet = path_take(&lab.path, now_ns))) {
			uint32_t number = 0;

			assert_true(lab.n < ARRIVED_MAX);
			if (packet->size_bytes >= sizeof(number))
				memcpy(&number, packet->data, sizeof(number));
			lab.arrived[lab.n].at_ns = now_ns;
			lab.arrived[lab.n].number = number;
			lab.arrived[lab.n++].is_wrong = is_wrong(packet, number);
			packet_destroy(&lab.budget, &packet);
		}
	}
}

static void assert_arrived(size_t i, uint32_t number, int64_t at_ns)
{
	assert_true(i < lab.n);
	assert_int_equal(lab.arrived[i].number, number);
	assert_int_equal(lab.arrived[i].at_ns, at_ns);
}

static void a_plain_wire_is_immediate(void **state)
{
	(void)state;
	lab_open(1, false);
	assert_true(path_next_ns(&lab.path, 0) == PATH_NEVER);
	send(1, 100, 5);
	send(2, 100, 5);
	run(5, 5);
	assert_arrived(0, 1, 5);
	assert_arrived(1, 2, 5);
	assert_int_equal(lab.path.stats.waiting, 0);
}

static void delay_is_exact(void **state)
{
	(void)state;
	lab_open(1, false);
	set("delay 40", 0);
	send(1, 100, 3);
	send(2, 100, 7 * MS);
	run(7 * MS, 40 * MS + 2);
	assert_int_equal(lab.n, 0);
	assert_int_equal(path_next_ns(&lab.path, 40 * MS), 40 * MS + 3);
	run(40 * MS, 100 * MS);
	assert_arrived(0, 1, 40 * MS + 3);
	assert_arrived(1, 2, 47 * MS);
}

/* 1 Mb/s: a packet of 1,250 bytes takes 10 ms, whenever we look. */
static void rate_spaces_packets(void **state)
{
	(void)state;
	lab_open(1, false);
	set("delay 5 rate 1mbit queue off", 0);
	for (uint32_t i = 0; i < 10; i++)
		send(i, 1250, 0);
	run(35 * MS, 1000 * MS);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(lab.arrived[i].number, i);
	assert_arrived(9, 9, 105 * MS);
	/* An idle link does not save up what it could have sent. */
	send(10, 1250, 500 * MS);
	send(11, 1250, 500 * MS);
	run(500 * MS, 1000 * MS);
	assert_arrived(10, 10, 515 * MS);
	assert_arrived(11, 11, 525 * MS);
}

static void a_new_rate_is_for_those_that_still_wait(void **state)
{
	(void)state;
	lab_open(1, false);
	set("rate 1mbit queue off", 0);
	for (uint32_t i = 0; i < 4; i++)
		send(i, 1250, 0);
	run(0, 12 * MS);
	set("rate 10mbit", 12 * MS);
	run(12 * MS, 1000 * MS);
	assert_arrived(0, 0, 10 * MS);
	assert_arrived(1, 1, 20 * MS); /* was under way */
	assert_arrived(2, 2, 21 * MS);
	assert_arrived(3, 3, 22 * MS);
}

static void the_queue_is_bounded(void **state)
{
	static const struct {
		const char *queue;
		size_t want; /* of 100 packets of 1,250 bytes at 1 Mb/s */
	} rows[] = {
		{ "queue 12500", 10 }, { "queue 12499", 9 }, { "queue 200ms", 20 }, { "queue 1", 1 },
		{ "queue 1ms", 1 }, { "queue off", 100 }, { "loss 0", 20 }, /* nothing said: 200 ms */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lab_open(1, false);
		set("rate 1mbit", 0);
		set(rows[i].queue, 0);
		for (uint32_t k = 0; k < 100; k++)
			send(k, 1250, 0);
		run(0, 10000 * MS);
		if (lab.n != rows[i].want || lab.path.stats.dropped_queue != 100 - rows[i].want)
			fail_msg("%s: %zu", rows[i].queue, lab.n);
		lab_close(NULL);
	}
	lab_open(1, false);
}

static void mtu_counts_the_wire(void **state)
{
	(void)state;
	lab_open(1, false);
	set("mtu 1200", 0);
	send(1, 1200, 0);
	send(2, 1201, 0);
	run(0, 1);
	assert_int_equal(lab.n, 1);
	assert_int_equal(lab.path.stats.dropped_mtu, 1);
}

static void jitter_keeps_order_or_not(void **state)
{
	int64_t least_ns = INT64_MAX, most_ns = 0, sum_ns = 0;
	size_t n_overtaken = 0;

	(void)state;
	lab_open(3, false);
	set("delay 50 jitter 20", 0);
	for (uint32_t i = 0; i < 5000; i++)
		send(i, 100, i * MS);
	run(0, 10000 * MS);
	assert_int_equal(lab.n, 5000);
	for (uint32_t i = 0; i < 5000; i++) {
		int64_t delay_ns = lab.arrived[i].at_ns - i * MS;

		assert_int_equal(lab.arrived[i].number, i);
		sum_ns += delay_ns;
		least_ns = delay_ns < least_ns ? delay_ns : least_ns;
		most_ns = delay_ns > most_ns ? delay_ns : most_ns;
	}
	assert_in_range(least_ns, 30 * MS, 35 * MS);
	assert_in_range(most_ns, 65 * MS, 70 * MS);
	assert_in_range(sum_ns / 5000, 47 * MS, 53 * MS);

	lab.n = 0;
	set("order free", 20000 * MS);
	for (uint32_t i = 0; i < 5000; i++)
		send(i, 100, 20000 * MS + i * MS);
	run(20000 * MS, 30000 * MS);
	for (uint32_t i = 1; i < 5000; i++)
		n_overtaken += lab.arrived[i].number < lab.arrived[i - 1].number;
	assert_true(n_overtaken > 1000);
	for (uint32_t i = 0; i < 5000; i++)
		assert_in_range(lab.arrived[i].at_ns - 20000 * MS - lab.arrived[i].number * MS, 30 * MS, 70 * MS);
}

static void a_shorter_delay_overtakes_nobody(void **state)
{
	(void)state;
	lab_open(1, false);
	set("delay 80", 0);
	send(1, 100, 0);
	set("delay 10", 1 * MS);
	send(2, 100, 2 * MS);
	run(2 * MS, 100 * MS);
	assert_arrived(0, 1, 80 * MS);
	assert_arrived(1, 2, 80 * MS);
}

static void some_are_held_back(void **state)
{
	size_t n_late = 0;

	(void)state;
	lab_open(1, false);
	set("delay 10 reorder 10% reorder-by 5", 0);
	for (uint32_t i = 0; i < 1000; i++)
		send(i, 100, i * MS);
	run(0, 2000 * MS);
	for (size_t i = 0; i < lab.n; i++) {
		int64_t delay_ns = lab.arrived[i].at_ns - lab.arrived[i].number * MS;

		assert_true(delay_ns == 10 * MS || delay_ns == 15 * MS);
		n_late += delay_ns == 15 * MS;
	}
	assert_int_equal(n_late, lab.path.stats.reordered);
	assert_in_range(n_late, 70, 130);
}

static void twins_and_flipped_bits(void **state)
{
	size_t n_wrong = 0, n_twins = 0;

	(void)state;
	lab_open(1, false);
	set("duplicate 20% corrupt 10%", 0);
	for (uint32_t i = 0; i < 1000; i++)
		send(i, 1400, i * MS);
	run(0, 2000 * MS);
	for (size_t i = 0; i < lab.n; i++) {
		n_wrong += lab.arrived[i].is_wrong;
		n_twins += i > 0 && lab.arrived[i].number == lab.arrived[i - 1].number;
	}
	assert_int_equal(lab.n, 1000 + lab.path.stats.duplicated);
	/* A flip in the first four bytes hides the number; with this seed there is at most a handful. */
	assert_in_range(n_twins, lab.path.stats.duplicated - 3, lab.path.stats.duplicated);
	assert_in_range(lab.path.stats.corrupted, 70, 130);
	assert_in_range(n_wrong, lab.path.stats.corrupted - 3, lab.path.stats.corrupted * 3 / 2);
	send(1, 0, 3000 * MS); /* no bit to flip */
	run(3000 * MS, 3000 * MS);
}

static void outage_loses_freeze_keeps(void **state)
{
	(void)state;
	lab_open(1, false);
	set("delay 10", 0);
	send(1, 100, 0);
	set("outage on", 1 * MS);
	send(2, 100, 2 * MS);
	run(2 * MS, 20 * MS);
	assert_arrived(0, 1, 10 * MS); /* it had left */
	assert_int_equal(lab.path.stats.lost_outage, 1);
	set("outage off freeze 100", 20 * MS);
	send(3, 100, 30 * MS);
	send(4, 100, 40 * MS);
	assert_int_equal(path_next_ns(&lab.path, 40 * MS), 120 * MS);
	run(40 * MS, 500 * MS);
	assert_arrived(1, 3, 130 * MS);
	assert_arrived(2, 4, 130 * MS);
	set("freeze on", 500 * MS);
	send(5, 100, 510 * MS);
	assert_true(path_next_ns(&lab.path, 510 * MS) == PATH_NEVER);
	set("freeze off", 777 * MS);
	run(777 * MS, 1000 * MS);
	assert_arrived(3, 5, 787 * MS);
	set("outage 50", 1000 * MS);
	send(6, 100, 1049 * MS);
	send(7, 100, 1050 * MS);
	run(1050 * MS, 2000 * MS);
	assert_arrived(4, 7, 1060 * MS);
	assert_int_equal(lab.path.stats.lost_outage, 2);
}

/* What waits for the rate when the link goes down is lost, too. */
static void outage_reaches_the_queue(void **state)
{
	(void)state;
	lab_open(1, false);
	set("rate 1mbit", 0);
	for (uint32_t i = 0; i < 5; i++)
		send(i, 1250, 0);
	run(0, 15 * MS);
	set("outage 12", 15 * MS);
	run(15 * MS, 100 * MS);
	assert_arrived(0, 0, 10 * MS);
	assert_arrived(1, 2, 30 * MS);
	assert_int_equal(lab.path.stats.lost_outage, 1);
}

static void a_stream_waits_instead_of_losing(void **state)
{
	(void)state;
	lab_open(1, true);
	set("delay 10 loss 100% rto 200 duplicate 100% corrupt 100% reorder 100% mtu 50 order free", 0);
	send(1, 1000, 0);
	set("loss 0%", 1 * MS);
	send(2, 1000, 1 * MS);
	run(1 * MS, 100 * MS);
	assert_int_equal(lab.n, 0);
	run(100 * MS, 300 * MS);
	assert_arrived(0, 1, 210 * MS);
	assert_arrived(1, 2, 210 * MS);
	assert_false(lab.arrived[0].is_wrong || lab.arrived[1].is_wrong);
	assert_int_equal(lab.path.stats.stalled, 1);
	set("outage on", 300 * MS);
	for (uint32_t i = 0; path_has_room(&lab.path); i++)
		send(i, 1000, 300 * MS);
	assert_in_range(lab.path.queue_bytes, 256 * 1024, 256 * 1024 + 1000);
	run(300 * MS, 1000 * MS);
	assert_int_equal(lab.n, 2);
	set("outage off", 1000 * MS);
	run(1000 * MS, 2000 * MS);
	assert_int_equal(lab.n, 2 + 263);
	assert_int_equal(lab.arrived[2].at_ns, 1010 * MS);
}

static void the_budget_is_a_loss_of_its_own(void **state)
{
	(void)state;
	lab_open(1, false);
	lab.budget.max_bytes = 10 * (100 + PACKET_OVERHEAD_BYTES);
	set("delay 10", 0);
	for (uint32_t i = 0; i < 15; i++)
		send(i, 100, 0);
	run(0, 100 * MS);
	assert_int_equal(lab.n, 10);
	assert_int_equal(lab.path.stats.dropped_memory, 5);
}

static const char *const everything =
    "delay 30 jitter 10 order free loss 5% burst 3% 4 duplicate 5% reorder 5% corrupt 5% rate 10mbit";

static void the_same_seed_decides_the_same(void **state)
{
	static struct lab first;
	int64_t shift_ns = 123456789;
	size_t n_other = 0;

	(void)state;
	lab_open(77, false);
	set(everything, 0);
	for (uint32_t i = 0; i < 2000; i++)
		send(i, 1000, i * MS);
	run(0, 5000 * MS);
	first = lab;
	lab_close(NULL);

	/* At another time of day: nothing but the packets counts. */
	lab_open(77, false);
	set(everything, shift_ns);
	for (uint32_t i = 0; i < 2000; i++)
		send(i, 1000, shift_ns + i * MS);
	run(shift_ns, shift_ns + 5000 * MS);
	assert_int_equal(lab.n, first.n);
	for (size_t i = 0; i < lab.n; i++) {
		assert_int_equal(lab.arrived[i].number, first.arrived[i].number);
		assert_int_equal(lab.arrived[i].at_ns - shift_ns, first.arrived[i].at_ns);
		assert_int_equal(lab.arrived[i].is_wrong, first.arrived[i].is_wrong);
	}
	lab_close(NULL);

	lab_open(78, false);
	set(everything, 0);
	for (uint32_t i = 0; i < 2000; i++)
		send(i, 1000, i * MS);
	run(0, 5000 * MS);
	for (size_t i = 0; i < lab.n && i < first.n; i++)
		n_other += lab.arrived[i].number != first.arrived[i].number;
	assert_true(n_other > 1000);
}

static void the_books_balance(void **state)
{
	const struct stats *s = &lab.path.stats;

	(void)state;
	lab_open(5, false);
	set(everything, 0);
	set("rate 2mbit queue 50ms", 0);
	for (uint32_t i = 0; i < 3000; i++) {
		send(i, 800, i * MS);
		run(i * MS, (i + 1) * MS - 1);
	}
	assert_int_equal(s->in, 3000);
	assert_true(s->waiting > 0 && s->dropped_queue > 0 && s->lost_random > 0 && s->lost_burst > 0);
	assert_int_equal(s->in + s->duplicated, lab.n + s->lost_random + s->lost_burst + s->dropped_queue + s->waiting);
	run(3000 * MS, 5000 * MS);
	assert_int_equal(s->waiting, 0);
	assert_int_equal(s->n_due, lab.n);
	assert_int_equal(s->late_max_ns, 0);
}

static void statistics_are_json(void **state)
{
	char text[2048] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct stats stats = { .in = 3, .lost_burst = 2 };

	(void)state;
	lab_open(1, false);
	stats_see_due(&stats, 0, 40 * MS, 41 * MS);
	stats_see_due(&stats, 0, 1, 2);
	stats_see_due(&stats, 0, 90000 * MS, 90000 * MS);
	stats_print(&stats, out);
	fclose(out);
	assert_int_equal(text[0], '{');
	assert_non_null(strstr(text, "\"in\": 3, "));
	assert_non_null(strstr(text, "\"lost_burst\": 2, "));
	assert_non_null(strstr(text, "\"late_max_ms\": 1.000"));
	assert_non_null(strstr(text, "\"delay_max_ms\": 90000.000"));
	assert_non_null(strstr(text, "[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]}"));
}

#define TEST(f) cmocka_unit_test_teardown(f, lab_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_plain_wire_is_immediate),
		TEST(delay_is_exact),
		TEST(rate_spaces_packets),
		TEST(a_new_rate_is_for_those_that_still_wait),
		TEST(the_queue_is_bounded),
		TEST(mtu_counts_the_wire),
		TEST(jitter_keeps_order_or_not),
		TEST(a_shorter_delay_overtakes_nobody),
		TEST(some_are_held_back),
		TEST(twins_and_flipped_bits),
		TEST(outage_loses_freeze_keeps),
		TEST(outage_reaches_the_queue),
		TEST(a_stream_waits_instead_of_losing),
		TEST(the_budget_is_a_loss_of_its_own),
		TEST(the_same_seed_decides_the_same),
		TEST(the_books_balance),
		TEST(statistics_are_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
