/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_reply.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/shared.h"
#include "packager/body.h"

#define CORS                                 \
	"Access-Control-Allow-Origin: *\r\n" \
	"Access-Control-Expose-Headers: Content-Range, Date\r\n"

const char deliver_reply_cors[] = CORS;
const char deliver_reply_cors_and_vary[] = CORS "Vary: Accept-Encoding\r\n";

void deliver_reply_not_found(struct http_request *request, const char *cache_control, const char *headers)
{
	static const char text[] = "見つかりません。\nNot found.\n";
	const struct http_piece piece = { .data = (const uint8_t *)text, .size_bytes = sizeof(text) - 1 };
	const struct http_response response = {
		.status = 404,
		.content_type = "text/plain; charset=utf-8",
		.cache_control = cache_control,
		.extra_headers = headers,
		.pieces = &piece,
		.n_pieces = 1,
	};

	http_respond(request, &response);
}

void deliver_reply_no_media(struct http_request *request)
{
	/* A second, because it may begin any moment. */
	deliver_reply_not_found(request, "public, max-age=1", deliver_reply_cors);
}

void deliver_reply_text(struct http_request *request, int status, const char *text)
{
	const struct http_piece piece = { .data = (const uint8_t *)text, .size_bytes = strlen(text) };
	const struct http_response response = {
		.status = status,
		.content_type = "text/plain; charset=utf-8",
		.cache_control = "no-store",
		.extra_headers = deliver_reply_cors,
		.pieces = &piece,
		.n_pieces = 1,
	};

	http_respond(request, &response);
}

void deliver_reply_bad_request(struct http_request *request)
{
	deliver_reply_text(request, 400, "リクエストが正しくありません。\nBad request.\n");
}

void deliver_reply_disk_busy(struct http_request *request)
{
	deliver_reply_text(request, 503, "ディスクの応答を待っています。\nThe disk does not answer in time.\n");
}

/* The pieces that hold these bytes of the body. How many; more than HTTP_PIECES_MAX: too many. */
static size_t cut(struct http_piece pieces[HTTP_PIECES_MAX], const struct body *body, uint64_t first, uint64_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < body->piece_count && count > 0; i++) {
		struct shared *s = body->pieces[i];
		size_t len = s->size_bytes;

		if (first >= len) {
			first -= len;
			continue;
		}
		len -= (size_t)first;
		if (len > count)
			len = (size_t)count;
		if (n == HTTP_PIECES_MAX)
			return n + 1;
		pieces[n++] = (struct http_piece){ .owner = s, .data = s->data + first, .size_bytes = len };
		count -= len;
		first = 0;
	}
	return n;
}

/* response: without its pieces. */
static void respond_bytes(struct http_request *request, const struct body *body, const struct http_range *range,
    struct http_response *response)
{
	struct http_piece pieces[HTTP_PIECES_MAX];

	response->pieces = pieces;
	response->n_pieces = cut(pieces, body, range->first, range->last + 1 - range->first);
	if (response->n_pieces > HTTP_PIECES_MAX)
		deliver_reply_text(request, 500, "サーバーの中で失敗しました。\nInternal error.\n");
	else
		http_respond(request, response);
}

static void respond_whole(struct http_request *request, const struct body *body,
    const struct deliver_reply_headers *headers, const char *extra_headers)
{
	const struct http_range all = { .first = 0, .last = body->size_bytes - 1 };
	struct http_response response = {
		.status = 200,
		.content_type = headers->content_type,
		.cache_control = headers->cache_control,
		.content_encoding = headers->is_gzip ? "gzip" : NULL,
		.extra_headers = extra_headers,
	};

	respond_bytes(request, body, &all, &response);
}

void deliver_reply_body(
    struct http_request *request, const struct body *body, const struct deliver_reply_headers *headers)
{
	respond_whole(request, body, headers, headers->extra_headers);
}

enum http_range_kind deliver_reply_wanted(
    const struct http_request *request, uint64_t size_bytes, struct http_range *out)
{
	if (request->method != HTTP_GET)
		return HTTP_RANGE_WHOLE;
	return http_range_parse(out, request->range, size_bytes);
}

void deliver_reply_beyond(struct http_request *request, uint64_t size_bytes)
{
	char extra[DELIVER_REPLY_HEADERS_SIZE];
	const struct http_response response = {
		.status = 416,
		.cache_control = "no-store",
		.extra_headers = extra,
	};

	(void)snprintf(
	    extra, sizeof(extra), "%sContent-Range: bytes */%" PRIu64 "\r\n", deliver_reply_cors, size_bytes);
	http_respond(request, &response);
}

void deliver_reply_range_headers(
    char out[DELIVER_REPLY_HEADERS_SIZE], const char *before, const struct http_range *slice, uint64_t size_bytes)
{
	size_t size = DELIVER_REPLY_HEADERS_SIZE;
	int n = snprintf(out, size, "%sAccept-Ranges: bytes\r\n", before ? before : "");

	assert(n > 0 && (size_t)n < size);
	if (slice)
		(void)snprintf(out + n, size - (size_t)n,
		    "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", slice->first, slice->last,
		    size_bytes);
}

static void respond_slice(struct http_request *request, const struct body *body, const struct http_range *range,
    const struct deliver_reply_headers *headers)
{
	char extra[DELIVER_REPLY_HEADERS_SIZE];
	struct http_response response = {
		.status = 206,
		.content_type = headers->content_type,
		.cache_control = headers->cache_control,
		.extra_headers = extra,
	};

	deliver_reply_range_headers(extra, headers->extra_headers, range, body->size_bytes);
	respond_bytes(request, body, range, &response);
}

void deliver_reply_ranges(
    struct http_request *request, const struct body *body, const struct deliver_reply_headers *headers)
{
	struct http_range range;
	char extra[DELIVER_REPLY_HEADERS_SIZE];

	assert(!headers->is_gzip);
	switch (deliver_reply_wanted(request, body->size_bytes, &range)) {
	case HTTP_RANGE_BEYOND: deliver_reply_beyond(request, body->size_bytes); return;
	case HTTP_RANGE_SLICE: respond_slice(request, body, &range, headers); return;
	case HTTP_RANGE_WHOLE: break;
	}
	deliver_reply_range_headers(extra, headers->extra_headers, NULL, body->size_bytes);
	respond_whole(request, body, headers, extra);
}
