/* SPDX-License-Identifier: Apache-2.0 */
#include "media/adts.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "media/aac.h"

enum {
	SYNC = 0xfff,
	CRC_BYTES = 2,
	FULLNESS_VARIABLE = 0x7ff, /* of the buffer: the rate varies */
};

/* ISO 14496-3 table 1.18 */
static const uint32_t rates[] = { 96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000,
	7350 };

enum parse_result adts_parse(struct adts_header *out, const uint8_t *data, size_t len)
{
	unsigned object_type;
	unsigned rate_index;
	unsigned channels;

	*out = (struct adts_header){ 0 };
	if ((len > 0 && data[0] != SYNC >> 4) || (len > 1 && (data[1] & 0xf6u) != 0xf0u)) /* the layer is 0 */
		return PARSE_BAD;
	if (len < ADTS_HEADER_BYTES)
		return PARSE_MORE;
	object_type = (data[2] >> 6) + 1u;
	rate_index = data[2] >> 2 & 0x0fu;
	channels = (data[2] & 1u) << 2 | data[3] >> 6;
	out->header_bytes = ADTS_HEADER_BYTES + (data[1] & 1u ? 0 : CRC_BYTES);
	out->frame_bytes = (size_t)(data[3] & 3u) << 11 | (size_t)data[4] << 3 | data[5] >> 5;
	if (rate_index >= ARRAY_LEN(rates) || out->frame_bytes <= out->header_bytes || (data[6] & 3u) != 0)
		return PARSE_BAD;
	out->core_rate_hz = rates[rate_index];
	out->config[0] = (uint8_t)(object_type << 3 | rate_index >> 1);
	out->config[1] = (uint8_t)((rate_index & 1u) << 7 | channels << 3);
	return PARSE_OK;
}

/*
 * The inverse of ISO 14496-3 table 1.19 as far as three bits go; 0: not there. Of the layouts with eight channels only
 * one is: the record itself says which, unless its rate is spelled out.
 */
static unsigned channel_config_of(const struct aac_config *c, const struct track *track)
{
	bool is_spelled_out = (track->config[0] & 7u) == 7 && track->config[1] & 0x80;

	if (c->core_channels == 8)
		return !is_spelled_out && (track->config[1] >> 3 & 0x0fu) == 7 ? 7 : 0;
	return c->core_channels <= 6 ? c->core_channels : 0;
}

enum parse_result adts_format_of_track(struct adts_format *out, const struct track *track)
{
	struct aac_config c;
	unsigned rate_index = 0;
	unsigned channels;

	assert(track->codec == CODEC_AAC);
	memset(out, 0, sizeof(*out));
	if (aac_config_parse(&c, track->config, track->config_len) != PARSE_OK)
		return PARSE_BAD;
	while (rate_index < ARRAY_LEN(rates) && rates[rate_index] != c.core_rate_hz)
		rate_index++;
	channels = channel_config_of(&c, track);
	if (rate_index == ARRAY_LEN(rates) || channels == 0 || c.core_samples != 1024)
		return PARSE_BAD;
	out->fields[0] = SYNC >> 4;
	out->fields[1] = 0xf1; /* MPEG-4, no checksum */
	out->fields[2] = (uint8_t)((c.core_object_type - 1) << 6 | rate_index << 2 | channels >> 2);
	out->fields[3] = (uint8_t)((channels & 3u) << 6);
	out->fields[5] = FULLNESS_VARIABLE >> 6;
	out->fields[6] = (FULLNESS_VARIABLE & 0x3f) << 2;
	return PARSE_OK;
}

void adts_write(uint8_t out[ADTS_HEADER_BYTES], const struct adts_format *format, size_t payload_bytes)
{
	size_t frame_bytes = ADTS_HEADER_BYTES + payload_bytes;

	assert(frame_bytes <= ADTS_FRAME_MAX_BYTES);
	memcpy(out, format->fields, ADTS_HEADER_BYTES);
	out[3] = (uint8_t)(out[3] | frame_bytes >> 11);
	out[4] = (uint8_t)(frame_bytes >> 3);
	out[5] = (uint8_t)(out[5] | (frame_bytes & 7u) << 5);
}
