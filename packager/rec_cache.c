/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_cache.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "packager/rec_list.h"
#include "packager/rec_load.h"

enum {
	RECORDINGS_MAX = 16,
	FILES_MAX = 32,
	RUNNING_MAX = 256,
	FRESH_OPEN_US = 250 * 1000, /* how old an answer may be: of what goes on */
	FRESH_OVER_US = 1000 * 1000,
};

struct cached {
	char id[ID_SIZE]; /* "": the place is free */
	struct rec_index index;
	struct rec_stamp stamp;
	struct rec_load_limit limit; /* when it was brought up to date last; stretch 0: none was known */
	int folder_fd;
	int64_t checked_us;
	int64_t used_us;
};

struct file {
	char id[ID_SIZE];
	unsigned stretch;
	int fd; /* -1: the place is free */
	int64_t used_us;
};

struct running {
	char id[ID_SIZE]; /* "": the place is free */
	struct rec_load_limit limit;
};

struct rec_cache {
	char *data_dir;
	int root_fd; /* -1: not open yet */
	struct cached recordings[RECORDINGS_MAX];
	struct file files[FILES_MAX];
	struct running running[RUNNING_MAX];
};

static void forget(struct cached *c)
{
	if (c->id[0] == '\0')
		return;
	rec_index_fini(&c->index);
	if (c->folder_fd >= 0)
		close(c->folder_fd);
	*c = (struct cached){ .folder_fd = -1 };
}

static void close_file(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct file){ .fd = -1 };
}

void rec_cache_destroy(struct rec_cache **cache)
{
	struct rec_cache *c = *cache;

	*cache = NULL;
	if (!c)
		return;
	for (size_t i = 0; i < RECORDINGS_MAX; i++)
		forget(&c->recordings[i]);
	for (size_t i = 0; i < FILES_MAX; i++)
		close_file(&c->files[i]);
	if (c->root_fd >= 0)
		close(c->root_fd);
	free(c->data_dir);
	free(c);
}

struct rec_cache *rec_cache_create(const char *data_dir)
{
	struct rec_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->root_fd = -1;
	for (size_t i = 0; i < RECORDINGS_MAX; i++)
		c->recordings[i].folder_fd = -1;
	for (size_t i = 0; i < FILES_MAX; i++)
		c->files[i].fd = -1;
	c->data_dir = strdup(data_dir);
	if (!c->data_dir)
		rec_cache_destroy(&c);
	return c;
}

int rec_cache_root(struct rec_cache *c)
{
	if (c->root_fd < 0)
		c->root_fd = rec_load_root(c->data_dir);
	return c->root_fd;
}

/* ---- recordings ---- */

static struct cached *place_for(struct rec_cache *c, const char *id)
{
	struct cached *oldest = &c->recordings[0];

	for (size_t i = 0; i < RECORDINGS_MAX; i++) {
		struct cached *r = &c->recordings[i];

		if (strcmp(r->id, id) == 0)
			return r;
		if (r->used_us < oldest->used_us)
			oldest = r;
	}
	return oldest;
}

/* NULL: nothing is known, or it does not run. */
static const struct rec_load_limit *limit_of(const struct rec_cache *c, const char *id)
{
	for (size_t i = 0; i < RUNNING_MAX; i++) {
		if (strcmp(c->running[i].id, id) == 0)
			return &c->running[i].limit;
	}
	return NULL;
}

static struct running *place_of(struct rec_cache *c, const char *id)
{
	struct running *free_place = NULL;

	for (size_t i = 0; i < RUNNING_MAX; i++) {
		if (strcmp(c->running[i].id, id) == 0)
			return &c->running[i];
		if (c->running[i].id[0] == '\0')
			free_place = &c->running[i];
	}
	return free_place;
}

void rec_cache_note(struct rec_cache *c, const char *id, const struct rec_load_limit *limit)
{
	struct running *place = place_of(c, id);

	if (!place) /* more than ever run at once: the rest is seen as soon as it is written */
		return;
	*place = (struct running){ .limit = *limit };
	if (limit->stretch > 0)
		memcpy(place->id, id, strlen(id) + 1);
}

static void keep_limit(struct cached *r, const struct rec_load_limit *limit)
{
	r->limit = limit ? *limit : (struct rec_load_limit){ 0 };
}

static int load(const struct rec_cache *c, struct cached *r, int root_fd, const char *id)
{
	int err;

	forget(r);
	rec_index_init(&r->index);
	(void)memcpy(r->id, id, strlen(id) + 1);
	err = rec_list_stamp(&r->stamp, root_fd, id);
	if (err == 0)
		r->folder_fd = rec_load_folder(root_fd, id);
	if (err == 0 && r->folder_fd < 0)
		err = r->folder_fd;
	if (err == 0)
		err = rec_load_index(&r->index, r->folder_fd, REC_LOAD_FROM_INDEX);
	if (err == 0) {
		rec_load_limit(&r->index, limit_of(c, id));
		keep_limit(r, limit_of(c, id));
	}
	return err;
}

/* Of one that goes on: nothing, unless recording.json or how far it is synced changed, or nobody tells us that. */
static int follow(struct cached *r, const struct rec_load_limit *limit, bool is_same_info)
{
	int err;

	if (is_same_info && limit && limit->stretch == r->limit.stretch && limit->saved_bytes == r->limit.saved_bytes)
		return 0;
	err = is_same_info ? rec_load_grown(&r->index, r->folder_fd, limit)
			   : rec_load_more(&r->index, r->folder_fd, limit);
	keep_limit(r, limit);
	return err;
}

/* What went on is followed; what is another one now, or gone, is read anew. */
static int renew(const struct rec_cache *c, struct cached *r, int root_fd)
{
	bool was_open = r->index.info.state == REC_RECORDING;
	char id[ID_SIZE];
	struct rec_stamp stamp;
	int err = rec_list_stamp(&stamp, root_fd, r->id);
	bool is_same_info = err == 0 && rec_stamp_is_same(&stamp, &r->stamp);

	if (err != 0)
		return err;
	if (was_open) {
		r->stamp = stamp;
		if (follow(r, limit_of(c, r->id), is_same_info) == 0)
			return 0;
	} else if (is_same_info) {
		return 0;
	}
	memcpy(id, r->id, sizeof(id));
	return load(c, r, root_fd, id);
}

static int64_t fresh_us(const struct cached *r)
{
	return r->index.info.state == REC_RECORDING ? FRESH_OPEN_US : FRESH_OVER_US;
}

int rec_cache_index(struct rec_cache *c, const char *id, int64_t now_us, const struct rec_index **out)
{
	struct cached *r = place_for(c, id);
	int root_fd = rec_cache_root(c);
	int err = root_fd < 0 ? root_fd : 0;

	*out = NULL;
	if (err != 0 || !id_is_valid(id, strlen(id)))
		return err != 0 ? err : -ENOENT;
	if (strcmp(r->id, id) != 0) {
		err = load(c, r, root_fd, id);
		r->checked_us = now_us;
	} else if (now_us - r->checked_us >= fresh_us(r)) {
		err = renew(c, r, root_fd);
		r->checked_us = now_us;
	}
	r->used_us = now_us;
	if (err != 0)
		forget(r);
	else
		*out = &r->index;
	return err;
}

/* ---- files ---- */

static struct file *file_for(struct rec_cache *c, const char *id, unsigned stretch)
{
	struct file *oldest = &c->files[0];

	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file *f = &c->files[i];

		if (f->fd >= 0 && f->stretch == stretch && strcmp(f->id, id) == 0)
			return f;
		if (f->used_us < oldest->used_us)
			oldest = f;
	}
	close_file(oldest);
	return oldest;
}

int rec_cache_media(struct rec_cache *c, const char *id, unsigned stretch, int64_t now_us)
{
	struct file *f = file_for(c, id, stretch);
	int folder_fd;

	f->used_us = now_us;
	if (f->fd >= 0)
		return f->fd;
	folder_fd = rec_cache_root(c) < 0 ? c->root_fd : rec_load_folder(c->root_fd, id);
	if (folder_fd < 0)
		return folder_fd;
	f->fd = rec_load_open(folder_fd, REC_FILE_MEDIA, stretch);
	close(folder_fd);
	if (f->fd < 0) {
		int err = f->fd;

		f->fd = -1;
		return err;
	}
	f->stretch = stretch;
	memcpy(f->id, id, strlen(id) + 1);
	return f->fd;
}
