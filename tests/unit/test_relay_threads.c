/* SPDX-License-Identifier: Apache-2.0 */
/* The relay on three real threads that publish, take over and watch all at once: what thread sanitizers look at. */
#include "relay/hub.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "media/timeline.h"
#include "relay/mirror.h"
#include "relay/publisher.h"
#include "relay/rtmp_image.h"
#include "relay_fixture.h"
#include "tests/unit/oom.h"

enum {
	LOOPS = 3,
	STREAMS = 3,
	BEAT_MS = 1,
	ASK_EVERY = 15, /* beats: so often a loop takes a stream over from the others */
	WANTED_FRAMES = 300,
	WANTED_TAKEOVERS = 20,
	LIMIT_S = 30,
};

struct place;

struct watcher {
	struct reader reader; /* first: the ops get a pointer to it */
	struct place *place;
	uint64_t next;
	uint64_t frames;
	int64_t last_90k[TRACK_KINDS];
};

struct sender {
	struct place *place;
	struct publisher *publisher;
	bool is_granted;
	unsigned n_sent;
	char stream[16];
};

/* All that lives on one loop, touched by its thread alone. */
struct place {
	struct scene *scene;
	struct loop *loop;
	struct hub *hub;
	struct loop_timer *beat;
	unsigned index;
	unsigned beats;
	bool is_ready;
	bool is_stopping;
	unsigned n_over;
	struct watcher watchers[STREAMS];
	struct sender senders[STREAMS];
};

struct scene {
	struct stats stats;
	struct relay_setup setup;
	struct stream_tap tap;
	struct plan *plan;
	struct track *video;
	atomic_uint tap_frames;
	atomic_uint tap_begins;
	atomic_uint tap_ends;
	atomic_bool is_wrong;
	sem_t ready;   /* once per loop: all its watchers have seen enough */
	sem_t stopped; /* once per loop: all its watchers were told the end */
	struct place places[LOOPS];
};

static void tap_begin(void *arg, const struct tap_stream *stream)
{
	(void)stream;
	atomic_fetch_add(&((struct scene *)arg)->tap_begins, 1);
}

static void tap_frame(void *arg, uint64_t stream_id, struct frame *frame)
{
	(void)stream_id;
	(void)frame;
	atomic_fetch_add(&((struct scene *)arg)->tap_frames, 1);
}

static void tap_pause(void *arg, uint64_t stream_id)
{
	(void)arg;
	(void)stream_id;
}

static void tap_end(void *arg, uint64_t stream_id)
{
	(void)stream_id;
	atomic_fetch_add(&((struct scene *)arg)->tap_ends, 1);
}

static void on_flush(struct reader *reader)
{
	struct watcher *w = (struct watcher *)(void *)reader;
	const struct ring *ring = mirror_ring(reader->mirror);

	if (w->next < ring->tail && !ring_start(ring, &w->next))
		return;
	for (; w->next < ring->head; w->next++) {
		struct frame *frame = ring_frame(ring, w->next);
		int64_t *last_90k = &w->last_90k[frame->track->kind];

		/* Every loop wants the image of every frame: somebody is first. */
		if (frame->dts_90k <= *last_90k || !rtmp_image_of(frame))
			atomic_store(&w->place->scene->is_wrong, true);
		*last_90k = frame->dts_90k;
		w->frames++;
	}
}

static void on_reader_over(struct reader *reader, enum close_reason reason)
{
	struct watcher *w = (struct watcher *)(void *)reader;

	if (reason != CLOSE_SHUTDOWN)
		atomic_store(&w->place->scene->is_wrong, true);
	if (++w->place->n_over == STREAMS)
		sem_post(&w->place->scene->stopped);
}

static void on_granted(void *arg)
{
	((struct sender *)arg)->is_granted = true;
}

static void on_publisher_over(void *arg, enum close_reason reason)
{
	struct sender *s = arg;

	if (reason == CLOSE_SHUTDOWN)
		s->place->is_stopping = true;
	else if (reason != CLOSE_TAKEN_OVER)
		atomic_store(&s->place->scene->is_wrong, true);
	publisher_end(&s->publisher, reason);
	s->is_granted = false;
}

static void ask(struct sender *s)
{
	static const struct publisher_ops ops = { on_granted, on_publisher_over };
	struct gate_pass pass = { 0 };
	const struct publisher_config config = {
		.pass = &pass, .session_id = 1, .clock_modulus_90k = TIMELINE_MODULUS_RTMP, .ops = &ops, .arg = s
	};

	snprintf(pass.stream, sizeof(pass.stream), "%s", s->stream);
	if (publisher_begin(&s->publisher, hub_local(s->place->hub), &config) != 0)
		atomic_store(&s->place->scene->is_wrong, true);
}

static void send_frame(struct sender *s)
{
	struct relay_local *local = hub_local(s->place->hub);
	const int64_t now_us = local_now_us(local);
	struct frame *frame = frame_create(s->place->scene->video, 5000);

	assert_non_null(frame);
	if (!frame)
		return;
	memset(frame->data, 0, frame->size_bytes);
	frame->dts_90k = frame->pts_90k = now_us * 9 / 100;
	frame->arrival_us = now_us;
	frame->flags = s->n_sent++ % 10 == 0 ? FRAME_KEY : 0;
	publisher_push(s->publisher, frame);
}

static bool has_seen_enough(const struct place *p)
{
	for (int i = 0; i < STREAMS; i++) {
		if (p->watchers[i].frames < WANTED_FRAMES)
			return false;
	}
	return stats_get(&p->scene->stats, STAT_TAKEOVERS) >= WANTED_TAKEOVERS;
}

static void on_beat(void *arg)
{
	struct place *p = arg;

	p->beats++;
	for (unsigned i = 0; i < STREAMS; i++) {
		struct sender *s = &p->senders[i];

		if (s->publisher && s->is_granted)
			send_frame(s);
		else if (!s->publisher && !p->is_stopping && (p->beats + p->index * 5 + i * 3) % ASK_EVERY == 0)
			ask(s);
	}
	if (!p->is_ready && has_seen_enough(p)) {
		p->is_ready = true;
		sem_post(&p->scene->ready);
	}
}

static void begin(void *arg)
{
	static const struct reader_ops ops = { on_flush, on_reader_over };
	struct place *p = arg;

	hub_start(p->hub);
	for (int i = 0; i < STREAMS; i++) {
		struct sender *s = &p->senders[i];

		*s = (struct sender){ .place = p };
		snprintf(s->stream, sizeof(s->stream), "stream%d", i);
		p->watchers[i] = (struct watcher){ .reader = { .ops = &ops }, .place = p };
		if (mirror_attach(hub_local(p->hub), s->stream, &p->watchers[i].reader) != 0)
			atomic_store(&p->scene->is_wrong, true);
	}
	if (loop_timer_create(&p->beat, p->loop, on_beat, p) != 0)
		atomic_store(&p->scene->is_wrong, true);
	else
		loop_timer_start(p->beat, BEAT_MS, BEAT_MS);
}

static void finish(void *arg)
{
	struct place *p = arg;

	loop_timer_destroy(&p->beat);
	for (int i = 0; i < STREAMS; i++) {
		mirror_detach(&p->watchers[i].reader);
		publisher_end(&p->senders[i].publisher, CLOSE_SHUTDOWN);
	}
	hub_end(p->hub);
}

static void open_scene(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	stats_init(&scene->stats);
	sem_init(&scene->ready, 0, 0);
	sem_init(&scene->stopped, 0, 0);
	scene->plan = plan_create();
	assert_non_null(scene->plan);
	scene->video = fixture_video_track(0);
	scene->tap = (struct stream_tap){ "test", scene, tap_begin, tap_frame, tap_pause, tap_end };
	scene->setup = (struct relay_setup){
		.courier = { .n_loops = LOOPS, .n_homes = LOOPS },
		.clock = clock_real(),
		.stats = &scene->stats,
		.taps = &scene->tap,
		.n_taps = 1,
		.limits = { .grace_us = 15000000, .hold_us = 60000000 },
	};
	for (unsigned i = 0; i < LOOPS; i++) {
		struct place *p = &scene->places[i];

		p->scene = scene;
		p->index = i;
		assert_int_equal(loop_create(&p->loop, "relay-test"), 0);
		assert_int_equal(hub_create(&p->hub, &scene->setup, p->loop, i, scene->plan), 0);
	}
}

/* The order of programs/node.c. */
static void close_scene(struct scene *scene)
{
	for (int i = 0; i < LOOPS; i++)
		loop_stop(scene->places[i].loop);
	for (int i = 0; i < LOOPS; i++)
		loop_join(scene->places[i].loop);
	for (int i = 0; i < LOOPS; i++)
		hub_destroy(&scene->places[i].hub);
	for (int i = 0; i < LOOPS; i++)
		loop_destroy(&scene->places[i].loop);
	sem_destroy(&scene->ready);
	sem_destroy(&scene->stopped);
}

static bool wait_for_all(sem_t *sem)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += (time_t)((oom_wait_ms(LIMIT_S * 1000) + 999) / 1000);
	for (int i = 0; i < LOOPS; i++) {
		if (sem_timedwait(sem, &limit) != 0)
			return false;
	}
	return true;
}

static void assert_nothing_is_left(struct scene *scene)
{
	assert_false(atomic_load(&scene->is_wrong));
	assert_int_equal(atomic_load(&scene->video->refs), 1);
	assert_int_equal(atomic_load(&scene->plan->refs), 1);
	assert_int_equal(stats_get(&scene->stats, STAT_STREAMS), 0);
	assert_int_equal(stats_get(&scene->stats, STAT_STREAMS_LIVE), 0);
	track_unref(scene->video);
	plan_unref(scene->plan);
}

static void three_threads_publish_take_over_and_watch(void **state)
{
	static struct scene scene;
	bool is_seen;
	bool is_told;

	(void)state;
	open_scene(&scene);
	for (int i = 0; i < LOOPS; i++)
		assert_int_equal(loop_start(scene.places[i].loop, begin, finish, &scene.places[i]), 0);
	is_seen = wait_for_all(&scene.ready);
	for (unsigned i = 0; i < LOOPS; i++) {
		struct mail plan = { .kind = MAIL_PLAN, .plan = plan_ref(scene.plan) };
		struct mail stop = { .kind = MAIL_STOP };

		assert_true(courier_post(&scene.setup.courier, i, &plan));
		assert_true(courier_post(&scene.setup.courier, i, &stop));
	}
	is_told = wait_for_all(&scene.stopped);
	close_scene(&scene);
	assert_true(is_seen && is_told);
	assert_int_equal(atomic_load(&scene.tap_begins), STREAMS);
	assert_int_equal(atomic_load(&scene.tap_ends), STREAMS);
	assert_int_equal(atomic_load(&scene.tap_frames), stats_get(&scene.stats, STAT_FRAMES_IN));
	assert_nothing_is_left(&scene);
}

static void threads_may_stop_in_the_middle_of_it(void **state)
{
	static struct scene scene;

	(void)state;
	for (int round = 0; round < 20; round++) {
		open_scene(&scene);
		for (int i = 0; i < LOOPS; i++)
			assert_int_equal(loop_start(scene.places[i].loop, begin, finish, &scene.places[i]), 0);
		/* Without a word before it, after a different share of the work each time. */
		while (stats_get(&scene.stats, STAT_FRAMES_IN) < round * 10) {
			const struct timespec beat = { .tv_nsec = 200000 };

			nanosleep(&beat, NULL);
		}
		close_scene(&scene);
		assert_int_equal(atomic_load(&scene.tap_begins), atomic_load(&scene.tap_ends));
		assert_nothing_is_left(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_threads_publish_take_over_and_watch),
		cmocka_unit_test(threads_may_stop_in_the_middle_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
