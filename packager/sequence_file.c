/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/sequence_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/whole.h"

void sequence_file_unmap(struct sequence_map *map)
{
	(void)munmap((void *)map->image, map->words * sizeof(*map->image));
	close(map->fd);
	*map = (struct sequence_map){ .fd = -1 };
}

/* FNV-1a of the folder's true name, where it has one. */
static uint64_t hash_of_dir(const char *dir)
{
	char *real = realpath(dir, NULL);
	uint64_t hash = UINT64_C(14695981039346656037);

	for (const char *c = real ? real : dir; *c; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
	free(real);
	return hash;
}

/* Anybody may put things into a folder like /dev/shm. */
static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 &&
	    (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static int map_file(struct sequence_map *map, size_t words)
{
	size_t size_bytes = words * sizeof(*map->image);
	void *at;
	int err;

	if (!is_ours(map->fd))
		return -EPERM;
	if (flock(map->fd, LOCK_EX | LOCK_NB) != 0)
		return -errno;
	err = posix_fallocate(map->fd, 0, (off_t)size_bytes); /* no room must show here, not at a first touch */
	if (err != 0)
		return -err;
	at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	map->image = at;
	map->words = words;
	return 0;
}

int sequence_file_map(struct sequence_map *map, const char *memory_dir, const char *data_dir, size_t words)
{
	int n;
	int err;

	*map = (struct sequence_map){ .fd = -1 };
	n = snprintf(map->path, sizeof(map->path), "%s/isaribi-%u-%016" PRIx64, memory_dir, (unsigned)geteuid(),
	    hash_of_dir(data_dir));
	if (n >= (int)sizeof(map->path))
		return -ENAMETOOLONG;
	map->fd = open(map->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (map->fd < 0)
		return -errno;
	err = map_file(map, words);
	if (err != 0) {
		close(map->fd);
		map->fd = -1;
	}
	return err;
}

static int path_in(char path[static SEQUENCE_PATH_MAX], const char *data_dir, const char *name)
{
	return snprintf(path, SEQUENCE_PATH_MAX, "%s/%s", data_dir, name) < SEQUENCE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int read_words(int fd, size_t words_max, _Atomic uint64_t **image, size_t *words)
{
	struct stat st;
	uint8_t *bytes;
	ssize_t n;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
	    (uintmax_t)st.st_size > words_max * sizeof(**image))
		return -EINVAL;
	bytes = calloc((size_t)st.st_size / sizeof(**image) + 1, sizeof(**image));
	if (!bytes)
		return -ENOMEM;
	n = whole_read(fd, bytes, (size_t)st.st_size); /* from a disk that fails: as if it were empty */
	*image = (void *)bytes;
	*words = n > 0 ? (size_t)n / sizeof(**image) : 0;
	return 0;
}

int sequence_file_load(const char *data_dir, size_t words_max, _Atomic uint64_t **image, size_t *words)
{
	char path[SEQUENCE_PATH_MAX];
	int err = path_in(path, data_dir, "sequence");
	int fd;

	*image = NULL;
	*words = 0;
	if (err != 0)
		return err;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = read_words(fd, words_max, image, words);
	close(fd);
	return err;
}

static int write_words(int fd, const _Atomic uint64_t *image, size_t words)
{
	int err = whole_write(fd, (const void *)image, words * sizeof(*image));

	return err == 0 && fdatasync(fd) != 0 ? -errno : err;
}

int sequence_file_store(const char *data_dir, const _Atomic uint64_t *image, size_t words)
{
	char path[SEQUENCE_PATH_MAX];
	char beside[SEQUENCE_PATH_MAX];
	int err = path_in(path, data_dir, "sequence");
	int fd;

	if (err == 0)
		err = path_in(beside, data_dir, "sequence.new");
	if (err != 0)
		return err;
	(void)unlink(beside); /* of a run that was cut short */
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return -errno;
	err = write_words(fd, image, words);
	if (close(fd) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(beside, path) != 0)
		err = -errno;
	if (err != 0)
		(void)unlink(beside);
	return err;
}
