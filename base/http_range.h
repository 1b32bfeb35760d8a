/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Range header asks for (RFC 9110 §14). Pure.
 *
 * Owner: the caller. Lifetime: nothing is kept. Not here: several ranges at once, which a server may ignore, and does:
 * no player asks for them, and their answers can be larger than what they are of.
 */
#ifndef ISARIBI_BASE_HTTP_RANGE_H
#define ISARIBI_BASE_HTTP_RANGE_H

#include <stdint.h>

enum http_range_kind {
	HTTP_RANGE_WHOLE,  /* no range, or one to be ignored: 200 */
	HTTP_RANGE_SLICE,  /* 206 */
	HTTP_RANGE_BEYOND, /* nothing of it is there: 416 */
};

struct http_range {
	uint64_t first;
	uint64_t last; /* itself included, less than size_bytes */
};

/* value: of the header, "" for none. *out is set for HTTP_RANGE_SLICE alone. */
enum http_range_kind http_range_parse(struct http_range *out, const char *value, uint64_t size_bytes);

#endif
