/* SPDX-License-Identifier: Apache-2.0 */
#include "web/assets.h"

#include <string.h>

const struct web_asset *web_asset_find(const char *path)
{
	for (size_t i = 0; i < web_assets_count; i++) {
		if (strcmp(web_assets[i].path, path) == 0)
			return &web_assets[i];
	}
	return NULL;
}

const struct web_asset *web_asset_at(size_t i)
{
	return i < web_assets_count ? &web_assets[i] : NULL;
}
