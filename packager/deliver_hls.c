/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_hls.h"

#include <errno.h>
#include <stdlib.h>

#include "packager/deliver_path.h"
#include "packager/deliver_reply.h"
#include "packager/segment_store.h"

struct deliver_hls {
	struct segment_store *store;
	struct deliver_access access;
};

void deliver_hls_destroy(struct deliver_hls **hls)
{
	free(*hls);
	*hls = NULL;
}

int deliver_hls_create(struct deliver_hls **out, struct segment_store *store, const struct deliver_access *access)
{
	struct deliver_hls *h = calloc(1, sizeof(*h));

	*out = h;
	if (!h)
		return -ENOMEM;
	h->store = store;
	h->access = *access;
	return 0;
}

/*
 * The same for private streams: the view token is part of the path, so a cache keeps its holders apart, and one in
 * front that checks the token itself may drop it from its key and share (design §5).
 */
#define PLAYLIST_TYPE "application/vnd.apple.mpegurl"
#define FOR_EVER      "public, max-age=3600, immutable"

static const struct deliver_reply_headers kind_headers[] = {
	[PLAYLIST_MAIN] = { PLAYLIST_TYPE, "public, max-age=2", deliver_reply_cors_and_vary, false },
	[PLAYLIST_MEDIA] = { PLAYLIST_TYPE, "public, max-age=1", deliver_reply_cors_and_vary, false },
	[PLAYLIST_INIT] = { "video/mp4", FOR_EVER, deliver_reply_cors, false },
	[PLAYLIST_SEGMENT] = { "video/iso.segment", FOR_EVER, deliver_reply_cors, false },
};

static void respond_found(struct http_request *request, const struct segment_store_found *found)
{
	struct deliver_reply_headers headers = kind_headers[found->kind];

	headers.is_gzip = found->is_gzip;
	deliver_reply_body(request, found->body, &headers);
}

void deliver_hls_serve(struct deliver_hls *h, struct http_request *request, const char *rest)
{
	struct deliver_path path;
	struct segment_store_found found;

	/* Whether it may be seen is asked first and always: what is in the store changes nothing for him who may not.
	 */
	if (deliver_path_parse(&path, rest, true) &&
	    deliver_access_allows(&h->access, path.stream, path.stream_len, path.token, path.token_len) &&
	    segment_store_find(h->store, path.stream, path.stream_len, path.resource, path.resource_len,
		request->accepts_gzip, &found) &&
	    found.kind != PLAYLIST_NONE)
		respond_found(request, &found);
	else
		deliver_reply_no_media(request);
}
