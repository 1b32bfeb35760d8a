/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_range.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

static void ranges_as_rfc_9110_reads_them(void **state)
{
	static const struct {
		const char *value;
		uint64_t size_bytes;
		enum http_range_kind kind;
		uint64_t first;
		uint64_t last;
	} cases[] = {
		{ "bytes=0-0", 100, HTTP_RANGE_SLICE, 0, 0 },
		{ "bytes=0-99", 100, HTTP_RANGE_SLICE, 0, 99 },
		{ "bytes=10-19", 100, HTTP_RANGE_SLICE, 10, 19 },
		{ "bytes=99-99", 100, HTTP_RANGE_SLICE, 99, 99 },
		{ "bytes=10-", 100, HTTP_RANGE_SLICE, 10, 99 },
		{ "bytes=0-", 100, HTTP_RANGE_SLICE, 0, 99 },
		{ "bytes=-1", 100, HTTP_RANGE_SLICE, 99, 99 },
		{ "bytes=-100", 100, HTTP_RANGE_SLICE, 0, 99 },
		{ "bytes=-500", 100, HTTP_RANGE_SLICE, 0, 99 },
		{ "bytes=90-200", 100, HTTP_RANGE_SLICE, 90, 99 },
		{ "BYTES=1-2", 100, HTTP_RANGE_SLICE, 1, 2 },
		{ "bytes= 1-2 ", 100, HTTP_RANGE_SLICE, 1, 2 },
		{ "bytes=\t1-\t", 100, HTTP_RANGE_SLICE, 1, 99 },
		{ "bytes=007-008", 100, HTTP_RANGE_SLICE, 7, 8 },
		{ "bytes=1-18446744073709551615", 100, HTTP_RANGE_SLICE, 1, 99 },
		{ "bytes=1-99999999999999999999999", 100, HTTP_RANGE_SLICE, 1, 99 },
		{ "bytes=-99999999999999999999999", 100, HTTP_RANGE_SLICE, 0, 99 },
		{ "bytes=5-6", UINT64_MAX, HTTP_RANGE_SLICE, 5, 6 },
		{ "bytes=5-", UINT64_MAX, HTTP_RANGE_SLICE, 5, UINT64_MAX - 1 },
		/* nothing of it is there */
		{ "bytes=100-", 100, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=100-200", 100, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=99999999999999999999999-", 100, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=18446744073709551615-", UINT64_MAX, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=-0", 100, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=0-0", 0, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=0-", 0, HTTP_RANGE_BEYOND, 0, 0 },
		{ "bytes=-5", 0, HTTP_RANGE_BEYOND, 0, 0 },
		/* ignored */
		{ "", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=-", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=--5", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=5", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=6-5", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=200-199", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=+1-2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=1 -2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=1- 2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=1-2x", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=1-2-3", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=0x1-2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=-5x", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=a-b", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes =1-2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ " bytes=1-2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "items=1-2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=0-1,5-6", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=0-1,", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=-1,-2", 100, HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes=,0-1", 100, HTTP_RANGE_WHOLE, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_range range = { 0 };
		enum http_range_kind kind = http_range_parse(&range, cases[i].value, cases[i].size_bytes);

		if (kind != cases[i].kind || range.first != cases[i].first || range.last != cases[i].last)
			fail_msg("'%s' of %" PRIu64 ": %d, %" PRIu64 "-%" PRIu64, cases[i].value, cases[i].size_bytes,
			    (int)kind, range.first, range.last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_as_rfc_9110_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
