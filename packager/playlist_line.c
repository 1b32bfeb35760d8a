/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/playlist_line.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

enum { LINE_MAX_BYTES = 512 };

void playlist_line(struct bytes_writer *w, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < sizeof(line));
	bytes_put(w, line, (size_t)len);
	bytes_put_u8(w, '\n');
}

void playlist_line_date_time(struct bytes_writer *w, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[32];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc) == 0)
		return;
	playlist_line(w, "#EXT-X-PROGRAM-DATE-TIME:%s.%03dZ", text, (int)(wall_ms % 1000));
}

void playlist_line_extinf(struct bytes_writer *w, int64_t duration_90k)
{
	int64_t e5_s = (duration_90k * 10 + 4) / 9; /* hundred-thousandths of a second, rounded */

	playlist_line(w, "#EXTINF:%" PRId64 ".%05" PRId64 ",", e5_s / 100000, e5_s % 100000);
}
