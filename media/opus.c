/* SPDX-License-Identifier: Apache-2.0 */
#include "media/opus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	HEAD_MAX_BYTES = 21 + OPUS_MAX_CHANNELS,
	NO_STREAM = 255, /* in a mapping: this channel is silent */
	DEFAULT_PACKET_SAMPLES = 960,
};

static const char magic[8] = "OpusHead";

void opus_config_default(struct opus_config *out)
{
	*out = (struct opus_config){ .channels = 2, .pre_skip = OPUS_DEFAULT_PRE_SKIP, .input_rate_hz = OPUS_RATE_HZ };
}

bool opus_config_is_equal(const struct opus_config *a, const struct opus_config *b)
{
	if (a->channels != b->channels || a->pre_skip != b->pre_skip || a->input_rate_hz != b->input_rate_hz ||
	    a->output_gain != b->output_gain || a->mapping_family != b->mapping_family)
		return false;
	if (a->mapping_family == 0)
		return true;
	return a->streams == b->streams && a->coupled == b->coupled && memcmp(a->mapping, b->mapping, a->channels) == 0;
}

static uint16_t read_u16_little(struct bytes_reader *r)
{
	unsigned low = bytes_u8(r);

	return (uint16_t)(low | (unsigned)bytes_u8(r) << 8);
}

static void put_u16_little(struct bytes_writer *w, uint16_t v)
{
	bytes_put_u8(w, (uint8_t)v);
	bytes_put_u8(w, (uint8_t)(v >> 8));
}

/* RFC 7845 §5.1.1 */
static enum parse_result read_mapping(struct bytes_reader *r, struct opus_config *c)
{
	unsigned n_decoded;

	c->streams = bytes_u8(r);
	c->coupled = bytes_u8(r);
	n_decoded = (unsigned)c->streams + c->coupled;
	if (r->is_short || c->streams == 0 || c->coupled > c->streams || n_decoded > UINT8_MAX)
		return PARSE_BAD;
	for (unsigned i = 0; i < c->channels; i++) {
		c->mapping[i] = bytes_u8(r);
		if (c->mapping[i] >= n_decoded && c->mapping[i] != NO_STREAM)
			return PARSE_BAD;
	}
	return r->is_short ? PARSE_BAD : PARSE_OK;
}

enum parse_result opus_config_parse(struct opus_config *out, const uint8_t *head, size_t len)
{
	struct bytes_reader r;
	const uint8_t *said;

	memset(out, 0, sizeof(*out));
	bytes_reader_init(&r, head, len);
	said = bytes_take(&r, sizeof(magic));
	if (!said || memcmp(said, magic, sizeof(magic)) != 0)
		return PARSE_BAD;
	if (bytes_u8(&r) > 15) /* another major version */
		return PARSE_BAD;
	out->channels = bytes_u8(&r);
	out->pre_skip = read_u16_little(&r);
	out->input_rate_hz = bytes_u32_little(&r);
	out->output_gain = read_u16_little(&r);
	out->mapping_family = bytes_u8(&r);
	if (r.is_short || out->channels == 0 || out->mapping_family > 1)
		return PARSE_BAD;
	if (out->channels > (out->mapping_family == 0 ? 2 : OPUS_MAX_CHANNELS))
		return PARSE_BAD;
	return out->mapping_family == 0 ? PARSE_OK : read_mapping(&r, out);
}

static void write_mapping(const struct opus_config *config, struct bytes_writer *w)
{
	bytes_put_u8(w, config->mapping_family);
	if (config->mapping_family == 0)
		return;
	bytes_put_u8(w, config->streams);
	bytes_put_u8(w, config->coupled);
	bytes_put(w, config->mapping, config->channels);
}

void opus_config_write_head(const struct opus_config *config, struct bytes_writer *w)
{
	bytes_put(w, magic, sizeof(magic));
	bytes_put_u8(w, 1);
	bytes_put_u8(w, config->channels);
	put_u16_little(w, config->pre_skip);
	bytes_put_u32_little(w, config->input_rate_hz);
	put_u16_little(w, config->output_gain);
	write_mapping(config, w);
}

/* The same fields, but version 0 and big-endian. */
void opus_config_write_dops(const struct opus_config *config, struct bytes_writer *w)
{
	bytes_put_u8(w, 0);
	bytes_put_u8(w, config->channels);
	bytes_put_u16(w, config->pre_skip);
	bytes_put_u32(w, config->input_rate_hz);
	bytes_put_u16(w, config->output_gain);
	write_mapping(config, w);
}

int opus_track_create_from_config(struct track **out, const struct opus_config *config)
{
	uint8_t head[HEAD_MAX_BYTES];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, head, sizeof(head));
	opus_config_write_head(config, &w);
	*out = track_create(TRACK_AUDIO, CODEC_OPUS, w.data, w.len);
	if (!*out)
		return -ENOMEM;
	(void)snprintf((*out)->codecs, sizeof((*out)->codecs), "opus");
	(*out)->sample_rate_hz = OPUS_RATE_HZ;
	(*out)->channels = config->channels;
	(*out)->samples_per_frame = DEFAULT_PACKET_SAMPLES;
	return PARSE_OK;
}

int opus_track_create(struct track **out, const uint8_t *head, size_t len)
{
	struct opus_config config;

	*out = NULL;
	if (opus_config_parse(&config, head, len) != PARSE_OK)
		return PARSE_BAD;
	return opus_track_create_from_config(out, &config);
}

/* RFC 6716 table 2: SILK, hybrid, CELT */
static uint32_t frame_samples_of(unsigned config)
{
	static const uint16_t silk[] = { 480, 960, 1920, 2880 };
	static const uint16_t celt[] = { 120, 240, 480, 960 };

	if (config < 12)
		return silk[config % 4];
	if (config < 16)
		return config % 2 ? 960 : 480;
	return celt[config % 4];
}

uint32_t opus_packet_samples(const uint8_t *packet, size_t len)
{
	uint32_t samples;
	unsigned n_frames = 2;

	if (len == 0)
		return 0;
	if ((packet[0] & 3u) == 0)
		n_frames = 1;
	else if ((packet[0] & 3u) == 3) /* the count is in the next byte */
		n_frames = len > 1 ? packet[1] & 0x3fu : 0;
	samples = n_frames * frame_samples_of(packet[0] >> 3);
	return samples <= OPUS_PACKET_MAX_SAMPLES ? samples : 0;
}
