/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_files.h"

#include <stdio.h>
#include <string.h>

static void close_fd(const struct rec_files *f, int *fd)
{
	if (*fd >= 0)
		f->disk->close(f->disk->arg, *fd);
	*fd = -1;
}

void rec_files_close(struct rec_files *f)
{
	close_fd(f, &f->media_fd);
	close_fd(f, &f->index_fd);
	part_init_unref(f->init);
	rec_files_init(f);
}

void rec_files_init(struct rec_files *f)
{
	*f = (struct rec_files){ .media_fd = -1, .index_fd = -1 };
}

bool rec_files_is_open(const struct rec_files *f)
{
	return f->media_fd >= 0;
}

void rec_files_unlink(const struct rec_disk *disk, const char *folder, unsigned stretch)
{
	char path[REC_PATH_SIZE];

	if (rec_file_path(path, folder, REC_FILE_INDEX, stretch) == 0)
		(void)disk->unlink(disk->arg, path);
	if (rec_file_path(path, folder, REC_FILE_MEDIA, stretch) == 0)
		(void)disk->unlink(disk->arg, path);
}

static int create(const struct rec_files *f, enum rec_file kind, int *fd)
{
	char path[REC_PATH_SIZE];
	int err = rec_file_path(path, f->folder, kind, f->stretch);

	if (err == 0)
		err = f->disk->create(f->disk->arg, path);
	if (err < 0)
		return err;
	*fd = err;
	return 0;
}

static int write_heads(struct rec_files *f, uint32_t segment_ms, const struct part *first)
{
	const struct shared *init = first->init->bytes;
	const struct rec_index_header header = {
		.init_bytes = (uint32_t)init->size_bytes,
		.stretch = f->stretch,
		.segment_ms = segment_ms,
		.begin_wall_ms = first->wall_ms,
	};
	uint8_t record[REC_RECORD_BYTES];
	struct iovec media = { (void *)(uintptr_t)init->data, init->size_bytes };
	struct iovec index = { record, sizeof(record) };
	int err = rec_disk_write_all(f->disk, f->media_fd, &media, 1);

	rec_header_encode(record, &header);
	if (err == 0)
		err = rec_disk_write_all(f->disk, f->index_fd, &index, 1);
	f->bytes = init->size_bytes;
	return err;
}

int rec_files_create(struct rec_files *f, const struct rec_disk *disk, const char *folder, unsigned stretch,
    uint32_t segment_ms, const struct part *first)
{
	int err;

	rec_files_init(f);
	f->disk = disk;
	f->stretch = stretch;
	snprintf(f->folder, sizeof(f->folder), "%s", folder);
	err = create(f, REC_FILE_MEDIA, &f->media_fd);
	if (err != 0)
		return err;
	f->init = part_init_ref(first->init);
	err = create(f, REC_FILE_INDEX, &f->index_fd);
	if (err == 0)
		err = write_heads(f, segment_ms, first);
	if (err != 0) {
		rec_files_close(f);
		rec_files_unlink(disk, folder, stretch);
	}
	return err;
}

int rec_files_write(struct rec_files *f, const struct part *part)
{
	const struct rec_fragment fragment = {
		.offset = f->bytes,
		.moof_bytes = (uint32_t)part->moof->size_bytes,
		.mdat_bytes = (uint32_t)part->mdat->size_bytes,
		.start_90k = part->start_90k,
		.duration_90k = part->duration_90k,
		.wall_ms = part->wall_ms,
		.msn = part->msn,
		.sequence = part->sequence,
		.is_independent = part->is_independent,
		.is_segment_start = part->is_segment_start,
	};
	struct iovec media[2] = {
		{ (void *)(uintptr_t)part->moof->data, part->moof->size_bytes },
		{ (void *)(uintptr_t)part->mdat->data, part->mdat->size_bytes },
	};
	uint8_t record[REC_RECORD_BYTES];
	struct iovec index = { record, sizeof(record) };
	int err = rec_disk_write_all(f->disk, f->media_fd, media, 2);

	if (err != 0)
		return err;
	rec_fragment_encode(record, &fragment);
	err = rec_disk_write_all(f->disk, f->index_fd, &index, 1);
	if (err != 0)
		return err;
	f->bytes += part->moof->size_bytes + part->mdat->size_bytes;
	return 0;
}

int rec_files_sync(struct rec_files *f)
{
	int err = f->disk->sync(f->disk->arg, f->media_fd);

	if (err == 0 && !f->is_named)
		err = f->disk->sync_dir(f->disk->arg, f->folder);
	if (err == 0)
		f->is_named = true;
	return err;
}

void rec_files_sync_index(struct rec_files *f)
{
	(void)f->disk->sync(f->disk->arg, f->index_fd);
}
