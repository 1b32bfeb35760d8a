/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_library.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/shared.h"

enum {
	PLAYLISTS_MAX = 64,
	PLAYLISTS_MAX_BYTES = 64 * 1024 * 1024,
	LIST_AGE_US = 1000 * 1000, /* older than that it is read again when somebody asks */
	OPEN_AGE_US = 500 * 1000,
	OVER_AGE_US = 60 * 1000 * 1000, /* or until recording.json is another one */
};

/* One playlist, there or being made. */
struct playlist {
	struct playlist *next; /* most recently asked for first */
	struct rec_wish wish;
	struct rec_stamp stamp; /* of the recording when it was asked for */
	int64_t made_us;	/* or found to be what would be made now */
	struct shared *text;	/* NULL: none yet */
	uint64_t version;	/* of the text */
	bool is_gzip;
	bool is_open;
	struct rec_job *job;	  /* being made; NULL: not */
	struct list_node waiters; /* struct rec_waiter */
	struct rec_library *library;
};

struct rec_library {
	struct loop *loop;
	struct rec_reader *reader;
	struct rec_list *list; /* NULL: never read */
	struct rec_job *list_job;
	bool is_ready;
	int64_t listed_us;
	struct playlist *playlists;
};

static void playlist_destroy(struct playlist *p)
{
	assert(list_is_empty(&p->waiters));
	if (p->job)
		p->job->is_cancelled = true;
	shared_unref(p->text);
	free(p);
}

void rec_library_destroy(struct rec_library **library)
{
	struct rec_library *l = *library;

	*library = NULL;
	if (!l)
		return;
	if (l->list_job)
		l->list_job->is_cancelled = true;
	while (l->playlists) {
		struct playlist *p = l->playlists;

		l->playlists = p->next;
		playlist_destroy(p);
	}
	rec_list_unref(l->list);
	free(l);
}

/* ---- which there are ---- */

static void on_list(void *arg, struct rec_job *job)
{
	struct rec_library *l = arg;

	l->list_job = NULL;
	l->listed_us = loop_now_us(l->loop);
	/* No folder yet: nothing was ever recorded here. */
	l->is_ready = l->is_ready || job->err == 0 || job->err == -ENOENT;
	if (job->err != 0 || !job->list)
		return;
	rec_list_unref(l->list);
	l->list = rec_list_ref(job->list);
}

static void look_again(struct rec_library *l)
{
	struct rec_job *job;

	if (l->list_job || (l->is_ready && loop_now_us(l->loop) - l->listed_us < LIST_AGE_US))
		return;
	job = rec_job_create(REC_JOB_LIST, on_list, l);
	if (!job)
		return;
	job->list = rec_list_ref(l->list);
	if (rec_reader_ask(l->reader, job) == 0)
		l->list_job = job;
	else
		rec_job_destroy(&job);
}

int rec_library_create(struct rec_library **out, struct loop *loop, struct rec_reader *reader)
{
	struct rec_library *l = calloc(1, sizeof(*l));

	*out = l;
	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->reader = reader;
	look_again(l);
	return 0;
}

bool rec_library_is_ready(struct rec_library *l)
{
	look_again(l);
	return l->is_ready;
}

const struct rec_list_entry *rec_library_find(struct rec_library *l, const char *id, size_t len)
{
	look_again(l);
	return rec_list_find(l->list, id, len);
}

const struct rec_list_entry *rec_library_newest(struct rec_library *l, const char *stream, size_t len)
{
	look_again(l);
	return rec_list_newest(l->list, stream, len);
}

struct rec_reader *rec_library_reader(struct rec_library *l)
{
	return l->reader;
}

/* ---- playlists ---- */

static bool is_same_wish(const struct rec_wish *a, const struct rec_wish *b)
{
	return strcmp(a->id, b->id) == 0 && a->is_main == b->is_main && a->is_prefixed == b->is_prefixed &&
	    a->is_clip == b->is_clip && a->in_ms == b->in_ms && a->out_ms == b->out_ms &&
	    a->wants_skip == b->wants_skip && a->wants_gzip == b->wants_gzip;
}

/* Moves it to the front. NULL: there is none like it. */
static struct playlist *find(struct rec_library *l, const struct rec_wish *wish)
{
	for (struct playlist **at = &l->playlists; *at; at = &(*at)->next) {
		struct playlist *p = *at;

		if (!is_same_wish(&p->wish, wish))
			continue;
		*at = p->next;
		p->next = l->playlists;
		l->playlists = p;
		return p;
	}
	return NULL;
}

/* What was asked for longest ago goes, unless somebody waits for it. */
static void trim(struct rec_library *l)
{
	struct playlist **at = &l->playlists;
	size_t bytes = 0;
	size_t n = 0;

	while (*at) {
		struct playlist *p = *at;

		bytes += p->text ? p->text->size_bytes : 0;
		if ((++n <= PLAYLISTS_MAX && bytes <= PLAYLISTS_MAX_BYTES) || p->job || n == 1) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		bytes -= p->text ? p->text->size_bytes : 0;
		playlist_destroy(p);
	}
}

static bool is_fresh(const struct rec_library *l, const struct playlist *p, const struct rec_stamp *stamp)
{
	int64_t age_us = loop_now_us(l->loop) - p->made_us;

	if (!p->text)
		return false;
	return p->is_open ? age_us < OPEN_AGE_US : age_us < OVER_AGE_US && rec_stamp_is_same(&p->stamp, stamp);
}

static void tell(const struct rec_waiter *waiter, const struct playlist *p, int err)
{
	const struct rec_playlist_answer answer = {
		.err = err,
		.text = err == 0 ? p->text : NULL,
		.is_gzip = p && p->is_gzip,
		.is_open = p && p->is_open,
	};

	waiter->fn(waiter->arg, &answer);
}

static void on_playlist(void *arg, struct rec_job *job)
{
	struct playlist *p = arg;
	struct rec_library *l = p->library;

	p->job = NULL;
	if (!job->is_same) {
		shared_unref(p->text);
		p->text = shared_ref(job->err == 0 ? job->data : NULL);
		p->is_gzip = job->is_gzip;
		p->is_open = job->is_open;
		p->version = job->version;
	}
	p->made_us = loop_now_us(l->loop);
	while (!list_is_empty(&p->waiters)) {
		struct rec_waiter *waiter = LIST_ENTRY(p->waiters.next, struct rec_waiter, node);

		list_remove(&waiter->node);
		tell(waiter, p, job->err);
	}
	trim(l);
}

static struct playlist *add(struct rec_library *l, const struct rec_wish *wish)
{
	struct playlist *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->library = l;
	p->wish = *wish;
	list_init(&p->waiters);
	p->next = l->playlists;
	l->playlists = p;
	trim(l);
	return p;
}

static int make(struct rec_library *l, struct playlist *p, const struct rec_stamp *stamp)
{
	struct rec_job *job = rec_job_create(REC_JOB_PLAYLIST, on_playlist, p);
	int err;

	if (!job)
		return -ENOMEM;
	job->wish = p->wish;
	job->version = p->text ? p->version : 0;
	err = rec_reader_ask(l->reader, job);
	if (err != 0) {
		rec_job_destroy(&job);
		return err;
	}
	p->job = job;
	p->stamp = *stamp;
	return 0;
}

void rec_library_ask(struct rec_library *l, const struct rec_wish *wish, struct rec_waiter *waiter)
{
	const struct rec_list_entry *entry = rec_library_find(l, wish->id, strlen(wish->id));
	struct playlist *p = entry ? find(l, wish) : NULL;
	int err = entry ? 0 : -ENOENT;

	if (err == 0 && !p)
		p = add(l, wish);
	if (err == 0 && !p)
		err = -ENOMEM;
	if (err == 0 && is_fresh(l, p, &entry->stamp)) {
		tell(waiter, p, 0);
		return;
	}
	if (err == 0 && !p->job)
		err = make(l, p, &entry->stamp);
	if (err != 0) {
		tell(waiter, p, err);
		return;
	}
	list_append(&p->waiters, &waiter->node);
}

void rec_library_leave(struct rec_waiter *waiter)
{
	list_remove(&waiter->node);
}
