/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: INI text and environment to struct options, and back.
 *
 * Owner: a thread that may block (programs call it at start and at SIGHUP). Lifetime: nothing is kept.
 * All or nothing: with a single error the caller's options stay as they were, and all errors (up to
 * CONFIG_ERRORS_MAX) are there to be shown at once. Not here: which keys exist (config/option.h).
 */
#ifndef ISARIBI_CONFIG_INI_H
#define ISARIBI_CONFIG_INI_H

#include <stddef.h>
#include <stdio.h>

#include "config/config_error.h"
#include "config/option.h"

enum { INI_FILE_MAX_BYTES = 64 * 1024 };

/*
 * Defaults, then the file (path NULL: none), then the environment (NULL: none), then the rules between keys. 0; -EINVAL
 * with errors; another negative errno when the file cannot be read (it is in errors, too).
 */
int options_load(struct options *out, const char *path, const char *const *environment, struct config_errors *errors);
/*
 * The lines of a file over what is in options; file is the name for errors, text ends in a NUL at text[len]. 0 or
 * -EINVAL.
 */
int options_parse(
    struct options *options, const char *text, size_t len, const char *file, struct config_errors *errors);
/*
 * `ISARIBI_<SECTION>_<KEY>=value` over what is in options: environment is as environ, NULL at the end. A name that
 * begins like one of ours but is none is an error; names of other sections are not ours. 0 or -EINVAL.
 */
int options_apply_environment(struct options *options, const char *const *environment, struct config_errors *errors);

/* A complete file with the present values, each key explained in both languages. 0 or -EIO. */
int options_dump(const struct options *options, FILE *out);

/* Called once per key that differs; both values are as written in a file and borrowed for the call. */
typedef void options_diff_fn(void *ctx, const struct option *option, const char *before, const char *after);
/* How many keys differ. option->is_live says whether SIGHUP may take the new value. */
size_t options_diff(const struct options *before, const struct options *after, options_diff_fn *visit, void *ctx);
/* Copies the fields that SIGHUP may change. */
void options_take_live(struct options *options, const struct options *wanted);

#endif
