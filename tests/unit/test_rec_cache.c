/* SPDX-License-Identifier: Apache-2.0 */
/* When indexes in memory are brought up to date, and what is read for that. */
#include "packager/rec_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/rec_sample.h"

enum { S_US = 1000000 };

static const struct rec_sample_stretch stretch = {
	.number = 1, .seconds = 8, .has_video = true, .has_audio = true, .gop_frames = 60
};

struct house {
	struct rec_sample files;
	struct rec_cache *cache;
	int64_t now_us;
};

static void build(struct house *h)
{
	*h = (struct house){ .now_us = S_US };
	rec_sample_init(&h->files);
	rec_sample_write(&h->files, &stretch);
	h->files.info.state = REC_RECORDING;
	rec_sample_write_info(&h->files);
	h->cache = rec_cache_create(h->files.data_dir);
	assert_non_null(h->cache);
}

static void clear(struct house *h)
{
	rec_cache_destroy(&h->cache);
	rec_sample_fini(&h->files);
}

/* A second later: nothing in memory is fresh. */
static int ask(struct house *h, size_t *fragments)
{
	const struct rec_index *index;
	int err = rec_cache_index(h->cache, REC_SAMPLE_ID, h->now_us += S_US, &index);

	*fragments = err == 0 ? index->stretches[0].count : 0;
	return err;
}

static void note(struct house *h, uint64_t saved_bytes)
{
	const struct rec_load_limit limit = { 1, saved_bytes };

	rec_cache_note(h->cache, REC_SAMPLE_ID, &limit);
}

/* recording.json becomes something else and looks as it did. */
static void spoil_info(const struct house *h)
{
	char path[256];
	struct stat st;
	char *spoilt;

	assert_true(rec_path(path, sizeof(path), h->files.data_dir, REC_SAMPLE_ID, "recording.json") < sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	spoilt = calloc(1, (size_t)st.st_size);
	assert_non_null(spoilt);
	rec_sample_replace(&h->files, REC_FILE_INFO, 0, spoilt, (size_t)st.st_size);
	free(spoilt);
	assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){ st.st_atim, st.st_mtim }, 0), 0);
}

static void recording_json_is_read_when_it_is_another_one(void **state)
{
	struct house h;
	uint64_t bytes;
	size_t half;
	size_t n;

	(void)state;
	build(&h);
	bytes = h.files.info.stretches[0].bytes;
	note(&h, bytes / 2);
	assert_int_equal(ask(&h, &half), 0);
	assert_in_range(half, 4, 12);
	spoil_info(&h);
	assert_int_equal(ask(&h, &n), 0);
	assert_int_equal(n, half);
	note(&h, bytes);
	assert_int_equal(ask(&h, &n), 0);
	assert_in_range(n, half + 4, 17);
	rec_sample_replace(&h.files, REC_FILE_INFO, 0, "{}", 2);
	assert_int_equal(ask(&h, &n), -EINVAL);
	rec_sample_write_info(&h.files);
	assert_int_equal(ask(&h, &n), 0);
	rec_sample_remove(&h.files, REC_FILE_INFO, 0);
	assert_int_equal(ask(&h, &n), -ENOENT);
	clear(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recording_json_is_read_when_it_is_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
