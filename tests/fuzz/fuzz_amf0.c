/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMF0: all values of a message, every container walked through. Oracles: nothing is allocated; a value's raw bytes
 * read alone are the same value; the limits hold; writing what was read and reading that again is stable.
 */
#include <string.h>

#include "media/amf0.h"
#include "tests/fuzz/fuzz.h"

enum { ENCODED_MAX_BYTES = 1 << 16 };

/* What was read, written by hand in one spelling: names and strings may hold what amf0_put_* cannot take. */
struct encoder {
	struct bytes_writer *w;
	unsigned depth;
};

static void encode_value(struct encoder *e, const struct amf0_value *value);

static void put_text(struct bytes_writer *w, struct amf0_string s)
{
	bytes_put_u16(w, (uint16_t)s.len);
	bytes_put(w, s.data, s.len);
}

static enum parse_result encode_member(void *ctx, struct amf0_string name, const struct amf0_value *value)
{
	struct encoder *e = ctx;

	FUZZ_CHECK(name.len <= AMF0_STRING_MAX_BYTES);
	put_text(e->w, name);
	encode_value(e, value);
	return PARSE_OK;
}

/* All containers become objects. An empty name with a value stays what it is: only 00 00 09 ends an object. */
static void encode_container(struct encoder *e, const struct amf0_value *value)
{
	struct amf0_reader r;

	FUZZ_CHECK(e->depth < AMF0_DEPTH_MAX);
	e->depth++;
	bytes_put_u8(e->w, AMF0_OBJECT);
	amf0_reader_init(&r, value->raw, value->raw_len);
	FUZZ_CHECK(amf0_visit(&r, encode_member, e) == PARSE_OK);
	FUZZ_CHECK(bytes_left(&r.in) == 0);
	bytes_put_u24(e->w, AMF0_OBJECT_END);
	e->depth--;
}

static void encode_value(struct encoder *e, const struct amf0_value *value)
{
	switch ((unsigned)value->type) {
	case AMF0_NUMBER:
	case AMF0_DATE: amf0_put_number(e->w, value->number); break;
	case AMF0_BOOL: amf0_put_bool(e->w, value->boolean); break;
	case AMF0_STRING:
	case AMF0_XML:
		bytes_put_u8(e->w, AMF0_STRING);
		put_text(e->w, value->string);
		break;
	case AMF0_OBJECT:
	case AMF0_TYPED_OBJECT:
	case AMF0_ECMA_ARRAY:
	case AMF0_STRICT_ARRAY: encode_container(e, value); break;
	default: amf0_put_null(e->w); break;
	}
}

static void check_value(const struct amf0_value *value, const uint8_t *begin, const uint8_t *end)
{
	struct amf0_reader alone;
	struct amf0_value again;

	FUZZ_CHECK(value->raw >= begin && value->raw + value->raw_len <= end && value->raw_len > 0);
	FUZZ_CHECK(value->string.len <= AMF0_STRING_MAX_BYTES);
	amf0_reader_init(&alone, value->raw, value->raw_len);
	FUZZ_CHECK(amf0_read_value(&alone, &again) == PARSE_OK && bytes_left(&alone.in) == 0);
	FUZZ_CHECK(again.type == value->type && again.raw_len == value->raw_len);
	FUZZ_CHECK(again.string.len == value->string.len);
	FUZZ_CHECK(memcmp(&again.number, &value->number, sizeof(double)) == 0 && again.boolean == value->boolean);
}

/* Reads everything and writes it. Returns how many values there were before the end or the fault. */
static size_t transcode(struct bytes_writer *w, const uint8_t *data, size_t len, bool *is_whole)
{
	struct encoder e = { .w = w };
	struct amf0_reader r;
	struct amf0_value value;
	size_t n = 0;

	amf0_reader_init(&r, data, len);
	while (amf0_peek(&r) != AMF0_END) {
		enum parse_result result = amf0_read_value(&r, &value);

		FUZZ_CHECK(result != PARSE_MORE);
		if (result == PARSE_BAD)
			break;
		FUZZ_CHECK(r.properties <= AMF0_PROPERTIES_MAX);
		check_value(&value, data, data + len);
		encode_value(&e, &value);
		n++;
	}
	*is_whole = amf0_peek(&r) == AMF0_END;
	return n;
}

/* Reads that expect a type, each at every place: right or PARSE_BAD, never beyond the end. */
static void expect_types(const uint8_t *data, size_t len)
{
	static const unsigned types[] = { AMF0_NUMBER, AMF0_BOOL, AMF0_STRING };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct amf0_reader r;
		struct amf0_string s;
		double number;
		bool boolean;
		enum parse_result result = PARSE_OK;
		unsigned marker;

		amf0_reader_init(&r, data, len);
		marker = amf0_peek(&r);
		switch (types[i]) {
		case AMF0_NUMBER: result = amf0_read_number(&r, &number); break;
		case AMF0_BOOL: result = amf0_read_bool(&r, &boolean); break;
		default: result = amf0_read_string(&r, &s); break;
		}
		if (result == PARSE_OK)
			FUZZ_CHECK(marker == types[i] || (types[i] == AMF0_STRING && marker == AMF0_LONG_STRING));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t first_buf[ENCODED_MAX_BYTES];
	static uint8_t second_buf[ENCODED_MAX_BYTES];
	struct bytes_writer first;
	struct bytes_writer second;
	bool is_whole;
	size_t n;

	fuzz_heap_begin();
	bytes_writer_init_fixed(&first, first_buf, sizeof(first_buf));
	bytes_writer_init_fixed(&second, second_buf, sizeof(second_buf));
	n = transcode(&first, data, len, &is_whole);
	expect_types(data, len);
	/* One reader counts the members of all values; what was left out before a fault cannot exceed that either. */
	if (!first.is_full) {
		FUZZ_CHECK(transcode(&second, first.data, first.len, &is_whole) == n && is_whole);
		FUZZ_CHECK(second.len == first.len && memcmp(second.data, first.data, first.len) == 0);
	}
	FUZZ_CHECK(fuzz_heap_peak() == 0);
	return 0;
}
