/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording that ends anywhere: at every byte of its first megabyte, and at 10,000 places of a larger file on the
 * disk. It can always be read, and at most the fragment that was cut is missing.
 */
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

#include "packager/rec_load.h"
#include "packager/rec_playlist.h"
#include "tests/unit/rec_sample.h"

enum {
	EVERY_BYTE_UP_TO = 1024 * 1024,
	RANDOM_PLACES = 10000,
};

struct whole {
	struct rec_sample files;
	struct rec_index index; /* of the whole file */
	uint8_t *media;
	size_t media_len;
	int folder_fd;
};

static void setup(struct whole *w, unsigned seconds, size_t video_bytes)
{
	const struct rec_sample_stretch stretch = { .number = 1,
		.seconds = seconds,
		.has_video = true,
		.has_audio = true,
		.gop_frames = 60,
		.video_bytes = video_bytes };
	int root_fd;

	memset(w, 0, sizeof(*w));
	rec_sample_init(&w->files);
	rec_sample_write(&w->files, &stretch);
	rec_sample_write_info(&w->files);
	w->media = rec_sample_read(&w->files, REC_FILE_MEDIA, 1, &w->media_len);
	rec_index_init(&w->index);
	root_fd = rec_load_root(w->files.data_dir);
	w->folder_fd = rec_load_folder(root_fd, REC_SAMPLE_ID);
	close(root_fd);
	assert_int_equal(rec_load_index(&w->index, w->folder_fd, REC_LOAD_FROM_INDEX), 0);
}

static void teardown(struct whole *w)
{
	rec_index_fini(&w->index);
	close(w->folder_fd);
	free(w->media);
	rec_sample_fini(&w->files);
}

static uint64_t end_of(const struct rec_fragment *f)
{
	return f->offset + f->moof_bytes + f->mdat_bytes;
}

/*
 * What was read before the fragment that is cut depends on the bytes before it alone, so each place is tried from
 * there: first that nothing is made of half a fragment, then the fragment is taken whole and the next one is cut.
 */
static void at_every_byte_of_a_megabyte(void **state)
{
	struct rec_index_stretch s = { .number = 1, .begin_wall_ms = rec_sample_wall_ms, .limit_bytes = UINT64_MAX };
	struct fmp4_scan_fragment f;
	struct whole w;
	size_t n;

	(void)state;
	setup(&w, 60, 600);
	assert_true(w.media_len > EVERY_BYTE_UP_TO);
	for (n = 0; n < w.index.stretches[0].init.bytes; n++)
		assert_int_equal(rec_index_take_init(&s, w.media, n), PARSE_MORE);
	assert_int_equal(rec_index_take_init(&s, w.media, n), PARSE_OK);
	for (; n < EVERY_BYTE_UP_TO; n++) {
		uint64_t begin = rec_index_end(&s);
		enum parse_result result = fmp4_scan_read_fragment(&f, &s.init, w.media + begin, n - begin);
		int err;

		if (result != PARSE_OK) {
			assert_int_equal(result, PARSE_MORE);
			continue;
		}
		err = rec_index_take_scanned(&s, &f, n);
		if (n == end_of(&w.index.stretches[0].fragments[s.count - (err == 0)]))
			assert_int_equal(err, 0);
		else
			assert_int_equal(err, -EINVAL);
	}
	assert_true(s.count > 30);
	assert_memory_equal(&s.fragments[s.count - 2].offset, &w.index.stretches[0].fragments[s.count - 2].offset, 8);
	rec_index_stretch_fini(&s);
	teardown(&w);
}

static int downwards(const void *a, const void *b)
{
	size_t x = *(const size_t *)a;
	size_t y = *(const size_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static size_t whole_in(const struct rec_index_stretch *s, size_t len)
{
	size_t n = 0;

	while (n < s->count && end_of(&s->fragments[n]) <= len)
		n++;
	return n;
}

static void truncate_media(const struct whole *w, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/rec/%s/0001.mp4", w->files.data_dir, REC_SAMPLE_ID);
	assert_int_equal(truncate(path, (off_t)len), 0);
}

static void at_random_places_of_a_file(enum rec_load_from from, unsigned seed)
{
	static size_t places[RANDOM_PLACES];
	const struct rec_index_stretch *all;
	struct rec_index index;
	struct whole w;

	setup(&w, 15, 9000);
	all = &w.index.stretches[0];
	for (size_t i = 0; i < RANDOM_PLACES; i++) {
		seed = seed * 1103515245 + 12345;
		places[i] = (size_t)((uint64_t)seed * w.media_len >> 32);
	}
	qsort(places, RANDOM_PLACES, sizeof(places[0]), downwards);
	for (size_t i = 0; i < RANDOM_PLACES; i++) {
		truncate_media(&w, places[i]);
		rec_index_init(&index);
		assert_int_equal(rec_load_index(&index, w.folder_fd, from), 0);
		assert_int_equal(index.n_stretches, 1);
		assert_int_equal(index.stretches[0].count, whole_in(all, places[i]));
		rec_index_fini(&index);
	}
	teardown(&w);
}

static void at_random_places_with_its_index(void **state)
{
	(void)state;
	at_random_places_of_a_file(REC_LOAD_FROM_INDEX, 1);
}

static void at_random_places_without_its_index(void **state)
{
	(void)state;
	at_random_places_of_a_file(REC_LOAD_FROM_MEDIA, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_every_byte_of_a_megabyte),
		cmocka_unit_test(at_random_places_with_its_index),
		cmocka_unit_test(at_random_places_without_its_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
