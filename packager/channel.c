/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packager/channel_sources.h"
#include "packager/channel_switch.h"

enum {
	TICKS_PER_MS = 90,
	FAULT_US = 60 * 1000000, /* a clip that could not be read is tried again then */
	RETRY_US = 20 * 1000,	 /* what is due and could not be done (memory is out) is tried again then */
	NO_FILLER = -1,
};

static const char default_profile[] = "720p30";

struct channel {
	struct channel_config config; /* first numbers are not kept up */
	char id[ID_SIZE];
	struct plan *plan;
	const struct plan_channel *entry; /* of the plan; NULL: it does not name us */
	struct channel_sources sources;
	struct channel_switch sw;
	struct channel_choice choice;
	size_t turn;	       /* the filler that is next */
	ptrdiff_t filler;      /* the one that is wanted now, or NO_FILLER */
	char awaited[ID_SIZE]; /* a stream that is wanted and was never heard of, since awaited_us */
	int64_t awaited_us;
	struct channel_state state;
	int64_t wake_us;
};

void channel_destroy(struct channel **channel)
{
	struct channel *c = *channel;

	*channel = NULL;
	if (!c)
		return;
	channel_switch_fini(&c->sw);
	channel_sources_fini(&c->sources);
	plan_unref(c->plan);
	free(c);
}

int channel_create(struct channel **out, const struct channel_config *config)
{
	struct channel *c = calloc(1, sizeof(*c));
	const struct channel_air_config air = {
		.part_ms = config->part_ms,
		.segment_ms = config->segment_ms,
		.slate = config->slate,
		.publish = config->ops.publish,
		.arg = config->ops.arg,
		.start_wall_ms = config->start_wall_ms,
		.start_mono_us = config->start_mono_us,
		.first = config->first,
		.is_continued = config->is_continued,
		.min_start_90k = config->min_start_90k,
	};

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->config = *config;
	snprintf(c->id, sizeof(c->id), "%s", config->id);
	c->config.id = c->id;
	channel_switch_init(&c->sw, &air, config->ops.want_clip, config->ops.arg);
	c->sources.part_ms = (uint32_t)(c->sw.air.part_90k / TICKS_PER_MS);
	c->sources.profile = channel_profile_find(default_profile);
	c->filler = NO_FILLER;
	c->state.since_wall_ms = config->start_wall_ms;
	c->wake_us = config->start_mono_us;
	*out = c;
	return 0;
}

/* ---- what shall be on ---- */

struct moment {
	struct channel *channel;
	int64_t now_us;
};

static enum channel_verdict verdict_of(void *arg, const char *stream)
{
	const struct moment *m = arg;
	struct channel_source *source = channel_sources_find(&m->channel->sources, stream);

	if (!source)
		return CHANNEL_ABSENT;
	return channel_health_at(&source->health, m->channel->sources.part_ms, m->now_us);
}

static bool is_usable(void *arg, const char *clip)
{
	const struct moment *m = arg;

	return channel_clips_is_usable(&m->channel->sw.clips, clip, m->now_us);
}

static void choose(struct channel *c, int64_t now_us)
{
	struct moment moment = { c, now_us };
	const struct channel_facts facts = {
		.arg = &moment,
		.verdict = verdict_of,
		.is_usable = is_usable,
		.turn = c->filler == NO_FILLER ? c->turn : (size_t)c->filler,
	};

	channel_rules_choose(&c->choice, c->entry, channel_air_wall_ms(&c->sw.air, now_us), &facts);
}

/* A filler had its turn, to its end or not. */
static void pass_turn(struct channel *c)
{
	if (c->filler != NO_FILLER)
		c->turn = (size_t)c->filler + 1;
	c->filler = NO_FILLER;
}

static void show_clip(struct channel *c)
{
	channel_switch_to_clip(&c->sw, c->choice.id);
	if (c->choice.why == CHANNEL_WHY_FILLER)
		c->filler = (ptrdiff_t)c->choice.filler;
}

/* Is the filler that has its turn still wanted, or on until something else has come? */
static bool has_turn(const struct channel *c)
{
	return c->entry && c->filler < (ptrdiff_t)c->entry->n_filler &&
	    strcmp(c->entry->filler[c->filler], c->sw.clips.id) == 0;
}

static void forget_if_bad(struct channel *c, const struct channel_source *source, int64_t now_us)
{
	struct moment moment = { c, now_us };

	if (source && verdict_of(&moment, source->name) != CHANNEL_GOOD)
		channel_switch_forget(&c->sw, source, now_us);
}

/*
 * A stream that the plan has only just named may well be there: until its next part could have been heard, what is on
 * stays on.
 */
static bool is_awaited(const struct channel *c, int64_t now_us)
{
	return c->awaited[0] && now_us - c->awaited_us <= channel_health_patience_us(c->sources.part_ms);
}

static void await(struct channel *c, int64_t now_us)
{
	const struct channel_source *source = channel_sources_find(&c->sources, c->choice.id);
	bool is_heard = source && (source->health.has_ended || source->health.state != CHANNEL_ABSENT);

	if (c->choice.why != CHANNEL_WHY_ABSENT || is_heard) {
		c->awaited[0] = '\0';
	} else if (strcmp(c->awaited, c->choice.id) != 0) {
		memcpy(c->awaited, c->choice.id, sizeof(c->awaited));
		c->awaited_us = now_us;
	}
}

static void switch_over(struct channel *c, int64_t now_us)
{
	switch (c->choice.kind) {
	case CHANNEL_SLATE: channel_switch_to_slate(&c->sw); break;
	case CHANNEL_CLIP: show_clip(c); break;
	case CHANNEL_LIVE:
		channel_switch_to_live(&c->sw, channel_sources_find(&c->sources, c->choice.id), now_us);
		break;
	}
}

static void decide(struct channel *c, int64_t now_us)
{
	forget_if_bad(c, c->sw.next, now_us);
	forget_if_bad(c, c->sw.live, now_us);
	choose(c, now_us);
	await(c, now_us);
	if (is_awaited(c, now_us))
		channel_switch_to_same(&c->sw);
	else
		switch_over(c, now_us);
	if (c->filler != NO_FILLER && !has_turn(c))
		pass_turn(c);
}

/* ---- what is told ---- */

static const char *pending_of(const struct channel *c)
{
	if (c->sw.next)
		return c->sw.next->name;
	if (c->choice.kind == CHANNEL_CLIP && c->sw.step == CHANNEL_STEP_SLATE)
		return c->choice.id;
	return c->sw.step == CHANNEL_STEP_SLATE ? "" : c->awaited;
}

/* Of the slate, when what shall be on is not the slate. */
static enum channel_why why_not_yet(const struct channel *c, int64_t now_us)
{
	if (c->choice.kind == CHANNEL_CLIP)
		return CHANNEL_WHY_CLIP_LATE;
	return channel_switch_is_keyless(&c->sw, now_us) ? CHANNEL_WHY_NO_KEY_FRAME : CHANNEL_WHY_WAITING;
}

static void describe(const struct channel *c, struct channel_state *state, int64_t now_us)
{
	const char *id = "";

	switch (c->sw.step) {
	case CHANNEL_STEP_SLATE: state->kind = CHANNEL_SLATE; break;
	case CHANNEL_STEP_CLIP:
		state->kind = CHANNEL_CLIP;
		id = c->sw.clips.id;
		break;
	case CHANNEL_STEP_LIVE:
	case CHANNEL_STEP_LEAVING:
		state->kind = CHANNEL_LIVE;
		id = c->sw.live->name;
		break;
	case CHANNEL_STEP_JOINING: id = c->state.id; break; /* what was on is seen until the next one comes */
	}
	memmove(state->id, id, strlen(id) + 1);
	snprintf(state->pending, sizeof(state->pending), "%s", pending_of(c));
	if (c->choice.kind == state->kind && (state->kind == CHANNEL_SLATE || strcmp(c->choice.id, state->id) == 0))
		state->why = c->choice.why;
	else
		state->why = why_not_yet(c, now_us);
}

static enum channel_misfit misfit_of(const struct channel *c, enum channel_why why)
{
	const struct channel_source *source = NULL;

	if (why == CHANNEL_WHY_MISFIT)
		source = channel_sources_find(&c->sources, c->choice.id);
	return source ? source->misfit : CHANNEL_FITS;
}

static void tell(struct channel *c, int64_t now_us)
{
	struct channel_state next = c->state;
	bool is_other;
	bool is_new;

	describe(c, &next, now_us);
	next.misfit = misfit_of(c, next.why);
	next.ahead_ms = c->sw.air.ahead_90k / TICKS_PER_MS;
	next.slate_ms = (uint64_t)c->sw.air.slate_90k / TICKS_PER_MS;
	is_other = next.kind != c->state.kind || strcmp(next.id, c->state.id) != 0;
	is_new = is_other || next.why != c->state.why || next.misfit != c->state.misfit ||
	    strcmp(next.pending, c->state.pending) != 0;
	if (is_other) {
		next.switches++;
		next.since_wall_ms = channel_air_wall_ms(&c->sw.air, now_us);
	}
	c->state = next;
	if (is_new)
		c->config.ops.changed(c->config.ops.arg, &c->state);
}

/* ---- one step ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the plan alone changes what is on. */
static int64_t plan_wake_us(const struct channel *c)
{
	if (c->choice.next_ms == INT64_MAX)
		return INT64_MAX;
	return c->config.start_mono_us + (c->choice.next_ms - c->config.start_wall_ms) * 1000;
}

static void note_wake(struct channel *c, int64_t now_us)
{
	int64_t wake_us = earlier(plan_wake_us(c), channel_switch_wake_us(&c->sw));

	wake_us = earlier(wake_us, channel_sources_next_us(&c->sources));
	wake_us = earlier(wake_us, channel_clips_next_us(&c->sw.clips, now_us));
	if (is_awaited(c, now_us))
		wake_us = earlier(wake_us, c->awaited_us + channel_health_patience_us(c->sources.part_ms) + 1);
	c->wake_us = wake_us > now_us ? wake_us : now_us + RETRY_US;
}

/* The clip has come to its end, or to nothing. */
static bool end_clip(struct channel *c, int64_t now_us)
{
	if (!channel_clips_is_over(&c->sw.clips))
		return false;
	if (!c->sw.clips.has_come)
		channel_clips_note_fault(&c->sw.clips, c->sw.clips.id, now_us + FAULT_US);
	pass_turn(c);
	return true;
}

static void step(struct channel *c, int64_t now_us)
{
	(void)end_clip(c, now_us);
	decide(c, now_us);
	channel_switch_run(&c->sw, now_us);
	if (end_clip(c, now_us)) {
		decide(c, now_us);
		channel_switch_run(&c->sw, now_us);
	}
	tell(c, now_us);
	note_wake(c, now_us);
}

/* ---- at the door ---- */

void channel_take_plan(struct channel *c, struct plan *plan, int64_t now_us)
{
	struct plan *old = c->plan;
	const struct channel_profile *profile;

	c->plan = plan_ref(plan);
	c->entry = plan ? plan_channel_find(plan, c->id) : NULL;
	plan_unref(old);
	profile = c->entry ? channel_profile_find(c->entry->profile) : NULL;
	c->sources.profile = profile ? profile : channel_profile_find(default_profile);
	channel_sources_prune(&c->sources, c->entry, c->sw.live, c->sw.next);
	if (c->filler != NO_FILLER && !has_turn(c))
		pass_turn(c);
	step(c, now_us);
}

bool channel_cares(const struct channel *c, const char *stream)
{
	return channel_sources_find(&c->sources, stream) || channel_sources_is_named(c->entry, stream);
}

void channel_stream_begin(struct channel *c, const char *stream, int64_t now_us)
{
	struct channel_source *source = channel_sources_get(&c->sources, c->entry, stream);

	if (!source)
		return;
	channel_source_begin(source, now_us);
	step(c, now_us);
}

void channel_stream_key(struct channel *c, const char *stream, int64_t pts_90k, int64_t now_us)
{
	const struct channel_source *source = channel_sources_find(&c->sources, stream);

	if (!source)
		return;
	step(c, now_us);
	channel_switch_key(&c->sw, source, pts_90k, now_us);
	step(c, now_us);
}

void channel_stream_part(struct channel *c, const char *stream, struct part *part, int64_t now_us)
{
	struct channel_source *source = channel_sources_get(&c->sources, c->entry, stream);

	if (!source)
		return;
	channel_source_part(&c->sources, source, part, now_us);
	step(c, now_us);
	channel_switch_part(&c->sw, source, part, now_us);
	step(c, now_us);
}

void channel_stream_end(struct channel *c, const char *stream, int64_t now_us)
{
	struct channel_source *source = channel_sources_find(&c->sources, stream);

	if (!source)
		return;
	channel_health_end(&source->health, c->sources.part_ms, now_us);
	step(c, now_us);
}

void channel_clip_part(struct channel *c, struct part *part, int64_t now_us)
{
	if (!c->sw.clips.id[0] || c->sw.clips.is_complete)
		return;
	if (!channel_clips_push(&c->sw.clips, part))
		c->sw.clips.is_complete = true; /* the reader does not ask what is held: play that, no more */
	step(c, now_us);
}

void channel_clip_end(struct channel *c, int err, int64_t now_us)
{
	if (!c->sw.clips.id[0])
		return;
	c->sw.clips.is_complete = true;
	if (err)
		channel_clips_note_fault(&c->sw.clips, c->sw.clips.id, now_us + FAULT_US);
	step(c, now_us);
}

int64_t channel_clip_held_90k(const struct channel *c)
{
	return c->sw.clips.held_90k;
}

void channel_drop(struct channel *c, const char *id, int64_t now_us)
{
	struct channel_source *source = channel_sources_get(&c->sources, c->entry, id);

	channel_clips_note_fault(&c->sw.clips, id, now_us + FAULT_US);
	if (source)
		channel_health_take_down(&source->health);
	step(c, now_us);
}

int64_t channel_tick(struct channel *c, int64_t now_us)
{
	step(c, now_us);
	return c->wake_us;
}

int64_t channel_wake_us(const struct channel *c)
{
	return c->wake_us;
}

const struct channel_state *channel_state(const struct channel *c)
{
	return &c->state;
}

int64_t channel_end_90k(const struct channel *c)
{
	return channel_air_end_90k(&c->sw.air);
}
