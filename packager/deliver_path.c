/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/deliver_path.h"

#include <string.h>

enum { PARTS_MAX = 4 };

bool deliver_path_parse(struct deliver_path *out, const char *rest, bool has_resource)
{
	const char *parts[PARTS_MAX];
	size_t lens[PARTS_MAX];
	size_t n = 0;
	size_t names = has_resource ? 2 : 1;

	memset(out, 0, sizeof(*out));
	for (const char *p = rest; *p != '\0';) {
		size_t len = strcspn(p, "/");

		if (len == 0 || n == PARTS_MAX)
			return false;
		parts[n] = p;
		lens[n++] = len;
		p += len;
		if (*p == '/' && p[1] == '\0' && has_resource)
			return false;
		if (*p == '/')
			p++;
	}
	if (n == names + 2 && lens[0] == 1 && parts[0][0] == 't') {
		out->token = parts[1];
		out->token_len = lens[1];
	} else if (n != names) {
		return false;
	}
	out->stream = parts[n - names];
	out->stream_len = lens[n - names];
	if (has_resource) {
		out->resource = parts[n - 1];
		out->resource_len = lens[n - 1];
	}
	return true;
}
