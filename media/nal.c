/* SPDX-License-Identifier: Apache-2.0 */
#include "media/nal.h"

#include <string.h>

void nal_walk_init(struct nal_walk *walk, const uint8_t *payload, size_t len, enum nal_format format)
{
	bytes_reader_init(&walk->rest, payload, len);
	walk->format = format;
	walk->is_bad = false;
}

/* Where the next 00 00 01 begins, or end. */
static const uint8_t *find_start_code(const uint8_t *pos, const uint8_t *end)
{
	while (end - pos >= 3) {
		const uint8_t *zero = memchr(pos, 0, (size_t)(end - pos) - 2);

		if (!zero)
			break;
		if (zero[1] == 0 && zero[2] == 1)
			return zero;
		pos = zero + 1;
	}
	return end;
}

/* H.264 annex B.1.1: zeros before a start code and at the end belong to no unit, and no unit ends in one. */
static bool next_in_annex_b(struct nal_walk *walk, struct nal *out)
{
	const uint8_t *end = walk->rest.end;
	const uint8_t *begin = find_start_code(walk->rest.pos, end);

	while (begin != end) {
		const uint8_t *after;
		const uint8_t *last;

		begin += 3;
		after = last = find_start_code(begin, end);
		while (last > begin && last[-1] == 0)
			last--;
		walk->rest.pos = after;
		if (last > begin) {
			*out = (struct nal){ .data = begin, .len = (size_t)(last - begin) };
			return true;
		}
		begin = after;
	}
	walk->rest.pos = end;
	return false;
}

static size_t read_length(struct bytes_reader *r, enum nal_format format)
{
	switch (format) {
	case NAL_LENGTH_1: return bytes_u8(r);
	case NAL_LENGTH_2: return bytes_u16(r);
	case NAL_ANNEX_B:
	case NAL_LENGTH_4: break;
	}
	return bytes_u32(r);
}

static bool next_behind_length(struct nal_walk *walk, struct nal *out)
{
	while (bytes_left(&walk->rest) > 0) {
		size_t len = read_length(&walk->rest, walk->format);
		const uint8_t *data = bytes_take(&walk->rest, len);

		if (walk->rest.is_short) {
			walk->is_bad = true;
			return false;
		}
		if (len > 0) {
			*out = (struct nal){ .data = data, .len = len };
			return true;
		}
	}
	return false;
}

bool nal_walk_next(struct nal_walk *walk, struct nal *out)
{
	return walk->format == NAL_ANNEX_B ? next_in_annex_b(walk, out) : next_behind_length(walk, out);
}

bool nal_has_start_code(const uint8_t *payload, size_t len)
{
	static const uint8_t code[] = { 0, 0, 0, 1 };

	return len >= sizeof(code) && memcmp(payload, code, sizeof(code)) == 0;
}

void nal_write(struct bytes_writer *w, const struct nal *nal)
{
	bytes_put_u32(w, (uint32_t)nal->len);
	bytes_put(w, nal->data, nal->len);
}

enum parse_result nal_write_all(struct bytes_writer *w, const uint8_t *payload, size_t len, enum nal_format format)
{
	struct nal_walk walk;
	struct nal nal;

	nal_walk_init(&walk, payload, len, format);
	while (nal_walk_next(&walk, &nal))
		nal_write(w, &nal);
	return walk.is_bad ? PARSE_BAD : PARSE_OK;
}

enum parse_result nal_write_annex_b(struct bytes_writer *w, const uint8_t *payload, size_t len)
{
	struct nal_walk walk;
	struct nal nal;

	nal_walk_init(&walk, payload, len, NAL_LENGTH_4);
	while (nal_walk_next(&walk, &nal)) {
		bytes_put_u32(w, 1);
		bytes_put(w, nal.data, nal.len);
	}
	return walk.is_bad ? PARSE_BAD : PARSE_OK;
}

unsigned nal_h264_type(const struct nal *nal)
{
	return nal->len > 0 ? nal->data[0] & 0x1fu : 0;
}

bool nal_h264_is_idr(const struct nal *nal)
{
	return nal_h264_type(nal) == NAL_H264_IDR;
}

bool nal_h264_is_slice(const struct nal *nal)
{
	unsigned type = nal_h264_type(nal);

	return type >= NAL_H264_SLICE && type <= NAL_H264_IDR;
}

unsigned nal_h265_type(const struct nal *nal)
{
	return nal->len >= 2 ? nal->data[0] >> 1 & 0x3fu : NAL_H265_NONE;
}

bool nal_h265_is_irap(const struct nal *nal)
{
	unsigned type = nal_h265_type(nal);

	return type >= NAL_H265_IRAP_FIRST && type <= NAL_H265_IRAP_LAST;
}

bool nal_h265_is_slice(const struct nal *nal)
{
	return nal_h265_type(nal) <= NAL_H265_SLICE_LAST;
}
