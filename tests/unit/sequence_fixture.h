/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory and a folder in memory for the tests of packager/sequence, and a node's life in them. */
#ifndef ISARIBI_TESTS_UNIT_SEQUENCE_FIXTURE_H
#define ISARIBI_TESTS_UNIT_SEQUENCE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "packager/sequence.h"

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

void place_empty_folder(const char *path);
int place_setup(void **state);
int place_teardown(void **state);
struct sequence *place_open_at(const char *memory, const char *data, int64_t now_ms);
void place_open(struct place *p);
/* As the kernel does it at kill -9: nothing is said to anybody. */
void place_kill_and_open(struct place *p);
/* The only file in the folder. */
void place_only_file(const char *folder, char path[static PATH_SIZE]);
bool place_has_files(const char *folder);
struct sequence_start place_begin(struct place *p, const char *name);
/* Part after part as a packager notes them, four to a segment; what comes next then. */
struct sequence_numbers place_run(struct place *p, const struct sequence_start *start, int parts);
void place_same_numbers(const struct sequence_numbers *a, const struct sequence_numbers *b);
/* The tests with their places; what failed. */
#define place_run_tests(tests) (place_first(), place_last(cmocka_run_group_tests(tests, NULL, NULL)))
void place_first(void);
int place_last(int failed);

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

#endif
