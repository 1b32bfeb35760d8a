/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a transport packet that the SRT tools look at (ISO/IEC 13818-1 §2.4.3). A second opinion: nothing of
 * media/ is used here.
 *
 * Owner: anyone, pure. Lifetime: none; p is always one whole packet. Not here: sections over several packets.
 */
#ifndef ISARIBI_TESTS_TOOLS_TS_BITS_H
#define ISARIBI_TESTS_TOOLS_TS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TS_SYNC = 0x47, TS_PID_PAT = 0, TS_PID_NULL = 0x1fff, TS_PID_NONE = 0xffff };

uint16_t ts_pid(const uint8_t *p);
bool ts_is_start(const uint8_t *p); /* payload_unit_start_indicator */
bool ts_has_payload(const uint8_t *p);
bool ts_is_discontinuous(const uint8_t *p); /* discontinuity_indicator */
size_t ts_payload_at(const uint8_t *p);	    /* 188: none */
bool ts_is_table(const uint8_t *p);	    /* begins a section, or lies on a PID of tables */
/* The PMT's PID out of a packet of the PAT, or the first H.264 or H.265 PID out of one of the PMT; TS_PID_NONE. */
uint16_t ts_pat_pmt_pid(const uint8_t *p);
uint16_t ts_pmt_video_pid(const uint8_t *p);
/* The same for packets in a row. */
uint16_t ts_video_pid(const uint8_t *data, size_t n_packets);
/* Of a packet that starts a PES: its DTS, else its PTS, else -1. */
int64_t ts_dts_90k(const uint8_t *p);
/* PCR, PTS and DTS of the packet, so much later. */
void ts_shift_times(uint8_t *p, int64_t by_90k);

#endif
