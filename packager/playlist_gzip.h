/* SPDX-License-Identifier: Apache-2.0 */
/* A playlist's text as gzip. Owner: the caller; pure. Not here: when it is made. */
#ifndef ISARIBI_PACKAGER_PLAYLIST_GZIP_H
#define ISARIBI_PACKAGER_PLAYLIST_GZIP_H

#include <stddef.h>

#include "base/shared.h"

/* One reference, or NULL when memory is out. */
struct shared *playlist_gzip(const void *text, size_t len);

#endif
