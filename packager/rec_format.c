/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_format.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/attr.h"
#include "base/bytes.h"

enum {
	INDEX_VERSION = 1,
	CRC_OFFSET = REC_RECORD_BYTES - 4,
	NTH_MAX = 99,
	STRETCH_DIGITS = 4,
};

/* What a record is, in its first four bytes. */
enum record_kind {
	RECORD_HEADER = 0x48495349,   /* "ISIH" */
	RECORD_FRAGMENT = 0x46495349, /* "ISIF" */
};

enum fragment_flags {
	FRAGMENT_INDEPENDENT = 1 << 0,
	FRAGMENT_SEGMENT_START = 1 << 1,
};

void rec_id_make(char out[ID_SIZE], const char *stream, int64_t wall_ms, unsigned nth)
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	char when[sizeof("-yyyymmdd-hhmmss")];
	char suffix[sizeof("-99")] = "";
	char name[REC_STREAM_LETTERS + 1];
	size_t len = 0;

	assert(wall_ms >= 0 && nth <= NTH_MAX);
	for (; stream[len] != '\0' && len < REC_STREAM_LETTERS; len++) {
		const char letter[2] = { 'x', stream[len] };

		name[len] = id_is_valid(letter, sizeof(letter)) ? stream[len] : '-';
	}
	name[len] = '\0';
	if (len == 0 || !id_is_valid(name, 1))
		name[0] = 'x';
	name[len == 0 ? 1 : len] = '\0';
	gmtime_r(&seconds, &utc);
	if (strftime(when, sizeof(when), "-%Y%m%d-%H%M%S", &utc) == 0)
		when[0] = '\0';
	if (nth > 1)
		snprintf(suffix, sizeof(suffix), "-%u", nth % 100);
	snprintf(out, ID_SIZE, "%s%s%s", name, when, suffix);
}

void rec_file_name(char out[REC_FILE_SIZE], enum rec_file file, unsigned stretch)
{
	switch (file) {
	case REC_FILE_MEDIA: snprintf(out, REC_FILE_SIZE, "%04u.mp4", stretch % (REC_STRETCH_MAX + 1)); break;
	case REC_FILE_INDEX: snprintf(out, REC_FILE_SIZE, "%04u.idx", stretch % (REC_STRETCH_MAX + 1)); break;
	case REC_FILE_INFO: snprintf(out, REC_FILE_SIZE, "recording.json"); break;
	case REC_FILE_INFO_NEW: snprintf(out, REC_FILE_SIZE, "recording.json.new"); break;
	}
}

static unsigned leading_number(const char *name, size_t len)
{
	unsigned number = 0;

	if (len < STRETCH_DIGITS)
		return 0;
	for (size_t i = 0; i < STRETCH_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	return number;
}

bool rec_file_parse(const char *name, size_t len, enum rec_file *file, unsigned *stretch)
{
	static const enum rec_file files[] = { REC_FILE_MEDIA, REC_FILE_INDEX, REC_FILE_INFO, REC_FILE_INFO_NEW };
	const unsigned number = leading_number(name, len);
	char ours[REC_FILE_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const bool has_number = files[i] == REC_FILE_MEDIA || files[i] == REC_FILE_INDEX;

		rec_file_name(ours, files[i], number);
		if ((has_number && number == 0) || strlen(ours) != len || memcmp(ours, name, len) != 0)
			continue;
		*file = files[i];
		*stretch = has_number ? number : 0;
		return true;
	}
	return false;
}

size_t rec_path(char *out, size_t size, const char *data_dir, const char *id, const char *name)
{
	int len = snprintf(out, size, "%s/rec%s%s%s%s", data_dir, id ? "/" : "", id ? id : "", id && name ? "/" : "",
	    id && name ? name : "");

	return len < 0 ? size : (size_t)len;
}

int rec_file_path(char out[REC_PATH_SIZE], const char *folder, enum rec_file file, unsigned stretch)
{
	char name[REC_FILE_SIZE];

	rec_file_name(name, file, stretch);
	return snprintf(out, REC_PATH_SIZE, "%s/%s", folder, name) < REC_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static void put_u64_little(struct bytes_writer *w, uint64_t v)
{
	bytes_put_u32_little(w, (uint32_t)v);
	bytes_put_u32_little(w, (uint32_t)(v >> 32));
}

static uint64_t u64_little(struct bytes_reader *r)
{
	uint64_t low = bytes_u32_little(r);

	return low | (uint64_t)bytes_u32_little(r) << 32;
}

static uint32_t checksum(const uint8_t *record)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), record, CRC_OFFSET);
}

static void begin_record(struct bytes_writer *w, uint8_t out[REC_RECORD_BYTES], enum record_kind kind)
{
	bytes_writer_init_fixed(w, out, REC_RECORD_BYTES);
	bytes_put_u32_little(w, (uint32_t)kind);
}

static void end_record(struct bytes_writer *w, const uint8_t *record)
{
	bytes_put_zeros(w, CRC_OFFSET - w->len);
	bytes_put_u32_little(w, checksum(record));
	assert(!w->is_full && w->len == REC_RECORD_BYTES);
}

static enum parse_result open_record(struct bytes_reader *r, const uint8_t *data, size_t len, enum record_kind kind)
{
	struct bytes_reader crc;

	if (len < REC_RECORD_BYTES)
		return PARSE_MORE;
	bytes_reader_init(&crc, data + CRC_OFFSET, 4);
	bytes_reader_init(r, data, CRC_OFFSET);
	if (bytes_u32_little(&crc) != checksum(data) || bytes_u32_little(r) != (uint32_t)kind)
		return PARSE_BAD;
	return PARSE_OK;
}

void rec_header_encode(uint8_t out[REC_RECORD_BYTES], const struct rec_index_header *header)
{
	struct bytes_writer w;

	begin_record(&w, out, RECORD_HEADER);
	bytes_put_u32_little(&w, INDEX_VERSION);
	bytes_put_u32_little(&w, header->init_bytes);
	bytes_put_u32_little(&w, header->stretch);
	bytes_put_u32_little(&w, header->segment_ms);
	put_u64_little(&w, (uint64_t)header->begin_wall_ms);
	end_record(&w, out);
}

enum parse_result rec_header_decode(struct rec_index_header *out, const uint8_t *data, size_t len)
{
	struct bytes_reader r;
	enum parse_result result = open_record(&r, data, len, RECORD_HEADER);

	if (result != PARSE_OK)
		return result;
	if (bytes_u32_little(&r) != INDEX_VERSION)
		return PARSE_BAD;
	out->init_bytes = bytes_u32_little(&r);
	out->stretch = bytes_u32_little(&r);
	out->segment_ms = bytes_u32_little(&r);
	out->begin_wall_ms = (int64_t)u64_little(&r);
	return out->stretch >= 1 && out->stretch <= REC_STRETCH_MAX ? PARSE_OK : PARSE_BAD;
}

void rec_fragment_encode(uint8_t out[REC_RECORD_BYTES], const struct rec_fragment *fragment)
{
	const uint32_t flags = (fragment->is_independent ? FRAGMENT_INDEPENDENT : 0) |
	    (fragment->is_segment_start ? FRAGMENT_SEGMENT_START : 0);
	struct bytes_writer w;

	begin_record(&w, out, RECORD_FRAGMENT);
	bytes_put_u32_little(&w, flags);
	put_u64_little(&w, fragment->offset);
	bytes_put_u32_little(&w, fragment->moof_bytes);
	bytes_put_u32_little(&w, fragment->mdat_bytes);
	put_u64_little(&w, (uint64_t)fragment->start_90k);
	put_u64_little(&w, (uint64_t)fragment->duration_90k);
	put_u64_little(&w, (uint64_t)fragment->wall_ms);
	put_u64_little(&w, fragment->msn);
	bytes_put_u32_little(&w, fragment->sequence);
	end_record(&w, out);
}

enum parse_result rec_fragment_decode(struct rec_fragment *out, const uint8_t *data, size_t len)
{
	struct bytes_reader r;
	enum parse_result result = open_record(&r, data, len, RECORD_FRAGMENT);
	uint32_t flags;

	if (result != PARSE_OK)
		return result;
	flags = bytes_u32_little(&r);
	out->offset = u64_little(&r);
	out->moof_bytes = bytes_u32_little(&r);
	out->mdat_bytes = bytes_u32_little(&r);
	out->start_90k = (int64_t)u64_little(&r);
	out->duration_90k = (int64_t)u64_little(&r);
	out->wall_ms = (int64_t)u64_little(&r);
	out->msn = u64_little(&r);
	out->sequence = bytes_u32_little(&r);
	out->is_independent = (flags & FRAGMENT_INDEPENDENT) != 0;
	out->is_segment_start = (flags & FRAGMENT_SEGMENT_START) != 0;
	/* So that nobody's sum of them runs over. */
	if (out->offset > INT64_MAX / 2 || out->duration_90k < 0 || out->start_90k < 0)
		return PARSE_BAD;
	return PARSE_OK;
}
