/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_rec_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

/* What was read, as "token name recording kind stretch"; "-" for none. */
static void describe(const struct deliver_rec_path *p, char out[256])
{
	static const char *const kinds[] = { "main", "media", "file" };

	snprintf(out, 256, "%.*s %.*s %.*s %s %u", p->token ? (int)p->token_len : 1, p->token ? p->token : "-",
	    (int)p->name_len, p->name, p->recording ? (int)p->recording_len : 1, p->recording ? p->recording : "-",
	    kinds[p->kind], p->stretch);
}

static void paths_are_read_as_they_are_written(void **state)
{
	static const struct {
		enum deliver_rec_form form;
		const char *rest;
		const char *wanted; /* NULL: it is no path */
	} table[] = {
		{ DELIVER_REC_RECORDING, "a-1/index.m3u8", "- a-1 - main 0" },
		{ DELIVER_REC_RECORDING, "a-1/main.m3u8", "- a-1 - media 0" },
		{ DELIVER_REC_RECORDING, "a-1/0012.mp4", "- a-1 - file 12" },
		{ DELIVER_REC_RECORDING, "t/x-y/a-1/0012.mp4", "x-y a-1 - file 12" },
		{ DELIVER_REC_RECORDING, "t/index.m3u8", "- t - main 0" },
		{ DELIVER_REC_RECORDING, "t/t/t/index.m3u8", "t t - main 0" },
		{ DELIVER_REC_RECORDING, "a-1/0000.mp4", NULL },
		{ DELIVER_REC_RECORDING, "a-1/12.mp4", NULL },
		{ DELIVER_REC_RECORDING, "a-1/0012.idx", NULL },
		{ DELIVER_REC_RECORDING, "a-1/recording.json", NULL },
		{ DELIVER_REC_RECORDING, "a-1/..", NULL },
		{ DELIVER_REC_RECORDING, "a-1/0012.mp4/", NULL },
		{ DELIVER_REC_RECORDING, "a-1", NULL },
		{ DELIVER_REC_RECORDING, "", NULL },
		{ DELIVER_REC_RECORDING, "/index.m3u8", NULL },
		{ DELIVER_REC_RECORDING, "x/y/a-1/index.m3u8", NULL },
		{ DELIVER_REC_RECORDING, "a/b/index.m3u8", NULL },
		{ DELIVER_REC_CLIP, "c/index.m3u8", "- c - main 0" },
		{ DELIVER_REC_CLIP, "c/main.m3u8", "- c - media 0" },
		{ DELIVER_REC_CLIP, "c/a-1/0001.mp4", "- c a-1 file 1" },
		{ DELIVER_REC_CLIP, "t/x/c/a-1/0001.mp4", "x c a-1 file 1" },
		{ DELIVER_REC_CLIP, "t/x/c/main.m3u8", "x c - media 0" },
		{ DELIVER_REC_CLIP, "c/0001.mp4", NULL },
		{ DELIVER_REC_SHIFT, "s/shift/index.m3u8", "- s - main 0" },
		{ DELIVER_REC_SHIFT, "s/shift/a-1/main.m3u8", "- s a-1 media 0" },
		{ DELIVER_REC_SHIFT, "s/shift/a-1/0001.mp4", "- s a-1 file 1" },
		{ DELIVER_REC_SHIFT, "t/x/s/shift/index.m3u8", "x s - main 0" },
		{ DELIVER_REC_SHIFT, "t/x/s/shift/a-1/0001.mp4", "x s a-1 file 1" },
		{ DELIVER_REC_SHIFT, "shift/shift/index.m3u8", "- shift - main 0" },
		{ DELIVER_REC_SHIFT, "t/shift/a-1/main.m3u8", "- t a-1 media 0" },
		{ DELIVER_REC_SHIFT, "s/shift/main.m3u8", NULL },
		{ DELIVER_REC_SHIFT, "s/shifty/index.m3u8", NULL },
		{ DELIVER_REC_SHIFT, "t/x/s/shift/a-1/b/0001.mp4", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct deliver_rec_path path;
		char got[256] = "";
		bool is_path = deliver_rec_path_parse(&path, table[i].rest, table[i].form);

		if (is_path)
			describe(&path, got);
		assert_string_equal(got, table[i].wanted ? table[i].wanted : "");
	}
}

static void a_time_shift_is_told_from_live(void **state)
{
	(void)state;
	assert_true(deliver_rec_path_is_shift("s/shift/index.m3u8"));
	assert_true(deliver_rec_path_is_shift("s/shift/a-1/main.m3u8"));
	assert_true(deliver_rec_path_is_shift("t/x/s/shift/index.m3u8"));
	assert_true(deliver_rec_path_is_shift("t/x/s/shift/a-1/0001.mp4"));
	assert_false(deliver_rec_path_is_shift("s/index.m3u8"));
	assert_false(deliver_rec_path_is_shift("shift/index.m3u8"));
	assert_false(deliver_rec_path_is_shift("t/x/shift/index.m3u8"));
	assert_false(deliver_rec_path_is_shift("s/shift"));
	assert_false(deliver_rec_path_is_shift(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_read_as_they_are_written),
		cmocka_unit_test(a_time_shift_is_told_from_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
