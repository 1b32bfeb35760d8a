/* SPDX-License-Identifier: Apache-2.0 */
/* Where streams' numbers stand: files that are torn, cut, strange, somebody else's, or not there. */
#include "packager/sequence_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/sequence_fixture.h"

/* A copy is made where something has changed, and holds what was there. */
static void saves_when_something_changed(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct stat st;
	char path[PATH_SIZE];

	place_open(p);
	sequence_save(p->seq);
	assert_false(place_has_files(p->data));
	s = place_begin(p, "tanaka");
	sequence_save(p->seq);
	place_only_file(p->data, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, (SEQUENCE_HEADER_WORDS + SEQUENCE_SLOT_WORDS) * 8);
	assert_int_equal(unlink(path), 0);
	sequence_save(p->seq);
	assert_false(place_has_files(p->data));
	(void)place_run(p, &s, 1);
	sequence_save(p->seq);
	assert_true(place_has_files(p->data));
}

/* A process may die between any two stores of a note: what is read then is that note or the one before. */
static void torn_rows_read_as_the_one_before(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;
	uint64_t before[2 * SEQUENCE_SLOT_WORDS];
	uint64_t after[2 * SEQUENCE_SLOT_WORDS];
	char path[PATH_SIZE];
	int fd;

	place_open(p);
	s = place_begin(p, "tanaka");
	told = place_run(p, &s, 5);
	place_only_file(p->memory, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, before, sizeof(before), SEQUENCE_HEADER_WORDS * 8), sizeof(before));
	s.next = told;
	(void)place_run(p, &s, 1);
	assert_int_equal(pread(fd, after, sizeof(after), SEQUENCE_HEADER_WORDS * 8), sizeof(after));
	sequence_close(&p->seq);
	for (size_t n = 0; n <= ARRAY_LEN(before); n++) {
		uint64_t torn[2 * SEQUENCE_SLOT_WORDS];
		struct sequence_start again;

		memcpy(torn, before, sizeof(torn));
		memcpy(torn, after, n * sizeof(torn[0]));
		assert_int_equal(pwrite(fd, torn, sizeof(torn), SEQUENCE_HEADER_WORDS * 8), sizeof(torn));
		place_open(p);
		again = place_begin(p, "tanaka");
		assert_true(again.is_same_epoch);
		assert_true(again.next.part == told.part || again.next.part == told.part + 1);
		if (memcmp(torn, before, sizeof(torn)) == 0)
			place_same_numbers(&again.next, &told);
		sequence_close(&p->seq);
	}
	close(fd);
}

/* All numbers of a row are the same here, so that a mixture of two notes would show. */
static void *note_on_and_on(void *arg)
{
	struct place *p = arg;
	struct sequence_start s = place_begin(p, "tanaka");

	for (uint64_t n = 1; n <= 50000; n++) {
		const struct sequence_numbers same = { n, n, n, n, n, n };

		sequence_note(p->seq, s.row, &same, NOW);
	}
	return NULL;
}

static uint64_t number_in_copy(const struct place *p)
{
	struct sequence_row row = { .next = { 0 } };
	_Atomic uint64_t *copy;
	size_t words;
	size_t slots;
	bool is_exact;

	assert_int_equal(sequence_file_load(p->data, 1 << 20, &copy, &words), 0);
	if (!copy)
		return 0;
	assert_true(sequence_header_read(copy, &slots, &is_exact));
	assert_false(is_exact);
	assert_in_range(slots, 0, 1);
	if (slots == 1)
		assert_true(sequence_slot_read(sequence_slot(copy, 0), &row));
	free((void *)copy);
	if (row.next.epoch == NOW) /* nothing but its beginning */
		return 0;
	assert_true(row.next.msn == row.next.part && row.next.part == row.next.init_version &&
	    row.next.init_version == row.next.discontinuity_sequence &&
	    row.next.discontinuity_sequence == row.next.media_90k);
	return row.next.part;
}

static void saves_while_numbers_go_on(void **state)
{
	struct place *p = *state;
	uint64_t seen = 0;
	pthread_t thread;

	place_open(p);
	assert_int_equal(pthread_create(&thread, NULL, note_on_and_on, p), 0);
	for (int i = 0; i < 1000 && seen < 50000; i++) {
		uint64_t now;

		sequence_save(p->seq);
		now = number_in_copy(p);
		assert_true(now >= seen);
		seen = now;
	}
	pthread_join(thread, NULL);
	sequence_save(p->seq);
	assert_int_equal(number_in_copy(p), 50000);
}

/* A file that is not what we wrote is as good as none; nothing may break. */
static void strange_files_count_for_nothing(void **state)
{
	static const struct {
		const char *name;
		off_t offset;
		uint8_t byte;
	} cases[] = {
		{ "magic", 0, 0xaa },
		{ "an older version", 12, 1 },
		{ "a newer version", 12, 3 },
		{ "slot size", 8, 1 },
		{ "slots", 16, 0xff },
		{ "checksum", 32, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place *p;
		struct sequence_start s;
		char path[PATH_SIZE];
		int fd;

		place_setup(state);
		p = *state;
		place_open(p);
		s = place_begin(p, "tanaka");
		(void)place_run(p, &s, 5);
		place_only_file(p->memory, path);
		sequence_close(&p->seq);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, &cases[i].byte, 1, cases[i].offset), 1);
		close(fd);
		place_open(p);
		s = place_begin(p, "tanaka");
		if (s.is_continued)
			fail_msg("%s was believed", cases[i].name);
		place_teardown(state);
	}
}

static void short_and_wild_copies_count_for_nothing(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 100, 64 + 160 * 3 + 7, 1 << 20 };
	struct place *p = *state;
	char path[PATH_SIZE + 16];

	(void)snprintf(path, sizeof(path), "%s/sequence", p->data);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		uint32_t seed = 7;

		assert_true(fd >= 0);
		for (size_t n = 0; n < sizes[i]; n++) {
			uint8_t byte = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);

			assert_int_equal(write(fd, &byte, 1), 1);
		}
		close(fd);
		place_open(p);
		assert_false(place_begin(p, "tanaka").is_continued);
		sequence_close(&p->seq);
		place_empty_folder(p->memory);
	}
}

/* A copy that was cut anywhere holds the rows that are whole. */
static void cut_copies_hold_what_is_whole(void **state)
{
	struct place *p = *state;
	char path[PATH_SIZE + 16];

	(void)snprintf(path, sizeof(path), "%s/sequence", p->data);
	for (int whole = 0; whole < 3; whole++) {
		place_open(p);
		for (int i = 0; i < 3; i++) {
			char name[8];

			(void)snprintf(name, sizeof(name), "s%d", i);
			(void)place_begin(p, name);
		}
		sequence_save(p->seq);
		sequence_close(&p->seq);
		place_empty_folder(p->memory);
		assert_int_equal(truncate(path, (SEQUENCE_HEADER_WORDS + SEQUENCE_SLOT_WORDS * whole) * 8 + 100), 0);
		place_open(p);
		assert_true(place_begin(p, "s0").is_continued == (whole > 0));
		assert_true(place_begin(p, "s1").is_continued == (whole > 1));
		assert_true(place_begin(p, "s2").is_continued == (whole > 2));
		sequence_close(&p->seq);
		place_empty_folder(p->memory);
		place_empty_folder(p->data);
	}
}

static void two_nodes_do_not_meet(void **state)
{
	struct place *p = *state;
	char other_data[PATH_SIZE];
	struct sequence *other;
	struct sequence_start a;
	struct sequence_start b;

	(void)snprintf(other_data, sizeof(other_data), "%s/memory", p->dir); /* any other folder */
	place_open(p);
	other = place_open_at(p->memory, other_data, NOW);
	a = place_begin(p, "tanaka");
	b = sequence_begin(other, "tanaka", NOW + 5, CLOCK_MSN);
	assert_int_equal(a.next.epoch, NOW);
	assert_int_equal(b.next.epoch, NOW + 5);
	sequence_close(&other);
	other = place_open_at(p->memory, other_data, NOW);
	assert_int_equal(sequence_begin(other, "tanaka", NOW + 9, CLOCK_MSN).next.epoch, NOW + 5);
	sequence_close(&other);
}

/* Both with the same folder: the second goes by the clock and writes nothing. */
static void a_second_node_with_the_folder_stays_out(void **state)
{
	struct place *p = *state;
	struct sequence *other;
	struct sequence_start s;

	place_open(p);
	s = place_begin(p, "tanaka");
	other = place_open_at(p->memory, p->data, NOW + 100);
	assert_int_equal(sequence_begin(other, "tanaka", NOW + 100, CLOCK_MSN).next.epoch, NOW + 100);
	sequence_save(other);
	sequence_stop(other);
	assert_false(place_has_files(p->data));
	sequence_close(&other);
	place_kill_and_open(p);
	assert_int_equal(place_begin(p, "tanaka").next.epoch, s.next.epoch);
}

static void without_a_file_in_memory_the_copy_serves(void **state)
{
	struct place *p = *state;
	char nowhere[PATH_SIZE + 16];
	struct sequence_start s;

	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", p->dir);
	p->seq = place_open_at(nowhere, p->data, NOW);
	s = place_begin(p, "tanaka");
	(void)place_run(p, &s, 3);
	sequence_save(p->seq);
	sequence_close(&p->seq);
	p->seq = place_open_at(nowhere, p->data, p->now_ms);
	s = place_begin(p, "tanaka");
	assert_true(s.is_same_epoch);
	sequence_end(p->seq, s.row, p->now_ms);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	p->seq = place_open_at(nowhere, p->data, p->now_ms);
	assert_true(place_begin(p, "tanaka").is_continued);
}

static void without_any_folder_the_clock_serves(void **state)
{
	struct place *p = *state;
	char nowhere[PATH_SIZE + 16];
	struct sequence_start s;
	uint64_t msn;

	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", p->dir);
	p->seq = place_open_at(nowhere, nowhere, NOW);
	s = place_begin(p, "tanaka");
	msn = place_run(p, &s, 3).msn;
	sequence_end(p->seq, s.row, p->now_ms);
	s = place_begin(p, "tanaka"); /* this process remembers */
	assert_true(s.is_continued && s.next.msn == msn);
	sequence_save(p->seq);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	p->seq = place_open_at(nowhere, nowhere, NOW + 9000);
	assert_false(sequence_begin(p->seq, "tanaka", NOW + 9000, CLOCK_MSN).is_continued);
}

/* A data directory that cannot be written: what is in memory stays, also at a stop in good order. */
static void without_a_copy_memory_stays(void **state)
{
	struct place *p = *state;
	char nowhere[PATH_SIZE + 16];
	struct sequence_start s;

	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", p->dir);
	p->seq = place_open_at(p->memory, nowhere, NOW);
	s = place_begin(p, "tanaka");
	sequence_save(p->seq);
	sequence_end(p->seq, s.row, p->now_ms);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	assert_true(place_has_files(p->memory));
	p->seq = place_open_at(p->memory, nowhere, NOW);
	assert_true(place_begin(p, "tanaka").is_continued);
}

/* Anybody can put things into /dev/shm. */
static void what_is_not_ours_is_not_touched(void **state)
{
	struct place *p = *state;
	char path[PATH_SIZE];
	char target[PATH_SIZE + 16];
	struct stat st;
	int fd;

	place_open(p);
	(void)place_begin(p, "tanaka");
	place_only_file(p->memory, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sequence_close(&p->seq);

	(void)snprintf(target, sizeof(target), "%s/target", p->dir);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(target, path), 0);
	place_open(p);
	assert_false(place_begin(p, "tanaka").is_continued);
	sequence_close(&p->seq);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(target, path), 0); /* two names */
	place_open(p);
	sequence_close(&p->seq);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);

	assert_int_equal(unlink(target), 0);
	assert_int_equal(chmod(path, 0644), 0); /* others can read */
	place_open(p);
	sequence_close(&p->seq);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* A node that fails at its start leaves nothing behind; one that has a past keeps it. */
static void nothing_noted_leaves_no_file(void **state)
{
	struct place *p = *state;

	place_open(p);
	sequence_close(&p->seq);
	assert_false(place_has_files(p->memory));
	place_open(p);
	(void)place_begin(p, "tanaka");
	place_kill_and_open(p);
	place_kill_and_open(p);
	assert_true(place_begin(p, "tanaka").is_same_epoch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(saves_when_something_changed),
		WITH_PLACE(saves_while_numbers_go_on),
		WITH_PLACE(torn_rows_read_as_the_one_before),
		cmocka_unit_test(strange_files_count_for_nothing),
		WITH_PLACE(short_and_wild_copies_count_for_nothing),
		WITH_PLACE(cut_copies_hold_what_is_whole),
		WITH_PLACE(two_nodes_do_not_meet),
		WITH_PLACE(a_second_node_with_the_folder_stays_out),
		WITH_PLACE(without_a_file_in_memory_the_copy_serves),
		WITH_PLACE(without_any_folder_the_clock_serves),
		WITH_PLACE(without_a_copy_memory_stays),
		WITH_PLACE(what_is_not_ours_is_not_touched),
		WITH_PLACE(nothing_noted_leaves_no_file),
	};

	return place_run_tests(tests);
}
