/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a recording lies on the disk: names, and the records of its index. What recorder writes and the readers read.
 *
 * Owner: anyone, pure. Lifetime: none; the caller's memory.
 * Not here: recording.json (packager/rec_info.h), files (packager/rec_disk.h), MP4 (media/).
 *
 *  DATA_DIR/rec/ID/recording.json   what it is, and what of it is saved
 *  DATA_DIR/rec/ID/NNNN.mp4         a stretch: an init segment and fragments (moof + mdat), as HLS has them as parts
 *  DATA_DIR/rec/ID/NNNN.idx         a header and one record for each fragment, REC_RECORD_BYTES each, little-endian
 *
 * A record is written after its fragment was, and never synced before it. So after a power cut there may be fewer
 * records than fragments, and records of fragments that are not there; a record that was torn has a wrong checksum. The
 * index of a stretch can be made again from its NNNN.mp4.
 */
#ifndef ISARIBI_PACKAGER_REC_FORMAT_H
#define ISARIBI_PACKAGER_REC_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/id.h"

enum {
	REC_RECORD_BYTES = 64, /* of the header, too */
	REC_STRETCH_MAX = 9999,
	REC_FILE_SIZE = sizeof("recording.json.new"), /* of any name inside a recording's folder, with its NUL */
	REC_PATH_SIZE = 512,			      /* of any path that is written, with its NUL */
	REC_STREAM_LETTERS = 40,		      /* of a stream's name in an id */
};

enum rec_file {
	REC_FILE_MEDIA, /* NNNN.mp4 */
	REC_FILE_INDEX, /* NNNN.idx */
	REC_FILE_INFO,	/* recording.json */
	REC_FILE_INFO_NEW,
};

/*
 * `<stream, at most 40 letters>-<yyyymmdd>-<hhmmss>` in UTC, and `-N` behind it for the Nth (2 to 99) of that second:
 * always an id (config/id.h). What an id cannot hold ('~' of a rehearsal) becomes '-'. wall_ms is 0 to the year 9999.
 */
void rec_id_make(char out[ID_SIZE], const char *stream, int64_t wall_ms, unsigned nth);
/* A name in a recording's folder; stretch 1 to REC_STRETCH_MAX counts for media and index alone. */
void rec_file_name(char out[REC_FILE_SIZE], enum rec_file file, unsigned stretch);
/* The other way: "0012.mp4" is media of stretch 12. False: it is none of ours. len without a NUL. */
bool rec_file_parse(const char *name, size_t len, enum rec_file *file, unsigned *stretch);
/*
 * DATA_DIR/rec, DATA_DIR/rec/ID, or a file in it, by what is not NULL (name only with id). Returns the length that was
 * needed; out is cut when that is not less than size.
 */
size_t rec_path(char *out, size_t size, const char *data_dir, const char *id, const char *name);
/* A file by the path of its recording's folder: 0 or -ENAMETOOLONG. */
int rec_file_path(char out[REC_PATH_SIZE], const char *folder, enum rec_file file, unsigned stretch);

/* The first record of an index. */
struct rec_index_header {
	uint32_t init_bytes; /* of the init segment in front of the first fragment */
	uint32_t stretch;
	uint32_t segment_ms;   /* the cutter's: how segments are found again when an index is made anew */
	int64_t begin_wall_ms; /* of the first fragment, -1: unknown */
};

/* One fragment of a stretch, in order and without gaps: offset + moof_bytes + mdat_bytes is the next one's offset. */
struct rec_fragment {
	uint64_t offset; /* of its moof in NNNN.mp4 */
	uint32_t moof_bytes;
	uint32_t mdat_bytes;
	int64_t start_90k;
	int64_t duration_90k;
	int64_t wall_ms; /* of its start, -1: unknown */
	uint64_t msn;	 /* of the segment it belonged to in HLS */
	uint32_t sequence;
	bool is_independent;
	bool is_segment_start;
};

void rec_header_encode(uint8_t out[REC_RECORD_BYTES], const struct rec_index_header *header);
void rec_fragment_encode(uint8_t out[REC_RECORD_BYTES], const struct rec_fragment *fragment);
/* PARSE_MORE: len is less than a record. PARSE_BAD: checksum, version or a value that cannot be. */
enum parse_result rec_header_decode(struct rec_index_header *out, const uint8_t *data, size_t len);
enum parse_result rec_fragment_decode(struct rec_fragment *out, const uint8_t *data, size_t len);

#endif
