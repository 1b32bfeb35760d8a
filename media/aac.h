/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AAC configuration: AudioSpecificConfig, ISO 14496-3 §1.6.2.1.
 *
 * Owner: the caller. Lifetime: tracks are counted. aac_track_create returns PARSE_OK, PARSE_BAD or -ENOMEM as int.
 * Rates: with signalled SBR the core codes 1024 samples at half the rate the listener hears. Everything here is in the
 * clock of what comes *out*: sample_rate_hz 48000 and samples_per_frame 2048 for HE-AAC on a 24 kHz core. A frame
 * always lasts samples_per_frame / sample_rate_hz seconds. SBR that is not signalled cannot be seen and counts as plain
 * AAC, which has the same frame duration. Not here: ADTS, and frames other than a silent one.
 */
#ifndef ISARIBI_MEDIA_AAC_H
#define ISARIBI_MEDIA_AAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "media/track.h"

enum aac_object_type {
	AAC_OBJECT_MAIN = 1,
	AAC_OBJECT_LC = 2,
	AAC_OBJECT_LTP = 4,
	AAC_OBJECT_SBR = 5, /* HE-AAC */
	AAC_OBJECT_PS = 29, /* HE-AAC v2 */
};

struct aac_config {
	unsigned object_type;	   /* what the codecs text says: 2, 5, 29, ... */
	unsigned core_object_type; /* 1, 2 or 4 */
	uint32_t core_rate_hz;
	uint32_t core_channels;
	uint32_t core_samples; /* 1024 or 960 */
	uint32_t sample_rate_hz;
	uint32_t channels; /* 2 when parametric stereo makes them of one */
	uint32_t samples_per_frame;
};

/*
 * Refused: object types other than those above, reserved rates, rates outside 7350 to 96000 Hz, an SBR rate that is not
 * one or two times the core's, and channel configuration 0 (a program config element: no encoder that streams sends
 * one, and guessing the count would put a lie into every init segment) as well as 13 (22.2) and reserved ones.
 */
enum parse_result aac_config_parse(struct aac_config *out, const uint8_t *asc, size_t len);
/* The track's config is the AudioSpecificConfig as it came. *out: one reference, or NULL. */
int aac_track_create(struct track **out, const uint8_t *asc, size_t len);

/*
 * A frame of AAC-LC without any sound: one raw_data_block (ISO 14496-3 §4.4.2.1) of at most 6 bytes, for whatever rate
 * and length of frame. channels: 1 or 2, as the core codes them.
 */
void aac_write_silence(struct bytes_writer *w, uint32_t channels);

#endif
