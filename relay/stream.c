/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media/timeline.h"
#include "relay/mirror.h"
#include "relay/ring.h"

enum { SILENCE_US = 30 * 1000000 };

enum stream_state {
	STREAM_WAITING,
	STREAM_LIVE,
	STREAM_AWAY,
	STREAM_HELD,
	STREAM_OVER,
};

struct stream_publisher {
	uint32_t loop;
	struct handle handle;
	uint64_t session_id;
	uint8_t key_hash[PLAN_HASH_BYTES];
};

/* A mirror of ours on some loop; at most one per loop. */
struct stream_mirror {
	struct handle handle; /* serial 0: none */
	bool is_gapped;	      /* its mailbox was full: wait for a key frame */
};

struct stream {
	struct relay_local *local;
	struct handle handle;
	enum stream_state state;
	uint64_t generation;
	struct stream_publisher publisher; /* while LIVE; key_hash also after it */
	struct timeline timeline;
	uint64_t jumps_counted;
	struct ring ring;
	struct stream_mirror mirrors[COURIER_LOOPS_MAX];
	unsigned n_mirrors;
	uint64_t tap_id; /* 0: the taps have not been told */
	int64_t away_since_us;
	int64_t heard_us; /* the last frame of this publisher, or when it was let in */
	bool is_heard;	  /* a frame of this publisher has come */
	int64_t until_ms; /* end of the slot, 0: none */
	char name[GATE_STREAM_SIZE];
};

static atomic_uint_fast64_t last_tap_id;

static void set_state(struct stream *s, enum stream_state state)
{
	static const unsigned legal[] = {
		[STREAM_WAITING] = 1u << STREAM_LIVE | 1u << STREAM_OVER,
		[STREAM_LIVE] = 1u << STREAM_LIVE | 1u << STREAM_AWAY,
		[STREAM_AWAY] = 1u << STREAM_LIVE | 1u << STREAM_HELD,
		[STREAM_HELD] = 1u << STREAM_LIVE | 1u << STREAM_OVER,
		[STREAM_OVER] = 1u << STREAM_OVER,
	};
	struct stats *stats = s->local->setup->stats;

	assert(legal[s->state] & 1u << state);
	if (s->state != STREAM_LIVE && state == STREAM_LIVE)
		stats_add(stats, STAT_STREAMS_LIVE, 1);
	if (s->state == STREAM_LIVE && state != STREAM_LIVE)
		stats_add(stats, STAT_STREAMS_LIVE, -1);
	s->state = state;
}

static void end_taps(struct stream *s)
{
	const struct relay_setup *setup = s->local->setup;

	if (s->tap_id == 0)
		return;
	for (size_t i = 0; i < setup->n_taps; i++)
		setup->taps[i].stream_end(setup->taps[i].arg, s->tap_id);
	s->tap_id = 0;
}

static void end_mirrors(struct stream *s, enum close_reason reason)
{
	for (unsigned i = 0; i < s->local->setup->courier.n_loops; i++) {
		struct mail mail = { .kind = MAIL_MIRROR_OVER, .to = s->mirrors[i].handle, .reason = reason };

		if (s->mirrors[i].handle.serial == 0)
			continue;
		s->mirrors[i] = (struct stream_mirror){ 0 };
		/* If that mailbox is full its readers time out by themselves. */
		(void)courier_post(&s->local->setup->courier, i, &mail);
	}
	s->n_mirrors = 0;
}

void stream_destroy(struct stream **stream)
{
	struct stream *s = *stream;

	*stream = NULL;
	if (!s)
		return;
	assert(s->state != STREAM_LIVE);
	end_mirrors(s, CLOSE_STREAM_OVER);
	end_taps(s);
	slots_remove(&s->local->streams, s->handle);
	stats_add(s->local->setup->stats, STAT_STREAMS, -1);
	ring_fini(&s->ring);
	free(s);
}

/* Whoever lags does so in the ring of a mirror: here is only what a new mirror begins with. */
static void init_ring(struct stream *s)
{
	ring_init(&s->ring);
	s->ring.wanted_from = RING_NOTHING_WANTED;
}

int stream_create(struct stream **out, struct relay_local *local, const char *name)
{
	struct stream *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->local = local;
	if (slots_add(&local->streams, s, &s->handle) != 0) {
		free(s);
		return -ENOMEM;
	}
	timeline_init(&s->timeline);
	init_ring(s);
	snprintf(s->name, sizeof(s->name), "%s", name);
	stats_add(local->setup->stats, STAT_STREAMS, 1);
	*out = s;
	return 0;
}

const char *stream_name(const struct stream *s)
{
	return s->name;
}

static void emit(const struct stream *s, enum event_kind kind, enum close_reason reason)
{
	const struct event event = {
		.kind = kind, .stream = s->name, .session_id = s->publisher.session_id, .reason = reason
	};

	events_emit(s->local->setup->events, &event);
}

static void tell_publisher_over(const struct stream *s, uint32_t loop, struct handle to, enum close_reason reason)
{
	struct mail mail = { .kind = MAIL_PUBLISH_OVER, .to = to, .reason = reason };

	(void)courier_post(&s->local->setup->courier, loop, &mail);
}

static void grant(struct stream *s)
{
	struct mail mail = {
		.kind = MAIL_PUBLISH_GRANTED,
		.to = s->publisher.handle,
		.from_loop = s->local->index,
		.from = s->handle,
		.generation = s->generation,
	};

	/* When that loop is too full for an order the publisher's silence ends it. */
	(void)courier_post(&s->local->setup->courier, s->publisher.loop, &mail);
}

void stream_publish_ask(struct stream *s, const struct mail *mail)
{
	const bool is_same_key = memcmp(s->publisher.key_hash, mail->key_hash, PLAN_HASH_BYTES) == 0;

	if (s->state == STREAM_OVER || (s->state == STREAM_LIVE && !is_same_key)) {
		tell_publisher_over(
		    s, mail->from_loop, mail->from, s->state == STREAM_OVER ? CLOSE_SHUTDOWN : CLOSE_STREAM_BUSY);
		return;
	}
	if (s->state == STREAM_LIVE) {
		stats_add(s->local->setup->stats, STAT_TAKEOVERS, 1);
		tell_publisher_over(s, s->publisher.loop, s->publisher.handle, CLOSE_TAKEN_OVER);
	}
	s->generation++;
	s->publisher =
	    (struct stream_publisher){ .loop = mail->from_loop, .handle = mail->from, .session_id = mail->session_id };
	memcpy(s->publisher.key_hash, mail->key_hash, PLAN_HASH_BYTES);
	s->until_ms = mail->until_ms;
	s->heard_us = local_now_us(s->local);
	s->is_heard = false;
	timeline_begin_publisher(&s->timeline, mail->clock_modulus_90k);
	set_state(s, STREAM_LIVE);
	emit(s, EVENT_STREAM_UP, CLOSE_NONE);
	grant(s);
}

void stream_publish_until(struct stream *s, const struct mail *mail)
{
	if (mail->generation == s->generation)
		s->until_ms = mail->until_ms;
}

static void pause_taps(struct stream *s)
{
	const struct relay_setup *setup = s->local->setup;

	if (s->tap_id == 0)
		return;
	for (size_t i = 0; i < setup->n_taps; i++)
		setup->taps[i].stream_pause(setup->taps[i].arg, s->tap_id);
}

static void lose_publisher(struct stream *s, enum close_reason reason)
{
	/* One that comes again and again but sends nothing does not make players wait for ever. */
	if (s->is_heard || s->away_since_us == 0)
		s->away_since_us = local_now_us(s->local);
	set_state(s, STREAM_AWAY);
	emit(s, EVENT_STREAM_AWAY, reason);
	pause_taps(s);
}

void stream_publish_end(struct stream *s, const struct mail *mail)
{
	if (s->state != STREAM_LIVE || mail->generation != s->generation)
		return;
	lose_publisher(s, mail->reason);
	/* By a plan that came before this mail: until_ms is of the one before. */
	if (mail->reason == CLOSE_SLOT_OVER)
		stream_plan(s);
}

void stream_plan(struct stream *s)
{
	struct gate_pass pass = { 0 };

	/* A publisher that is on asks for itself, and nobody has published to one that waits. */
	if (s->state != STREAM_AWAY && s->state != STREAM_HELD)
		return;
	memcpy(pass.key_hash, s->publisher.key_hash, sizeof(pass.key_hash));
	snprintf(pass.stream, sizeof(pass.stream), "%s", s->name);
	if (gate_publish_again(s->local->plan, &pass, local_wall_ms(s->local)) == CLOSE_NONE)
		s->until_ms = pass.until_ms;
	else
		s->until_ms = local_wall_ms(s->local); /* it may not come back: its slot is over now */
}

static void begin_taps(struct stream *s)
{
	const struct relay_setup *setup = s->local->setup;
	const struct tap_stream begin = {
		.id = atomic_fetch_add(&last_tap_id, 1) + 1,
		.name = s->name,
		.begin_wall_ms = local_wall_ms(s->local),
		.begin_mono_us = local_now_us(s->local),
	};

	s->tap_id = begin.id;
	for (size_t i = 0; i < setup->n_taps; i++)
		setup->taps[i].stream_begin(setup->taps[i].arg, &begin);
}

static void feed_taps(struct stream *s, struct frame *frame)
{
	const struct relay_setup *setup = s->local->setup;

	if (s->tap_id == 0)
		begin_taps(s);
	for (size_t i = 0; i < setup->n_taps; i++)
		setup->taps[i].frame(setup->taps[i].arg, s->tap_id, frame);
}

/* Frames for the own loop go directly, others by mail; a full mailbox opens a gap that ends at a key frame. */
static void send_to_mirror(struct stream *s, unsigned loop, struct frame *frame, bool is_backlog)
{
	struct stream_mirror *to = &s->mirrors[loop];
	struct mail mail = { .kind = MAIL_FRAME_OUT, .to = to->handle, .frame = frame, .is_backlog = is_backlog };

	if (to->is_gapped && !(frame_is_key(frame) && (frame_is_video(frame) || s->ring.n_video == 0)))
		return;
	if (loop == s->local->index) {
		struct mirror *m = slots_get(&s->local->mirrors, to->handle);

		if (m)
			mirror_frame(m, frame_ref(frame), is_backlog);
		return;
	}
	frame_ref(frame);
	to->is_gapped = !courier_post(&s->local->setup->courier, loop, &mail);
	if (to->is_gapped)
		stats_add(s->local->setup->stats, STAT_FRAMES_DROPPED, 1);
}

static void feed_mirrors(struct stream *s, struct frame *frame)
{
	for (unsigned i = 0; i < s->local->setup->courier.n_loops; i++) {
		if (s->mirrors[i].handle.serial != 0)
			send_to_mirror(s, i, frame, false);
	}
}

/* A publisher that comes back with the same configuration goes on with the same track: players need no new headers. */
static void share_track(struct stream *s, struct frame *frame)
{
	struct track *known = ring_track(&s->ring, frame->track->kind);

	if (known && known != frame->track && track_is_same(known, frame->track))
		frame_share_track(frame, known);
}

void stream_frame(struct stream *s, uint64_t generation, struct frame *frame)
{
	struct stats *stats = s->local->setup->stats;

	loop_assert_owner(s->local->loop);
	if (s->state != STREAM_LIVE || generation != s->generation) {
		frame_unref(frame);
		return;
	}
	share_track(s, frame);
	timeline_stamp(&s->timeline, frame);
	frame->generation = generation;
	s->heard_us = local_now_us(s->local);
	s->is_heard = true;
	stats_add(stats, STAT_FRAMES_IN, 1);
	stats_add(stats, STAT_TIME_JUMPS, (int64_t)(s->timeline.n_jumps - s->jumps_counted));
	s->jumps_counted = s->timeline.n_jumps;
	if (ring_push(&s->ring, frame) != 0)
		stats_add(stats, STAT_FRAMES_DROPPED, 1);
	feed_taps(s, frame);
	feed_mirrors(s, frame);
	frame_unref(frame);
}

void stream_mirror_join(struct stream *s, const struct mail *mail)
{
	struct stream_mirror *mirror = &s->mirrors[mail->from_loop];
	uint64_t seq;

	if (mirror->handle.serial == 0)
		s->n_mirrors++;
	*mirror = (struct stream_mirror){ .handle = mail->from };
	if (!ring_start(&s->ring, &seq))
		seq = s->ring.tail;
	for (; seq < s->ring.head && !mirror->is_gapped; seq++)
		send_to_mirror(s, mail->from_loop, ring_frame(&s->ring, seq), true);
}

void stream_mirror_leave(struct stream *s, const struct mail *mail)
{
	struct stream_mirror *mirror = &s->mirrors[mail->from_loop];

	/* A later mirror of the same loop may have joined already. */
	if (mirror->handle.place != mail->from.place || mirror->handle.serial != mail->from.serial)
		return;
	*mirror = (struct stream_mirror){ 0 };
	s->n_mirrors--;
}

/* Players have been told the end: who comes now waits for a publisher, and hours of waiting cost no memory. */
static void forget_frames(struct stream *s)
{
	ring_fini(&s->ring);
	init_ring(s);
}

static bool is_slot_over(const struct stream *s, int64_t away_us)
{
	if (s->until_ms != 0)
		return local_wall_ms(s->local) >= s->until_ms;
	return away_us >= s->local->setup->limits.hold_us;
}

bool stream_tick(struct stream *s)
{
	int64_t away_us = local_now_us(s->local) - s->away_since_us;

	switch (s->state) {
	case STREAM_WAITING:
		if (s->n_mirrors == 0)
			set_state(s, STREAM_OVER);
		break;
	case STREAM_LIVE:
		/* Its session ends a silent publisher; this is for the day when that order gets lost. */
		if (local_now_us(s->local) - s->heard_us > SILENCE_US)
			lose_publisher(s, CLOSE_SILENT);
		break;
	case STREAM_AWAY:
		/* The end of the slot is the end for everybody; else players wait for the grace time. */
		if (away_us < s->local->setup->limits.grace_us && !(s->until_ms != 0 && is_slot_over(s, away_us)))
			break;
		end_mirrors(s, CLOSE_STREAM_OVER);
		forget_frames(s);
		set_state(s, STREAM_HELD);
		break;
	case STREAM_HELD:
		if (!is_slot_over(s, away_us))
			break;
		end_taps(s);
		end_mirrors(s, CLOSE_STREAM_OVER);
		emit(s, EVENT_STREAM_OVER, CLOSE_STREAM_OVER);
		set_state(s, STREAM_OVER);
		break;
	case STREAM_OVER: break;
	}
	return s->state == STREAM_OVER;
}

void stream_stop(struct stream *s)
{
	if (s->state == STREAM_LIVE) {
		tell_publisher_over(s, s->publisher.loop, s->publisher.handle, CLOSE_SHUTDOWN);
		set_state(s, STREAM_AWAY);
	}
	if (s->state == STREAM_AWAY)
		set_state(s, STREAM_HELD);
	end_mirrors(s, CLOSE_SHUTDOWN);
	end_taps(s);
	set_state(s, STREAM_OVER);
}
