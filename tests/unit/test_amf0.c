/* SPDX-License-Identifier: Apache-2.0 */
#include "media/amf0.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

/* Bytes in a heap block of exactly their size: the sanitizer sees every byte read too many. */
static enum parse_result skip_all(const void *raw, size_t len)
{
	struct amf0_reader r;
	enum parse_result result = PARSE_OK;
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, raw, len);
	amf0_reader_init(&r, exact, len);
	while (result == PARSE_OK && amf0_peek(&r) != AMF0_END)
		result = amf0_skip_value(&r);
	free(exact);
	return result;
}

struct seen {
	size_t members;
	double width;
	bool is_stereo;
	char encoder[16];
	size_t nested_len;
};

static enum parse_result see(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	struct seen *seen = ctx;

	seen->members++;
	if (amf0_string_is(name, "width") && value->type == AMF0_NUMBER)
		seen->width = value->number;
	if (amf0_string_is(name, "stereo") && value->type == AMF0_BOOL)
		seen->is_stereo = value->boolean;
	if (amf0_string_is(name, "encoder") && value->type == AMF0_STRING && value->string.len < sizeof(seen->encoder))
		memcpy(seen->encoder, value->string.data, value->string.len);
	if (value->type == AMF0_STRICT_ARRAY)
		seen->nested_len = value->raw_len;
	return amf0_string_is(name, "stop") ? PARSE_BAD : PARSE_OK;
}

static void commands_read_back(void **state)
{
	uint8_t buf[256];
	struct bytes_writer w;
	struct amf0_reader r;
	struct amf0_string text;
	struct seen seen = { 0 };
	double number;
	bool boolean;

	(void)state;
	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	amf0_put_string(&w, "connect");
	amf0_put_number(&w, 1.5);
	amf0_put_object_start(&w);
	amf0_put_member_number(&w, "width", 1280);
	amf0_put_member_bool(&w, "stereo", true);
	amf0_put_name(&w, "list");
	bytes_put(&w, "\x0a\0\0\0\2\x05\x05", 7);
	amf0_put_member_string(&w, "encoder", "x");
	amf0_put_object_end(&w);
	amf0_put_null(&w);
	amf0_put_bool(&w, false);
	amf0_put_ecma_array_start(&w, 77);
	amf0_put_object_end(&w);
	assert_false(w.is_full);

	amf0_reader_init(&r, w.data, w.len);
	assert_int_equal(amf0_read_string(&r, &text), PARSE_OK);
	assert_true(amf0_string_is(text, "connect"));
	assert_false(amf0_string_is(text, "connec"));
	assert_int_equal(amf0_read_number(&r, &number), PARSE_OK);
	assert_true(number == 1.5);
	assert_int_equal(amf0_visit(&r, see, &seen), PARSE_OK);
	assert_int_equal(seen.members, 4);
	assert_true(seen.width == 1280);
	assert_true(seen.is_stereo);
	assert_string_equal(seen.encoder, "x");
	assert_int_equal(seen.nested_len, 7);
	assert_int_equal(amf0_visit(&r, see, &seen), PARSE_OK); /* null */
	assert_int_equal(amf0_read_bool(&r, &boolean), PARSE_OK);
	assert_false(boolean);
	assert_int_equal(amf0_visit(&r, see, &seen), PARSE_OK);
	assert_int_equal(amf0_peek(&r), AMF0_END);
	assert_int_equal(amf0_skip_value(&r), PARSE_BAD);
}

static void values_are_accepted_or_refused(void **state)
{
	static const struct {
		const char *what;
		const char *raw;
		size_t len;
		enum parse_result result;
	} cases[] = {
#define RAW(text) text, sizeof(text) - 1
		{ "nothing", RAW(""), PARSE_OK },
		{ "number", RAW("\0\x7f\xf0\0\0\0\0\0\0"), PARSE_OK },
		{ "number cut", RAW("\0\x7f\xf0\0\0\0\0\0"), PARSE_BAD },
		{ "bool", RAW("\1\1"), PARSE_OK },
		{ "bool cut", RAW("\1"), PARSE_BAD },
		{ "empty string", RAW("\2\0\0"), PARSE_OK },
		{ "string cut in its length", RAW("\2\0"), PARSE_BAD },
		{ "string longer than the input", RAW("\2\0\2a"), PARSE_BAD },
		{ "long string", RAW("\x0c\0\0\0\1a"), PARSE_OK },
		{ "long string of 4 GB",
		    RAW("\x0c\xff\xff\xff\xff"
			"a"),
		    PARSE_BAD },
		{ "xml", RAW("\x0f\0\0\0\1a"), PARSE_OK },
		{ "null, undefined, unsupported", RAW("\5\6\x0d"), PARSE_OK },
		{ "reference", RAW("\7\0\1"), PARSE_OK },
		{ "reference cut", RAW("\7\0"), PARSE_BAD },
		{ "date", RAW("\x0b\0\0\0\0\0\0\0\0\0\0"), PARSE_OK },
		{ "date without zone", RAW("\x0b\0\0\0\0\0\0\0\0\0"), PARSE_BAD },
		{ "object", RAW("\3\0\1a\5\0\0\x09"), PARSE_OK },
		{ "object not closed", RAW("\3\0\1a\5"), PARSE_BAD },
		{ "object with a name and no value", RAW("\3\0\1a"), PARSE_BAD },
		{ "member with an empty name", RAW("\3\0\0\5\0\0\x09"), PARSE_OK },
		{ "typed object", RAW("\x10\0\1c\0\1a\5\0\0\x09"), PARSE_OK },
		{ "typed object cut", RAW("\x10\0\2c"), PARSE_BAD },
		{ "ecma array, wrong count", RAW("\x08\xff\xff\xff\xff\0\1a\5\0\0\x09"), PARSE_OK },
		{ "ecma array not closed", RAW("\x08\0\0\0\1\0\1a\5"), PARSE_OK },
		{ "ecma array cut in its count", RAW("\x08\0\0"), PARSE_BAD },
		{ "ecma array cut in a name", RAW("\x08\0\0\0\1\0"), PARSE_BAD },
		{ "strict array", RAW("\x0a\0\0\0\2\5\5"), PARSE_OK },
		{ "strict array too short", RAW("\x0a\0\0\0\3\5\5"), PARSE_BAD },
		{ "strict array of 2^32-1", RAW("\x0a\xff\xff\xff\xff\5\5"), PARSE_BAD },
		{ "object end alone", RAW("\x09"), PARSE_BAD },
		{ "movie clip", RAW("\4"), PARSE_BAD },
		{ "record set", RAW("\x0e"), PARSE_BAD },
		{ "amf3", RAW("\x11\1"), PARSE_BAD },
		{ "amf3 inside", RAW("\3\0\1a\x11\1\0\0\x09"), PARSE_BAD },
		{ "unknown marker", RAW("\x42"), PARSE_BAD },
#undef RAW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (skip_all(cases[i].raw, cases[i].len) != cases[i].result)
			fail_msg("%s", cases[i].what);
	}
}

static void strings_end_at_4_kb(void **state)
{
	static const size_t lengths[] = { 0, 1, AMF0_STRING_MAX_BYTES, AMF0_STRING_MAX_BYTES + 1, UINT16_MAX };
	uint8_t *raw = calloc(1, 5 + UINT16_MAX);

	(void)state;
	assert_non_null(raw);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		enum parse_result want = lengths[i] <= AMF0_STRING_MAX_BYTES ? PARSE_OK : PARSE_BAD;

		raw[0] = AMF0_STRING;
		raw[1] = (uint8_t)(lengths[i] >> 8);
		raw[2] = (uint8_t)lengths[i];
		assert_int_equal(skip_all(raw, 3 + lengths[i]), want);
		memmove(raw + 3, raw + 1, 2);
		memset(raw + 1, 0, 2);
		raw[0] = AMF0_LONG_STRING;
		assert_int_equal(skip_all(raw, 5 + lengths[i]), want);
		memset(raw, 0, 5);
	}
	free(raw);
}

/* levels objects inside each other, behind prefix_len bytes of an outer container */
static enum parse_result skip_nested(size_t levels)
{
	struct bytes_writer w;
	enum parse_result result;

	bytes_writer_init_growing(&w, 64u << 20);
	for (size_t i = 0; i + 1 < levels; i++)
		bytes_put(&w, "\3\0\1a", 4);
	bytes_put(&w, "\3", 1);
	for (size_t i = 0; i < levels; i++)
		amf0_put_object_end(&w);
	assert_false(w.is_full);
	result = skip_all(w.data, w.len);
	bytes_writer_fini(&w);
	return result;
}

static void nesting_ends_at_8(void **state)
{
	(void)state;
	assert_int_equal(skip_nested(1), PARSE_OK);
	assert_int_equal(skip_nested(AMF0_DEPTH_MAX), PARSE_OK);
	assert_int_equal(skip_nested(AMF0_DEPTH_MAX + 1), PARSE_BAD);
	assert_int_equal(skip_nested(1000000), PARSE_BAD);
}

static void a_visit_counts_its_own_level(void **state)
{
	uint8_t raw[64];
	struct bytes_writer w;
	struct amf0_reader r;
	struct seen seen = { 0 };

	(void)state;
	for (size_t levels = AMF0_DEPTH_MAX; levels <= AMF0_DEPTH_MAX + 1; levels++) {
		bytes_writer_init_fixed(&w, raw, sizeof(raw));
		for (size_t i = 0; i < levels; i++)
			bytes_put(&w, "\x0a\0\0\0\1", 5);
		amf0_put_null(&w);
		amf0_reader_init(&r, w.data, w.len);
		assert_int_equal(amf0_visit(&r, see, &seen), levels == AMF0_DEPTH_MAX ? PARSE_OK : PARSE_BAD);
	}
}

static void members_end_at_256_in_all(void **state)
{
	uint8_t raw[8 + AMF0_PROPERTIES_MAX + 1] = { AMF0_STRICT_ARRAY, 0, 0, 1, 0 };

	(void)state;
	memset(raw + 5, AMF0_NULL, AMF0_PROPERTIES_MAX);
	assert_int_equal(skip_all(raw, 5 + AMF0_PROPERTIES_MAX), PARSE_OK);
	/* a second container shares the count of the first */
	memcpy(raw + 5 + AMF0_PROPERTIES_MAX, "\3\0\0", 3);
	raw[8 + AMF0_PROPERTIES_MAX] = AMF0_NULL;
	assert_int_equal(skip_all(raw, sizeof(raw)), PARSE_BAD);
	raw[4] = 1;
	assert_int_equal(skip_all(raw, sizeof(raw)), PARSE_BAD);
}

static void wrong_types_are_refused(void **state)
{
	struct amf0_reader r;
	struct amf0_string text;
	struct seen seen = { 0 };
	double number;
	bool boolean;

	(void)state;
	amf0_reader_init(&r, "\2\0\1a", 4);
	assert_int_equal(amf0_read_number(&r, &number), PARSE_BAD);
	assert_int_equal(amf0_read_bool(&r, &boolean), PARSE_BAD);
	assert_int_equal(amf0_visit(&r, see, &seen), PARSE_BAD);
	assert_int_equal(amf0_read_string(&r, &text), PARSE_OK);
	amf0_reader_init(&r, "\5", 1);
	assert_int_equal(amf0_read_string(&r, &text), PARSE_BAD);
	amf0_reader_init(&r, NULL, 0);
	assert_int_equal(amf0_read_string(&r, &text), PARSE_BAD);
	assert_int_equal(amf0_visit(&r, see, &seen), PARSE_BAD);
	amf0_reader_init(&r, "\3\0\4stop\5\0\0\x09", 11);
	assert_int_equal(amf0_visit(&r, see, &seen), PARSE_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_read_back),
		cmocka_unit_test(values_are_accepted_or_refused),
		cmocka_unit_test(strings_end_at_4_kb),
		cmocka_unit_test(nesting_ends_at_8),
		cmocka_unit_test(a_visit_counts_its_own_level),
		cmocka_unit_test(members_end_at_256_in_all),
		cmocka_unit_test(wrong_types_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
