/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that more than one route gives: a body of shared bytes, and the one 404.
 *
 * Owner: the delivery thread. Lifetime: nothing is kept; the server takes references of its own to what goes out.
 * Not here: which body, and how long it may be kept (packager/deliver_hls.h).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_REPLY_H
#define ISARIBI_PACKAGER_DELIVER_REPLY_H

#include <stdbool.h>

#include "base/http_request.h"

struct body;

/* Headers of whatever a page of another origin may fetch, whole lines. */
extern const char deliver_reply_cors[];
extern const char deliver_reply_cors_and_vary[];

struct deliver_reply_headers {
	const char *content_type;
	const char *cache_control;
	const char *extra_headers; /* NULL: none */
	bool is_gzip;		   /* the body is gzip */
};

void deliver_reply_body(struct http_request *request, struct body *body, const struct deliver_reply_headers *headers);
/* headers: whole lines. */
void deliver_reply_not_found(struct http_request *request, const char *cache_control, const char *headers);
/* A stream that is not there, one that may not be seen and a segment that is gone: one answer, byte for byte. */
void deliver_reply_no_media(struct http_request *request);

#endif
