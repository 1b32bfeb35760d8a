/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/spread.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void spread_print(const char *name, double *values, size_t n)
{
	if (n == 0) {
		printf(", \"%s\": null", name);
		return;
	}
	qsort(values, n, sizeof(*values), compare_doubles);
	printf(", \"%s\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}", name, values[n / 2], values[(n * 99) / 100],
	    values[n - 1]);
}
