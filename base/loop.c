/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* pthread_setname_np */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BUSY_WINDOW_US = 1000000 };

static _Thread_local const struct loop *current_loop; /* the loop whose thread this is */

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_prepare_t prepare;
	char name[16];
	pthread_t thread;
	atomic_bool is_running; /* between loop_start and loop_join */
	atomic_bool is_stopping;
	loop_fn on_start;
	loop_fn on_stop;
	void *arg;

	struct loop_reap *reaps; /* in the order of their asking */
	struct loop_reap **last_reap;

	uint64_t window_start_ns;
	uint64_t window_idle_ns;
	unsigned busy_permille;
};

struct loop_timer {
	uv_timer_t uv;
	struct loop *loop;
	loop_fn fn;
	void *arg;
};

struct loop_watch {
	uv_poll_t uv;
	struct loop *loop;
	loop_watch_fn fn;
	void *arg;
	unsigned events;
};

static void run_reaps(struct loop *loop)
{
	/* A reaper may ask for more; those run in the same sweep. It may free what its own place stands in, too. */
	while (loop->reaps) {
		struct loop_reap *reap = loop->reaps;

		loop->reaps = reap->next;
		if (!loop->reaps)
			loop->last_reap = &loop->reaps;
		reap->is_queued = false;
		reap->fn(reap->arg);
	}
}

void loop_destroy(struct loop **loop_out)
{
	struct loop *loop = *loop_out;

	*loop_out = NULL;
	if (!loop)
		return;
	assert(!atomic_load(&loop->is_running));
	run_reaps(loop);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&loop->uv) != 0)
		abort(); /* a handle outlived its loop */
	free(loop);
}

static void measure_busy(struct loop *loop)
{
	uint64_t now_ns = uv_hrtime();
	uint64_t span_ns = now_ns - loop->window_start_ns;
	uint64_t idle_ns;

	if (span_ns < BUSY_WINDOW_US * 1000ull)
		return;
	idle_ns = uv_metrics_idle_time(&loop->uv) - loop->window_idle_ns;
	loop->busy_permille = idle_ns >= span_ns ? 0 : (unsigned)(1000 - idle_ns * 1000 / span_ns);
	loop->window_start_ns = now_ns;
	loop->window_idle_ns += idle_ns;
}

static void on_prepare(uv_prepare_t *handle)
{
	struct loop *loop = handle->data;

	run_reaps(loop);
	measure_busy(loop);
}

static void on_wake(uv_async_t *handle)
{
	struct loop *loop = handle->data;

	if (atomic_load(&loop->is_stopping))
		uv_stop(&loop->uv);
}

int loop_create(struct loop **out, const char *name)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	*out = NULL;
	if (!loop)
		return -ENOMEM;
	snprintf(loop->name, sizeof(loop->name), "%s", name);
	if (uv_loop_init(&loop->uv) != 0) {
		free(loop);
		return -ENOMEM;
	}
	uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
	uv_async_init(&loop->uv, &loop->wake, on_wake);
	uv_prepare_init(&loop->uv, &loop->prepare);
	loop->last_reap = &loop->reaps;
	loop->wake.data = loop;
	loop->prepare.data = loop;
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_unref((uv_handle_t *)&loop->prepare);
	*out = loop;
	return 0;
}

static void *run(void *arg)
{
	struct loop *loop = arg;

	current_loop = loop;
	pthread_setname_np(pthread_self(), loop->name);
	loop->window_start_ns = uv_hrtime();
	uv_update_time(&loop->uv);
	if (loop->on_start)
		loop->on_start(loop->arg);
	while (!atomic_load(&loop->is_stopping))
		uv_run(&loop->uv, UV_RUN_DEFAULT);
	if (loop->on_stop)
		loop->on_stop(loop->arg);
	run_reaps(loop);
	/* Lets handles closed by on_stop finish. */
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	return NULL;
}

int loop_start(struct loop *loop, loop_fn on_start, loop_fn on_stop, void *arg)
{
	sigset_t all;
	sigset_t before;
	int err;

	assert(!atomic_load(&loop->is_running));
	loop->on_start = on_start;
	loop->on_stop = on_stop;
	loop->arg = arg;
	atomic_store(&loop->is_running, true);
	/* Signals belong to the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&loop->thread, NULL, run, loop);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0)
		atomic_store(&loop->is_running, false);
	return -err;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->is_stopping, true);
	uv_async_send(&loop->wake);
}

void loop_join(struct loop *loop)
{
	if (!atomic_load(&loop->is_running))
		return;
	pthread_join(loop->thread, NULL);
	atomic_store(&loop->is_running, false);
}

void loop_turn(struct loop *loop)
{
	assert(!atomic_load(&loop->is_running));
	uv_run(&loop->uv, UV_RUN_NOWAIT);
}

bool loop_is_owner(const struct loop *loop)
{
	return current_loop == loop || !atomic_load_explicit(&loop->is_running, memory_order_relaxed);
}

void loop_assert_owner(const struct loop *loop)
{
	assert(loop_is_owner(loop));
	(void)loop;
}

const char *loop_name(const struct loop *loop)
{
	return loop->name;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
	return &loop->uv;
}

int64_t loop_now_us(const struct loop *loop)
{
	return (int64_t)uv_now(&loop->uv) * 1000;
}

unsigned loop_busy_permille(const struct loop *loop)
{
	return loop->busy_permille;
}

void loop_reap(struct loop *loop, struct loop_reap *reap, loop_fn fn, void *arg)
{
	loop_assert_owner(loop);
	if (reap->is_queued)
		return;
	*reap = (struct loop_reap){ .fn = fn, .arg = arg, .is_queued = true };
	*loop->last_reap = reap;
	loop->last_reap = &reap->next;
}

static void free_timer(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_timer_destroy(struct loop_timer **timer)
{
	struct loop_timer *t = *timer;

	*timer = NULL;
	if (!t)
		return;
	loop_assert_owner(t->loop);
	uv_close((uv_handle_t *)&t->uv, free_timer);
}

static void on_timer(uv_timer_t *handle)
{
	struct loop_timer *t = handle->data;

	t->fn(t->arg);
}

int loop_timer_create(struct loop_timer **out, struct loop *loop, loop_fn fn, void *arg)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	loop_assert_owner(loop);
	*out = t;
	if (!t)
		return -ENOMEM;
	t->loop = loop;
	t->fn = fn;
	t->arg = arg;
	uv_timer_init(&loop->uv, &t->uv);
	t->uv.data = t;
	return 0;
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
	loop_assert_owner(t->loop);
	uv_timer_start(&t->uv, on_timer, after_ms, repeat_ms);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

bool loop_timer_is_running(const struct loop_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_watch_destroy(struct loop_watch **watch)
{
	struct loop_watch *w = *watch;

	*watch = NULL;
	if (!w)
		return;
	loop_assert_owner(w->loop);
	uv_close((uv_handle_t *)&w->uv, free_watch);
}

static void on_poll(uv_poll_t *handle, int status, int uv_events)
{
	struct loop_watch *w = handle->data;
	unsigned events = 0;

	/* An error shows itself at the next read or write: report both and let the owner find it. */
	if (status < 0)
		events = LOOP_READABLE | LOOP_WRITABLE;
	if (uv_events & (UV_READABLE | UV_DISCONNECT))
		events |= LOOP_READABLE;
	if (uv_events & UV_WRITABLE)
		events |= LOOP_WRITABLE;
	w->fn(w->arg, events);
}

int loop_watch_create(struct loop_watch **out, struct loop *loop, int fd, loop_watch_fn fn, void *arg)
{
	struct loop_watch *w = calloc(1, sizeof(*w));
	int err;

	loop_assert_owner(loop);
	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->fn = fn;
	w->arg = arg;
	err = uv_poll_init(&loop->uv, &w->uv, fd);
	if (err != 0) {
		free(w);
		return err;
	}
	w->uv.data = w;
	*out = w;
	return 0;
}

int loop_watch_set(struct loop_watch *w, unsigned events)
{
	int uv_events = 0;

	if (w->events == events)
		return 0;
	w->events = events;
	if (events == 0)
		return uv_poll_stop(&w->uv);
	if (events & LOOP_READABLE)
		uv_events |= UV_READABLE;
	if (events & LOOP_WRITABLE)
		uv_events |= UV_WRITABLE;
	return uv_poll_start(&w->uv, uv_events, on_poll);
}
