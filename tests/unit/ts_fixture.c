/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ts_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "media/aac.h"
#include "media/h264.h"
#include "media/h265.h"
#include "media/opus.h"

/* Records of x264 (640x360) and x265 (322x180). */
static const uint8_t avcc[] = { 1, 0x42, 0xc0, 0x1e, 0xff, 0xe1, 0, 25, 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f,
	0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48, 1, 0, 5,
	0x68, 0xcb, 0x83, 0xcb, 0x20 };
static const uint8_t hvcc[] = { 1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 60, 0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0,
	0x0f, 3, 0xa0, 0, 1, 0, 24, 0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00,
	0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x95, 0x94, 0x09, 0xa1, 0, 1, 0, 44, 0x42, 0x01, 0x01, 0x01, 0x60,
	0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3c, 0xa0, 0x0a, 0x88, 0x0c, 0x1c,
	0x44, 0xf9, 0x65, 0x65, 0x4a, 0x4c, 0x2f, 0x01, 0x68, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03,
	0x00, 0xc8, 0x40, 0xa2, 0, 1, 0, 6, 0x44, 0x01, 0xc0, 0x73, 0xc1, 0x89 };
static const uint8_t asc[] = { 0x11, 0x90 };

struct track *ts_fixture_track(enum track_codec codec)
{
	struct opus_config opus;
	struct track *t = NULL;

	opus_config_default(&opus);
	switch (codec) {
	case CODEC_H264: assert_int_equal(h264_track_create(&t, avcc, sizeof(avcc)), 0); break;
	case CODEC_H265: assert_int_equal(h265_track_create(&t, hvcc, sizeof(hvcc)), 0); break;
	case CODEC_AAC: assert_int_equal(aac_track_create(&t, asc, sizeof(asc)), 0); break;
	case CODEC_OPUS: assert_int_equal(opus_track_create_from_config(&t, &opus), 0); break;
	case CODECS: break;
	}
	assert_non_null(t);
	return t;
}

static size_t put_head(uint8_t *to, enum track_codec codec, bool is_key, size_t payload_bytes)
{
	if (codec == CODEC_AAC || codec == CODEC_OPUS) {
		to[0] = 0xfc; /* Opus: one frame of 20 ms, stereo */
		return 1;
	}
	for (size_t i = 0; i < 4; i++)
		to[i] = (uint8_t)(payload_bytes >> (8 * (3 - i)));
	if (codec == CODEC_H264) {
		to[4] = is_key ? 0x65 : 0x41;
		return 5;
	}
	to[4] = is_key ? NAL_H265_IDR_W_RADL << 1 : 1 << 1;
	to[5] = 1;
	return 6;
}

struct frame *ts_fixture_frame(struct track *track, bool is_key, int64_t dts_90k, int64_t pts_90k, size_t payload_bytes)
{
	bool is_video = track->kind == TRACK_VIDEO;
	struct frame *f = frame_create(track, payload_bytes + (is_video ? 4 : 0));
	uint32_t noise = (uint32_t)dts_90k + 1;

	assert_non_null(f);
	for (size_t i = put_head(f->data, track->codec, is_key, payload_bytes); i < f->size_bytes; i++) {
		noise = noise * 1664525u + 1013904223u;
		f->data[i] = (uint8_t)(noise >> 24 | 1); /* no start code can come of it */
	}
	f->dts_90k = dts_90k;
	f->pts_90k = pts_90k;
	f->flags = is_key || !is_video ? FRAME_KEY : 0;
	return f;
}

/* ---- what a demultiplexer says ---- */

static void on_frame(void *arg, struct frame *f, uint64_t first_packet)
{
	struct ts_got *got = arg;

	assert_true(got->n_frames < TS_GOT_MAX);
	got->first_packets[got->n_frames] = first_packet;
	got->frames[got->n_frames++] = f;
}

static void on_unsupported(void *arg, const char *codec_name)
{
	struct ts_got *got = arg;

	assert_true(got->n_unsupported < 8);
	(void)snprintf(got->unsupported[got->n_unsupported++], sizeof(got->unsupported[0]), "%s", codec_name);
}

static void on_unreadable(void *arg)
{
	((struct ts_got *)arg)->n_unreadable++;
}

static void on_packet(void *arg, const uint8_t packet[TS_PACKET_BYTES])
{
	assert_int_equal(packet[0], TS_SYNC_BYTE);
	((struct ts_got *)arg)->n_packets++;
}

const struct ts_demux_ops ts_got_ops = {
	.frame = on_frame,
	.unsupported = on_unsupported,
	.unreadable = on_unreadable,
	.packet = on_packet,
};

void ts_got_clear(struct ts_got *got)
{
	for (size_t i = 0; i < got->n_frames; i++)
		frame_unref(got->frames[i]);
	memset(got, 0, sizeof(*got));
}

void ts_got_all(struct ts_got *got, const uint8_t *data, size_t len, size_t piece_bytes, struct ts_demux_counts *counts)
{
	struct ts_demux *d;

	assert_int_equal(ts_demux_create(&d, &ts_got_ops, got), 0);
	for (size_t at = 0; at < len; at += piece_bytes)
		ts_demux_feed(d, data + at, piece_bytes < len - at ? piece_bytes : len - at, (int64_t)at);
	ts_demux_flush(d);
	assert_int_equal(ts_demux_packets(d), got->n_packets);
	if (counts)
		ts_demux_get_counts(d, counts);
	ts_demux_destroy(&d);
}

bool ts_frame_is_equal(const struct frame *a, const struct frame *b)
{
	return a->track->codec == b->track->codec && a->dts_90k == b->dts_90k && a->pts_90k == b->pts_90k &&
	    a->flags == b->flags && a->size_bytes == b->size_bytes && memcmp(a->data, b->data, a->size_bytes) == 0;
}

/* ---- checksums ---- */

/* Bit by bit, the slow way: no table to have a mistake in. */
static uint32_t crc_of(const uint8_t *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint32_t)data[i] << 24;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
	}
	return crc;
}

void ts_fixture_set_crc(uint8_t *section, size_t len)
{
	uint32_t crc = crc_of(section, len - 4);

	for (size_t i = 0; i < 4; i++)
		section[len - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* ---- a strict reader ---- */

struct reader {
	struct ts_checked *c;
	size_t packet;
	bool is_seen[0x2000];
	uint8_t continuity[0x2000];
	bool has_pat;
	bool has_pmt;
	unsigned pcr_pid;
	bool has_pcr;
	int64_t pcr_90k;
	bool has_psi_pcr;
	int64_t psi_pcr_90k; /* when the tables came last */
	bool is_psi_new;
};

static void fault(struct reader *r, const char *what)
{
	if (r->c->fault[0] == '\0')
		(void)snprintf(r->c->fault, sizeof(r->c->fault), "packet %zu: %s", r->packet, what);
}

static int64_t read_time(const uint8_t *p)
{
	return (int64_t)(p[0] >> 1 & 7) << 30 | (int64_t)p[1] << 22 | (int64_t)(p[2] >> 1) << 15 | (int64_t)p[3] << 7 |
	    p[4] >> 1;
}

static void check_pcr(struct reader *r, const uint8_t *p, bool is_new_clock)
{
	int64_t pcr_90k =
	    (int64_t)p[6] << 25 | (int64_t)p[7] << 17 | (int64_t)p[8] << 9 | (int64_t)p[9] << 1 | p[10] >> 7;
	int64_t gap_90k = pcr_90k - r->pcr_90k;

	r->c->n_pcr++;
	if (r->has_pcr && !is_new_clock) {
		if (gap_90k <= 0)
			fault(r, "PCR does not rise");
		if (gap_90k > r->c->max_pcr_gap_90k)
			r->c->max_pcr_gap_90k = gap_90k;
	}
	r->has_pcr = true;
	r->pcr_90k = pcr_90k;
}

static void check_section(struct reader *r, unsigned pid, const uint8_t *p, size_t len)
{
	size_t section_len = (size_t)(p[2] & 0x0f) << 8 | p[3];
	const uint8_t *s = p + 1;

	if (p[0] != 0 || 4 + section_len > len) {
		fault(r, "a section that does not fit");
		return;
	}
	if (crc_of(s, 3 + section_len) != 0)
		fault(r, "checksum");
	if (pid == 0) {
		r->has_pat = true;
		if ((unsigned)(s[10] << 8 | s[11]) != (0xe000u | TS_MUX_PID_PMT))
			fault(r, "PAT names another PMT");
		return;
	}
	if (!r->has_pat)
		fault(r, "PMT without PAT");
	r->has_pmt = true;
	r->pcr_pid = (unsigned)(s[8] & 0x1f) << 8 | s[9];
	r->c->pmt_version = s[5] >> 1 & 0x1f;
	r->c->n_psi++;
	r->is_psi_new = true;
}

static void check_pes(struct reader *r, unsigned pid, const uint8_t *p)
{
	int64_t dts_90k = read_time(p[7] >> 6 == 3 ? p + 14 : p + 9);

	if (!r->has_pmt)
		fault(r, "PES before the tables");
	if (p[0] != 0 || p[1] != 0 || p[2] != 1 || (p[7] & 0x80) == 0)
		fault(r, "PES header");
	if (!r->has_pcr || r->pcr_90k >= dts_90k)
		fault(r, "PCR not before dts");
	if (r->is_psi_new && r->has_psi_pcr && r->pcr_90k - r->psi_pcr_90k > r->c->max_psi_gap_90k)
		r->c->max_psi_gap_90k = r->pcr_90k - r->psi_pcr_90k;
	if (r->is_psi_new)
		r->psi_pcr_90k = r->pcr_90k;
	r->has_psi_pcr = true;
	r->is_psi_new = false;
	r->c->n_pes[pid == TS_MUX_PID_VIDEO ? TRACK_VIDEO : TRACK_AUDIO]++;
}

static void check_continuity(struct reader *r, unsigned pid, uint8_t continuity, bool has_payload)
{
	uint8_t want = (uint8_t)((r->continuity[pid] + (has_payload ? 1 : 0)) & 0x0f);

	if (r->is_seen[pid] && continuity != want)
		fault(r, "continuity");
	r->is_seen[pid] = true;
	r->continuity[pid] = continuity;
}

static void check_packet(struct reader *r, const uint8_t *p)
{
	unsigned pid = (unsigned)(p[1] & 0x1f) << 8 | p[2];
	bool has_field = p[3] & 0x20;
	bool has_payload = p[3] & 0x10;
	size_t at = has_field ? 5u + p[4] : 4u;
	unsigned flags = has_field && p[4] > 0 ? p[5] : 0;

	if (p[0] != 0x47 || at > TS_PACKET_BYTES || (at == TS_PACKET_BYTES && has_payload)) {
		fault(r, "no packet");
		return;
	}
	check_continuity(r, pid, p[3] & 0x0f, has_payload);
	r->c->n_discontinuity += flags >> 7;
	r->c->n_random_access += flags >> 6 & 1u;
	if (flags & 0x10) {
		if (pid != r->pcr_pid)
			fault(r, "PCR on another PID");
		check_pcr(r, p, flags & 0x80);
		r->c->n_pcr_alone += !has_payload;
	}
	if (!has_payload)
		return;
	if (pid == 0 || pid == TS_MUX_PID_PMT)
		check_section(r, pid, p + at, TS_PACKET_BYTES - at);
	else if (p[1] & 0x40)
		check_pes(r, pid, p + at);
}

void ts_check(struct ts_checked *c, const uint8_t *data, size_t len)
{
	struct reader r = { .c = c };

	memset(c, 0, sizeof(*c));
	if (len % TS_PACKET_BYTES != 0)
		fault(&r, "not whole packets");
	for (; (r.packet + 1) * TS_PACKET_BYTES <= len; r.packet++)
		check_packet(&r, data + r.packet * TS_PACKET_BYTES);
	c->n_packets = r.packet;
}
