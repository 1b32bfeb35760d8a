/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/http.h"
#include "base/http_text.h"
#include "base/shared.h"
#include "packager/deliver_auth.h"
#include "packager/deliver_hls.h"
#include "packager/deliver_path.h"
#include "packager/deliver_rec.h"
#include "packager/deliver_rec_path.h"
#include "packager/deliver_reply.h"
#include "packager/segment_store.h"
#include "web/assets.h"

enum { METRICS_MAX_BYTES = 4 * 1024 * 1024 };

struct deliver {
	struct http_server *server;
	struct segment_store *store;
	struct deliver_hls *hls;
	struct deliver_rec *rec; /* NULL: there are no recordings */
	struct deliver_config config;
};

/* rest: the path behind the route's prefix. */
struct route {
	const char *prefix;
	bool is_exact;
	void (*serve)(struct deliver *d, struct http_request *request, const char *rest);
};

static const char nosniff[] = "X-Content-Type-Options: nosniff\r\n";
static const char vary[] = "Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n";
/*
 * The page's address may hold a view token: it goes to nobody as a referrer. blob: is what hls.js feeds the video
 * element with; its worker is a file of ours.
 */
static const char page_headers[] = "Vary: Accept-Encoding\r\n"
				   "X-Content-Type-Options: nosniff\r\n"
				   "Referrer-Policy: no-referrer\r\n"
				   "Content-Security-Policy: default-src 'none'; script-src 'self'; worker-src 'self'; "
				   "style-src 'self'; img-src 'self' data:; connect-src 'self'; "
				   "media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
				   "frame-ancestors 'self'\r\n";

static void serve_of_recording(
    struct deliver *d, struct http_request *request, const char *rest, enum deliver_rec_form form)
{
	if (d->rec)
		deliver_rec_serve(d->rec, request, rest, form);
	else
		deliver_reply_no_media(request);
}

static void serve_hls(struct deliver *d, struct http_request *request, const char *rest)
{
	if (deliver_rec_path_is_shift(rest))
		serve_of_recording(d, request, rest, DELIVER_REC_SHIFT);
	else
		deliver_hls_serve(d->hls, request, rest);
}

static void serve_rec(struct deliver *d, struct http_request *request, const char *rest)
{
	serve_of_recording(d, request, rest, DELIVER_REC_RECORDING);
}

static void serve_clip(struct deliver *d, struct http_request *request, const char *rest)
{
	serve_of_recording(d, request, rest, DELIVER_REC_CLIP);
}

static void serve_auth(struct deliver *d, struct http_request *request, const char *rest)
{
	const struct deliver_access access = { .may_play = d->config.may_play, .arg = d->config.arg };

	deliver_auth_serve(&access, d->rec, request, rest);
}

/* --- pages -------------------------------------------------------------------------------------------------------- */

static void respond_asset(struct http_request *request, const struct web_asset *asset, const char *headers)
{
	char etag[WEB_ETAG_MAX + 2];
	bool is_gzip = request->accepts_gzip;
	const struct http_piece piece = {
		.data = is_gzip ? asset->gzip : asset->data,
		.size_bytes = is_gzip ? asset->gzip_bytes : asset->size_bytes,
	};
	struct http_response response = {
		.status = 200,
		.content_type = asset->content_type,
		.cache_control = asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache",
		.content_encoding = is_gzip ? "gzip" : NULL,
		.etag = etag,
		.extra_headers = headers,
		.pieces = &piece,
		.n_pieces = 1,
	};

	/* Weak, because it stands for the plain and the compressed form (RFC 9110 §8.8.1). */
	snprintf(etag, sizeof(etag), "W/%s", asset->etag);
	if (http_etag_matches(request->if_none_match, asset->etag)) {
		response.status = 304;
		response.content_type = NULL;
		response.content_encoding = NULL;
		response.n_pieces = 0;
	}
	http_respond(request, &response);
}

static void serve_watch(struct deliver *d, struct http_request *request, const char *rest)
{
	struct deliver_path path;
	const struct web_asset *page = web_asset_find("/watch/");

	(void)d;
	/* The page is the same for every stream and says itself when there is none. */
	if (page && deliver_path_parse(&path, rest, false))
		respond_asset(request, page, page_headers);
	else
		deliver_reply_not_found(request, "no-cache", nosniff);
}

static void serve_asset(struct deliver *d, struct http_request *request, const char *rest)
{
	const struct web_asset *asset = web_asset_find(request->path);

	(void)d;
	(void)rest;
	if (asset)
		respond_asset(request, asset, vary);
	else
		deliver_reply_not_found(request, "no-cache", nosniff);
}

/* --- for operators ------------------------------------------------------------------------------------------------ */

static void respond_bytes(struct http_request *request, const char *content_type, const void *data, size_t len)
{
	struct shared *body = shared_copy(data, len);
	const struct http_piece piece = {
		.owner = body,
		.data = body ? body->data : NULL,
		.size_bytes = body ? len : 0,
	};
	const struct http_response response = {
		.status = body ? 200 : 503,
		.content_type = content_type,
		.cache_control = "no-store",
		.extra_headers = nosniff,
		.pieces = &piece,
		.n_pieces = 1,
	};

	http_respond(request, &response);
	shared_unref(body);
}

static void serve_health(struct deliver *d, struct http_request *request, const char *rest)
{
	struct segment_store_stats stats;
	char text[128];
	int n;

	(void)rest;
	segment_store_stats(d->store, &stats);
	n = snprintf(text, sizeof(text), "{\"status\":\"ok\",\"version\":\"%s\",\"hls_streams\":%zu}\n",
	    ISARIBI_VERSION, stats.streams);
	respond_bytes(request, "application/json", text, (size_t)n);
}

static void put_metric(struct bytes_writer *w, const char *name, const char *type, const char *help, uint64_t value)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
	    (unsigned long long)value);

	bytes_put(w, text, (size_t)n);
}

static void put_http_metrics(struct bytes_writer *w, const struct http_stats *s)
{
	static const char head[] = "# HELP isaribi_http_responses_total Answers by class of status.\n"
				   "# TYPE isaribi_http_responses_total counter\n";

	put_metric(w, "isaribi_http_requests_total", "counter", "Requests read.", s->requests);
	bytes_put(w, head, sizeof(head) - 1);
	for (int i = 2; i <= 5; i++) {
		char line[96];
		int n = snprintf(line, sizeof(line), "isaribi_http_responses_total{class=\"%dxx\"} %llu\n", i,
		    (unsigned long long)s->responses_by_class[i]);

		bytes_put(w, line, (size_t)n);
	}
	put_metric(w, "isaribi_http_bytes_total", "counter", "Bytes of answers taken by the kernel.", s->bytes_out);
	put_metric(w, "isaribi_http_connections_total", "counter", "Connections accepted.", s->connections);
	put_metric(w, "isaribi_http_connections", "gauge", "Connections open.", s->open_connections);
	put_metric(w, "isaribi_http_waiting_requests", "gauge", "Requests that wait for what is not there yet.",
	    s->waiting_requests);
	put_metric(w, "isaribi_http_refused_total", "counter", "Connections turned away, too many.", s->refused);
	put_metric(w, "isaribi_http_stalled_total", "counter", "Connections closed for taking nothing.", s->stalled);
	put_metric(
	    w, "isaribi_http_timed_out_total", "counter", "Connections closed for asking nothing.", s->timed_out);
}

static void put_store_metrics(struct bytes_writer *w, const struct segment_store_stats *s)
{
	put_metric(w, "isaribi_hls_streams", "gauge", "Streams in the segment store.", s->streams);
	put_metric(w, "isaribi_hls_segments", "gauge", "Segments in the segment store.", s->segments);
	put_metric(w, "isaribi_hls_bytes", "gauge", "Bytes in the segment store.", s->bytes);
	put_metric(
	    w, "isaribi_hls_capped_total", "counter", "Segments dropped early by the byte cap.", s->segments_capped);
}

static void serve_metrics(struct deliver *d, struct http_request *request, const char *rest)
{
	struct bytes_writer w;
	struct http_stats stats;
	struct segment_store_stats store_stats;

	(void)rest;
	http_server_stats(d->server, &stats);
	segment_store_stats(d->store, &store_stats);
	bytes_writer_init_growing(&w, METRICS_MAX_BYTES);
	put_http_metrics(&w, &stats);
	put_store_metrics(&w, &store_stats);
	if (d->config.write_metrics)
		d->config.write_metrics(d->config.arg, &w);
	if (w.is_full)
		http_respond_text(request, 503, "no-store", "長すぎます。\nToo long.\n");
	else
		respond_bytes(request, "text/plain; version=0.0.4; charset=utf-8", w.data, w.len);
	bytes_writer_fini(&w);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct route routes[] = {
	{ "/hls/", false, serve_hls },
	{ "/rec/", false, serve_rec },
	{ "/clip/", false, serve_clip },
	{ "/auth/", false, serve_auth },
	{ "/watch/", false, serve_watch },
	{ "/assets/", false, serve_asset },
	{ "/healthz", true, serve_health },
	{ "/metrics", true, serve_metrics },
};

static void handle(void *arg, struct http_request *request)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		size_t len = strlen(routes[i].prefix);

		if (strncmp(request->path, routes[i].prefix, len) != 0)
			continue;
		if (routes[i].is_exact && request->path[len] != '\0')
			continue;
		routes[i].serve(arg, request, request->path + len);
		return;
	}
	deliver_reply_not_found(request, "no-cache", nosniff);
}

void deliver_close(struct deliver **deliver)
{
	struct deliver *d = *deliver;

	*deliver = NULL;
	if (!d)
		return;
	http_server_close(&d->server);
	deliver_hls_destroy(&d->hls);
	deliver_rec_destroy(&d->rec);
	free(d);
}

int deliver_open(
    struct deliver **out, struct loop *loop, struct segment_store *store, const struct deliver_config *config)
{
	struct deliver *d = calloc(1, sizeof(*d));
	struct http_server_config server_config = {
		.host = config->host,
		.port = config->port,
		.max_connections = config->max_connections,
		.handle = handle,
		.arg = d,
	};
	const struct deliver_access access = { .may_play = config->may_play, .arg = config->arg };
	const struct deliver_rec_config rec_config = { .library = config->recordings,
		.access = access,
		.find_clip = config->find_clip,
		.is_taken_down = config->is_taken_down,
		.arg = config->arg };
	int err;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->store = store;
	d->config = *config;
	err = deliver_hls_create(&d->hls, loop, store, &access);
	if (err == 0 && config->recordings)
		err = deliver_rec_create(&d->rec, loop, &rec_config);
	if (err == 0)
		err = http_server_open(&d->server, loop, &server_config);
	if (err != 0)
		deliver_close(&d);
	*out = d;
	return err;
}

uint16_t deliver_port(const struct deliver *d)
{
	return http_server_port(d->server);
}
