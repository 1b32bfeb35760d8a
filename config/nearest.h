/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": how far one short word is from another.
 *
 * Owner: anyone, pure. Lifetime: none.
 */
#ifndef ISARIBI_CONFIG_NEAREST_H
#define ISARIBI_CONFIG_NEAREST_H

#include <stdbool.h>

enum { NEAREST_MAX_LEN = 48 }; /* longer words are cut before they are compared */

/* Edits (insert, delete, replace, swap of neighbours) that make a into b; case does not count. */
unsigned nearest_distance(const char *a, const char *b);
/* Is a distance small enough for this word that a typo explains it? */
bool nearest_is_close(const char *word, unsigned distance);

#endif
