/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void reads_what_is_there(void **state)
{
	const uint8_t raw[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	struct bytes_reader r;

	(void)state;
	bytes_reader_init(&r, raw, sizeof(raw));
	assert_int_equal(bytes_u8(&r), 0x01);
	assert_int_equal(bytes_u16(&r), 0x0203);
	assert_int_equal(bytes_u24(&r), 0x040506);
	assert_int_equal(bytes_u32_little(&r), 0x0a090807);
	assert_int_equal(bytes_left(&r), 2);
	assert_false(r.is_short);
	assert_int_equal(bytes_u32(&r), 0);
	assert_true(r.is_short);
	assert_int_equal(bytes_left(&r), 0);
}

static void takes_nothing_from_nothing(void **state)
{
	struct bytes_reader r;

	(void)state;
	bytes_reader_init(&r, NULL, 0);
	assert_int_equal(bytes_left(&r), 0);
	assert_null(bytes_take(&r, 1));
	assert_true(r.is_short);
}

static void fixed_writer_stops_at_its_end(void **state)
{
	uint8_t buf[5];
	struct bytes_writer w;

	(void)state;
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	bytes_put_u32(&w, 0xdeadbeef);
	bytes_put_u16(&w, 1);
	assert_true(w.is_full);
	assert_int_equal(w.len, 4);
	bytes_put_u8(&w, 7);
	assert_int_equal(w.len, 4);
}

static void growing_writer_round_trips(void **state)
{
	struct bytes_writer w;
	struct bytes_reader r;

	(void)state;
	bytes_writer_init_growing(&w, 1000);
	bytes_put_u32(&w, 0);
	bytes_put_f64(&w, -1.5);
	bytes_put_u24(&w, 0x123456);
	bytes_put_u64(&w, UINT64_MAX - 1);
	bytes_put_u32_little(&w, 0x01020304);
	bytes_patch_u32(&w, 0, (uint32_t)w.len);
	bytes_reader_init(&r, w.data, w.len);
	assert_int_equal(bytes_u32(&r), w.len);
	assert_true(bytes_f64(&r) == -1.5);
	assert_int_equal(bytes_u24(&r), 0x123456);
	assert_true(bytes_u64(&r) == UINT64_MAX - 1);
	assert_int_equal(bytes_u32_little(&r), 0x01020304);
	bytes_put_zeros(&w, 1000);
	assert_true(w.is_full);
	bytes_writer_fini(&w);
}

static void exp_golomb_follows_the_table(void **state)
{
	/* 1 | 010 | 011 | 00100 | 00101 : ue 0 1 2 3 4 */
	const uint8_t raw[] = { 0xa6, 0x42, 0x80 };
	struct bits_reader b;

	(void)state;
	bits_reader_init(&b, raw, sizeof(raw));
	for (uint32_t want = 0; want < 5; want++)
		assert_int_equal(bits_ue(&b), want);
	bits_reader_init(&b, raw, sizeof(raw));
	assert_int_equal(bits_se(&b), 0);
	assert_int_equal(bits_se(&b), 1);
	assert_int_equal(bits_se(&b), -1);
	assert_int_equal(bits_se(&b), 2);
	assert_int_equal(bits_se(&b), -2);
}

static void endless_zeros_end(void **state)
{
	const uint8_t raw[16] = { 0 };
	struct bits_reader b;

	(void)state;
	bits_reader_init(&b, raw, sizeof(raw));
	assert_int_equal(bits_ue(&b), 0);
	assert_true(b.is_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_there),
		cmocka_unit_test(takes_nothing_from_nothing),
		cmocka_unit_test(fixed_writer_stops_at_its_end),
		cmocka_unit_test(growing_writer_round_trips),
		cmocka_unit_test(exp_golomb_follows_the_table),
		cmocka_unit_test(endless_zeros_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
