/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_psi.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "media/ts_bitstream.h"

enum {
	STUFFING = 0xff, /* a table_id nobody has: the packet's rest is filled with it */
	TRANSPORT_STREAM_ID = 1,
	DESC_REGISTRATION = 0x05,
	DESC_AC3 = 0x6a, /* ETSI EN 300 468 */
	DESC_EAC3 = 0x7a,
	DESC_DTS = 0x7b,
	DESC_AAC = 0x7c,
	DESC_EXTENSION = 0x7f,
	DESC_EXTENSION_OPUS = 0x80, /* ETSI TS 103 491 */
	STREAM_PRIVATE = 0x06,
	OPUS_DUAL_MONO = 0,
	OPUS_UNCOUPLED = 0x80, /* plus the channels */
};

/* ---- sections ---- */

void ts_section_drop(struct ts_section *s)
{
	s->is_open = false;
	s->len = 0;
}

/* Of the section that is open; 0 while its header is not all there. */
static size_t wanted_bytes(const struct ts_section *s)
{
	return s->len < PSI_HEADER_SIZE ? 0 : (size_t)PSI_HEADER_SIZE + psi_get_length(s->data);
}

/* Appends what belongs to the open section. False: it is too long to be one of ours. */
static bool append(struct ts_section *s, struct bytes_reader *r)
{
	while (bytes_left(r) > 0) {
		size_t wanted = wanted_bytes(s);
		size_t n = wanted == 0 ? PSI_HEADER_SIZE - s->len : wanted - s->len;

		if (wanted > TS_SECTION_MAX_BYTES)
			return false;
		if (n == 0)
			break;
		n = n < bytes_left(r) ? n : bytes_left(r);
		memcpy(s->data + s->len, bytes_take(r, n), n);
		s->len += n;
	}
	return wanted_bytes(s) <= TS_SECTION_MAX_BYTES;
}

static bool is_whole(const struct ts_section *s)
{
	return s->len >= PSI_HEADER_SIZE && s->len == wanted_bytes(s);
}

/* All of ours have the long header and a checksum; what has not is for somebody else and no fault. */
static unsigned hand_out(struct ts_section *s, ts_section_fn *fn, void *ctx)
{
	if (!psi_get_syntax(s->data))
		return 0;
	if (s->len < PSI_HEADER_SIZE_SYNTAX1 + PSI_CRC_SIZE || !psi_check_crc(s->data))
		return 1;
	fn(ctx, s->data, s->len);
	return 0;
}

/* Sections one behind the other until the packet ends or is only filled up. */
static unsigned take_bytes(struct ts_section *s, struct bytes_reader *r, ts_section_fn *fn, void *ctx)
{
	unsigned n_bad = 0;

	while (s->is_open) {
		/* No section begins here without a pointer to it. */
		if (s->len == 0 && (bytes_left(r) == 0 || *r->pos == STUFFING)) {
			ts_section_drop(s);
			break;
		}
		if (!append(s, r)) {
			ts_section_drop(s);
			return n_bad + 1;
		}
		if (!is_whole(s))
			break;
		n_bad += hand_out(s, fn, ctx);
		s->len = 0;
	}
	return n_bad;
}

unsigned ts_section_take(struct ts_section *s, const struct ts_packet *p, ts_section_fn *fn, void *ctx)
{
	struct bytes_reader r;
	struct bytes_reader before;
	unsigned n_bad = 0;
	size_t pointer;

	bytes_reader_init(&r, p->payload, p->payload_len);
	if (!p->is_unit_start)
		return take_bytes(s, &r, fn, ctx);
	/* pointer_field: so many bytes still belong to the section before (§2.4.4.2) */
	pointer = bytes_u8(&r);
	before = r;
	bytes_skip(&r, pointer);
	if (r.is_short) {
		ts_section_drop(s);
		return 1;
	}
	before.end = r.pos;
	if (s->len > 0)
		n_bad += take_bytes(s, &before, fn, ctx);
	ts_section_drop(s);
	s->is_open = true;
	return n_bad + take_bytes(s, &r, fn, ctx);
}

size_t ts_section_packets(size_t len)
{
	return (1 + len + TS_PAYLOAD_MAX_BYTES - 1) / TS_PAYLOAD_MAX_BYTES;
}

size_t ts_section_write(
    uint8_t out[][TS_PACKET_BYTES], const uint8_t *section, size_t len, const struct ts_packet *first)
{
	struct ts_packet p = *first;
	size_t n = 0;

	assert(len > 0 && len <= TS_SECTION_MAX_BYTES);
	p.is_unit_start = true;
	while (len > 0) {
		/* Filled up behind the section, not by an adaptation field (§2.4.4). */
		size_t room = p.payload_len = ts_packet_room(&p);
		uint8_t *to = ts_packet_write(out[n++], &p);

		if (p.is_unit_start) {
			*to++ = 0;
			room--;
		}
		if (room > len) {
			memset(to + len, STUFFING, room - len);
			room = len;
		}
		memcpy(to, section, room);
		section += room;
		len -= room;
		p.is_unit_start = p.is_discontinuity = false;
		p.continuity = (p.continuity + 1) & 0x0f;
	}
	return n;
}

/* ---- program association table ---- */

/* Behind the long header, before the checksum; the caller's section is whole. */
static void open_body(struct bytes_reader *r, const uint8_t *section, size_t len)
{
	bytes_reader_init(r, section, len - PSI_CRC_SIZE);
	bytes_skip(r, PSI_HEADER_SIZE_SYNTAX1);
}

enum parse_result ts_pat_parse(struct ts_pat *out, const uint8_t *section, size_t len)
{
	struct bytes_reader r;

	*out = (struct ts_pat){ 0 };
	if (psi_get_tableid(section) != PAT_TABLE_ID || !psi_get_current(section) || psi_get_section(section) != 0)
		return PARSE_MORE;
	open_body(&r, section, len);
	while (bytes_left(&r) >= PAT_PROGRAM_SIZE && !out->has_program) {
		const uint8_t *entry = bytes_take(&r, PAT_PROGRAM_SIZE);

		out->program = patn_get_program(entry);
		out->pmt_pid = patn_get_pid(entry);
		out->has_program = out->program != 0; /* 0 is the network's own table */
	}
	return PARSE_OK;
}

size_t ts_pat_write(uint8_t *section, const struct ts_pat *pat)
{
	uint8_t *entry = section + PAT_HEADER_SIZE;

	pat_init(section);
	pat_set_length(section, PAT_PROGRAM_SIZE);
	pat_set_tsid(section, TRANSPORT_STREAM_ID);
	psi_set_version(section, 0);
	psi_set_current(section);
	psi_set_section(section, 0);
	psi_set_lastsection(section, 0);
	patn_init(entry);
	patn_set_program(entry, pat->program);
	patn_set_pid(entry, pat->pmt_pid);
	psi_set_crc(section);
	return PAT_HEADER_SIZE + PAT_PROGRAM_SIZE + PSI_CRC_SIZE;
}

/* ---- program map table ---- */

struct known_type {
	uint8_t stream_type;
	enum ts_stream_kind kind;
	bool is_relayed;
	enum track_codec codec;
	const char *name;
};

/* ISO 13818-1 table 2-34, and what is common above 0x7f. */
static const struct known_type known_types[] = {
	{ 0x1b, TS_STREAM_VIDEO, true, CODEC_H264, "h264" },
	{ 0x24, TS_STREAM_VIDEO, true, CODEC_H265, "h265" },
	{ 0x0f, TS_STREAM_AUDIO, true, CODEC_AAC, "aac" },
	{ 0x01, TS_STREAM_VIDEO, false, CODECS, "mpeg1-video" },
	{ 0x02, TS_STREAM_VIDEO, false, CODECS, "mpeg2-video" },
	{ 0x10, TS_STREAM_VIDEO, false, CODECS, "mpeg4-video" },
	{ 0x20, TS_STREAM_VIDEO, false, CODECS, "h264-mvc" },
	{ 0x21, TS_STREAM_VIDEO, false, CODECS, "jpeg2000" },
	{ 0x32, TS_STREAM_VIDEO, false, CODECS, "jpeg-xs" },
	{ 0x33, TS_STREAM_VIDEO, false, CODECS, "h266" },
	{ 0x42, TS_STREAM_VIDEO, false, CODECS, "avs" },
	{ 0xd1, TS_STREAM_VIDEO, false, CODECS, "dirac" },
	{ 0xea, TS_STREAM_VIDEO, false, CODECS, "vc1" },
	{ 0x03, TS_STREAM_AUDIO, false, CODECS, "mpeg-audio" },
	{ 0x04, TS_STREAM_AUDIO, false, CODECS, "mpeg-audio" },
	{ 0x11, TS_STREAM_AUDIO, false, CODECS, "aac-latm" },
	{ 0x81, TS_STREAM_AUDIO, false, CODECS, "ac3" },
	{ 0x82, TS_STREAM_AUDIO, false, CODECS, "dts" },
	{ 0x87, TS_STREAM_AUDIO, false, CODECS, "eac3" },
	{ 0x8a, TS_STREAM_AUDIO, false, CODECS, "dts" },
};

/* What a private stream says it is: by its registration, or by a descriptor of DVB. */
static const struct known_format {
	char registration[5];
	struct known_type type;
} known_formats[] = {
	{ "HEVC", { 0x24, TS_STREAM_VIDEO, true, CODEC_H265, "h265" } },
	{ "VVC ", { 0, TS_STREAM_VIDEO, false, CODECS, "h266" } },
	{ "AV01", { 0, TS_STREAM_VIDEO, false, CODECS, "av1" } },
	{ "VC-1", { 0, TS_STREAM_VIDEO, false, CODECS, "vc1" } },
	{ "Opus", { 0, TS_STREAM_AUDIO, false, CODECS, "opus" } },
	{ "AC-3", { 0, TS_STREAM_AUDIO, false, CODECS, "ac3" } },
	{ "EAC3", { 0, TS_STREAM_AUDIO, false, CODECS, "eac3" } },
	{ "BSSD", { 0, TS_STREAM_AUDIO, false, CODECS, "smpte302m" } },
};

static void set_type(struct ts_pmt_stream *s, const struct known_type *type)
{
	s->kind = type->kind;
	s->is_relayed = type->is_relayed;
	s->codec = type->codec;
	s->codec_name = type->name;
}

static void set_audio_name(struct ts_pmt_stream *s, const char *name)
{
	set_type(s, &(struct known_type){ 0, TS_STREAM_AUDIO, false, CODECS, name });
}

/* How streams and channels go together in the order of Vorbis, by the number of channels (RFC 7845 §5.1.1.2). */
static const struct opus_layout {
	uint8_t streams;
	uint8_t coupled;
	uint8_t mapping[OPUS_MAX_CHANNELS];
} opus_layouts[OPUS_MAX_CHANNELS + 1] = {
	[1] = { 1, 0, { 0 } },
	[2] = { 1, 1, { 0, 1 } },
	[3] = { 2, 1, { 0, 2, 1 } },
	[4] = { 2, 2, { 0, 1, 2, 3 } },
	[5] = { 3, 2, { 0, 4, 1, 2, 3 } },
	[6] = { 4, 2, { 0, 4, 1, 2, 3, 5 } },
	[7] = { 4, 3, { 0, 4, 1, 2, 3, 5, 6 } },
	[8] = { 5, 3, { 0, 6, 1, 2, 3, 4, 5, 7 } },
};

/* channel_config_code. The pre-skip is not told: what libopus needs. False: a layout spelled out, which nobody sends.
 */
static bool read_opus_channels(struct opus_config *c, unsigned code)
{
	opus_config_default(c);
	if (code == OPUS_DUAL_MONO)
		return true; /* two languages in one pair */
	c->channels = (uint8_t)(code & 0x0f);
	if (code <= 2)
		return true;
	if (c->channels < 2 || c->channels > OPUS_MAX_CHANNELS || (code & 0x70) != 0)
		return false;
	c->mapping_family = 1;
	c->streams = c->channels;
	for (unsigned i = 0; i < c->channels; i++)
		c->mapping[i] = (uint8_t)i;
	if (code <= OPUS_MAX_CHANNELS) {
		c->streams = opus_layouts[code].streams;
		c->coupled = opus_layouts[code].coupled;
		memcpy(c->mapping, opus_layouts[code].mapping, sizeof(c->mapping));
	}
	return true;
}

static void see_registration(struct ts_pmt_stream *s, const uint8_t *body, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(known_formats) && len >= 4; i++) {
		if (memcmp(body, known_formats[i].registration, 4) == 0)
			set_type(s, &known_formats[i].type);
	}
}

static bool is_opus(const struct ts_pmt_stream *s)
{
	return s->codec_name && strcmp(s->codec_name, "opus") == 0;
}

static void see_descriptor(struct ts_pmt_stream *s, unsigned tag, const uint8_t *body, size_t len)
{
	switch (tag) {
	case DESC_REGISTRATION: see_registration(s, body, len); break;
	case DESC_AC3: set_audio_name(s, "ac3"); break;
	case DESC_EAC3: set_audio_name(s, "eac3"); break;
	case DESC_DTS: set_audio_name(s, "dts"); break;
	case DESC_EXTENSION:
		if (is_opus(s) && len >= 2 && body[0] == DESC_EXTENSION_OPUS && read_opus_channels(&s->opus, body[1])) {
			s->is_relayed = true;
			s->codec = CODEC_OPUS;
		}
		break;
	default: break;
	}
}

/* Of a private stream the descriptors say what it is. Damaged ones: what was said until then. */
static void see_descriptors(struct ts_pmt_stream *s, struct bytes_reader *r)
{
	while (bytes_left(r) >= DESC_HEADER_SIZE) {
		unsigned tag = bytes_u8(r);
		size_t len = bytes_u8(r);
		const uint8_t *body = bytes_take(r, len);

		if (!body)
			return;
		see_descriptor(s, tag, body, len);
	}
}

static void read_stream(struct ts_pmt_stream *s, const uint8_t *entry, const uint8_t *descriptors, size_t len)
{
	unsigned type = pmtn_get_streamtype(entry);
	struct bytes_reader r;

	*s = (struct ts_pmt_stream){ .pid = pmtn_get_pid(entry), .codec = CODECS };
	for (size_t i = 0; i < ARRAY_LEN(known_types); i++) {
		if (known_types[i].stream_type == type)
			set_type(s, &known_types[i]);
	}
	bytes_reader_init(&r, descriptors, len);
	if (type == STREAM_PRIVATE)
		see_descriptors(s, &r);
}

enum parse_result ts_pmt_parse(struct ts_pmt *out, const uint8_t *section, size_t len)
{
	struct bytes_reader r;

	*out = (struct ts_pmt){ 0 };
	if (psi_get_tableid(section) != PMT_TABLE_ID || !psi_get_current(section))
		return PARSE_MORE;
	open_body(&r, section, len);
	if (bytes_left(&r) < PMT_HEADER_SIZE - PSI_HEADER_SIZE_SYNTAX1)
		return PARSE_BAD;
	out->program = pmt_get_program(section);
	out->version = psi_get_version(section);
	out->pcr_pid = pmt_get_pcrpid(section);
	bytes_skip(&r, PMT_HEADER_SIZE - PSI_HEADER_SIZE_SYNTAX1);
	bytes_skip(&r, pmt_get_desclength(section));
	while (bytes_left(&r) >= PMT_ES_SIZE && out->n_streams < TS_PMT_MAX_STREAMS) {
		const uint8_t *entry = bytes_take(&r, PMT_ES_SIZE);
		size_t descriptors_len = pmtn_get_desclength(entry);
		const uint8_t *descriptors = bytes_take(&r, descriptors_len);

		if (!descriptors)
			break;
		read_stream(&out->streams[out->n_streams++], entry, descriptors, descriptors_len);
	}
	return r.is_short ? PARSE_BAD : PARSE_OK;
}

static uint8_t stream_type_of(enum track_codec codec)
{
	for (size_t i = 0; i < ARRAY_LEN(known_types); i++) {
		if (known_types[i].is_relayed && known_types[i].codec == codec)
			return known_types[i].stream_type;
	}
	return STREAM_PRIVATE;
}

/* A layout that no code names is told by its channels alone: there is no other word for it. */
static uint8_t opus_channels_code(const struct opus_config *c)
{
	bool is_uncoupled = c->mapping_family == 1 && c->channels >= 2 && c->streams == c->channels && c->coupled == 0;

	for (unsigned i = 0; is_uncoupled && i < c->channels; i++)
		is_uncoupled = c->mapping[i] == i;
	return (uint8_t)(is_uncoupled ? OPUS_UNCOUPLED | c->channels : c->channels);
}

static size_t write_opus_descriptors(uint8_t *to, const struct opus_config *c)
{
	const uint8_t descriptors[] = { DESC_REGISTRATION, 4, 'O', 'p', 'u', 's', DESC_EXTENSION, 2,
		DESC_EXTENSION_OPUS, opus_channels_code(c) };

	memcpy(to, descriptors, sizeof(descriptors));
	return sizeof(descriptors);
}

static size_t write_stream(uint8_t *entry, const struct ts_pmt_stream *s)
{
	size_t descriptors_len = 0;

	pmtn_init(entry);
	pmtn_set_streamtype(entry, stream_type_of(s->codec));
	pmtn_set_pid(entry, s->pid);
	if (s->codec == CODEC_OPUS)
		descriptors_len = write_opus_descriptors(entry + PMT_ES_SIZE, &s->opus);
	pmtn_set_desclength(entry, (uint16_t)descriptors_len);
	return PMT_ES_SIZE + descriptors_len;
}

size_t ts_pmt_write(uint8_t *section, const struct ts_pmt *pmt)
{
	size_t streams_len = 0;

	assert(pmt->n_streams <= TS_PMT_MAX_STREAMS);
	pmt_init(section);
	for (size_t i = 0; i < pmt->n_streams; i++)
		streams_len += write_stream(section + PMT_HEADER_SIZE + streams_len, &pmt->streams[i]);
	pmt_set_length(section, (uint16_t)streams_len);
	pmt_set_program(section, pmt->program);
	psi_set_version(section, pmt->version);
	psi_set_current(section);
	pmt_set_pcrpid(section, pmt->pcr_pid);
	pmt_set_desclength(section, 0);
	psi_set_crc(section);
	return PMT_HEADER_SIZE + streams_len + PSI_CRC_SIZE;
}
