/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ADTS, the header in front of each AAC frame in a transport stream (ISO 13818-7 §6.2, ISO 14496-3 §1.A.3.2).
 *
 * Owner: the caller; nothing is allocated.
 * Not here: the configuration's meaning (media/aac), several raw data blocks in one frame (refused: nobody sends them).
 */
#ifndef ISARIBI_MEDIA_ADTS_H
#define ISARIBI_MEDIA_ADTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/track.h"

enum {
	ADTS_HEADER_BYTES = 7, /* as it is written; 9 with a checksum */
	ADTS_FRAME_MAX_BYTES = 8191,
	ADTS_CONFIG_BYTES = 2,
};

struct adts_header {
	size_t header_bytes;
	size_t frame_bytes; /* with the header */
	uint32_t core_rate_hz;
	uint8_t config[ADTS_CONFIG_BYTES]; /* AudioSpecificConfig; SBR, which ADTS cannot signal, is not in it */
};

/* PARSE_MORE: fewer bytes than the header has, and so far it can be one. The frame itself need not be there. */
enum parse_result adts_parse(struct adts_header *out, const uint8_t *data, size_t len);

/* What all frames of a track have in common. */
struct adts_format {
	uint8_t fields[ADTS_HEADER_BYTES]; /* a header whose length is 0 */
};

/* PARSE_BAD: ADTS has no words for this track: 960 samples a frame, a rate outside the table, more than 7.1. */
enum parse_result adts_format_of_track(struct adts_format *out, const struct track *track);
/* A header for payload_bytes of AAC, at most ADTS_FRAME_MAX_BYTES - ADTS_HEADER_BYTES. */
void adts_write(uint8_t out[ADTS_HEADER_BYTES], const struct adts_format *format, size_t payload_bytes);

#endif
