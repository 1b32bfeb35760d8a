/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NAL units: walking them in any framing, and writing them in ours (each behind a 4-byte big-endian length).
 *
 * Owner: the caller; nothing is allocated. Lifetime: a walk and the units it yields borrow the payload.
 * Zero-length units, which some encoders send, are skipped everywhere.
 * Not here: what is in a unit. That is media/h264 and media/h265.
 */
#ifndef ISARIBI_MEDIA_NAL_H
#define ISARIBI_MEDIA_NAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* How units stand in a payload. The length formats have the value of their length's size in bytes. */
enum nal_format {
	NAL_ANNEX_B = 0,
	NAL_LENGTH_1 = 1,
	NAL_LENGTH_2 = 2,
	NAL_LENGTH_4 = 4,
};

/* nal_unit_type of H.264, table 7-1; only what somebody here asks for. */
enum nal_h264_kind {
	NAL_H264_SLICE = 1,
	NAL_H264_IDR = 5,
	NAL_H264_SEI = 6,
	NAL_H264_SPS = 7,
	NAL_H264_PPS = 8,
	NAL_H264_AUD = 9,
};

/* nal_unit_type of H.265, table 7-1; only what somebody here asks for. */
enum nal_h265_kind {
	NAL_H265_IRAP_FIRST = 16, /* BLA, IDR, CRA and what is reserved for their kind */
	NAL_H265_IDR_W_RADL = 19,
	NAL_H265_CRA = 21,
	NAL_H265_IRAP_LAST = 23,
	NAL_H265_SLICE_LAST = 31, /* all types up to here are pieces of picture */
	NAL_H265_VPS = 32,
	NAL_H265_SPS = 33,
	NAL_H265_PPS = 34,
	NAL_H265_AUD = 35,
	NAL_H265_NONE = 63, /* a unit without its whole header, too */
};

struct nal {
	const uint8_t *data; /* from the unit's header on */
	size_t len;	     /* never 0 in what a walk yields */
};

/*
 * A walk: `while (nal_walk_next(&walk, &nal)) ...; if (walk.is_bad) ...`. A length beyond the end sets is_bad and ends
 * it. In Annex B nothing is bad: what stands before the first start code is skipped, and trailing zeros are cut off.
 */
struct nal_walk {
	struct bytes_reader rest;
	enum nal_format format;
	bool is_bad;
};

void nal_walk_init(struct nal_walk *walk, const uint8_t *payload, size_t len, enum nal_format format);
bool nal_walk_next(struct nal_walk *walk, struct nal *out);

/*
 * Does the payload begin with the 4-byte start code that an access unit in Annex B must begin with (H.264 §B.1.2)? The
 * same bytes can be a length of 1, so ask this only when that reading failed.
 */
bool nal_has_start_code(const uint8_t *payload, size_t len);

/* One unit behind its 4-byte length. */
void nal_write(struct bytes_writer *w, const struct nal *nal);
/*
 * The whole payload with 4-byte lengths. PARSE_BAD when it does not hold together (w then has the units before that);
 * the caller looks at w->is_full. At most 2.5 times as long as what came in.
 */
enum parse_result nal_write_all(struct bytes_writer *w, const uint8_t *payload, size_t len, enum nal_format format);
/* From 4-byte lengths to Annex B, a 4-byte start code before each unit: as many bytes as came in, or fewer. */
enum parse_result nal_write_annex_b(struct bytes_writer *w, const uint8_t *payload, size_t len);

/* A unit with at least its header; an empty one has type 0. */
unsigned nal_h264_type(const struct nal *nal);
bool nal_h264_is_idr(const struct nal *nal);
/* A coded slice or a partition of one (types 1 to 5), that is: a piece of picture. */
bool nal_h264_is_slice(const struct nal *nal);
/* H.265's header has two bytes; what is shorter has type NAL_H265_NONE. */
unsigned nal_h265_type(const struct nal *nal);
/* A picture where decoding can start (intra random access point, H.265 §3.69). */
bool nal_h265_is_irap(const struct nal *nal);
bool nal_h265_is_slice(const struct nal *nal);

#endif
