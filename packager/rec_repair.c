/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_repair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "packager/rec_load.h"

enum { INDEX_MAX_BYTES = 512 * 1024 * 1024 };

/* ---- looking ---- */

void rec_check_fini(struct rec_check *check)
{
	rec_info_fini(&check->info);
	free(check->faults);
	*check = (struct rec_check){ 0 };
}

bool rec_fault_is_none(const struct rec_fault *f)
{
	return !f->is_missing && !f->is_unreadable && !f->is_damaged && f->not_in_index == 0 && f->half_bytes == 0 &&
	    f->missing_bytes == 0 && f->lost_ms_before == 0;
}

bool rec_check_needs_repair(const struct rec_check *check)
{
	bool needs = check->info_err != 0 || check->info.state == REC_RECORDING;

	for (size_t i = 0; i < check->n_faults; i++) {
		const struct rec_fault *f = &check->faults[i];

		needs = needs || f->not_in_index > 0 ||
		    (!f->is_damaged && (f->is_missing || f->is_unreadable || f->half_bytes || f->missing_bytes));
	}
	return needs;
}

static int media_size(int folder_fd, unsigned stretch, uint64_t *bytes)
{
	char name[REC_FILE_SIZE];
	struct stat st;

	rec_file_name(name, REC_FILE_MEDIA, stretch);
	if (fstatat(folder_fd, name, &st, 0) != 0)
		return -errno;
	*bytes = (uint64_t)st.st_size;
	return 0;
}

static void look_at(struct rec_fault *fault, const struct rec_index *index, int folder_fd, unsigned number)
{
	const struct rec_index_stretch *s = rec_index_find(index, number);
	uint64_t bytes = 0;
	int err = media_size(folder_fd, number, &bytes);

	*fault = (struct rec_fault){ .stretch = number, .is_missing = !s || err != 0 };
	if (fault->is_missing)
		return;
	fault->is_unreadable = !s->has_init;
	fault->fragments = s->count;
	fault->not_in_index = s->count - s->n_records;
	/* Beyond its limit, or what stands again in the next stretch: nobody misses it. */
	if (s->limit_bytes == UINT64_MAX && rec_index_end(s) < bytes)
		fault->half_bytes = bytes - rec_index_end(s);
}

static void compare(struct rec_fault *fault, const struct rec_stretch *told, const struct rec_index *index)
{
	const struct rec_index_stretch *s = rec_index_find(index, told->number);
	uint64_t there = s && s->has_init ? rec_index_end(s) : 0;

	fault->is_damaged = told->is_damaged;
	fault->lost_ms_before = told->lost_ms_before;
	if (there < told->saved_bytes)
		fault->missing_bytes = told->saved_bytes - there;
}

static int fill(struct rec_check *out, const struct rec_index *index, int folder_fd)
{
	size_t max = index->n_stretches + out->info.n_stretches;

	out->faults = calloc(max + 1, sizeof(*out->faults));
	if (!out->faults)
		return -ENOMEM;
	for (size_t i = 0; i < out->info.n_stretches; i++) {
		struct rec_fault *fault = &out->faults[out->n_faults++];

		look_at(fault, index, folder_fd, out->info.stretches[i].number);
		compare(fault, &out->info.stretches[i], index);
	}
	for (size_t i = 0; i < index->n_stretches; i++) {
		unsigned number = index->stretches[i].number;

		if (out->info.n_stretches == 0 || number > out->info.stretches[out->info.n_stretches - 1].number)
			look_at(&out->faults[out->n_faults++], index, folder_fd, number);
	}
	return 0;
}

/* With stretches whose repeated ends still stand in both: what is in a file is what is looked at. */
static int load_all(struct rec_index *index, int folder_fd, int *info_err)
{
	*info_err = rec_load_info(folder_fd, &index->info);
	return rec_load_stretches(index, folder_fd, REC_LOAD_FROM_INDEX);
}

int rec_check(struct rec_check *out, int root_fd, const char *id)
{
	int folder_fd = rec_load_folder(root_fd, id);
	struct rec_index index;
	int err;

	*out = (struct rec_check){ 0 };
	rec_info_init(&out->info);
	if (folder_fd < 0)
		return folder_fd;
	rec_index_init(&index);
	err = load_all(&index, folder_fd, &out->info_err);
	if (out->info_err == 0 && strcmp(index.info.id, id) != 0)
		out->info_err = -EINVAL;
	if (err == 0) {
		out->info = index.info; /* it is the check's now */
		rec_info_init(&index.info);
		err = fill(out, &index, folder_fd);
	}
	if (err == 0) {
		rec_index_drop_repeated(&index);
		out->duration_90k = rec_index_duration_90k(&index);
	}
	rec_index_fini(&index);
	close(folder_fd);
	if (err != 0)
		rec_check_fini(out);
	return err;
}

/* ---- mending ---- */

/* `stream-yyyymmdd-hhmmss` or with `-N` behind it, taken apart again. False: it is not of that form. */
static bool read_id(const char *id, struct rec_info *info)
{
	const char *at = id + strlen(id);
	struct tm utc = { 0 };
	int end = 0;

	while (at > id) {
		if (*--at != '-')
			continue;
		memset(&utc, 0, sizeof(utc));
		end = 0;
		if (sscanf(at, "-%4d%2d%2d-%2d%2d%2d%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday, &utc.tm_hour,
			&utc.tm_min, &utc.tm_sec, &end) == 6 &&
		    end == (int)sizeof("-yyyymmdd-hhmmss") - 1 && (at[end] == '\0' || at[end] == '-'))
			break;
	}
	if (at == id || (size_t)(at - id) >= sizeof(info->stream))
		return false;
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	info->begin_wall_ms = (int64_t)timegm(&utc) * 1000;
	memcpy(info->stream, id, (size_t)(at - id));
	info->stream[at - id] = '\0';
	return info->begin_wall_ms >= 0;
}

/* When recording.json cannot be read: what the name of the folder says. */
static int make_info(struct rec_info *info, const char *id, uint32_t segment_ms)
{
	rec_info_fini(info);
	if (!read_id(id, info))
		return -EINVAL;
	(void)snprintf(info->id, sizeof(info->id), "%s", id);
	(void)snprintf(info->epoch, sizeof(info->epoch), "0");
	info->segment_ms = segment_ms;
	info->state = REC_RECORDING;
	return 0;
}

static void put_records(struct bytes_writer *w, const struct rec_index_stretch *s, uint32_t segment_ms)
{
	const struct rec_index_header header = {
		.init_bytes = (uint32_t)s->init.bytes,
		.stretch = s->number,
		.segment_ms = segment_ms,
		.begin_wall_ms = s->begin_wall_ms,
	};
	uint8_t record[REC_RECORD_BYTES];

	rec_header_encode(record, &header);
	bytes_put(w, record, sizeof(record));
	for (size_t i = 0; i < s->count; i++) {
		rec_fragment_encode(record, &s->fragments[i]);
		bytes_put(w, record, sizeof(record));
	}
}

/* A new file: whatever happens on the way, what is missing in it can be found again. */
static int write_index(
    const struct rec_store *store, const char *id, const struct rec_index_stretch *s, uint32_t segment_ms)
{
	const struct rec_disk *disk = store->disk;
	char folder[REC_PATH_SIZE];
	char path[REC_PATH_SIZE];
	struct bytes_writer w;
	int err;

	bytes_writer_init_growing(&w, INDEX_MAX_BYTES);
	put_records(&w, s, segment_ms);
	err = w.is_full ? -ENOMEM : 0;
	if (err == 0 && rec_path(folder, sizeof(folder), store->data_dir, id, NULL) >= sizeof(folder))
		err = -ENAMETOOLONG;
	if (err == 0)
		err = rec_file_path(path, folder, REC_FILE_INDEX, s->number);
	if (err == 0) {
		(void)disk->unlink(disk->arg, path);
		err = rec_disk_write_file(disk, path, w.data, w.len);
	}
	bytes_writer_fini(&w);
	return err;
}

/* What can be said of the whole when its parts are known. */
static void conclude(struct rec_info *info, const struct rec_index *index)
{
	const struct rec_index_stretch *last =
	    index->n_stretches > 0 ? &index->stretches[index->n_stretches - 1] : NULL;
	bool is_whole = rec_info_verdict(info) == REC_SAVED;

	for (size_t i = 0; i < info->n_stretches; i++) {
		const struct rec_index_stretch *s = rec_index_find(index, info->stretches[i].number);

		is_whole = is_whole && info->stretches[i].lost_ms_before == 0;
		if (s && s->count > 0)
			info->stretches[i].duration_ms = rec_index_stretch_duration_90k(s) / 90;
		if (s && s->count > 0 && info->stretches[i].begin_wall_ms < 0)
			info->stretches[i].begin_wall_ms = s->fragments[0].wall_ms;
	}
	if (info->state != REC_RECORDING && (info->state == REC_DAMAGED || is_whole))
		return;
	info->state = is_whole ? REC_SAVED : REC_DAMAGED;
	if (info->end_reason[0] == '\0')
		(void)snprintf(info->end_reason, sizeof(info->end_reason), "repaired");
	if (info->end_wall_ms == 0 && last && last->count > 0 && last->fragments[last->count - 1].wall_ms >= 0)
		info->end_wall_ms =
		    last->fragments[last->count - 1].wall_ms + last->fragments[last->count - 1].duration_90k / 90;
	if (info->end_wall_ms == 0)
		info->end_wall_ms = info->begin_wall_ms + rec_index_duration_90k(index) / 90;
}

static int write_indexes(const struct rec_store *store, const char *id, const struct rec_index *index)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < index->n_stretches; i++) {
		const struct rec_index_stretch *s = &index->stretches[i];

		if (s->has_init && s->n_records < s->count)
			err = write_index(store, id, s, index->info.segment_ms);
	}
	return err;
}

int rec_repair(const struct rec_store *store, int root_fd, const char *id, uint32_t segment_ms)
{
	int folder_fd = rec_load_folder(root_fd, id);
	struct rec_index index;
	int err = folder_fd < 0 ? folder_fd : 0;

	rec_index_init(&index);
	if (err == 0 && (rec_load_info(folder_fd, &index.info) != 0 || strcmp(index.info.id, id) != 0))
		err = make_info(&index.info, id, segment_ms);
	if (err == 0)
		err = rec_store_mend(store, &index.info);
	if (err == 0)
		err = rec_load_stretches(&index, folder_fd, REC_LOAD_FROM_INDEX);
	if (err == 0)
		err = write_indexes(store, id, &index);
	if (err == 0) {
		conclude(&index.info, &index);
		err = rec_store_save(store, &index.info);
	}
	rec_index_fini(&index);
	if (folder_fd >= 0)
		close(folder_fd);
	return err;
}
