/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/rec_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/unit/oom_folder.h"

enum {
	PATH_BYTES = 256,
	FILE_MAX_BYTES = 64 * 1024 * 1024,
	FRAMES_PER_S = 30,
	TICKS_PER_FRAME = 90000 / FRAMES_PER_S,
};

const int64_t rec_sample_wall_ms = INT64_C(1788264000000);

static void path_of(const struct rec_sample *f, const char *name, char out[PATH_BYTES])
{
	assert_true(rec_path(out, PATH_BYTES, f->data_dir, REC_SAMPLE_ID, name) < PATH_BYTES);
}

static void file_path(const struct rec_sample *f, enum rec_file file, unsigned number, char out[PATH_BYTES])
{
	char name[REC_FILE_SIZE];

	rec_file_name(name, file, number);
	path_of(f, name, out);
}

void rec_sample_init(struct rec_sample *f)
{
	char path[PATH_BYTES];

	memset(f, 0, sizeof(*f));
	snprintf(f->data_dir, sizeof(f->data_dir), "%s/isaribi-test-rec-XXXXXX", oom_folder_above());
	assert_non_null(mkdtemp(f->data_dir));
	assert_true(rec_path(path, sizeof(path), f->data_dir, NULL, NULL) < sizeof(path));
	assert_int_equal(mkdir(path, 0700), 0);
	path_of(f, NULL, path);
	assert_int_equal(mkdir(path, 0700), 0);
	rec_info_init(&f->info);
	snprintf(f->info.id, sizeof(f->info.id), REC_SAMPLE_ID);
	snprintf(f->info.stream, sizeof(f->info.stream), REC_SAMPLE_STREAM);
	snprintf(f->info.epoch, sizeof(f->info.epoch), "e1");
	f->info.state = REC_SAVED;
	f->info.segment_ms = REC_SAMPLE_SEGMENT_MS;
	f->info.begin_wall_ms = rec_sample_wall_ms;
}

void rec_sample_fini(struct rec_sample *f)
{
	oom_folder_remove(f->data_dir);
	rec_info_fini(&f->info);
}

void rec_sample_replace(const struct rec_sample *f, enum rec_file file, unsigned number, const void *data, size_t len)
{
	char path[PATH_BYTES];
	FILE *out;

	file_path(f, file, number, path);
	out = fopen(path, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

void rec_sample_remove(const struct rec_sample *f, enum rec_file file, unsigned number)
{
	char path[PATH_BYTES];

	file_path(f, file, number, path);
	assert_int_equal(unlink(path), 0);
}

uint8_t *rec_sample_read(const struct rec_sample *f, enum rec_file file, unsigned number, size_t *len)
{
	char path[PATH_BYTES];
	struct stat st;
	uint8_t *data;
	FILE *in;

	file_path(f, file, number, path);
	in = fopen(path, "rb");
	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *len, in), *len);
	fclose(in);
	return data;
}

void rec_sample_write_info(struct rec_sample *f)
{
	size_t len;
	char *text = rec_info_format(&f->info, &len);

	assert_non_null(text);
	rec_sample_replace(f, REC_FILE_INFO, 0, text, len);
	free(text);
}

/* ---- a stretch ---- */

static void push_video(
    struct cutter *c, struct fixture_parts *parts, struct track *track, const struct rec_sample_stretch *s, unsigned n)
{
	/* Frames of many sizes, and every third one shown after the next. */
	size_t bytes = (s->video_bytes > 0 ? s->video_bytes : 40) + n % 7;
	bool is_key = n % s->gop_frames == 0;
	struct frame *frame =
	    fixture_frame_sized(track, s->begin_90k + (int64_t)n * TICKS_PER_FRAME, is_key ? FRAME_KEY : 0, bytes);

	if (n % s->gop_frames % 3 == 1)
		frame->pts_90k += TICKS_PER_FRAME;
	fixture_push(c, parts, frame);
}

static void push_frames(struct cutter *c, struct fixture_parts *parts, const struct rec_sample_stretch *s)
{
	struct track *video = s->is_large ? fixture_video_large() : fixture_video();
	struct track *audio = s->has_other_audio ? fixture_audio_44100() : fixture_audio();
	int64_t rate_hz = s->has_other_audio ? 44100 : 48000;
	int64_t audio_n = 0;

	for (unsigned n = 0; n < s->seconds * FRAMES_PER_S; n++) {
		int64_t now_90k = (int64_t)n * TICKS_PER_FRAME;

		if (s->has_video)
			push_video(c, parts, video, s, n);
		for (; s->has_audio && audio_n * 1024 * 90000 / rate_hz <= now_90k; audio_n++)
			fixture_push(c, parts,
			    fixture_frame(audio, s->begin_90k + audio_n * 1024 * 90000 / rate_hz,
				s->begin_90k + audio_n * 1024 * 90000 / rate_hz, FRAME_KEY));
	}
	cutter_flush(c);
	fixture_drain(c, parts);
	track_unref(video);
	track_unref(audio);
}

static void put_shared(struct bytes_writer *w, const struct shared *s)
{
	bytes_put(w, s->data, s->size_bytes);
}

static void put_part(struct bytes_writer *media, struct bytes_writer *index, const struct part *p, int64_t wall_ms)
{
	const struct rec_fragment fragment = {
		.offset = media->len,
		.moof_bytes = (uint32_t)p->moof->size_bytes,
		.mdat_bytes = (uint32_t)p->mdat->size_bytes,
		.start_90k = p->start_90k,
		.duration_90k = p->duration_90k,
		.wall_ms = wall_ms,
		.msn = p->msn,
		.sequence = p->sequence,
		.is_independent = p->is_independent,
		.is_segment_start = p->is_segment_start,
	};
	uint8_t record[REC_RECORD_BYTES];

	rec_fragment_encode(record, &fragment);
	bytes_put(index, record, sizeof(record));
	put_shared(media, p->moof);
	put_shared(media, p->mdat);
}

/* The cutter counts from 1; in a recording parts go on counting across stretches. */
static void renumber(struct part *p, uint32_t add)
{
	p->sequence += add;
	p->moof->data[20] = (uint8_t)(p->sequence >> 24);
	p->moof->data[21] = (uint8_t)(p->sequence >> 16);
	p->moof->data[22] = (uint8_t)(p->sequence >> 8);
	p->moof->data[23] = (uint8_t)p->sequence;
}

static void note(
    struct rec_sample *f, const struct rec_sample_stretch *s, const struct fixture_parts *parts, size_t bytes)
{
	struct rec_stretch *told = rec_info_add(&f->info);
	int64_t sum_90k = 0;

	assert_non_null(told);
	for (size_t i = 0; i < parts->count; i++)
		sum_90k += parts->parts[i]->duration_90k;
	told->number = s->number;
	told->begin_wall_ms = rec_sample_wall_ms + s->begin_90k / 90;
	told->duration_ms = sum_90k / 90;
	told->bytes = bytes;
	told->saved_bytes = bytes;
}

void rec_sample_write(struct rec_sample *f, const struct rec_sample_stretch *s)
{
	const struct cutter_config config = { .part_ms = REC_SAMPLE_PART_MS, .segment_ms = REC_SAMPLE_SEGMENT_MS };
	struct cutter *c = cutter_create(&config);
	struct fixture_parts *parts = calloc(1, sizeof(*parts));
	struct bytes_writer media;
	struct bytes_writer index;
	uint8_t header[REC_RECORD_BYTES];

	assert_true(c && parts);
	push_frames(c, parts, s);
	assert_true(parts->count > 0);
	bytes_writer_init_growing(&media, FILE_MAX_BYTES);
	bytes_writer_init_growing(&index, FILE_MAX_BYTES);
	put_shared(&media, parts->parts[0]->init->bytes);
	rec_header_encode(header,
	    &(struct rec_index_header){ .init_bytes = (uint32_t)media.len,
		.stretch = s->number,
		.segment_ms = REC_SAMPLE_SEGMENT_MS,
		.begin_wall_ms = rec_sample_wall_ms + s->begin_90k / 90 });
	bytes_put(&index, header, sizeof(header));
	for (size_t i = 0; i < parts->count; i++) {
		struct part *p = parts->parts[i];

		renumber(p, f->sequence);
		put_part(&media, &index, p,
		    rec_sample_wall_ms + s->begin_90k / 90 + (p->start_90k - parts->parts[0]->start_90k) / 90);
	}
	f->sequence = parts->parts[parts->count - 1]->sequence;
	assert_false(media.is_full || index.is_full);
	rec_sample_replace(f, REC_FILE_MEDIA, s->number, media.data, media.len);
	rec_sample_replace(f, REC_FILE_INDEX, s->number, index.data, index.len);
	note(f, s, parts, media.len);
	bytes_writer_fini(&media);
	bytes_writer_fini(&index);
	fixture_parts_fini(parts);
	free(parts);
	cutter_destroy(&c);
}
