/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links with a name: each is a script. The numbers are planning values; delays are one way.
 *
 * Owner: anyone, immutable.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_PROFILE_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_PROFILE_H

#include <stddef.h>

struct profile {
	const char *name;
	const char *script;
};

/* NULL: no such profile. */
const struct profile *profile_find(const char *name);
/* All of them, for a list; NULL behind the last. */
const struct profile *profile_at(size_t i);

#endif
