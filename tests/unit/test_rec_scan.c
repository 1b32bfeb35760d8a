/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed node's files are taken for: the same with what is known of them as without, and sooner. */
#include "packager/rec_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "packager/rec_format.h"
#include "packager/rec_store.h"
#include "packager/rec_writer.h"
#include "tests/unit/part_fixture.h"
#include "tests/unit/rec_fixture.h"

enum {
	PARTS = 900,
	READS_MAX = 200,
};

#define FOLDER "/data/rec/tanaka-20260921-141320"
#define MEDIA  FOLDER "/0001.mp4"
#define INDEX  FOLDER "/0001.idx"

/* A recording that was killed while it ran, and what its recording.json says is saved. */
static struct rec_world *killed_recording(uint64_t *saved_bytes)
{
	struct rec_world *w = rec_world_create();
	const struct rec_writer_config config = {
		.store = w->store,
		.clock = &w->clock.clock,
		.events = &w->events,
		.stats = &w->stats,
		.segment_ms = 2000,
	};
	struct rec_writer *writer;
	struct rec_info info;

	assert_int_equal(rec_writer_create(&writer, &config, "tanaka", "e1"), 0);
	for (int i = 0; i < PARTS; i++) {
		clock_fake_advance(&w->clock, REC_PART_MS * 1000);
		rec_writer_part(writer, rec_world_part(w, 0), 0);
		if (rec_writer_due_us(writer) <= w->clock.now_mono_us)
			rec_writer_turn(writer);
	}
	rec_writer_destroy(&writer);
	fake_disk_kill(&w->disk);
	rec_info_init(&info);
	assert_int_equal(rec_store_load(&w->store, "tanaka-20260921-141320", &info), 0);
	*saved_bytes = info.stretches[0].saved_bytes;
	rec_info_fini(&info);
	return w;
}

static struct rec_scan scan(struct rec_world *w, uint64_t known_bytes)
{
	struct rec_scan result;

	assert_int_equal(rec_scan_stretch(&result, &w->disk.disk, FOLDER, 1, known_bytes), 0);
	assert_int_equal(fake_disk_open_fds(&w->disk), 0);
	return result;
}

static void check_same(const struct rec_scan *a, const struct rec_scan *b)
{
	assert_int_equal(a->whole_bytes, b->whole_bytes);
	assert_int_equal(a->has_rest, b->has_rest);
	assert_int_equal(a->duration_ms, b->duration_ms);
	assert_int_equal(a->begin_wall_ms, b->begin_wall_ms);
}

static size_t reads_of(struct rec_world *w, uint64_t known_bytes)
{
	size_t before = w->disk.calls[FAKE_READ];

	(void)scan(w, known_bytes);
	return w->disk.calls[FAKE_READ] - before;
}

/* Only what was written since recording.json was is walked, box by box; of the rest the index is read. */
static void what_was_saved_is_not_walked(void **state)
{
	uint64_t saved_bytes;
	struct rec_world *w = killed_recording(&saved_bytes);
	struct rec_scan with = scan(w, saved_bytes);
	struct rec_scan without = scan(w, 0);
	struct rec_info info;
	size_t before = w->disk.calls[FAKE_READ];

	(void)state;
	check_same(&with, &without);
	assert_true(with.whole_bytes > saved_bytes);
	assert_int_equal(with.duration_ms, PARTS * REC_PART_MS);
	assert_true(reads_of(w, 0) > 2 * PARTS);
	rec_info_init(&info);
	before = w->disk.calls[FAKE_READ];
	assert_int_equal(rec_store_load(&w->store, "tanaka-20260921-141320", &info), 0);
	assert_int_equal(rec_store_mend(&w->store, &info), 0);
	assert_true(w->disk.calls[FAKE_READ] - before < READS_MAX);
	assert_int_equal(info.stretches[0].saved_bytes, with.whole_bytes);
	assert_false(info.stretches[0].is_damaged);
	rec_info_fini(&info);
	rec_world_destroy(w);
}

/* Wherever the file ends. */
static void a_cut_file_is_the_same_with_and_without(void **state)
{
	uint64_t saved_bytes;
	struct rec_world *w = killed_recording(&saved_bytes);
	size_t len;

	(void)state;
	(void)fake_disk_file(&w->disk, MEDIA, &len);
	assert_true(len > saved_bytes + 100);
	while (len > saved_bytes - 300) {
		struct rec_scan with = scan(w, saved_bytes);
		struct rec_scan without = scan(w, 0);

		check_same(&with, &without);
		assert_true(with.whole_bytes <= len);
		len -= len < saved_bytes + 300 ? 1 : 97;
		fake_disk_cut_file(&w->disk, MEDIA, len);
	}
	rec_world_destroy(w);
}

/* An index that ends early, is wrong somewhere or not there costs reads and nothing else. */
static void a_damaged_index_is_not_believed(void **state)
{
	static const struct {
		size_t wrong_record; /* 0: the header */
		size_t cut_records;
	} table[] = { { 0, 0 }, { 1, 0 }, { 2, 0 }, { PARTS / 2, 0 }, { 0, PARTS / 2 }, { 0, 1 }, { 0, PARTS + 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		uint64_t saved_bytes;
		struct rec_world *w = killed_recording(&saved_bytes);
		uint64_t whole_bytes = scan(w, 0).whole_bytes;
		struct rec_scan with;
		struct rec_scan without;
		size_t len;
		uint8_t *index = (uint8_t *)(uintptr_t)fake_disk_file(&w->disk, INDEX, &len);

		if (table[i].cut_records > 0)
			fake_disk_cut_file(&w->disk, INDEX, len - table[i].cut_records * REC_RECORD_BYTES);
		else
			index[table[i].wrong_record * REC_RECORD_BYTES + 20] ^= 1;
		with = scan(w, saved_bytes);
		without = scan(w, 0);
		check_same(&with, &without);
		assert_int_equal(with.whole_bytes, whole_bytes);
		rec_world_destroy(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_is_not_walked),
		cmocka_unit_test(a_cut_file_is_the_same_with_and_without),
		cmocka_unit_test(a_damaged_index_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
