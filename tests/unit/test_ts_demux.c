/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_demux.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/ts_pes.h"
#include "media/ts_psi.h"
#include "tests/unit/oom.h"
#include "tests/unit/ts_fixture.h"

enum {
	START_90K = 900000,
	OUT_MAX_BYTES = 1024 * 1024,
	PMT_PID = 0x1000,
	VIDEO_PID = 0x100,
	AUDIO_PID = 0x101,
};

/* A second of pictures, a key frame every ten, each of about four packets. */
struct sample {
	struct bytes_writer w;
	struct track *track;
};

static void init_sample(struct sample *s)
{
	struct ts_mux mux;

	s->track = ts_fixture_track(CODEC_H264);
	bytes_writer_init_growing(&s->w, OUT_MAX_BYTES);
	ts_mux_init(&mux);
	for (unsigned n = 0; n < 30; n++) {
		struct frame *f =
		    ts_fixture_frame(s->track, n % 10 == 0, START_90K + n * 3000, START_90K + n * 3000, 600);

		assert_int_equal(ts_mux_frame(&mux, f, &s->w), 0);
		frame_unref(f);
	}
	ts_mux_fini(&mux);
}

static void fini_sample(struct sample *s)
{
	track_unref(s->track);
	bytes_writer_fini(&s->w);
}

static uint8_t *packet_at(struct sample *s, size_t n)
{
	return s->w.data + n * TS_PACKET_BYTES;
}

/* The n-th packet without a unit's start on the video's PID. */
static size_t inner_packet(struct sample *s, size_t n)
{
	for (size_t i = 0; i < s->w.len / TS_PACKET_BYTES; i++) {
		const uint8_t *p = packet_at(s, i);

		if (p[1] == VIDEO_PID >> 8 && p[2] == (VIDEO_PID & 0xff) && n-- == 0)
			return i;
	}
	fail_msg("no such packet");
	return 0;
}

static void cut(struct sample *s, size_t at, size_t len)
{
	memmove(s->w.data + at, s->w.data + at + len, s->w.len - at - len);
	s->w.len -= len;
}

static void insert(struct sample *s, size_t at, const uint8_t *data, size_t len)
{
	assert_non_null(bytes_reserve(&s->w, len));
	memmove(s->w.data + at + len, s->w.data + at, s->w.len - len - at);
	memcpy(s->w.data + at, data, len);
}

/* ---- holes ---- */

static void a_hole_costs_its_frame_and_what_depends_on_it(void **state)
{
	struct sample s;
	static struct ts_got got;
	struct ts_demux_counts c;

	(void)state;
	init_sample(&s);
	cut(&s, inner_packet(&s, 1) * TS_PACKET_BYTES, TS_PACKET_BYTES); /* in the first key frame */
	ts_got_all(&got, s.w.data, s.w.len, 1316, &c);
	assert_int_equal(c.continuity_errors, 1);
	assert_int_equal(got.n_frames, 20);
	assert_true(frame_is_key(got.frames[0]));
	assert_int_equal(got.frames[0]->dts_90k, START_90K + 30000);
	assert_int_equal(got.frames[0]->flags & FRAME_DISCONTINUITY, FRAME_DISCONTINUITY);
	assert_int_equal(got.frames[1]->flags & FRAME_DISCONTINUITY, 0);
	assert_int_equal(c.frames_dropped, 9);
	ts_got_clear(&got);
	fini_sample(&s);
}

/* 15 lost packets leave the same counter as a repeated one; the bytes tell them apart. */
static void a_repeated_packet_is_not_taken_twice(void **state)
{
	struct sample s;
	static struct ts_got got;
	struct ts_demux_counts c;
	size_t at;

	(void)state;
	init_sample(&s);
	for (size_t n = 0; n < 8; n++) {
		uint8_t copy[TS_PACKET_BYTES];

		at = inner_packet(&s, n * 2) * TS_PACKET_BYTES;
		memcpy(copy, s.w.data + at, sizeof(copy));
		insert(&s, at, copy, sizeof(copy));
	}
	ts_got_all(&got, s.w.data, s.w.len, 1316, &c);
	assert_int_equal(c.continuity_errors, 0);
	assert_int_equal(got.n_frames, 30);
	ts_got_clear(&got);
	at = inner_packet(&s, 1);
	packet_at(&s, at)[100] ^= 1;
	ts_got_all(&got, s.w.data, s.w.len, 1316, &c);
	assert_int_equal(c.continuity_errors, 1);
	assert_int_equal(got.n_frames, 20);
	ts_got_clear(&got);
	fini_sample(&s);
}

/* ---- what is not for us ---- */

static const uint8_t null_packet[TS_PACKET_BYTES] = { 0x47, 0x1f, 0xff, 0x10 };
static const uint8_t field_alone[TS_PACKET_BYTES] = { 0x47, 0x01, 0x00, 0x2f, 183, 0 };
static const uint8_t other_pid[TS_PACKET_BYTES] = { 0x47, 0x42, 0x00, 0x15, 0, 0, 1, 0xe0 };

static void other_packets_do_no_harm(void **state)
{
	static const uint8_t *const others[] = { null_packet, other_pid };
	struct sample s;
	static struct ts_got got;
	struct ts_demux_counts c;
	uint8_t field[TS_PACKET_BYTES];

	(void)state;
	init_sample(&s);
	for (size_t n = 0; n < 20; n++)
		insert(&s, n * 3 * TS_PACKET_BYTES, others[n % 2], TS_PACKET_BYTES);
	memcpy(field, field_alone, sizeof(field));
	field[3] = (uint8_t)(0x20 | (packet_at(&s, inner_packet(&s, 3))[3] & 0x0f));
	insert(&s, (inner_packet(&s, 3) + 1) * TS_PACKET_BYTES, field, sizeof(field));
	ts_got_all(&got, s.w.data, s.w.len, 188, &c);
	assert_int_equal(got.n_frames, 30);
	assert_int_equal(c.continuity_errors + c.transport_errors + c.skipped_bytes, 0);
	assert_int_equal(c.packets, s.w.len / TS_PACKET_BYTES);
	ts_got_clear(&got);
	fini_sample(&s);
}

static void damaged_and_scrambled_packets_are_counted(void **state)
{
	static const struct {
		size_t byte;
		uint8_t bits;
		uint64_t transport_errors, scrambled, continuity_errors;
	} cases[] = {
		{ 1, 0x80, 1, 0, 1 },
		{ 3, 0x80, 0, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sample s;
		static struct ts_got got;
		struct ts_demux_counts c;

		init_sample(&s);
		packet_at(&s, inner_packet(&s, 2))[cases[i].byte] |= cases[i].bits;
		ts_got_all(&got, s.w.data, s.w.len, 1316, &c);
		assert_int_equal(c.transport_errors, cases[i].transport_errors);
		assert_int_equal(c.scrambled_packets, cases[i].scrambled);
		assert_int_equal(c.continuity_errors, cases[i].continuity_errors);
		assert_int_equal(got.n_frames, 20);
		ts_got_clear(&got);
		fini_sample(&s);
	}
}

/* ---- out of step ---- */

static void garbage_is_skipped(void **state)
{
	static const size_t lengths[] = { 1, 47, 187, 188, 189, 1000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct sample s;
		static struct ts_got got;
		struct ts_demux_counts c;
		uint8_t garbage[1000];

		init_sample(&s);
		memset(garbage, 0x11, sizeof(garbage));
		garbage[0] = 0x12;
		insert(&s, inner_packet(&s, 8) * TS_PACKET_BYTES, garbage, lengths[i]);
		for (size_t piece = 1; piece < 2000; piece = piece * 3 + 50) {
			ts_got_all(&got, s.w.data, s.w.len, piece, &c);
			assert_int_equal(got.n_frames, 30);
			assert_int_equal(c.skipped_bytes, lengths[i]);
			ts_got_clear(&got);
		}
		fini_sample(&s);
	}
}

/* Packets of 204 bytes: correction data behind each. Nothing is found, and that is counted. */
static void other_packet_sizes_are_skipped(void **state)
{
	struct sample s;
	static struct ts_got got;
	struct ts_demux_counts c;
	static const uint8_t tail[16] = { 1 };

	(void)state;
	init_sample(&s);
	for (size_t at = TS_PACKET_BYTES; at < s.w.len; at += TS_PACKET_BYTES + sizeof(tail))
		insert(&s, at, tail, sizeof(tail));
	ts_got_all(&got, s.w.data, s.w.len, 1316, &c);
	assert_int_equal(got.n_frames, 0);
	assert_true(c.skipped_bytes > s.w.len - 2 * TS_PACKET_BYTES);
	ts_got_clear(&got);
	fini_sample(&s);
}

/* ---- tables ---- */

static size_t add_pmt(struct bytes_writer *w, const struct ts_pmt *pmt, uint8_t continuity)
{
	const struct ts_pat pat = { .has_program = true, .program = 1, .pmt_pid = PMT_PID };
	struct ts_packet first = { .pid = TS_PID_PAT, .continuity = continuity };
	uint8_t section[TS_SECTION_MAX_BYTES];
	uint8_t packets[2 * TS_SECTION_MAX_PACKETS][TS_PACKET_BYTES];
	size_t n = ts_section_write(packets, section, ts_pat_write(section, &pat), &first);

	first.pid = PMT_PID;
	n += ts_section_write(packets + n, section, ts_pmt_write(section, pmt), &first);
	bytes_put(w, packets, n * TS_PACKET_BYTES);
	return n;
}

static void ignore_unsupported(void *arg, const char *codec_name)
{
	(void)arg;
	(void)codec_name;
}

static void streams_come_and_go_with_the_pmt(void **state)
{
	struct ts_pmt pmt = { .program = 1, .pcr_pid = VIDEO_PID, .n_streams = 3 };
	struct ts_demux *d;
	static struct ts_got got;
	struct bytes_writer w;

	(void)state;
	pmt.streams[0] = (struct ts_pmt_stream){ .pid = VIDEO_PID, .codec = CODEC_H264 };
	pmt.streams[1] = (struct ts_pmt_stream){ .pid = AUDIO_PID, .codec = CODEC_AAC };
	pmt.streams[2] = (struct ts_pmt_stream){ .pid = AUDIO_PID + 1, .codec = CODEC_AAC };
	bytes_writer_init_growing(&w, OUT_MAX_BYTES);
	assert_int_equal(ts_demux_create(&d, &ts_got_ops, &got), 0);
	add_pmt(&w, &pmt, 0);
	add_pmt(&w, &pmt, 1); /* the same again says nothing again */
	ts_demux_feed(d, w.data, w.len, 0);
	assert_int_equal(got.n_unsupported, 1);
	assert_string_equal(got.unsupported[0], "multitrack");
	pmt.version = 1;
	pmt.n_streams = 2;
	bytes_writer_reset(&w);
	add_pmt(&w, &pmt, 2);
	ts_demux_feed(d, w.data, w.len, 0);
	assert_int_equal(got.n_unsupported, 1);
	ts_demux_destroy(&d);
	bytes_writer_fini(&w);
	ts_got_clear(&got);
}

/* Its counters lead up to the last packet that was seen. */
static void the_newest_tables_can_be_had(void **state)
{
	struct ts_pmt pmt = { .program = 1, .pcr_pid = VIDEO_PID, .n_streams = TS_PMT_MAX_STREAMS };
	uint8_t out[TS_PSI_MAX_PACKETS][TS_PACKET_BYTES];
	struct ts_demux *d;
	static struct ts_got got;
	struct bytes_writer w;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < TS_PMT_MAX_STREAMS; i++)
		pmt.streams[i] = (struct ts_pmt_stream){ .pid = (uint16_t)(VIDEO_PID + i), .codec = CODEC_AAC };
	bytes_writer_init_growing(&w, OUT_MAX_BYTES);
	assert_int_equal(ts_demux_create(&d, &ts_got_ops, &got), 0);
	assert_int_equal(ts_demux_psi(d, out, TS_PSI_MAX_PACKETS), 0);
	pmt.n_streams = 4;
	add_pmt(&w, &pmt, 5);
	ts_demux_feed(d, w.data, w.len, 0);
	n = ts_demux_psi(d, out, TS_PSI_MAX_PACKETS);
	assert_int_equal(n * TS_PACKET_BYTES, w.len);
	assert_memory_equal(out, w.data, w.len);
	assert_int_equal(ts_demux_psi(d, out, 1), 0);
	ts_demux_destroy(&d);
	ts_got_clear(&got);
	bytes_writer_fini(&w);
}

static void a_broken_checksum_is_no_table(void **state)
{
	struct sample s;
	static struct ts_got got;
	struct ts_demux_counts c;

	(void)state;
	init_sample(&s);
	packet_at(&s, 1)[20] ^= 1; /* the first PMT; the next comes with the second key frame or before */
	ts_got_all(&got, s.w.data, s.w.len, 1316, &c);
	assert_int_equal(c.crc_errors, 1);
	assert_int_equal(got.n_unreadable, 1);
	assert_int_equal(got.n_frames, 20);
	ts_got_clear(&got);
	fini_sample(&s);
}

/* ---- PES packets ---- */

/* One of audio on AUDIO_PID, as packets. */
static void add_pes(
    struct bytes_writer *w, uint8_t *continuity, bool has_pts, int64_t pts_90k, const uint8_t *es, size_t len)
{
	const struct ts_pes_header header = { .stream_id = TS_PES_AUDIO,
		.has_length = true,
		.has_pts = has_pts,
		.pts_90k = pts_90k,
		.payload_bytes = len };
	uint8_t pes[8192];
	uint8_t raw[TS_PACKET_BYTES];
	size_t left = ts_pes_write(pes, &header) + len;
	struct ts_packet p = { .pid = AUDIO_PID, .is_unit_start = true };

	memcpy(pes + left - len, es, len);
	for (size_t at = 0; left > 0; at += p.payload_len, left -= p.payload_len) {
		p.payload_len = left < TS_PAYLOAD_MAX_BYTES ? left : TS_PAYLOAD_MAX_BYTES;
		p.continuity = (*continuity)++ & 0x0f;
		memcpy(ts_packet_write(raw, &p), pes + at, p.payload_len);
		bytes_put(w, raw, sizeof(raw));
		p.is_unit_start = false;
	}
}

/* Three frames of 300 bytes cut into PES packets at any place; the second PES packet has a pts or none. */
static void adts_frames_go_on_in_the_next_pes(void **state)
{
	static const struct ts_pmt pmt = { .program = 1,
		.pcr_pid = AUDIO_PID,
		.n_streams = 1,
		.streams = { { .pid = AUDIO_PID, .codec = CODEC_AAC } } };
	const size_t frame_bytes = 300;
	uint8_t es[900];

	(void)state;
	memset(es, 0x21, sizeof(es));
	for (size_t i = 0; i < 3; i++) {
		static const uint8_t head[] = { 0xff, 0xf1, 0x4c, 0x80, 0x25, 0x9f, 0xfc }; /* 300 bytes */

		memcpy(es + i * frame_bytes, head, sizeof(head));
		es[i * frame_bytes + 7] = (uint8_t)i;
	}
	for (size_t at = 1; at < sizeof(es); at++) {
		/* the pts of the second PES packet is that of the first frame that begins in it */
		int64_t n_begun = (int64_t)((at + frame_bytes - 1) / frame_bytes);
		bool has_pts = at % 2 == 0;
		uint8_t continuity = 0;
		static struct ts_got got;
		struct bytes_writer w;

		bytes_writer_init_growing(&w, OUT_MAX_BYTES);
		add_pmt(&w, &pmt, 0);
		add_pes(&w, &continuity, true, START_90K, es, at);
		add_pes(&w, &continuity, has_pts, START_90K + n_begun * 1920, es + at, sizeof(es) - at);
		ts_got_all(&got, w.data, w.len, 1316, NULL);
		assert_int_equal(got.n_frames, 3);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(got.frames[i]->dts_90k, START_90K + (int64_t)i * 1920);
			assert_int_equal(got.frames[i]->size_bytes, frame_bytes - 7);
			assert_int_equal(got.frames[i]->data[0], i);
		}
		assert_int_equal(got.first_packets[0], 2);
		assert_int_equal(got.n_unreadable, 0);
		ts_got_clear(&got);
		bytes_writer_fini(&w);
	}
}

/* ---- tables that change under way ---- */

/* One more packet of a section on that PID, whole and with a good checksum. */
static void add_section(struct bytes_writer *w, uint16_t pid, const uint8_t *section, size_t len, uint8_t continuity)
{
	const struct ts_packet first = { .pid = pid, .continuity = continuity };
	uint8_t packets[TS_SECTION_MAX_PACKETS][TS_PACKET_BYTES];
	size_t n = ts_section_write(packets, section, len, &first);

	bytes_put(w, packets, n * TS_PACKET_BYTES);
}

static void add_adts(struct bytes_writer *w, uint8_t *continuity, int64_t pts_90k)
{
	static const uint8_t adts[20] = { 0xff, 0xf1, 0x4c, 0x80, 0x02, 0x9f, 0xfc, 0x21 };

	add_pes(w, continuity, true, pts_90k, adts, sizeof(adts));
}

static void add_opus(struct bytes_writer *w, uint8_t *continuity, int64_t pts_90k)
{
	static const uint8_t packet[] = { 0x7f, 0xe0, 2, 0xfc, 0x11 };

	add_pes(w, continuity, true, pts_90k, packet, sizeof(packet));
}

/* AAC, then Opus on the same PID, then Opus of another layout, then nothing, with frames flowing. */
static void the_codec_changes_with_the_pmt(void **state)
{
	struct ts_pmt pmt = { .program = 1, .pcr_pid = AUDIO_PID, .n_streams = 1 };
	struct ts_demux_counts counts;
	static struct ts_got got;
	struct bytes_writer w;
	uint8_t continuity = 0;

	(void)state;
	bytes_writer_init_growing(&w, OUT_MAX_BYTES);
	pmt.streams[0] = (struct ts_pmt_stream){ .pid = AUDIO_PID, .codec = CODEC_AAC };
	add_pmt(&w, &pmt, 0);
	add_adts(&w, &continuity, START_90K);
	pmt.version = 1;
	pmt.streams[0].codec = CODEC_OPUS;
	opus_config_default(&pmt.streams[0].opus);
	add_pmt(&w, &pmt, 1);
	add_opus(&w, &continuity, START_90K + 1920);
	pmt.version = 2; /* a new version of the same: it goes on */
	add_pmt(&w, &pmt, 2);
	add_opus(&w, &continuity, START_90K + 3720);
	pmt.version = 3;
	pmt.streams[0].opus.channels = 1;
	add_pmt(&w, &pmt, 3);
	add_opus(&w, &continuity, START_90K + 5520);
	pmt.version = 4;
	pmt.n_streams = 0;
	add_pmt(&w, &pmt, 4);
	add_opus(&w, &continuity, START_90K + 7320);
	ts_got_all(&got, w.data, w.len, 1316, &counts);
	assert_int_equal(got.n_frames, 4);
	assert_int_equal(got.frames[0]->track->codec, CODEC_AAC);
	assert_int_equal(got.frames[1]->track->codec, CODEC_OPUS);
	assert_ptr_equal(got.frames[1]->track, got.frames[2]->track);
	assert_int_equal(got.frames[2]->track->channels, 2);
	assert_int_equal(got.frames[3]->track->channels, 1);
	assert_int_equal(counts.continuity_errors + counts.pes_bad + got.n_unreadable, 0);
	ts_got_clear(&got);
	bytes_writer_fini(&w);
}

/* The one that is taken stays when another comes in front of it. */
static void the_stream_that_is_taken_stays(void **state)
{
	struct ts_pmt pmt = { .program = 1, .pcr_pid = AUDIO_PID, .n_streams = 1 };
	static struct ts_got got;
	struct bytes_writer w;
	uint8_t continuity = 0;

	(void)state;
	bytes_writer_init_growing(&w, OUT_MAX_BYTES);
	pmt.streams[0] = (struct ts_pmt_stream){ .pid = AUDIO_PID, .codec = CODEC_AAC };
	add_pmt(&w, &pmt, 0);
	add_adts(&w, &continuity, START_90K);
	pmt.version = 1;
	pmt.n_streams = 2;
	pmt.streams[0].pid = AUDIO_PID + 1;
	pmt.streams[1] = (struct ts_pmt_stream){ .pid = AUDIO_PID, .codec = CODEC_AAC };
	add_pmt(&w, &pmt, 1);
	add_adts(&w, &continuity, START_90K + 1920);
	ts_got_all(&got, w.data, w.len, 1316, NULL);
	assert_int_equal(got.n_frames, 2);
	assert_ptr_equal(got.frames[0]->track, got.frames[1]->track);
	ts_got_clear(&got);
	bytes_writer_fini(&w);
}

/* PIDs of tables, of nobody, and one for two streams. */
static void pids_that_cannot_be(void **state)
{
	static const struct {
		uint16_t video, audio;
		size_t n_unsupported;
	} rows[] = {
		{ VIDEO_PID, AUDIO_PID, 0 },
		{ VIDEO_PID, VIDEO_PID, 1 },
		{ TS_PID_FIRST_FREE - 1, AUDIO_PID, 1 },
		{ VIDEO_PID, TS_PID_NULL, 1 },
		{ PMT_PID, PMT_PID, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ts_pmt pmt = { .program = 1, .pcr_pid = VIDEO_PID, .n_streams = 2 };
		static struct ts_got got;
		struct bytes_writer w;

		bytes_writer_init_growing(&w, OUT_MAX_BYTES);
		pmt.streams[0] = (struct ts_pmt_stream){ .pid = rows[i].video, .codec = CODEC_H264 };
		pmt.streams[1] = (struct ts_pmt_stream){ .pid = rows[i].audio, .codec = CODEC_AAC };
		add_pmt(&w, &pmt, 0);
		ts_got_all(&got, w.data, w.len, 1316, NULL);
		assert_int_equal(got.n_unsupported, rows[i].n_unsupported);
		ts_got_clear(&got);
		bytes_writer_fini(&w);
	}
}

static void the_program_moves_to_another_pid(void **state)
{
	static const struct ts_pat pats[] = {
		{ .has_program = true, .program = 1, .pmt_pid = PMT_PID },
		{ .has_program = true, .program = 2, .pmt_pid = PMT_PID },
		{ .has_program = true, .program = 2, .pmt_pid = PMT_PID + 1 },
		{ .has_program = false, .program = 0, .pmt_pid = PMT_PID },
	};
	struct ts_pmt pmt = { .pcr_pid = AUDIO_PID, .n_streams = 1 };
	uint8_t psi[TS_PSI_MAX_PACKETS][TS_PACKET_BYTES];
	static struct ts_got got;
	struct ts_demux *d;
	uint8_t section[TS_SECTION_MAX_BYTES];

	(void)state;
	pmt.streams[0] = (struct ts_pmt_stream){ .pid = AUDIO_PID, .codec = CODEC_AAC };
	assert_int_equal(ts_demux_create(&d, &ts_got_ops, &got), 0);
	for (size_t i = 0; i < ARRAY_LEN(pats); i++) {
		struct bytes_writer w;

		bytes_writer_init_growing(&w, OUT_MAX_BYTES);
		add_section(&w, TS_PID_PAT, section, ts_pat_write(section, &pats[i]), (uint8_t)i);
		ts_demux_feed(d, w.data, w.len, 0);
		/* a new program has no table yet; without one at all the last goes on */
		assert_int_equal(ts_demux_psi(d, psi, TS_PSI_MAX_PACKETS) > 0, i == 3);
		bytes_writer_reset(&w);
		pmt.program = 9;
		add_section(&w, pats[i].pmt_pid, section, ts_pmt_write(section, &pmt), 0);
		pmt.program = pats[i].program;
		add_section(&w, pats[i].pmt_pid, section, ts_pmt_write(section, &pmt), 1);
		ts_demux_feed(d, w.data, w.len, 0);
		assert_true(ts_demux_psi(d, psi, TS_PSI_MAX_PACKETS) > 0);
		bytes_writer_fini(&w);
	}
	ts_demux_destroy(&d);
	ts_demux_destroy(&d);
	ts_got_clear(&got);
}

/* A PMT that is not valid yet, one whose lengths lie, a PAT with another header: nothing comes of them. */
static void tables_that_are_not_followed(void **state)
{
	static const uint8_t lying[] = { 2, 0xb0, 13, 0, 1, 0xc3, 0, 0, 0xe1, 0, 0xf0, 9, 0x5a, 0x53, 0x9f, 0x21 };
	struct ts_pmt pmt = { .program = 1, .pcr_pid = AUDIO_PID, .n_streams = 1 };
	uint8_t section[TS_SECTION_MAX_BYTES];
	uint8_t early[TS_SECTION_MAX_BYTES];
	struct ts_demux_counts counts;
	static struct ts_got got;
	struct bytes_writer w;
	size_t len;

	(void)state;
	bytes_writer_init_growing(&w, OUT_MAX_BYTES);
	pmt.streams[0] = (struct ts_pmt_stream){ .pid = AUDIO_PID, .codec = CODEC_AAC };
	add_pmt(&w, &pmt, 0);
	pmt.streams[0].codec = CODEC_H264;
	pmt.n_streams = 2;
	pmt.streams[1] = (struct ts_pmt_stream){ .pid = AUDIO_PID + 1, .codec = CODEC_H264 };
	len = ts_pmt_write(early, &pmt);
	early[5] &= 0xfe;
	ts_fixture_set_crc(early, len);
	add_section(&w, PMT_PID, early, len, 1);
	memcpy(section, lying, sizeof(lying));
	ts_fixture_set_crc(section, sizeof(lying));
	add_section(&w, PMT_PID, section, sizeof(lying), 2);
	ts_got_all(&got, w.data, w.len, 1316, &counts);
	assert_int_equal(got.n_unsupported, 0);
	assert_int_equal(counts.crc_errors, 1);
	ts_got_clear(&got);
	bytes_writer_fini(&w);
}

/* A PMT of two packets: with both it is one; without the second, or with it scrambled, it is none. */
static void a_pmt_of_more_than_one_packet(void **state)
{
	static const struct {
		const char *name;
		size_t packets[4]; /* of the three: PAT, PMT, its rest */
		size_t n;
		bool is_scrambled; /* the last one */
		bool is_table;
	} rows[] = {
		{ "whole", { 0, 1, 2 }, 3, false, true },
		{ "repeated", { 0, 1, 1, 2 }, 4, false, true },
		{ "a rest alone", { 0, 2 }, 2, false, false },
		{ "no rest", { 0, 1 }, 2, false, false },
		{ "the rest scrambled", { 0, 1, 2 }, 3, true, false },
		{ "no PAT", { 1, 2 }, 2, false, false },
	};
	struct ts_pmt pmt = { .program = 1, .pcr_pid = VIDEO_PID, .n_streams = 20 }; /* 16 + 20 * 15 bytes */
	uint8_t psi[TS_PSI_MAX_PACKETS][TS_PACKET_BYTES];
	struct bytes_writer w;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		pmt.streams[i] = (struct ts_pmt_stream){ .pid = (uint16_t)(VIDEO_PID + i), .codec = CODEC_OPUS };
		opus_config_default(&pmt.streams[i].opus);
	}
	bytes_writer_init_growing(&w, OUT_MAX_BYTES);
	assert_int_equal(add_pmt(&w, &pmt, 3), 3);
	assert_false(w.is_full);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* one "multitrack" each would be more than the fixture keeps */
		struct ts_demux_ops ops = ts_got_ops;
		static struct ts_got got;
		struct ts_demux *d;

		ops.unsupported = ignore_unsupported;
		assert_int_equal(ts_demux_create(&d, &ops, &got), 0);
		for (size_t n = 0; n < rows[i].n; n++) {
			uint8_t packet[TS_PACKET_BYTES];

			memcpy(packet, w.data + rows[i].packets[n] * TS_PACKET_BYTES, sizeof(packet));
			if (rows[i].is_scrambled && n + 1 == rows[i].n)
				packet[3] |= 0x80;
			ts_demux_feed(d, packet, sizeof(packet), 0);
		}
		if ((ts_demux_psi(d, psi, TS_PSI_MAX_PACKETS) == 3) != rows[i].is_table)
			fail_msg("%s", rows[i].name);
		if (rows[i].is_table)
			assert_memory_equal(psi, w.data, w.len);
		ts_demux_destroy(&d);
		ts_got_clear(&got);
	}
	bytes_writer_fini(&w);
}

static int create_and_destroy(void *arg)
{
	struct ts_demux *d;
	int err = ts_demux_create(&d, &ts_got_ops, arg);

	ts_demux_destroy(&d);
	return err;
}

static void without_memory_there_is_none(void **state)
{
	static struct ts_got got;

	(void)state;
	oom_sweep(create_and_destroy, &got, -ENOMEM, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hole_costs_its_frame_and_what_depends_on_it),
		cmocka_unit_test(a_repeated_packet_is_not_taken_twice),
		cmocka_unit_test(other_packets_do_no_harm),
		cmocka_unit_test(damaged_and_scrambled_packets_are_counted),
		cmocka_unit_test(garbage_is_skipped),
		cmocka_unit_test(other_packet_sizes_are_skipped),
		cmocka_unit_test(streams_come_and_go_with_the_pmt),
		cmocka_unit_test(the_newest_tables_can_be_had),
		cmocka_unit_test(a_broken_checksum_is_no_table),
		cmocka_unit_test(adts_frames_go_on_in_the_next_pes),
		cmocka_unit_test(the_codec_changes_with_the_pmt),
		cmocka_unit_test(the_stream_that_is_taken_stays),
		cmocka_unit_test(pids_that_cannot_be),
		cmocka_unit_test(the_program_moves_to_another_pid),
		cmocka_unit_test(tables_that_are_not_followed),
		cmocka_unit_test(a_pmt_of_more_than_one_packet),
		cmocka_unit_test(without_memory_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
