/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/streamid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

#define KEY "abcdefghijklmnopqrstuvwxyz"

/* A copy whose end AddressSanitizer watches. */
static enum streamid_verdict parse(struct streamid *id, char **copy, const char *text, size_t len)
{
	*copy = malloc(len > 0 ? len : 1);
	assert_non_null(*copy);
	memcpy(*copy, text, len);
	memset(id, 0, sizeof(*id));
	return streamid_parse(id, *copy, len);
}

static void assert_slice(struct streamid_slice slice, const char *want)
{
	if (!want) {
		assert_null(slice.text);
		return;
	}
	assert_int_equal(slice.len, strlen(want));
	assert_memory_equal(slice.text, want, slice.len);
}

static void reads_every_form(void **state)
{
	static const struct {
		const char *text;
		enum streamid_mode mode;
		const char *name;
		const char *token;
	} rows[] = {
		{ "#!::r=" KEY ",m=publish", STREAMID_PUBLISH, KEY, NULL },
		{ "#!::m=publish,r=" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "#!::m=publish,r=" KEY ",", STREAMID_PUBLISH, KEY, NULL },
		{ "#!::,,m=publish,,r=" KEY ",,", STREAMID_PUBLISH, KEY, NULL },
		{ "#!::u=admin,h=example.jp,t=stream,r=" KEY ",m=publish,user_x=1", STREAMID_PUBLISH, KEY, NULL },
		{ "#!::t=,r=" KEY ",m=publish", STREAMID_PUBLISH, KEY, NULL },
		{ "#!::r=tanaka,m=request,s=18f-00", STREAMID_REQUEST, "tanaka", "18f-00" },
		{ "#!::r=tanaka,m=request,s=", STREAMID_REQUEST, "tanaka", NULL },
		{ "#!::r=tanaka", STREAMID_UNSAID, "tanaka", NULL },
		{ "#!::r=tanaka,s=18f-00", STREAMID_UNSAID, "tanaka", "18f-00" },
		{ "#!::r=live/" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "#!::r=/play/tanaka", STREAMID_REQUEST, "tanaka", NULL },
		{ "#!::r=tanaka,m=bidirectional", STREAMID_BAD_MODE, "tanaka", NULL },
		{ "#!::r=tanaka,m=Publish", STREAMID_BAD_MODE, "tanaka", NULL },
		{ "#!::r=tanaka,m=", STREAMID_BAD_MODE, "tanaka", NULL },
		{ "#!::r=a=b,m=publish", STREAMID_PUBLISH, "a=b", NULL },
		{ "#!::u=x,u=y,r=a,m=publish", STREAMID_PUBLISH, "a", NULL },
		{ "#!::R=x,r=a,m=publish", STREAMID_PUBLISH, "a", NULL },
		{ "publish:" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "publish:live/" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "publish:/live/" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "publish:play/x", STREAMID_PUBLISH, "play/x", NULL },
		{ "publish:live", STREAMID_PUBLISH, "live", NULL },
		{ "request:tanaka", STREAMID_REQUEST, "tanaka", NULL },
		{ "read:tanaka", STREAMID_REQUEST, "tanaka", NULL },
		{ "play:tanaka", STREAMID_REQUEST, "tanaka", NULL },
		{ "request:play/tanaka:18f-00", STREAMID_REQUEST, "tanaka", "18f-00" },
		{ "request:live/tanaka", STREAMID_REQUEST, "live/tanaka", NULL },
		{ "request:tanaka:", STREAMID_REQUEST, "tanaka", NULL },
		{ "request:tanaka:a:b", STREAMID_REQUEST, "tanaka", "a:b" },
		{ KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "live/" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "/live/" KEY, STREAMID_PUBLISH, KEY, NULL },
		{ "//live/" KEY, STREAMID_PUBLISH, "//live/" KEY, NULL },
		{ "play/tanaka", STREAMID_REQUEST, "tanaka", NULL },
		{ "livestream", STREAMID_PUBLISH, "livestream", NULL },
		{ "  " KEY " \r\n", STREAMID_PUBLISH, KEY, NULL },
		{ "\xe6\xbc\x81\xe7\x81\xab", STREAMID_PUBLISH, "\xe6\xbc\x81\xe7\x81\xab", NULL },
		{ "#", STREAMID_PUBLISH, "#", NULL },
		{ "Publish:" KEY, STREAMID_PUBLISH, "Publish:" KEY, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct streamid id;
		char *copy;

		assert_int_equal(parse(&id, &copy, rows[i].text, strlen(rows[i].text)), STREAMID_OK);
		assert_int_equal(id.mode, rows[i].mode);
		assert_slice(id.name, rows[i].name);
		assert_slice(id.token, rows[i].token);
		free(copy);
	}
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *text;
		enum streamid_verdict want;
	} rows[] = {
		{ "", STREAMID_EMPTY },
		{ " \r\n\t", STREAMID_EMPTY },
		{ "publish:", STREAMID_NAMELESS },
		{ "publish:live/", STREAMID_NAMELESS },
		{ "request:", STREAMID_NAMELESS },
		{ "request::18f-00", STREAMID_NAMELESS },
		{ "live/", STREAMID_NAMELESS },
		{ "#!::", STREAMID_NAMELESS },
		{ "#!::m=publish", STREAMID_NAMELESS },
		{ "#!::r=,m=publish", STREAMID_NAMELESS },
		{ "#!::r=live/,m=publish", STREAMID_NAMELESS },
		{ "#!:{r=" KEY ",m=publish}", STREAMID_NESTED },
		{ "#!", STREAMID_SYNTAX },
		{ "#!:", STREAMID_SYNTAX },
		{ "#!r=" KEY, STREAMID_SYNTAX },
		{ "#!:r=" KEY ",m=publish", STREAMID_SYNTAX },
		{ "#!::" KEY, STREAMID_SYNTAX },
		{ "#!::r=" KEY ",publish", STREAMID_SYNTAX },
		{ "#!::r=" KEY ",=publish", STREAMID_SYNTAX },
		{ "#!::r=a,r=a,m=publish", STREAMID_REPEATED },
		{ "#!::r=,r=a,m=publish", STREAMID_REPEATED },
		{ "#!::r=a,m=publish,m=request", STREAMID_REPEATED },
		{ "#!::r=a,s=1,s=2", STREAMID_REPEATED },
		{ "#!::r=a,t=stream,t=file", STREAMID_REPEATED },
		{ "#!::r=a,m=publish,t=file", STREAMID_MEDIA_TYPE },
		{ "#!::r=a,m=publish,t=auth", STREAMID_MEDIA_TYPE },
		{ "publish:a\tb", STREAMID_CHARACTERS },
		{ "publish:a\x7f", STREAMID_CHARACTERS },
		{ "#!::u=\x01,r=a,m=publish", STREAMID_CHARACTERS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct streamid id;
		char *copy;

		assert_int_equal(parse(&id, &copy, rows[i].text, strlen(rows[i].text)), rows[i].want);
		assert_null(id.name.text); /* untouched */
		assert_true(streamid_verdict_text(rows[i].want)[0] != '\0');
		free(copy);
	}
}

static void a_nul_is_refused(void **state)
{
	static const char text[] = "publish:a\0b";
	struct streamid id;
	char *copy;

	(void)state;
	assert_int_equal(parse(&id, &copy, text, sizeof(text) - 1), STREAMID_CHARACTERS);
	free(copy);
	assert_int_equal(parse(&id, &copy, text, sizeof(text) - 2), STREAMID_CHARACTERS);
	free(copy);
}

static void its_length_has_an_end(void **state)
{
	char text[STREAMID_MAX_BYTES + 1];
	struct streamid id;
	char *copy;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(parse(&id, &copy, text, STREAMID_MAX_BYTES), STREAMID_OK);
	assert_int_equal(id.name.len, STREAMID_MAX_BYTES);
	free(copy);
	assert_int_equal(parse(&id, &copy, text, STREAMID_MAX_BYTES + 1), STREAMID_TOO_LONG);
	free(copy);
	memset(text, ' ', sizeof(text));
	assert_int_equal(parse(&id, &copy, text, sizeof(text)), STREAMID_TOO_LONG);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(a_nul_is_refused),
		cmocka_unit_test(its_length_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
