/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ts_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND_US = 1000000, MESSAGE = 1316 };

static int set_up(void **state)
{
	static struct ts_ring ring;

	ts_ring_init(&ring);
	*state = &ring;
	return 0;
}

static int tear_down(void **state)
{
	ts_ring_fini(*state);
	return 0;
}

static void push_at(struct ts_ring *r, uint64_t packet, int64_t us)
{
	uint8_t data[MESSAGE];

	memset(data, (int)(packet & 0xff), sizeof(data));
	assert_int_equal(ts_ring_push(r, data, sizeof(data), packet, us), 0);
}

static void test_keeps_messages_and_counts_bytes(void **state)
{
	struct ts_ring *r = *state;

	assert_int_equal(r->head, 1);
	for (uint64_t i = 0; i < 1000; i++)
		push_at(r, i * 7, 0);
	assert_int_equal(r->tail, 1);
	assert_int_equal(r->head, 1001);
	assert_int_equal(ts_ring_message(r, 500)->bytes->data[3], (499 * 7) & 0xff);
	assert_int_equal(ts_ring_bytes_from(r, 991), 10 * MESSAGE);
	assert_int_equal(ts_ring_bytes_from(r, r->head), 0);
}

static void test_finds_the_message_of_a_packet(void **state)
{
	struct ts_ring *r = *state;

	assert_int_equal(ts_ring_find(r, 1, 0), 0);
	for (uint64_t i = 0; i < 100; i++)
		push_at(r, 50 + i * 7, 0);
	assert_int_equal(ts_ring_find(r, 1, 49), 0);
	assert_int_equal(ts_ring_find(r, 1, 50), 1);
	assert_int_equal(ts_ring_find(r, 1, 56), 1);
	assert_int_equal(ts_ring_find(r, 1, 57), 2);
	assert_int_equal(ts_ring_find(r, 1, 50 + 99 * 7 + 6), 100);
	assert_int_equal(ts_ring_find(r, 40, 50 + 10 * 7), 0);
	assert_int_equal(ts_ring_find(r, 40, 50 + 60 * 7), 61);
}

static void test_drops_what_is_old_but_not_where_newcomers_start(void **state)
{
	struct ts_ring *r = *state;

	for (int i = 0; i < 100; i++)
		push_at(r, (uint64_t)i, i * SECOND_US / 10);
	r->keep_seq = 20; /* came at 1.9 s */
	for (int i = 0; i < 10; i++) {
		push_at(r, 1000, 7 * SECOND_US + i);
		assert_true(r->tail <= 20);
	}
	push_at(r, 1000, 9 * SECOND_US);
	assert_int_equal(r->tail, 20);
	/* Beyond 10 s nothing is kept. */
	push_at(r, 1000, 12 * SECOND_US);
	assert_true(r->tail > 20);
	assert_true(12 * SECOND_US - ts_ring_message(r, r->tail)->arrival_us <= TS_RING_MAX_US);
	push_at(r, 1000, 1000ll * SECOND_US);
	assert_int_equal(r->head - r->tail, 1);
}

static void test_never_more_than_its_bytes_and_messages(void **state)
{
	static uint8_t big[TS_RING_MAX_BYTES / 4 + 1];
	struct ts_ring *r = *state;

	r->keep_seq = 1;
	for (int i = 0; i < 8; i++)
		assert_int_equal(ts_ring_push(r, big, sizeof(big), 0, 0), 0);
	assert_int_equal(r->head - r->tail, 3);
	for (int i = 0; i < TS_RING_MAX_MESSAGES + 100; i++)
		assert_int_equal(ts_ring_push(r, big, 1, 0, 0), 0);
	assert_int_equal(r->head - r->tail, TS_RING_MAX_MESSAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keeps_messages_and_counts_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_finds_the_message_of_a_packet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_drops_what_is_old_but_not_where_newcomers_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_never_more_than_its_bytes_and_messages, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
