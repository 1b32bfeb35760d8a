/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event on stderr, written whole: time, level, session context, text.
 *
 * Levels: error, an operator must act; warn, we survived something; info, one line at the start and one at the end of a
 * session; debug, for developers. Nothing per frame. Never a key, a token or a passphrase.
 * Owner: any thread may log; the level is set at start and by SIGHUP.
 */
#ifndef ISARIBI_BASE_LOG_H
#define ISARIBI_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	LOG_LEVELS,
};

/* Who a line is about. Fields that are empty are left out. */
struct log_ctx {
	uint64_t id;	      /* counted per process, 0: no session */
	const char *protocol; /* "rtmp", "http": static text */
	char peer[64];	      /* address and port */
	char stream[80];      /* name of the stream once known */
};

void log_set_level(enum log_level level);
bool log_level_from_name(const char *name, enum log_level *out);
bool log_is_on(enum log_level level);
/* Control characters in the text are written as '?': a peer cannot forge a line. */
void log_line(enum log_level level, const struct log_ctx *ctx, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* A number for the next session's context, never 0, never used twice in this process. */
uint64_t log_next_session_id(void);

#define log_error(ctx, ...) log_line(LOG_ERROR, ctx, __VA_ARGS__)
#define log_warn(ctx, ...)  log_line(LOG_WARN, ctx, __VA_ARGS__)
#define log_info(ctx, ...)  log_line(LOG_INFO, ctx, __VA_ARGS__)
#define log_debug(ctx, ...) log_line(LOG_DEBUG, ctx, __VA_ARGS__)

#endif
