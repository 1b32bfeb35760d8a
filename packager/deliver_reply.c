/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_reply.h"

#include "base/shared.h"
#include "packager/body.h"

#define CORS "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Date\r\n"

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

void deliver_reply_body(struct http_request *request, struct body *body, const struct deliver_reply_headers *headers)
{
	struct http_piece pieces[HTTP_PIECES_MAX];
	const struct http_response response = {
		.status = 200,
		.content_type = headers->content_type,
		.cache_control = headers->cache_control,
		.content_encoding = headers->is_gzip ? "gzip" : NULL,
		.extra_headers = headers->extra_headers,
		.pieces = pieces,
		.n_pieces = body->piece_count,
	};

	if (body->piece_count > HTTP_PIECES_MAX) {
		http_respond_text(request, 500, "no-store", "サーバーの中で失敗しました。\nInternal error.\n");
		return;
	}
	for (size_t i = 0; i < body->piece_count; i++) {
		struct shared *s = body->pieces[i];

		pieces[i] = (struct http_piece){ .owner = s, .data = s->data, .size_bytes = s->size_bytes };
	}
	http_respond(request, &response);
}
