/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look at all NAL units of one access unit tells, for H.264 and H.265 alike, before anything is copied.
 *
 * Owner: the caller; nothing is allocated but tracks. Lifetime: it borrows the payload it was made from.
 * Not here: messages and their times (media/flv).
 */
#ifndef ISARIBI_MEDIA_ACCESS_UNIT_H
#define ISARIBI_MEDIA_ACCESS_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/h264.h"
#include "media/h265.h"
#include "media/track.h"

struct access_unit {
	enum track_codec codec; /* CODEC_H264 or CODEC_H265 */
	enum nal_format format; /* how the units stand in the payload */
	const uint8_t *payload;
	size_t len;
	size_t size_bytes; /* with 4-byte lengths, without empty units and access unit delimiters */
	bool has_slice;
	bool has_random_access; /* an IDR slice of H.264, an IRAP slice of H.265 */
	bool has_open_start;	/* H.264: a recovery point or an SPS, where a message that says "key" may be believed */
	bool has_sets;
	union {
		struct h264_config h264;
		struct h265_config h265;
	} sets;
};

/* The three of the caller: what, where, and in which form. PARSE_BAD: the lengths do not hold together. */
enum parse_result access_unit_look(
    struct access_unit *au, enum track_codec codec, const uint8_t *payload, size_t len, enum nal_format format);
/*
 * What the track becomes by the parameter sets in band; *out is NULL with PARSE_OK when nothing changed. old: NULL or
 * of the same codec. PARSE_BAD: sets that make no sense; or -ENOMEM.
 */
int access_unit_track(struct track **out, const struct access_unit *au, const struct track *old);
/* Exactly size_bytes. */
void access_unit_write(const struct access_unit *au, struct bytes_writer *w);

#endif
