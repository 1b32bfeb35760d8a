/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that playlists of live streams and of recordings have in common.
 *
 * Owner: the caller; nothing is kept. Not here: which lines, in which order (packager/playlist, packager/rec_playlist).
 */
#ifndef ISARIBI_PACKAGER_PLAYLIST_LINE_H
#define ISARIBI_PACKAGER_PLAYLIST_LINE_H

#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"

/* At most 511 characters, and a line end behind them. */
void playlist_line(struct bytes_writer *w, const char *format, ...) ATTR_PRINTF(2, 3);
/* EXT-X-PROGRAM-DATE-TIME (§4.4.4.6), in UTC with milliseconds. */
void playlist_line_date_time(struct bytes_writer *w, int64_t wall_ms);
/* EXTINF with five decimals, rounded. */
void playlist_line_extinf(struct bytes_writer *w, int64_t duration_90k);

#endif
