/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/mailbox.h"
#include "base/shared.h"
#include "packager/playlist_gzip.h"
#include "packager/rec_cache.h"
#include "packager/rec_load.h"
#include "packager/rec_playlist.h"

enum {
	NOTES_MAX = 1024,
	AGAIN_MS = 20,
};

struct rec_reader {
	struct loop *asker;
	struct loop *loop;
	struct mailbox *jobs;	 /* struct rec_job *, to the reading thread */
	struct mailbox *answers; /* and back */
	struct mailbox *notes;	 /* struct note, from the recording thread */
	struct rec_cache *cache; /* the reading thread's, like these two */
	struct rec_job *unsent;	 /* memory was out when they were done; the oldest first */
	struct loop_timer *again;
	unsigned under_way; /* the asker's */
};

struct note {
	char id[ID_SIZE];
	struct rec_load_limit limit;
};

/* ---- jobs ---- */

void rec_job_destroy(struct rec_job **job)
{
	struct rec_job *j = *job;

	*job = NULL;
	if (!j)
		return;
	rec_list_unref(j->list);
	shared_unref(j->data);
	rec_step_fini(&j->step);
	free(j);
}

struct rec_job *rec_job_create(enum rec_job_kind kind, rec_job_done_fn done, void *arg)
{
	struct rec_job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->kind = kind;
	j->done = done;
	j->arg = arg;
	return j;
}

static void drop_job(void *item)
{
	rec_job_destroy((struct rec_job **)item);
}

/* ---- on the reading thread ---- */

static void list(struct rec_reader *r, struct rec_job *job)
{
	struct rec_list *old = job->list;
	int root_fd = rec_cache_root(r->cache);

	job->list = NULL;
	job->err = root_fd < 0 ? root_fd : rec_list_read(&job->list, root_fd, old);
	rec_list_unref(old);
}

static int range_of(const struct rec_index *index, const struct rec_wish *wish, struct rec_range *range)
{
	bool is_reached = false;
	int err = 0;

	*range = rec_range_whole(index);
	if (wish->is_clip)
		err = rec_index_clip(index, wish->in_ms, wish->out_ms, &range->from, &range->to, &is_reached);
	range->is_open = range->is_open && !is_reached;
	return err;
}

static int write_text(struct bytes_writer *w, const struct rec_playlist *playlist, bool is_main)
{
	return is_main ? rec_playlist_write_main(w, playlist) : rec_playlist_write_media(w, playlist);
}

/* A recording that goes on has another text with each segment, and is asked about much more often. */
static int write_playlist(struct bytes_writer *w, const struct rec_index *index, struct rec_job *job)
{
	char prefix[ID_SIZE + 1] = "";
	struct rec_segments segments;
	struct rec_playlist playlist = { .index = index, .segments = &segments, .prefix = prefix };
	uint64_t known = job->version;
	struct rec_range range;
	int err = range_of(index, &job->wish, &range);

	if (job->wish.is_prefixed)
		(void)snprintf(prefix, sizeof(prefix), "%s/", job->wish.id);
	rec_segments_init(&segments);
	if (err == 0)
		err = rec_segments_make(&segments, index, &range);
	job->is_open = playlist.is_open = range.is_open;
	playlist.wants_skip = job->wish.wants_skip;
	job->version = rec_playlist_version(&playlist);
	job->is_same = err == 0 && job->version == known;
	if (err == 0 && !job->is_same)
		err = write_text(w, &playlist, job->wish.is_main);
	rec_segments_fini(&segments);
	return err;
}

static void take_text(struct rec_job *job, const struct bytes_writer *w)
{
	if (job->wish.wants_gzip)
		job->data = playlist_gzip(w->data, w->len);
	job->is_gzip = job->data != NULL; /* without memory for that the plain text will do */
	if (!job->data)
		job->data = shared_copy(w->data, w->len);
	if (!job->data)
		job->err = -ENOMEM;
}

static void playlist(struct rec_reader *r, struct rec_job *job, int64_t now_us)
{
	const struct rec_index *index;
	struct bytes_writer w;

	bytes_writer_init_growing(&w, REC_PLAYLIST_MAX_BYTES);
	job->err = rec_cache_index(r->cache, job->wish.id, now_us, &index);
	if (job->err == 0)
		job->err = write_playlist(&w, index, job);
	if (job->err == 0 && !job->is_same)
		take_text(job, &w);
	bytes_writer_fini(&w);
}

static void size_of_stretch(struct rec_reader *r, struct rec_job *job, int64_t now_us)
{
	const struct rec_index_stretch *s;
	const struct rec_index *index;

	job->err = rec_cache_index(r->cache, job->wish.id, now_us, &index);
	if (job->err != 0)
		return;
	job->is_open = index->info.state == REC_RECORDING;
	s = rec_index_find(index, job->stretch);
	if (s && s->has_init)
		job->size_bytes = rec_index_end(s);
	else
		job->err = -ENOENT;
}

/* What the index says is there, from the file; -EIO: it is not. */
static int read_whole(int fd, uint64_t offset, size_t size_bytes, struct shared **out)
{
	ssize_t n;

	*out = shared_create(size_bytes);
	if (!*out)
		return -ENOMEM;
	n = rec_load_read(fd, offset, (*out)->data, size_bytes);
	if (n < 0)
		return (int)n;
	return (size_t)n == size_bytes ? 0 : -EIO;
}

static void read_bytes(struct rec_reader *r, struct rec_job *job, int64_t now_us)
{
	int fd = rec_cache_media(r->cache, job->wish.id, job->stretch, now_us);

	assert(job->max_bytes > 0 && job->max_bytes <= REC_READER_CHUNK_MAX_BYTES);
	job->err = fd < 0 ? fd : read_whole(fd, job->offset, job->max_bytes, &job->data);
}

static void read_fragment(struct rec_reader *r, struct rec_job *job, int64_t now_us)
{
	const struct rec_span span = { job->wish.in_ms, job->wish.out_ms };
	const struct rec_index *index;
	size_t size_bytes;
	int fd;

	job->err = rec_cache_index(r->cache, job->wish.id, now_us, &index);
	if (job->err == 0)
		job->err = rec_walk_step(&job->step, index, &span, job->at);
	if (job->err != 0)
		return;
	fd = rec_cache_media(r->cache, job->wish.id, job->step.stretch, now_us);
	size_bytes = (size_t)job->step.fragment.moof_bytes + job->step.fragment.mdat_bytes;
	if (fd < 0)
		job->err = fd;
	else if (size_bytes > REC_READER_FRAGMENT_MAX_BYTES)
		job->err = -EFBIG;
	else
		job->err = read_whole(fd, job->step.fragment.offset, size_bytes, &job->data);
}

/* There is a place for every job that is under way, but it takes memory: then a little later, in their order. */
static void send_unsent(void *arg)
{
	struct rec_reader *r = arg;

	while (r->unsent) {
		struct rec_job *job = r->unsent;
		struct rec_job *next = job->next;

		if (!mailbox_post(r->answers, &job, MAIL_MUST)) {
			loop_timer_start(r->again, AGAIN_MS, 0);
			return;
		}
		r->unsent = next; /* the job is the asker's by now */
	}
}

static void send_back(struct rec_reader *r, struct rec_job *job)
{
	struct rec_job **end = &r->unsent;

	while (*end)
		end = &(*end)->next;
	*end = job;
	send_unsent(r);
}

static void run(void *arg, void *item)
{
	struct rec_reader *r = arg;
	struct rec_job *job = *(struct rec_job **)item;
	int64_t now_us = loop_now_us(r->loop);

	switch (job->kind) {
	case REC_JOB_LIST: list(r, job); break;
	case REC_JOB_PLAYLIST: playlist(r, job, now_us); break;
	case REC_JOB_SIZE: size_of_stretch(r, job, now_us); break;
	case REC_JOB_READ: read_bytes(r, job, now_us); break;
	case REC_JOB_FRAGMENT: read_fragment(r, job, now_us); break;
	}
	send_back(r, job);
}

static void take_note(void *arg, void *item)
{
	struct rec_reader *r = arg;
	const struct note *note = item;

	rec_cache_note(r->cache, note->id, &note->limit);
}

void rec_reader_note(struct rec_reader *r, const struct rec_note *told)
{
	struct note note = { .limit = { told->stretch, told->saved_bytes } };

	if (told->is_gone || told->state != REC_RECORDING)
		note.limit = (struct rec_load_limit){ 0 };
	(void)snprintf(note.id, sizeof(note.id), "%s", told->id);
	/* One that finds no room is missed until the next: playlists end a little earlier. */
	if (note.id[0] != '\0')
		(void)!mailbox_post(r->notes, &note, MAIL_DROPPABLE);
}

/* ---- on the asker's ---- */

static void answer(void *arg, void *item)
{
	struct rec_reader *r = arg;
	struct rec_job *job = *(struct rec_job **)item;

	r->under_way--;
	if (!job->is_cancelled)
		job->done(job->arg, job);
	rec_job_destroy(&job);
}

int rec_reader_ask(struct rec_reader *r, struct rec_job *job)
{
	loop_assert_owner(r->asker);
	if (r->under_way >= REC_READER_JOBS_MAX || !mailbox_post(r->jobs, &job, MAIL_DROPPABLE))
		return -EAGAIN;
	r->under_way++;
	return 0;
}

unsigned rec_reader_jobs(const struct rec_reader *r)
{
	return r->under_way;
}

/* ---- the thread ---- */

void rec_reader_destroy(struct rec_reader **reader)
{
	struct rec_reader *r = *reader;

	*reader = NULL;
	if (!r)
		return;
	mailbox_destroy(&r->jobs);
	mailbox_destroy(&r->answers);
	mailbox_destroy(&r->notes);
	loop_timer_destroy(&r->again);
	while (r->unsent) {
		struct rec_job *job = r->unsent;

		r->unsent = job->next;
		rec_job_destroy(&job);
	}
	loop_destroy(&r->loop);
	rec_cache_destroy(&r->cache);
	free(r);
}

static int create_parts(struct rec_reader *r, const char *name)
{
	struct mailbox_config config = {
		.item_bytes = sizeof(struct rec_job *),
		.capacity = REC_READER_JOBS_MAX,
		.handle = run,
		.drop = drop_job,
		.arg = r,
	};
	const struct mailbox_config notes = {
		.item_bytes = sizeof(struct note), .capacity = NOTES_MAX, .handle = take_note, .arg = r
	};
	int err = loop_create(&r->loop, name);

	if (err == 0)
		err = mailbox_create(&r->jobs, r->loop, &config);
	if (err == 0)
		err = loop_timer_create(&r->again, r->loop, send_unsent, r);
	config.handle = answer;
	if (err == 0)
		err = mailbox_create(&r->answers, r->asker, &config);
	if (err == 0)
		err = mailbox_create(&r->notes, r->loop, &notes);
	return err;
}

int rec_reader_create(struct rec_reader **out, struct loop *loop, const char *name, const char *data_dir)
{
	struct rec_reader *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->asker = loop;
	r->cache = rec_cache_create(data_dir);
	if (r->cache)
		err = create_parts(r, name);
	if (err != 0)
		rec_reader_destroy(&r);
	*out = r;
	return err;
}

int rec_reader_start(struct rec_reader *r)
{
	return loop_start(r->loop, NULL, NULL, r);
}

void rec_reader_stop(struct rec_reader *r)
{
	loop_stop(r->loop);
	loop_join(r->loop);
}
