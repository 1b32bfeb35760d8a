/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without a fuzzer: runs every file of the folders (or the files) it is given, each in a heap block of
 * its very size, so that the sanitizers see a step beyond it. Works with any compiler.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

enum { FILE_MAX_BYTES = 1 << 20 };

static int run_file(const char *path)
{
	static uint8_t buf[FILE_MAX_BYTES];
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	size_t len;

	if (!f) {
		perror(path);
		return -1;
	}
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	exact = malloc(len > 0 ? len : 1);
	FUZZ_CHECK(exact);
	memcpy(exact, buf, len);
	fprintf(stderr, "%s: %zu bytes\n", path, len); /* the last line of a run that dies */
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int run_folder(const char *path, size_t *n_files)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);
	int result = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		char file[1024];

		if (names[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
			result |= run_file(file);
			(*n_files)++;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return result;
}

int main(int argc, char **argv)
{
	size_t n_files = 0;
	int result = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			result = -1;
		} else if (S_ISDIR(st.st_mode)) {
			result |= run_folder(argv[i], &n_files);
		} else {
			result |= run_file(argv[i]);
			n_files++;
		}
	}
	printf("%zu inputs replayed\n", n_files);
	/* An empty corpus would pass without having tried anything. */
	return result == 0 && n_files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
