/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_hls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/loop.h"
#include "packager/deliver_path.h"
#include "packager/deliver_reply.h"
#include "packager/segment_store.h"

enum { LATE_EVERY_MS = 1000 };

/* A request that is answered later. */
struct waiting {
	struct segment_store_waiter waiter;
	struct list_node node; /* of struct deliver_hls */
	struct deliver_hls *hls;
	struct http_request *request;
	const char *rest; /* of the request */
	int64_t deadline_us;
};

struct deliver_hls {
	struct loop *loop;
	struct segment_store *store;
	struct deliver_access access;
	struct list_node waiting; /* struct waiting; all wait equally long, so the first is the first to be late */
	struct loop_timer *timer; /* runs while anybody waits */
	char specific[48];	  /* Cache-Control of a playlist that was asked for by number */
};

void deliver_hls_destroy(struct deliver_hls **hls)
{
	struct deliver_hls *h = *hls;

	*hls = NULL;
	if (!h)
		return;
	assert(list_is_empty(&h->waiting));
	loop_timer_destroy(&h->timer);
	free(h);
}

/* ---- answers ---- */

#define PLAYLIST_TYPE "application/vnd.apple.mpegurl"
#define FOR_EVER      "public, max-age=3600, immutable"

/*
 * The same for private streams: the view token is part of the path, so a cache keeps its holders apart, and one in
 * front that checks the token itself may drop it from its key and share (design §5).
 */
static const struct deliver_reply_headers kind_headers[] = {
	[PLAYLIST_MAIN] = { PLAYLIST_TYPE, "public, max-age=2", deliver_reply_cors_and_vary, false },
	[PLAYLIST_MEDIA] = { PLAYLIST_TYPE, "public, max-age=1", deliver_reply_cors_and_vary, false },
	[PLAYLIST_INIT] = { "video/mp4", FOR_EVER, deliver_reply_cors, false },
	[PLAYLIST_SEGMENT] = { "video/iso.segment", FOR_EVER, deliver_reply_cors, false },
	[PLAYLIST_PART] = { "video/iso.segment", FOR_EVER, deliver_reply_cors, false },
};

static void respond_found(
    const struct deliver_hls *h, struct http_request *request, const struct segment_store_found *found)
{
	struct deliver_reply_headers headers = kind_headers[found->kind];

	if (found->kind != PLAYLIST_MAIN && found->kind != PLAYLIST_MEDIA) {
		deliver_reply_ranges(request, found->body, &headers);
		return;
	}
	headers.is_gzip = found->is_gzip;
	if (found->is_specific)
		headers.cache_control = h->specific;
	deliver_reply_body(request, found->body, &headers);
}

static bool parse_ask(
    struct segment_store_ask *ask, const struct deliver_hls *h, const struct http_request *request, const char *rest)
{
	struct deliver_path path;

	if (!deliver_path_parse(&path, rest, true) ||
	    !deliver_access_allows(&h->access, path.stream, path.stream_len, path.token, path.token_len))
		return false;
	*ask = (struct segment_store_ask){
		.stream = path.stream,
		.stream_len = path.stream_len,
		.resource = path.resource,
		.resource_len = path.resource_len,
		.query = request->query,
		.wants_gzip = request->accepts_gzip,
		.takes_short = ask->takes_short,
	};
	return true;
}

static void respond_late(struct http_request *request)
{
	deliver_reply_text(request, 503, "まだありません。\nNot there yet.\n");
}

/* Answers now. False: it has to wait, and *ask says for what; takes_short stays as it is. */
static bool try_to_answer(
    struct deliver_hls *h, struct http_request *request, const char *rest, struct segment_store_ask *ask)
{
	enum segment_store_status status = SEGMENT_STORE_NOT_FOUND;
	struct segment_store_found found;

	/* Whether it may be seen is asked first and always: what is in the store changes nothing for him who may not.
	 */
	if (parse_ask(ask, h, request, rest))
		status = segment_store_find(h->store, ask, &found);
	switch (status) {
	case SEGMENT_STORE_NOT_YET: return false;
	case SEGMENT_STORE_FOUND: respond_found(h, request, &found); break;
	case SEGMENT_STORE_NOT_FOUND: deliver_reply_no_media(request); break;
	case SEGMENT_STORE_BAD: deliver_reply_bad_request(request); break;
	}
	return true;
}

/* ---- who waits ---- */

static void forget(struct waiting *w)
{
	segment_store_unwait(&w->waiter);
	list_remove(&w->node);
	free(w);
}

static void finish(struct waiting *w, bool is_late)
{
	struct deliver_hls *h = w->hls;
	struct http_request *request = w->request;
	const char *rest = w->rest;
	struct segment_store_ask ask = { .takes_short = is_late };

	forget(w);
	if (!try_to_answer(h, request, rest, &ask))
		respond_late(request);
}

static void on_wake(struct segment_store_waiter *waiter)
{
	finish(LIST_ENTRY(waiter, struct waiting, waiter), false);
}

static void on_gone(void *arg)
{
	forget(arg);
}

static void answer_late(void *arg)
{
	struct deliver_hls *h = arg;
	int64_t now_us = loop_now_us(h->loop);

	while (!list_is_empty(&h->waiting)) {
		struct waiting *w = LIST_ENTRY(h->waiting.next, struct waiting, node);

		if (w->deadline_us > now_us)
			return;
		finish(w, true);
	}
	loop_timer_stop(h->timer);
}

static void wait_for(
    struct deliver_hls *h, struct http_request *request, const char *rest, const struct segment_store_ask *ask)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w) {
		respond_late(request);
		return;
	}
	w->hls = h;
	w->request = request;
	w->rest = rest;
	w->deadline_us = loop_now_us(h->loop) + segment_store_patience_us(h->store);
	w->waiter.wake = on_wake;
	http_request_wait(request, on_gone, w);
	segment_store_wait(h->store, ask, &w->waiter);
	list_append(&h->waiting, &w->node);
	if (!loop_timer_is_running(h->timer))
		loop_timer_start(h->timer, LATE_EVERY_MS, LATE_EVERY_MS);
}

void deliver_hls_serve(struct deliver_hls *h, struct http_request *request, const char *rest)
{
	struct segment_store_ask ask = { 0 };

	if (!try_to_answer(h, request, rest, &ask))
		wait_for(h, request, rest, &ask);
}

int deliver_hls_create(
    struct deliver_hls **out, struct loop *loop, struct segment_store *store, const struct deliver_access *access)
{
	struct deliver_hls *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (!h)
		return -ENOMEM;
	h->loop = loop;
	h->store = store;
	h->access = *access;
	list_init(&h->waiting);
	/* RFC 8216bis §B.1: such an answer is good for as long as anybody may ask for it, six target durations. */
	(void)snprintf(h->specific, sizeof(h->specific), "public, max-age=%d",
	    (int)(2 * segment_store_patience_us(store) / 1000000));
	if (loop_timer_create(&h->timer, loop, answer_late, h) != 0) {
		deliver_hls_destroy(&h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}
