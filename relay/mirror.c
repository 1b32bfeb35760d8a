/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/mirror.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/burst.h"

enum {
	AUDIO_BEAT_MS = 100, /* audio alone, or audio that waits for its video frame */
	BUSY_PERMILLE = 500,
	BUSY_BEAT_MS = 66,
	VERY_BUSY_PERMILLE = 750,
	VERY_BUSY_BEAT_MS = 100,
	/* Writes per second are what a player costs, and that many cost more than a wait that no player's buffer
	   notices. */
	MANY_READERS = 128,
	VERY_MANY_READERS = 192,
	/* A beat ends with a video frame: a little early rather than one frame late, and without one a little late. */
	BEAT_SLACK_MS = 10,
	BEAT_GRACE_MS = 20,
	/* Then others have their turn. On loopback it also keeps below what the kernel queues for one core. */
	READERS_PER_TURN = 256,
};

struct mirror {
	struct relay_local *local;
	struct handle handle;
	struct ring ring;
	struct loop_timer *beat;
	struct loop_timer *welcome; /* newcomers do not wait for the beat */
	struct loop_timer *rest;    /* of a flush that has let go of the loop */
	struct reader *readers;
	struct reader *to_flush; /* where the flush goes on, NULL: none is under way */
	unsigned n_readers;
	uint64_t wanted_from; /* by those that the present flush has come by, or the last one */
	int64_t flushed_us;
	bool is_flushing;
	bool is_over; /* home has forgotten us: no leave is owed */
	char stream[GATE_STREAM_SIZE];
};

void mirror_destroy(struct mirror **mirror)
{
	struct mirror *m = *mirror;

	*mirror = NULL;
	if (!m)
		return;
	assert(!m->readers);
	slots_remove(&m->local->mirrors, m->handle);
	loop_timer_destroy(&m->beat);
	loop_timer_destroy(&m->welcome);
	loop_timer_destroy(&m->rest);
	ring_fini(&m->ring);
	free(m);
}

static void leave(struct mirror *m)
{
	const struct courier *courier = &m->local->setup->courier;
	struct mail mail = { .kind = MAIL_MIRROR_LEAVE, .from = m->handle, .from_loop = m->local->index };

	snprintf(mail.stream, sizeof(mail.stream), "%s", m->stream);
	/* If home's mailbox is full it keeps sending to a handle that finds nothing, until its stream ends. */
	(void)courier_post(courier, courier_home_of(courier, m->stream), &mail);
}

static void destroy_if_unused(struct mirror *m)
{
	if (m->readers || m->is_flushing)
		return;
	if (!m->is_over)
		leave(m);
	mirror_destroy(&m);
}

static void flush_one(struct reader *reader)
{
	reader->is_newcomer = false;
	reader->ops->flush(reader);
}

/* Some readers' turn; with the last of them it is known what all of them still want. */
static void flush_some(struct mirror *m)
{
	m->is_flushing = true;
	for (int i = 0; m->to_flush && i < READERS_PER_TURN; i++) {
		struct reader *reader = m->to_flush;

		m->to_flush = reader->next;
		flush_one(reader);
	}
	burst_send(m->local->burst);
	m->is_flushing = false;
	if (m->to_flush)
		loop_timer_start(m->rest, 0, 0);
	else
		m->ring.wanted_from = m->wanted_from;
	destroy_if_unused(m);
}

static void flush_all(struct mirror *m)
{
	if (m->to_flush)
		return; /* the one under way has not come round; those it is still to come by get all there is */
	m->flushed_us = local_now_us(m->local);
	loop_timer_stop(m->beat);
	m->wanted_from = RING_NOTHING_WANTED;
	m->to_flush = m->readers;
	flush_some(m);
}

static void on_beat(void *arg)
{
	flush_all(arg);
}

static void on_rest(void *arg)
{
	flush_some(arg);
}

static void on_welcome(void *arg)
{
	struct mirror *m = arg;

	struct reader *next;

	m->is_flushing = true;
	for (struct reader *r = m->readers; r && r->is_newcomer; r = next) {
		next = r->next;
		flush_one(r);
	}
	burst_send(m->local->burst);
	m->is_flushing = false;
	destroy_if_unused(m);
}

static struct mirror *find(struct relay_local *local, const char *stream)
{
	struct mirror *m;
	uint32_t place = 0;

	while ((m = slots_next(&local->mirrors, &place)) != NULL) {
		if (!m->is_over && strcmp(m->stream, stream) == 0)
			return m;
	}
	return NULL;
}

static int join(struct mirror *m)
{
	const struct courier *courier = &m->local->setup->courier;
	struct mail mail = { .kind = MAIL_MIRROR_JOIN, .from = m->handle, .from_loop = m->local->index };

	snprintf(mail.stream, sizeof(mail.stream), "%s", m->stream);
	return courier_post(courier, courier_home_of(courier, m->stream), &mail) ? 0 : -ENOMEM;
}

static int create(struct mirror **out, struct relay_local *local, const char *stream)
{
	struct mirror *m = calloc(1, sizeof(*m));
	int err;

	*out = NULL;
	if (!m)
		return -ENOMEM;
	m->local = local;
	ring_init(&m->ring);
	snprintf(m->stream, sizeof(m->stream), "%s", stream);
	err = loop_timer_create(&m->beat, local->loop, on_beat, m);
	if (err == 0)
		err = loop_timer_create(&m->welcome, local->loop, on_welcome, m);
	if (err == 0)
		err = loop_timer_create(&m->rest, local->loop, on_rest, m);
	if (err == 0)
		err = slots_add(&local->mirrors, m, &m->handle);
	if (err == 0)
		err = join(m);
	if (err != 0) {
		mirror_destroy(&m);
		return err;
	}
	*out = m;
	return 0;
}

int mirror_attach(struct relay_local *local, const char *stream, struct reader *reader)
{
	struct mirror *m = find(local, stream);

	loop_assert_owner(local->loop);
	assert(!reader->mirror);
	if (!m) {
		int err = create(&m, local, stream);

		if (err != 0)
			return err;
	}
	reader->mirror = m;
	reader->prev = NULL;
	reader->next = m->readers;
	if (m->readers)
		m->readers->prev = reader;
	m->readers = reader;
	m->n_readers++;
	reader->is_newcomer = true; /* at the front of the list, where the welcome looks for them */
	if (m->ring.head > m->ring.tail && !loop_timer_is_running(m->welcome))
		loop_timer_start(m->welcome, 0, 0);
	return 0;
}

static void unlink_reader(struct reader *reader)
{
	struct mirror *m = reader->mirror;

	if (reader->prev)
		reader->prev->next = reader->next;
	else
		m->readers = reader->next;
	if (reader->next)
		reader->next->prev = reader->prev;
	if (m->to_flush == reader)
		m->to_flush = reader->next;
	m->n_readers--;
	reader->mirror = NULL;
	reader->prev = NULL;
	reader->next = NULL;
}

void mirror_detach(struct reader *reader)
{
	struct mirror *m = reader->mirror;

	if (!m)
		return;
	unlink_reader(reader);
	destroy_if_unused(m);
}

const struct ring *mirror_ring(const struct mirror *m)
{
	return &m->ring;
}

void mirror_want(const struct reader *reader, uint64_t from)
{
	struct mirror *m = reader->mirror;

	if (from < m->wanted_from)
		m->wanted_from = from;
	/* One that began outside of the flushes, which have not seen it yet. */
	if (from < m->ring.wanted_from)
		m->ring.wanted_from = from;
}

static int64_t beat_ms(const struct mirror *m)
{
	unsigned busy = loop_busy_permille(m->local->loop);

	if (m->local->setup->limits.batch_ms > 0)
		return m->local->setup->limits.batch_ms;
	if (busy >= VERY_BUSY_PERMILLE || m->n_readers >= VERY_MANY_READERS)
		return VERY_BUSY_BEAT_MS;
	return busy >= BUSY_PERMILLE || m->n_readers >= MANY_READERS ? BUSY_BEAT_MS : 0;
}

/* Sees to it that a flush comes within wait_ms; an earlier one that is already set stands. */
static void flush_within(struct mirror *m, int64_t wait_ms)
{
	if (!loop_timer_is_running(m->beat))
		loop_timer_start(m->beat, (uint64_t)(wait_ms > 0 ? wait_ms : 0), 0);
}

void mirror_frame(struct mirror *m, struct frame *frame, bool is_backlog)
{
	const bool is_video = frame_is_video(frame);
	int64_t beat;
	int64_t since_ms;

	loop_assert_owner(m->local->loop);
	if (ring_push(&m->ring, frame) != 0)
		stats_add(m->local->setup->stats, STAT_FRAMES_DROPPED, 1);
	frame_unref(frame);
	if (is_backlog) {
		flush_within(m, 0);
		return;
	}
	beat = beat_ms(m);
	since_ms = (local_now_us(m->local) - m->flushed_us) / 1000;
	if (!is_video) {
		flush_within(m, beat > AUDIO_BEAT_MS ? beat : AUDIO_BEAT_MS);
	} else if (since_ms >= beat - BEAT_SLACK_MS) {
		flush_all(m);
	} else {
		loop_timer_stop(m->beat);
		flush_within(m, beat + BEAT_GRACE_MS - since_ms);
	}
}

void mirror_over(struct mirror *m, enum close_reason reason)
{
	m->is_over = true;
	m->is_flushing = true; /* nobody destroys us while we walk */
	while (m->readers) {
		struct reader *r = m->readers;

		unlink_reader(r);
		r->ops->over(r, reason);
	}
	m->is_flushing = false;
	destroy_if_unused(m);
}
