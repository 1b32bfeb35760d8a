/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ts_lane.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/ts_mux.h"
#include "relay/mirror.h"
#include "relay/ts_intro.h"
#include "relay/ts_ring.h"

enum {
	/* A burst is worth its acknowledgements from this many messages on, or when its first one has waited. */
	BURST_MESSAGES = 4,
	BURST_WAIT_US = 10 * 1000,
	MUX_MAX_BYTES = 16 * 1024 * 1024,
};

/* Where a newcomer starts. number 0: nowhere yet. */
struct start {
	uint64_t number; /* rises */
	uint64_t seq;
	size_t offset; /* in that message */
	size_t n_psi;
	uint8_t psi[TS_PSI_MAX_PACKETS][TS_PACKET_BYTES];
	struct shared *intros[2]; /* for a newcomer, and for one that comes from elsewhere */
};

struct ts_lane {
	struct ts_lane *next;
	struct ts_lanes *lanes;
	struct reader frames; /* of the mirror, while there are readers */
	uint64_t frame_seq;   /* of the mirror's ring, 0: none yet */
	struct ts_ring ring;
	uint64_t generation; /* whose packets come in */
	uint64_t epoch;	     /* counts the changes of it */
	uint64_t epoch_seq;  /* the first message of it */
	struct start start;
	uint64_t last_start;
	bool is_direct;		  /* its packets come as they are; also when it is gone */
	struct ts_direct *direct; /* that publisher while it is on */
	struct ts_mux mux;
	struct bytes_writer muxed;
	struct ts_reader *readers;
	uint64_t flushed_seq; /* the head when readers were flushed */
	bool has_newcomers;
	bool is_busy; /* somebody walks over the readers */
	char stream[GATE_STREAM_SIZE];
};

struct ts_direct {
	struct ts_lane *lane; /* NULL: another one has taken over */
};

struct ts_lanes {
	struct relay_local *local;
	struct ts_lane *first;
};

static int64_t now_us(const struct ts_lane *lane)
{
	return local_now_us(lane->lanes->local);
}

static void forget_intros(struct start *start)
{
	shared_unref(start->intros[0]);
	shared_unref(start->intros[1]);
	start->intros[0] = NULL;
	start->intros[1] = NULL;
}

static void lane_destroy(struct ts_lane *lane)
{
	struct ts_lane **at = &lane->lanes->first;

	assert(!lane->readers && !lane->direct);
	mirror_detach(&lane->frames);
	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	forget_intros(&lane->start);
	ts_ring_fini(&lane->ring);
	ts_mux_fini(&lane->mux);
	bytes_writer_fini(&lane->muxed);
	free(lane);
}

static void destroy_if_unused(struct ts_lane *lane)
{
	if (!lane->readers && !lane->direct && !lane->is_busy)
		lane_destroy(lane);
}

void ts_lanes_destroy(struct ts_lanes **lanes)
{
	struct ts_lanes *all = *lanes;

	*lanes = NULL;
	if (!all)
		return;
	assert(!all->first);
	free(all);
}

int ts_lanes_create(struct ts_lanes **out, struct relay_local *local)
{
	struct ts_lanes *all = calloc(1, sizeof(*all));

	*out = all;
	if (!all)
		return -ENOMEM;
	all->local = local;
	return 0;
}

struct relay_local *ts_lanes_local(const struct ts_lanes *lanes)
{
	return lanes->local;
}

/* ---- what comes in ---- */

/* Another publisher: what it sends from now on is of no use to anybody before its first key frame. */
static void begin_epoch(struct ts_lane *lane, uint64_t generation)
{
	lane->generation = generation;
	lane->is_direct = false;
	lane->epoch++;
	lane->epoch_seq = lane->ring.head;
	forget_intros(&lane->start);
	lane->start.number = 0;
	lane->muxed.len = 0;
}

static void set_start(struct ts_lane *lane, uint64_t seq, size_t offset)
{
	forget_intros(&lane->start);
	lane->start.number = ++lane->last_start;
	lane->start.seq = seq;
	lane->start.offset = offset;
	lane->start.n_psi = 0;
	lane->ring.keep_seq = seq;
}

static void push(struct ts_lane *lane, const uint8_t *data, size_t len, uint64_t first_packet, int64_t arrival_us)
{
	if (ts_ring_push(&lane->ring, data, len, first_packet, arrival_us) != 0)
		stats_add(lane->lanes->local->setup->stats, STAT_FRAMES_DROPPED, 1);
	if (lane->start.seq < lane->ring.tail)
		lane->start.number = 0;
}

/* The first n_bytes of what has been muxed, in messages; a last short one waits for more unless is_all. */
static void push_muxed(struct ts_lane *lane, size_t n_bytes, bool is_all, int64_t arrival_us)
{
	struct bytes_writer *w = &lane->muxed;
	size_t pos = 0;

	while (n_bytes - pos >= TS_LANE_MESSAGE_BYTES || (is_all && n_bytes > pos)) {
		const size_t left = n_bytes - pos;
		const size_t len = left < TS_LANE_MESSAGE_BYTES ? left : TS_LANE_MESSAGE_BYTES;

		push(lane, w->data + pos, len, 0, arrival_us);
		pos += len;
	}
	if (pos > 0)
		memmove(w->data, w->data + pos, w->len - pos);
	w->len -= pos;
}

/* Decoding can start at this frame, which has just been muxed: it is a picture, or sound alone with tables in front. */
static bool is_start(const struct ts_lane *lane, const struct frame *frame)
{
	if (frame_is_video(frame))
		return frame_is_key(frame);
	return mirror_ring(lane->frames.mirror)->n_video == 0 && lane->mux.psi_90k == frame->dts_90k;
}

static void begin_muxing(struct ts_lane *lane, uint64_t generation)
{
	const struct ring *ring = mirror_ring(lane->frames.mirror);

	begin_epoch(lane, generation);
	ts_mux_discontinuity(&lane->mux);
	for (int kind = 0; kind < TRACK_KINDS; kind++)
		(void)ts_mux_set_track(&lane->mux, (enum track_kind)kind, ring_track(ring, (enum track_kind)kind));
}

static void mux_frame(struct ts_lane *lane, struct frame *frame)
{
	size_t before;

	if (frame->generation < lane->generation || (frame->generation == lane->generation && lane->is_direct))
		return;
	if (frame->generation > lane->generation)
		begin_muxing(lane, frame->generation);
	else if (frame->flags & FRAME_DISCONTINUITY)
		ts_mux_discontinuity(&lane->mux);
	before = lane->muxed.len;
	if (ts_mux_frame(&lane->mux, frame, &lane->muxed) != 0) {
		stats_add(lane->lanes->local->setup->stats, STAT_FRAMES_UNMUXED, 1);
		return;
	}
	if (is_start(lane, frame)) {
		push_muxed(lane, before, true, frame->arrival_us);
		set_start(lane, lane->ring.head, 0);
	}
	push_muxed(lane, lane->muxed.len, false, frame->arrival_us);
}

static void mux_ring(struct ts_lane *lane)
{
	const struct ring *ring = mirror_ring(lane->frames.mirror);

	if (lane->frame_seq < ring->tail && !ring_start(ring, &lane->frame_seq))
		return;
	for (; lane->frame_seq < ring->head; lane->frame_seq++)
		mux_frame(lane, ring_frame(ring, lane->frame_seq));
	push_muxed(lane, lane->muxed.len, true, now_us(lane));
}

/* ---- readers ---- */

static void flush(struct ts_lane *lane)
{
	struct ts_reader *next;

	lane->flushed_seq = lane->ring.head;
	lane->has_newcomers = false;
	lane->is_busy = true;
	for (struct ts_reader *r = lane->readers; r; r = next) {
		next = r->next;
		r->ops->flush(r);
	}
	lane->is_busy = false;
	destroy_if_unused(lane);
}

static struct ts_lane *lane_of(struct reader *frames)
{
	return (struct ts_lane *)(void *)((uint8_t *)frames - offsetof(struct ts_lane, frames));
}

static void on_frames(struct reader *frames)
{
	struct ts_lane *lane = lane_of(frames);

	mux_ring(lane);
	mirror_want(frames, lane->frame_seq);
	if (lane->ring.head != lane->flushed_seq && !lane->direct)
		flush(lane);
}

static void unlink_reader(struct ts_reader *r)
{
	struct ts_lane *lane = r->lane;

	if (r->prev)
		r->prev->next = r->next;
	else
		lane->readers = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->prev = NULL;
	r->next = NULL;
	r->lane = NULL;
	shared_unref(r->intro);
	r->intro = NULL;
}

static void on_frames_over(struct reader *frames, enum close_reason reason)
{
	struct ts_lane *lane = lane_of(frames);

	lane->is_busy = true;
	while (lane->readers) {
		struct ts_reader *r = lane->readers;

		unlink_reader(r);
		r->ops->over(r, reason);
	}
	lane->is_busy = false;
	destroy_if_unused(lane);
}

static const struct reader_ops frame_ops = { .flush = on_frames, .over = on_frames_over };

static struct ts_lane *find(const struct ts_lanes *lanes, const char *stream)
{
	struct ts_lane *lane = lanes->first;

	while (lane && strcmp(lane->stream, stream) != 0)
		lane = lane->next;
	return lane;
}

static struct ts_lane *find_or_create(struct ts_lanes *lanes, const char *stream)
{
	struct ts_lane *lane = find(lanes, stream);

	if (lane)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return NULL;
	lane->lanes = lanes;
	lane->frames.ops = &frame_ops;
	ts_ring_init(&lane->ring);
	ts_mux_init(&lane->mux);
	bytes_writer_init_growing(&lane->muxed, MUX_MAX_BYTES);
	lane->flushed_seq = lane->ring.head;
	snprintf(lane->stream, sizeof(lane->stream), "%s", stream);
	lane->next = lanes->first;
	lanes->first = lane;
	return lane;
}

int ts_lane_attach(struct ts_lanes *lanes, const char *stream, struct ts_reader *r)
{
	struct ts_lane *lane = find_or_create(lanes, stream);
	int err = 0;

	loop_assert_owner(lanes->local->loop);
	assert(!r->lane);
	if (!lane)
		return -ENOMEM;
	if (!lane->frames.mirror) {
		lane->frame_seq = 0;
		err = mirror_attach(lanes->local, stream, &lane->frames);
	}
	if (err != 0) {
		destroy_if_unused(lane);
		return err;
	}
	r->lane = lane;
	r->prev = NULL;
	r->next = lane->readers;
	if (r->next)
		r->next->prev = r;
	lane->readers = r;
	lane->has_newcomers = true;
	return 0;
}

void ts_lane_detach(struct ts_reader *r)
{
	struct ts_lane *lane = r->lane;

	if (!lane)
		return;
	unlink_reader(r);
	/* A lane without readers needs no frames; the publisher's own packets go on. */
	if (!lane->readers && !lane->is_busy)
		mirror_detach(&lane->frames);
	destroy_if_unused(lane);
}

/* Puts the reader where decoding can start. False: nowhere yet. */
static bool place(struct ts_reader *r)
{
	struct ts_lane *lane = r->lane;
	struct start *start = &lane->start;
	struct shared **intro = &start->intros[r->was_placed];

	if (start->number == 0 || start->number <= r->after_start)
		return false;
	if (!*intro) {
		const struct ts_intro spec = {
			.ring = &lane->ring,
			.seq = start->seq,
			.offset = start->offset,
			.psi = (const uint8_t(*)[TS_PACKET_BYTES])start->psi,
			.n_psi = start->n_psi,
			.is_discontinuity = r->was_placed,
		};

		*intro = ts_intro_make(&spec);
	}
	if (!*intro)
		return false;
	shared_unref(r->intro);
	r->intro = shared_ref(*intro);
	r->intro_pos = 0;
	r->seq = start->seq + (start->offset > 0);
	r->epoch = lane->epoch;
	r->is_placed = true;
	r->was_placed = true;
	lag_start(&r->lag, now_us(lane));
	return true;
}

bool ts_lane_skip(struct ts_reader *r)
{
	/* One that already waits for its place loses nothing more. */
	if (!r->is_placed)
		return false;
	r->is_placed = false;
	r->after_start = r->lane ? r->lane->start.number : 0;
	return lag_skip(&r->lag, r->lane ? now_us(r->lane) : 0);
}

static bool is_behind(const struct ts_reader *r)
{
	const struct ts_ring *ring = &r->lane->ring;

	if (r->seq < ring->tail)
		return true;
	if (r->seq >= ring->head)
		return false;
	return lag_is_behind(
	    &r->lag, ts_ring_message(ring, r->seq)->arrival_us, ts_ring_bytes_from(ring, r->seq), now_us(r->lane));
}

enum ts_piece_verdict ts_lane_next(struct ts_reader *r, struct ts_piece *out)
{
	const struct ts_lane *lane = r->lane;
	const struct shared *bytes;

	if (!lane)
		return TS_PIECE_NONE;
	if (r->is_placed && is_behind(r)) {
		r->is_placed = false;
		/* What it has seen it does not see again. */
		r->after_start = r->seq > lane->start.seq ? lane->start.number : 0;
		if (lag_skip(&r->lag, now_us(lane)))
			return TS_PIECE_TOO_SLOW;
	}
	if (r->is_placed && r->epoch != lane->epoch && r->seq >= lane->epoch_seq)
		r->is_placed = false;
	if (!r->is_placed && !place(r))
		return TS_PIECE_NONE;
	if (r->intro && r->intro_pos < r->intro->size_bytes) {
		const size_t left = r->intro->size_bytes - r->intro_pos;

		*out = (struct ts_piece){ r->intro->data + r->intro_pos,
			left < TS_LANE_MESSAGE_BYTES ? left : TS_LANE_MESSAGE_BYTES };
		return TS_PIECE_READY;
	}
	if (r->seq >= lane->ring.head)
		return TS_PIECE_NONE;
	bytes = ts_ring_message(&lane->ring, r->seq)->bytes;
	*out = (struct ts_piece){ bytes->data, bytes->size_bytes };
	return TS_PIECE_READY;
}

size_t ts_lane_waiting(const struct ts_reader *r)
{
	const struct ts_lane *lane = r->lane;
	const uint64_t from = !lane ? 0 : r->is_placed ? r->seq : lane->start.seq;

	return lane && from < lane->ring.head ? (size_t)(lane->ring.head - from) : 0;
}

void ts_lane_advance(struct ts_reader *r)
{
	if (!r->intro || r->intro_pos >= r->intro->size_bytes) {
		r->seq++;
		return;
	}
	r->intro_pos += TS_LANE_MESSAGE_BYTES;
	if (r->intro_pos >= r->intro->size_bytes) {
		shared_unref(r->intro);
		r->intro = NULL;
	}
}

/* ---- an SRT publisher ---- */

void ts_direct_end(struct ts_direct **direct)
{
	struct ts_direct *d = *direct;

	*direct = NULL;
	if (!d)
		return;
	if (d->lane) {
		d->lane->direct = NULL;
		flush(d->lane);
	}
	free(d);
}

int ts_direct_begin(struct ts_direct **out, struct ts_lanes *lanes, const char *stream, uint64_t generation)
{
	struct ts_direct *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->lane = find_or_create(lanes, stream);
	if (!d->lane) {
		free(d);
		return -ENOMEM;
	}
	if (d->lane->direct)
		d->lane->direct->lane = NULL; /* taken over: what it still has is of no use */
	d->lane->direct = d;
	begin_epoch(d->lane, generation);
	d->lane->is_direct = true;
	*out = d;
	return 0;
}

void ts_direct_message(struct ts_direct *d, const uint8_t *data, size_t len, uint64_t first_packet, int64_t arrival_us)
{
	if (d->lane)
		push(d->lane, data, len, first_packet, arrival_us);
}

void ts_direct_start(struct ts_direct *d, uint64_t packet, const struct ts_demux *demux)
{
	struct ts_lane *lane = d->lane;
	const uint64_t seq = lane ? ts_ring_find(&lane->ring, lane->epoch_seq, packet) : 0;
	const struct ts_message *message;
	size_t offset;

	if (seq == 0)
		return;
	message = ts_ring_message(&lane->ring, seq);
	offset = (size_t)(packet - message->first_packet) * TS_PACKET_BYTES;
	/* Messages that do not hold whole packets are rare: a newcomer gets one from its beginning. */
	if (message->bytes->size_bytes % TS_PACKET_BYTES != 0 || offset >= message->bytes->size_bytes)
		offset = 0;
	set_start(lane, seq, offset);
	lane->start.n_psi = ts_demux_psi(demux, lane->start.psi, TS_PSI_MAX_PACKETS);
}

void ts_lanes_flush(struct ts_lanes *lanes)
{
	struct ts_lane *next;

	for (struct ts_lane *lane = lanes->first; lane; lane = next) {
		const uint64_t n = lane->ring.head - lane->flushed_seq;

		next = lane->next;
		if (lane->has_newcomers || n >= BURST_MESSAGES ||
		    (n > 0 &&
			now_us(lane) - ts_ring_message(&lane->ring, lane->flushed_seq)->arrival_us >= BURST_WAIT_US))
			flush(lane);
	}
}
