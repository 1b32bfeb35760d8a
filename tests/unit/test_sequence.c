/* SPDX-License-Identifier: Apache-2.0 */
/* What streams' numbers survive: the end of a process at any store, of a machine, other files, no files. */
#include "packager/sequence.h"

#include <dirent.h>
#include <fcntl.h>
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
#include "base/log.h"

enum {
	PATH_SIZE = 512,
	HOUR_MS = 3600 * 1000,
};

#define NOW	  INT64_C(1790000000000)
#define CLOCK_MSN UINT64_C(895000000)

struct place {
	char dir[64];
	char memory[PATH_SIZE];
	char data[PATH_SIZE];
	struct sequence *seq;
	int64_t now_ms;
};

/* The process that began: under the rerun with failing allocations its children, which may end anywhere, share a place.
 */
static pid_t first_pid;

static void empty_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}

static void name_place(struct place *p)
{
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/isaribi-sequence-%d", (int)first_pid);
	(void)snprintf(p->memory, sizeof(p->memory), "%s/memory", p->dir);
	(void)snprintf(p->data, sizeof(p->data), "%s/data", p->dir);
}

static void remove_place(const struct place *p)
{
	empty_folder(p->memory);
	empty_folder(p->data);
	(void)rmdir(p->memory);
	(void)rmdir(p->data);
	empty_folder(p->dir);
	(void)rmdir(p->dir);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	name_place(p);
	remove_place(p);
	assert_int_equal(mkdir(p->dir, 0700), 0);
	assert_int_equal(mkdir(p->memory, 0700), 0);
	assert_int_equal(mkdir(p->data, 0700), 0);
	p->now_ms = NOW;
	log_set_level(LOG_ERROR);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	sequence_close(&p->seq);
	remove_place(p);
	free(p);
	return 0;
}

static struct sequence *open_at(const char *memory, const char *data, int64_t now_ms)
{
	const struct sequence_config config = { .memory_dir = memory, .data_dir = data, .wall_ms = now_ms };
	struct sequence *seq;

	assert_int_equal(sequence_open(&seq, &config), 0);
	return seq;
}

static void open_place(struct place *p)
{
	p->seq = open_at(p->memory, p->data, p->now_ms);
}

/* As the kernel does it at kill -9: nothing is said to anybody. */
static void kill_and_open(struct place *p)
{
	sequence_close(&p->seq);
	open_place(p);
}

/* The only file in the folder. */
static void path_of_only_file(const char *folder, char path[static PATH_SIZE])
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, PATH_SIZE, "%s/%s", folder, entry->d_name);
		n++;
	}
	closedir(dir);
	assert_int_equal(n, 1);
}

static bool has_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool has = false;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		has = has || entry->d_name[0] != '.';
	closedir(dir);
	return has;
}

static struct sequence_start begin(struct place *p, const char *name)
{
	return sequence_begin(p->seq, name, p->now_ms, (uint64_t)p->now_ms / 2000);
}

/* Part after part as a packager notes them, four to a segment. */
static struct sequence_numbers run(struct place *p, const struct sequence_start *start, int parts)
{
	struct sequence_numbers n = start->next;
	uint64_t msn = n.msn;

	for (int i = 0; i < parts; i++) {
		n.msn = msn + (uint64_t)(i / 4) + 1;
		n.part++;
		n.init_version = start->next.init_version + 1;
		n.discontinuity_sequence = start->next.discontinuity_sequence + start->is_continued;
		p->now_ms += 500;
		sequence_note(p->seq, start->row, &n, p->now_ms);
	}
	return n;
}

static void assert_same_numbers(const struct sequence_numbers *a, const struct sequence_numbers *b)
{
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->msn, b->msn);
	assert_int_equal(a->part, b->part);
	assert_int_equal(a->init_version, b->init_version);
	assert_int_equal(a->discontinuity_sequence, b->discontinuity_sequence);
}

static void first_numbers_are_the_clocks(void **state)
{
	struct place *p = *state;
	struct sequence_start s;

	open_place(p);
	s = begin(p, "tanaka");
	assert_int_equal(s.next.epoch, NOW);
	assert_int_equal(s.next.msn, CLOCK_MSN);
	assert_int_equal(s.next.part, 1);
	assert_int_equal(s.next.init_version, 1);
	assert_int_equal(s.next.discontinuity_sequence, 0);
	assert_false(s.is_continued);
}

static void killed_goes_on(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;

	open_place(p);
	s = begin(p, "tanaka");
	told = run(p, &s, 10);
	for (int life = 0; life < 5; life++) {
		p->now_ms += 60 * 1000; /* the clock's number is far ahead of the stream's: that does not count */
		kill_and_open(p);
		s = begin(p, "tanaka");
		assert_true(s.is_continued);
		assert_true(s.is_same_epoch);
		assert_same_numbers(&s.next, &told);
		told = run(p, &s, 7);
		assert_int_equal(told.discontinuity_sequence, life + 1);
	}
}

static void killed_at_once_goes_on(void **state)
{
	struct place *p = *state;
	struct sequence_start first;
	struct sequence_start second;

	open_place(p);
	first = begin(p, "tanaka");
	kill_and_open(p);
	second = begin(p, "tanaka");
	assert_true(second.is_same_epoch);
	assert_same_numbers(&first.next, &second.next);
}

static void cut_short_long_ago_is_another_broadcast(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;

	open_place(p);
	s = begin(p, "tanaka");
	told = run(p, &s, 10);
	p->now_ms += 13 * (int64_t)HOUR_MS;
	kill_and_open(p);
	s = begin(p, "tanaka");
	assert_true(s.is_continued);
	assert_false(s.is_same_epoch);
	assert_int_equal(s.next.epoch, p->now_ms);
	assert_int_equal(s.next.msn, (uint64_t)p->now_ms / 2000);
	assert_int_equal(s.next.discontinuity_sequence, told.discontinuity_sequence);
}

static void ended_begins_a_new_epoch(void **state)
{
	static const bool ends_process[] = { false, true };

	for (size_t i = 0; i < ARRAY_LEN(ends_process); i++) {
		struct place *p;
		struct sequence_start s;
		struct sequence_numbers told;

		setup(state);
		p = *state;
		open_place(p);
		s = begin(p, "tanaka");
		told = run(p, &s, 4000);
		/* Segments were shorter than the clock thinks: their numbers have run ahead. */
		told.msn += 5000;
		sequence_note(p->seq, s.row, &told, p->now_ms);
		sequence_end(p->seq, s.row, p->now_ms);
		if (ends_process[i])
			kill_and_open(p);
		s = begin(p, "tanaka");
		assert_true(s.is_continued);
		assert_false(s.is_same_epoch);
		assert_int_equal(s.next.epoch, p->now_ms);
		assert_int_equal(s.next.msn, told.msn);
		assert_int_equal(s.next.part, 1);
		assert_int_equal(s.next.init_version, 1);
		assert_int_equal(s.next.discontinuity_sequence, told.discontinuity_sequence);
		teardown(state);
	}
}

/* Epochs name cached things: a clock that goes back must not name one twice. */
static void epochs_rise_against_the_clock(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	uint64_t before;

	open_place(p);
	s = begin(p, "tanaka");
	for (int i = 0; i < 3; i++) {
		before = s.next.epoch;
		sequence_end(p->seq, s.row, p->now_ms);
		p->now_ms -= HOUR_MS;
		s = begin(p, "tanaka");
		assert_true(s.next.epoch > before);
		assert_true(s.next.msn >= CLOCK_MSN);
	}
}

static void stopped_leaves_the_copy_alone(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct sequence_numbers told;

	open_place(p);
	s = begin(p, "tanaka");
	told = run(p, &s, 10);
	sequence_end(p->seq, s.row, p->now_ms);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	assert_false(has_files(p->memory));
	open_place(p);
	p->now_ms = NOW; /* so that the clock's number is no help */
	s = begin(p, "tanaka");
	assert_int_equal(s.next.msn, told.msn);
	assert_int_equal(s.next.epoch, told.epoch + 1);
}

/* The machine went down: the copy is a few seconds old, and no number may be given twice. */
static void lost_memory_skips_what_may_have_been(void **state)
{
	static const struct {
		int parts_after;
		int64_t away_ms;
	} cases[] = { { 0, 0 }, { 20, 0 }, { 20, 30000 }, { 20, 6 * (int64_t)HOUR_MS }, { 20, -8 * (int64_t)HOUR_MS } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place *p;
		struct sequence_start s;
		struct sequence_numbers told;

		setup(state);
		p = *state;
		open_place(p);
		s = begin(p, "tanaka");
		told = run(p, &s, 100);
		sequence_save(p->seq);
		s.next = told;
		told = run(p, &s, cases[i].parts_after);
		sequence_close(&p->seq);
		empty_folder(p->memory);
		p->now_ms += cases[i].away_ms;
		open_place(p);
		s = begin(p, "tanaka");
		assert_true(s.is_same_epoch);
		assert_int_equal(s.next.epoch, told.epoch);
		assert_true(s.next.msn > told.msn);
		assert_true(s.next.part > told.part);
		assert_true(s.next.init_version > told.init_version);
		assert_true(s.next.discontinuity_sequence >= told.discontinuity_sequence);
		teardown(state);
	}
}

/* A copy is made where something has changed, and holds what was there. */
static void saves_when_something_changed(void **state)
{
	struct place *p = *state;
	struct sequence_start s;
	struct stat st;
	char path[PATH_SIZE];

	open_place(p);
	sequence_save(p->seq);
	assert_false(has_files(p->data));
	s = begin(p, "tanaka");
	sequence_save(p->seq);
	path_of_only_file(p->data, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, (SEQUENCE_HEADER_WORDS + SEQUENCE_SLOT_WORDS) * 8);
	assert_int_equal(unlink(path), 0);
	sequence_save(p->seq);
	assert_false(has_files(p->data));
	(void)run(p, &s, 1);
	sequence_save(p->seq);
	assert_true(has_files(p->data));
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

	open_place(p);
	s = begin(p, "tanaka");
	told = run(p, &s, 5);
	path_of_only_file(p->memory, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, before, sizeof(before), SEQUENCE_HEADER_WORDS * 8), sizeof(before));
	s.next = told;
	(void)run(p, &s, 1);
	assert_int_equal(pread(fd, after, sizeof(after), SEQUENCE_HEADER_WORDS * 8), sizeof(after));
	sequence_close(&p->seq);
	for (size_t n = 0; n <= ARRAY_LEN(before); n++) {
		uint64_t torn[2 * SEQUENCE_SLOT_WORDS];
		struct sequence_start again;

		memcpy(torn, before, sizeof(torn));
		memcpy(torn, after, n * sizeof(torn[0]));
		assert_int_equal(pwrite(fd, torn, sizeof(torn), SEQUENCE_HEADER_WORDS * 8), sizeof(torn));
		open_place(p);
		again = begin(p, "tanaka");
		assert_true(again.is_same_epoch);
		assert_true(again.next.part == told.part || again.next.part == told.part + 1);
		if (memcmp(torn, before, sizeof(torn)) == 0)
			assert_same_numbers(&again.next, &told);
		sequence_close(&p->seq);
	}
	close(fd);
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
		{ "version", 12, 2 },
		{ "slot size", 8, 1 },
		{ "slots", 16, 0xff },
		{ "checksum", 32, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place *p;
		struct sequence_start s;
		char path[PATH_SIZE];
		int fd;

		setup(state);
		p = *state;
		open_place(p);
		s = begin(p, "tanaka");
		(void)run(p, &s, 5);
		path_of_only_file(p->memory, path);
		sequence_close(&p->seq);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, &cases[i].byte, 1, cases[i].offset), 1);
		close(fd);
		open_place(p);
		s = begin(p, "tanaka");
		if (s.is_continued)
			fail_msg("%s was believed", cases[i].name);
		teardown(state);
	}
}

static void short_and_wild_copies_count_for_nothing(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 100, 64 + 152 * 3 + 7, 1 << 20 };
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
		open_place(p);
		assert_false(begin(p, "tanaka").is_continued);
		sequence_close(&p->seq);
		empty_folder(p->memory);
	}
}

/* A copy that was cut anywhere holds the rows that are whole. */
static void cut_copies_hold_what_is_whole(void **state)
{
	struct place *p = *state;
	char path[PATH_SIZE + 16];

	(void)snprintf(path, sizeof(path), "%s/sequence", p->data);
	for (int whole = 0; whole < 3; whole++) {
		open_place(p);
		for (int i = 0; i < 3; i++) {
			char name[8];

			(void)snprintf(name, sizeof(name), "s%d", i);
			(void)begin(p, name);
		}
		sequence_save(p->seq);
		sequence_close(&p->seq);
		empty_folder(p->memory);
		assert_int_equal(truncate(path, (SEQUENCE_HEADER_WORDS + SEQUENCE_SLOT_WORDS * whole) * 8 + 100), 0);
		open_place(p);
		assert_true(begin(p, "s0").is_continued == (whole > 0));
		assert_true(begin(p, "s1").is_continued == (whole > 1));
		assert_true(begin(p, "s2").is_continued == (whole > 2));
		sequence_close(&p->seq);
		empty_folder(p->memory);
		empty_folder(p->data);
	}
}

static void a_full_table_forgets_the_longest_away(void **state)
{
	struct place *p = *state;
	struct sequence_start s;

	open_place(p);
	for (int i = 0; i < SEQUENCE_ROWS_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%d", i);
		s = begin(p, name);
		assert_int_equal(s.row, i);
		if (i < 2)
			sequence_end(p->seq, s.row, p->now_ms);
		p->now_ms++;
	}
	s = begin(p, "one more");
	assert_int_equal(s.row, 0);
	assert_false(s.is_continued);
	assert_true(begin(p, "s1").is_continued);
	/* All are on the air: this one is numbered by the clock. */
	s = begin(p, "too many");
	assert_int_equal(s.row, SEQUENCE_NO_ROW);
	assert_int_equal(s.next.epoch, p->now_ms);
	assert_int_equal(s.next.msn, (uint64_t)p->now_ms / 2000);
	sequence_note(p->seq, s.row, &s.next, p->now_ms);
	sequence_end(p->seq, s.row, p->now_ms);
	kill_and_open(p);
	assert_true(begin(p, "s1023").is_same_epoch);
	assert_true(begin(p, "one more").is_same_epoch);
	assert_false(begin(p, "s0").is_continued);
}

static void two_nodes_do_not_meet(void **state)
{
	struct place *p = *state;
	char other_data[PATH_SIZE];
	struct sequence *other;
	struct sequence_start a;
	struct sequence_start b;

	(void)snprintf(other_data, sizeof(other_data), "%s/memory", p->dir); /* any other folder */
	open_place(p);
	other = open_at(p->memory, other_data, NOW);
	a = begin(p, "tanaka");
	b = sequence_begin(other, "tanaka", NOW + 5, CLOCK_MSN);
	assert_int_equal(a.next.epoch, NOW);
	assert_int_equal(b.next.epoch, NOW + 5);
	sequence_close(&other);
	other = open_at(p->memory, other_data, NOW);
	assert_int_equal(sequence_begin(other, "tanaka", NOW + 9, CLOCK_MSN).next.epoch, NOW + 5);
	sequence_close(&other);
}

/* Both with the same folder: the second goes by the clock and writes nothing. */
static void a_second_node_with_the_folder_stays_out(void **state)
{
	struct place *p = *state;
	struct sequence *other;
	struct sequence_start s;

	open_place(p);
	s = begin(p, "tanaka");
	other = open_at(p->memory, p->data, NOW + 100);
	assert_int_equal(sequence_begin(other, "tanaka", NOW + 100, CLOCK_MSN).next.epoch, NOW + 100);
	sequence_save(other);
	sequence_stop(other);
	assert_false(has_files(p->data));
	sequence_close(&other);
	kill_and_open(p);
	assert_int_equal(begin(p, "tanaka").next.epoch, s.next.epoch);
}

static void without_a_file_in_memory_the_copy_serves(void **state)
{
	struct place *p = *state;
	char nowhere[PATH_SIZE + 16];
	struct sequence_start s;

	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", p->dir);
	p->seq = open_at(nowhere, p->data, NOW);
	s = begin(p, "tanaka");
	(void)run(p, &s, 3);
	sequence_save(p->seq);
	sequence_close(&p->seq);
	p->seq = open_at(nowhere, p->data, p->now_ms);
	s = begin(p, "tanaka");
	assert_true(s.is_same_epoch);
	sequence_end(p->seq, s.row, p->now_ms);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	p->seq = open_at(nowhere, p->data, p->now_ms);
	assert_true(begin(p, "tanaka").is_continued);
}

static void without_any_folder_the_clock_serves(void **state)
{
	struct place *p = *state;
	char nowhere[PATH_SIZE + 16];
	struct sequence_start s;
	uint64_t msn;

	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", p->dir);
	p->seq = open_at(nowhere, nowhere, NOW);
	s = begin(p, "tanaka");
	msn = run(p, &s, 3).msn;
	sequence_end(p->seq, s.row, p->now_ms);
	s = begin(p, "tanaka"); /* this process remembers */
	assert_true(s.is_continued && s.next.msn == msn);
	sequence_save(p->seq);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	p->seq = open_at(nowhere, nowhere, NOW + 9000);
	assert_false(sequence_begin(p->seq, "tanaka", NOW + 9000, CLOCK_MSN).is_continued);
}

/* A data directory that cannot be written: what is in memory stays, also at a stop in good order. */
static void without_a_copy_memory_stays(void **state)
{
	struct place *p = *state;
	char nowhere[PATH_SIZE + 16];
	struct sequence_start s;

	(void)snprintf(nowhere, sizeof(nowhere), "%s/nowhere", p->dir);
	p->seq = open_at(p->memory, nowhere, NOW);
	s = begin(p, "tanaka");
	sequence_save(p->seq);
	sequence_end(p->seq, s.row, p->now_ms);
	sequence_stop(p->seq);
	sequence_close(&p->seq);
	assert_true(has_files(p->memory));
	p->seq = open_at(p->memory, nowhere, NOW);
	assert_true(begin(p, "tanaka").is_continued);
}

/* Anybody can put things into /dev/shm. */
static void what_is_not_ours_is_not_touched(void **state)
{
	struct place *p = *state;
	char path[PATH_SIZE];
	char target[PATH_SIZE + 16];
	struct stat st;
	int fd;

	open_place(p);
	(void)begin(p, "tanaka");
	path_of_only_file(p->memory, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	sequence_close(&p->seq);

	(void)snprintf(target, sizeof(target), "%s/target", p->dir);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(target, path), 0);
	open_place(p);
	assert_false(begin(p, "tanaka").is_continued);
	sequence_close(&p->seq);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(link(target, path), 0); /* two names */
	open_place(p);
	sequence_close(&p->seq);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);

	assert_int_equal(unlink(target), 0);
	assert_int_equal(chmod(path, 0644), 0); /* others can read */
	open_place(p);
	sequence_close(&p->seq);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* A node that fails at its start leaves nothing behind; one that has a past keeps it. */
static void nothing_noted_leaves_no_file(void **state)
{
	struct place *p = *state;

	open_place(p);
	sequence_close(&p->seq);
	assert_false(has_files(p->memory));
	open_place(p);
	(void)begin(p, "tanaka");
	kill_and_open(p);
	kill_and_open(p);
	assert_true(begin(p, "tanaka").is_same_epoch);
}

static void a_name_too_long_is_numbered_by_the_clock(void **state)
{
	struct place *p = *state;
	char name[SEQUENCE_NAME_MAX + 1];

	memset(name, 'a', sizeof(name));
	name[SEQUENCE_NAME_MAX] = '\0';
	open_place(p);
	assert_int_equal(begin(p, name).row, SEQUENCE_NO_ROW);
	name[SEQUENCE_NAME_MAX - 1] = '\0';
	assert_int_equal(begin(p, name).row, 0);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(first_numbers_are_the_clocks),
		WITH_PLACE(killed_goes_on),
		WITH_PLACE(killed_at_once_goes_on),
		WITH_PLACE(cut_short_long_ago_is_another_broadcast),
		cmocka_unit_test(ended_begins_a_new_epoch),
		WITH_PLACE(epochs_rise_against_the_clock),
		WITH_PLACE(stopped_leaves_the_copy_alone),
		cmocka_unit_test(lost_memory_skips_what_may_have_been),
		WITH_PLACE(saves_when_something_changed),
		WITH_PLACE(torn_rows_read_as_the_one_before),
		cmocka_unit_test(strange_files_count_for_nothing),
		WITH_PLACE(short_and_wild_copies_count_for_nothing),
		WITH_PLACE(cut_copies_hold_what_is_whole),
		WITH_PLACE(a_full_table_forgets_the_longest_away),
		WITH_PLACE(two_nodes_do_not_meet),
		WITH_PLACE(a_second_node_with_the_folder_stays_out),
		WITH_PLACE(without_a_file_in_memory_the_copy_serves),
		WITH_PLACE(without_any_folder_the_clock_serves),
		WITH_PLACE(without_a_copy_memory_stays),
		WITH_PLACE(what_is_not_ours_is_not_touched),
		WITH_PLACE(nothing_noted_leaves_no_file),
		WITH_PLACE(a_name_too_long_is_numbered_by_the_clock),
	};

	struct place p;
	int failed;

	first_pid = getpid();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	name_place(&p);
	remove_place(&p);
	return failed;
}
