/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long options of a program, by table: "--name VALUE", "--name=VALUE" and "--flag".
 *
 * Owner: main, once. Lifetime: values are borrowed from argv. getopt_long is not used because its `struct option` and
 * the one of config/option.h cannot be seen by one file.
 */
#ifndef ISARIBI_PROGRAMS_ARGUMENTS_H
#define ISARIBI_PROGRAMS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

struct argument {
	const char *name;   /* with its dashes */
	const char **value; /* where the value goes, or */
	bool *is_given;	    /* for a flag */
};

/* argv ends in NULL. NULL when all of it was understood, else what was not (borrowed). */
const char *arguments_parse(const struct argument *table, size_t n, char **argv);

#endif
