/* SPDX-License-Identifier: Apache-2.0 */
#include "relay_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "media/timeline.h"
#include "relay_fixture.h"

enum {
	PUMP_ROUNDS = 6, /* more than any mail has answers to answers */
	WALL_START_MS = 1790000000,
};

/* What went wrong inside a callback: a test must not be left from there, through the loop's stack. */
static const char *complaint;

static void expect(bool is_right, const char *what)
{
	if (!is_right && !complaint)
		complaint = what;
}

void house_close(struct house *h)
{
	for (int i = 0; i < HOUSE_LOOPS; i++)
		hub_destroy(&h->hubs[i]);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		loop_destroy(&h->loops[i]);
	if (complaint)
		fail_msg("inside a callback: %s", complaint);
}

static void tap_begin(void *arg, const struct tap_stream *stream)
{
	struct house_tap *tap = arg;

	expect(stream->id != 0 && stream->id != tap->stream_id, "a tap id twice");
	tap->begins++;
	tap->stream_id = stream->id;
	tap->last_90k[TRACK_VIDEO] = tap->last_90k[TRACK_AUDIO] = -1;
}

static void tap_frame(void *arg, uint64_t stream_id, struct frame *frame)
{
	struct house_tap *tap = arg;
	int64_t *last_90k = &tap->last_90k[frame->track->kind];

	expect(stream_id == tap->stream_id, "a tap id that did not begin");
	expect(frame->dts_90k > *last_90k, "a tap's time goes back");
	*last_90k = frame->dts_90k;
	tap->frames++;
}

static void tap_pause(void *arg, uint64_t stream_id)
{
	struct house_tap *tap = arg;

	expect(stream_id == tap->stream_id, "a tap id that did not begin");
	tap->pauses++;
}

static void tap_end(void *arg, uint64_t stream_id)
{
	struct house_tap *tap = arg;

	expect(stream_id == tap->stream_id, "a tap id that did not begin");
	tap->ends++;
}

static void note_event(void *arg, const struct event *event)
{
	struct house *h = arg;

	h->events[event->kind]++;
	if (event->kind == EVENT_STREAM_AWAY)
		h->away_reason = event->reason;
}

void house_open(struct house *h, struct plan *plan)
{
	memset(h, 0, sizeof(*h));
	complaint = NULL;
	clock_fake_init(&h->clock, INT64_C(1000) * WALL_START_MS);
	stats_init(&h->stats);
	h->sink = (struct events){ note_event, h };
	h->taps[0] = (struct stream_tap){ "test", &h->tap, tap_begin, tap_frame, tap_pause, tap_end };
	h->setup = (struct relay_setup){
		.courier = { .n_loops = HOUSE_LOOPS, .n_homes = HOUSE_LOOPS },
		.clock = &h->clock.clock,
		.events = &h->sink,
		.stats = &h->stats,
		.taps = h->taps,
		.n_taps = 1,
		/* A beat of 1 ms: every frame is flushed as it comes, however busy the test is. */
		.limits = { .grace_us = 15000000, .hold_us = 60000000, .batch_ms = 1, .max_sessions = 100 },
	};
	for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "test/%u", i);
		assert_int_equal(loop_create(&h->loops[i], name), 0);
		assert_int_equal(hub_create(&h->hubs[i], &h->setup, h->loops[i], i, plan), 0);
	}
	h->ticked_us = h->clock.now_mono_us;
}

void house_pump(struct house *h)
{
	for (int round = 0; round < PUMP_ROUNDS; round++) {
		for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
			if (!(h->asleep & 1u << i))
				loop_turn(h->loops[i]);
		}
	}
}

void house_advance(struct house *h, int64_t ms)
{
	const int64_t until_us = h->clock.now_mono_us + ms * 1000;

	while (h->ticked_us + HUB_TICK_MS * 1000 <= until_us) {
		h->ticked_us += HUB_TICK_MS * 1000;
		clock_fake_advance(&h->clock, h->ticked_us - h->clock.now_mono_us);
		for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
			if (!(h->asleep & 1u << i))
				hub_tick(h->hubs[i]);
		}
		house_pump(h);
	}
	clock_fake_advance(&h->clock, until_us - h->clock.now_mono_us);
}

struct relay_local *house_local(struct house *h, unsigned loop)
{
	return hub_local(h->hubs[loop]);
}

unsigned house_loop(const struct house *h, const char *stream, unsigned after)
{
	return (courier_home_of(&h->setup.courier, stream) + after) % HOUSE_LOOPS;
}

static void read_frame(struct house_reader *r, const struct frame *frame)
{
	int64_t *last_90k = &r->last_90k[frame->track->kind];

	if (r->frames++ == 0)
		r->first_90k = frame->dts_90k;
	expect(frame->dts_90k > *last_90k, "a reader's time goes back");
	if (frame->flags & FRAME_DISCONTINUITY)
		r->discontinuities++;
	if (frame_is_video(frame) && *last_90k > 0 && frame->dts_90k - *last_90k > HOUSE_STEP_MS * 90) {
		r->gaps++;
		if (!frame_is_key(frame))
			r->gaps_without_key++;
	}
	*last_90k = frame->dts_90k;
}

static void on_flush(struct reader *reader)
{
	struct house_reader *r = (struct house_reader *)(void *)reader;
	const struct ring *ring = mirror_ring(reader->mirror);

	r->flushes++;
	if (r->detaches_itself) {
		mirror_detach(reader);
		return;
	}
	/* What waited for its beat may be lost where the test's time leaps. */
	if (r->next < ring->tail && !ring_start(ring, &r->next))
		return;
	for (; r->next < ring->head; r->next++)
		read_frame(r, ring_frame(ring, r->next));
	mirror_want(reader, r->next);
}

static void on_reader_over(struct reader *reader, enum close_reason reason)
{
	struct house_reader *r = (struct house_reader *)(void *)reader;

	expect(!r->is_over && !reader->mirror, "a reader is over twice, or still attached");
	r->is_over = true;
	r->reason = reason;
}

void house_attach(struct house *h, unsigned loop, const char *stream, struct house_reader *reader)
{
	static const struct reader_ops ops = { on_flush, on_reader_over };

	*reader = (struct house_reader){ .reader = { .ops = &ops } };
	assert_int_equal(mirror_attach(house_local(h, loop), stream, &reader->reader), 0);
	assert_int_equal(reader->flushes, 0);
}

static void on_granted(void *arg)
{
	struct house_publisher *p = arg;

	expect(!p->is_granted, "granted twice");
	p->is_granted = true;
}

/* As sessions do: it ends inside the call. */
static void on_publisher_over(void *arg, enum close_reason reason)
{
	struct house_publisher *p = arg;

	expect(!p->is_over, "a publisher is over twice");
	p->is_over = true;
	p->reason = reason;
	publisher_end(&p->publisher, reason);
}

void house_publish(struct house *h, struct house_publisher *p, const struct house_publish *spec)
{
	static const struct publisher_ops ops = { on_granted, on_publisher_over };
	struct gate_pass pass = { .until_ms = spec->until_ms };
	const struct publisher_config config = {
		.pass = &pass, .session_id = 1, .clock_modulus_90k = TIMELINE_MODULUS_RTMP, .ops = &ops, .arg = p
	};

	*p = (struct house_publisher){ .house = h, .raw_ms = p->raw_ms, .video_bytes = p->video_bytes };
	memset(pass.key_hash, spec->key, sizeof(pass.key_hash));
	snprintf(pass.stream, sizeof(pass.stream), "%s", spec->stream);
	assert_int_equal(publisher_begin(&p->publisher, house_local(h, spec->loop), &config), 0);
	assert_false(p->is_granted || p->is_over);
}

static void push(struct house_publisher *p, struct track *track, unsigned flags)
{
	/* The 32-bit milliseconds of RTMP: they wrap. */
	const size_t size_bytes = track->kind == TRACK_VIDEO && p->video_bytes ? p->video_bytes : 100;
	struct frame *frame = fixture_frame(track, (int64_t)(uint32_t)p->raw_ms * 90, size_bytes, flags);

	assert_true(p->is_granted);
	frame->arrival_us = p->house->clock.now_mono_us;
	if (!publisher_push(p->publisher, frame))
		p->n_refused++;
}

void house_send(struct house_publisher *p, struct track *video, struct track *audio)
{
	push(p, video, p->n_video++ % HOUSE_KEY_EVERY == 0 ? FRAME_KEY : 0);
	push(p, audio, FRAME_KEY);
	p->raw_ms += HOUSE_STEP_MS;
}

void house_send_for(struct house_publisher *p, struct track *video, struct track *audio, int64_t ms)
{
	for (; ms > 0; ms -= HOUSE_STEP_MS) {
		house_send(p, video, audio);
		house_pump(p->house);
		house_advance(p->house, HOUSE_STEP_MS);
	}
}
