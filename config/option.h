/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a program: one table of at most 30 keys, and the typed store that it fills.
 *
 * Owner: the thread that holds the struct; other threads read it only when nobody writes (programs copy it at start and
 * at SIGHUP). Lifetime: a value, options_init_defaults() before use, options_fini() after.
 * A key is one line in option_table[] and one field of struct options; option_table_check() and a test see to it that
 * neither is forgotten. Not here: files (config/ini.h) and what the control tells a node (config/plan.h).
 */
#ifndef ISARIBI_CONFIG_OPTION_H
#define ISARIBI_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config_error.h"
#include "config/id.h"
#include "config/listen_address.h"

enum {
	OPTION_MAX_COUNT = 30,
	/* So that any key and value fit in one line of inih (200 bytes with its end). */
	OPTION_TEXT_SIZE = 176,
};

struct options {
	char node_name[ID_SIZE];
	char data_dir[OPTION_TEXT_SIZE];
	int32_t threads;  /* 0: one loop per core */
	int32_t batch_ms; /* 0: adaptive */
	int32_t grace_ms;
	int32_t max_connections;
	struct listen_address rtmp_listen;
	struct listen_address rtmps_listen;
	struct listen_address srt_listen;
	int32_t srt_latency_ms;
	struct listen_address http_listen;
	int32_t part_ms;
	int32_t segment_ms;
	int32_t keep_days; /* 0: for ever */
	int32_t min_free_mb;
	struct listen_address control_listen;
	char public_url[OPTION_TEXT_SIZE]; /* empty: none; never ends in '/' */
	char media_url[OPTION_TEXT_SIZE];
	char control_url[OPTION_TEXT_SIZE];
	char token_file[OPTION_TEXT_SIZE];
	char tls_cert[OPTION_TEXT_SIZE];
	char tls_key[OPTION_TEXT_SIZE];
	int32_t log_level; /* enum log_level of base/log.h */
};

enum option_type {
	OPTION_ID,	/* char[ID_SIZE] */
	OPTION_PATH,	/* char[OPTION_TEXT_SIZE] */
	OPTION_URL,	/* char[OPTION_TEXT_SIZE], its scheme one of words */
	OPTION_LISTEN,	/* struct listen_address */
	OPTION_INTEGER, /* int32_t, min to max */
	OPTION_WORD,	/* int32_t, index into words */
	OPTION_TYPES,
};

struct option {
	const char *section;
	const char *key;
	enum option_type type;
	size_t offset; /* of the field in struct options */
	size_t size_bytes;
	const char *default_text; /* as one would write it in the file */
	bool is_live;		  /* SIGHUP changes it; otherwise it needs a restart */
	bool may_be_empty;
	int32_t min;
	int32_t max;
	const char *unit;	  /* of an integer, "" when it has none */
	const char *const *words; /* NULL at the end */
	const char *help_ja;
	const char *help_en;
};

extern const struct option option_table[];
extern const size_t option_count;

void options_fini(struct options *options);
void options_init_defaults(struct options *options);

/* Borrowed from the table; NULL when there is no such key. */
const struct option *option_find(const char *section, const char *key);
/*
 * Reads text into the option's field. -EINVAL leaves the field as it was and says in err (ja and en only) what was
 * expected; err may be NULL.
 */
int option_set(struct options *options, const struct option *option, const char *text, struct config_error *err);
/* The value as one would write it in the file; cut when buf is too small (OPTION_TEXT_SIZE is enough for any). */
void option_format(const struct options *options, const struct option *option, char *buf, size_t size_bytes);
bool option_is_equal(const struct options *a, const struct options *b, const struct option *option);
/* What must hold between several keys (certificate and key, part and segment). 0, or -EINVAL with errors added. */
int options_check(const struct options *options, struct config_errors *errors);
/* NULL when every line of the table is filled and none is there twice, else what is wrong: call it once at start. */
const char *option_table_check(void);

#endif
