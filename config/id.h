/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of things: streams, channels, keys, clips, nodes. `[a-z0-9][a-z0-9._-]{0,62}`
 *
 * Owner: anyone, pure. Lifetime: none.
 * The characters '~' and '@' can never appear in an id. That is load-bearing: a rehearsal goes to a stream named
 * `<stream>~rehearsal`, which no channel, push or player's link can name because the plan has no way to write it, and
 * `@main` in a URL is a channel and never a stream.
 */
#ifndef ISARIBI_CONFIG_ID_H
#define ISARIBI_CONFIG_ID_H

#include <stdbool.h>
#include <stddef.h>

enum { ID_SIZE = 64 }; /* with the NUL */

bool id_is_valid(const char *text, size_t len);

#endif
