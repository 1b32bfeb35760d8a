/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/attr.h"
#include "base/http_request.h"

bool http_path_is_clean(const char *path, size_t len)
{
	size_t start = 1;

	if (len == 0 || path[0] != '/')
		return false;
	for (size_t i = 1; i <= len; i++) {
		unsigned char c = i < len ? (unsigned char)path[i] : '/';

		if (c < 0x20 || c == 0x7f || c == '\\')
			return false;
		if (c != '/')
			continue;
		/* The segment start..i: empty ones are fine only at the very end. */
		if (i == start && i < len)
			return false;
		if (i - start == 1 && path[start] == '.')
			return false;
		if (i - start == 2 && path[start] == '.' && path[start + 1] == '.')
			return false;
		start = i + 1;
	}
	return true;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int http_percent_decode(char *out, size_t size_bytes, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
			int low = len - i > 2 ? hex_value(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = high * 16 + low;
			i += 2;
		}
		if (c == 0 || n + 1 >= size_bytes)
			return -1;
		out[n++] = (char)c;
	}
	if (size_bytes == 0)
		return -1;
	out[n] = '\0';
	return (int)n;
}

const char *http_query_value(const char *query, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	while (*query != '\0') {
		size_t part_len = strcspn(query, "&");

		if (part_len >= name_len && strncmp(query, name, name_len) == 0 &&
		    (part_len == name_len || query[name_len] == '=')) {
			size_t skip = part_len == name_len ? name_len : name_len + 1;

			*len = part_len - skip;
			return query + skip;
		}
		query += part_len;
		if (*query == '&')
			query++;
	}
	return NULL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is the weight after a coding, ";q=0.5" with blanks anywhere, more than zero? A missing one is 1. */
static bool has_weight(const char *text, size_t len)
{
	const char *q = NULL;

	for (size_t i = 0; i + 1 < len; i++) {
		if ((text[i] == 'q' || text[i] == 'Q') && text[i + 1] == '=')
			q = text + i + 2;
	}
	if (!q)
		return true;
	for (; q < text + len; q++) {
		if (*q >= '1' && *q <= '9')
			return true;
	}
	return false;
}

bool http_accepts_gzip(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		const char *item = text;
		size_t item_len = len;

		while (item_len > 0 && is_blank(*item)) {
			item++;
			item_len--;
		}
		if (item_len >= 4 && strncasecmp(item, "gzip", 4) == 0 &&
		    (item_len == 4 || item[4] == ';' || is_blank(item[4])))
			return has_weight(item + 4, item_len - 4);
		text += len;
		if (*text == ',')
			text++;
	}
	return false;
}

bool http_etag_matches(const char *text, const char *etag)
{
	size_t etag_len = strlen(etag);

	while (*text != '\0') {
		size_t len;

		while (is_blank(*text) || *text == ',')
			text++;
		if (*text == '*')
			return true;
		if (text[0] == 'W' && text[1] == '/')
			text += 2;
		len = strcspn(text, ",");
		while (len > 0 && is_blank(text[len - 1]))
			len--;
		if (len > 0 && len == etag_len && memcmp(text, etag, len) == 0)
			return true;
		text += strcspn(text, ",");
	}
	return false;
}

enum http_length_kind http_length_kind(const char *text)
{
	size_t len = strlen(text);

	/* Longer numbers than this would wrap somewhere; RFC 9112 §6.3 asks for digits alone, once. */
	if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
		return HTTP_LENGTH_BAD;
	return strspn(text, "0") == len ? HTTP_LENGTH_ZERO : HTTP_LENGTH_POSITIVE;
}

const char *http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 416, "Range Not Satisfiable" },
		{ 421, "Misdirected Request" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].status == status)
			return table[i].text;
	}
	return "Status";
}

static void put_text(struct bytes_writer *w, const char *fmt, ...) ATTR_PRINTF(2, 3);

static void put_text(struct bytes_writer *w, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(line))
		w->is_full = true;
	else
		bytes_put(w, line, (size_t)n);
}

static void put_header(struct bytes_writer *w, const char *name, const char *value)
{
	if (value)
		put_text(w, "%s: %s\r\n", name, value);
}

static void put_date(struct bytes_writer *w, int64_t now_s)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
		"Nov", "Dec" };
	time_t t = (time_t)now_s;
	struct tm utc;

	/* IMF-fixdate, RFC 9110 §5.6.7: English whatever the locale says */
	if (gmtime_r(&t, &utc))
		put_text(w, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[utc.tm_wday], utc.tm_mday,
		    months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

void http_put_head(struct bytes_writer *w, const struct http_head_args *args)
{
	const struct http_response *r = args->response;

	put_text(w, "HTTP/1.1 %d %s\r\n", r->status, http_status_text(r->status));
	put_date(w, args->now_s);
	put_header(w, "Content-Type", r->content_type);
	/* RFC 9110 §8.6: no length on 204; on 304 it would be that of the body left out, which nobody needs. */
	if (r->status != 204 && r->status != 304)
		put_text(w, "Content-Length: %llu\r\n", (unsigned long long)args->body_bytes);
	put_header(w, "Content-Encoding", r->content_encoding);
	put_header(w, "Cache-Control", r->cache_control);
	put_header(w, "ETag", r->etag);
	if (r->extra_headers)
		bytes_put(w, r->extra_headers, strlen(r->extra_headers));
	if (!args->keeps_alive)
		put_header(w, "Connection", "close");
	else if (args->is_http_10)
		put_header(w, "Connection", "keep-alive");
	bytes_put(w, "\r\n", 2);
}
