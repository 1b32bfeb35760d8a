/* SPDX-License-Identifier: Apache-2.0 */
#include "media/fmp4.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "media/mp4_box.h"
#include "media/opus.h"

enum {
	TFHD_DEFAULT_FLAGS = 0x000020,
	TFHD_DEFAULT_BASE_IS_MOOF = 0x020000,
	TRUN_DATA_OFFSET = 0x000001,
	TRUN_DURATION = 0x000100,
	TRUN_SIZE = 0x000200,
	TRUN_FLAGS = 0x000400,
	TRUN_COMPOSITION = 0x000800,
	/* ISO 14496-12 §8.8.3.1: depends on no other; depends on others and is no sync sample */
	SAMPLE_FLAGS_KEY = 0x02000000,
	SAMPLE_FLAGS_OTHER = 0x01010000,
};

uint32_t fmp4_track_id(enum track_kind kind)
{
	return kind == TRACK_VIDEO ? 1 : 2;
}

uint32_t fmp4_timescale(const struct track *track)
{
	if (track->kind == TRACK_VIDEO)
		return FMP4_VIDEO_TIMESCALE;
	if (track->codec == CODEC_OPUS || track->sample_rate_hz == 0)
		return OPUS_RATE_HZ;
	return track->sample_rate_hz;
}

static void write_ftyp(struct bytes_writer *w)
{
	size_t box = mp4_box_begin(w, "ftyp");

	bytes_put(w, "iso6", 4);
	bytes_put_u32(w, 0);
	bytes_put(w, "iso6cmfcmp41", 12);
	mp4_box_end(w, box);
}

/* §8.2.2; the duration is 0 because every sample is in a fragment */
static void write_mvhd(struct bytes_writer *w)
{
	size_t box = mp4_full_box_begin(w, "mvhd", 0, 0);

	bytes_put_zeros(w, 8); /* creation and modification: never, so that equal streams give equal bytes */
	bytes_put_u32(w, 1000);
	bytes_put_u32(w, 0);
	bytes_put_u32(w, 0x00010000); /* rate 1.0 */
	bytes_put_u16(w, 0x0100);     /* volume 1.0 */
	bytes_put_zeros(w, 10);
	mp4_box_matrix(w);
	bytes_put_zeros(w, 24);
	bytes_put_u32(w, TRACK_KINDS + 1); /* next track id */
	mp4_box_end(w, box);
}

/* §8.3.2 */
static void write_tkhd(struct bytes_writer *w, const struct track *t)
{
	size_t box = mp4_full_box_begin(w, "tkhd", 0, 3); /* enabled, in movie */
	bool is_video = t->kind == TRACK_VIDEO;

	bytes_put_zeros(w, 8);
	bytes_put_u32(w, fmp4_track_id(t->kind));
	bytes_put_zeros(w, 4 + 4 + 8 + 2); /* reserved, duration, reserved, layer */
	bytes_put_u16(w, 0);		   /* alternate group */
	bytes_put_u16(w, is_video ? 0 : 0x0100);
	bytes_put_u16(w, 0);
	mp4_box_matrix(w);
	bytes_put_u32(w, is_video ? t->width_px << 16 : 0);
	bytes_put_u32(w, is_video ? t->height_px << 16 : 0);
	mp4_box_end(w, box);
}

static void write_mdhd(struct bytes_writer *w, uint32_t timescale)
{
	size_t box = mp4_full_box_begin(w, "mdhd", 0, 0);

	bytes_put_zeros(w, 8);
	bytes_put_u32(w, timescale);
	bytes_put_u32(w, 0);
	bytes_put_u16(w, 0x55c4); /* "und" */
	bytes_put_u16(w, 0);
	mp4_box_end(w, box);
}

/* ISO 14496-15 §5.4.2.1, §8.4.1.1: the record goes in as it is */
static void write_visual_entry(struct bytes_writer *w, const struct track *t)
{
	bool is_h264 = t->codec == CODEC_H264;
	size_t entry = mp4_box_begin(w, is_h264 ? "avc1" : "hvc1");
	size_t record;

	bytes_put_zeros(w, 6);
	bytes_put_u16(w, 1); /* data reference */
	bytes_put_zeros(w, 16);
	bytes_put_u16(w, (uint16_t)t->width_px);
	bytes_put_u16(w, (uint16_t)t->height_px);
	bytes_put_u32(w, 0x00480000); /* 72 dpi, both ways */
	bytes_put_u32(w, 0x00480000);
	bytes_put_u32(w, 0);
	bytes_put_u16(w, 1); /* frames per sample */
	bytes_put_zeros(w, 32);
	bytes_put_u16(w, 0x0018);
	bytes_put_u16(w, 0xffff);
	record = mp4_box_begin(w, is_h264 ? "avcC" : "hvcC");
	bytes_put(w, t->config, t->config_len);
	mp4_box_end(w, record);
	mp4_box_end(w, entry);
}

/* A descriptor's tag and its length in four bytes of seven bits, ISO 14496-1 §8.3.3. */
static void write_descriptor(struct bytes_writer *w, uint8_t tag, size_t len)
{
	bytes_put_u8(w, tag);
	for (unsigned i = 4; i-- > 0;)
		bytes_put_u8(w, (uint8_t)((len >> (7 * i) & 0x7f) | (i > 0 ? 0x80 : 0)));
}

/* ISO 14496-14 §5.6: ES, DecoderConfig, DecoderSpecificInfo, SLConfig */
static void write_esds(struct bytes_writer *w, const struct track *t)
{
	size_t box = mp4_full_box_begin(w, "esds", 0, 0);
	size_t specific = 5 + t->config_len;
	size_t config = 13 + specific;

	write_descriptor(w, 0x03, 3 + 5 + config + 5 + 1);
	bytes_put_u16(w, (uint16_t)fmp4_track_id(t->kind));
	bytes_put_u8(w, 0);
	write_descriptor(w, 0x04, config);
	bytes_put_u8(w, 0x40);	/* MPEG-4 audio */
	bytes_put_u8(w, 0x15);	/* audio stream */
	bytes_put_zeros(w, 11); /* buffer size, peak and average rate: not known */
	write_descriptor(w, 0x05, t->config_len);
	bytes_put(w, t->config, t->config_len);
	write_descriptor(w, 0x06, 1);
	bytes_put_u8(w, 2); /* as MP4 files have it */
	mp4_box_end(w, box);
}

/* "Opus in ISOBMFF" §4.3.2 */
static void write_dops(struct bytes_writer *w, const struct track *t)
{
	size_t box = mp4_box_begin(w, "dOps");
	struct opus_config config;

	if (opus_config_parse(&config, t->config, t->config_len) != PARSE_OK) {
		opus_config_default(&config);
		config.channels = (uint8_t)t->channels;
		config.input_rate_hz = t->sample_rate_hz;
	}
	opus_config_write_dops(&config, w);
	mp4_box_end(w, box);
}

static void write_audio_entry(struct bytes_writer *w, const struct track *t)
{
	uint32_t rate_hz = fmp4_timescale(t);
	size_t entry = mp4_box_begin(w, t->codec == CODEC_AAC ? "mp4a" : "Opus");

	bytes_put_zeros(w, 6);
	bytes_put_u16(w, 1);
	bytes_put_zeros(w, 8);
	bytes_put_u16(w, (uint16_t)t->channels);
	bytes_put_u16(w, 16);
	bytes_put_zeros(w, 4);
	bytes_put_u32(w, rate_hz <= UINT16_MAX ? rate_hz << 16 : 0); /* 16.16; 0 beyond what fits: esds says it */
	if (t->codec == CODEC_AAC)
		write_esds(w, t);
	else
		write_dops(w, t);
	mp4_box_end(w, entry);
}

static void write_stbl(struct bytes_writer *w, const struct track *t)
{
	static const char empty[3][5] = { "stts", "stsc", "stco" };
	size_t stbl = mp4_box_begin(w, "stbl");
	size_t box = mp4_full_box_begin(w, "stsd", 0, 0);

	bytes_put_u32(w, 1);
	if (t->kind == TRACK_VIDEO)
		write_visual_entry(w, t);
	else
		write_audio_entry(w, t);
	mp4_box_end(w, box);
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		box = mp4_full_box_begin(w, empty[i], 0, 0);
		bytes_put_u32(w, 0);
		mp4_box_end(w, box);
	}
	box = mp4_full_box_begin(w, "stsz", 0, 0);
	bytes_put_zeros(w, 8);
	mp4_box_end(w, box);
	mp4_box_end(w, stbl);
}

static void write_trak(struct bytes_writer *w, const struct track *t, uint32_t timescale)
{
	size_t trak = mp4_box_begin(w, "trak");
	size_t mdia;
	size_t minf;

	write_tkhd(w, t);
	mdia = mp4_box_begin(w, "mdia");
	write_mdhd(w, timescale);
	mp4_box_hdlr(w, t->kind);
	minf = mp4_box_begin(w, "minf");
	mp4_box_media_header(w, t->kind);
	mp4_box_dinf(w);
	write_stbl(w, t);
	mp4_box_end(w, minf);
	mp4_box_end(w, mdia);
	mp4_box_end(w, trak);
}

/* §8.8.3 */
static void write_trex(struct bytes_writer *w, const struct track *t)
{
	size_t box = mp4_full_box_begin(w, "trex", 0, 0);

	bytes_put_u32(w, fmp4_track_id(t->kind));
	bytes_put_u32(w, 1); /* sample description */
	bytes_put_zeros(w, 8);
	bytes_put_u32(w, t->kind == TRACK_VIDEO ? SAMPLE_FLAGS_OTHER : SAMPLE_FLAGS_KEY);
	mp4_box_end(w, box);
}

static bool is_describable(const struct track *t)
{
	if (t->kind == TRACK_VIDEO)
		return (t->codec == CODEC_H264 || t->codec == CODEC_H265) && t->config_len > 0 &&
		    t->width_px <= UINT16_MAX && t->height_px <= UINT16_MAX;
	return t->codec == CODEC_OPUS || (t->codec == CODEC_AAC && t->config_len > 0);
}

int fmp4_write_init(struct bytes_writer *w, const struct track *const tracks[], size_t n)
{
	return fmp4_write_init_scaled(w, tracks, n, 0);
}

int fmp4_write_init_scaled(
    struct bytes_writer *w, const struct track *const tracks[], size_t n, uint32_t audio_timescale)
{
	size_t moov;
	size_t mvex;

	assert(n >= 1 && n <= TRACK_KINDS);
	for (size_t i = 0; i < n; i++) {
		if (!is_describable(tracks[i]))
			return -EINVAL;
	}
	write_ftyp(w);
	moov = mp4_box_begin(w, "moov");
	write_mvhd(w);
	for (size_t i = 0; i < n; i++) {
		bool is_scaled = audio_timescale > 0 && tracks[i]->kind == TRACK_AUDIO;

		write_trak(w, tracks[i], is_scaled ? audio_timescale : fmp4_timescale(tracks[i]));
	}
	mvex = mp4_box_begin(w, "mvex");
	for (size_t i = 0; i < n; i++)
		write_trex(w, tracks[i]);
	mp4_box_end(w, mvex);
	mp4_box_end(w, moov);
	return w->is_full ? -ENOMEM : 0;
}

/* §8.8.8. Returns where the data offset stands: it is known only when the moof is complete. */
static size_t write_trun(struct bytes_writer *w, const struct fmp4_run *run)
{
	bool is_video = run->kind == TRACK_VIDEO;
	uint32_t flags = TRUN_DATA_OFFSET | TRUN_DURATION | TRUN_SIZE;
	size_t box;
	size_t offset_at;

	if (is_video)
		flags |= TRUN_FLAGS | TRUN_COMPOSITION;
	box = mp4_full_box_begin(w, "trun", 1, flags); /* version 1: signed composition offsets */
	bytes_put_u32(w, run->sample_count);
	offset_at = w->len;
	bytes_put_u32(w, 0);
	for (uint32_t i = 0; i < run->sample_count; i++) {
		const struct fmp4_sample *s = &run->samples[i];

		bytes_put_u32(w, s->duration);
		bytes_put_u32(w, s->size_bytes);
		if (!is_video)
			continue;
		bytes_put_u32(w, s->is_key ? SAMPLE_FLAGS_KEY : SAMPLE_FLAGS_OTHER);
		bytes_put_u32(w, (uint32_t)s->composition_offset);
	}
	mp4_box_end(w, box);
	return offset_at;
}

static size_t write_traf(struct bytes_writer *w, const struct fmp4_run *run)
{
	size_t traf = mp4_box_begin(w, "traf");
	size_t box;
	size_t offset_at;

	box = mp4_full_box_begin(w, "tfhd", 0, TFHD_DEFAULT_BASE_IS_MOOF | TFHD_DEFAULT_FLAGS);
	bytes_put_u32(w, fmp4_track_id(run->kind));
	bytes_put_u32(w, run->kind == TRACK_VIDEO ? SAMPLE_FLAGS_OTHER : SAMPLE_FLAGS_KEY);
	mp4_box_end(w, box);
	box = mp4_full_box_begin(w, "tfdt", 1, 0);
	bytes_put_u64(w, run->base_decode_time);
	mp4_box_end(w, box);
	offset_at = write_trun(w, run);
	mp4_box_end(w, traf);
	return offset_at;
}

int fmp4_write_moof(struct bytes_writer *w, uint32_t sequence, const struct fmp4_run runs[], size_t n)
{
	size_t offset_at[TRACK_KINDS] = { 0 };
	size_t moof = mp4_box_begin(w, "moof");
	size_t box = mp4_full_box_begin(w, "mfhd", 0, 0);
	size_t moof_bytes;

	assert(n <= TRACK_KINDS);
	bytes_put_u32(w, sequence);
	mp4_box_end(w, box);
	for (size_t i = 0; i < n; i++) {
		if (runs[i].sample_count > 0)
			offset_at[i] = write_traf(w, &runs[i]);
	}
	mp4_box_end(w, moof);
	if (w->is_full)
		return -ENOMEM;
	moof_bytes = w->len - moof;
	for (size_t i = 0; i < n; i++) {
		if (offset_at[i] > 0)
			bytes_patch_u32(
			    w, offset_at[i], (uint32_t)(moof_bytes + FMP4_MDAT_HEADER_BYTES + runs[i].mdat_offset));
	}
	return 0;
}

void fmp4_write_mdat_header(struct bytes_writer *w, size_t payload_bytes)
{
	assert(payload_bytes <= UINT32_MAX - FMP4_MDAT_HEADER_BYTES);
	bytes_put_u32(w, (uint32_t)(payload_bytes + FMP4_MDAT_HEADER_BYTES));
	bytes_put(w, "mdat", 4);
}
