/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/isaribi_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "config/id.h"
#include "config/plan.h"

struct text {
	char *buf;
	size_t size_bytes;
	size_t len;
	bool is_full;
};

static void put(struct text *text, const char *fmt, ...) ATTR_PRINTF(2, 3);
static void put(struct text *text, const char *fmt, ...)
{
	size_t left = text->size_bytes - text->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text->buf + text->len, left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= left)
		text->is_full = true;
	else
		text->len += (size_t)n;
}

int plan_text_format(
    char *buf, size_t size_bytes, const struct plan_text_key *keys, size_t n_keys, const char *view_key)
{
	struct text text = { .buf = buf, .size_bytes = size_bytes };

	put(&text, "{ \"isaribi_plan\": 1, \"rev\": 1,\n  \"keys\": [");
	for (size_t i = 0; i < n_keys; i++) {
		char hex[PLAN_HASH_HEX_SIZE];

		if (!id_is_valid(keys[i].stream, strlen(keys[i].stream)) || plan_hash_key(keys[i].key, hex) != 0)
			return -EINVAL;
		put(&text, "%s\n    { \"id\": \"%s\", \"hash\": \"%s\", \"stream\": \"%s\" }", i > 0 ? "," : "",
		    keys[i].stream, hex, keys[i].stream);
	}
	put(&text, "\n  ],\n  \"streams\": [");
	for (size_t i = 0; i < n_keys; i++)
		put(&text, "%s\n    { \"id\": \"%s\", \"play\": \"public\" }", i > 0 ? "," : "", keys[i].stream);
	put(&text, "\n  ],\n  \"tokens\": { \"view_key\": \"%s\" } }\n", view_key);
	return text.is_full ? -ENOSPC : 0;
}
