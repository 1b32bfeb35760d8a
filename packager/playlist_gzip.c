/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist_gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum {
	WINDOW_BITS = 15 + 16, /* zlib: 16 more means a gzip header */
	OVERHEAD_BYTES = 64,
	MEM_LEVEL = 8,
	LEVEL = 6,
};

/* Bytes, or 0. */
static size_t deflate_into(uint8_t *out, size_t max_bytes, const void *text, size_t len)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)len, .next_out = out };
	int result;

	z.avail_out = (uInt)max_bytes;
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	result = deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return result == Z_STREAM_END ? max_bytes - z.avail_out : 0;
}

struct shared *playlist_gzip(const void *text, size_t len)
{
	size_t max_bytes = len + len / 100 + OVERHEAD_BYTES;
	uint8_t *buf = len < UINT32_MAX / 2 ? malloc(max_bytes) : NULL;
	size_t n = buf ? deflate_into(buf, max_bytes, text, len) : 0;
	struct shared *gzip = n > 0 ? shared_copy(buf, n) : NULL;

	free(buf);
	return gzip;
}
