/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libuv loop on a thread of its own: timers, watched descriptors, deferred closing.
 *
 * Owner: loop_create, loop_start, loop_stop and loop_destroy belong to the composition root; everything else is called
 * on the loop's thread (asserted), or before loop_start. Lifetime: created, started, stopped, joined, destroyed, in
 * that order. Not here: messages between threads (base/mailbox.h), connections (base/tcp.h).
 */
#ifndef ISARIBI_BASE_LOOP_H
#define ISARIBI_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct uv_loop_s;
struct loop;
struct loop_timer;
struct loop_watch;

typedef void (*loop_fn)(void *arg);

/* name: at most 15 characters, shown as the thread's name. 0 or a negative errno. */
int loop_create(struct loop **out, const char *name);
void loop_destroy(struct loop **loop);
/* on_start and on_stop run on the loop's thread: first and last; either may be NULL. on_stop closes what it owns. */
int loop_start(struct loop *loop, loop_fn on_start, loop_fn on_stop, void *arg);
/* Asks the loop to end (any thread, any number of times) and, for join, waits for it. */
void loop_stop(struct loop *loop);
void loop_join(struct loop *loop);
/* One turn without waiting, of a loop that is not running: how a test drives several loops on its own thread. */
void loop_turn(struct loop *loop);

/* Fails loudly when called on another thread than the loop's. Before loop_start and after loop_join any is right. */
void loop_assert_owner(const struct loop *loop);
bool loop_is_owner(const struct loop *loop);
const char *loop_name(const struct loop *loop);
struct uv_loop_s *loop_uv(struct loop *loop); /* only for base/http and base/tcp */
/* Monotonic time, read once per turn of the loop. */
int64_t loop_now_us(const struct loop *loop);
/* Share of the last second that the thread was not waiting, 0..1000 per mille. */
unsigned loop_busy_permille(const struct loop *loop);
/* A place in the queue below; stands in what is to be reaped, so that ending something needs no memory. Zeroed first.
 */
struct loop_reap {
	struct loop_reap *next;
	loop_fn fn;
	void *arg;
	bool is_queued;
};

/*
 * Runs fn once at the end of this turn, after all callbacks: how something is freed that may still be on the stack.
 * Asked again before that: still once.
 */
void loop_reap(struct loop *loop, struct loop_reap *reap, loop_fn fn, void *arg);

/* A timer; destroyed with loop_timer_destroy, which may be called inside its own callback. */
int loop_timer_create(struct loop_timer **out, struct loop *loop, loop_fn fn, void *arg);
void loop_timer_destroy(struct loop_timer **timer);
/* repeat_ms 0: once. Starting a running timer starts it anew. */
void loop_timer_start(struct loop_timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);

enum loop_watch_events {
	LOOP_READABLE = 1,
	LOOP_WRITABLE = 2,
};

typedef void (*loop_watch_fn)(void *arg, unsigned events);

/* Watches a descriptor that the caller owns and closes after loop_watch_destroy. */
int loop_watch_create(struct loop_watch **out, struct loop *loop, int fd, loop_watch_fn fn, void *arg);
void loop_watch_destroy(struct loop_watch **watch);
/* events: a set of loop_watch_events, 0 to rest. 0 or a negative errno. */
int loop_watch_set(struct loop_watch *watch, unsigned events);

#endif
