/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of HTTP: is a path clean, does a header say so, what a response's head looks like. Pure.
 *
 * Owner: the caller. Lifetime: nothing is kept. Not here: reading requests from the wire, that is libwebsockets' part.
 */
#ifndef ISARIBI_BASE_HTTP_TEXT_H
#define ISARIBI_BASE_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct http_response;

/* Begins with '/', has no empty (but a last one), "." or ".." segment, no control byte, no backslash. path is decoded.
 */
bool http_path_is_clean(const char *path, size_t len);
/*
 * Percent-decodes once into out (size_bytes with its NUL). Returns the length, or -1 for a broken escape, a NUL or a
 * text that does not fit.
 */
int http_percent_decode(char *out, size_t size_bytes, const char *text, size_t len);
/* Value of name in a query "a=1&b=2": borrowed, *len set; NULL when it is not there. The first one counts. */
const char *http_query_value(const char *query, const char *name, size_t *len);
/* Accept-Encoding allows gzip: named without q=0 (RFC 9110 §12.5.3); "*" does not count. */
bool http_accepts_gzip(const char *accept_encoding);
/* If-None-Match holds etag or "*", compared weakly (RFC 9110 §13.1.2). etag with its quotes. */
bool http_etag_matches(const char *if_none_match, const char *etag);

enum http_length_kind {
	HTTP_LENGTH_ZERO,
	HTTP_LENGTH_POSITIVE,
	HTTP_LENGTH_BAD, /* empty, signed, no digits, repeated: a request that two servers may read differently */
};
enum http_length_kind http_length_kind(const char *content_length);

const char *http_status_text(int status);
/* The head of an answer up to and with the empty line. now_s: seconds since 1970 for Date. */
struct http_head_args {
	const struct http_response *response;
	uint64_t body_bytes; /* 0 until http_out_init has counted the pieces, unless a source says more */
	int64_t now_s;
	bool keeps_alive;
	bool is_http_10;
};
void http_put_head(struct bytes_writer *w, const struct http_head_args *args);

#endif
