/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_pes.h"

#include <assert.h>

#include "base/bytes.h"
#include "media/ts_bitstream.h"

enum {
	OPUS_PREFIX_0 = 0x7f,
	OPUS_PREFIX_1 = 0xe0, /* of its upper three bits */
	OPUS_START_TRIM = 0x10,
	OPUS_END_TRIM = 0x08,
	OPUS_EXTENSION = 0x04,
};

/* ISO 13818-1 table 2-21: these stream_ids have no more than a length. */
static bool has_fields(uint8_t stream_id)
{
	switch (stream_id) {
	case PES_STREAM_ID_PSM:
	case PES_STREAM_ID_PADDING:
	case PES_STREAM_ID_PRIVATE_2:
	case PES_STREAM_ID_ECM:
	case PES_STREAM_ID_EMM:
	case PES_STREAM_ID_DSMCC:
	case PES_STREAM_ID_H222_1_E:
	case PES_STREAM_ID_PSD: return false;
	default: return true;
	}
}

/* The marker bits of a time. The nibble in front of a pts is often wrong: some write that of "pts alone" before both.
 */
static bool has_markers(const uint8_t *time)
{
	return (time[0] & 1) && (time[2] & 1) && (time[4] & 1);
}

static void read_times(struct ts_pes_header *out, const uint8_t *data)
{
	const uint8_t *pts = data + PES_HEADER_SIZE_NOPTS;
	const uint8_t *dts = data + PES_HEADER_SIZE_PTS;
	size_t fields_len = pes_get_headerlength(data);

	if (!pes_has_pts(data) || fields_len < 5 || !has_markers(pts))
		return;
	out->has_pts = true;
	out->pts_90k = (int64_t)pes_get_pts(data);
	if (!pes_has_dts(data) || fields_len < 10 || !has_markers(dts) || (dts[0] & 0xf0) != 0x10)
		return;
	out->has_dts = true;
	out->dts_90k = (int64_t)pes_get_dts(data);
}

enum parse_result ts_pes_parse(struct ts_pes_header *out, const uint8_t *data, size_t len)
{
	size_t length;

	*out = (struct ts_pes_header){ 0 };
	if (len < PES_HEADER_SIZE)
		return PARSE_MORE;
	if (!pes_validate(data) || !has_fields(pes_get_streamid(data)))
		return PARSE_BAD;
	if (len < PES_HEADER_SIZE_NOPTS)
		return PARSE_MORE;
	if (!pes_validate_header(data))
		return PARSE_BAD;
	out->stream_id = pes_get_streamid(data);
	out->header_bytes = (size_t)PES_HEADER_SIZE_NOPTS + pes_get_headerlength(data);
	length = pes_get_length(data);
	out->has_length = length > 0;
	if (out->has_length) {
		if (length + PES_HEADER_SIZE < out->header_bytes)
			return PARSE_BAD;
		out->payload_bytes = length + PES_HEADER_SIZE - out->header_bytes;
	}
	if (len < out->header_bytes)
		return PARSE_MORE;
	read_times(out, data);
	return PARSE_OK;
}

static size_t fields_bytes(const struct ts_pes_header *header)
{
	if (!header->has_pts)
		return 0;
	return header->has_dts ? 10 : 5;
}

size_t ts_pes_write(uint8_t out[TS_PES_HEADER_MAX_BYTES], const struct ts_pes_header *header)
{
	size_t fields_len = fields_bytes(header);
	size_t length = PES_HEADER_OPTIONAL_SIZE + fields_len + header->payload_bytes;

	pes_init(out);
	pes_set_streamid(out, header->stream_id);
	pes_set_length(out, header->has_length && length <= TS_PES_LENGTH_MAX_BYTES ? (uint16_t)length : 0);
	pes_set_headerlength(out, (uint8_t)fields_len);
	pes_set_dataalignment(out);
	if (header->has_pts)
		pes_set_pts(out, (uint64_t)header->pts_90k);
	if (header->has_pts && header->has_dts)
		pes_set_dts(out, (uint64_t)header->dts_90k);
	return PES_HEADER_SIZE_NOPTS + fields_len;
}

enum parse_result ts_opus_parse(struct ts_opus_header *out, const uint8_t *data, size_t len)
{
	struct bytes_reader r;
	unsigned flags;
	unsigned size;

	*out = (struct ts_opus_header){ 0 };
	bytes_reader_init(&r, data, len);
	if (bytes_u8(&r) != OPUS_PREFIX_0)
		return PARSE_BAD;
	flags = bytes_u8(&r);
	if ((flags & 0xe0u) != OPUS_PREFIX_1)
		return PARSE_BAD;
	do {
		size = bytes_u8(&r);
		out->packet_bytes += size;
	} while (size == 255);
	if (flags & OPUS_START_TRIM)
		bytes_skip(&r, 2);
	if (flags & OPUS_END_TRIM)
		bytes_skip(&r, 2);
	if (flags & OPUS_EXTENSION)
		bytes_skip(&r, bytes_u8(&r));
	out->header_bytes = len - bytes_left(&r);
	return r.is_short || bytes_left(&r) < out->packet_bytes ? PARSE_BAD : PARSE_OK;
}

size_t ts_opus_header_bytes(size_t packet_bytes)
{
	return 2 + packet_bytes / 255 + 1;
}

size_t ts_opus_write(uint8_t out[TS_OPUS_HEADER_MAX_BYTES], size_t packet_bytes)
{
	size_t at = 2;

	assert(packet_bytes <= 65535);
	out[0] = OPUS_PREFIX_0;
	out[1] = OPUS_PREFIX_1;
	for (; packet_bytes >= 255; packet_bytes -= 255)
		out[at++] = 255;
	out[at++] = (uint8_t)packet_bytes;
	return at;
}
