/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[LOG_LEVELS] = { "error", "warn", "info", "debug" };
static atomic_int current_level = LOG_INFO;
static atomic_uint_fast64_t last_session_id;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

bool log_level_from_name(const char *name, enum log_level *out)
{
	for (int i = 0; i < LOG_LEVELS; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_is_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

uint64_t log_next_session_id(void)
{
	return atomic_fetch_add_explicit(&last_session_id, 1, memory_order_relaxed) + 1;
}

/* Appends; what does not fit is cut. Returns the new length, at most size - 2 so that the newline always fits. */
static size_t append(char *line, size_t size, size_t len, const char *fmt, ...) ATTR_PRINTF(4, 5);
static size_t append_list(char *line, size_t size, size_t len, const char *fmt, va_list args) ATTR_PRINTF(4, 0);

static size_t append_list(char *line, size_t size, size_t len, const char *fmt, va_list args)
{
	int n = vsnprintf(line + len, size - len - 1, fmt, args);

	if (n > 0)
		len += (size_t)n;
	return len > size - 2 ? size - 2 : len;
}

static size_t append(char *line, size_t size, size_t len, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	len = append_list(line, size, len, fmt, args);
	va_end(args);
	return len;
}

static size_t append_time(char *line, size_t size, size_t len)
{
	struct timespec now;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	return append(line, size, len, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
	    utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000);
}

static size_t append_ctx(char *line, size_t size, size_t len, const struct log_ctx *ctx)
{
	if (ctx->id != 0)
		len = append(line, size, len, " %s#%llu", ctx->protocol ? ctx->protocol : "session",
		    (unsigned long long)ctx->id);
	else if (ctx->protocol)
		len = append(line, size, len, " %s", ctx->protocol);
	if (ctx->peer[0] != '\0')
		len = append(line, size, len, " peer=%s", ctx->peer);
	if (ctx->stream[0] != '\0')
		len = append(line, size, len, " stream=%s", ctx->stream);
	return len;
}

void log_line(enum log_level level, const struct log_ctx *ctx, const char *fmt, ...)
{
	char line[1024];
	size_t len = 0;
	va_list args;

	if (!log_is_on(level))
		return;
	len = append_time(line, sizeof(line), len);
	len = append(line, sizeof(line), len, " %-5s", level_names[level]);
	if (ctx)
		len = append_ctx(line, sizeof(line), len, ctx);
	len = append(line, sizeof(line), len, ": ");
	va_start(args, fmt);
	len = append_list(line, sizeof(line), len, fmt, args);
	va_end(args);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[len++] = '\n';
	/* A full pipe or a closed stderr must not stop the server: the line is lost. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
