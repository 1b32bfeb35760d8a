/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/dice.h"
#include "tests/tools/link_emulator/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PACKETS = 3000 };

static struct budget budget;
static struct flow flow;

static struct packet *make(uint64_t seq, int64_t release_ns)
{
	struct packet *packet = packet_create(&budget, &flow, "x", 1);

	assert_non_null(packet);
	packet->seq = seq;
	packet->release_ns = release_ns;
	return packet;
}

static int prepare(void **state)
{
	(void)state;
	budget = (struct budget){ .max_bytes = 1 << 20 };
	flow = (struct flow){ 0 };
	return 0;
}

static void gives_back_in_order(void **state)
{
	struct heap heap;
	struct dice dice = dice_make(3, 0, DICE_EVENTS);
	struct packet *packet = NULL;
	int64_t last_ns = -1;
	uint64_t last_seq = 0;

	(void)state;
	heap_init(&heap);
	/* Few different times, so that many are equal. */
	for (uint64_t i = 0; i < PACKETS; i++)
		assert_int_equal(heap_push(&heap, make(i, (int64_t)(dice_draw(&dice) % 97))), 0);
	for (size_t i = 0; i < PACKETS; i++) {
		assert_ptr_equal(heap_first(&heap), heap.items[0]);
		packet = heap_pop(&heap);
		assert_true(packet->release_ns >= last_ns);
		assert_true(packet->release_ns > last_ns || packet->seq > last_seq);
		last_ns = packet->release_ns;
		last_seq = packet->seq;
		packet_destroy(&budget, &packet);
	}
	assert_null(heap_first(&heap));
	assert_null(heap_pop(&heap));
	assert_int_equal(flow.n_packets, 0);
	assert_int_equal(budget.used_bytes, 0);
	heap_fini(&heap);
}

static void pushes_between_pops(void **state)
{
	struct heap heap;
	struct dice dice = dice_make(4, 0, DICE_EVENTS);
	int64_t now_ns = 0;
	struct packet *packet = NULL;

	(void)state;
	heap_init(&heap);
	for (uint64_t i = 0; i < PACKETS; i++) {
		assert_int_equal(heap_push(&heap, make(i, now_ns + (int64_t)(dice_draw(&dice) % 50))), 0);
		if (i % 3 == 0)
			continue;
		packet = heap_pop(&heap);
		assert_true(packet->release_ns >= now_ns);
		now_ns = packet->release_ns;
		packet_destroy(&budget, &packet);
	}
	while ((packet = heap_pop(&heap))) {
		assert_true(packet->release_ns >= now_ns);
		now_ns = packet->release_ns;
		packet_destroy(&budget, &packet);
	}
	heap_fini(&heap);
}

static void the_budget_bounds_packets(void **state)
{
	struct budget small = { .max_bytes = 2 * (100 + PACKET_OVERHEAD_BYTES) };
	struct packet *a = NULL, *b = NULL;
	uint8_t bytes[100] = { 1, 2, 3 };

	(void)state;
	a = packet_create(&small, &flow, bytes, sizeof(bytes));
	assert_non_null(a);
	b = packet_copy(&small, a);
	assert_non_null(b);
	assert_memory_equal(b->data, bytes, sizeof(bytes));
	assert_null(packet_create(&small, &flow, bytes, 0));
	packet_destroy(&small, &a);
	a = packet_create(&small, &flow, bytes, sizeof(bytes));
	assert_non_null(a);
	packet_destroy(&small, &a);
	packet_destroy(&small, &b);
	packet_destroy(&small, &b);
	assert_int_equal(small.used_bytes, 0);
	assert_int_equal(flow.n_packets + flow.size_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gives_back_in_order, prepare),
		cmocka_unit_test_setup(pushes_between_pops, prepare),
		cmocka_unit_test_setup(the_budget_bounds_packets, prepare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
