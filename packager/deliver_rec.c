/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_rec.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/shared.h"
#include "packager/deliver_rec_file.h"
#include "packager/deliver_reply.h"
#include "packager/playlist_query.h"
#include "packager/rec_library.h"

enum {
	WAIT_MS = 10000,
	TICK_MS = 1000,
};

/* A playlist that somebody waits for. */
struct pending {
	struct list_node node; /* of struct deliver_rec */
	struct http_request *request;
	struct rec_waiter waiter;
	int64_t deadline_us;
};

struct deliver_rec {
	struct loop *loop;
	struct deliver_rec_config config;
	struct deliver_rec_files *files;
	struct loop_timer *tick;
	struct list_node pending; /* struct pending; all wait equally long, so the first is the first to be late */
};

/* What a request is about. entry NULL: nothing, or nothing that may be seen. */
struct target {
	struct deliver_rec_path path;
	const struct rec_list_entry *entry;
	struct deliver_clip clip;
	bool is_clip;
};

void deliver_rec_destroy(struct deliver_rec **rec)
{
	struct deliver_rec *r = *rec;

	*rec = NULL;
	if (!r)
		return;
	assert(list_is_empty(&r->pending));
	deliver_rec_files_destroy(&r->files);
	loop_timer_destroy(&r->tick);
	free(r);
}

/* ---- what is asked for ---- */

static bool is_name(const char *text, const char *name, size_t len)
{
	return strlen(text) == len && memcmp(text, name, len) == 0;
}

static const struct rec_list_entry *find_clip(const struct deliver_rec *r, struct target *t)
{
	const struct deliver_rec_path *path = &t->path;
	char id[ID_SIZE];

	if (!r->config.find_clip || path->name_len >= sizeof(id))
		return NULL;
	memcpy(id, path->name, path->name_len);
	id[path->name_len] = '\0';
	t->is_clip = r->config.find_clip(r->config.arg, id, &t->clip);
	if (!t->is_clip || (path->recording && !is_name(t->clip.recording, path->recording, path->recording_len)))
		return NULL;
	return rec_library_find(r->config.library, t->clip.recording, strlen(t->clip.recording));
}

/* The address of a time shift is of what is recorded now; what it led to stays when that is over. */
static const struct rec_list_entry *find_shift(const struct deliver_rec *r, const struct deliver_rec_path *path)
{
	const struct rec_list_entry *entry;

	if (path->recording) {
		entry = rec_library_find(r->config.library, path->recording, path->recording_len);
		return entry && is_name(entry->stream, path->name, path->name_len) ? entry : NULL;
	}
	entry = rec_library_newest(r->config.library, path->name, path->name_len);
	return entry && entry->state == REC_RECORDING ? entry : NULL;
}

static const struct rec_list_entry *find(const struct deliver_rec *r, struct target *t, enum deliver_rec_form form)
{
	switch (form) {
	case DELIVER_REC_RECORDING: return rec_library_find(r->config.library, t->path.name, t->path.name_len);
	case DELIVER_REC_CLIP: return find_clip(r, t);
	case DELIVER_REC_SHIFT: return find_shift(r, &t->path);
	}
	return NULL;
}

/* Asked for what is not there, too, by the name in the path: it must take as long. */
static bool may_see(const struct deliver_rec *r, const struct target *t)
{
	const char *stream = t->entry ? t->entry->stream : t->path.name;
	size_t len = t->entry ? strlen(t->entry->stream) : t->path.name_len;

	return deliver_access_allows(&r->config.access, stream, len, t->path.token, t->path.token_len) && t->entry &&
	    len > 0;
}

/* ---- playlists ---- */

static void pending_destroy(struct pending *p)
{
	rec_library_leave(&p->waiter);
	list_remove(&p->node);
	free(p);
}

static void on_client_gone(void *arg)
{
	pending_destroy(arg);
}

static void respond_playlist(struct http_request *request, const struct rec_playlist_answer *answer)
{
	const struct http_piece piece = {
		.owner = answer->text, .data = answer->text->data, .size_bytes = answer->text->size_bytes
	};
	const struct http_response response = {
		.status = 200,
		.content_type = "application/vnd.apple.mpegurl",
		.cache_control = answer->is_open ? "public, max-age=1" : "public, max-age=60",
		.content_encoding = answer->is_gzip ? "gzip" : NULL,
		.extra_headers = deliver_reply_cors_and_vary,
		.pieces = &piece,
		.n_pieces = 1,
	};

	http_respond(request, &response);
}

static void on_playlist(void *arg, const struct rec_playlist_answer *answer)
{
	struct pending *p = arg;
	struct http_request *request = p->request;

	if (answer->err == 0)
		respond_playlist(request, answer);
	else if (answer->err == -EAGAIN || answer->err == -ENOMEM)
		deliver_reply_disk_busy(request);
	else
		deliver_reply_no_media(request);
	pending_destroy(p);
}

static struct pending *pending_create(struct deliver_rec *r, struct http_request *request)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->request = request;
	p->waiter.fn = on_playlist;
	p->waiter.arg = p;
	p->deadline_us = loop_now_us(r->loop) + r->config.wait_ms * INT64_C(1000);
	list_append(&r->pending, &p->node);
	return p;
}

static void serve_playlist(
    struct deliver_rec *r, struct http_request *request, const struct target *t, enum deliver_rec_form form)
{
	struct rec_wish wish = {
		.is_main = t->path.kind == DELIVER_REC_MAIN,
		.is_clip = t->is_clip,
		.wants_gzip = request->accepts_gzip,
	};
	struct playlist_query query;
	struct pending *p;

	if (!playlist_query_parse(&query, request->query)) {
		deliver_reply_bad_request(request);
		return;
	}
	p = pending_create(r, request);
	if (!p) {
		deliver_reply_disk_busy(request);
		return;
	}
	memcpy(wish.id, t->entry->id, sizeof(wish.id));
	wish.wants_skip = !wish.is_main && query.wants_delta;
	wish.is_prefixed = (form == DELIVER_REC_CLIP && !wish.is_main) || (form == DELIVER_REC_SHIFT && wish.is_main);
	if (t->is_clip) {
		wish.in_ms = t->clip.in_ms;
		wish.out_ms = t->clip.out_ms;
	}
	http_request_wait(request, on_client_gone, p);
	rec_library_ask(r->config.library, &wish, &p->waiter);
}

/* Who waits too long hears that; the reader's answer finds nobody then. */
static void tick(void *arg)
{
	struct deliver_rec *r = arg;
	int64_t now_us = loop_now_us(r->loop);

	while (!list_is_empty(&r->pending)) {
		struct pending *p = LIST_ENTRY(r->pending.next, struct pending, node);
		struct http_request *request = p->request;

		if (now_us < p->deadline_us)
			break;
		pending_destroy(p);
		deliver_reply_disk_busy(request);
	}
	deliver_rec_files_tick(r->files, now_us);
}

/* ---- */

void deliver_rec_serve(
    struct deliver_rec *r, struct http_request *request, const char *rest, enum deliver_rec_form form)
{
	struct target t = { 0 };
	bool is_path = deliver_rec_path_parse(&t.path, rest, form);

	if (!rec_library_is_ready(r->config.library)) {
		deliver_reply_disk_busy(request);
		return;
	}
	t.entry = is_path ? find(r, &t, form) : NULL;
	if (!is_path || !may_see(r, &t))
		deliver_reply_no_media(request);
	else if (t.path.kind == DELIVER_REC_FILE)
		deliver_rec_files_serve(r->files, request, t.entry->id, t.path.stretch);
	else
		serve_playlist(r, request, &t, form);
}

int deliver_rec_create(struct deliver_rec **out, struct loop *loop, const struct deliver_rec_config *config)
{
	struct deliver_rec *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->config = *config;
	if (r->config.wait_ms == 0)
		r->config.wait_ms = WAIT_MS;
	list_init(&r->pending);
	err = deliver_rec_files_create(&r->files, loop, rec_library_reader(config->library), r->config.wait_ms);
	if (err == 0)
		err = loop_timer_create(&r->tick, loop, tick, r);
	if (err == 0)
		loop_timer_start(r->tick, TICK_MS, TICK_MS);
	else
		deliver_rec_destroy(&r);
	*out = r;
	return err;
}
