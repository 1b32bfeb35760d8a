/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path under /hls/ or /watch/ names. Pure.
 *
 * Owner: the caller. Lifetime: results borrow from the path. Not here: whether it exists, whether it may be seen.
 */
#ifndef ISARIBI_PACKAGER_DELIVER_PATH_H
#define ISARIBI_PACKAGER_DELIVER_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct deliver_path {
	const char *token; /* NULL: none; none of these texts is terminated */
	size_t token_len;
	const char *stream;
	size_t stream_len;
	const char *resource; /* NULL when none was asked for */
	size_t resource_len;
};

/*
 * rest: what follows "/hls/" or "/watch/", terminated. STREAM/RESOURCE or t/TOKEN/STREAM/RESOURCE; without has_resource
 * STREAM or t/TOKEN/STREAM, one '/' at the end is fine then. A stream may be named "t": the number of parts decides.
 */
bool deliver_path_parse(struct deliver_path *out, const char *rest, bool has_resource);

#endif
