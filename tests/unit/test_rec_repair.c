/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_repair.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "packager/rec_disk.h"
#include "packager/rec_load.h"
#include "tests/unit/rec_sample.h"

static const struct rec_sample_stretch first = {
	.number = 1, .seconds = 12, .has_video = true, .has_audio = true, .gop_frames = 60
};
static const struct rec_sample_stretch second = { .number = 2, .seconds = 5, .has_audio = true, .begin_90k = 9000000 };

struct house {
	struct rec_sample files;
	struct rec_store store;
	int root_fd;
};

static void setup(struct house *h)
{
	rec_sample_init(&h->files);
	rec_sample_write(&h->files, &first);
	rec_sample_write(&h->files, &second);
	rec_sample_write_info(&h->files);
	h->store = (struct rec_store){ .disk = rec_disk_real(), .data_dir = h->files.data_dir };
	h->root_fd = rec_load_root(h->files.data_dir);
	assert_true(h->root_fd >= 0);
}

static void teardown(struct house *h)
{
	close(h->root_fd);
	rec_sample_fini(&h->files);
}

static void check(struct house *h, struct rec_check *out, bool needs_repair)
{
	assert_int_equal(rec_check(out, h->root_fd, REC_SAMPLE_ID), 0);
	assert_int_equal(rec_check_needs_repair(out), needs_repair);
}

static void repair(struct house *h)
{
	assert_int_equal(rec_repair(&h->store, h->root_fd, REC_SAMPLE_ID, 2000), 0);
}

static void a_whole_recording_has_no_fault(void **state)
{
	struct rec_check c;
	struct house h;

	(void)state;
	setup(&h);
	check(&h, &c, false);
	assert_int_equal(c.info_err, 0);
	assert_int_equal(c.n_faults, 2);
	assert_true(rec_fault_is_none(&c.faults[0]) && rec_fault_is_none(&c.faults[1]));
	assert_in_range(c.duration_90k, 16 * 90000, 18 * 90000);
	rec_check_fini(&c);
	assert_int_equal(rec_check(&c, h.root_fd, "nobody"), -ENOENT);
	teardown(&h);
}

/* An index that was lost is made again as it was, to the byte, but for the numbers of segments. */
static void an_index_is_made_again(void **state)
{
	struct rec_check c;
	struct house h;
	uint8_t *was;
	uint8_t *is;
	size_t was_len;
	size_t is_len;

	(void)state;
	setup(&h);
	was = rec_sample_read(&h.files, REC_FILE_INDEX, 1, &was_len);
	rec_sample_remove(&h.files, REC_FILE_INDEX, 1);
	check(&h, &c, true);
	assert_int_equal(c.faults[0].not_in_index, c.faults[0].fragments);
	rec_check_fini(&c);
	repair(&h);
	check(&h, &c, false);
	assert_int_equal(c.info.state, REC_SAVED);
	rec_check_fini(&c);
	is = rec_sample_read(&h.files, REC_FILE_INDEX, 1, &is_len);
	assert_int_equal(is_len, was_len);
	assert_memory_equal(is, was, was_len);
	free(is);

	was[REC_RECORD_BYTES * 7 + 9] ^= 1; /* one record in the middle */
	rec_sample_replace(&h.files, REC_FILE_INDEX, 1, was, was_len);
	repair(&h);
	was[REC_RECORD_BYTES * 7 + 9] ^= 1;
	is = rec_sample_read(&h.files, REC_FILE_INDEX, 1, &is_len);
	assert_memory_equal(is, was, was_len);
	free(is);
	free(was);
	teardown(&h);
}

/* The node was killed, nobody goes on with it, and half a fragment stands at the end. */
static void a_recording_that_broke_off_is_closed(void **state)
{
	struct rec_check c;
	struct house h;
	uint8_t *media;
	size_t len;

	(void)state;
	setup(&h);
	h.files.info.state = REC_RECORDING;
	h.files.info.stretches[1].saved_bytes = 0; /* not told yet */
	h.files.info.stretches[1].bytes = 0;
	rec_sample_write_info(&h.files);
	media = rec_sample_read(&h.files, REC_FILE_MEDIA, 2, &len);
	rec_sample_replace(&h.files, REC_FILE_MEDIA, 2, media, len - 5);
	check(&h, &c, true);
	assert_true(c.faults[1].half_bytes > 0);
	rec_check_fini(&c);
	repair(&h);
	check(&h, &c, false);
	assert_int_equal(c.info.state, REC_DAMAGED);
	assert_string_equal(c.info.end_reason, "repaired");
	assert_true(c.info.end_wall_ms > c.info.begin_wall_ms);
	assert_true(c.info.stretches[1].is_damaged && c.info.stretches[1].saved_bytes > 0);
	assert_false(c.info.stretches[0].is_damaged);
	rec_check_fini(&c);
	free(media);
	teardown(&h);
}

static void a_lost_info_is_made_of_the_name(void **state)
{
	struct rec_check c;
	struct house h;

	(void)state;
	setup(&h);
	rec_sample_remove(&h.files, REC_FILE_INFO, 0);
	check(&h, &c, true);
	assert_int_equal(c.info_err, -ENOENT);
	assert_int_equal(c.n_faults, 2);
	rec_check_fini(&c);
	repair(&h);
	check(&h, &c, false);
	assert_string_equal(c.info.stream, REC_SAMPLE_STREAM);
	assert_int_equal(c.info.begin_wall_ms, rec_sample_wall_ms);
	assert_int_equal(c.info.state, REC_SAVED);
	assert_int_equal(c.info.n_stretches, 2);
	assert_int_equal(c.info.stretches[1].begin_wall_ms, rec_sample_wall_ms + 100000);
	rec_check_fini(&c);
	teardown(&h);
}

static void what_is_missing_is_said(void **state)
{
	struct rec_check c;
	struct house h;
	uint8_t *media;
	size_t len;

	(void)state;
	setup(&h);
	rec_sample_remove(&h.files, REC_FILE_MEDIA, 2);
	media = rec_sample_read(&h.files, REC_FILE_MEDIA, 1, &len);
	rec_sample_replace(&h.files, REC_FILE_MEDIA, 1, media, len / 2);
	check(&h, &c, true);
	assert_true(c.faults[1].is_missing);
	assert_true(c.faults[0].missing_bytes > 0 && c.faults[0].half_bytes > 0);
	rec_check_fini(&c);
	repair(&h);
	check(&h, &c, false);
	assert_int_equal(c.info.state, REC_DAMAGED);
	rec_check_fini(&c);
	free(media);
	teardown(&h);
}

static void put_pipe(const struct house *h, enum rec_file file, unsigned number)
{
	char path[256];
	char name[REC_FILE_SIZE];

	rec_sample_remove(&h->files, file, number);
	rec_file_name(name, file, number);
	assert_true(rec_path(path, sizeof(path), h->files.data_dir, REC_SAMPLE_ID, name) < sizeof(path));
	assert_int_equal(mkfifo(path, 0600), 0);
}

/* Opened as a file would be it waits for somebody who writes, and there is nobody. */
static void a_pipe_holds_nobody_up(void **state)
{
	struct rec_info info;
	struct house h;

	(void)state;
	setup(&h);
	put_pipe(&h, REC_FILE_MEDIA, 2);
	rec_info_init(&info);
	assert_int_equal(rec_store_load(&h.store, REC_SAMPLE_ID, &info), 0);
	assert_int_equal(rec_store_mend(&h.store, &info), 0);
	assert_false(info.stretches[0].is_damaged);
	assert_true(info.stretches[1].is_damaged);
	rec_info_fini(&info);
	put_pipe(&h, REC_FILE_INFO, 0);
	assert_int_equal(rec_store_load(&h.store, REC_SAMPLE_ID, &info), -EINVAL);
	teardown(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_recording_has_no_fault),
		cmocka_unit_test(an_index_is_made_again),
		cmocka_unit_test(a_recording_that_broke_off_is_closed),
		cmocka_unit_test(a_lost_info_is_made_of_the_name),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(a_pipe_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
