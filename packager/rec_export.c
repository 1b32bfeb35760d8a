/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_export.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/whole.h"
#include "media/mp4_file.h"
#include "packager/rec_load.h"

enum {
	COPY_BYTES = 1024 * 1024,
	HEAD_MAX_BYTES = 1536 * 1024 * 1024,
	MOOF_MAX_BYTES = FMP4_SCAN_MOOF_MAX_BYTES + FMP4_MDAT_HEADER_BYTES,
};

struct export
{
	const struct rec_index *index;
	int folder_fd;
	struct mp4_file file;
	uint8_t *buf;		/* COPY_BYTES */
	uint64_t payload_bytes; /* of what was told to the tables */
	struct rec_export_report *report;
};

/* Where a stretch stands in the movie. */
struct join {
	int64_t movie_90k;		  /* of its beginning */
	int64_t begin_90k;		  /* its own time there */
	uint64_t first_time[TRACK_KINDS]; /* of each track's first sample in it, and where that is in the movie */
	int64_t first_movie[TRACK_KINDS];
	bool has_first[TRACK_KINDS];
};

static enum rec_export_result cannot_read(struct export *e, int err)
{
	e->report->err = err;
	return REC_EXPORT_CANNOT_READ;
}

static enum rec_export_result cannot_write(struct export *e, int err)
{
	e->report->err = err;
	return REC_EXPORT_CANNOT_WRITE;
}

/* ---- tables ---- */

static enum rec_export_result check_tracks(const struct rec_index_stretch *s, struct track *const last[TRACK_KINDS])
{
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		const struct track *a = last[kind];
		const struct track *b = s->tracks[kind];

		if (!a || !b)
			continue;
		if (a->codec != b->codec)
			return REC_EXPORT_OTHER_CODEC;
		if (a->sample_rate_hz != b->sample_rate_hz || a->channels != b->channels)
			return REC_EXPORT_OTHER_RATE;
	}
	return REC_EXPORT_DONE;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static enum rec_export_result use_entries(struct export *e, const struct rec_index_stretch *s, int media_fd)
{
	ssize_t n = rec_load_read(media_fd, 0, e->buf, s->init.bytes);

	if (n < (ssize_t)s->init.bytes)
		return cannot_read(e, n < 0 ? (int)n : -EIO);
	for (size_t i = 0; i < s->init.track_count; i++) {
		const struct fmp4_scan_track *t = &s->init.tracks[i];
		struct mp4_table *table = &e->file.tables[t->kind];

		mp4_file_use_entry(&e->file, t->kind, e->buf + t->entry_offset, t->entry_bytes, t->timescale);
		table->width_px = larger(table->width_px, s->tracks[t->kind]->width_px);
		table->height_px = larger(table->height_px, s->tracks[t->kind]->height_px);
	}
	return REC_EXPORT_DONE;
}

/* Within a stretch a track's times are kept to the tick; between two the clock is the movie's. */
static int64_t place_run(struct join *j, const struct fmp4_scan_run *run, uint32_t timescale)
{
	if (!j->has_first[run->kind]) {
		int64_t at_90k = (int64_t)(run->base_decode_time * MP4_FILE_TIMESCALE / timescale);

		j->has_first[run->kind] = true;
		j->first_time[run->kind] = run->base_decode_time;
		j->first_movie[run->kind] = (j->movie_90k + at_90k - j->begin_90k) * timescale / MP4_FILE_TIMESCALE;
	}
	return j->first_movie[run->kind] + (int64_t)(run->base_decode_time - j->first_time[run->kind]);
}

static void add_fragment(struct export *e, struct join *j, const struct fmp4_scan_fragment *f)
{
	for (size_t i = 0; i < f->run_count; i++) {
		const struct fmp4_scan_run *run = &f->runs[i];
		uint32_t timescale = e->file.tables[run->kind].timescale;

		mp4_file_begin_run(
		    &e->file, run->kind, e->payload_bytes + run->mdat_offset, place_run(j, run, timescale));
		for (uint32_t n = 0; n < run->sample_count; n++) {
			struct fmp4_sample sample = fmp4_scan_sample(run, n);

			mp4_file_add_sample(&e->file, run->kind, &sample);
		}
		mp4_file_end_run(&e->file, run->kind);
	}
	e->payload_bytes += f->mdat_bytes - FMP4_MDAT_HEADER_BYTES;
}

/* The earliest time of a track in the first fragment: a run may begin with sound. */
static int64_t begin_of(const struct rec_index_stretch *s, const struct fmp4_scan_fragment *f)
{
	int64_t begin_90k = INT64_MAX;

	for (size_t i = 0; i < f->run_count; i++) {
		const struct fmp4_scan_track *t = &s->init.tracks[0];
		int64_t at_90k;

		if (t->kind != f->runs[i].kind)
			t = &s->init.tracks[1];
		at_90k = (int64_t)(f->runs[i].base_decode_time * MP4_FILE_TIMESCALE / t->timescale);
		if (at_90k < begin_90k)
			begin_90k = at_90k;
	}
	return begin_90k;
}

static enum rec_export_result read_fragment(
    struct export *e, const struct rec_index_stretch *s, size_t i, int media_fd, struct fmp4_scan_fragment *f)
{
	const struct rec_fragment *known = &s->fragments[i];
	size_t head_bytes = (size_t)known->moof_bytes + FMP4_MDAT_HEADER_BYTES;
	ssize_t n;

	if (head_bytes > MOOF_MAX_BYTES)
		return cannot_read(e, -EILSEQ);
	n = rec_load_read(media_fd, known->offset, e->buf, head_bytes);
	if (n < 0)
		return cannot_read(e, (int)n);
	if (fmp4_scan_read_fragment(f, &s->init, e->buf, (size_t)n) != PARSE_OK || f->moof_bytes != known->moof_bytes ||
	    f->mdat_bytes != known->mdat_bytes)
		return cannot_read(e, -EILSEQ); /* not what the index says */
	return REC_EXPORT_DONE;
}

static enum rec_export_result add_stretch(struct export *e, const struct rec_index_stretch *s, int media_fd)
{
	struct join j = { .movie_90k = mp4_file_end_90k(&e->file) };
	enum rec_export_result result = use_entries(e, s, media_fd);
	struct fmp4_scan_fragment f;

	for (size_t i = 0; result == REC_EXPORT_DONE && i < s->count; i++) {
		result = read_fragment(e, s, i, media_fd, &f);
		if (result != REC_EXPORT_DONE)
			break;
		if (i == 0)
			j.begin_90k = begin_of(s, &f);
		add_fragment(e, &j, &f);
	}
	return result;
}

/* Calls step on each stretch that holds anything, with its file open. */
static enum rec_export_result each_stretch(struct export *e,
    enum rec_export_result (*step)(struct export *e, const struct rec_index_stretch *s, int fd, void *arg), void *arg)
{
	enum rec_export_result result = REC_EXPORT_DONE;

	for (size_t i = 0; result == REC_EXPORT_DONE && i < e->index->n_stretches; i++) {
		const struct rec_index_stretch *s = &e->index->stretches[i];
		int fd;

		if (s->count == 0)
			continue;
		e->report->stretch = s->number;
		fd = rec_load_open(e->folder_fd, REC_FILE_MEDIA, s->number);
		if (fd < 0)
			return cannot_read(e, fd);
		result = step(e, s, fd, arg);
		close(fd);
	}
	return result;
}

static enum rec_export_result tell_stretch(struct export *e, const struct rec_index_stretch *s, int fd, void *arg)
{
	struct track **last = arg;
	enum rec_export_result result = check_tracks(s, last);

	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		last[kind] = s->tracks[kind] ? s->tracks[kind] : last[kind];
	return result == REC_EXPORT_DONE ? add_stretch(e, s, fd) : result;
}

/* ---- the file ---- */

static enum rec_export_result copy(struct export *e, int from_fd, uint64_t offset, uint64_t len, int out_fd)
{
	while (len > 0) {
		size_t piece = len < COPY_BYTES ? (size_t)len : COPY_BYTES;
		ssize_t n = rec_load_read(from_fd, offset, e->buf, piece);
		int err;

		if (n < (ssize_t)piece)
			return cannot_read(e, n < 0 ? (int)n : -EIO);
		err = whole_write(out_fd, e->buf, piece);
		if (err != 0)
			return cannot_write(e, err);
		offset += piece;
		len -= piece;
	}
	return REC_EXPORT_DONE;
}

static enum rec_export_result copy_stretch(struct export *e, const struct rec_index_stretch *s, int fd, void *arg)
{
	const int *out_fd = arg;
	enum rec_export_result result = REC_EXPORT_DONE;

	for (size_t i = 0; result == REC_EXPORT_DONE && i < s->count; i++) {
		const struct rec_fragment *f = &s->fragments[i];

		result = copy(e, fd, f->offset + f->moof_bytes + FMP4_MDAT_HEADER_BYTES,
		    f->mdat_bytes - FMP4_MDAT_HEADER_BYTES, *out_fd);
	}
	return result;
}

static enum rec_export_result write_file(struct export *e, int out_fd)
{
	enum rec_export_result result = REC_EXPORT_DONE;
	struct bytes_writer head;
	int err;

	bytes_writer_init_growing(&head, HEAD_MAX_BYTES);
	err = mp4_file_write_head(&head, &e->file, e->payload_bytes);
	e->report->bytes = head.len + e->payload_bytes;
	if (err == 0)
		err = whole_write(out_fd, head.data, head.len);
	bytes_writer_fini(&head);
	if (err == 0)
		result = each_stretch(e, copy_stretch, &out_fd);
	if (err == 0 && result == REC_EXPORT_DONE && fsync(out_fd) != 0)
		err = -errno;
	return err == 0 ? result : cannot_write(e, err);
}

/* The name is on the disk when its folder is. */
static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;
	int err;

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	fd = open(!slash ? "." : len == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fsync(fd) != 0 ? -errno : 0;
	close(fd);
	return err;
}

static enum rec_export_result write_beside(struct export *e, const char *path)
{
	char beside[PATH_MAX];
	enum rec_export_result result;
	int fd;
	int err = 0;

	if (snprintf(beside, sizeof(beside), "%s.part", path) >= (int)sizeof(beside))
		return cannot_write(e, -ENAMETOOLONG);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return cannot_write(e, -errno);
	result = write_file(e, fd);
	if (close(fd) != 0 && result == REC_EXPORT_DONE)
		result = cannot_write(e, -errno);
	if (result == REC_EXPORT_DONE) {
		err = rename(beside, path) != 0 ? -errno : sync_folder_of(path);
		if (err != 0)
			result = cannot_write(e, err);
	}
	if (result != REC_EXPORT_DONE)
		(void)!unlink(beside);
	return result;
}

enum rec_export_result rec_export(
    const struct rec_index *index, int folder_fd, const char *path, struct rec_export_report *report)
{
	struct export e = { .index = index, .folder_fd = folder_fd, .buf = malloc(COPY_BYTES), .report = report };
	struct track *last[TRACK_KINDS] = { NULL };
	enum rec_export_result result;

	*report = (struct rec_export_report){ 0 };
	mp4_file_init(&e.file);
	result = e.buf ? each_stretch(&e, tell_stretch, last) : cannot_write(&e, -ENOMEM);
	if (result == REC_EXPORT_DONE && e.payload_bytes == 0)
		result = REC_EXPORT_EMPTY;
	if (result == REC_EXPORT_DONE)
		result = write_beside(&e, path);
	report->duration_90k = mp4_file_end_90k(&e.file);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		report->samples[kind] = e.file.tables[kind].n_samples;
	mp4_file_fini(&e.file);
	free(e.buf);
	return result;
}
