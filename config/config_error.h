/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong in a file a person wrote, said in Japanese and English, and a bounded list of such errors.
 *
 * Owner: the caller; nothing is allocated. Lifetime: a value.
 * A reader of files goes on after an error and collects up to CONFIG_ERRORS_MAX, so that one look shows all of them.
 * Not here: secrets. Whoever fills an error never puts a key, a passphrase or a token into it.
 */
#ifndef ISARIBI_CONFIG_CONFIG_ERROR_H
#define ISARIBI_CONFIG_CONFIG_ERROR_H

#include <stddef.h>

#include "base/attr.h"

enum {
	CONFIG_ERRORS_MAX = 16,
	CONFIG_QUOTE_SIZE = 72,
};

struct config_error {
	char file[128];	 /* as the user wrote it; empty: not from a file */
	unsigned line;	 /* from 1; 0: unknown */
	unsigned column; /* from 1, counted in characters; 0: unknown */
	char where[128]; /* "[rtmp] listen", "keys[3].windows[0].until", "ISARIBI_RTMP_LISTEN"; may be empty */
	char ja[256];
	char en[256];
};

struct config_errors {
	struct config_error list[CONFIG_ERRORS_MAX + 1]; /* the last one is the place for what no longer fits */
	size_t count;					 /* of list, at most CONFIG_ERRORS_MAX */
	size_t total;					 /* how many there were */
};

void config_errors_init(struct config_errors *errors);
/* The next empty error with its file set (NULL: none). Never NULL: what no longer fits is counted and forgotten. */
struct config_error *config_errors_add(struct config_errors *errors, const char *file);

void config_error_where(struct config_error *err, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Texts that are too long end at a whole character. */
void config_error_ja(struct config_error *err, const char *fmt, ...) ATTR_PRINTF(2, 3);
void config_error_en(struct config_error *err, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* What a person wrote, made fit to be shown: control characters as '?', cut at a whole character. Returns out. */
const char *config_error_quote(char out[CONFIG_QUOTE_SIZE], const char *text);

/*
 * Two lines without a line end behind the second: "FILE:LINE:COLUMN: WHERE: Japanese" and the same in English. Returns
 * what snprintf would.
 */
int config_error_format(const struct config_error *err, char *buf, size_t size_bytes);

#endif
