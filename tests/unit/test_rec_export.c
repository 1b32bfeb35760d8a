/* SPDX-License-Identifier: Apache-2.0 */
/* Plain MP4 read back by a reader of the test's own: tables against the samples that went in. */
#include "packager/rec_export.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "packager/rec_load.h"
#include "tests/unit/rec_sample.h"

struct exported {
	struct rec_sample files;
	struct rec_index index;
	int folder_fd;
	char path[256];
	uint8_t *data;
	size_t len;
	struct rec_export_report report;
};

static void setup(struct exported *e, const struct rec_sample_stretch *stretches, size_t n)
{
	int root_fd;

	memset(e, 0, sizeof(*e));
	rec_sample_init(&e->files);
	for (size_t i = 0; i < n; i++)
		rec_sample_write(&e->files, &stretches[i]);
	rec_sample_write_info(&e->files);
	rec_index_init(&e->index);
	root_fd = rec_load_root(e->files.data_dir);
	e->folder_fd = rec_load_folder(root_fd, REC_SAMPLE_ID);
	close(root_fd);
	assert_int_equal(rec_load_index(&e->index, e->folder_fd, REC_LOAD_FROM_INDEX), 0);
	snprintf(e->path, sizeof(e->path), "%s/out.mp4", e->files.data_dir);
}

static void teardown(struct exported *e)
{
	free(e->data);
	rec_index_fini(&e->index);
	close(e->folder_fd);
	rec_sample_fini(&e->files);
}

static enum rec_export_result run(struct exported *e)
{
	enum rec_export_result result = rec_export(&e->index, e->folder_fd, e->path, &e->report);
	char beside[300];
	FILE *in;

	snprintf(beside, sizeof(beside), "%s.part", e->path);
	assert_int_equal(access(beside, F_OK), -1);
	if (result != REC_EXPORT_DONE) {
		assert_int_equal(access(e->path, F_OK), -1);
		return result;
	}
	in = fopen(e->path, "rb");
	assert_non_null(in);
	e->data = malloc(e->report.bytes + 1);
	assert_non_null(e->data);
	e->len = fread(e->data, 1, e->report.bytes + 1, in);
	assert_int_equal(e->len, e->report.bytes);
	fclose(in);
	return result;
}

/* The body of the nth box at a path such as "moov/trak"; false: it is not there. */
static bool find(struct bytes_reader r, const char *path, unsigned nth, struct bytes_reader *out)
{
	while (bytes_left(&r) >= 8) {
		uint32_t size = bytes_u32(&r);
		const uint8_t *type = bytes_take(&r, 4);

		assert_true(size >= 8 && size - 8 <= bytes_left(&r));
		if (memcmp(type, path, 4) == 0 && (path[4] != '\0' || nth-- == 0)) {
			bytes_reader_init(out, type + 4, size - 8);
			return path[4] == '\0' || find(*out, path + 5, nth, out);
		}
		bytes_skip(&r, size - 8);
	}
	return false;
}

/* One track, told sample by sample. */
struct track_walk {
	struct bytes_reader stbl;
	struct bytes_reader stts, ctts, stsz, stsc, stco;
	uint32_t stts_left, delta, ctts_left;
	int32_t offset;
	bool has_ctts;
	uint32_t samples, chunks, entries;
	uint64_t place;
	uint32_t in_chunk, per_chunk, chunk, next_first, next_per, entry, next_entry, stsc_left;
};

static struct bytes_reader table(const struct bytes_reader *stbl, const char *name)
{
	struct bytes_reader r;

	assert_true(find(*stbl, name, 0, &r));
	bytes_skip(&r, 4);
	return r;
}

static void walk_init(struct track_walk *t, const struct exported *e, unsigned nth)
{
	struct bytes_reader all;
	struct bytes_reader moov;
	struct bytes_reader trak;
	struct bytes_reader r;

	memset(t, 0, sizeof(*t));
	bytes_reader_init(&all, e->data, e->len);
	assert_true(find(all, "moov", 0, &moov));
	assert_true(find(moov, "trak", nth, &trak));
	assert_true(find(trak, "mdia/minf/stbl", 0, &t->stbl));
	r = table(&t->stbl, "stsd");
	t->entries = bytes_u32(&r);
	t->stts = table(&t->stbl, "stts");
	bytes_skip(&t->stts, 4);
	t->has_ctts = find(t->stbl, "ctts", 0, &t->ctts);
	if (t->has_ctts)
		bytes_skip(&t->ctts, 8);
	t->stsz = table(&t->stbl, "stsz");
	bytes_skip(&t->stsz, 4);
	t->samples = bytes_u32(&t->stsz);
	t->stsc = table(&t->stbl, "stsc");
	t->stsc_left = bytes_u32(&t->stsc);
	t->stco = table(&t->stbl, "stco");
	t->chunks = bytes_u32(&t->stco);
	t->next_first = bytes_u32(&t->stsc);
	t->next_per = bytes_u32(&t->stsc);
	t->next_entry = bytes_u32(&t->stsc);
}

static void next_chunk(struct track_walk *t)
{
	t->place = bytes_u32(&t->stco);
	t->in_chunk = 0;
	if (++t->chunk != t->next_first)
		return;
	t->per_chunk = t->next_per;
	t->entry = t->next_entry;
	t->next_first = bytes_left(&t->stsc) > 0 ? bytes_u32(&t->stsc) : 0;
	t->next_per = bytes_left(&t->stsc) > 0 ? bytes_u32(&t->stsc) : 0;
	t->next_entry = bytes_left(&t->stsc) > 0 ? bytes_u32(&t->stsc) : 0;
}

struct sample {
	uint64_t place;
	uint32_t size;
	uint32_t delta;
	int32_t offset;
	uint32_t entry;
};

static struct sample next_sample(struct track_walk *t)
{
	struct sample s;

	if (t->stts_left == 0) {
		t->stts_left = bytes_u32(&t->stts);
		t->delta = bytes_u32(&t->stts);
	}
	t->stts_left--;
	if (t->has_ctts && t->ctts_left == 0) {
		t->ctts_left = bytes_u32(&t->ctts);
		t->offset = (int32_t)bytes_u32(&t->ctts);
	}
	t->ctts_left--;
	if (t->chunk == 0 || t->in_chunk == t->per_chunk)
		next_chunk(t);
	t->in_chunk++;
	s = (struct sample){ t->place, bytes_u32(&t->stsz), t->delta, t->offset, t->entry };
	t->place += s.size;
	return s;
}

/* Every sample of a track, in order, against the fragments on the disk: its bytes, duration and offset. */
static void check_samples(const struct exported *e, enum track_kind kind, unsigned nth, unsigned holes)
{
	struct track_walk t;
	uint32_t n = 0;
	unsigned stretched = 0;

	walk_init(&t, e, nth);
	for (size_t i = 0; i < e->index.n_stretches; i++) {
		const struct rec_index_stretch *s = &e->index.stretches[i];
		size_t len;
		uint8_t *media = rec_sample_read(&e->files, REC_FILE_MEDIA, s->number, &len);

		for (size_t k = 0; k < s->count; k++) {
			const struct rec_fragment *at = &s->fragments[k];
			struct fmp4_scan_fragment f;

			assert_int_equal(
			    fmp4_scan_read_fragment(&f, &s->init, media + at->offset, len - at->offset), PARSE_OK);
			for (size_t r = 0; r < f.run_count; r++) {
				const uint8_t *bytes = media + at->offset + at->moof_bytes + 8 + f.runs[r].mdat_offset;

				if (f.runs[r].kind != kind)
					continue;
				for (uint32_t m = 0; m < f.runs[r].sample_count; m++, n++) {
					struct fmp4_sample in = fmp4_scan_sample(&f.runs[r], m);
					struct sample out = next_sample(&t);

					assert_int_equal(out.size, in.size_bytes);
					assert_true(out.place + out.size <= e->len);
					assert_memory_equal(e->data + out.place, bytes, in.size_bytes);
					assert_int_equal(out.offset, in.composition_offset);
					stretched += out.delta != in.duration;
					bytes += in.size_bytes;
				}
			}
		}
		free(media);
	}
	assert_int_equal(n, t.samples);
	assert_int_equal(n, e->report.samples[kind]);
	assert_int_equal(t.chunk, t.chunks);
	assert_int_equal(bytes_left(&t.stsz), 0);
	assert_in_range(stretched, 0, holes);
}

static void one_stretch_comes_out_as_it_went_in(void **state)
{
	static const struct rec_sample_stretch stretch = {
		.number = 1, .seconds = 20, .has_video = true, .has_audio = true, .gop_frames = 50, .begin_90k = 777777
	};
	struct exported e;

	(void)state;
	setup(&e, &stretch, 1);
	assert_int_equal(run(&e), REC_EXPORT_DONE);
	assert_memory_equal(e.data + 4, "ftyp", 4);
	assert_memory_equal(e.data + e.data[3] + 4, "moov", 4);
	assert_in_range(e.report.duration_90k, 20 * 90000 - 3000, 20 * 90000 + 3000);
	check_samples(&e, TRACK_VIDEO, 0, 0);
	check_samples(&e, TRACK_AUDIO, 1, 0);
	teardown(&e);
}

/* Another picture size: another sample description. Between stretches the last sample lasts until the next one. */
static void stretches_are_joined(void **state)
{
	static const struct rec_sample_stretch stretches[] = {
		{ .number = 1, .seconds = 7, .has_video = true, .has_audio = true, .gop_frames = 50 },
		{ .number = 2,
		    .seconds = 6,
		    .has_video = true,
		    .has_audio = true,
		    .gop_frames = 50,
		    .begin_90k = 90000000 },
		{ .number = 4,
		    .seconds = 5,
		    .has_video = true,
		    .has_audio = true,
		    .gop_frames = 50,
		    .is_large = true,
		    .begin_90k = 1000 },
	};
	struct track_walk t;
	struct exported e;

	(void)state;
	setup(&e, stretches, 3);
	assert_int_equal(run(&e), REC_EXPORT_DONE);
	assert_in_range(e.report.duration_90k, 18 * 90000 - 9000, 18 * 90000 + 9000);
	check_samples(&e, TRACK_VIDEO, 0, 2);
	check_samples(&e, TRACK_AUDIO, 1, 2);
	walk_init(&t, &e, 0);
	assert_int_equal(t.entries, 2);
	for (uint32_t i = 0; i < t.samples; i++)
		assert_int_equal(next_sample(&t).entry, i < 13 * 30 ? 1 : 2);
	walk_init(&t, &e, 1);
	assert_int_equal(t.entries, 1);
	teardown(&e);
}

/* Sound begins later than the picture: its track says so with an empty edit. */
static void a_late_track_has_an_empty_edit(void **state)
{
	static const struct rec_sample_stretch stretches[] = {
		{ .number = 1, .seconds = 4, .has_video = true, .gop_frames = 60 },
		{ .number = 2, .seconds = 4, .has_video = true, .has_audio = true, .gop_frames = 60 },
	};
	struct bytes_reader all;
	struct bytes_reader moov;
	struct bytes_reader trak;
	struct bytes_reader elst;
	struct exported e;

	(void)state;
	setup(&e, stretches, 2);
	assert_int_equal(run(&e), REC_EXPORT_DONE);
	check_samples(&e, TRACK_VIDEO, 0, 1);
	check_samples(&e, TRACK_AUDIO, 1, 0);
	bytes_reader_init(&all, e.data, e.len);
	assert_true(find(all, "moov", 0, &moov));
	assert_true(find(moov, "trak", 0, &trak));
	assert_false(find(trak, "edts", 0, &elst));
	assert_true(find(moov, "trak", 1, &trak));
	assert_true(find(trak, "edts/elst", 0, &elst));
	bytes_skip(&elst, 4);
	assert_int_equal(bytes_u32(&elst), 2);
	assert_int_equal(bytes_u64(&elst), 4 * 90000);
	assert_true(bytes_u64(&elst) == UINT64_MAX);
	teardown(&e);
}

static void what_no_player_follows_is_refused(void **state)
{
	static const struct rec_sample_stretch stretches[] = {
		{ .number = 1, .seconds = 4, .has_audio = true },
		{ .number = 2, .seconds = 4, .has_audio = true, .has_other_audio = true },
	};
	struct exported e;

	(void)state;
	setup(&e, stretches, 2);
	assert_int_equal(run(&e), REC_EXPORT_OTHER_RATE);
	assert_int_equal(e.report.stretch, 2);
	teardown(&e);
}

static void failures_leave_no_file(void **state)
{
	static const struct rec_sample_stretch stretch = { .number = 1, .seconds = 4, .has_audio = true };
	struct exported e;
	uint8_t *media;
	size_t len;

	(void)state;
	setup(&e, &stretch, 1);
	media = rec_sample_read(&e.files, REC_FILE_MEDIA, 1, &len);
	rec_sample_replace(&e.files, REC_FILE_MEDIA, 1, media, len - 1); /* after it was loaded */
	assert_int_equal(run(&e), REC_EXPORT_CANNOT_READ);
	media[len / 2] ^= 1;
	rec_sample_replace(&e.files, REC_FILE_MEDIA, 1, media, e.index.stretches[0].init.bytes + 3);
	assert_int_equal(run(&e), REC_EXPORT_CANNOT_READ);
	rec_sample_remove(&e.files, REC_FILE_MEDIA, 1);
	assert_int_equal(run(&e), REC_EXPORT_CANNOT_READ);
	assert_int_equal(e.report.err, -ENOENT);
	e.index.stretches[0].count = 0;
	assert_int_equal(run(&e), REC_EXPORT_EMPTY);
	free(media);
	teardown(&e);
	setup(&e, &stretch, 1);
	snprintf(e.path, sizeof(e.path), "%s/nowhere/out.mp4", e.files.data_dir);
	assert_int_equal(run(&e), REC_EXPORT_CANNOT_WRITE);
	teardown(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_stretch_comes_out_as_it_went_in),
		cmocka_unit_test(stretches_are_joined),
		cmocka_unit_test(a_late_track_has_an_empty_edit),
		cmocka_unit_test(what_no_player_follows_is_refused),
		cmocka_unit_test(failures_leave_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
