/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what media/fmp4 wrote: the init segment and the fragments (moof and mdat) of our own files, of which the end
 * may be missing at any byte.
 *
 * Owner: the caller; nothing is kept and nothing allocated but tracks. Lifetime: results borrow the bytes they were
 * read from. All of it is bounded: an init segment and a moof have a largest size, a fragment one run of samples per
 * track. A fragment is taken only when fmp4_write_moof would write it again byte for byte: whatever else stands there
 * is damage. In an init segment boxes that are not known are stepped over. Not here: files, MP4 of other makers.
 */
#ifndef ISARIBI_MEDIA_FMP4_SCAN_H
#define ISARIBI_MEDIA_FMP4_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "media/fmp4.h"
#include "media/track.h"

enum {
	FMP4_SCAN_INIT_MAX_BYTES = 64 * 1024,
	FMP4_SCAN_MOOF_MAX_BYTES = 256 * 1024,
};

struct fmp4_scan_track {
	enum track_kind kind;
	uint32_t timescale;  /* never 0 */
	size_t entry_offset; /* its sample entry (avc1, mp4a, ...), from the first byte of the init segment */
	size_t entry_bytes;
};

struct fmp4_scan_init {
	size_t bytes; /* ftyp and moov */
	size_t track_count;
	struct fmp4_scan_track tracks[TRACK_KINDS]; /* video before audio */
};

/* The samples of one track in a fragment. */
struct fmp4_scan_run {
	enum track_kind kind;
	uint64_t base_decode_time; /* tfdt, in the track's timescale; at most 2^46 */
	uint64_t duration;	   /* of all samples */
	uint32_t mdat_offset;	   /* of the first sample, from the first byte behind the mdat header */
	uint32_t bytes;		   /* of all samples, which stand one behind the other */
	uint32_t sample_count;	   /* at least 1 */
	const uint8_t *entries;	   /* for fmp4_scan_sample */
};

struct fmp4_scan_fragment {
	uint32_t sequence; /* mfhd */
	uint32_t moof_bytes;
	uint32_t mdat_bytes; /* header and payload; the payload need not be there when the fragment is read */
	size_t run_count;    /* at least 1 */
	struct fmp4_scan_run runs[TRACK_KINDS]; /* video before audio */
};

/* data: from the first byte of the file. PARSE_MORE: a longer beginning could be an init segment. */
enum parse_result fmp4_scan_read_init(struct fmp4_scan_init *out, const uint8_t *data, size_t len);
/*
 * The track as it was given to fmp4_write_init: codec, configuration, and what follows from it. data: as above.
 * PARSE_OK, PARSE_BAD or -ENOMEM; *out: one reference, or NULL.
 */
int fmp4_scan_track_create(struct track **out, const struct fmp4_scan_init *init, size_t index, const uint8_t *data);

/* data: from the first byte of a moof on. PARSE_MORE: not yet all of the moof and the 8 bytes of the mdat header. */
enum parse_result fmp4_scan_read_fragment(
    struct fmp4_scan_fragment *out, const struct fmp4_scan_init *init, const uint8_t *data, size_t len);
/* Sample number index, below sample_count. */
struct fmp4_sample fmp4_scan_sample(const struct fmp4_scan_run *run, uint32_t index);

#endif
