/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_inside_char(char c)
{
	return ((unsigned char)c & 0xc0u) == 0x80;
}

/* Takes away the broken character that a cut in the middle of UTF-8 leaves at the end. */
static void mend_end(char *text)
{
	size_t len = strlen(text);
	size_t start = len;
	unsigned char lead;
	size_t wanted;

	while (start > 0 && len - start < 4 && is_inside_char(text[start - 1]))
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)text[start - 1];
	wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len - (start - 1) < wanted)
		text[start - 1] = '\0';
}

static void format_into(char *buf, size_t size_bytes, const char *fmt, va_list args) ATTR_PRINTF(3, 0);

static void format_into(char *buf, size_t size_bytes, const char *fmt, va_list args)
{
	int len = vsnprintf(buf, size_bytes, fmt, args);

	if (len >= 0 && (size_t)len >= size_bytes)
		mend_end(buf);
}

void config_errors_init(struct config_errors *errors)
{
	memset(errors, 0, sizeof(*errors));
}

struct config_error *config_errors_add(struct config_errors *errors, const char *file)
{
	struct config_error *err = &errors->list[errors->count];

	memset(err, 0, sizeof(*err));
	errors->total++;
	if (errors->count < CONFIG_ERRORS_MAX)
		errors->count++;
	if (file && (size_t)snprintf(err->file, sizeof(err->file), "%s", file) >= sizeof(err->file))
		mend_end(err->file);
	return err;
}

void config_error_where(struct config_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_into(err->where, sizeof(err->where), fmt, args);
	va_end(args);
}

void config_error_ja(struct config_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_into(err->ja, sizeof(err->ja), fmt, args);
	va_end(args);
}

void config_error_en(struct config_error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_into(err->en, sizeof(err->en), fmt, args);
	va_end(args);
}

const char *config_error_quote(char out[CONFIG_QUOTE_SIZE], const char *text)
{
	const size_t room = CONFIG_QUOTE_SIZE - sizeof("...");
	size_t len = strnlen(text, room + 1);
	bool is_cut = len > room;

	if (is_cut)
		len = room;
	memcpy(out, text, len);
	out[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
			out[i] = '?';
	}
	if (is_cut) {
		mend_end(out);
		strcat(out, "...");
	}
	return out;
}

int config_error_format(const struct config_error *err, char *buf, size_t size_bytes)
{
	char place[sizeof(err->file) + sizeof(err->where) + 40];
	size_t len = 0;

	place[0] = '\0';
	if (err->file[0])
		len += (size_t)snprintf(place + len, sizeof(place) - len, "%s:", err->file);
	if (err->line > 0)
		len += (size_t)snprintf(place + len, sizeof(place) - len, "%u:", err->line);
	if (err->line > 0 && err->column > 0)
		len += (size_t)snprintf(place + len, sizeof(place) - len, "%u:", err->column);
	if (err->where[0])
		len += (size_t)snprintf(place + len, sizeof(place) - len, "%s%s:", len > 0 ? " " : "", err->where);
	return snprintf(
	    buf, size_bytes, "%s%s%s\n%s%s%s", place, len > 0 ? " " : "", err->ja, place, len > 0 ? " " : "", err->en);
}
