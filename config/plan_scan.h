/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look over JSON text before anybody builds a tree from it: is it flat and small enough?
 *
 * Owner: anyone, pure; no recursion, no allocation. Lifetime: none.
 * jansson parses recursively up to a depth of 2048 and spends some 200 bytes on an empty object; this keeps the stack
 * shallow and the heap below 8 x PLAN_FILE_MAX_BYTES. Not here: is it JSON at all? jansson says that.
 */
#ifndef ISARIBI_CONFIG_PLAN_SCAN_H
#define ISARIBI_CONFIG_PLAN_SCAN_H

#include <stddef.h>

enum {
	PLAN_MAX_DEPTH = 16,
	PLAN_MAX_CONTAINERS = 65536, /* objects and arrays */
	PLAN_MAX_VALUES = 262144,
};

enum plan_scan_result {
	PLAN_SCAN_OK,
	PLAN_SCAN_TOO_DEEP,
	PLAN_SCAN_TOO_MANY,
};

struct plan_scan_place {
	unsigned line;
	unsigned column; /* in characters */
};

/* *place is where it went beyond a bound; set only then. */
enum plan_scan_result plan_scan(const char *text, size_t len, struct plan_scan_place *place);

#endif
