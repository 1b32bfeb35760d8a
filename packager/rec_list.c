/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "packager/rec_load.h"

struct rec_list *rec_list_ref(struct rec_list *list)
{
	if (list)
		atomic_fetch_add_explicit(&list->refs, 1, memory_order_relaxed);
	return list;
}

void rec_list_unref(struct rec_list *list)
{
	if (list && atomic_fetch_sub_explicit(&list->refs, 1, memory_order_acq_rel) == 1)
		free(list);
}

static int compare(const char *id, size_t len, const struct rec_list_entry *entry)
{
	int order = strncmp(id, entry->id, len);

	return order != 0 ? order : entry->id[len] == '\0' ? 0 : -1;
}

const struct rec_list_entry *rec_list_find(const struct rec_list *list, const char *id, size_t len)
{
	size_t from = 0;
	size_t to = list ? list->count : 0;

	if (len == 0 || len >= ID_SIZE)
		return NULL;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = compare(id, len, &list->entries[middle]);

		if (order == 0)
			return &list->entries[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

const struct rec_list_entry *rec_list_newest(const struct rec_list *list, const char *stream, size_t len)
{
	const struct rec_list_entry *newest = NULL;

	for (size_t i = 0; list && len > 0 && i < list->count; i++) {
		const struct rec_list_entry *e = &list->entries[i];

		if (strlen(e->stream) != len || memcmp(e->stream, stream, len) != 0)
			continue;
		if (!newest || e->begin_wall_ms >= newest->begin_wall_ms)
			newest = e;
	}
	return newest;
}

/* ---- reading ---- */

int rec_list_stamp(struct rec_stamp *out, int root_fd, const char *id)
{
	char path[ID_SIZE + REC_FILE_SIZE + 1];
	char name[REC_FILE_SIZE];
	struct stat st;

	rec_file_name(name, REC_FILE_INFO, 0);
	(void)snprintf(path, sizeof(path), "%s/%s", id, name);
	if (fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	out->inode = st.st_ino;
	out->size_bytes = st.st_size;
	out->changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	return 0;
}

bool rec_stamp_is_same(const struct rec_stamp *a, const struct rec_stamp *b)
{
	return a->inode == b->inode && a->size_bytes == b->size_bytes && a->changed_ns == b->changed_ns;
}

/* What stands in recording.json; what cannot be read is known to be there, and nobody sees it. */
static void read_entry(struct rec_list_entry *entry, int root_fd)
{
	int folder_fd = rec_load_folder(root_fd, entry->id);
	struct rec_info info;

	rec_info_init(&info);
	entry->state = REC_DAMAGED;
	if (folder_fd >= 0 && rec_load_info(folder_fd, &info) == 0 && strcmp(info.id, entry->id) == 0) {
		memcpy(entry->stream, info.stream, sizeof(entry->stream));
		entry->state = info.state;
		entry->begin_wall_ms = info.begin_wall_ms;
	}
	rec_info_fini(&info);
	if (folder_fd >= 0)
		close(folder_fd);
}

static bool fill_entry(struct rec_list_entry *entry, int root_fd, const char *id, const struct rec_list *old)
{
	const struct rec_list_entry *known = rec_list_find(old, id, strlen(id));

	memset(entry, 0, sizeof(*entry));
	(void)snprintf(entry->id, sizeof(entry->id), "%s", id);
	if (rec_list_stamp(&entry->stamp, root_fd, id) != 0)
		return false;
	if (known && rec_stamp_is_same(&known->stamp, &entry->stamp))
		*entry = *known;
	else
		read_entry(entry, root_fd);
	return true;
}

static struct rec_list *grow(struct rec_list *list, size_t capacity)
{
	return realloc(list, sizeof(*list) + capacity * sizeof(list->entries[0]));
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct rec_list_entry *)a)->id, ((const struct rec_list_entry *)b)->id);
}

/* *list is replaced as it grows. */
static int read_entries(struct rec_list **list, DIR *dir, int root_fd, const struct rec_list *old)
{
	size_t capacity = 0;
	struct dirent *d;

	while ((errno = 0, d = readdir(dir)) != NULL && (*list)->count < REC_LIST_MAX) {
		if (!id_is_valid(d->d_name, strlen(d->d_name)))
			continue;
		if ((*list)->count == capacity) {
			struct rec_list *bigger = grow(*list, capacity = capacity == 0 ? 16 : 2 * capacity);

			if (!bigger)
				return -ENOMEM;
			*list = bigger;
		}
		(*list)->count += fill_entry(&(*list)->entries[(*list)->count], root_fd, d->d_name, old);
	}
	return -errno;
}

static bool is_same(const struct rec_list *a, const struct rec_list *b)
{
	if (!b || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->entries[i].id, b->entries[i].id) != 0 ||
		    !rec_stamp_is_same(&a->entries[i].stamp, &b->entries[i].stamp))
			return false;
	}
	return true;
}

int rec_list_read(struct rec_list **out, int root_fd, const struct rec_list *old)
{
	/* A descriptor of its own: where it stands in the folder is nobody else's business. */
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct rec_list *list = calloc(1, sizeof(*list));
	int err = dir && list ? 0 : !list ? -ENOMEM : -errno;

	*out = NULL;
	if (err == 0)
		err = read_entries(&list, dir, root_fd, old);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	if (err == 0)
		qsort(list->entries, list->count, sizeof(list->entries[0]), by_id);
	if (err != 0 || is_same(list, old)) {
		free(list);
		return err;
	}
	atomic_init(&list->refs, 1);
	*out = list;
	return 0;
}
