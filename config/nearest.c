/* SPDX-License-Identifier: Apache-2.0 */
#include "config/nearest.h"

#include <stddef.h>
#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, row by row; three rows are enough for the swap of neighbours. */
unsigned nearest_distance(const char *a, const char *b)
{
	unsigned rows[3][NEAREST_MAX_LEN + 1];
	size_t a_len = strnlen(a, NEAREST_MAX_LEN);
	size_t b_len = strnlen(b, NEAREST_MAX_LEN);

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *two_above = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			char x = lower(a[i - 1]);
			char y = lower(b[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

bool nearest_is_close(const char *word, unsigned distance)
{
	size_t len = strnlen(word, NEAREST_MAX_LEN);

	return distance <= (len < 4 ? 1u : len < 8 ? 2u : 3u);
}
