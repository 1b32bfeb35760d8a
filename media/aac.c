/* SPDX-License-Identifier: Apache-2.0 */
#include "media/aac.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/bytes.h"

enum {
	OBJECT_ESCAPE = 31,
	RATE_ESCAPE = 15,
	RATE_MIN_HZ = 7350,
	RATE_MAX_HZ = 96000,
	SYNC_SBR = 0x2b7,
	SYNC_PS = 0x548,
	ID_SCE = 0,
	ID_CPE = 1,
	ID_END = 7,
	SILENT_GAIN = 140, /* of nothing: any value will do */
};

/* ISO 14496-3 table 1.17 */
static unsigned read_object_type(struct bits_reader *b)
{
	unsigned type = bits_u(b, 5);

	return type == OBJECT_ESCAPE ? 32 + bits_u(b, 6) : type;
}

/* ISO 14496-3 table 1.18; 0 for what is reserved or out of bounds */
static uint32_t read_rate(struct bits_reader *b)
{
	static const uint32_t rates[] = { 96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025,
		8000, 7350 };
	unsigned index = bits_u(b, 4);
	uint32_t rate_hz;

	if (index < ARRAY_LEN(rates))
		return rates[index];
	if (index != RATE_ESCAPE)
		return 0;
	rate_hz = bits_u(b, 24);
	return rate_hz >= RATE_MIN_HZ && rate_hz <= RATE_MAX_HZ ? rate_hz : 0;
}

/* ISO 14496-3 table 1.19; 0 for a program config element, 22.2 and what is reserved */
static uint32_t read_channels(struct bits_reader *b)
{
	static const uint8_t channels[16] = { 0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0 };

	return channels[bits_u(b, 4)];
}

/* GASpecificConfig, ISO 14496-3 §4.4.1: how long a frame is; the rest is walked over. */
static void read_general_audio(struct bits_reader *b, struct aac_config *c)
{
	c->core_samples = bits_flag(b) ? 960 : 1024;
	if (bits_flag(b)) /* dependsOnCoreCoder */
		bits_skip(b, 14);
	if (bits_flag(b)) /* extensionFlag, not for these types; extensionFlag3 follows it */
		bits_skip(b, 1);
}

/*
 * SBR told behind the configuration, for decoders that do not know it (ISO 14496-3 §1.6.6.2). What does not make sense
 * here is padding.
 */
static void read_late_extension(struct bits_reader *b, struct aac_config *c)
{
	uint32_t rate_hz;

	if (bits_left(b) < 16 || bits_u(b, 11) != SYNC_SBR || read_object_type(b) != AAC_OBJECT_SBR || !bits_flag(b))
		return;
	rate_hz = read_rate(b);
	if (b->is_short || (rate_hz != c->core_rate_hz && rate_hz != c->core_rate_hz * 2))
		return;
	c->object_type = AAC_OBJECT_SBR;
	c->sample_rate_hz = rate_hz;
	if (bits_left(b) >= 12 && bits_u(b, 11) == SYNC_PS && bits_flag(b))
		c->object_type = AAC_OBJECT_PS;
}

static enum parse_result finish(struct aac_config *c)
{
	if (c->sample_rate_hz != c->core_rate_hz && c->sample_rate_hz != c->core_rate_hz * 2)
		return PARSE_BAD;
	c->samples_per_frame = c->core_samples * (c->sample_rate_hz / c->core_rate_hz);
	c->channels = c->core_channels;
	if (c->object_type == AAC_OBJECT_PS && c->core_channels == 1)
		c->channels = 2;
	return PARSE_OK;
}

enum parse_result aac_config_parse(struct aac_config *out, const uint8_t *asc, size_t len)
{
	struct bits_reader b;
	bool has_extension;

	*out = (struct aac_config){ 0 };
	if (len > TRACK_CONFIG_MAX_BYTES)
		return PARSE_BAD;
	bits_reader_init(&b, asc, len);
	out->object_type = out->core_object_type = read_object_type(&b);
	out->core_rate_hz = out->sample_rate_hz = read_rate(&b);
	out->core_channels = read_channels(&b);
	has_extension = out->object_type == AAC_OBJECT_SBR || out->object_type == AAC_OBJECT_PS;
	if (has_extension) {
		out->sample_rate_hz = read_rate(&b);
		out->core_object_type = read_object_type(&b);
	}
	if (out->core_object_type != AAC_OBJECT_MAIN && out->core_object_type != AAC_OBJECT_LC &&
	    out->core_object_type != AAC_OBJECT_LTP)
		return PARSE_BAD;
	if (out->core_rate_hz == 0 || out->core_channels == 0)
		return PARSE_BAD;
	read_general_audio(&b, out);
	if (b.is_short)
		return PARSE_BAD;
	if (!has_extension)
		read_late_extension(&b, out);
	return finish(out);
}

int aac_track_create(struct track **out, const uint8_t *asc, size_t len)
{
	struct aac_config c;
	struct track *track;

	*out = NULL;
	if (aac_config_parse(&c, asc, len) != PARSE_OK)
		return PARSE_BAD;
	track = track_create(TRACK_AUDIO, CODEC_AAC, asc, len);
	if (!track)
		return -ENOMEM;
	(void)snprintf(track->codecs, sizeof(track->codecs), "mp4a.40.%u", c.object_type);
	track->sample_rate_hz = c.sample_rate_hz;
	track->channels = c.channels;
	track->samples_per_frame = c.samples_per_frame;
	*out = track;
	return PARSE_OK;
}

/* ---- silence ---- */

/* Up to 64 bits, most significant first. */
struct bit_row {
	uint64_t bits;
	unsigned count;
};

static void put_bits(struct bit_row *row, unsigned value, unsigned n_bits)
{
	row->bits = row->bits << n_bits | value;
	row->count += n_bits;
}

/* ics_info, table 4.6: one long window without a band of it coded */
static void put_window(struct bit_row *row)
{
	put_bits(row, 0, 1); /* reserved */
	put_bits(row, 0, 2); /* ONLY_LONG_SEQUENCE */
	put_bits(row, 1, 1); /* window shape */
	put_bits(row, 0, 6); /* max_sfb */
	put_bits(row, 0, 1); /* no prediction */
}

/* individual_channel_stream, table 4.50: sections, scale factors and spectrum of no bands take no bits. */
static void put_channel(struct bit_row *row, bool has_own_window)
{
	put_bits(row, SILENT_GAIN, 8);
	if (has_own_window)
		put_window(row);
	put_bits(row, 0, 3); /* no pulses, no TNS, no gain control */
}

void aac_write_silence(struct bytes_writer *w, uint32_t channels)
{
	struct bit_row row = { 0 };

	assert(channels == 1 || channels == 2);
	put_bits(&row, channels == 1 ? ID_SCE : ID_CPE, 3);
	put_bits(&row, 0, 4); /* instance tag */
	if (channels == 2) {
		put_bits(&row, 1, 1); /* common window */
		put_window(&row);
		put_bits(&row, 0, 2); /* no M/S stereo */
	}
	for (uint32_t i = 0; i < channels; i++)
		put_channel(&row, channels == 1);
	put_bits(&row, ID_END, 3);
	if (row.count % 8 > 0)
		put_bits(&row, 0, 8 - row.count % 8);
	for (unsigned shift = row.count; shift > 0; shift -= 8)
		bytes_put_u8(w, (uint8_t)(row.bits >> (shift - 8)));
}
