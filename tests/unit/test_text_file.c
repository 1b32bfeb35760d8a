/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text_file.h"

#include <errno.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void make_file(char path[32], size_t size_bytes)
{
	int fd;

	strcpy(path, "/tmp/isaribi_text_XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	for (size_t i = 0; i < size_bytes; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void reads_up_to_the_bound(void **state)
{
	static const struct {
		size_t size_bytes;
		size_t max_bytes;
		int want;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 0, -EFBIG },
		{ 10, 10, 0 },
		{ 11, 10, -EFBIG },
		{ 4096, 4096, 0 },
		{ 4097, 4096, -EFBIG },
		{ 9000, 10000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[32];
		char *text = NULL;
		size_t len = 0;

		make_file(path, rows[i].size_bytes);
		assert_int_equal(text_file_read(path, rows[i].max_bytes, &text, &len), rows[i].want);
		unlink(path);
		if (rows[i].want != 0) {
			assert_null(text);
			continue;
		}
		assert_int_equal(len, rows[i].size_bytes);
		assert_int_equal(strlen(text), len);
		free(text);
	}
}

static void says_why_not(void **state)
{
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(text_file_read("/nonexistent/isaribi.conf", 10, &text, &len), -ENOENT);
	assert_int_equal(text_file_read("/tmp", 10, &text, &len), -EISDIR);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_up_to_the_bound),
		cmocka_unit_test(says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
