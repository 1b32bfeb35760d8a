/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a plain MP4 file (ISO 14496-12): ftyp, moov with all sample tables, and the header of the mdat behind it.
 * Samples are told one by one; where they are is known before they are copied, so the moov stands in front.
 *
 * Owner: the caller. Lifetime: mp4_file_init, then mp4_file_fini. Memory: about 12 bytes a sample and track.
 * Times: a track's samples follow each other without a hole; where a run begins later than the one before it ended, the
 * last sample in front lasts until then. A track that begins later than the movie has an empty edit in front.
 * Not here: reading, copying (packager/rec_export).
 */
#ifndef ISARIBI_MEDIA_MP4_FILE_H
#define ISARIBI_MEDIA_MP4_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/fmp4.h"

enum { MP4_FILE_TIMESCALE = 90000 }; /* of the movie */

/* Tables of one track, the entries as they will be written. */
struct mp4_table {
	uint32_t timescale; /* 0: there is no such track */
	uint32_t width_px;  /* the largest */
	uint32_t height_px;
	struct bytes_writer entries; /* stsd */
	uint32_t n_entries;
	uint32_t entry;		       /* of the open chunk, from 1 */
	struct bytes_writer durations; /* stts: count, delta */
	struct bytes_writer offsets;   /* ctts: count, offset */
	struct bytes_writer keys;      /* stss */
	struct bytes_writer sizes;     /* stsz */
	struct bytes_writer chunks;    /* stsc: first chunk, samples, entry */
	struct bytes_writer places;    /* 64 bits each, from the first byte of the mdat's payload */
	uint32_t n_samples;
	uint32_t n_chunks;
	uint32_t in_chunk; /* samples of the open chunk */
	bool is_all_keys;
	bool has_last;
	int64_t last_duration; /* of the newest sample, not in the table yet */
	int64_t start;	       /* of the first sample in the movie, in the track's timescale */
	int64_t end;	       /* of the newest sample */
};

struct mp4_file {
	struct mp4_table tables[TRACK_KINDS];
};

void mp4_file_init(struct mp4_file *f);
void mp4_file_fini(struct mp4_file *f);
/*
 * The samples to come are described by this sample entry (avc1, mp4a, ... with its header); one that was there before
 * is not written again. The timescale is the track's for good.
 */
void mp4_file_use_entry(struct mp4_file *f, enum track_kind kind, const uint8_t *entry, size_t len, uint32_t timescale);
/* A run of samples, contiguous at place in the mdat's payload, begins at time (the track's timescale, movie from 0). */
void mp4_file_begin_run(struct mp4_file *f, enum track_kind kind, uint64_t place, int64_t time);
void mp4_file_add_sample(struct mp4_file *f, enum track_kind kind, const struct fmp4_sample *sample);
void mp4_file_end_run(struct mp4_file *f, enum track_kind kind);
/* Where the track is now; 0 when it has no sample. */
int64_t mp4_file_end_90k(const struct mp4_file *f);

/*
 * After the last run: everything in front of payload_bytes of samples. 0, or -ENOMEM when memory is out or a table
 * would be too long for the format.
 */
int mp4_file_write_head(struct bytes_writer *w, struct mp4_file *f, uint64_t payload_bytes);

#endif
