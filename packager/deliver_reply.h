/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that more than one route gives: a body of shared bytes or a range of it, and the one 404.
 *
 * Owner: the delivery thread. Lifetime: nothing is kept; the server takes references of its own to what goes out.
 * Not here: which body, and how long it may be kept (packager/deliver_hls.h).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_REPLY_H
#define ISARIBI_PACKAGER_DELIVER_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/http_range.h"
#include "base/http_request.h"

struct body;

enum { DELIVER_REPLY_HEADERS_SIZE = 512 };

/* Headers of whatever a page of another origin may fetch, whole lines. */
extern const char deliver_reply_cors[];
extern const char deliver_reply_cors_and_vary[];

struct deliver_reply_headers {
	const char *content_type;
	const char *cache_control;
	const char *extra_headers; /* NULL: none */
	bool is_gzip;		   /* the body is gzip */
};

/* All of the body, whatever range was asked for: what changes while it is read has none. */
void deliver_reply_body(
    struct http_request *request, const struct body *body, const struct deliver_reply_headers *headers);
/* The range of the body that the request asks for: 200, 206 or 416. extra_headers at most 256 bytes. */
void deliver_reply_ranges(
    struct http_request *request, const struct body *body, const struct deliver_reply_headers *headers);
/*
 * For what is not at hand as a whole. What the request asks for of size_bytes; HTTP_RANGE_SLICE sets *out. RFC 9110
 * §14.2: only GET has ranges.
 */
enum http_range_kind deliver_reply_wanted(
    const struct http_request *request, uint64_t size_bytes, struct http_range *out);
void deliver_reply_beyond(struct http_request *request, uint64_t size_bytes); /* 416 */
/* Accept-Ranges and, of a slice, Content-Range (NULL: the whole), behind before, whole lines of at most 256 bytes. */
void deliver_reply_range_headers(
    char out[DELIVER_REPLY_HEADERS_SIZE], const char *before, const struct http_range *slice, uint64_t size_bytes);
void deliver_reply_bad_request(struct http_request *request); /* 400 */
void deliver_reply_disk_busy(struct http_request *request);   /* 503 */
/* A sentence in both languages, never kept by a cache: 400, 503. */
void deliver_reply_text(struct http_request *request, int status, const char *text);
/* headers: whole lines. */
void deliver_reply_not_found(struct http_request *request, const char *cache_control, const char *headers);
/* A stream that is not there, one that may not be seen and a segment that is gone: one answer, byte for byte. */
void deliver_reply_no_media(struct http_request *request);

#endif
