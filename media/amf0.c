/* SPDX-License-Identifier: Apache-2.0 */
#include "media/amf0.h"

#include <assert.h>
#include <string.h>

/* One open container while a value is skipped: members are named, elements are counted. */
struct level {
	enum amf0_type type;
	uint32_t elements_left; /* of a strict array */
};

void amf0_reader_init(struct amf0_reader *r, const void *data, size_t len)
{
	bytes_reader_init(&r->in, data, len);
	r->properties = 0;
}

unsigned amf0_peek(const struct amf0_reader *r)
{
	return bytes_left(&r->in) == 0 ? (unsigned)AMF0_END : r->in.pos[0];
}

static enum parse_result result_of(const struct amf0_reader *r)
{
	return r->in.is_short ? PARSE_BAD : PARSE_OK;
}

static enum parse_result take_text(struct amf0_reader *r, size_t len, struct amf0_string *string)
{
	*string = (struct amf0_string){ "", 0 };
	if (r->in.is_short || len > AMF0_STRING_MAX_BYTES || len > bytes_left(&r->in))
		return PARSE_BAD;
	if (len > 0)
		*string = (struct amf0_string){ (const char *)bytes_take(&r->in, len), len };
	return PARSE_OK;
}

static enum parse_result take_short_text(struct amf0_reader *r, struct amf0_string *string)
{
	return take_text(r, bytes_u16(&r->in), string);
}

static enum parse_result take_long_text(struct amf0_reader *r, struct amf0_string *string)
{
	return take_text(r, bytes_u32(&r->in), string);
}

static bool count_property(struct amf0_reader *r)
{
	return ++r->properties <= AMF0_PROPERTIES_MAX;
}

/* The value behind a marker that is no container. */
static enum parse_result read_scalar(struct amf0_reader *r, unsigned marker, struct amf0_value *value)
{
	value->type = (enum amf0_type)marker;
	switch (marker) {
	case AMF0_NUMBER: value->number = bytes_f64(&r->in); return result_of(r);
	case AMF0_BOOL: value->boolean = bytes_u8(&r->in) != 0; return result_of(r);
	case AMF0_STRING: return take_short_text(r, &value->string);
	case AMF0_LONG_STRING: value->type = AMF0_STRING; return take_long_text(r, &value->string);
	case AMF0_XML: return take_long_text(r, &value->string);
	case AMF0_NULL:
	case AMF0_UNDEFINED:
	case AMF0_UNSUPPORTED: return PARSE_OK;
	case AMF0_REFERENCE: value->number = bytes_u16(&r->in); return result_of(r);
	case AMF0_DATE:
		value->number = bytes_f64(&r->in);
		bytes_skip(&r->in, 2); /* time zone, §2.13: shall be ignored */
		return result_of(r);
	default: return PARSE_BAD;
	}
}

static bool is_container(unsigned marker)
{
	return marker == AMF0_OBJECT || marker == AMF0_ECMA_ARRAY || marker == AMF0_STRICT_ARRAY ||
	    marker == AMF0_TYPED_OBJECT;
}

static enum parse_result open_container(struct amf0_reader *r, unsigned marker, struct level *level)
{
	struct amf0_string class_name;

	*level = (struct level){ .type = (enum amf0_type)marker };
	if (marker == AMF0_TYPED_OBJECT)
		return take_short_text(r, &class_name);
	if (marker == AMF0_ECMA_ARRAY)
		bytes_skip(&r->in, 4); /* a count, only a hint: §2.10 */
	if (marker == AMF0_STRICT_ARRAY)
		level->elements_left = bytes_u32(&r->in);
	return result_of(r);
}

/* Reads what stands before the next value of the container. PARSE_MORE: there is one; PARSE_OK: the container is over.
 */
static enum parse_result next_member(struct amf0_reader *r, struct level *level, struct amf0_string *name)
{
	*name = (struct amf0_string){ "", 0 };
	if (level->type == AMF0_STRICT_ARRAY) {
		if (level->elements_left == 0)
			return PARSE_OK;
		level->elements_left--;
		return count_property(r) ? PARSE_MORE : PARSE_BAD;
	}
	/* Some encoders do not close the ECMA array that ends their metadata. */
	if (level->type == AMF0_ECMA_ARRAY && bytes_left(&r->in) == 0)
		return PARSE_OK;
	if (take_short_text(r, name) != PARSE_OK)
		return PARSE_BAD;
	if (name->len == 0 && amf0_peek(r) == AMF0_OBJECT_END) {
		bytes_skip(&r->in, 1);
		return PARSE_OK;
	}
	return count_property(r) ? PARSE_MORE : PARSE_BAD;
}

/* The rest of a container whose head was read. The stack is ours: nothing recurses. */
static enum parse_result skip_container(struct amf0_reader *r, struct level first, size_t depth_left)
{
	struct level stack[AMF0_DEPTH_MAX] = { first };
	size_t depth = 1;
	struct amf0_string name;
	struct amf0_value value;

	assert(depth_left >= 1 && depth_left <= AMF0_DEPTH_MAX);
	while (depth > 0) {
		enum parse_result more = next_member(r, &stack[depth - 1], &name);
		unsigned marker;

		if (more == PARSE_BAD)
			return PARSE_BAD;
		if (more == PARSE_OK) {
			depth--;
			continue;
		}
		marker = bytes_u8(&r->in);
		if (r->in.is_short)
			return PARSE_BAD;
		if (!is_container(marker)) {
			if (read_scalar(r, marker, &value) != PARSE_OK)
				return PARSE_BAD;
			continue;
		}
		if (depth == depth_left || open_container(r, marker, &stack[depth]) != PARSE_OK)
			return PARSE_BAD;
		depth++;
	}
	return PARSE_OK;
}

static enum parse_result read_value(struct amf0_reader *r, struct amf0_value *value, size_t depth_left)
{
	struct level level;
	unsigned marker;

	*value = (struct amf0_value){ .type = AMF0_END, .string = { "", 0 }, .raw = r->in.pos };
	marker = bytes_u8(&r->in);
	if (r->in.is_short)
		return PARSE_BAD;
	if (is_container(marker)) {
		value->type = (enum amf0_type)marker;
		if (open_container(r, marker, &level) != PARSE_OK || skip_container(r, level, depth_left) != PARSE_OK)
			return PARSE_BAD;
	} else if (read_scalar(r, marker, value) != PARSE_OK) {
		return PARSE_BAD;
	}
	value->raw_len = (size_t)(r->in.pos - value->raw);
	return PARSE_OK;
}

enum parse_result amf0_read_value(struct amf0_reader *r, struct amf0_value *value)
{
	return read_value(r, value, AMF0_DEPTH_MAX);
}

enum parse_result amf0_skip_value(struct amf0_reader *r)
{
	struct amf0_value value;

	return amf0_read_value(r, &value);
}

enum parse_result amf0_read_number(struct amf0_reader *r, double *number)
{
	struct amf0_value value;

	*number = 0;
	if (amf0_peek(r) != AMF0_NUMBER || amf0_read_value(r, &value) != PARSE_OK)
		return PARSE_BAD;
	*number = value.number;
	return PARSE_OK;
}

enum parse_result amf0_read_bool(struct amf0_reader *r, bool *boolean)
{
	struct amf0_value value;

	*boolean = false;
	if (amf0_peek(r) != AMF0_BOOL || amf0_read_value(r, &value) != PARSE_OK)
		return PARSE_BAD;
	*boolean = value.boolean;
	return PARSE_OK;
}

enum parse_result amf0_read_string(struct amf0_reader *r, struct amf0_string *string)
{
	struct amf0_value value;
	unsigned marker = amf0_peek(r);

	*string = (struct amf0_string){ "", 0 };
	if ((marker != AMF0_STRING && marker != AMF0_LONG_STRING) || amf0_read_value(r, &value) != PARSE_OK)
		return PARSE_BAD;
	*string = value.string;
	return PARSE_OK;
}

enum parse_result amf0_visit(struct amf0_reader *r, amf0_member_fn *fn, void *ctx)
{
	unsigned marker = amf0_peek(r);
	struct level level;
	struct amf0_string name;
	struct amf0_value value;
	enum parse_result more;

	if (marker == AMF0_NULL || marker == AMF0_UNDEFINED)
		return amf0_skip_value(r);
	if (!is_container(marker))
		return PARSE_BAD;
	bytes_skip(&r->in, 1);
	if (open_container(r, marker, &level) != PARSE_OK)
		return PARSE_BAD;
	while ((more = next_member(r, &level, &name)) == PARSE_MORE) {
		if (read_value(r, &value, AMF0_DEPTH_MAX - 1) != PARSE_OK || fn(ctx, name, &value) != PARSE_OK)
			return PARSE_BAD;
	}
	return more;
}

bool amf0_string_is(struct amf0_string string, const char *text)
{
	return string.len == strlen(text) && memcmp(string.data, text, string.len) == 0;
}

static void put_text(struct bytes_writer *w, const char *text)
{
	size_t len = strlen(text);

	assert(len <= UINT16_MAX);
	bytes_put_u16(w, (uint16_t)len);
	bytes_put(w, text, len);
}

void amf0_put_number(struct bytes_writer *w, double number)
{
	bytes_put_u8(w, AMF0_NUMBER);
	bytes_put_f64(w, number);
}

void amf0_put_bool(struct bytes_writer *w, bool boolean)
{
	bytes_put_u8(w, AMF0_BOOL);
	bytes_put_u8(w, boolean);
}

void amf0_put_string(struct bytes_writer *w, const char *text)
{
	bytes_put_u8(w, AMF0_STRING);
	put_text(w, text);
}

void amf0_put_null(struct bytes_writer *w)
{
	bytes_put_u8(w, AMF0_NULL);
}

void amf0_put_object_start(struct bytes_writer *w)
{
	bytes_put_u8(w, AMF0_OBJECT);
}

void amf0_put_ecma_array_start(struct bytes_writer *w, uint32_t count)
{
	bytes_put_u8(w, AMF0_ECMA_ARRAY);
	bytes_put_u32(w, count);
}

void amf0_put_name(struct bytes_writer *w, const char *name)
{
	put_text(w, name);
}

void amf0_put_object_end(struct bytes_writer *w)
{
	bytes_put_u24(w, AMF0_OBJECT_END);
}

void amf0_put_member_string(struct bytes_writer *w, const char *name, const char *text)
{
	amf0_put_name(w, name);
	amf0_put_string(w, text);
}

void amf0_put_member_number(struct bytes_writer *w, const char *name, double number)
{
	amf0_put_name(w, name);
	amf0_put_number(w, number);
}

void amf0_put_member_bool(struct bytes_writer *w, const char *name, bool boolean)
{
	amf0_put_name(w, name);
	amf0_put_bool(w, boolean);
}
