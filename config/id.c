/* SPDX-License-Identifier: Apache-2.0 */
#include "config/id.h"

/* Not isalnum(): that one asks the locale. */
static bool is_first(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool id_is_valid(const char *text, size_t len)
{
	if (len == 0 || len >= ID_SIZE || !is_first(text[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!is_first(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-')
			return false;
	}
	return true;
}
