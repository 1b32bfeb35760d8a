/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of the small plans that `isaribi run` makes: keys as hashes, each with its public stream.
 *
 * Owner: anyone, pure. Lifetime: nothing is kept. Not here: reading plans (config/plan_parse.h), files
 * (isaribi_home.h).
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_PLAN_H
#define ISARIBI_PROGRAMS_ISARIBI_PLAN_H

#include <stddef.h>

enum { PLAN_TEXT_SIZE = 4096 }; /* enough for eight keys */

struct plan_text_key {
	const char *stream; /* an id (config/id.h); names the key in the plan, too */
	const char *key;    /* in clear, as plan_key_text_is_valid() wants it; only its hash is written */
};

/* view_key: characters that need no escape in JSON. 0, -EINVAL for a bad id or key, -ENOSPC. */
int plan_text_format(
    char *buf, size_t size_bytes, const struct plan_text_key *keys, size_t n_keys, const char *view_key);

#endif
