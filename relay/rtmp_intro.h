/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an RTMP player gets before the first frame of its tracks: onMetaData and the sequence headers, in chunks.
 *
 * Pure. Owner: the caller's writer. Not here: frames (relay/rtmp_image.h), replies to commands (ingest/rtmp_command.h).
 */
#ifndef ISARIBI_RELAY_RTMP_INTRO_H
#define ISARIBI_RELAY_RTMP_INTRO_H

#include <stdint.h>

#include "base/bytes.h"
#include "media/track.h"

enum { RTMP_INTRO_MAX_BYTES = 4 * TRACK_CONFIG_MAX_BYTES };

/* Either track may be NULL. timestamp_ms: of the frame that follows. w->is_full tells when memory is out. */
void rtmp_intro_write(
    struct bytes_writer *w, const struct track *video, const struct track *audio, uint32_t timestamp_ms);

#endif
