/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 0: go on. */
static int enter(struct fake_disk *d, enum fake_call call)
{
	bool fails;

	d->calls[FAKE_ANY]++;
	d->calls[call]++;
	if (d->off_at != 0 && d->calls[FAKE_ANY] >= d->off_at)
		d->is_off = true;
	if (d->is_off)
		return -EIO;
	if (d->fail_at == 0 || (d->fail_call != call && d->fail_call != FAKE_ANY))
		return 0;
	if (d->fail_at > 1) {
		d->fail_at--;
		return 0;
	}
	fails = d->failing > 0;
	d->failing -= fails;
	d->was_hit = d->was_hit || fails;
	return fails ? -d->fail_err : 0;
}

static struct fake_name *find(const struct fake_disk *d, const char *path)
{
	for (size_t i = 0; i < d->n_names; i++) {
		if (strcmp(d->names[i].path, path) == 0)
			return (struct fake_name *)(uintptr_t)&d->names[i];
	}
	return NULL;
}

static bool is_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
}

static bool parent_is_there(const struct fake_disk *d, const char *path)
{
	char parent[160];
	const struct fake_name *n;

	snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
	n = find(d, parent);
	return n && n->now >= 0 && d->inodes[n->now].is_dir;
}

static int add(struct fake_disk *d, const char *path, bool is_dir)
{
	struct fake_name *n = find(d, path);

	if (n && n->now >= 0)
		return -EEXIST;
	if (strcmp(path, "/data") != 0 && !parent_is_there(d, path))
		return -ENOENT;
	if (!n) {
		assert_true(d->n_names < FAKE_FILES_MAX);
		n = &d->names[d->n_names++];
		snprintf(n->path, sizeof(n->path), "%s", path);
		n->durable = -1;
	}
	assert_true(d->n_inodes < FAKE_FILES_MAX);
	n->now = (int)d->n_inodes;
	d->inodes[d->n_inodes++] = (struct fake_inode){ .is_dir = is_dir };
	return n->now;
}

static int open_inode(struct fake_disk *d, int inode)
{
	for (int fd = 0; fd < FAKE_FDS_MAX; fd++) {
		if (d->fds[fd] < 0) {
			d->fds[fd] = inode;
			return fd;
		}
	}
	return -EMFILE;
}

static struct fake_inode *inode_of(struct fake_disk *d, int fd)
{
	assert_in_range(fd, 0, FAKE_FDS_MAX - 1);
	assert_true(d->fds[fd] >= 0);
	return &d->inodes[d->fds[fd]];
}

static int create_file(void *arg, const char *path)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_CREATE);

	if (err == 0)
		err = add(d, path, false);
	return err < 0 ? err : open_inode(d, err);
}

static int open_file(void *arg, const char *path)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_OPEN);
	const struct fake_name *n = find(d, path);

	if (err == 0 && (!n || n->now < 0))
		err = -ENOENT;
	return err < 0 ? err : open_inode(d, n->now);
}

static size_t append(struct fake_disk *d, struct fake_inode *inode, const struct iovec *pieces, int n, size_t max)
{
	size_t done = 0;

	for (int i = 0; i < n; i++) {
		size_t len = pieces[i].iov_len < max - done ? pieces[i].iov_len : max - done;

		if (inode->len + len > inode->capacity) {
			uint8_t *bigger = realloc(inode->data, 2 * (inode->len + len));

			if (!bigger) /* so is a disk without memory one that takes no more */
				break;
			inode->data = bigger;
			inode->capacity = 2 * (inode->len + len);
		}
		if (len > 0)
			memcpy(inode->data + inode->len, pieces[i].iov_base, len);
		inode->len += len;
		done += len;
	}
	d->used_bytes += done;
	return done;
}

static ssize_t write_file(void *arg, int fd, const struct iovec *pieces, int n)
{
	struct fake_disk *d = arg;
	struct fake_inode *inode = inode_of(d, fd);
	int err = enter(d, FAKE_WRITE);
	size_t all = 0;
	size_t room = d->room_bytes - d->used_bytes;

	assert_false(inode->has_failed);
	for (int i = 0; i < n; i++)
		all += pieces[i].iov_len;
	if (err != 0) {
		inode->has_failed = true;
		append(d, inode, pieces, n, d->is_short ? all / 2 : 0);
		return err;
	}
	if (room == 0) {
		inode->has_failed = true;
		return -ENOSPC;
	}
	all = append(d, inode, pieces, n, all < room ? all : room);
	inode->has_failed = all == 0;
	return all > 0 ? (ssize_t)all : -ENOSPC;
}

static ssize_t read_file(void *arg, int fd, void *buf, size_t len, uint64_t offset)
{
	struct fake_disk *d = arg;
	const struct fake_inode *inode = inode_of(d, fd);
	int err = enter(d, FAKE_READ);
	size_t n = offset < inode->len ? inode->len - (size_t)offset : 0;

	if (err != 0)
		return err;
	n = n < len ? n : len;
	if (n > 0)
		memcpy(buf, inode->data + offset, n);
	return (ssize_t)n;
}

static int file_size(void *arg, int fd, uint64_t *out)
{
	*out = inode_of(arg, fd)->len;
	return 0;
}

static int sync_file(void *arg, int fd)
{
	struct fake_disk *d = arg;
	struct fake_inode *inode = inode_of(d, fd);
	int err;

	assert_false(inode->has_failed);
	if (!d->is_off)
		clock_fake_advance(d->clock, d->sync_us);
	if (!d->is_off && d->on_sync)
		d->on_sync(d->arg);
	err = enter(d, FAKE_SYNC);
	if (err == 0)
		inode->synced_len = inode->len;
	else
		inode->has_failed = true;
	return err;
}

static void close_file(void *arg, int fd)
{
	struct fake_disk *d = arg;

	inode_of(d, fd);
	d->fds[fd] = -1;
}

static int rename_file(void *arg, const char *from, const char *to)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_RENAME);
	struct fake_name *a = find(d, from);
	struct fake_name *b = find(d, to);

	if (err != 0)
		return err;
	assert_true(a && a->now >= 0);
	if (!b || b->now < 0) {
		assert_true(add(d, to, false) >= 0);
		b = find(d, to);
	}
	b->now = a->now;
	a->now = -1;
	return 0;
}

static int unlink_file(void *arg, const char *path)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_UNLINK);
	struct fake_name *n = find(d, path);

	if (err == 0 && (!n || n->now < 0))
		err = -ENOENT;
	if (err == 0) {
		d->used_bytes -= d->inodes[n->now].len;
		n->now = -1;
	}
	return err;
}

static int make_dir(void *arg, const char *path)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_MAKE_DIR);

	if (err == 0)
		err = add(d, path, true);
	return err < 0 ? err : 0;
}

static int remove_dir(void *arg, const char *path)
{
	struct fake_disk *d = arg;
	struct fake_name *n = find(d, path);

	for (size_t i = 0; i < d->n_names; i++) {
		if (d->names[i].now >= 0 && is_in(d->names[i].path, path))
			return -ENOTEMPTY;
	}
	if (!n || n->now < 0)
		return -ENOENT;
	n->now = -1;
	return d->is_off ? -EIO : 0;
}

static int sync_dir(void *arg, const char *path)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_SYNC_DIR);

	for (size_t i = 0; err == 0 && i < d->n_names; i++) {
		if (is_in(d->names[i].path, path))
			d->names[i].durable = d->names[i].now;
	}
	return err;
}

static int list(void *arg, const char *path, rec_disk_name_fn fn, void *ctx)
{
	struct fake_disk *d = arg;
	int err = enter(d, FAKE_LIST);

	if (err == 0 && (!find(d, path) || find(d, path)->now < 0))
		err = -ENOENT;
	/* The newest name first: nobody may count on an order. */
	for (size_t i = d->n_names; err == 0 && i-- > 0;) {
		if (d->names[i].now >= 0 && is_in(d->names[i].path, path))
			fn(ctx, strrchr(d->names[i].path, '/') + 1);
	}
	return err;
}

static int space(void *arg, const char *path, struct rec_space *out)
{
	struct fake_disk *d = arg;

	(void)path;
	*out = (struct rec_space){ d->room_bytes - d->used_bytes, d->room_bytes };
	return enter(d, FAKE_SPACE);
}

void fake_disk_fini(struct fake_disk *d)
{
	for (size_t i = 0; i < d->n_inodes; i++)
		free(d->inodes[i].data);
	d->n_inodes = 0;
}

void fake_disk_init(struct fake_disk *d, struct clock_fake *clock)
{
	memset(d, 0, sizeof(*d));
	d->disk = (struct rec_disk){
		.arg = d,
		.create = create_file,
		.open = open_file,
		.write = write_file,
		.read = read_file,
		.size = file_size,
		.sync = sync_file,
		.close = close_file,
		.rename = rename_file,
		.unlink = unlink_file,
		.make_dir = make_dir,
		.remove_dir = remove_dir,
		.sync_dir = sync_dir,
		.list = list,
		.space = space,
	};
	d->clock = clock;
	d->room_bytes = SIZE_MAX / 2;
	for (int fd = 0; fd < FAKE_FDS_MAX; fd++)
		d->fds[fd] = -1;
	assert_true(add(d, "/data", true) >= 0);
	d->names[0].durable = d->names[0].now;
}

void fake_disk_fail(struct fake_disk *d, enum fake_call call, size_t nth, size_t in_a_row, int err)
{
	d->fail_call = call;
	d->fail_at = nth;
	d->failing = in_a_row;
	d->fail_err = err;
	d->was_hit = false;
}

void fake_disk_kill(struct fake_disk *d)
{
	for (int fd = 0; fd < FAKE_FDS_MAX; fd++)
		d->fds[fd] = -1;
	d->fail_at = 0;
	d->off_at = 0;
	d->is_off = false;
	for (size_t i = 0; i < d->n_inodes; i++)
		d->inodes[i].has_failed = false;
}

void fake_disk_power_cut(struct fake_disk *d)
{
	fake_disk_kill(d);
	for (size_t i = 0; i < d->n_names; i++)
		d->names[i].now = d->names[i].durable;
	for (size_t i = 0; i < d->n_inodes; i++)
		d->inodes[i].len = d->inodes[i].synced_len;
}

const uint8_t *fake_disk_file(const struct fake_disk *d, const char *path, size_t *len)
{
	const struct fake_name *n = find(d, path);

	*len = 0;
	if (!n || n->now < 0)
		return NULL;
	*len = d->inodes[n->now].len;
	return d->inodes[n->now].data;
}

void fake_disk_cut_file(struct fake_disk *d, const char *path, size_t len)
{
	struct fake_name *n = find(d, path);

	assert_true(n && n->now >= 0 && d->inodes[n->now].len >= len);
	d->inodes[n->now].len = len;
}

size_t fake_disk_count(const struct fake_disk *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_names; i++)
		n += d->names[i].now >= 0;
	return n;
}

size_t fake_disk_open_fds(const struct fake_disk *d)
{
	size_t n = 0;

	for (int fd = 0; fd < FAKE_FDS_MAX; fd++)
		n += d->fds[fd] >= 0;
	return n;
}
