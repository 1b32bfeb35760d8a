/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/live_edge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"

/* Segment 41 has four parts; of 42 two are there. Parts of 500 ms: six may be asked for in advance. */
static const struct live_edge open_edge = {
	.has_playlist = true,
	.last_msn = 41,
	.newest_msn = 42,
	.newest_part_count = 2,
	.newest_sequence = 170,
	.advance_parts = 6,
};
/* The same before 42 has begun. */
static const struct live_edge closed_edge = {
	.has_playlist = true,
	.last_msn = 41,
	.newest_msn = 41,
	.newest_part_count = 4,
	.newest_sequence = 168,
	.advance_parts = 6,
};
static const struct live_edge ended_edge = {
	.has_playlist = true,
	.is_ended = true,
	.last_msn = 41,
	.newest_msn = 41,
	.newest_part_count = 4,
	.newest_sequence = 168,
	.advance_parts = 6,
};
static const struct live_edge begun_edge = { .advance_parts = 6 };
/* Its first segment is not complete: parts are there, a playlist is not. */
static const struct live_edge first_edge = { .newest_sequence = 2, .advance_parts = 6 };
static const struct live_edge empty_end_edge = { .is_ended = true, .advance_parts = 6 };

static void playlists_by_number(void **state)
{
	static const struct {
		const struct live_edge *edge;
		int64_t msn; /* -1: not asked for */
		int64_t part;
		enum live_answer answer;
	} cases[] = {
		{ &open_edge, -1, -1, LIVE_NOW },
		{ &open_edge, 0, -1, LIVE_NOW },
		{ &open_edge, 41, -1, LIVE_NOW },
		{ &open_edge, 42, -1, LIVE_LATER },
		{ &open_edge, 43, -1, LIVE_LATER },
		{ &open_edge, 44, -1, LIVE_TOO_FAR },
		{ &open_edge, INT64_MAX, -1, LIVE_TOO_FAR },
		{ &open_edge, 41, 0, LIVE_NOW },
		{ &open_edge, 41, 3, LIVE_NOW },
		/* past the end of a segment that is complete: the next one has begun */
		{ &open_edge, 41, 4, LIVE_NOW },
		{ &open_edge, 41, 1000, LIVE_NOW },
		{ &open_edge, 42, 0, LIVE_NOW },
		{ &open_edge, 42, 1, LIVE_NOW },
		{ &open_edge, 42, 2, LIVE_LATER },
		{ &open_edge, 42, 7, LIVE_LATER },
		{ &open_edge, 42, 8, LIVE_TOO_FAR },
		{ &open_edge, 43, 0, LIVE_LATER },
		{ &open_edge, 43, 5, LIVE_LATER },
		{ &open_edge, 43, 6, LIVE_TOO_FAR },
		{ &open_edge, 44, 0, LIVE_TOO_FAR },
		/* the same when the next one has not begun yet */
		{ &closed_edge, 41, 3, LIVE_NOW },
		{ &closed_edge, 41, 4, LIVE_LATER },
		{ &closed_edge, 41, 9, LIVE_LATER },
		{ &closed_edge, 41, 10, LIVE_TOO_FAR },
		{ &closed_edge, 41, INT64_MAX, LIVE_TOO_FAR },
		{ &closed_edge, 42, -1, LIVE_LATER },
		{ &closed_edge, 42, 0, LIVE_LATER },
		{ &closed_edge, 42, 5, LIVE_LATER },
		{ &closed_edge, 42, 6, LIVE_TOO_FAR },
		{ &closed_edge, 43, 0, LIVE_LATER },
		{ &closed_edge, 44, 0, LIVE_TOO_FAR },
		/* nothing more will come: as it is */
		{ &ended_edge, -1, -1, LIVE_NOW },
		{ &ended_edge, 42, 0, LIVE_NOW },
		{ &ended_edge, 1000, -1, LIVE_NOW },
		/* begun: it is about to be there */
		{ &begun_edge, -1, -1, LIVE_LATER },
		{ &begun_edge, 42, 0, LIVE_LATER },
		{ &begun_edge, 99999, -1, LIVE_LATER },
		{ &first_edge, -1, -1, LIVE_LATER },
		{ &first_edge, 0, 1, LIVE_LATER },
		{ &empty_end_edge, -1, -1, LIVE_NEVER },
		{ &empty_end_edge, 1, -1, LIVE_NEVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct playlist_query q = {
			.has_msn = cases[i].msn >= 0,
			.msn = (uint64_t)cases[i].msn,
			.has_part = cases[i].part >= 0,
			.part = (uint64_t)cases[i].part,
		};
		enum live_answer answer = live_edge_judge_playlist(cases[i].edge, &q);

		if (answer != cases[i].answer)
			fail_msg("case %zu: %d", i, (int)answer);
	}
}

static void parts_that_are_not_there(void **state)
{
	static const struct {
		const struct live_edge *edge;
		uint64_t sequence;
		enum live_answer answer;
	} cases[] = {
		{ &open_edge, 171, LIVE_LATER },
		{ &open_edge, 172, LIVE_NEVER },
		{ &open_edge, 3, LIVE_NEVER },
		{ &open_edge, UINT64_MAX, LIVE_NEVER },
		{ &closed_edge, 169, LIVE_LATER },
		{ &ended_edge, 169, LIVE_NEVER },
		{ &begun_edge, 171, LIVE_LATER },
		{ &first_edge, 3, LIVE_LATER },
		{ &first_edge, 4, LIVE_NEVER },
		{ &empty_end_edge, 1, LIVE_NEVER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum live_answer answer = live_edge_judge_part(cases[i].edge, cases[i].sequence);

		if (answer != cases[i].answer)
			fail_msg("case %zu: %d", i, (int)answer);
	}
}

static void three_seconds_in_advance(void **state)
{
	static const struct {
		unsigned part_ms;
		unsigned parts;
	} cases[] = { { 200, 15 }, { 333, 10 }, { 500, 6 }, { 999, 4 }, { 1000, 3 }, { 2000, 3 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(live_edge_advance_parts(cases[i].part_ms), cases[i].parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(playlists_by_number),
		cmocka_unit_test(parts_that_are_not_there),
		cmocka_unit_test(three_seconds_in_advance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
