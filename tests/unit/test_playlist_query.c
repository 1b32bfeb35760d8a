/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist_query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

static void directives_are_read(void **state)
{
	static const struct {
		const char *query;
		struct playlist_query expected;
	} cases[] = {
		{ "", { 0 } },
		{ "a=b", { 0 } },
		{ "_HLS_msn=0", { .has_msn = true } },
		{ "_HLS_msn=273&_HLS_part=2", { .has_msn = true, .msn = 273, .has_part = true, .part = 2 } },
		{ "_HLS_part=2&_HLS_msn=273", { .has_msn = true, .msn = 273, .has_part = true, .part = 2 } },
		{ "x=1&_HLS_msn=7&&y", { .has_msn = true, .msn = 7 } },
		{ "_HLS_msn=18446744073709551615", { .has_msn = true, .msn = UINT64_MAX } },
		{ "_HLS_skip=YES", { .wants_delta = true } },
		{ "_HLS_skip=v2&_HLS_msn=1", { .wants_delta = true, .has_msn = true, .msn = 1 } },
		{ "_HLS_msnx=1&_hls_msn=2&HLS_msn", { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct playlist_query *e = &cases[i].expected;
		struct playlist_query q;

		if (!playlist_query_parse(&q, cases[i].query) || q.has_msn != e->has_msn || q.msn != e->msn ||
		    q.has_part != e->has_part || q.part != e->part || q.wants_delta != e->wants_delta)
			fail_msg("'%s'", cases[i].query);
	}
}

static void what_is_written_wrongly_is_refused(void **state)
{
	static const char *const cases[] = {
		"_HLS_msn",
		"_HLS_msn=",
		"_HLS_msn=-1",
		"_HLS_msn=+1",
		"_HLS_msn= 1",
		"_HLS_msn=1 ",
		"_HLS_msn=1.5",
		"_HLS_msn=0x1",
		"_HLS_msn=abc",
		"_HLS_msn=1=1",
		"_HLS_msn=18446744073709551616",
		"_HLS_msn=99999999999999999999999999",
		"_HLS_part=1",
		"_HLS_part=",
		"_HLS_msn=1&_HLS_part=",
		"_HLS_msn=1&_HLS_part=x",
		"_HLS_msn=1&_HLS_part=-1",
		"_HLS_msn=1&_HLS_msn=1",
		"_HLS_msn=1&_HLS_msn=2",
		"_HLS_msn=1&_HLS_part=1&_HLS_part=1",
		"_HLS_skip=yes",
		"_HLS_skip=NO",
		"_HLS_skip=",
		"_HLS_skip",
		"_HLS_skip=YES&_HLS_skip=YES",
		"_HLS_msn=\xef\xbc\x91",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct playlist_query q;

		if (playlist_query_parse(&q, cases[i]))
			fail_msg("'%s'", cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directives_are_read),
		cmocka_unit_test(what_is_written_wrongly_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
