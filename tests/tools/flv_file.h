/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An FLV file of a test, read whole; its tags are found, not understood.
 *
 * Owner: one thread. Lifetime: flv_file_open/flv_file_close; tags point into the file's memory.
 */
#ifndef ISARIBI_TESTS_TOOLS_FLV_FILE_H
#define ISARIBI_TESTS_TOOLS_FLV_FILE_H

#include <stddef.h>
#include <stdint.h>

struct flv_tag {
	uint8_t *tag; /* 11 bytes of header, the body, 4 bytes of size */
	uint8_t type;
	uint32_t timestamp_ms;
	uint8_t *body;
	size_t size_bytes;
};

struct flv_file {
	uint8_t *data;
	size_t size_bytes;
	struct flv_tag *tags;
	size_t n_tags;
};

int flv_file_open(struct flv_file *f, const char *path); /* 0 or a negative errno */
void flv_file_close(struct flv_file *f);
/* Writes the timestamp into the header of the tag. */
void flv_tag_set_timestamp(struct flv_tag *t, uint32_t timestamp_ms);

#endif
