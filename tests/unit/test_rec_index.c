/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings read from files: by their index, without it, damaged. */
#include "packager/rec_load.h"

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

#include "base/attr.h"
#include "base/bytes.h"
#include "tests/unit/rec_sample.h"

static const struct rec_sample_stretch both = {
	.number = 1, .seconds = 20, .has_video = true, .has_audio = true, .gop_frames = 50
};

struct loaded {
	struct rec_sample files;
	struct rec_index index;
	int folder_fd;
};

static void setup(struct loaded *l, const struct rec_sample_stretch *stretches, size_t n)
{
	memset(l, 0, sizeof(*l));
	l->folder_fd = -1;
	rec_index_init(&l->index);
	rec_sample_init(&l->files);
	for (size_t i = 0; i < n; i++)
		rec_sample_write(&l->files, &stretches[i]);
	rec_sample_write_info(&l->files);
}

static int load(struct loaded *l, enum rec_load_from from)
{
	int root_fd = rec_load_root(l->files.data_dir);

	assert_true(root_fd >= 0);
	rec_index_fini(&l->index);
	if (l->folder_fd < 0)
		l->folder_fd = rec_load_folder(root_fd, REC_SAMPLE_ID);
	assert_true(l->folder_fd >= 0);
	close(root_fd);
	return rec_load_index(&l->index, l->folder_fd, from);
}

static void teardown(struct loaded *l)
{
	rec_index_fini(&l->index);
	if (l->folder_fd >= 0)
		close(l->folder_fd);
	rec_sample_fini(&l->files);
}

static void check_same(const struct rec_index_stretch *a, const struct rec_index_stretch *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct rec_fragment *x = &a->fragments[i];
		const struct rec_fragment *y = &b->fragments[i];

		assert_int_equal(x->offset, y->offset);
		assert_int_equal(x->moof_bytes, y->moof_bytes);
		assert_int_equal(x->mdat_bytes, y->mdat_bytes);
		assert_int_equal(x->start_90k, y->start_90k);
		assert_int_equal(x->duration_90k, y->duration_90k);
		assert_int_equal(x->sequence, y->sequence);
		assert_int_equal(x->is_independent, y->is_independent);
		assert_int_equal(x->wall_ms, y->wall_ms);
	}
}

static void an_index_made_anew_is_the_one_that_was(void **state)
{
	static const struct rec_sample_stretch table[] = {
		{ .number = 1, .seconds = 20, .has_video = true, .has_audio = true, .gop_frames = 50 },
		{ .number = 1, .seconds = 20, .has_video = true, .has_audio = true, .gop_frames = 15 },
		{ .number = 1, .seconds = 30, .has_video = true, .gop_frames = 300 },
		{ .number = 1, .seconds = 20, .has_audio = true },
		{ .number = 1, .seconds = 20, .has_audio = true, .has_other_audio = true, .begin_90k = 12345677 },
		{ .number = 1,
		    .seconds = 9,
		    .has_video = true,
		    .has_audio = true,
		    .has_other_audio = true,
		    .gop_frames = 60,
		    .begin_90k = INT64_C(90000) * 86400 * 365 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rec_index anew;
		struct loaded l;

		setup(&l, &table[i], 1);
		assert_int_equal(load(&l, REC_LOAD_FROM_MEDIA), 0);
		anew = l.index;
		rec_index_init(&l.index);
		assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
		assert_int_equal(l.index.n_stretches, 1);
		assert_true(l.index.stretches[0].count > 10);
		check_same(&anew.stretches[0], &l.index.stretches[0]);
		assert_int_equal(anew.stretches[0].fragments[0].is_segment_start, true);
		rec_index_fini(&anew);
		teardown(&l);
	}
}

/* From there on all is ms later than it was recorded. */
static void delay_media(const struct rec_sample *f, const struct rec_fragment *from, int64_t ms, uint32_t timescale)
{
	size_t len;
	uint8_t *media = rec_sample_read(f, REC_FILE_MEDIA, 1, &len);

	for (size_t i = from->offset; i + 16 < len; i++) {
		struct bytes_reader r;
		uint64_t time;

		if (memcmp(media + i, "tfdt", 4) != 0)
			continue;
		assert_int_equal(media[i + 4], 1); /* a version with times of 64 bits */
		bytes_reader_init(&r, media + i + 8, 8);
		time = bytes_u64(&r) + (uint64_t)ms * timescale / 1000;
		for (size_t n = 0; n < 8; n++)
			media[i + 8 + n] = (uint8_t)(time >> (56 - 8 * n));
	}
	rec_sample_replace(f, REC_FILE_MEDIA, 1, media, len);
	free(media);
}

/* A fragment made anew lasts until the next one over no longer a hole than the cutter's, whose segments always fit. */
static void a_hole_in_the_media_stretches_no_fragment_too_far(void **state)
{
	static const struct rec_sample_stretch sound = { .number = 1, .seconds = 20, .has_audio = true };
	static const struct {
		uint32_t segment_ms;
		int64_t hole_ms;
		bool is_stretched;
	} table[] = { { 2000, 1000, true }, { 2000, 3000, false }, { 1000, 900, true }, { 1000, 2000, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct rec_fragment *before;
		int64_t was_90k;
		struct loaded l;

		setup(&l, &sound, 1);
		l.files.info.segment_ms = table[i].segment_ms;
		rec_sample_write_info(&l.files);
		assert_int_equal(load(&l, REC_LOAD_FROM_MEDIA), 0);
		was_90k = l.index.stretches[0].fragments[9].duration_90k;
		delay_media(&l.files, &l.index.stretches[0].fragments[10], table[i].hole_ms,
		    l.index.stretches[0].init.tracks[0].timescale);
		assert_int_equal(load(&l, REC_LOAD_FROM_MEDIA), 0);
		before = &l.index.stretches[0].fragments[9];
		assert_int_equal(before->duration_90k, was_90k + (table[i].is_stretched ? 90 * table[i].hole_ms : 0));
		assert_true(before->duration_90k <= cutter_longest_segment_90k(table[i].segment_ms));
		teardown(&l);
	}
}

/* Records end early, are wrong in the middle, or are somebody else's: the media says the rest. */
static void a_damaged_index_costs_nothing(void **state)
{
	struct rec_index whole;
	struct loaded l;
	uint8_t *data;
	size_t len;

	(void)state;
	setup(&l, &both, 1);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	whole = l.index;
	rec_index_init(&l.index);
	data = rec_sample_read(&l.files, REC_FILE_INDEX, 1, &len);
	for (size_t cut = 0; cut <= len; cut += cut < 130 ? 1 : 61) {
		rec_sample_replace(&l.files, REC_FILE_INDEX, 1, data, cut);
		assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
		check_same(&whole.stretches[0], &l.index.stretches[0]);
	}
	for (size_t at = 0; at < len; at += 37) {
		data[at] ^= 0x10;
		rec_sample_replace(&l.files, REC_FILE_INDEX, 1, data, len);
		assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
		check_same(&whole.stretches[0], &l.index.stretches[0]);
		data[at] ^= 0x10;
	}
	rec_sample_remove(&l.files, REC_FILE_INDEX, 1);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	check_same(&whole.stretches[0], &l.index.stretches[0]);
	free(data);
	rec_index_fini(&whole);
	teardown(&l);
}

/* After a power cut there may be records of media that is not there. */
static void records_of_what_is_not_there_do_not_count(void **state)
{
	struct loaded l;
	uint8_t *data;
	size_t len;
	size_t all;

	(void)state;
	setup(&l, &both, 1);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	all = l.index.stretches[0].count;
	data = rec_sample_read(&l.files, REC_FILE_MEDIA, 1, &len);
	rec_sample_replace(&l.files, REC_FILE_MEDIA, 1, data, len - 1);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.stretches[0].count, all - 1);
	rec_sample_replace(&l.files, REC_FILE_MEDIA, 1, data, l.index.stretches[0].init.bytes - 1);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.stretches[0].count, 0);
	assert_false(l.index.stretches[0].has_init);
	rec_sample_replace(&l.files, REC_FILE_MEDIA, 1, "garbage that is no MP4 at all", 29);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.stretches[0].count, 0);
	free(data);
	teardown(&l);
}

static void what_failed_counts_where_it_was_written_again(void **state)
{
	const struct rec_sample_stretch stretches[] = { both,
		{ .number = 2, .seconds = 6, .has_video = true, .has_audio = true, .gop_frames = 50 } };
	struct loaded l;
	size_t all;

	(void)state;
	setup(&l, stretches, 1);
	l.files.sequence -= 6; /* six parts were not synced when it failed, and stand in the next stretch, too */
	rec_sample_write(&l.files, &stretches[1]);
	rec_sample_write_info(&l.files);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.n_stretches, 2);
	all = l.index.stretches[0].count;
	assert_int_equal(
	    l.index.stretches[0].fragments[all - 1].sequence + 1, l.index.stretches[1].fragments[0].sequence);

	l.files.info.stretches[0].is_damaged = true;
	l.files.info.stretches[0].saved_bytes = l.index.stretches[0].fragments[all - 2].offset + 1;
	rec_sample_write_info(&l.files);
	assert_int_equal(rec_load_more(&l.index, l.folder_fd, NULL), 0);
	assert_int_equal(l.index.stretches[0].count, all - 2);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.stretches[0].count, all - 2);
	teardown(&l);
}

static void a_growing_recording_is_followed(void **state)
{
	const struct rec_sample_stretch next = { .number = 3, .seconds = 4, .has_audio = true };
	struct loaded l;
	uint8_t *media;
	uint8_t *index;
	size_t media_len;
	size_t index_len;
	size_t seen = 0;

	(void)state;
	setup(&l, &both, 1);
	l.files.info.state = REC_RECORDING;
	rec_sample_write_info(&l.files);
	media = rec_sample_read(&l.files, REC_FILE_MEDIA, 1, &media_len);
	index = rec_sample_read(&l.files, REC_FILE_INDEX, 1, &index_len);
	rec_sample_replace(&l.files, REC_FILE_MEDIA, 1, media, 100);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.stretches[0].count, 0);
	for (size_t len = 2000; len < media_len; len += 1999) {
		rec_sample_replace(&l.files, REC_FILE_MEDIA, 1, media, len);
		assert_int_equal(rec_load_more(&l.index, l.folder_fd, NULL), 0);
		assert_true(l.index.stretches[0].count >= seen && rec_index_end(&l.index.stretches[0]) <= len);
		seen = l.index.stretches[0].count;
	}
	rec_sample_replace(&l.files, REC_FILE_MEDIA, 1, media, media_len);
	rec_sample_write(&l.files, &next); /* the info does not tell of it yet */
	assert_int_equal(rec_load_more(&l.index, l.folder_fd, NULL), 0);
	assert_int_equal(l.index.stretches[0].count, (index_len / REC_RECORD_BYTES) - 1);
	assert_int_equal(l.index.n_stretches, 1);
	rec_sample_write_info(&l.files);
	assert_int_equal(rec_load_more(&l.index, l.folder_fd, NULL), 0);
	assert_int_equal(l.index.n_stretches, 2);
	assert_int_equal(l.index.stretches[1].number, 3);
	assert_null(l.index.stretches[1].tracks[TRACK_VIDEO]);
	free(media);
	free(index);
	teardown(&l);
}

/* Of what is recorded now only what is synced counts: the rest may have to be written again. */
static void what_is_not_synced_does_not_count_yet(void **state)
{
	static const struct rec_sample_stretch stretches[] = {
		{ .number = 1, .seconds = 6, .has_video = true, .has_audio = true, .gop_frames = 60 },
		{ .number = 2, .seconds = 6, .has_video = true, .has_audio = true, .gop_frames = 60 },
	};
	struct rec_load_limit limit = { .stretch = 1 };
	struct loaded l;
	size_t all;

	(void)state;
	setup(&l, stretches, 2);
	l.files.info.state = REC_RECORDING;
	rec_sample_write_info(&l.files);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	all = l.index.stretches[0].count;
	for (size_t n = 0; n <= all; n++) {
		limit.saved_bytes = n == all ? UINT64_MAX : l.files.info.stretches[0].bytes * n / all;
		assert_int_equal(rec_load_more(&l.index, l.folder_fd, &limit), 0);
		assert_true(rec_index_end(&l.index.stretches[0]) <= limit.saved_bytes || n == 0);
		assert_int_equal(l.index.stretches[1].count, 0);
	}
	limit = (struct rec_load_limit){ .stretch = 2, .saved_bytes = l.index.stretches[1].init.bytes + 10000 };
	assert_int_equal(rec_load_more(&l.index, l.folder_fd, &limit), 0);
	assert_int_equal(l.index.stretches[0].count, all);
	assert_in_range(l.index.stretches[1].count, 1, all - 1);
	l.files.info.state = REC_SAVED;
	rec_sample_write_info(&l.files);
	assert_int_equal(rec_load_more(&l.index, l.folder_fd, &limit), 0);
	assert_int_equal(l.index.stretches[1].count, all);
	teardown(&l);
}

static void only_names_of_ours_are_opened(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../etc", "a/b", "A", "-a", "a b", "tanaka~x" };
	struct loaded l;
	char link[256];
	int root_fd;

	(void)state;
	setup(&l, &both, 1);
	root_fd = rec_load_root(l.files.data_dir);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(rec_load_folder(root_fd, bad[i]), -ENOENT);
	assert_int_equal(rec_load_folder(root_fd, "tanaka"), -ENOENT);
	snprintf(link, sizeof(link), "%s/rec/link", l.files.data_dir);
	assert_int_equal(symlink("/", link), 0);
	assert_int_equal(rec_load_folder(root_fd, "link"), -ENOTDIR);
	assert_int_equal(unlink(link), 0);
	close(root_fd);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	rec_sample_remove(&l.files, REC_FILE_MEDIA, 1);
	snprintf(link, sizeof(link), "%s/rec/%s/0001.mp4", l.files.data_dir, REC_SAMPLE_ID);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), -ELOOP);
	teardown(&l);
}

/* ---- clips ---- */

/* 20 s with a key frame every two, then 10 s of sound in parts of 23 frames of AAC. */
static void clips_begin_at_key_frames(void **state)
{
	static const struct rec_sample_stretch stretches[] = { { 1, 20, true, true, 60, 0, false, 0, false },
		{ 2, 10, false, true, 0, 0, false, INT64_C(90000) * 60, false } };
	static const struct {
		int64_t in_ms;
		int64_t out_ms;
		int err;
		struct rec_place from;
		struct rec_place to;
		bool is_reached;
	} table[] = {
		{ 0, 20000, 0, { 0, 0 }, { 1, 0 }, true },
		{ 3900, 8000, 0, { 0, 4 }, { 0, 16 }, true }, /* back to the key frame at 2 s */
		{ 4000, 8200, 0, { 0, 8 }, { 0, 16 }, true }, /* out to the nearest end */
		{ 4100, 8400, 0, { 0, 8 }, { 0, 17 }, true },
		{ 4100, 4101, 0, { 0, 8 }, { 0, 9 }, true },	 /* at least one fragment */
		{ 19000, 20900, 0, { 0, 36 }, { 1, 2 }, true },	 /* across stretches */
		{ 25100, 29000, 0, { 1, 10 }, { 1, 18 }, true }, /* sound: every fragment will do */
		{ 25100, 60000, 0, { 1, 10 }, { 1, 21 }, false },
		{ 31000, 60000, -ENOENT, { 0, 0 }, { 0, 0 }, false },
		{ 5, 5, -ENOENT, { 0, 0 }, { 0, 0 }, false },
		{ -1, 5, -ENOENT, { 0, 0 }, { 0, 0 }, false },
		{ 0, INT64_MAX, -ENOENT, { 0, 0 }, { 0, 0 }, false },
	};
	struct loaded l;

	(void)state;
	setup(&l, stretches, 2);
	assert_int_equal(load(&l, REC_LOAD_FROM_INDEX), 0);
	assert_int_equal(l.index.stretches[0].count, 40);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rec_place from;
		struct rec_place to;
		bool is_reached;

		assert_int_equal(
		    rec_index_clip(&l.index, table[i].in_ms, table[i].out_ms, &from, &to, &is_reached), table[i].err);
		if (table[i].err != 0)
			continue;
		assert_int_equal(from.stretch, table[i].from.stretch);
		assert_int_equal(from.fragment, table[i].from.fragment);
		assert_int_equal(to.stretch, table[i].to.stretch);
		assert_int_equal(to.fragment, table[i].to.fragment);
		assert_int_equal(is_reached, table[i].is_reached);
	}
	teardown(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_made_anew_is_the_one_that_was),
		cmocka_unit_test(a_hole_in_the_media_stretches_no_fragment_too_far),
		cmocka_unit_test(a_damaged_index_costs_nothing),
		cmocka_unit_test(records_of_what_is_not_there_do_not_count),
		cmocka_unit_test(what_failed_counts_where_it_was_written_again),
		cmocka_unit_test(a_growing_recording_is_followed),
		cmocka_unit_test(what_is_not_synced_does_not_count_yet),
		cmocka_unit_test(only_names_of_ours_are_opened),
		cmocka_unit_test(clips_begin_at_key_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
