/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opus: the identification header (RFC 7845 §5.1), the same in MP4 ("Opus in ISOBMFF" §4.3.2), and a packet's length.
 *
 * Owner: the caller. Lifetime: tracks are counted. opus_track_create returns PARSE_OK, PARSE_BAD or -ENOMEM as int.
 * Rates: Opus is always played at 48 kHz; the rate in the header is only what the encoder was fed with.
 * Not here: what is in a packet beyond its first two bytes.
 */
#ifndef ISARIBI_MEDIA_OPUS_H
#define ISARIBI_MEDIA_OPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "media/track.h"

enum {
	OPUS_RATE_HZ = 48000,
	OPUS_MAX_CHANNELS = 8,		/* of mapping family 1 */
	OPUS_DEFAULT_PRE_SKIP = 312,	/* what libopus needs when nobody told us */
	OPUS_PACKET_MAX_SAMPLES = 5760, /* 120 ms, RFC 6716 §3.4 */
};

struct opus_config {
	uint8_t channels;
	uint16_t pre_skip; /* samples at 48 kHz */
	uint32_t input_rate_hz;
	uint16_t output_gain;	/* Q7.8, two's complement */
	uint8_t mapping_family; /* 0: mono or stereo, 1: up to 7.1; the rest with family 1 only */
	uint8_t streams;
	uint8_t coupled;
	uint8_t mapping[OPUS_MAX_CHANNELS];
};

/* Stereo of family 0: what is meant when nothing is said. */
void opus_config_default(struct opus_config *out);
/* Member by member: what lies between them is nobody's. */
bool opus_config_is_equal(const struct opus_config *a, const struct opus_config *b);
/* "OpusHead"; other mapping families than 0 and 1 are refused, what stands behind it is ignored. */
enum parse_result opus_config_parse(struct opus_config *out, const uint8_t *head, size_t len);
void opus_config_write_head(const struct opus_config *config, struct bytes_writer *w);
/* The body of a dOps box. */
void opus_config_write_dops(const struct opus_config *config, struct bytes_writer *w);

/* The track's config is the header as opus_config_write_head makes it. *out: one reference, or NULL. */
int opus_track_create(struct track **out, const uint8_t *head, size_t len);
int opus_track_create_from_config(struct track **out, const struct opus_config *config);

/* Samples at 48 kHz that a packet lasts, by its first bytes (RFC 6716 §3.1, §3.2); 0: it is malformed. */
uint32_t opus_packet_samples(const uint8_t *packet, size_t len);

#endif
