/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a configuration file. Oracles: refused as a whole or taken as a whole; an error has a line of the text
 * and a sentence in both languages; what was taken, written as a file and read again, is the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 14 };

static unsigned count_lines(const char *text, size_t len)
{
	unsigned lines = 1;

	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

static void check_errors(const struct config_errors *errors, unsigned lines)
{
	char said[2048];

	FUZZ_CHECK(errors->count > 0 && errors->count <= CONFIG_ERRORS_MAX && errors->total >= errors->count);
	for (size_t i = 0; i < errors->count; i++) {
		const struct config_error *err = &errors->list[i];

		FUZZ_CHECK(err->ja[0] && err->en[0] && err->line <= lines);
		FUZZ_CHECK(config_error_format(err, said, sizeof(said)) > 0);
	}
}

static void read_again(const struct options *taken, struct config_errors *errors)
{
	static char dumped[1 << 16];
	FILE *out = fmemopen(dumped, sizeof(dumped), "w");
	struct options again;

	FUZZ_CHECK(out && options_dump(taken, out) == 0);
	fclose(out);
	options_init_defaults(&again);
	FUZZ_CHECK(options_parse(&again, dumped, strlen(dumped), "dumped", errors) == 0);
	FUZZ_CHECK(options_diff(taken, &again, NULL, NULL) == 0);
	options_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct config_errors errors;
	struct options options;
	struct options before;
	char *text;
	int result;

	if (len > TEXT_MAX_BYTES)
		return 0;
	text = malloc(len + 1);
	FUZZ_CHECK(text);
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	memset(&options, 0, sizeof(options));
	options_init_defaults(&options);
	before = options;
	config_errors_init(&errors);
	fuzz_heap_begin();
	result = options_parse(&options, text, len, "fuzz.conf", &errors);
	FUZZ_CHECK(fuzz_heap_peak() <= 8 * len + 4096 && fuzz_heap_now() == 0);
	if (result == 0) {
		FUZZ_CHECK(errors.total == 0);
		(void)options_check(&options, &errors);
		config_errors_init(&errors);
		read_again(&options, &errors);
	} else {
		FUZZ_CHECK(result == -EINVAL && options_diff(&before, &options, NULL, NULL) == 0);
		check_errors(&errors, count_lines(text, len));
	}
	options_fini(&options);
	free(text);
	return 0;
}
