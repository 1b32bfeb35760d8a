/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load tool says of many values: the middle, the 99th percentile and the largest.
 *
 * Owner: anyone, pure. Lifetime: none. Not here: JSON's braces around it.
 */
#ifndef ISARIBI_TESTS_TOOLS_SPREAD_H
#define ISARIBI_TESTS_TOOLS_SPREAD_H

#include <stddef.h>

/* Prints `, "NAME": {"p50": ...}` or null when there are none. Sorts the values. */
void spread_print(const char *name, double *values, size_t n);

#endif
