/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that embed.cmake makes; only assets.c reads it.
 *
 * Owner: nobody; constant. Lifetime: static. Not here: looking something up (web/assets.h).
 */
#ifndef ISARIBI_WEB_ASSETS_TABLE_H
#define ISARIBI_WEB_ASSETS_TABLE_H

#include <stddef.h>

#include "web/assets.h"

extern const struct web_asset web_assets[];
extern const size_t web_assets_count;

#endif
