/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_access.h"

#include <string.h>

#include "packager/segment_store.h"

bool deliver_access_allows(
    const struct deliver_access *access, const char *stream, size_t stream_len, const char *token, size_t token_len)
{
	char name[SEGMENT_STORE_NAME_MAX];

	if (stream_len >= sizeof(name))
		return false;
	memcpy(name, stream, stream_len);
	name[stream_len] = '\0';
	return !access->may_play || access->may_play(access->arg, name, token, token_len);
}
