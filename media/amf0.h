/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMF0 (Action Message Format 0): the values inside the commands and data messages of RTMP and FLV.
 *
 * Owner: the caller; nothing is allocated. Lifetime: a reader and every string it hands out borrow the input.
 * Limits: 8 levels of nesting, 256 members or elements per reader, strings and names of 4096 bytes; nothing recurses.
 * Messages are complete, so a reader never says PARSE_MORE: what ends too early is PARSE_BAD.
 * Not here: what commands mean (ingest/rtmp_command), AMF3 (a value that switches to it is refused).
 */
#ifndef ISARIBI_MEDIA_AMF0_H
#define ISARIBI_MEDIA_AMF0_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	AMF0_DEPTH_MAX = 8,
	AMF0_PROPERTIES_MAX = 256,
	AMF0_STRING_MAX_BYTES = 4096,
};

/* The markers of AMF0 §2.1, and one for "nothing left". */
enum amf0_type {
	AMF0_NUMBER = 0x00,
	AMF0_BOOL = 0x01,
	AMF0_STRING = 0x02,
	AMF0_OBJECT = 0x03,
	AMF0_MOVIE_CLIP = 0x04, /* refused */
	AMF0_NULL = 0x05,
	AMF0_UNDEFINED = 0x06,
	AMF0_REFERENCE = 0x07, /* skipped, never followed */
	AMF0_ECMA_ARRAY = 0x08,
	AMF0_OBJECT_END = 0x09, /* refused where a value is expected */
	AMF0_STRICT_ARRAY = 0x0a,
	AMF0_DATE = 0x0b,
	AMF0_LONG_STRING = 0x0c,
	AMF0_UNSUPPORTED = 0x0d,
	AMF0_RECORD_SET = 0x0e, /* refused */
	AMF0_XML = 0x0f,
	AMF0_TYPED_OBJECT = 0x10,
	AMF0_AMF3 = 0x11, /* refused */
	AMF0_END = 0x100, /* no more values */
};

/* Bytes of a string, borrowed, not terminated; may hold anything, NULs too. */
struct amf0_string {
	const char *data;
	size_t len;
};

struct amf0_value {
	enum amf0_type type;	   /* AMF0_LONG_STRING is reported as AMF0_STRING */
	double number;		   /* AMF0_NUMBER, AMF0_DATE (ms since 1970); anything, NaN too */
	bool boolean;		   /* AMF0_BOOL */
	struct amf0_string string; /* AMF0_STRING, AMF0_XML */
	const uint8_t *raw;	   /* the whole value with its marker: to open a reader on a container */
	size_t raw_len;
};

struct amf0_reader {
	struct bytes_reader in;
	uint32_t properties; /* members and elements seen so far */
};

void amf0_reader_init(struct amf0_reader *r, const void *data, size_t len);
/* Marker of the next value without reading it; AMF0_END when nothing is left. Unknown markers come as they are. */
unsigned amf0_peek(const struct amf0_reader *r);
/* Each reads the next value, or says PARSE_BAD when it is of another type or damaged; then the reader is useless. */
enum parse_result amf0_read_number(struct amf0_reader *r, double *number);
enum parse_result amf0_read_bool(struct amf0_reader *r, bool *boolean);
enum parse_result amf0_read_string(struct amf0_reader *r, struct amf0_string *string);
/* Any value: scalars come decoded, of containers the type and raw bytes. */
enum parse_result amf0_read_value(struct amf0_reader *r, struct amf0_value *value);
enum parse_result amf0_skip_value(struct amf0_reader *r);

/*
 * Called once per member of an object, per element of a strict array (then name is empty). PARSE_BAD ends the walk.
 * Names may repeat.
 */
typedef enum parse_result amf0_member_fn(void *ctx, struct amf0_string name, const struct amf0_value *value);

/*
 * Reads the next value, which is an object, typed object, ECMA array or strict array, and calls fn for each top-level
 * member. Null and undefined have no members; anything else is PARSE_BAD.
 */
enum parse_result amf0_visit(struct amf0_reader *r, amf0_member_fn *fn, void *ctx);

bool amf0_string_is(struct amf0_string string, const char *text);

/* Writers. Text is a C string of at most 65535 bytes. */
void amf0_put_number(struct bytes_writer *w, double number);
void amf0_put_bool(struct bytes_writer *w, bool boolean);
void amf0_put_string(struct bytes_writer *w, const char *text);
void amf0_put_null(struct bytes_writer *w);
void amf0_put_object_start(struct bytes_writer *w);
void amf0_put_ecma_array_start(struct bytes_writer *w, uint32_t count);
void amf0_put_name(struct bytes_writer *w, const char *name); /* then exactly one value */
void amf0_put_object_end(struct bytes_writer *w);	      /* of an object or ECMA array */
void amf0_put_member_string(struct bytes_writer *w, const char *name, const char *text);
void amf0_put_member_number(struct bytes_writer *w, const char *name, double number);
void amf0_put_member_bool(struct bytes_writer *w, const char *name, bool boolean);

#endif
