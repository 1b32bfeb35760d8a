/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* Digits from *text on; a number that does not fit is as good as the largest one. False without any. */
static bool read_number(const char **text, uint64_t *number)
{
	const char *p = *text;

	*number = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		*number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

/* "-500": the last 500 bytes, or all when there are fewer. */
static enum http_range_kind take_suffix(struct http_range *out, const char *text, uint64_t size_bytes)
{
	uint64_t length;

	if (!read_number(&text, &length) || *skip_blanks(text) != '\0')
		return HTTP_RANGE_WHOLE;
	if (length == 0 || size_bytes == 0)
		return HTTP_RANGE_BEYOND;
	out->first = length < size_bytes ? size_bytes - length : 0;
	out->last = size_bytes - 1;
	return HTTP_RANGE_SLICE;
}

enum http_range_kind http_range_parse(struct http_range *out, const char *value, uint64_t size_bytes)
{
	const char *text = value;
	uint64_t first;
	uint64_t last = UINT64_MAX;

	/* RFC 9110 §14.1: names of units do not care for case. */
	if (strncasecmp(text, "bytes=", 6) != 0)
		return HTTP_RANGE_WHOLE;
	text = skip_blanks(text + 6);
	if (*text == '-')
		return take_suffix(out, text + 1, size_bytes);
	if (!read_number(&text, &first) || *text++ != '-')
		return HTTP_RANGE_WHOLE;
	if (*text >= '0' && *text <= '9' && read_number(&text, &last) && last < first)
		return HTTP_RANGE_WHOLE; /* §14.1.1: invalid */
	if (*skip_blanks(text) != '\0')
		return HTTP_RANGE_WHOLE;
	if (first >= size_bytes)
		return HTTP_RANGE_BEYOND;
	out->first = first;
	out->last = last < size_bytes ? last : size_bytes - 1;
	return HTTP_RANGE_SLICE;
}
