/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages and scripts, embedded at build: plain and as gzip.
 *
 * Owner: anybody; static and constant. Not here: serving them (packager/deliver.h).
 */
#ifndef ISARIBI_WEB_ASSETS_H
#define ISARIBI_WEB_ASSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WEB_ETAG_MAX = 24, /* with its quotes and its NUL */
};

struct web_asset {
	const char *path; /* as in a URL: "/assets/watch-1a2b3c4d5e.js"; a page's ends in '/': "/watch/" */
	const char *content_type;
	bool is_immutable; /* its path names this content for ever */
	const uint8_t *data;
	size_t size_bytes;
	const uint8_t *gzip;
	size_t gzip_bytes;
	char etag[WEB_ETAG_MAX];
};

/* NULL when there is none of that path. */
const struct web_asset *web_asset_find(const char *path);
/* The i-th one, NULL after the last. */
const struct web_asset *web_asset_at(size_t i);

/* The table itself, made by embed.cmake at build; read it through the functions above. */
extern const struct web_asset web_assets[];
extern const size_t web_assets_count;

#endif
