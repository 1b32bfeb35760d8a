/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packager/rec_format.h"
#include "packager/rec_scan.h"

/* The folder of a recording, or (id NULL) the one above. 0 or -ENAMETOOLONG. */
static int folder_of(const struct rec_store *store, const char *id, char folder[REC_PATH_SIZE])
{
	return rec_path(folder, REC_PATH_SIZE, store->data_dir, id, NULL) < REC_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static int sync_dir(const struct rec_store *store, const char *path)
{
	return store->disk->sync_dir(store->disk->arg, path);
}

int rec_store_make(const struct rec_store *store, const char *id)
{
	const struct rec_disk *disk = store->disk;
	char path[REC_PATH_SIZE];
	char above[REC_PATH_SIZE];
	int err = folder_of(store, id, path);

	if (err == 0)
		err = folder_of(store, NULL, above);
	if (err != 0)
		return err;
	err = disk->make_dir(disk->arg, above);
	/* Each time: that it is there does not mean that its name was synced. */
	if (err == 0 || err == -EEXIST)
		err = sync_dir(store, store->data_dir);
	if (err == 0)
		err = disk->make_dir(disk->arg, path);
	if (err == 0)
		err = sync_dir(store, above);
	return err;
}

static int read_small(const struct rec_disk *disk, const char *path, char **text, size_t *len)
{
	uint64_t size = 0;
	int fd = disk->open(disk->arg, path);
	int err;

	if (fd < 0)
		return fd;
	err = disk->size(disk->arg, fd, &size);
	if (err == 0 && size > REC_INFO_MAX_BYTES)
		err = -EINVAL;
	*text = err == 0 ? malloc((size_t)size + 1) : NULL;
	if (err == 0 && !*text)
		err = -ENOMEM;
	if (err == 0) {
		ssize_t n = disk->read(disk->arg, fd, *text, (size_t)size, 0);

		err = n < 0 ? (int)n : 0;
		*len = n < 0 ? 0 : (size_t)n;
	}
	disk->close(disk->arg, fd);
	if (err != 0)
		free(*text);
	return err;
}

int rec_store_load(const struct rec_store *store, const char *id, struct rec_info *info)
{
	char folder[REC_PATH_SIZE];
	char path[REC_PATH_SIZE];
	char *text = NULL;
	size_t len = 0;
	int err = folder_of(store, id, folder);

	if (err == 0)
		err = rec_file_path(path, folder, REC_FILE_INFO, 0);
	if (err == 0)
		err = read_small(store->disk, path, &text, &len);
	if (err != 0)
		return err;
	err = rec_info_parse(info, text, len);
	free(text);
	if (err == 0 && strcmp(info->id, id) != 0) {
		rec_info_fini(info);
		err = -EINVAL;
	}
	return err;
}

static int replace(const struct rec_store *store, const char *id, const char *text, size_t len)
{
	const struct rec_disk *disk = store->disk;
	char folder[REC_PATH_SIZE];
	char path[REC_PATH_SIZE];
	char beside[REC_PATH_SIZE];
	int err = folder_of(store, id, folder);

	if (err == 0)
		err = rec_file_path(path, folder, REC_FILE_INFO, 0);
	if (err == 0)
		err = rec_file_path(beside, folder, REC_FILE_INFO_NEW, 0);
	if (err != 0)
		return err;
	err = rec_disk_write_file(disk, beside, text, len);
	if (err == -EEXIST) { /* of an attempt that failed */
		(void)disk->unlink(disk->arg, beside);
		err = rec_disk_write_file(disk, beside, text, len);
	}
	if (err == 0)
		err = disk->rename(disk->arg, beside, path);
	return err == 0 ? sync_dir(store, folder) : err;
}

int rec_store_save(const struct rec_store *store, const struct rec_info *info)
{
	size_t len;
	char *text = rec_info_format(info, &len);
	int err = text ? replace(store, info->id, text, len) : -ENOMEM;

	free(text);
	return err;
}

struct mending {
	struct rec_info *info;
	unsigned newest; /* of those recording.json knows */
	int err;
};

static void add_unknown(void *ctx, const char *name)
{
	struct mending *m = ctx;
	enum rec_file kind;
	unsigned number;
	struct rec_stretch *s;
	size_t at;

	if (m->err != 0 || !rec_file_parse(name, strlen(name), &kind, &number) || kind != REC_FILE_MEDIA ||
	    number <= m->newest)
		return;
	if (!rec_info_add(m->info)) {
		m->err = -ENOMEM;
		return;
	}
	/* A folder is in no order. */
	s = m->info->stretches;
	for (at = m->info->n_stretches - 1; at > 0 && s[at - 1].number > number; at--)
		s[at] = s[at - 1];
	s[at] = (struct rec_stretch){ .number = number, .begin_wall_ms = -1 };
}

/* What of one stretch is there and whole; it is on the disk when this returns 0. */
static int mend_stretch(const struct rec_store *store, const char *id, struct rec_stretch *s)
{
	struct rec_scan scan;
	char folder[REC_PATH_SIZE];
	int err = folder_of(store, id, folder);

	if (err == 0)
		err = rec_scan_stretch(&scan, store->disk, folder, s->number, s->saved_bytes);
	if (err != 0) {
		s->is_damaged = true;
		return err == -ENOMEM ? err : 0;
	}
	s->is_damaged = scan.has_rest || scan.whole_bytes < s->saved_bytes;
	s->bytes = scan.whole_bytes;
	s->saved_bytes = scan.whole_bytes;
	s->duration_ms = scan.duration_ms;
	if (s->begin_wall_ms < 0)
		s->begin_wall_ms = scan.begin_wall_ms;
	return 0;
}

int rec_store_mend(const struct rec_store *store, struct rec_info *info)
{
	struct mending m = { .info = info };
	char folder[REC_PATH_SIZE];
	int err = folder_of(store, info->id, folder);

	m.newest = info->n_stretches > 0 ? info->stretches[info->n_stretches - 1].number : 0;
	if (err == 0)
		err = store->disk->list(store->disk->arg, folder, add_unknown, &m);
	if (err == 0)
		err = m.err;
	for (size_t i = 0; err == 0 && i < info->n_stretches; i++) {
		/* What failed when it was written is as it was said to be then. */
		if (!info->stretches[i].is_damaged)
			err = mend_stretch(store, info->id, &info->stretches[i]);
	}
	return err;
}

struct deletion {
	const struct rec_disk *disk;
	const char *folder;
	int err;
};

static void delete_file(struct deletion *d, enum rec_file kind, unsigned stretch)
{
	char path[REC_PATH_SIZE];
	int err = rec_file_path(path, d->folder, kind, stretch);

	if (err == 0)
		err = d->disk->unlink(d->disk->arg, path);
	if (err != 0 && err != -ENOENT && d->err == 0)
		d->err = err;
}

static void delete_all_but_info(void *ctx, const char *name)
{
	enum rec_file kind;
	unsigned stretch;

	if (rec_file_parse(name, strlen(name), &kind, &stretch) && kind != REC_FILE_INFO)
		delete_file(ctx, kind, stretch);
}

int rec_store_delete(const struct rec_store *store, const char *id)
{
	const struct rec_disk *disk = store->disk;
	char folder[REC_PATH_SIZE];
	struct deletion d = { disk, folder, 0 };
	int err = folder_of(store, id, folder);

	if (err == 0)
		err = disk->list(disk->arg, folder, delete_all_but_info, &d);
	if (err == 0)
		err = d.err;
	if (err != 0)
		return err;
	delete_file(&d, REC_FILE_INFO, 0);
	return d.err == 0 ? disk->remove_dir(disk->arg, folder) : d.err;
}
