/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "packager/rec_disk.h"

enum {
	PATH_BYTES = 4096,
	RECORDS_AT_ONCE = 256,
	FRAGMENT_HEAD_BYTES = FMP4_SCAN_MOOF_MAX_BYTES + FMP4_MDAT_HEADER_BYTES,
};

/* ---- files ---- */

int rec_load_root(const char *data_dir)
{
	char path[PATH_BYTES];
	int fd;

	if (rec_path(path, sizeof(path), data_dir, NULL, NULL) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int rec_load_folder(int root_fd, const char *id)
{
	int fd;

	if (!id_is_valid(id, strlen(id)))
		return -ENOENT;
	fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int rec_load_open(int folder_fd, enum rec_file file, unsigned stretch)
{
	char name[REC_FILE_SIZE];
	int fd;

	rec_file_name(name, file, stretch);
	/* What is no file of ours (a pipe) must not hold us up. */
	fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t rec_load_read(int fd, uint64_t offset, void *buf, size_t len)
{
	const struct rec_disk *disk = rec_disk_real();

	return disk->read(disk->arg, fd, buf, len, offset);
}

static int size_of(int fd, uint64_t *size_bytes)
{
	const struct rec_disk *disk = rec_disk_real();

	return disk->size(disk->arg, fd, size_bytes);
}

int rec_load_info(int folder_fd, struct rec_info *info)
{
	int fd = rec_load_open(folder_fd, REC_FILE_INFO, 0);
	uint64_t size_bytes = 0;
	char *text = NULL;
	ssize_t n = 0;
	int err = fd < 0 ? fd : size_of(fd, &size_bytes);

	if (err == 0 && size_bytes > REC_INFO_MAX_BYTES)
		err = -EINVAL;
	if (err == 0)
		text = malloc(size_bytes + 1);
	if (err == 0 && !text)
		err = -ENOMEM;
	if (err == 0)
		n = rec_load_read(fd, 0, text, size_bytes);
	if (n < 0)
		err = (int)n;
	if (err == 0)
		err = rec_info_parse(info, text, (size_t)n);
	free(text);
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- a stretch ---- */

static int load_init(struct rec_index_stretch *s, int media_fd)
{
	uint8_t *buf = malloc(FMP4_SCAN_INIT_MAX_BYTES);
	ssize_t n;
	int err = buf ? 0 : -ENOMEM;

	if (err == 0) {
		n = rec_load_read(media_fd, 0, buf, FMP4_SCAN_INIT_MAX_BYTES);
		err = n < 0 ? (int)n : rec_index_take_init(s, buf, (size_t)n);
	}
	free(buf);
	return err == PARSE_MORE || err == PARSE_BAD ? 0 : err; /* a stretch in which nothing is whole */
}

/* Is this the index of that stretch? */
static bool load_header(struct rec_index_stretch *s, int index_fd)
{
	uint8_t record[REC_RECORD_BYTES];
	struct rec_index_header header;
	ssize_t n = rec_load_read(index_fd, 0, record, sizeof(record));

	if (n < 0 || rec_header_decode(&header, record, (size_t)n) != PARSE_OK || header.stretch != s->number ||
	    header.init_bytes != s->init.bytes)
		return false;
	s->begin_wall_ms = header.begin_wall_ms;
	return true;
}

static int load_records(struct rec_index_stretch *s, int folder_fd, uint64_t media_bytes)
{
	int fd = rec_load_open(folder_fd, REC_FILE_INDEX, s->number);
	uint8_t *records = malloc(RECORDS_AT_ONCE * REC_RECORD_BYTES);
	bool goes_on = fd >= 0 && records && load_header(s, fd);
	int err = records ? 0 : -ENOMEM;

	while (goes_on) {
		uint64_t offset = (s->count + 1) * (uint64_t)REC_RECORD_BYTES;
		ssize_t n = rec_load_read(fd, offset, records, RECORDS_AT_ONCE * REC_RECORD_BYTES);
		long taken = n <= 0 ? n : rec_index_take_records(s, records, (size_t)n, media_bytes);

		if (taken < 0)
			err = (int)taken;
		goes_on = taken == RECORDS_AT_ONCE;
	}
	free(records);
	if (fd >= 0)
		close(fd);
	return err == -EIO ? 0 : err; /* the media may be better */
}

/* The moof at the end of the stretch and what follows of the mdat's header. Bytes, 0 when that is none, -errno. */
static ssize_t read_head(const struct rec_index_stretch *s, int media_fd, uint8_t *buf)
{
	uint64_t end = rec_index_end(s);
	ssize_t n = rec_load_read(media_fd, end, buf, 8);
	size_t moof_bytes;

	if (n < 8)
		return n < 0 ? n : 0;
	moof_bytes = (size_t)buf[0] << 24 | (size_t)buf[1] << 16 | (size_t)buf[2] << 8 | buf[3];
	if (moof_bytes > FMP4_SCAN_MOOF_MAX_BYTES)
		return 0;
	return rec_load_read(media_fd, end, buf, moof_bytes + FMP4_MDAT_HEADER_BYTES);
}

static int scan(struct rec_index_stretch *s, int media_fd, uint64_t media_bytes)
{
	uint8_t *buf = malloc(FRAGMENT_HEAD_BYTES);
	struct fmp4_scan_fragment f;
	int err = buf ? 0 : -ENOMEM;

	while (err == 0 && rec_index_end(s) < media_bytes && rec_index_end(s) < s->limit_bytes) {
		ssize_t n = read_head(s, media_fd, buf);

		if (n <= 0 || fmp4_scan_read_fragment(&f, &s->init, buf, (size_t)n) != PARSE_OK)
			break; /* where the disk cannot be read the stretch ends */
		err = rec_index_take_scanned(s, &f, media_bytes);
	}
	free(buf);
	return err == -EINVAL ? 0 : err;
}

/* Fills the newest or an empty stretch of the index. 0 or a negative errno. */
static int load_stretch(struct rec_index_stretch *s, int folder_fd, enum rec_load_from from)
{
	int fd = rec_load_open(folder_fd, REC_FILE_MEDIA, s->number);
	uint64_t media_bytes = 0;
	int err = fd < 0 ? fd : size_of(fd, &media_bytes);

	if (err == 0 && !s->has_init)
		err = load_init(s, fd);
	if (err == 0 && s->has_init && from == REC_LOAD_FROM_INDEX)
		err = load_records(s, folder_fd, media_bytes);
	if (err == 0 && s->has_init)
		err = scan(s, fd, media_bytes);
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- a recording ---- */

static const struct rec_stretch *told_of(const struct rec_info *info, unsigned number)
{
	for (size_t i = 0; i < info->n_stretches; i++) {
		if (info->stretches[i].number == number)
			return &info->stretches[i];
	}
	return NULL;
}

static int add_stretch(struct rec_index *index, int folder_fd, unsigned number, enum rec_load_from from)
{
	const struct rec_stretch *told = told_of(&index->info, number);
	struct rec_index_stretch *s = rec_index_add_stretch(index, number);
	int err;

	if (!s)
		return -ENOMEM;
	if (told) {
		s->begin_wall_ms = told->begin_wall_ms;
		if (told->is_damaged)
			rec_index_limit(s, told->saved_bytes);
	}
	err = load_stretch(s, folder_fd, from);
	if (err == 0)
		rec_index_number_segments(s, index->info.segment_ms);
	if (err != 0) {
		rec_index_stretch_fini(s);
		index->n_stretches--;
	}
	return err;
}

static unsigned last_number(const struct rec_index *index)
{
	return index->n_stretches > 0 ? index->stretches[index->n_stretches - 1].number : 0;
}

/* Stretches behind the last one that is loaded: those the info names, then others that are there all the same. */
int rec_load_stretches(struct rec_index *index, int folder_fd, enum rec_load_from from)
{
	unsigned last = last_number(index);
	int err = 0;

	for (size_t i = 0; err == 0 && i < index->info.n_stretches; i++) {
		if (index->info.stretches[i].number <= last)
			continue;
		err = add_stretch(index, folder_fd, index->info.stretches[i].number, from);
		if (err == -ENOENT) /* its file is gone: the others can be seen */
			err = 0;
	}
	last = last_number(index);
	while (err == 0 && last < REC_STRETCH_MAX)
		err = add_stretch(index, folder_fd, ++last, from);
	return err == -ENOENT ? 0 : err;
}

int rec_load_index(struct rec_index *index, int folder_fd, enum rec_load_from from)
{
	int err = rec_load_info(folder_fd, &index->info);

	if (err == 0)
		err = rec_load_stretches(index, folder_fd, from);
	if (err == 0)
		rec_index_drop_repeated(index);
	return err;
}

static uint64_t limit_of(const struct rec_index *index, unsigned number, const struct rec_load_limit *limit)
{
	const struct rec_stretch *told = told_of(&index->info, number);

	if (told && told->is_damaged)
		return told->saved_bytes;
	if (!limit || index->info.state != REC_RECORDING || number < limit->stretch)
		return UINT64_MAX;
	return number == limit->stretch ? limit->saved_bytes : 0;
}

/* What failed after it was read counts no longer, and what was synced since then counts now. */
void rec_load_limit(struct rec_index *index, const struct rec_load_limit *limit)
{
	for (size_t i = 0; i < index->n_stretches; i++) {
		struct rec_index_stretch *s = &index->stretches[i];

		rec_index_limit(s, limit_of(index, s->number, limit));
	}
}

/* Those of which more counts now, and the last one, which grows. */
static int load_again(struct rec_index *index, int folder_fd, const struct rec_load_limit *limit)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < index->n_stretches; i++) {
		struct rec_index_stretch *s = &index->stretches[i];
		uint64_t before = s->limit_bytes;

		rec_index_limit(s, limit_of(index, s->number, limit));
		if (s->limit_bytes > before || i + 1 == index->n_stretches)
			err = load_stretch(s, folder_fd, REC_LOAD_FROM_INDEX);
	}
	return err;
}

int rec_load_grown(struct rec_index *index, int folder_fd, const struct rec_load_limit *limit)
{
	int err = load_again(index, folder_fd, limit);

	if (err == 0)
		err = rec_load_stretches(index, folder_fd, REC_LOAD_FROM_INDEX);
	if (err == 0) {
		rec_load_limit(index, limit);
		rec_index_drop_repeated(index);
	}
	return err;
}

int rec_load_more(struct rec_index *index, int folder_fd, const struct rec_load_limit *limit)
{
	int err = rec_load_info(folder_fd, &index->info);

	return err == 0 ? rec_load_grown(index, folder_fd, limit) : err;
}
