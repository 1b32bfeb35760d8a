/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/ts_bits.h"

enum { PACKET = 188, PES_HEAD_BYTES = 9, TIME_BYTES = 5 };

static const int64_t clock_mask = (1LL << 33) - 1;

uint16_t ts_pid(const uint8_t *p)
{
	return (uint16_t)((p[1] & 0x1f) << 8 | p[2]);
}

bool ts_is_start(const uint8_t *p)
{
	return p[1] & 0x40;
}

bool ts_has_payload(const uint8_t *p)
{
	return p[3] & 0x10;
}

static bool has_adaptation(const uint8_t *p)
{
	return (p[3] & 0x20) && p[4] > 0;
}

bool ts_is_discontinuous(const uint8_t *p)
{
	return has_adaptation(p) && (p[5] & 0x80);
}

size_t ts_payload_at(const uint8_t *p)
{
	size_t at = p[3] & 0x20 ? 5u + p[4] : 4u;

	return ts_has_payload(p) && at < PACKET ? at : PACKET;
}

static bool has_pcr(const uint8_t *p)
{
	return has_adaptation(p) && p[4] >= 7 && (p[5] & 0x10);
}

static int64_t read_pcr(const uint8_t *p)
{
	return (int64_t)p[6] << 25 | (int64_t)p[7] << 17 | (int64_t)p[8] << 9 | (int64_t)p[9] << 1 | p[10] >> 7;
}

static bool is_pes_start(const uint8_t *p)
{
	size_t at = ts_payload_at(p);

	return ts_is_start(p) && at + PES_HEAD_BYTES + 2 * TIME_BYTES <= PACKET && p[at] == 0 && p[at + 1] == 0 &&
	    p[at + 2] == 1;
}

bool ts_is_table(const uint8_t *p)
{
	/* §2.4.4: a section starts with a pointer, and its PID carries no PES. */
	return ts_pid(p) < 0x20 || (ts_is_start(p) && ts_has_payload(p) && !is_pes_start(p));
}

/* The section that begins in the packet, if its table id is this; NULL otherwise. The end is behind its last byte
 * before the CRC. */
static const uint8_t *section(const uint8_t *p, uint8_t table_id, const uint8_t **end)
{
	size_t at = ts_payload_at(p), len;

	if (!ts_is_start(p) || at >= PACKET)
		return NULL;
	at += 1u + p[at];
	if (at + 12 > PACKET || p[at] != table_id)
		return NULL;
	len = (size_t)(p[at + 1] & 0x0f) << 8 | p[at + 2];
	if (len < 9 || at + 3 + len > PACKET)
		return NULL;
	*end = p + at + 3 + len - 4;
	return p + at;
}

uint16_t ts_pat_pmt_pid(const uint8_t *p)
{
	const uint8_t *end, *s = section(p, 0, &end);

	for (const uint8_t *e = s ? s + 8 : NULL; e && e + 4 <= end; e += 4)
		if (e[0] || e[1]) /* program 0 is the network */
			return (uint16_t)((e[2] & 0x1f) << 8 | e[3]);
	return TS_PID_NONE;
}

uint16_t ts_pmt_video_pid(const uint8_t *p)
{
	const uint8_t *end, *s = section(p, 2, &end), *e;

	if (!s || s + 12 > end)
		return TS_PID_NONE;
	e = s + 12 + ((s[10] & 0x0f) << 8 | s[11]);
	for (; e + 5 <= end; e += 5 + ((e[3] & 0x0f) << 8 | e[4]))
		if (e[0] == 0x1b || e[0] == 0x24)
			return (uint16_t)((e[1] & 0x1f) << 8 | e[2]);
	return TS_PID_NONE;
}

uint16_t ts_video_pid(const uint8_t *data, size_t n_packets)
{
	uint16_t pmt_pid = TS_PID_NONE, video_pid = TS_PID_NONE;

	for (size_t i = 0; i < n_packets && video_pid == TS_PID_NONE; i++) {
		const uint8_t *p = data + i * PACKET;

		if (pmt_pid == TS_PID_NONE && ts_pid(p) == TS_PID_PAT)
			pmt_pid = ts_pat_pmt_pid(p);
		else if (ts_pid(p) == pmt_pid)
			video_pid = ts_pmt_video_pid(p);
	}
	return video_pid;
}

/* §2.4.3.6: 33 bits in five bytes with marker bits between them. */
static int64_t read_time(const uint8_t *t)
{
	return (int64_t)(t[0] >> 1 & 7) << 30 | (int64_t)t[1] << 22 | (int64_t)(t[2] >> 1) << 15 | (int64_t)t[3] << 7 |
	    t[4] >> 1;
}

static void shift_time(uint8_t *t, int64_t by_90k)
{
	int64_t v = (read_time(t) + by_90k) & clock_mask;

	t[0] = (uint8_t)((t[0] & 0xf1) | (v >> 30 & 7) << 1);
	t[1] = (uint8_t)(v >> 22);
	t[2] = (uint8_t)((v >> 15 & 0x7f) << 1 | 1);
	t[3] = (uint8_t)(v >> 7);
	t[4] = (uint8_t)((v & 0x7f) << 1 | 1);
}

int64_t ts_dts_90k(const uint8_t *p)
{
	const uint8_t *pes = p + ts_payload_at(p);

	if (!is_pes_start(p) || !(pes[7] & 0x80))
		return -1;
	return read_time(pes + PES_HEAD_BYTES + (pes[7] & 0x40 ? TIME_BYTES : 0));
}

void ts_shift_times(uint8_t *p, int64_t by_90k)
{
	uint8_t *pes = p + ts_payload_at(p);

	if (has_pcr(p)) {
		int64_t v = (read_pcr(p) + by_90k) & clock_mask;

		p[6] = (uint8_t)(v >> 25);
		p[7] = (uint8_t)(v >> 17);
		p[8] = (uint8_t)(v >> 9);
		p[9] = (uint8_t)(v >> 1);
		p[10] = (uint8_t)((v & 1) << 7 | (p[10] & 0x7f));
	}
	if (is_pes_start(p) && (pes[7] & 0x80))
		shift_time(pes + PES_HEAD_BYTES, by_90k);
	if (is_pes_start(p) && (pes[7] & 0xc0) == 0xc0)
		shift_time(pes + PES_HEAD_BYTES + TIME_BYTES, by_90k);
}
