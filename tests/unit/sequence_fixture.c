/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sequence_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

/* The process that began: under the rerun with failing allocations its children, which may end anywhere, share a place.
 */
static pid_t first_pid;

void place_empty_folder(const char *path)
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
	place_empty_folder(p->memory);
	place_empty_folder(p->data);
	(void)rmdir(p->memory);
	(void)rmdir(p->data);
	place_empty_folder(p->dir);
	(void)rmdir(p->dir);
}

int place_setup(void **state)
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

int place_teardown(void **state)
{
	struct place *p = *state;

	sequence_close(&p->seq);
	remove_place(p);
	free(p);
	return 0;
}

struct sequence *place_open_at(const char *memory, const char *data, int64_t now_ms)
{
	const struct sequence_config config = { .memory_dir = memory, .data_dir = data, .wall_ms = now_ms };
	struct sequence *seq;

	assert_int_equal(sequence_open(&seq, &config), 0);
	return seq;
}

void place_open(struct place *p)
{
	p->seq = place_open_at(p->memory, p->data, p->now_ms);
}

void place_kill_and_open(struct place *p)
{
	sequence_close(&p->seq);
	place_open(p);
}

void place_only_file(const char *folder, char path[static PATH_SIZE])
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

bool place_has_files(const char *folder)
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

struct sequence_start place_begin(struct place *p, const char *name)
{
	return sequence_begin(p->seq, name, p->now_ms, (uint64_t)p->now_ms / 2000);
}

struct sequence_numbers place_run(struct place *p, const struct sequence_start *start, int parts)
{
	struct sequence_numbers n = start->next;
	uint64_t msn = n.msn;

	for (int i = 0; i < parts; i++) {
		n.msn = msn + (uint64_t)(i / 4) + 1;
		n.part++;
		n.init_version = start->next.init_version + 1;
		n.discontinuity_sequence = start->next.discontinuity_sequence + start->is_continued;
		n.media_90k += 45000;
		p->now_ms += 500;
		sequence_note(p->seq, start->row, &n, p->now_ms);
	}
	return n;
}

void place_same_numbers(const struct sequence_numbers *a, const struct sequence_numbers *b)
{
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->msn, b->msn);
	assert_int_equal(a->part, b->part);
	assert_int_equal(a->init_version, b->init_version);
	assert_int_equal(a->discontinuity_sequence, b->discontinuity_sequence);
	assert_int_equal(a->media_90k, b->media_90k);
}

void place_first(void)
{
	first_pid = getpid();
}

int place_last(int failed)
{
	struct place p;

	name_place(&p);
	remove_place(&p);
	return failed;
}
