/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a viewer see a stream? The one question, asked by every route before it looks for anything.
 *
 * Owner: the delivery thread. Lifetime: a value; copied. Not here: what a token is (the composition root plugs that
 * in).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_ACCESS_H
#define ISARIBI_PACKAGER_DELIVER_ACCESS_H

#include <stdbool.h>
#include <stddef.h>

struct deliver_access {
	/* As in struct deliver_config. NULL: everything may be seen. */
	bool (*may_play)(void *arg, const char *stream, const char *token, size_t token_len);
	void *arg;
};

/* Neither text need be terminated; token NULL: none. False, too, for a name that no stream can have. */
bool deliver_access_allows(
    const struct deliver_access *access, const char *stream, size_t stream_len, const char *token, size_t token_len);

#endif
