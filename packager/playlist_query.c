/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist_query.h"

#include <stddef.h>
#include <string.h>

static bool read_number(const char *text, size_t len, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)text[i] - '0';

		if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	return len > 0;
}

static bool is_text(const char *text, size_t len, const char *expected)
{
	return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

/* One "name=value". */
static bool read_member(struct playlist_query *q, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	const char *value = equals ? equals + 1 : text + len;
	size_t value_len = len - (size_t)(value - text);
	bool is_again = false;
	bool is_fine = true;

	if (is_text(text, name_len, "_HLS_msn")) {
		is_again = q->has_msn;
		q->has_msn = is_fine = read_number(value, value_len, &q->msn);
	} else if (is_text(text, name_len, "_HLS_part")) {
		is_again = q->has_part;
		q->has_part = is_fine = read_number(value, value_len, &q->part);
	} else if (is_text(text, name_len, "_HLS_skip")) {
		is_again = q->wants_delta;
		q->wants_delta = is_fine = is_text(value, value_len, "YES") || is_text(value, value_len, "v2");
	}
	return is_fine && !is_again;
}

bool playlist_query_parse(struct playlist_query *out, const char *query)
{
	*out = (struct playlist_query){ 0 };
	while (*query != '\0') {
		size_t len = strcspn(query, "&");

		if (!read_member(out, query, len))
			return false;
		query += len;
		if (*query == '&')
			query++;
	}
	return out->has_msn || !out->has_part;
}
