/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

struct row {
	const char *rest;
	const char *result; /* token|stream|resource; NULL: refused */
};

static void check(const struct row *row, bool has_resource)
{
	struct deliver_path path;
	char text[256];

	if (!deliver_path_parse(&path, row->rest, has_resource)) {
		if (row->result)
			fail_msg("'%s' was refused", row->rest);
		return;
	}
	if (!row->result)
		fail_msg("'%s' was taken", row->rest);
	snprintf(text, sizeof(text), "%.*s|%.*s|%.*s", (int)path.token_len, path.token ? path.token : "",
	    (int)path.stream_len, path.stream, (int)path.resource_len, path.resource ? path.resource : "");
	assert_string_equal(text, row->result);
}

static void parses_media(void **state)
{
	static const struct row rows[] = {
		{ "a/index.m3u8", "|a|index.m3u8" },
		{ "@main/index.m3u8", "|@main|index.m3u8" },
		{ "t/index.m3u8", "|t|index.m3u8" },
		{ "t/TOKEN/a/seg-e-1.m4s", "TOKEN|a|seg-e-1.m4s" },
		{ "t/t/t/t", "t|t|t" },
		{ "", NULL },
		{ "a", NULL },
		{ "a/", NULL },
		{ "a/b/", NULL },
		{ "a/b/c", NULL },
		{ "t/TOKEN/a", NULL },
		{ "t/TOKEN/a/", NULL },
		{ "x/TOKEN/a/b", NULL },
		{ "tt/TOKEN/a/b", NULL },
		{ "t/TOKEN/a/b/c", NULL },
		{ "/a/b", NULL },
		{ "a//b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], true);
}

static void parses_pages(void **state)
{
	static const struct row rows[] = {
		{ "a", "|a|" },
		{ "a/", "|a|" },
		{ "t", "|t|" },
		{ "t/TOKEN/a", "TOKEN|a|" },
		{ "t/TOKEN/a/", "TOKEN|a|" },
		{ "", NULL },
		{ "/", NULL },
		{ "a/b", NULL },
		{ "t/TOKEN", NULL },
		{ "x/TOKEN/a", NULL },
		{ "t/TOKEN/a/b", NULL },
		{ "a//", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_media),
		cmocka_unit_test(parses_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
