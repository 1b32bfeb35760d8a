/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/whole.h"

/* Recordings are of people: nobody but the node's user and group reads them. */
enum {
	FILE_MODE = 0640,
	FOLDER_MODE = 0750,
};

static int result(int returned)
{
	return returned < 0 ? -errno : returned;
}

static int create_file(void *arg, const char *path)
{
	(void)arg;
	return result(open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, FILE_MODE));
}

static int open_file(void *arg, const char *path)
{
	(void)arg;
	/* What is no file of ours (a pipe) must not hold us up. */
	return result(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

static ssize_t write_file(void *arg, int fd, const struct iovec *pieces, int n)
{
	ssize_t written;

	(void)arg;
	do
		written = writev(fd, pieces, n);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : written;
}

static ssize_t read_file(void *arg, int fd, void *buf, size_t len, uint64_t offset)
{
	(void)arg;
	return whole_read_at(fd, buf, len, offset);
}

static int file_size(void *arg, int fd, uint64_t *out)
{
	struct stat st;

	(void)arg;
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*out = (uint64_t)st.st_size;
	return 0;
}

static int sync_file(void *arg, int fd)
{
	(void)arg;
	return result(fdatasync(fd));
}

static void close_file(void *arg, int fd)
{
	(void)arg;
	close(fd);
}

static int rename_file(void *arg, const char *from, const char *to)
{
	(void)arg;
	return result(rename(from, to));
}

static int unlink_file(void *arg, const char *path)
{
	(void)arg;
	return result(unlink(path));
}

static int make_folder(void *arg, const char *path)
{
	(void)arg;
	return result(mkdir(path, FOLDER_MODE));
}

static int remove_folder(void *arg, const char *path)
{
	(void)arg;
	return result(rmdir(path));
}

static int sync_folder(void *arg, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	(void)arg;
	if (fd < 0)
		return -errno;
	err = result(fsync(fd));
	close(fd);
	return err;
}

static int list_folder(void *arg, const char *path, rec_disk_name_fn fn, void *ctx)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int err;

	(void)arg;
	if (!dir)
		return -errno;
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			fn(ctx, entry->d_name);
	}
	err = -errno;
	closedir(dir);
	return err;
}

static int disk_space(void *arg, const char *path, struct rec_space *out)
{
	struct statvfs fs;

	(void)arg;
	if (statvfs(path, &fs) != 0)
		return -errno;
	out->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	out->total_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	return 0;
}

const struct rec_disk *rec_disk_real(void)
{
	static const struct rec_disk disk = {
		.create = create_file,
		.open = open_file,
		.write = write_file,
		.read = read_file,
		.size = file_size,
		.sync = sync_file,
		.close = close_file,
		.rename = rename_file,
		.unlink = unlink_file,
		.make_dir = make_folder,
		.remove_dir = remove_folder,
		.sync_dir = sync_folder,
		.list = list_folder,
		.space = disk_space,
	};

	return &disk;
}

int rec_disk_write_all(const struct rec_disk *disk, int fd, struct iovec *pieces, int n)
{
	while (n > 0) {
		ssize_t written = disk->write(disk->arg, fd, pieces, n);
		size_t rest = (size_t)written;

		if (written <= 0)
			return written < 0 ? (int)written : -EIO;
		for (; n > 0 && rest >= pieces->iov_len; pieces++, n--)
			rest -= pieces->iov_len;
		if (n > 0) {
			pieces->iov_base = (char *)pieces->iov_base + rest;
			pieces->iov_len -= rest;
		}
	}
	return 0;
}

int rec_disk_write_file(const struct rec_disk *disk, const char *path, const void *data, size_t len)
{
	struct iovec piece = { (void *)(uintptr_t)data, len };
	int fd = disk->create(disk->arg, path);
	int err;

	if (fd < 0)
		return fd;
	err = rec_disk_write_all(disk, fd, &piece, 1);
	if (err == 0)
		err = disk->sync(disk->arg, fd);
	disk->close(disk->arg, fd);
	return err;
}
