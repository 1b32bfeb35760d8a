/* SPDX-License-Identifier: Apache-2.0 */
#include "media/fmp4_scan.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "media/aac.h"
#include "media/h264.h"
#include "media/h265.h"
#include "media/opus.h"

enum {
	BOX_HEADER_BYTES = 8,
	MFHD_BYTES = 16,
	TFHD_BYTES = 20,
	TFDT_BYTES = 20,
	TRUN_FIXED_BYTES = 20,
	TFHD_FLAGS = 0x020020, /* default-base-is-moof, default flags */
	TRUN_AUDIO_FLAGS = 0x000301,
	TRUN_VIDEO_FLAGS = 0x000f01,
	AUDIO_ENTRY_BYTES = 8,
	VIDEO_ENTRY_BYTES = 16,
	SAMPLE_FLAGS_KEY = 0x02000000,
	SAMPLE_FLAGS_OTHER = 0x01010000,
	VISUAL_FIXED_BYTES = 78, /* of a sample entry, before its boxes */
	AUDIO_FIXED_BYTES = 28,
	DOPS_FIXED_BYTES = 11,
	DESCRIPTOR_ES = 3,
	DESCRIPTOR_DECODER = 4,
	DESCRIPTOR_SPECIFIC = 5,
};

/* Times beyond this are no stream's; products with 90000 stay inside 63 bits. */
static const uint64_t max_time = UINT64_C(1) << 46;

struct box {
	const uint8_t *type;
	struct bytes_reader body;
};

/* The next whole box of the reader, which must hold it; false at the end or when what is there is none. */
static bool next_box(struct bytes_reader *r, struct box *box)
{
	uint32_t size = bytes_u32(r);

	box->type = bytes_take(r, 4);
	if (!box->type || size < BOX_HEADER_BYTES || size - BOX_HEADER_BYTES > bytes_left(r))
		return false;
	bytes_reader_init(&box->body, r->pos, size - BOX_HEADER_BYTES);
	bytes_skip(r, size - BOX_HEADER_BYTES);
	return true;
}

static bool is_type(const struct box *box, const char type[static 4])
{
	return memcmp(box->type, type, 4) == 0;
}

/* The first box of this type at this level, others are stepped over. */
static bool find_box(struct bytes_reader r, const char type[static 4], struct box *box)
{
	while (next_box(&r, box)) {
		if (is_type(box, type))
			return true;
	}
	return false;
}

/* ---- init segment ---- */

/* A box at the top of a file, of which the rest may be missing. *bytes: its size, header included. */
static enum parse_result top_box(
    const uint8_t *data, size_t len, const char type[static 4], size_t max_bytes, size_t *bytes)
{
	struct bytes_reader r;

	bytes_reader_init(&r, data, len);
	if (len < BOX_HEADER_BYTES)
		return PARSE_MORE;
	*bytes = bytes_u32(&r);
	if (memcmp(bytes_take(&r, 4), type, 4) != 0 || *bytes < BOX_HEADER_BYTES || *bytes > max_bytes)
		return PARSE_BAD;
	return *bytes <= len ? PARSE_OK : PARSE_MORE;
}

/* mdhd, version 0 as we write it: §8.4.2.2 */
static uint32_t timescale_of(struct bytes_reader mdia)
{
	struct box mdhd;

	if (!find_box(mdia, "mdhd", &mdhd) || bytes_u32(&mdhd.body) != 0)
		return 0;
	bytes_skip(&mdhd.body, 8);
	return bytes_u32(&mdhd.body);
}

static bool read_kind(struct bytes_reader mdia, enum track_kind *kind)
{
	const uint8_t *handler;
	struct box hdlr;

	if (!find_box(mdia, "hdlr", &hdlr))
		return false;
	bytes_skip(&hdlr.body, 8);
	handler = bytes_take(&hdlr.body, 4);
	if (!handler)
		return false;
	*kind = memcmp(handler, "vide", 4) == 0 ? TRACK_VIDEO : TRACK_AUDIO;
	return *kind == TRACK_VIDEO || memcmp(handler, "soun", 4) == 0;
}

/* §8.5.2: one sample entry */
static bool read_entry(struct bytes_reader mdia, struct box *entry)
{
	struct box minf;
	struct box stbl;
	struct box stsd;

	if (!find_box(mdia, "minf", &minf) || !find_box(minf.body, "stbl", &stbl) ||
	    !find_box(stbl.body, "stsd", &stsd))
		return false;
	bytes_skip(&stsd.body, 4);
	return bytes_u32(&stsd.body) == 1 && next_box(&stsd.body, entry);
}

static bool has_id_of(struct bytes_reader trak, enum track_kind kind)
{
	struct box tkhd;

	if (!find_box(trak, "tkhd", &tkhd) || bytes_u8(&tkhd.body) != 0)
		return false;
	bytes_skip(&tkhd.body, 3 + 8);
	return bytes_u32(&tkhd.body) == fmp4_track_id(kind);
}

static bool read_trak(struct fmp4_scan_init *out, struct bytes_reader trak, const uint8_t *data)
{
	struct fmp4_scan_track *t = &out->tracks[out->track_count];
	struct box mdia;
	struct box entry;

	if (out->track_count == TRACK_KINDS || !find_box(trak, "mdia", &mdia) || !read_kind(mdia.body, &t->kind) ||
	    !has_id_of(trak, t->kind) || !read_entry(mdia.body, &entry))
		return false;
	/* Video before audio, each once. */
	if (out->track_count > 0 && t->kind <= out->tracks[out->track_count - 1].kind)
		return false;
	t->timescale = timescale_of(mdia.body);
	t->entry_offset = (size_t)(entry.type - data) - 4;
	t->entry_bytes = bytes_left(&entry.body) + BOX_HEADER_BYTES;
	out->track_count++;
	return t->timescale > 0;
}

enum parse_result fmp4_scan_read_init(struct fmp4_scan_init *out, const uint8_t *data, size_t len)
{
	size_t ftyp_bytes = 0;
	size_t moov_bytes = 0;
	enum parse_result result = top_box(data, len, "ftyp", FMP4_SCAN_INIT_MAX_BYTES, &ftyp_bytes);
	struct bytes_reader moov;
	struct box box;

	memset(out, 0, sizeof(*out));
	if (result == PARSE_OK)
		result = top_box(
		    data + ftyp_bytes, len - ftyp_bytes, "moov", FMP4_SCAN_INIT_MAX_BYTES - ftyp_bytes, &moov_bytes);
	if (result != PARSE_OK)
		return result;
	out->bytes = ftyp_bytes + moov_bytes;
	bytes_reader_init(&moov, data + ftyp_bytes + BOX_HEADER_BYTES, moov_bytes - BOX_HEADER_BYTES);
	while (bytes_left(&moov) > 0) {
		if (!next_box(&moov, &box))
			return PARSE_BAD;
		if (is_type(&box, "trak") && !read_trak(out, box.body, data))
			return PARSE_BAD;
	}
	return out->track_count > 0 ? PARSE_OK : PARSE_BAD;
}

/* ---- sample entries ---- */

/* The body of a descriptor, ISO 14496-1 §8.3.3: a tag, and a length in up to four bytes of seven bits. */
static bool read_descriptor(struct bytes_reader *r, uint8_t tag, struct bytes_reader *body)
{
	uint8_t is_tag = bytes_u8(r);
	uint32_t len = 0;
	const uint8_t *data;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t byte = bytes_u8(r);

		len = len << 7 | (byte & 0x7f);
		if (!(byte & 0x80))
			break;
	}
	data = bytes_take(r, len);
	if (is_tag != tag || !data || r->is_short)
		return false;
	bytes_reader_init(body, data, len);
	return true;
}

/* ISO 14496-14 §5.6 */
static int aac_of(struct track **out, struct bytes_reader boxes)
{
	struct bytes_reader es;
	struct bytes_reader decoder;
	struct bytes_reader specific;
	struct box esds;

	if (!find_box(boxes, "esds", &esds))
		return PARSE_BAD;
	bytes_skip(&esds.body, 4);
	if (!read_descriptor(&esds.body, DESCRIPTOR_ES, &es))
		return PARSE_BAD;
	bytes_skip(&es, 3);
	if (!read_descriptor(&es, DESCRIPTOR_DECODER, &decoder))
		return PARSE_BAD;
	bytes_skip(&decoder, 13);
	if (!read_descriptor(&decoder, DESCRIPTOR_SPECIFIC, &specific))
		return PARSE_BAD;
	return aac_track_create(out, specific.pos, bytes_left(&specific));
}

/* "Opus in ISOBMFF" §4.3.2. By way of the header that RFC 7845 has, whose reader knows what is allowed. */
static int opus_of(struct track **out, struct bytes_reader boxes)
{
	struct opus_config config = { 0 };
	uint8_t head[64];
	struct bytes_writer w;
	struct box dops;

	if (!find_box(boxes, "dOps", &dops) || bytes_left(&dops.body) < DOPS_FIXED_BYTES || bytes_u8(&dops.body) != 0)
		return PARSE_BAD;
	config.channels = bytes_u8(&dops.body);
	config.pre_skip = bytes_u16(&dops.body);
	config.input_rate_hz = bytes_u32(&dops.body);
	config.output_gain = bytes_u16(&dops.body);
	config.mapping_family = bytes_u8(&dops.body);
	if (config.channels == 0 || config.channels > OPUS_MAX_CHANNELS)
		return PARSE_BAD;
	if (config.mapping_family != 0) {
		config.streams = bytes_u8(&dops.body);
		config.coupled = bytes_u8(&dops.body);
		for (unsigned i = 0; i < config.channels; i++)
			config.mapping[i] = bytes_u8(&dops.body);
	}
	if (dops.body.is_short)
		return PARSE_BAD;
	bytes_writer_init_fixed(&w, head, sizeof(head));
	opus_config_write_head(&config, &w);
	return w.is_full ? PARSE_BAD : opus_track_create(out, head, w.len);
}

static int video_of(struct track **out, struct bytes_reader boxes, bool is_h264)
{
	struct box record;

	if (!find_box(boxes, is_h264 ? "avcC" : "hvcC", &record))
		return PARSE_BAD;
	if (is_h264)
		return h264_track_create(out, record.body.pos, bytes_left(&record.body));
	return h265_track_create(out, record.body.pos, bytes_left(&record.body));
}

int fmp4_scan_track_create(struct track **out, const struct fmp4_scan_init *init, size_t index, const uint8_t *data)
{
	const struct fmp4_scan_track *t = &init->tracks[index];
	struct bytes_reader r;
	struct box entry;

	assert(index < init->track_count);
	*out = NULL;
	bytes_reader_init(&r, data + t->entry_offset, t->entry_bytes);
	if (!next_box(&r, &entry))
		return PARSE_BAD;
	bytes_skip(&entry.body, t->kind == TRACK_VIDEO ? VISUAL_FIXED_BYTES : AUDIO_FIXED_BYTES);
	if (t->kind == TRACK_VIDEO && (is_type(&entry, "avc1") || is_type(&entry, "hvc1")))
		return video_of(out, entry.body, is_type(&entry, "avc1"));
	if (t->kind == TRACK_AUDIO && is_type(&entry, "mp4a"))
		return aac_of(out, entry.body);
	if (t->kind == TRACK_AUDIO && is_type(&entry, "Opus"))
		return opus_of(out, entry.body);
	return PARSE_BAD;
}

/* ---- fragments ---- */

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t entry_bytes_of(enum track_kind kind)
{
	return kind == TRACK_VIDEO ? VIDEO_ENTRY_BYTES : AUDIO_ENTRY_BYTES;
}

struct fmp4_sample fmp4_scan_sample(const struct fmp4_scan_run *run, uint32_t index)
{
	const uint8_t *entry = run->entries + (size_t)index * entry_bytes_of(run->kind);
	struct fmp4_sample s = { .duration = read_u32(entry), .size_bytes = read_u32(entry + 4), .is_key = true };

	assert(index < run->sample_count);
	if (run->kind == TRACK_VIDEO) {
		s.is_key = read_u32(entry + 8) == SAMPLE_FLAGS_KEY;
		s.composition_offset = (int32_t)read_u32(entry + 12);
	}
	return s;
}

/* Header, size and version-and-flags of a box that we know to the byte. */
static bool take_box(struct bytes_reader *r, const char type[static 4], uint32_t size, uint32_t version_and_flags)
{
	const uint8_t *is_type_at;
	bool is_size = bytes_u32(r) == size;

	is_type_at = bytes_take(r, 4);
	return is_type_at && is_size && memcmp(is_type_at, type, 4) == 0 && bytes_u32(r) == version_and_flags &&
	    !r->is_short;
}

/* Sums over the samples. False when one of them is none of ours or they cannot be that many bytes. */
static bool add_up(struct fmp4_scan_run *run)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < run->sample_count; i++) {
		const uint8_t *entry = run->entries + (size_t)i * entry_bytes_of(run->kind);
		struct fmp4_sample s = fmp4_scan_sample(run, i);

		if (run->kind == TRACK_VIDEO && !s.is_key && read_u32(entry + 8) != SAMPLE_FLAGS_OTHER)
			return false;
		run->duration += s.duration;
		bytes += s.size_bytes;
	}
	run->bytes = (uint32_t)bytes;
	return bytes <= UINT32_MAX - FMP4_MDAT_HEADER_BYTES;
}

/* §8.8.8. *data_offset is counted from the moof. */
static bool read_trun(struct fmp4_scan_run *run, struct bytes_reader *r, uint32_t *data_offset)
{
	uint32_t flags = run->kind == TRACK_VIDEO ? TRUN_VIDEO_FLAGS : TRUN_AUDIO_FLAGS;
	size_t entry_bytes = entry_bytes_of(run->kind);
	size_t bytes = bytes_left(r);

	if (bytes < TRUN_FIXED_BYTES || !take_box(r, "trun", (uint32_t)bytes, 1u << 24 | flags))
		return false;
	run->sample_count = bytes_u32(r);
	*data_offset = bytes_u32(r);
	if (run->sample_count == 0 || bytes_left(r) != (uint64_t)run->sample_count * entry_bytes)
		return false;
	run->entries = bytes_take(r, bytes_left(r));
	return add_up(run);
}

static bool read_traf(
    struct fmp4_scan_run *run, struct bytes_reader traf, const struct fmp4_scan_init *init, uint32_t *data_offset)
{
	uint32_t id;
	uint32_t default_flags;
	size_t i = 0;

	if (!take_box(&traf, "tfhd", TFHD_BYTES, TFHD_FLAGS))
		return false;
	id = bytes_u32(&traf);
	default_flags = bytes_u32(&traf);
	while (i < init->track_count && fmp4_track_id(init->tracks[i].kind) != id)
		i++;
	if (i == init->track_count)
		return false;
	run->kind = init->tracks[i].kind;
	if (default_flags != (run->kind == TRACK_VIDEO ? SAMPLE_FLAGS_OTHER : SAMPLE_FLAGS_KEY))
		return false;
	if (!take_box(&traf, "tfdt", TFDT_BYTES, 1u << 24))
		return false;
	run->base_decode_time = bytes_u64(&traf);
	return run->base_decode_time <= max_time && read_trun(run, &traf, data_offset);
}

/* The runs stand one behind the other in the mdat, from its first byte of payload to its last. */
static bool read_trafs(struct fmp4_scan_fragment *out, struct bytes_reader r, const struct fmp4_scan_init *init)
{
	uint64_t mdat_offset = 0;
	struct box traf;

	while (bytes_left(&r) > 0) {
		struct fmp4_scan_run *run = &out->runs[out->run_count];
		uint32_t data_offset;

		if (out->run_count == TRACK_KINDS || !next_box(&r, &traf) || !is_type(&traf, "traf") ||
		    !read_traf(run, traf.body, init, &data_offset))
			return false;
		if (out->run_count > 0 && run->kind <= run[-1].kind)
			return false;
		if (data_offset != out->moof_bytes + FMP4_MDAT_HEADER_BYTES + mdat_offset)
			return false;
		run->mdat_offset = (uint32_t)mdat_offset;
		mdat_offset += run->bytes;
		out->run_count++;
	}
	return out->run_count > 0 && mdat_offset + FMP4_MDAT_HEADER_BYTES == out->mdat_bytes;
}

enum parse_result fmp4_scan_read_fragment(
    struct fmp4_scan_fragment *out, const struct fmp4_scan_init *init, const uint8_t *data, size_t len)
{
	size_t moof_bytes = 0;
	enum parse_result result = top_box(data, len, "moof", FMP4_SCAN_MOOF_MAX_BYTES, &moof_bytes);
	struct bytes_reader r;

	memset(out, 0, sizeof(*out));
	if (result != PARSE_OK)
		return result;
	if (len - moof_bytes < FMP4_MDAT_HEADER_BYTES)
		return PARSE_MORE;
	out->moof_bytes = (uint32_t)moof_bytes;
	out->mdat_bytes = read_u32(data + moof_bytes);
	if (memcmp(data + moof_bytes + 4, "mdat", 4) != 0)
		return PARSE_BAD;
	bytes_reader_init(&r, data + BOX_HEADER_BYTES, moof_bytes - BOX_HEADER_BYTES);
	if (!take_box(&r, "mfhd", MFHD_BYTES, 0))
		return PARSE_BAD;
	out->sequence = bytes_u32(&r);
	return read_trafs(out, r, init) ? PARSE_OK : PARSE_BAD;
}
