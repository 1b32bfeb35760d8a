/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "config/plan_mailbox.h"
#include "packager/channel_entry.h"

/* A stream that is on, whether a channel names it or not: the next plan may. */
struct source {
	struct source *next;
	struct channels *channels;
	char name[ID_SIZE];
	int64_t begin_wall_ms;
	bool is_taken_down; /* what it shows now is */
};

struct channels {
	struct channels_config config;
	struct mailbox *plans; /* struct plan *, the newest replaces the one before */
	struct loop_timer *timer;
	int64_t wake_us; /* of the timer; INT64_MAX: it does not run */
	struct plan *plan;
	struct slate *slate; /* made with the first channel */
	struct channel_entry *entries;
	struct source *sources;
	bool is_started;
};

void channels_destroy(struct channels **channels)
{
	struct channels *c = *channels;

	*channels = NULL;
	if (!c)
		return;
	while (c->entries) {
		struct channel_entry *entry = c->entries;

		c->entries = entry->next;
		channel_entry_destroy(&entry);
	}
	slate_destroy(&c->slate);
	loop_timer_destroy(&c->timer);
	mailbox_destroy(&c->plans);
	plan_unref(c->plan);
	free(c);
}

static int64_t now_us(const struct channels *c)
{
	return clock_mono_us(c->config.clock);
}

/* ---- when ---- */

static void rearm(struct channels *c)
{
	int64_t wake_us = INT64_MAX;
	int64_t left_us;

	for (const struct channel_entry *e = c->entries; e; e = e->next) {
		int64_t its_us = channel_entry_wake_us(e);

		wake_us = its_us < wake_us ? its_us : wake_us;
	}
	if (wake_us == c->wake_us)
		return;
	c->wake_us = wake_us;
	if (wake_us == INT64_MAX) {
		loop_timer_stop(c->timer);
		return;
	}
	left_us = wake_us - now_us(c);
	loop_timer_start(c->timer, left_us > 0 ? (uint64_t)(left_us + 999) / 1000 : 0, 0);
}

void channels_tick(struct channels *c)
{
	int64_t now = now_us(c);

	c->wake_us = INT64_MAX;
	for (struct channel_entry *e = c->entries; e; e = e->next)
		channel_entry_tick(e, now);
	rearm(c);
}

static void on_timer(void *arg)
{
	channels_tick(arg);
}

static void on_news(void *arg)
{
	rearm(arg);
}

/* ---- streams ---- */

static void forward(struct source *source, struct channel_event *event)
{
	struct channels *c = source->channels;
	int64_t now = now_us(c);

	if (!c->entries || source->is_taken_down)
		return;
	memcpy(event->stream, source->name, sizeof(event->stream));
	for (struct channel_entry *e = c->entries; e; e = e->next)
		channel_entry_event(e, event, now);
	rearm(c);
}

static bool is_taken_down(const struct source *source)
{
	return plan_is_taken_down(source->channels->plan, source->name, source->begin_wall_ms);
}

static void *sink_begin(void *arg, const char *stream, const char *epoch)
{
	struct channel_event event = { .kind = CHANNEL_EVENT_BEGIN };
	struct channels *c = arg;
	struct source *source;

	(void)epoch;
	if (strlen(stream) >= ID_SIZE || strchr(stream, '~')) /* a rehearsal is in no channel */
		return NULL;
	source = calloc(1, sizeof(*source));
	if (!source) {
		log_error(NULL, "no channel can show stream %s: no memory", stream);
		return NULL;
	}
	source->channels = c;
	(void)snprintf(source->name, sizeof(source->name), "%s", stream);
	source->begin_wall_ms = clock_wall_ms(c->config.clock);
	source->is_taken_down = is_taken_down(source);
	source->next = c->sources;
	c->sources = source;
	forward(source, &event);
	return source;
}

static void sink_key(void *arg, void *stream, int64_t pts_90k)
{
	struct channel_event event = { .kind = CHANNEL_EVENT_KEY, .pts_90k = pts_90k };

	(void)arg;
	forward(stream, &event);
}

static void sink_part(void *arg, void *stream, struct part *part)
{
	struct channel_event event = { .kind = CHANNEL_EVENT_PART, .part = part };

	(void)arg;
	forward(stream, &event);
}

static void sink_end(void *arg, void *stream)
{
	struct channel_event event = { .kind = CHANNEL_EVENT_END };
	struct source *source = stream;
	struct channels *c = arg;
	struct source **at = &c->sources;

	forward(source, &event);
	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	free(source);
}

struct part_sink channels_sink(struct channels *c)
{
	return (struct part_sink){ .arg = c, .begin = sink_begin, .key = sink_key, .part = sink_part, .end = sink_end };
}

/* ---- the plan ---- */

static struct channel_entry **find(struct channels *c, const char *id)
{
	struct channel_entry **at = &c->entries;

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

/* Those that the plan does not name, or names with another profile: their index.m3u8 is another. */
static void end_those_that_are_gone(struct channels *c)
{
	struct channel_entry **at = &c->entries;

	while (*at) {
		struct channel_entry *entry = *at;
		const struct plan_channel *plan = plan_channel_find(c->plan, entry->id);

		if (plan && channel_entry_has_profile(entry, plan->profile)) {
			at = &entry->next;
			continue;
		}
		*at = entry->next;
		channel_entry_end(entry);
		channel_entry_destroy(&entry);
	}
}

static int make_slate(struct channels *c)
{
	return c->slate ? 0 : slate_create_built_in(&c->slate);
}

static void add(struct channels *c, const struct plan_channel *plan)
{
	const struct channel_entry_config config = {
		.clock = c->config.clock,
		.sequence = c->config.sequence,
		.shelf = c->config.shelf,
		.clips = c->config.clips,
		.events = c->config.events,
		.part_ms = c->config.part_ms,
		.segment_ms = c->config.segment_ms,
		.news = on_news,
		.arg = c,
	};
	struct channel_entry *entry = NULL;
	int err = make_slate(c);

	if (err == 0)
		err = channel_entry_create(&entry, &config, plan, c->slate);
	if (err != 0) {
		log_error(NULL, "channel %s cannot begin: %s", plan->id, err == -ENOMEM ? "no memory" : "no slate");
		return;
	}
	entry->next = c->entries;
	c->entries = entry;
}

static void add_those_that_are_new(struct channels *c)
{
	for (size_t i = 0; i < c->plan->n_channels; i++) {
		if (!*find(c, c->plan->channels[i].id))
			add(c, &c->plan->channels[i]);
	}
}

/* A stream whose past is forbidden is off until it begins anew; one that is allowed again comes like a new one. */
static void look_at_source(struct channels *c, struct source *source)
{
	struct channel_event event = { .kind = CHANNEL_EVENT_BEGIN };
	bool was_taken_down = source->is_taken_down;

	source->is_taken_down = is_taken_down(source);
	for (struct channel_entry *e = c->entries; e && source->is_taken_down && !was_taken_down; e = e->next)
		channel_entry_drop(e, source->name, now_us(c));
	if (was_taken_down && !source->is_taken_down)
		forward(source, &event);
}

static void tell_plan(struct channels *c, struct channel_entry *entry)
{
	if (!channel_entry_take_plan(entry, c->plan, now_us(c)))
		return;
	for (const struct source *source = c->sources; source; source = source->next) {
		if (!source->is_taken_down)
			channel_entry_restart(entry, source->name, now_us(c));
	}
}

static void obey(struct channels *c)
{
	end_those_that_are_gone(c);
	add_those_that_are_new(c);
	for (struct channel_entry *e = c->entries; e; e = e->next)
		tell_plan(c, e);
	for (struct source *source = c->sources; source; source = source->next)
		look_at_source(c, source);
	for (struct channel_entry *e = c->entries; e; e = e->next)
		channel_entry_drop_clips(e, now_us(c));
	rearm(c);
}

static void take_plan(void *arg, void *item)
{
	struct channels *c = arg;
	struct plan **plan = item;

	plan_unref(c->plan);
	c->plan = *plan;
	if (c->is_started)
		obey(c);
}

void channels_take_plan(struct channels *c, struct plan *plan)
{
	if (!plan_mailbox_post(c->plans, plan))
		log_error(NULL, "channels are too busy to take the new plan; send SIGHUP again");
}

void channels_start(struct channels *c)
{
	c->is_started = true;
	obey(c);
}

int channels_create(struct channels **out, const struct channels_config *config)
{
	struct channels *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->plan = plan_ref(config->plan);
	c->wake_us = INT64_MAX;
	if (plan_mailbox_create(&c->plans, config->loop, take_plan, c) != 0 ||
	    loop_timer_create(&c->timer, config->loop, on_timer, c) != 0) {
		channels_destroy(&c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}
