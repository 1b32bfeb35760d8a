/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "packager/disk_guard.h"
#include "packager/rec_feed.h"
#include "packager/rec_keeper.h"
#include "packager/rec_ring.h"
#include "packager/rec_writer.h"

enum {
	MAILBOX_PARTS = 16384,
	MAILBOX_RESERVE = 16384,
	TICK_MS = 50,
	GUARD_EVERY_MS = 5000,
	LEFT_FOR_MS = 120000,	/* a killed node's streams come back within this, or their recordings are over */
	AGE_EVERY_MS = 600000,	/* how often keep_days is looked at */
	DELETIONS_AT_ONCE = 16, /* the disk has other things to do, too */
};

enum recorder_mail_kind {
	RECORDER_BEGIN,
	RECORDER_PART,
	RECORDER_END,
	RECORDER_PLAN,
};

struct recorder_mail {
	enum recorder_mail_kind kind;
	struct rec_feed *feed; /* BEGIN and END: with a reference of its own */
	struct part *part;
	int64_t lost_ms;
	struct plan *plan;
};

/* A recording: until it is over, which may be long after its feed let go of it, when the disk takes nothing. */
struct running {
	struct running *next;
	struct rec_writer *writer;
};

struct recorder {
	struct recorder_config config;
	struct rec_store store;
	struct mailbox *mailbox;
	struct loop_timer *tick;
	struct loop_timer *guard_timer;
	struct plan *plan;
	struct rec_feed *feeds;
	struct running *running;
	struct rec_keeper keeper;
	struct disk_guard guard;
	struct disk_rules rules;
	int64_t started_us;
	int64_t aged_us;
	bool has_closed_left;
};

static void forget_feed(struct rec_feed **at)
{
	struct rec_feed *feed = *at;

	*at = feed->next;
	feed->writer = NULL;
	rec_feed_unref(feed);
}

static void forget_running(struct running **at)
{
	struct running *running = *at;

	*at = running->next;
	rec_writer_destroy(&running->writer);
	free(running);
}

void recorder_destroy(struct recorder **recorder)
{
	struct recorder *r = *recorder;

	*recorder = NULL;
	if (!r)
		return;
	loop_timer_destroy(&r->tick);
	loop_timer_destroy(&r->guard_timer);
	mailbox_destroy(&r->mailbox);
	while (r->feeds)
		forget_feed(&r->feeds);
	while (r->running)
		forget_running(&r->running);
	rec_keeper_fini(&r->keeper);
	plan_unref(r->plan);
	free(r);
}

static int64_t now_us(const struct recorder *r)
{
	return clock_mono_us(r->config.clock);
}

static bool is_wanted(const struct recorder *r, const char *stream)
{
	const struct plan_stream *planned = plan_stream_find(r->plan, stream);

	return planned && planned->is_recorded;
}

static void go_on_if_left(struct recorder *r, struct rec_feed *feed)
{
	const struct rec_keeper_wish wish = { feed->stream, feed->epoch, r->config.segment_ms };
	struct rec_info info;

	if (rec_keeper_take(&r->keeper, &wish, &info)) {
		log_info(NULL, "recording %s goes on", info.id);
		rec_writer_go_on(feed->writer, &info);
	}
	rec_keeper_close(&r->keeper, feed->stream);
}

static void start_writer(struct recorder *r, struct rec_feed *feed)
{
	const struct rec_writer_config config = {
		.store = r->store,
		.clock = r->config.clock,
		.events = r->config.events,
		.stats = r->config.stats,
		.segment_ms = r->config.segment_ms,
		.note = r->config.note,
		.note_arg = r->config.note_arg,
	};
	struct running *running = calloc(1, sizeof(*running));

	if (!running || rec_writer_create(&running->writer, &config, feed->stream, feed->epoch) != 0) {
		log_error(NULL, "no memory to record stream %s", feed->stream);
		free(running);
		return;
	}
	running->next = r->running;
	r->running = running;
	feed->writer = running->writer;
	go_on_if_left(r, feed);
	if (!loop_timer_is_running(r->tick))
		loop_timer_start(r->tick, TICK_MS, TICK_MS);
}

/* One whose last word could not be written waits for the next start: its files must not be synced again in this one. */
static void note_over(struct recorder *r, const struct rec_writer *w)
{
	if (rec_writer_info(w)->id[0] != '\0' && rec_writer_info(w)->state != REC_RECORDING)
		rec_keeper_add(&r->keeper, rec_writer_info(w));
}

static void reap(struct recorder *r)
{
	struct running **at = &r->running;

	while (*at) {
		if (rec_writer_is_over((*at)->writer)) {
			note_over(r, (*at)->writer);
			forget_running(at);
		} else {
			at = &(*at)->next;
		}
	}
}

/* The writer leaves its feed; it may still have to wait for the disk. */
static void end_writer(struct recorder *r, struct rec_feed *feed, const char *reason, int64_t lost_ms)
{
	rec_writer_end(feed->writer, reason, lost_ms);
	rec_writer_turn(feed->writer);
	feed->writer = NULL;
	reap(r);
	atomic_store_explicit(&feed->ring_bytes, 0, memory_order_relaxed);
}

/* Record what the plan wants recorded, and nothing else. */
static void follow_plan(struct recorder *r, struct rec_feed *feed)
{
	const bool wanted = is_wanted(r, feed->stream);

	if (wanted && !feed->writer)
		start_writer(r, feed);
	else if (!wanted && feed->writer)
		end_writer(r, feed, "plan", 0);
	atomic_store_explicit(&feed->is_wanted, wanted, memory_order_relaxed);
}

static void take_begin(struct recorder *r, struct rec_feed *feed)
{
	feed->next = r->feeds;
	r->feeds = feed;
	follow_plan(r, feed);
}

static void take_part(struct recorder *r, const struct recorder_mail *mail)
{
	struct rec_feed *feed = mail->feed;

	(void)r;
	if (feed->writer) {
		rec_writer_part(feed->writer, mail->part, mail->lost_ms);
		atomic_store_explicit(&feed->ring_bytes, rec_writer_waiting_bytes(feed->writer), memory_order_relaxed);
	}
	atomic_fetch_sub_explicit(&feed->posted_bytes, mail->part->bytes, memory_order_relaxed);
	part_unref(mail->part);
}

static void take_end(struct recorder *r, const struct recorder_mail *mail)
{
	struct rec_feed **at = &r->feeds;

	while (*at && *at != mail->feed)
		at = &(*at)->next;
	assert(*at);
	if ((*at)->writer)
		end_writer(r, *at, "stream_over", mail->lost_ms);
	forget_feed(at);
}

static void take_plan(struct recorder *r, struct plan *plan)
{
	plan_unref(r->plan);
	r->plan = plan;
	for (struct rec_feed *feed = r->feeds; feed; feed = feed->next)
		follow_plan(r, feed);
}

static void open_mail(void *arg, void *item)
{
	struct recorder *r = arg;
	struct recorder_mail *mail = item;

	switch (mail->kind) {
	case RECORDER_BEGIN: take_begin(r, mail->feed); break;
	case RECORDER_PART: take_part(r, mail); break;
	case RECORDER_END: take_end(r, mail); break;
	case RECORDER_PLAN: take_plan(r, mail->plan); break;
	}
}

/* A feed whose END is lost is still in the list, or its BEGIN was lost, too: then the reference goes here. */
static void drop_mail(void *item)
{
	struct recorder_mail *mail = item;

	part_unref(mail->part);
	plan_unref(mail->plan);
	if (mail->kind == RECORDER_BEGIN)
		rec_feed_unref(mail->feed);
}

static void on_tick(void *arg)
{
	recorder_tick(arg);
}

static void on_guard(void *arg)
{
	recorder_guard(arg);
}

static int create_timers(struct recorder *r)
{
	int err = loop_timer_create(&r->tick, r->config.loop, on_tick, r);

	if (err == 0)
		err = loop_timer_create(&r->guard_timer, r->config.loop, on_guard, r);
	if (err == 0)
		loop_timer_start(r->guard_timer, 0, GUARD_EVERY_MS);
	return err;
}

int recorder_create(struct recorder **out, const struct recorder_config *config)
{
	struct recorder *r = calloc(1, sizeof(*r));
	const struct mailbox_config mailbox = {
		.item_bytes = sizeof(struct recorder_mail),
		.capacity = MAILBOX_PARTS,
		.reserve = MAILBOX_RESERVE,
		.handle = open_mail,
		.drop = drop_mail,
		.arg = r,
	};

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->config = *config;
	r->store = (struct rec_store){ config->disk, config->data_dir };
	r->rules = (struct disk_rules){ config->keep_days, config->min_free_bytes };
	r->plan = plan_ref(config->plan);
	rec_keeper_init(&r->keeper, &r->store, config->events);
	if (mailbox_create(&r->mailbox, config->loop, &mailbox) != 0 || create_timers(r) != 0) {
		recorder_destroy(&r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void recorder_start(struct recorder *r)
{
	int err = rec_keeper_scan(&r->keeper);

	if (err != 0)
		log_error(NULL, "recordings in %s cannot be listed: %s", r->config.data_dir, err_text(err));
	r->started_us = now_us(r);
	r->aged_us = r->started_us - AGE_EVERY_MS * INT64_C(1000);
}

/* The one that is due for longest, or NULL. */
static struct rec_writer *most_due(const struct recorder *r)
{
	struct rec_writer *most = NULL;
	int64_t most_us = now_us(r);

	for (const struct running *running = r->running; running; running = running->next) {
		if (rec_writer_due_us(running->writer) <= most_us) {
			most = running->writer;
			most_us = rec_writer_due_us(most);
		}
	}
	return most;
}

/* What is in the mailbox is written between two syncs: one that takes long holds up nobody longer than itself. */
static size_t count_writers(struct recorder *r)
{
	size_t n = 0;

	for (struct rec_feed *feed = r->feeds; feed; feed = feed->next) {
		if (feed->writer)
			atomic_store_explicit(
			    &feed->ring_bytes, rec_writer_waiting_bytes(feed->writer), memory_order_relaxed);
	}
	for (const struct running *running = r->running; running; running = running->next)
		n++;
	return n;
}

void recorder_tick(struct recorder *r)
{
	struct rec_writer *w;

	for (size_t n = count_writers(r); n > 0 && (w = most_due(r)); n--) {
		rec_writer_turn(w);
		mailbox_drain(r->mailbox);
	}
	reap(r);
	if (count_writers(r) == 0)
		loop_timer_stop(r->tick);
}

static void say_level(struct recorder *r, int64_t hours_left)
{
	const struct event event = {
		.kind = EVENT_RECORDING,
		.stream = "",
		.recording = { .state = EVENT_RECORDING_DISK,
		    .id = "",
		    .reason = disk_level_name(r->guard.level),
		    .hours_left = hours_left },
	};
	const unsigned long long free_mb = r->guard.free_bytes >> 20;

	if (r->guard.level == DISK_FINE)
		log_info(NULL, "room for recordings is fine again: %llu MB", free_mb);
	else
		log_line(r->guard.level == DISK_LOW ? LOG_WARN : LOG_ERROR, NULL,
		    "room for recordings is %s: %llu MB, hours left: %lld", disk_level_name(r->guard.level), free_mb,
		    (long long)hours_left);
	events_emit(r->config.events, &event);
}

static bool look_at_disk(struct recorder *r)
{
	const struct rec_disk *disk = r->config.disk;
	struct rec_space space;
	bool is_other;

	if (disk->space(disk->arg, r->config.data_dir, &space) != 0)
		return false;
	is_other = disk_guard_note(&r->guard, &r->rules, now_us(r), space.free_bytes,
	    (uint64_t)stats_get(r->config.stats, STAT_RECORDED_BYTES));
	atomic_store_explicit(
	    &r->config.stats->values[STAT_DISK_FREE_BYTES], (int64_t)space.free_bytes, memory_order_relaxed);
	atomic_store_explicit(
	    &r->config.stats->values[STAT_DISK_HOURS_LEFT], disk_guard_hours_left(&r->guard), memory_order_relaxed);
	if (is_other)
		say_level(r, disk_guard_hours_left(&r->guard));
	return true;
}

static void say_gone(void *arg, const char *id)
{
	const struct recorder *r = arg;
	const struct rec_note note = { .id = id, .is_gone = true };

	if (r->config.note)
		r->config.note(r->config.note_arg, &note);
}

/* Whether it deleted something. */
static bool delete_one(struct recorder *r)
{
	const struct rec_keeper_round round = {
		.rules = &r->rules,
		.plan = r->plan,
		.wall_ms = clock_wall_ms(r->config.clock),
		.free_bytes = r->guard.free_bytes,
		.gone = say_gone,
		.arg = r,
	};

	return rec_keeper_delete_one(&r->keeper, &round);
}

void recorder_guard(struct recorder *r)
{
	const bool is_short = look_at_disk(r) && r->guard.free_bytes < r->rules.min_free_bytes;

	if (!r->has_closed_left && now_us(r) >= r->started_us + LEFT_FOR_MS * INT64_C(1000)) {
		r->has_closed_left = true;
		rec_keeper_close(&r->keeper, NULL);
	}
	if (!is_short && now_us(r) < r->aged_us + AGE_EVERY_MS * INT64_C(1000))
		return;
	r->aged_us = now_us(r);
	for (int n = 0; n < DELETIONS_AT_ONCE && delete_one(r); n++) {
		mailbox_drain(r->mailbox);
		(void)look_at_disk(r);
	}
}

void recorder_finish(struct recorder *r)
{
	mailbox_drain(r->mailbox);
	for (struct rec_feed *feed = r->feeds; feed; feed = feed->next) {
		if (feed->writer)
			end_writer(r, feed, "node_stopped", 0);
	}
	for (struct running *running = r->running; running; running = running->next)
		rec_writer_give_up(running->writer);
	reap(r);
	rec_keeper_close(&r->keeper, NULL);
	loop_timer_stop(r->tick);
	loop_timer_stop(r->guard_timer);
}

/* The packaging thread's side. */

static void say_too_slow(const struct recorder *r, const struct rec_feed *feed)
{
	const struct event event = {
		.kind = EVENT_RECORDING,
		.stream = feed->stream,
		.recording = { .state = EVENT_RECORDING_TROUBLE,
		    .id = "",
		    .reason = "the disk does not keep up",
		    .hours_left = -1 },
	};

	log_error(NULL, "recording of %s: the disk does not keep up, parts are lost", feed->stream);
	events_emit(r->config.events, &event);
}

static void *sink_begin(void *arg, const char *stream, const char *epoch)
{
	struct recorder *r = arg;
	struct rec_feed *feed = rec_feed_create(stream, epoch);
	const struct recorder_mail mail = { .kind = RECORDER_BEGIN, .feed = feed };

	if (feed && mailbox_post(r->mailbox, &mail, MAIL_MUST))
		return feed;
	log_error(NULL, "stream %s cannot be recorded: no memory", stream);
	rec_feed_unref(feed);
	rec_feed_unref(feed);
	return NULL;
}

static void sink_part(void *arg, void *stream, struct part *part)
{
	struct recorder *r = arg;
	struct rec_feed *feed = stream;
	const struct recorder_mail mail = {
		.kind = RECORDER_PART, .feed = feed, .part = part, .lost_ms = feed->lost_ms
	};

	if (!atomic_load_explicit(&feed->is_wanted, memory_order_relaxed)) {
		feed->lost_ms = 0;
		return;
	}
	part_ref(part);
	atomic_fetch_add_explicit(&feed->posted_bytes, part->bytes, memory_order_relaxed);
	if (rec_feed_has_room(feed) && mailbox_post(r->mailbox, &mail, MAIL_DROPPABLE)) {
		feed->lost_ms = 0;
		return;
	}
	atomic_fetch_sub_explicit(&feed->posted_bytes, part->bytes, memory_order_relaxed);
	if (feed->lost_ms == 0)
		say_too_slow(r, feed);
	feed->lost_ms += rec_part_ms(part);
	part_unref(part);
}

static void sink_end(void *arg, void *stream)
{
	struct recorder *r = arg;
	struct rec_feed *feed = stream;
	const struct recorder_mail mail = { .kind = RECORDER_END, .feed = feed, .lost_ms = feed->lost_ms };

	if (!mailbox_post(r->mailbox, &mail, MAIL_MUST))
		log_error(NULL, "recording of %s does not end before the node does", feed->stream);
	rec_feed_unref(feed);
}

struct part_sink recorder_sink(struct recorder *r)
{
	return (struct part_sink){ .arg = r, .begin = sink_begin, .part = sink_part, .end = sink_end };
}

void recorder_take_plan(struct recorder *r, struct plan *plan)
{
	const struct recorder_mail mail = { .kind = RECORDER_PLAN, .plan = plan_ref(plan) };

	if (mailbox_post(r->mailbox, &mail, MAIL_MUST))
		return;
	plan_unref(plan);
	log_error(NULL, "recording is too busy to take the new plan; send SIGHUP again");
}
