/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/arguments.h"

#include <string.h>

/* Takes argv[*i], and the value behind it, if it is that argument. */
static bool take(const struct argument *argument, char **argv, size_t *i)
{
	const size_t len = strlen(argument->name);
	const char *given = argv[*i];

	if (strncmp(given, argument->name, len) != 0)
		return false;
	if (argument->is_given && given[len] == '\0') {
		*argument->is_given = true;
		return true;
	}
	if (!argument->value)
		return false;
	if (given[len] == '=') {
		*argument->value = given + len + 1;
		return true;
	}
	if (given[len] != '\0' || !argv[*i + 1])
		return false;
	*argument->value = argv[++*i];
	return true;
}

const char *arguments_parse(const struct argument *table, size_t n, char **argv)
{
	for (size_t i = 0; argv[i]; i++) {
		size_t k = 0;

		while (k < n && !take(&table[k], argv, &i))
			k++;
		if (k == n)
			return argv[i];
	}
	return NULL;
}
