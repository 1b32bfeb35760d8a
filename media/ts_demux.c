/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_demux.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/ts_psi.h"
#include "media/ts_stream.h"

enum {
	SYNC_DISTANCES = 3,
	SYNC_SPAN_BYTES = SYNC_DISTANCES * TS_PACKET_BYTES + 1, /* from a sync byte to the third behind it */
	WINDOW_BYTES = (SYNC_DISTANCES + 1) * TS_PACKET_BYTES,
};

/* A table on its PID. */
struct table {
	uint16_t pid;
	bool has_continuity;
	uint8_t continuity;
	struct ts_section building;
	uint8_t newest[TS_SECTION_MAX_BYTES];
	size_t newest_len; /* 0: not seen yet */
};

struct ts_demux {
	struct ts_demux_ops ops;
	void *arg;
	struct table pat;
	struct table pmt;
	bool has_program;
	uint16_t program;
	struct ts_stream streams[TRACK_KINDS];
	bool has_stream[TRACK_KINDS];
	/* Bytes that are no whole packet yet; more than that only while looking for the next sync byte. */
	uint8_t window[WINDOW_BYTES];
	size_t window_len;
	bool is_lost; /* no sync byte where one should have been */
	int64_t arrival_us;
	struct ts_demux_counts counts;
	struct ts_stream_counts stream_counts;
};

static void drop_stream(struct ts_demux *d, enum track_kind kind)
{
	if (d->has_stream[kind])
		ts_stream_fini(&d->streams[kind]);
	d->has_stream[kind] = false;
}

void ts_demux_destroy(struct ts_demux **d)
{
	if (!*d)
		return;
	for (unsigned kind = 0; kind < TRACK_KINDS; kind++)
		drop_stream(*d, kind);
	free(*d);
	*d = NULL;
}

int ts_demux_create(struct ts_demux **out, const struct ts_demux_ops *ops, void *arg)
{
	struct ts_demux *d = calloc(1, sizeof(*d));

	*out = d;
	if (!d)
		return -ENOMEM;
	d->ops = *ops;
	d->arg = arg;
	d->pat.pid = TS_PID_PAT;
	d->pmt.pid = TS_PID_NULL;
	return 0;
}

/* ---- what streams say ---- */

static void on_frame(void *ctx, struct frame *frame, uint64_t first_packet)
{
	struct ts_demux *d = ctx;

	d->ops.frame(d->arg, frame, first_packet);
}

static void on_unsupported(void *ctx, const char *codec_name)
{
	struct ts_demux *d = ctx;

	d->ops.unsupported(d->arg, codec_name);
}

static void on_unreadable(void *ctx)
{
	struct ts_demux *d = ctx;

	d->ops.unreadable(d->arg);
}

static const struct ts_frames_ops frames_ops = {
	.frame = on_frame,
	.unsupported = on_unsupported,
	.unreadable = on_unreadable,
};

/* ---- tables ---- */

static bool is_free_pid(const struct ts_demux *d, uint16_t pid)
{
	return pid >= TS_PID_FIRST_FREE && pid != TS_PID_NULL && pid != d->pmt.pid;
}

static bool is_of_kind(const struct ts_pmt_stream *s, enum track_kind kind)
{
	return s->kind == (kind == TRACK_VIDEO ? TS_STREAM_VIDEO : TS_STREAM_AUDIO);
}

static bool is_current(const struct ts_demux *d, enum track_kind kind, const struct ts_pmt_stream *s)
{
	const struct ts_stream *now = &d->streams[kind];

	if (!d->has_stream[kind] || now->pid != s->pid || now->frames.config.codec != s->codec)
		return false;
	return s->codec != CODEC_OPUS || opus_config_is_equal(&now->frames.opus, &s->opus);
}

/* The one that is taken already when it is still there, else the first. */
static const struct ts_pmt_stream *choose(const struct ts_demux *d, const struct ts_pmt *pmt, enum track_kind kind)
{
	const struct ts_pmt_stream *first = NULL;

	for (size_t i = 0; i < pmt->n_streams; i++) {
		const struct ts_pmt_stream *s = &pmt->streams[i];

		if (!s->is_relayed || !is_of_kind(s, kind) || !is_free_pid(d, s->pid))
			continue;
		if (is_current(d, kind, s))
			return s;
		if (!first)
			first = s;
	}
	return first;
}

static void set_stream(struct ts_demux *d, enum track_kind kind, const struct ts_pmt_stream *s)
{
	struct ts_frames_config config = { .ops = &frames_ops, .ctx = d };

	if (s && is_current(d, kind, s))
		return;
	if (d->has_stream[kind])
		ts_stream_flush(&d->streams[kind]);
	drop_stream(d, kind);
	if (!s)
		return;
	config.codec = s->codec;
	config.opus = &s->opus;
	ts_stream_init(&d->streams[kind], s->pid, &config, &d->stream_counts);
	d->has_stream[kind] = true;
}

static void name_unsupported(struct ts_demux *d, const struct ts_pmt *pmt, const struct ts_pmt_stream *const chosen[])
{
	for (size_t i = 0; i < pmt->n_streams; i++) {
		const struct ts_pmt_stream *s = &pmt->streams[i];

		if (s->kind == TS_STREAM_DATA || s == chosen[TRACK_VIDEO] || s == chosen[TRACK_AUDIO])
			continue;
		on_unsupported(d, s->is_relayed ? "multitrack" : s->codec_name);
	}
}

static void follow_pmt(struct ts_demux *d, const struct ts_pmt *pmt)
{
	const struct ts_pmt_stream *chosen[TRACK_KINDS];

	for (unsigned kind = 0; kind < TRACK_KINDS; kind++)
		chosen[kind] = choose(d, pmt, kind);
	if (chosen[TRACK_VIDEO] && chosen[TRACK_AUDIO] && chosen[TRACK_VIDEO]->pid == chosen[TRACK_AUDIO]->pid)
		chosen[TRACK_AUDIO] = NULL;
	for (unsigned kind = 0; kind < TRACK_KINDS; kind++)
		set_stream(d, kind, chosen[kind]);
	name_unsupported(d, pmt, chosen);
}

/* False: it is the one we have. */
static bool keep_newest(struct table *t, const uint8_t *section, size_t len)
{
	if (t->newest_len == len && memcmp(t->newest, section, len) == 0)
		return false;
	memcpy(t->newest, section, len);
	t->newest_len = len;
	return true;
}

static void say_bad_section(struct ts_demux *d)
{
	d->counts.crc_errors++;
	on_unreadable(d);
}

static void on_pmt(void *ctx, const uint8_t *section, size_t len)
{
	struct ts_demux *d = ctx;
	struct ts_pmt pmt;

	if (d->pmt.newest_len == len && memcmp(d->pmt.newest, section, len) == 0)
		return; /* as nearly always */
	switch (ts_pmt_parse(&pmt, section, len)) {
	case PARSE_OK: break;
	case PARSE_MORE: return;
	case PARSE_BAD: say_bad_section(d); return;
	}
	if (pmt.program == d->program && keep_newest(&d->pmt, section, len))
		follow_pmt(d, &pmt);
}

static void on_pat(void *ctx, const uint8_t *section, size_t len)
{
	struct ts_demux *d = ctx;
	struct ts_pat pat;

	if (ts_pat_parse(&pat, section, len) != PARSE_OK || !pat.has_program || !keep_newest(&d->pat, section, len))
		return;
	if (d->has_program && pat.program == d->program && pat.pmt_pid == d->pmt.pid)
		return;
	d->has_program = true;
	d->program = pat.program;
	memset(&d->pmt, 0, sizeof(d->pmt));
	d->pmt.pid = pat.pmt_pid;
}

static void take_table(struct ts_demux *d, struct table *t, const struct ts_packet *p, ts_section_fn *fn)
{
	unsigned n_bad;

	if (p->payload_len == 0 || p->is_scrambled)
		return;
	if (t->has_continuity && p->continuity == t->continuity && !p->is_discontinuity)
		return; /* repeated */
	if (t->has_continuity && p->continuity != ((t->continuity + 1) & 0x0f))
		ts_section_drop(&t->building);
	t->has_continuity = true;
	t->continuity = p->continuity;
	for (n_bad = ts_section_take(&t->building, p, fn, d); n_bad > 0; n_bad--)
		say_bad_section(d);
}

/* ---- packets ---- */

static void take_packet(struct ts_demux *d, const uint8_t raw[TS_PACKET_BYTES])
{
	uint64_t number = d->counts.packets++;
	struct ts_packet p;

	if (d->ops.packet)
		d->ops.packet(d->arg, raw);
	if (ts_packet_parse(&p, raw) != PARSE_OK || p.is_error) {
		d->counts.transport_errors++;
		return;
	}
	if (p.pid == d->pat.pid) {
		take_table(d, &d->pat, &p, on_pat);
		return;
	}
	if (p.pid == d->pmt.pid && d->has_program) {
		take_table(d, &d->pmt, &p, on_pmt);
		return;
	}
	for (unsigned kind = 0; kind < TRACK_KINDS; kind++) {
		if (d->has_stream[kind] && d->streams[kind].pid == p.pid)
			ts_stream_take(&d->streams[kind], &p, number, d->arrival_us);
	}
}

/* ---- bytes ---- */

static void drop_from_window(struct ts_demux *d, size_t len)
{
	d->window_len -= len;
	memmove(d->window, d->window + len, d->window_len);
}

static size_t fill_window(struct ts_demux *d, const uint8_t *data, size_t len, size_t up_to)
{
	size_t room = up_to - d->window_len;
	size_t n = len < room ? len : room;

	memcpy(d->window + d->window_len, data, n);
	d->window_len += n;
	return n;
}

static bool is_sync_place(const struct ts_demux *d, size_t at)
{
	for (size_t i = 0; i <= SYNC_DISTANCES; i++) {
		if (d->window[at + i * TS_PACKET_BYTES] != TS_SYNC_BYTE)
			return false;
	}
	return true;
}

/* Looks through the window; what can be no beginning is skipped. */
static void look_for_sync(struct ts_demux *d)
{
	size_t at = 0;

	while (at + SYNC_SPAN_BYTES <= d->window_len && !is_sync_place(d, at))
		at++;
	d->counts.skipped_bytes += at;
	drop_from_window(d, at);
	if (d->window_len < SYNC_SPAN_BYTES)
		return;
	d->is_lost = false;
	for (at = 0; at + TS_PACKET_BYTES <= d->window_len; at += TS_PACKET_BYTES)
		take_packet(d, d->window + at);
	drop_from_window(d, at);
}

/* In step: whole packets are taken where they lie. Returns how many bytes were used; fewer than len: out of step. */
static size_t feed_in_step(struct ts_demux *d, const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len && !d->is_lost) {
		bool is_in_place = d->window_len == 0 && len - at >= TS_PACKET_BYTES;
		const uint8_t *packet = is_in_place ? data + at : d->window;

		if (!is_in_place) {
			at += fill_window(d, data + at, len - at, TS_PACKET_BYTES);
			if (d->window_len < TS_PACKET_BYTES)
				break;
		}
		if (packet[0] != TS_SYNC_BYTE) {
			d->is_lost = true;
			break;
		}
		if (is_in_place)
			at += TS_PACKET_BYTES;
		else
			d->window_len = 0;
		take_packet(d, packet);
	}
	return at;
}

void ts_demux_feed(struct ts_demux *d, const uint8_t *data, size_t len, int64_t arrival_us)
{
	d->arrival_us = arrival_us;
	while (len > 0) {
		size_t n = d->is_lost ? fill_window(d, data, len, WINDOW_BYTES) : feed_in_step(d, data, len);

		data += n;
		len -= n;
		if (d->is_lost)
			look_for_sync(d);
	}
}

void ts_demux_flush(struct ts_demux *d)
{
	d->counts.skipped_bytes += d->window_len;
	d->window_len = 0;
	d->is_lost = false;
	for (unsigned kind = 0; kind < TRACK_KINDS; kind++) {
		if (d->has_stream[kind])
			ts_stream_flush(&d->streams[kind]);
	}
	ts_section_drop(&d->pat.building);
	ts_section_drop(&d->pmt.building);
	d->pat.has_continuity = d->pmt.has_continuity = false;
}

/* ---- questions ---- */

uint64_t ts_demux_packets(const struct ts_demux *d)
{
	return d->counts.packets;
}

uint64_t ts_demux_next_packet(const struct ts_demux *d)
{
	return d->counts.packets + (d->window_len > 0);
}

void ts_demux_get_counts(const struct ts_demux *d, struct ts_demux_counts *out)
{
	*out = d->counts;
	out->continuity_errors = d->stream_counts.continuity_errors;
	out->scrambled_packets = d->stream_counts.scrambled_packets;
	out->pes_bad = d->stream_counts.pes_bad;
	out->frames_dropped = d->stream_counts.frames.frames_dropped;
	out->times_guessed = d->stream_counts.frames.times_guessed;
}

static size_t write_table(const struct table *t, uint8_t out[][TS_PACKET_BYTES])
{
	struct ts_packet first = { .pid = t->pid };

	first.continuity = (uint8_t)((t->continuity - (ts_section_packets(t->newest_len) - 1)) & 0x0f);
	return ts_section_write(out, t->newest, t->newest_len, &first);
}

size_t ts_demux_psi(const struct ts_demux *d, uint8_t out[][TS_PACKET_BYTES], size_t max)
{
	size_t n;

	if (d->pat.newest_len == 0 || d->pmt.newest_len == 0)
		return 0;
	if (ts_section_packets(d->pat.newest_len) + ts_section_packets(d->pmt.newest_len) > max)
		return 0;
	n = write_table(&d->pat, out);
	return n + write_table(&d->pmt, out + n);
}
