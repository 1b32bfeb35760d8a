/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a PES packet (ISO 13818-1 §2.4.3.6), and the control header in front of each Opus packet in it.
 *
 * Owner: the caller; nothing is allocated.
 * Not here: putting a PES packet together out of TS packets (media/ts_stream).
 */
#ifndef ISARIBI_MEDIA_TS_PES_H
#define ISARIBI_MEDIA_TS_PES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	TS_PES_HEADER_MAX_BYTES = 19,	  /* of what is written: with both times */
	TS_PES_LENGTH_MAX_BYTES = 0xffff, /* what the 16-bit length can say; beyond it says nothing */
	TS_PES_VIDEO = 0xe0,		  /* stream_id */
	TS_PES_AUDIO = 0xc0,
	TS_PES_PRIVATE_1 = 0xbd, /* Opus */
};

struct ts_pes_header {
	uint8_t stream_id;
	bool has_length; /* else it ends where the next one begins */
	bool has_pts;
	bool has_dts;
	int64_t pts_90k; /* 33 bits, as they stand there */
	int64_t dts_90k;
	size_t header_bytes;  /* read only */
	size_t payload_bytes; /* behind the header, when has_length */
};

/* PARSE_MORE: the header is not all there. PARSE_BAD: no start code, a stream without these fields, or a length that
 * ends inside the header. A time with broken marker bits is as good as none. */
enum parse_result ts_pes_parse(struct ts_pes_header *out, const uint8_t *data, size_t len);
/* Data alignment set; the length is left out when it is too long for its field. Returns the header's bytes. dts is
 * written only with a pts. */
size_t ts_pes_write(uint8_t out[TS_PES_HEADER_MAX_BYTES], const struct ts_pes_header *header);

/*
 * Opus (ETSI TS 103 491, "Opus in MPEG-TS"): a prefix of 11 bits, flags, the packet's size in bytes of 255 and a rest,
 * then what the flags announce. Trims are walked over.
 */
enum { TS_OPUS_HEADER_MAX_BYTES = 2 + 65536 / 255 + 1 };

struct ts_opus_header {
	size_t header_bytes;
	size_t packet_bytes;
};

/* PARSE_BAD also when the packet is not all there: it never goes on in another PES. */
enum parse_result ts_opus_parse(struct ts_opus_header *out, const uint8_t *data, size_t len);
size_t ts_opus_header_bytes(size_t packet_bytes);
/* packet_bytes at most 65535. Returns ts_opus_header_bytes(). */
size_t ts_opus_write(uint8_t out[TS_OPUS_HEADER_MAX_BYTES], size_t packet_bytes);

#endif
