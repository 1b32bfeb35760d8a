/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_entry.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "packager/playlist.h"
#include "packager/splice.h"

enum {
	FIGURES_EVERY_US = 1000000,
	INDEX_MAX_BYTES = 4096,
	SLACK_MS = 5000, /* a channel's parts are never further ahead of the clock */
	AHEAD_MS = 100,	 /* and mostly less than a part and this */
};

void channel_entry_destroy(struct channel_entry **entry)
{
	struct channel_entry *e = *entry;

	*entry = NULL;
	if (!e)
		return;
	channel_feeds_fini(&e->feeds);
	channel_delay_fini(&e->delay);
	channel_destroy(&e->channel);
	plan_unref(e->plan);
	free(e);
}

static int64_t now_of(const struct channel_entry *e)
{
	return clock_mono_us(e->config.clock);
}

/* ---- what it says ---- */

static const char *kind_name(enum channel_kind kind)
{
	switch (kind) {
	case CHANNEL_SLATE: return "slate";
	case CHANNEL_LIVE: return "live";
	case CHANNEL_CLIP: return "clip";
	}
	return "";
}

static void tell(const struct channel_entry *e, const struct channel_state *state, enum event_channel_news news)
{
	const struct event event = {
		.kind = EVENT_CHANNEL,
		.stream = e->name,
		.text_ja = channel_why_ja(state->why),
		.text_en = channel_why_en(state->why),
		.channel = {
			.news = news,
			.on = kind_name(state->kind),
			.id = state->id,
			.pending = state->pending,
			.why = channel_why_name(state->why),
			.misfit = state->why == CHANNEL_WHY_MISFIT ?
			    channel_misfit_name((enum channel_misfit)state->misfit) : "",
			.since_wall_ms = state->since_wall_ms,
			.ahead_ms = state->ahead_ms,
			.switches = state->switches,
			.slate_ms = state->slate_ms,
		},
	};

	events_emit(e->config.events, &event);
}

static void on_changed(void *arg, const struct channel_state *state)
{
	tell(arg, state, EVENT_CHANNEL_CHANGED);
}

static void tell_figures(struct channel_entry *e, int64_t now_us)
{
	if (now_us < e->figures_us)
		return;
	e->figures_us = now_us + FIGURES_EVERY_US;
	tell(e, channel_state(e->channel), EVENT_CHANNEL_FIGURES);
}

/* ---- parts ---- */

/* Before anybody gets the part: a number that was seen is never given again. */
static void on_publish(void *arg, struct part *part)
{
	struct channel_entry *e = arg;
	const struct sequence_numbers next = {
		.epoch = e->epoch,
		.msn = part->msn + 1,
		.part = (uint64_t)part->sequence + 1,
		.init_version = (uint64_t)part->init->version + 1,
		.discontinuity_sequence = part->discontinuity_sequence,
	};

	sequence_note(e->config.sequence, e->row, &next, clock_wall_ms(e->config.clock));
	shelf_part(e->config.shelf, e->name, part);
}

/* ---- clips ---- */

static void on_want_clip(void *arg, const char *id)
{
	struct channel_entry *e = arg;

	channel_feeds_want(&e->feeds, id, id ? plan_clip_find(e->plan, id) : NULL);
}

/* Behind a filler comes the next one in turn. */
static const struct plan_clip *clip_behind(const struct channel_entry *e, const char *id)
{
	const struct plan_channel *plan = e->entry;

	for (size_t i = 0; plan && i < plan->n_filler; i++) {
		if (strcmp(plan->filler[i], id) == 0)
			return plan_clip_find(e->plan, plan->filler[(i + 1) % plan->n_filler]);
	}
	return NULL;
}

static void say_clip_failed(const struct channel_entry *e, int err)
{
	const char *clip = channel_feeds_on(&e->feeds)->id;

	log_warn(NULL, "channel %s, clip %s: %s / %s", e->id, clip, clip_end_ja(err), clip_end_en(err));
}

/* Hands over what was read, and reads on. Each part may make the channel want another clip. */
static void serve_clips(struct channel_entry *e, int64_t now_us)
{
	enum channel_feeds_news news;
	struct part *part;
	int err;

	while ((news = channel_feeds_take(&e->feeds, &part, &err)) != CHANNEL_FEEDS_NOTHING) {
		if (news == CHANNEL_FEEDS_PART) {
			channel_clip_part(e->channel, part, now_us);
			part_unref(part);
			continue;
		}
		if (err != 0)
			say_clip_failed(e, err);
		channel_clip_end(e->channel, err, now_us);
	}
	if (channel_feeds_has_been_read(&e->feeds))
		channel_feeds_expect(&e->feeds, clip_behind(e, channel_feeds_on(&e->feeds)->id));
	channel_feeds_read(&e->feeds, channel_clip_held_90k(e->channel));
}

static void on_clip_news(void *arg)
{
	struct channel_entry *e = arg;

	serve_clips(e, now_of(e));
	e->config.news(e->config.arg);
}

static void note_shown(struct channel_entry *e, const char *clip, const char *stream, int64_t begin_wall_ms)
{
	struct channel_shown *shown = &e->shown[e->next_shown];

	for (size_t i = 0; i < CHANNEL_SHOWN_MAX; i++) {
		if (strcmp(e->shown[i].clip, clip) == 0)
			shown = &e->shown[i];
	}
	if (shown == &e->shown[e->next_shown])
		e->next_shown = (e->next_shown + 1) % CHANNEL_SHOWN_MAX;
	*shown = (struct channel_shown){ .begin_wall_ms = begin_wall_ms };
	(void)snprintf(shown->clip, sizeof(shown->clip), "%s", clip);
	(void)snprintf(shown->stream, sizeof(shown->stream), "%s", stream);
}

static bool is_taken_down(const struct channel_entry *e, const char *clip, const char *stream, int64_t begin_wall_ms)
{
	return plan_is_taken_down(e->plan, stream, begin_wall_ms) || plan_is_taken_down(e->plan, clip, begin_wall_ms);
}

static bool may_show(void *arg, const char *clip, const char *stream, int64_t begin_wall_ms)
{
	struct channel_entry *e = arg;

	if (is_taken_down(e, clip, stream, begin_wall_ms))
		return false;
	note_shown(e, clip, stream, begin_wall_ms);
	return true;
}

/* The plan takes down a stream: delivery takes its own window, and here is known which clips are of it. */
static void withdraw_shown(struct channel_entry *e, int64_t now_us)
{
	for (size_t i = 0; i < CHANNEL_SHOWN_MAX; i++) {
		struct channel_shown *shown = &e->shown[i];

		if (shown->clip[0] == '\0' || !is_taken_down(e, shown->clip, shown->stream, shown->begin_wall_ms))
			continue;
		channel_drop(e->channel, shown->clip, now_us);
		shelf_withdraw(e->config.shelf, shown->clip, clock_wall_ms(e->config.clock) + SLACK_MS);
		*shown = (struct channel_shown){ 0 };
	}
}

void channel_entry_drop_clips(struct channel_entry *e, int64_t now_us)
{
	bool was_on = channel_feeds_check(&e->feeds);

	withdraw_shown(e, now_us);
	if (was_on)
		channel_clip_end(e->channel, -EACCES, now_us);
	serve_clips(e, now_us);
}

/* ---- streams ---- */

static void hand_over(struct channel_entry *e, const struct channel_event *event, int64_t now_us)
{
	switch (event->kind) {
	case CHANNEL_EVENT_BEGIN: channel_stream_begin(e->channel, event->stream, now_us); break;
	case CHANNEL_EVENT_KEY: channel_stream_key(e->channel, event->stream, event->pts_90k, now_us); break;
	case CHANNEL_EVENT_PART: channel_stream_part(e->channel, event->stream, event->part, now_us); break;
	case CHANNEL_EVENT_END: channel_stream_end(e->channel, event->stream, now_us); break;
	}
}

void channel_entry_event(struct channel_entry *e, const struct channel_event *event, int64_t now_us)
{
	struct channel_event held = *event;

	if (!channel_cares(e->channel, event->stream))
		return;
	if (e->delay_us == 0) {
		hand_over(e, event, now_us);
		serve_clips(e, now_us);
		return;
	}
	held.due_us = now_us + e->delay_us;
	if (!channel_delay_push(&e->delay, &held) && event->kind != CHANNEL_EVENT_PART)
		log_warn(NULL, "channel %s: no room to hold back %s", e->id, event->stream);
}

static void hand_over_what_is_due(struct channel_entry *e, int64_t now_us)
{
	struct channel_event event;

	while (channel_delay_pop(&e->delay, now_us, &event)) {
		hand_over(e, &event, now_us);
		part_unref(event.part);
	}
}

void channel_entry_restart(struct channel_entry *e, const char *stream, int64_t now_us)
{
	struct channel_event event = { .kind = CHANNEL_EVENT_BEGIN };

	(void)snprintf(event.stream, sizeof(event.stream), "%s", stream);
	channel_stream_end(e->channel, stream, now_us);
	channel_entry_event(e, &event, now_us);
}

void channel_entry_drop(struct channel_entry *e, const char *stream, int64_t now_us)
{
	channel_delay_drop(&e->delay, stream);
	channel_drop(e->channel, stream, now_us);
	serve_clips(e, now_us);
}

/* ---- time ---- */

void channel_entry_tick(struct channel_entry *e, int64_t now_us)
{
	hand_over_what_is_due(e, now_us);
	(void)channel_tick(e->channel, now_us);
	serve_clips(e, now_us);
	tell_figures(e, now_us);
}

int64_t channel_entry_wake_us(const struct channel_entry *e)
{
	int64_t wake_us = channel_wake_us(e->channel);
	int64_t due_us = channel_delay_next_us(&e->delay);

	wake_us = due_us < wake_us ? due_us : wake_us;
	return e->figures_us < wake_us ? e->figures_us : wake_us;
}

/* ---- the plan ---- */

bool channel_entry_has_profile(const struct channel_entry *e, const char *profile)
{
	return strcmp(e->profile->name, profile) == 0;
}

/* What is held back would come at the wrong time. */
static bool change_delay(struct channel_entry *e, int64_t delay_us)
{
	if (e->delay_us == delay_us)
		return false;
	channel_delay_drop(&e->delay, NULL);
	e->delay_us = delay_us;
	return true;
}

bool channel_entry_take_plan(struct channel_entry *e, struct plan *plan, int64_t now_us)
{
	struct plan *old = e->plan;
	bool is_other_delay;

	e->plan = plan_ref(plan);
	e->entry = plan_channel_find(plan, e->id);
	plan_unref(old);
	assert(e->entry);
	is_other_delay = change_delay(e, e->entry->delay_ms * 1000);
	channel_feeds_forget_next(&e->feeds);
	channel_take_plan(e->channel, plan, now_us);
	serve_clips(e, now_us);
	return is_other_delay;
}

/* ---- begin and end ---- */

static struct shared *make_index(const struct channel_profile *profile)
{
	struct playlist_variant variant = profile->variant;
	const struct playlist_main p = { .variants = &variant, .variant_count = 1, .is_independent = true };
	struct shared *text = NULL;
	struct bytes_writer w;

	variant.uri = "main.m3u8";
	bytes_writer_init_growing(&w, INDEX_MAX_BYTES);
	if (playlist_write_main(&w, &p) == 0)
		text = shared_copy(w.data, w.len);
	bytes_writer_fini(&w);
	return text;
}

/* No segment is shorter than a part but where it is cut, so this comes after all that were counted before. */
static uint64_t clock_msn(const struct channel_entry *e, int64_t wall_ms)
{
	return wall_ms > 0 ? (uint64_t)wall_ms / e->config.part_ms : 0;
}

/* Where the life before had got to at most: media is never a part ahead of the clock. */
static int64_t min_start_90k(const struct channel_entry *e, const struct sequence_start *start)
{
	return start->noted_ms > 0 ? splice_position_90k(start->noted_ms + e->config.part_ms + AHEAD_MS) : 0;
}

static int create_channel(struct channel_entry *e, const struct slate *slate, const struct sequence_start *start)
{
	const struct channel_config config = {
		.id = e->id,
		.part_ms = e->config.part_ms,
		.segment_ms = e->config.segment_ms,
		.slate = slate,
		.ops = { .arg = e, .publish = on_publish, .want_clip = on_want_clip, .changed = on_changed },
		.start_wall_ms = clock_wall_ms(e->config.clock),
		.start_mono_us = now_of(e),
		.first = start->next,
		.is_continued = start->is_continued,
		.min_start_90k = min_start_90k(e, start),
	};

	return channel_create(&e->channel, &config);
}

static int put_on_shelf(struct channel_entry *e)
{
	struct segment_store_begin begin = { .name = e->name, .main = make_index(e->profile) };
	char epoch[PLAYLIST_EPOCH_MAX];

	if (!begin.main)
		return -ENOMEM;
	playlist_epoch_format(e->epoch, epoch);
	begin.epoch = epoch;
	shelf_begin(e->config.shelf, &begin);
	shared_unref(begin.main);
	return 0;
}

static int begin(struct channel_entry *e, const struct slate *slate)
{
	int64_t wall_ms = clock_wall_ms(e->config.clock);
	const struct sequence_start start = sequence_begin(e->config.sequence, e->name, wall_ms, clock_msn(e, wall_ms));
	int err;

	e->row = start.row;
	e->epoch = start.next.epoch;
	err = create_channel(e, slate, &start);
	if (err == 0)
		err = put_on_shelf(e);
	if (err != 0)
		sequence_end(e->config.sequence, e->row, wall_ms);
	else if (start.is_same_epoch)
		log_info(
		    NULL, "channel %s goes on where the node was cut short: segment %" PRIu64, e->id, start.next.msn);
	return err;
}

int channel_entry_create(struct channel_entry **out, const struct channel_entry_config *config,
    const struct plan_channel *plan, const struct slate *slate)
{
	struct channel_entry *e = calloc(1, sizeof(*e));
	struct channel_feeds_config feeds = { .reader = config->clips, .may_show = may_show, .news = on_clip_news };
	int err;

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->config = *config;
	e->profile = channel_profile_find(plan->profile);
	assert(e->profile); /* a plan with another is none */
	(void)snprintf(e->id, sizeof(e->id), "%s", plan->id);
	(void)snprintf(e->name, sizeof(e->name), "@%s", plan->id);
	feeds.arg = e;
	channel_feeds_init(&e->feeds, &feeds);
	err = begin(e, slate);
	if (err != 0) {
		channel_entry_destroy(&e);
		return err;
	}
	*out = e;
	return 0;
}

void channel_entry_end(struct channel_entry *e)
{
	shelf_end(e->config.shelf, e->name);
	sequence_end(e->config.sequence, e->row, clock_wall_ms(e->config.clock));
	tell(e, channel_state(e->channel), EVENT_CHANNEL_GONE);
}
