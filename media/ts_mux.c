/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_mux.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "media/h264.h"
#include "media/h265.h"
#include "media/nal.h"
#include "media/ts_packet.h"
#include "media/ts_pes.h"
#include "media/ts_psi.h"

enum {
	START_CODE_BYTES = 4,
	AUDIO_MAX_BYTES = 65000, /* with all headers it fits into one PES packet with a length */
	PREFIX_MAX_BYTES = TS_PES_HEADER_MAX_BYTES + TS_OPUS_HEADER_MAX_BYTES,
	PCR_STEP_90K = 20 * 90,	    /* in packets that are written anyway */
	PCR_ALONE_90K = 40 * 90,    /* in a packet of its own */
	PCR_FILL_90K = 70 * 90,	    /* a longer step is divided */
	JUMP_90K = 2000 * 90,	    /* a longer one, or as far back, is no step */
	TRACK_AWAY_90K = 1000 * 90, /* a track this far behind holds up no clock */
};

static const uint8_t start_code[START_CODE_BYTES] = { 0, 0, 0, 1 };

void ts_mux_fini(struct ts_mux *m)
{
	for (unsigned kind = 0; kind < TRACK_KINDS; kind++) {
		track_unref(m->tracks[kind]);
		m->tracks[kind] = NULL;
	}
}

void ts_mux_init(struct ts_mux *m)
{
	memset(m, 0, sizeof(*m));
	m->pat.pid = TS_PID_PAT;
	m->pmt.pid = TS_MUX_PID_PMT;
	m->streams[TRACK_VIDEO].pid = TS_MUX_PID_VIDEO;
	m->streams[TRACK_AUDIO].pid = TS_MUX_PID_AUDIO;
}

static void forget_times(struct ts_mux *m)
{
	m->has_psi = m->has_pcr = false;
	m->has_dts[TRACK_VIDEO] = m->has_dts[TRACK_AUDIO] = false;
}

void ts_mux_discontinuity(struct ts_mux *m)
{
	forget_times(m);
	m->pat.is_discontinuity = m->pmt.is_discontinuity = true;
	m->streams[TRACK_VIDEO].is_discontinuity = m->streams[TRACK_AUDIO].is_discontinuity = true;
}

/* ---- tracks ---- */

/* Would the PMT say the same of it? */
static bool looks_alike(const struct track *a, const struct track *b)
{
	if (!a || !b || a->codec != b->codec)
		return a == b;
	return a->codec != CODEC_OPUS || track_is_same(a, b);
}

int ts_mux_set_track(struct ts_mux *m, enum track_kind kind, struct track *track)
{
	struct track *old = m->tracks[kind];
	struct adts_format adts;
	struct opus_config opus;

	if (track == old)
		return 0;
	assert(!track || track->kind == kind);
	if (track && track->codec == CODEC_AAC) {
		if (adts_format_of_track(&adts, track) != PARSE_OK)
			return -ENOTSUP;
		m->adts = adts;
	}
	if (track && track->codec == CODEC_OPUS) {
		if (opus_config_parse(&opus, track->config, track->config_len) != PARSE_OK)
			return -ENOTSUP;
		m->opus = opus;
	}
	if (!looks_alike(old, track)) {
		m->pmt_len = 0;
		m->has_psi = false;
	}
	m->tracks[kind] = track_ref(track);
	track_unref(old);
	return 0;
}

static enum track_kind pcr_kind(const struct ts_mux *m)
{
	return m->tracks[TRACK_VIDEO] ? TRACK_VIDEO : TRACK_AUDIO;
}

static void make_pmt(struct ts_mux *m)
{
	struct ts_pmt pmt = { .program = TS_MUX_PROGRAM, .version = m->pmt_version };

	pmt.pcr_pid = m->streams[pcr_kind(m)].pid;
	for (unsigned kind = 0; kind < TRACK_KINDS; kind++) {
		if (!m->tracks[kind])
			continue;
		pmt.streams[pmt.n_streams++] = (struct ts_pmt_stream){
			.pid = m->streams[kind].pid,
			.codec = m->tracks[kind]->codec,
			.opus = m->opus,
		};
	}
	m->pmt_len = ts_pmt_write(m->pmt_section, &pmt);
	assert(m->pmt_len <= sizeof(m->pmt_section));
	m->pmt_version = (m->pmt_version + 1) & 0x1f;
}

/* ---- one frame as an elementary stream ---- */

/* What becomes of a frame: prefix, sets, then its own bytes. Borrowed pointers. */
struct unit {
	const struct frame *frame;
	enum track_kind kind;
	size_t prefix_len; /* PES header, and what stands in front of the codec's bytes */
	uint8_t prefix[PREFIX_MAX_BYTES];
	bool has_sets; /* those of the track are put in front */
	size_t len;    /* all of it */
};

struct set_lists {
	size_t n_lists;
	const struct nal *lists[H265_SET_KINDS];
	size_t counts[H265_SET_KINDS];
	struct h264_config h264;
	struct h265_config h265;
};

static void list_sets(struct set_lists *l, const struct track *track)
{
	l->n_lists = 0;
	if (track->codec == CODEC_H264) {
		h264_config_of_track(&l->h264, track);
		l->lists[l->n_lists] = l->h264.sps;
		l->counts[l->n_lists++] = l->h264.n_sps;
		l->lists[l->n_lists] = l->h264.pps;
		l->counts[l->n_lists++] = l->h264.n_pps;
		return;
	}
	h265_config_of_track(&l->h265, track);
	for (; l->n_lists < H265_SET_KINDS; l->n_lists++) {
		l->lists[l->n_lists] = l->h265.sets[l->n_lists];
		l->counts[l->n_lists] = l->h265.count[l->n_lists];
	}
}

static size_t sets_bytes(const struct track *track)
{
	struct set_lists l;
	size_t len = 0;

	list_sets(&l, track);
	for (size_t i = 0; i < l.n_lists; i++) {
		for (size_t j = 0; j < l.counts[i]; j++)
			len += START_CODE_BYTES + l.lists[i][j].len;
	}
	return len;
}

/* A bit for each kind of parameter set. */
static unsigned set_bit(enum track_codec codec, const struct nal *nal)
{
	unsigned type = codec == CODEC_H265 ? nal_h265_type(nal) : nal_h264_type(nal);
	unsigned first = codec == CODEC_H265 ? NAL_H265_VPS : NAL_H264_SPS;

	return type >= first && type < first + (codec == CODEC_H265 ? 3 : 2) ? 1u << (type - first) : 0;
}

static int plan_video(struct unit *u)
{
	static const uint8_t aud_h264[] = { 0, 0, 0, 1, 0x09, 0xf0 };
	static const uint8_t aud_h265[] = { 0, 0, 0, 1, 0x46, 0x01, 0x50 };
	bool is_h265 = u->frame->track->codec == CODEC_H265;
	unsigned all_sets = is_h265 ? 7 : 3;
	unsigned seen = 0;
	struct nal_walk walk;
	struct nal nal;

	u->prefix_len = is_h265 ? sizeof(aud_h265) : sizeof(aud_h264);
	memcpy(u->prefix, is_h265 ? aud_h265 : aud_h264, u->prefix_len);
	u->len = u->prefix_len;
	nal_walk_init(&walk, u->frame->data, u->frame->size_bytes, NAL_LENGTH_4);
	while (nal_walk_next(&walk, &nal)) {
		u->len += START_CODE_BYTES + nal.len;
		seen |= set_bit(u->frame->track->codec, &nal);
	}
	if (walk.is_bad || u->len == u->prefix_len)
		return -EINVAL;
	u->has_sets = frame_is_key(u->frame) && seen != all_sets;
	if (u->has_sets)
		u->len += sets_bytes(u->frame->track);
	return 0;
}

static int plan_audio(const struct ts_mux *m, struct unit *u)
{
	size_t size_bytes = u->frame->size_bytes;

	if (size_bytes == 0)
		return -EINVAL;
	if (u->frame->track->codec == CODEC_AAC) {
		if (size_bytes > ADTS_FRAME_MAX_BYTES - ADTS_HEADER_BYTES)
			return -EINVAL;
		adts_write(u->prefix, &m->adts, size_bytes);
		u->prefix_len = ADTS_HEADER_BYTES;
	} else {
		if (size_bytes > AUDIO_MAX_BYTES)
			return -EINVAL;
		u->prefix_len = ts_opus_write(u->prefix, size_bytes);
	}
	u->len = u->prefix_len + size_bytes;
	return 0;
}

static uint8_t stream_id_of(enum track_codec codec)
{
	switch (codec) {
	case CODEC_AAC: return TS_PES_AUDIO;
	case CODEC_OPUS: return TS_PES_PRIVATE_1;
	case CODEC_H264:
	case CODEC_H265:
	case CODECS: break;
	}
	return TS_PES_VIDEO;
}

static void put_pes_header(struct unit *u)
{
	const struct frame *f = u->frame;
	struct ts_pes_header header = {
		.stream_id = stream_id_of(f->track->codec),
		.has_length = true,
		.has_pts = true,
		.has_dts = u->kind == TRACK_VIDEO && f->dts_90k != f->pts_90k,
		.pts_90k = f->pts_90k & (TS_CLOCK_MODULUS - 1),
		.dts_90k = f->dts_90k & (TS_CLOCK_MODULUS - 1),
		.payload_bytes = u->len,
	};
	uint8_t raw[TS_PES_HEADER_MAX_BYTES];
	size_t len = ts_pes_write(raw, &header);

	memmove(u->prefix + len, u->prefix, u->prefix_len);
	memcpy(u->prefix, raw, len);
	u->prefix_len += len;
	u->len += len;
}

static int plan_unit(const struct ts_mux *m, const struct frame *f, struct unit *u)
{
	int err;

	u->frame = f;
	u->kind = f->track->kind;
	u->has_sets = false;
	err = u->kind == TRACK_VIDEO ? plan_video(u) : plan_audio(m, u);
	if (err == 0)
		put_pes_header(u);
	return err;
}

/* ---- the clock ---- */

/* What stands in front of the frame's own packets. */
struct plan {
	bool has_psi;
	bool is_jump;	    /* times do not go on where they were */
	bool has_pcr;	    /* in the frame's first packet */
	size_t n_pcr_alone; /* in packets of their own */
	int64_t pcr_90k;    /* the last of all these */
	int64_t clock_90k;
};

/*
 * The slower track's dts, so that no frame comes after its time. One that is announced and has not come yet holds the
 * clock where it is, one that stays away is not waited for.
 */
static int64_t clock_of(const struct ts_mux *m, const struct unit *u)
{
	int64_t now_90k = u->frame->dts_90k;
	int64_t other_90k = now_90k;
	unsigned other = u->kind == TRACK_VIDEO ? TRACK_AUDIO : TRACK_VIDEO;

	if (m->has_dts[other])
		other_90k = m->dts_90k[other];
	else if (m->tracks[other] && m->has_pcr)
		other_90k = m->pcr_90k + TS_MUX_PCR_DELAY_90K;
	if (other_90k < now_90k)
		return now_90k - other_90k < TRACK_AWAY_90K ? other_90k : now_90k;
	return other_90k - now_90k < TRACK_AWAY_90K ? now_90k : other_90k;
}

static void plan_pcr(const struct ts_mux *m, const struct unit *u, struct plan *p)
{
	bool is_carrier = u->kind == pcr_kind(m);
	int64_t pcr_90k = p->clock_90k - TS_MUX_PCR_DELAY_90K;
	int64_t step_90k = pcr_90k - m->pcr_90k;
	size_t n = 1;

	p->is_jump = m->has_pcr && step_90k > JUMP_90K;
	p->pcr_90k = pcr_90k;
	if (m->has_pcr && !p->is_jump) {
		if (step_90k < (is_carrier ? PCR_STEP_90K : PCR_ALONE_90K))
			return;
		n = (size_t)((step_90k + PCR_FILL_90K - 1) / PCR_FILL_90K);
	}
	p->has_pcr = is_carrier;
	p->n_pcr_alone = is_carrier ? n - 1 : n;
}

static void plan_frame(const struct ts_mux *m, const struct unit *u, struct plan *p)
{
	bool is_key_picture = u->kind == TRACK_VIDEO && frame_is_key(u->frame);

	*p = (struct plan){ .clock_90k = clock_of(m, u) };
	plan_pcr(m, u, p);
	p->has_psi = !m->has_psi || p->is_jump || is_key_picture || p->clock_90k - m->psi_90k >= TS_MUX_PSI_90K;
}

/* ---- packets ---- */

/* Fills packets one behind the other; how many bytes will come is known. */
struct packer {
	uint8_t *next; /* the packet that is opened next */
	struct ts_packet head;
	size_t left; /* bytes of payload that are in no opened packet yet */
	uint8_t *to;
	size_t room; /* in the opened packet */
};

static void open_packet(struct packer *k)
{
	size_t room = ts_packet_room(&k->head);

	k->head.payload_len = k->room = k->left < room ? k->left : room;
	k->to = ts_packet_write(k->next, &k->head);
	k->next += TS_PACKET_BYTES;
	k->left -= k->room;
	k->head.continuity = (k->head.continuity + 1) & 0x0f;
	k->head.is_unit_start = k->head.is_random_access = k->head.is_discontinuity = k->head.has_pcr = false;
}

static void pack(struct packer *k, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t n;

		if (k->room == 0)
			open_packet(k);
		n = len < k->room ? len : k->room;
		memcpy(k->to, data, n);
		k->to += n;
		k->room -= n;
		data += n;
		len -= n;
	}
}

static void pack_nal(struct packer *k, const struct nal *nal)
{
	pack(k, start_code, sizeof(start_code));
	pack(k, nal->data, nal->len);
}

static void pack_sets(struct packer *k, const struct track *track)
{
	struct set_lists l;

	list_sets(&l, track);
	for (size_t i = 0; i < l.n_lists; i++) {
		for (size_t j = 0; j < l.counts[i]; j++)
			pack_nal(k, &l.lists[i][j]);
	}
}

static void pack_unit(struct packer *k, const struct unit *u)
{
	struct nal_walk walk;
	struct nal nal;

	pack(k, u->prefix, u->prefix_len);
	if (u->kind == TRACK_AUDIO) {
		pack(k, u->frame->data, u->frame->size_bytes);
		return;
	}
	if (u->has_sets)
		pack_sets(k, u->frame->track);
	nal_walk_init(&walk, u->frame->data, u->frame->size_bytes, NAL_LENGTH_4);
	while (nal_walk_next(&walk, &nal))
		pack_nal(k, &nal);
}

static struct ts_packet head_of(const struct unit *u, const struct plan *p, const struct ts_mux_pid *pid)
{
	return (struct ts_packet){
		.pid = pid->pid,
		.continuity = pid->continuity,
		.is_unit_start = true,
		.is_random_access = u->kind == TRACK_VIDEO && frame_is_key(u->frame),
		.is_discontinuity = pid->is_discontinuity && !(p->has_pcr && p->n_pcr_alone > 0),
		.has_pcr = p->has_pcr,
		.pcr_27m = (p->pcr_90k & (TS_CLOCK_MODULUS - 1)) * 300,
	};
}

static size_t packets_of(const struct unit *u, const struct ts_packet *head)
{
	size_t first = ts_packet_room(head);

	return u->len <= first ? 1 : 1 + (u->len - first + TS_PAYLOAD_MAX_BYTES - 1) / TS_PAYLOAD_MAX_BYTES;
}

static uint8_t *write_section(uint8_t *to, struct ts_mux_pid *pid, const uint8_t *section, size_t len)
{
	const struct ts_packet first = {
		.pid = pid->pid,
		.continuity = pid->continuity,
		.is_discontinuity = pid->is_discontinuity,
	};
	size_t n = ts_section_write((uint8_t(*)[TS_PACKET_BYTES])to, section, len, &first);

	assert(n == 1);
	pid->continuity = (pid->continuity + 1) & 0x0f;
	pid->is_discontinuity = false;
	return to + TS_PACKET_BYTES;
}

static uint8_t *write_psi(struct ts_mux *m, uint8_t *to)
{
	const struct ts_pat pat = { .has_program = true, .program = TS_MUX_PROGRAM, .pmt_pid = TS_MUX_PID_PMT };
	uint8_t section[TS_MUX_PMT_MAX_BYTES];

	if (m->pmt_len == 0)
		make_pmt(m);
	to = write_section(to, &m->pat, section, ts_pat_write(section, &pat));
	return write_section(to, &m->pmt, m->pmt_section, m->pmt_len);
}

/* Evenly between the last PCR and the one that is due. */
static uint8_t *write_pcr_alone(struct ts_mux *m, const struct plan *p, uint8_t *to)
{
	struct ts_mux_pid *pid = &m->streams[pcr_kind(m)];
	int64_t n_steps = (int64_t)p->n_pcr_alone + (p->has_pcr ? 1 : 0);
	int64_t from_90k = m->has_pcr && !p->is_jump ? m->pcr_90k : p->pcr_90k;

	for (int64_t i = 1; i <= (int64_t)p->n_pcr_alone; i++) {
		int64_t pcr_90k = from_90k + (p->pcr_90k - from_90k) * i / n_steps;
		const struct ts_packet packet = {
			.pid = pid->pid,
			.continuity = (pid->continuity - 1) & 0x0f, /* not counted on without payload */
			.is_discontinuity = pid->is_discontinuity,
			.has_pcr = true,
			.pcr_27m = (pcr_90k & (TS_CLOCK_MODULUS - 1)) * 300,
		};

		(void)ts_packet_write(to, &packet);
		pid->is_discontinuity = false;
		to += TS_PACKET_BYTES;
	}
	return to;
}

static void remember(struct ts_mux *m, const struct unit *u, const struct plan *p)
{
	int64_t dts_90k = u->frame->dts_90k;

	if (p->has_psi) {
		m->has_psi = true;
		m->psi_90k = p->clock_90k;
	}
	if (p->has_pcr || p->n_pcr_alone > 0) {
		m->has_pcr = true;
		m->pcr_90k = p->pcr_90k;
	}
	m->has_dts[u->kind] = true;
	m->dts_90k[u->kind] = dts_90k;
}

/* The clock starts anew: what carries it says so, and so does the track whose times jumped. */
static void begin_jump(struct ts_mux *m, struct unit *u)
{
	forget_times(m);
	m->streams[pcr_kind(m)].is_discontinuity = true;
	m->streams[u->kind].is_discontinuity = true;
}

int ts_mux_frame(struct ts_mux *m, const struct frame *f, struct bytes_writer *w)
{
	struct unit u;
	struct plan p;
	struct packer k = { 0 };
	struct ts_mux_pid *pid = &m->streams[f->track->kind];
	size_t n_packets;
	int err = ts_mux_set_track(m, f->track->kind, f->track);

	if (err == 0)
		err = plan_unit(m, f, &u);
	if (err != 0)
		return err;
	if (m->has_dts[u.kind] && m->dts_90k[u.kind] - f->dts_90k > JUMP_90K)
		begin_jump(m, &u);
	plan_frame(m, &u, &p);
	if (p.is_jump)
		begin_jump(m, &u);
	k.head = head_of(&u, &p, pid);
	k.left = u.len;
	n_packets = (p.has_psi ? 2 : 0) + p.n_pcr_alone + packets_of(&u, &k.head);
	k.next = bytes_reserve(w, n_packets * TS_PACKET_BYTES);
	if (!k.next)
		return -ENOMEM;
	if (p.has_psi)
		k.next = write_psi(m, k.next);
	k.next = write_pcr_alone(m, &p, k.next);
	pack_unit(&k, &u);
	assert(k.left == 0 && k.room == 0 && k.next == w->data + w->len);
	pid->continuity = k.head.continuity;
	pid->is_discontinuity = false;
	remember(m, &u, &p);
	return 0;
}
