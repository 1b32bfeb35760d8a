/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/out_rtmp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/burst.h"
#include "relay/cursor.h"
#include "relay/mirror.h"
#include "relay/rtmp_image.h"
#include "relay/rtmp_intro.h"

enum {
	BATCH_MAX_IOV = 1024, /* IOV_MAX on Linux */
	BATCH_MAX_BYTES = 1024 * 1024,
	UNSENT_MAX_BYTES = 256 * 1024,
	CONTROL_MAX_BYTES = 64 * 1024,
};

struct out_rtmp {
	struct reader reader; /* first: reader_ops get a pointer to it */
	struct relay_local *local;
	struct tcp_conn *conn;
	const struct out_rtmp_ops *ops;
	void *arg;
	struct cursor cursor;
	struct frame *half_sent; /* a frame before the cursor of which the first half_offset bytes are out */
	size_t half_offset;
	struct track *told[TRACK_KINDS]; /* what the player's decoder was set up with */
	struct bytes_writer control;	 /* replies that wait for the end of a message */
	bool is_paused;
	bool is_over;
	bool has_started;
	unsigned codecs; /* that the player can have, a bit each */
	uint64_t frames;
};

/*
 * The wire bytes from one place of a ring up to its head, as pointers. Players that stand at the same place share it,
 * so a thousand of them cost one walk over the frames. It points into frames that the ring holds: valid while both ring
 * id and head are the same, and the place has not been dropped.
 */
struct batch {
	uint64_t ring_id;
	uint64_t from;
	uint64_t head;			   /* of the ring when it was made */
	uint64_t to;			   /* first place that is not wholly in it */
	struct track *tracks[TRACK_KINDS]; /* that its frames are made with, NULL: no frame of that kind */
	struct rtmp_image_list list;
	struct iovec iov[BATCH_MAX_IOV];
};

static _Thread_local struct batch shared_batch;

static void let_go_of_half_sent(struct out_rtmp *p)
{
	frame_unref(p->half_sent);
	p->half_sent = NULL;
}

void out_rtmp_destroy(struct out_rtmp **player)
{
	struct out_rtmp *p = *player;

	*player = NULL;
	if (!p)
		return;
	mirror_detach(&p->reader);
	let_go_of_half_sent(p);
	for (int i = 0; i < TRACK_KINDS; i++)
		track_unref(p->told[i]);
	bytes_writer_fini(&p->control);
	stats_add(p->local->setup->stats, STAT_RTMP_PLAYERS, -1);
	free(p);
}

static void end(struct out_rtmp *p, enum close_reason reason)
{
	out_rtmp_stop(p);
	p->ops->over(p->arg, reason);
}

/* Adds the frame if its track is what the batch is made of. False: the batch ends before it, or inside it. */
static bool batch_add(struct batch *b, struct frame *frame)
{
	const struct rtmp_image *image = rtmp_image_of(frame);
	struct track **track = &b->tracks[frame->track->kind];

	if (!image || (*track && *track != frame->track) || b->list.bytes >= BATCH_MAX_BYTES)
		return false;
	*track = frame->track;
	return rtmp_image_append(&b->list, image, frame, 0);
}

static const struct batch *batch_from(struct burst *burst, const struct ring *ring, uint64_t seq)
{
	struct batch *b = &shared_batch;

	if (b->ring_id == ring->id && b->from == seq && b->head == ring->head)
		return b;
	burst_send(burst); /* it may be full of pointers into the old one */
	b->ring_id = ring->id;
	b->from = seq;
	b->head = ring->head;
	b->tracks[TRACK_VIDEO] = NULL;
	b->tracks[TRACK_AUDIO] = NULL;
	b->list = (struct rtmp_image_list){ .iov = b->iov, .max = BATCH_MAX_IOV };
	for (b->to = seq; b->to < ring->head; b->to++) {
		if (!batch_add(b, ring_frame(ring, b->to)))
			break;
	}
	return b;
}

/* Writes replies that waited for a message to end. 0, or a negative errno. */
static int flush_control(struct out_rtmp *p)
{
	int err = 0;

	if (p->control.is_full)
		return -ENOBUFS;
	if (p->control.len > 0) {
		err = tcp_conn_send(p->conn, p->control.data, p->control.len);
		bytes_writer_fini(&p->control);
		bytes_writer_init_growing(&p->control, CONTROL_MAX_BYTES);
	}
	return err;
}

static bool is_told(const struct out_rtmp *p, const struct batch *b)
{
	for (int i = 0; i < TRACK_KINDS; i++) {
		if (b->tracks[i] && b->tracks[i] != p->told[i])
			return false;
	}
	return true;
}

static bool can_have(const struct out_rtmp *p, const struct track *track)
{
	return !track || (p->codecs & 1u << track->codec);
}

/*
 * New sequence headers in front of the batch: at the start and when a publisher changes its codec or its configuration.
 * -ENOTSUP: one of them has a codec that the player did not announce (Enhanced RTMP, "Enhancing NetConnection
 * connect").
 */
static int tell(struct out_rtmp *p, const struct batch *b, const struct ring *ring)
{
	const uint32_t timestamp_ms = (uint32_t)(ring_frame(ring, b->from)->dts_90k / 90);

	for (int i = 0; i < TRACK_KINDS; i++) {
		/* Of a kind that is not in the batch the newest is told: most likely it is what comes next. */
		struct track *track = b->tracks[i] ? b->tracks[i]
		    : p->told[i]		   ? p->told[i]
						   : ring_track(ring, (enum track_kind)i);

		if (!can_have(p, track))
			return -ENOTSUP;
		if (track == p->told[i])
			continue;
		track_unref(p->told[i]);
		p->told[i] = track_ref(track);
	}
	rtmp_intro_write(&p->control, p->told[TRACK_VIDEO], p->told[TRACK_AUDIO], timestamp_ms);
	return flush_control(p);
}

/* Moves the cursor over n written bytes; a message that is out in part only becomes the half-sent one. */
static void advance(struct out_rtmp *p, const struct ring *ring, const struct batch *b, size_t n)
{
	struct cursor *c = &p->cursor;

	if (n == b->list.bytes && b->to == b->head) {
		p->frames += b->to - c->seq;
		c->seq = b->to;
		return;
	}
	while (n > 0) {
		struct frame *frame = ring_frame(ring, c->seq++);
		size_t wire_bytes = rtmp_image_of(frame)->wire_bytes;

		p->frames++;
		if (n < wire_bytes) {
			p->half_sent = frame_ref(frame);
			p->half_offset = n;
			return;
		}
		n -= wire_bytes;
	}
}

/* 1: the message is whole on the wire, 0: the socket is full, or a negative errno. */
static int finish_half_sent(struct out_rtmp *p)
{
	const struct rtmp_image *image = rtmp_image_of(p->half_sent);
	struct iovec iov[BATCH_MAX_IOV];

	while (p->half_offset < image->wire_bytes) {
		struct rtmp_image_list list = { .iov = iov, .max = BATCH_MAX_IOV };
		ssize_t n;

		rtmp_image_append(&list, image, p->half_sent, p->half_offset);
		n = tcp_conn_writev(p->conn, list.iov, list.len);
		if (n < 0)
			return (int)n;
		p->half_offset += (size_t)n;
		if ((size_t)n < list.bytes)
			return 0;
	}
	let_go_of_half_sent(p);
	return 1;
}

/*
 * Asked before every write, so that the lag rule also holds for a player whose half-sent message does not move.
 * 1: the cursor is at a frame to send or at the head, 0: nothing to start with yet, -ETIME: too slow for too long.
 */
static int find_place(struct out_rtmp *p, const struct ring *ring)
{
	const int64_t now_us = local_now_us(p->local);

	if (!p->cursor.is_running)
		return cursor_start(&p->cursor, ring, now_us);
	switch (cursor_check(&p->cursor, ring, now_us)) {
	case CURSOR_GOES_ON: return 1;
	case CURSOR_SKIPPED: stats_add(p->local->setup->stats, STAT_PLAYER_SKIPS, 1); return p->cursor.is_running;
	case CURSOR_TOO_SLOW: break;
	}
	return -ETIME;
}

/* One gathered write. 1: all of it went out and there may be more, 0: nothing to do or the socket is full, or -errno.
 */
static int write_batch(struct out_rtmp *p, const struct ring *ring)
{
	const struct batch *b;
	ssize_t n;

	if (p->cursor.seq == ring->head)
		return 0;
	b = batch_from(p->local->burst, ring, p->cursor.seq);
	if (b->list.len == 0)
		return -ENOMEM;
	if (!is_told(p, b)) {
		int err = tell(p, b, ring);

		if (err != 0)
			return err;
	}
	n = tcp_conn_writev(p->conn, b->list.iov, b->list.len);
	if (n <= 0)
		return (int)n;
	p->has_started = true;
	stats_add(p->local->setup->stats, STAT_RTMP_WRITES, 1);
	advance(p, ring, b, (size_t)n);
	return (size_t)n == b->list.bytes;
}

/* Writes what there is, as far as the socket takes it. Replies go out between messages. 0 or a negative errno. */
static int write_all(struct out_rtmp *p)
{
	const struct ring *ring = p->is_over || p->is_paused ? NULL : mirror_ring(p->reader.mirror);
	int result = 1;

	while (result > 0) {
		int place = ring ? find_place(p, ring) : 0;

		if (place < 0)
			return place;
		if (p->half_sent)
			result = finish_half_sent(p);
		if (result > 0) {
			int err = flush_control(p);

			result = err == 0 ? 1 : err;
		}
		if (result > 0)
			result = place > 0 && !tcp_conn_has_unsent(p->conn) ? write_batch(p, ring) : 0;
	}
	return result;
}

static enum close_reason reason_of(int err)
{
	switch (err) {
	case -ETIME: return CLOSE_TOO_SLOW;
	case -ENOBUFS: return CLOSE_REPLIES_UNREAD;
	case -ENOMEM: return CLOSE_NO_MEMORY;
	case -ENOTSUP: return CLOSE_CODEC_NOT_ANNOUNCED;
	}
	return close_reason_of_socket(err);
}

static void run(struct out_rtmp *p)
{
	int err = write_all(p);

	if (err < 0 && !p->is_over)
		end(p, reason_of(err));
	else if (!p->is_over && p->cursor.is_running)
		mirror_want(&p->reader, p->cursor.seq);
}

static struct out_rtmp *player_of(struct reader *reader)
{
	return (struct out_rtmp *)(void *)reader;
}

static void on_burst_done(void *arg, ssize_t n)
{
	struct out_rtmp *p = arg;
	const struct batch *b = &shared_batch; /* nobody has made another since */

	tcp_conn_wrote(p->conn, n, b->list.bytes);
	if (n < 0) {
		end(p, reason_of((int)n));
		return;
	}
	if (n > 0) {
		p->has_started = true;
		stats_add(p->local->setup->stats, STAT_RTMP_WRITES, 1);
		advance(p, mirror_ring(p->reader.mirror), b, (size_t)n);
	}
	mirror_want(&p->reader, p->cursor.seq);
}

/* The common case, one whole batch and nothing else, goes with the loop's burst. False: it is not the common case. */
static bool add_to_burst(struct out_rtmp *p)
{
	const struct ring *ring = mirror_ring(p->reader.mirror);
	const struct batch *b;
	int fd = tcp_conn_burst_fd(p->conn);

	if (!p->local->burst || p->is_paused || p->half_sent || p->control.len > 0 || p->control.is_full || fd < 0 ||
	    find_place(p, ring) <= 0 || p->cursor.seq == ring->head)
		return false;
	b = batch_from(p->local->burst, ring, p->cursor.seq);
	if (b->to != b->head || !is_told(p, b))
		return false;
	burst_add(p->local->burst, fd, b->list.iov, b->list.len, on_burst_done, p);
	return true;
}

static void on_flush(struct reader *reader)
{
	struct out_rtmp *p = player_of(reader);

	if (!add_to_burst(p))
		run(p);
}

static void on_over(struct reader *reader, enum close_reason reason)
{
	struct out_rtmp *p = player_of(reader);

	/* What is still in the ring is lost, but what is in the player's hands is whole. */
	p->is_over = true;
	p->ops->over(p->arg, reason);
}

static const struct reader_ops reader_ops = { .flush = on_flush, .over = on_over };

int out_rtmp_create(struct out_rtmp **out, struct relay_local *local, const struct out_rtmp_config *config)
{
	struct out_rtmp *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	*p = (struct out_rtmp){
		.reader = { .ops = &reader_ops },
		.local = local,
		.conn = config->conn,
		.ops = config->ops,
		.arg = config->arg,
		.codecs = config->announced_codecs | 1u << CODEC_H264 | 1u << CODEC_AAC,
	};
	cursor_init(&p->cursor);
	bytes_writer_init_growing(&p->control, CONTROL_MAX_BYTES);
	stats_add(local->setup->stats, STAT_RTMP_PLAYERS, 1);
	tcp_conn_limit_unsent(config->conn, UNSENT_MAX_BYTES);
	err = mirror_attach(local, config->stream, &p->reader);
	if (err != 0) {
		out_rtmp_destroy(&p);
		return err;
	}
	*out = p;
	return 0;
}

int out_rtmp_control(struct out_rtmp *p, const void *data, size_t len)
{
	bytes_put(&p->control, data, len);
	return p->half_sent ? (p->control.is_full ? -ENOBUFS : 0) : flush_control(p);
}

void out_rtmp_writable(struct out_rtmp *p)
{
	run(p);
}

void out_rtmp_pause(struct out_rtmp *p, bool is_paused)
{
	if (p->is_paused == is_paused || p->is_over)
		return;
	p->is_paused = is_paused;
	p->cursor.is_running = false;
	/* The first frame after it is written with the next beat, not inside this call. */
}

void out_rtmp_stop(struct out_rtmp *p)
{
	p->is_over = true;
	mirror_detach(&p->reader);
}

bool out_rtmp_has_started(const struct out_rtmp *p)
{
	return p->has_started;
}

bool out_rtmp_is_drained(const struct out_rtmp *p)
{
	return !p->half_sent && p->control.len == 0 && !tcp_conn_has_unsent(p->conn);
}

struct out_rtmp_counts out_rtmp_counts(const struct out_rtmp *p)
{
	return (struct out_rtmp_counts){ p->frames, p->cursor.lag.n_skips };
}
