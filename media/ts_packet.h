/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet of an MPEG transport stream, read and written: header and adaptation field (ISO 13818-1 §2.4.3.2,
 * §2.4.3.4).
 *
 * Owner: the caller; nothing is allocated. Lifetime: what a read packet points to is borrowed from its bytes.
 * Not here: finding packets among bytes (media/ts_demux), what is in them (media/ts_psi, media/ts_pes).
 */
#ifndef ISARIBI_MEDIA_TS_PACKET_H
#define ISARIBI_MEDIA_TS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	TS_PACKET_BYTES = 188,
	TS_PAYLOAD_MAX_BYTES = 184,
	TS_SYNC_BYTE = 0x47,
	TS_PID_PAT = 0,
	TS_PID_FIRST_FREE = 0x10, /* below are tables of the standard */
	TS_PID_NULL = 0x1fff,
};

/* PTS, DTS and the base of PCR are counted modulo this, at 90 kHz. */
#define TS_CLOCK_MODULUS (INT64_C(1) << 33)

struct ts_packet {
	uint16_t pid;
	uint8_t continuity;
	bool is_error; /* the sender or a link before us says that it is damaged */
	bool is_unit_start;
	bool is_scrambled;
	bool is_discontinuity;
	bool is_random_access;
	bool has_pcr;
	bool is_stuffed;	/* the payload ended before the packet did */
	int64_t pcr_27m;	/* 0 .. 300 * TS_CLOCK_MODULUS - 1 */
	const uint8_t *payload; /* NULL: an adaptation field alone */
	size_t payload_len;
};

/* PARSE_BAD: no sync byte, or an adaptation field longer than the packet. */
enum parse_result ts_packet_parse(struct ts_packet *out, const uint8_t raw[TS_PACKET_BYTES]);

/* How much payload fits into a packet with these fields: 184 without an adaptation field. */
size_t ts_packet_room(const struct ts_packet *p);
/*
 * Everything but the payload, whose place is returned: payload_len bytes up to the end of raw, stuffed in front. The
 * caller copies. payload_len is at most ts_packet_room(); 0 writes an adaptation field alone. Of is_error, is_scrambled
 * and is_stuffed nothing is written.
 */
uint8_t *ts_packet_write(uint8_t raw[TS_PACKET_BYTES], const struct ts_packet *p);

#endif
