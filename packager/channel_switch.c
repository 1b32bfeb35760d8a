/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_switch.h"

#include <assert.h>
#include <string.h>

enum {
	TICKS_PER_MS = 90,
	LATE_US = 100 * 1000,
	KEYLESS_US = 10 * 1000000,
	TAIL_90K = 50 * TICKS_PER_MS, /* of a part of sound; less is not worth a part */
};

/* ---- states ---- */

static void set_step(struct channel_switch *w, enum channel_step step)
{
	static const unsigned legal[] = {
		[CHANNEL_STEP_SLATE] = 1u << CHANNEL_STEP_CLIP | 1u << CHANNEL_STEP_JOINING,
		[CHANNEL_STEP_CLIP] = 1u << CHANNEL_STEP_SLATE | 1u << CHANNEL_STEP_CLIP | 1u << CHANNEL_STEP_JOINING,
		[CHANNEL_STEP_LIVE] = 1u << CHANNEL_STEP_SLATE | 1u << CHANNEL_STEP_CLIP | 1u << CHANNEL_STEP_LEAVING |
		    1u << CHANNEL_STEP_JOINING,
		[CHANNEL_STEP_LEAVING] = 1u << CHANNEL_STEP_SLATE | 1u << CHANNEL_STEP_CLIP | 1u << CHANNEL_STEP_LIVE |
		    1u << CHANNEL_STEP_JOINING,
		[CHANNEL_STEP_JOINING] = 1u << CHANNEL_STEP_SLATE | 1u << CHANNEL_STEP_CLIP | 1u << CHANNEL_STEP_LIVE,
	};

	assert(legal[w->step] & 1u << step);
	assert((step == CHANNEL_STEP_LIVE || step == CHANNEL_STEP_LEAVING) == (w->live != NULL));
	w->step = step;
}

static void drop_held(struct channel_switch *w)
{
	for (size_t i = 0; i < w->held_count; i++)
		part_unref(w->held[i]);
	w->held_count = 0;
}

static struct part *take_held(struct channel_switch *w)
{
	struct part *part = w->held[0];

	memmove(w->held, w->held + 1, --w->held_count * sizeof(w->held[0]));
	return part;
}

void channel_switch_fini(struct channel_switch *w)
{
	drop_held(w);
	channel_clips_fini(&w->clips);
	channel_air_fini(&w->air);
}

void channel_switch_init(struct channel_switch *w, const struct channel_air_config *air,
    void (*want_clip)(void *arg, const char *clip_id), void *arg)
{
	*w = (struct channel_switch){ .want_clip = want_clip, .arg = arg };
	channel_air_init(&w->air, air);
}

/* What is on is left; what shall come may stay. */
static void leave_for(struct channel_switch *w, enum channel_step step)
{
	drop_held(w);
	w->live = NULL;
	w->air.has_run = false;
	set_step(w, step);
}

static void fall_to_slate(struct channel_switch *w)
{
	if (w->step != CHANNEL_STEP_SLATE)
		leave_for(w, CHANNEL_STEP_SLATE);
}

static void want_no_clip(struct channel_switch *w)
{
	if (!w->clips.id[0])
		return;
	channel_clips_want(&w->clips, NULL);
	w->want_clip(w->arg, NULL);
}

/* ---- the slate ---- */

static int64_t behind_90k(const struct channel_switch *w, int64_t now_us)
{
	return channel_air_position_90k(&w->air, now_us) - channel_air_end_90k(&w->air);
}

/* Up to there, by whole pictures; its segment ends there. */
static void fill(struct channel_switch *w, int64_t until_90k, int64_t now_us)
{
	bool is_last = false;

	while (!is_last) {
		is_last = until_90k - channel_air_end_90k(&w->air) <= w->air.part_90k;
		if (channel_air_put_slate(&w->air, until_90k, is_last, now_us) != 0)
			return;
	}
}

static void run_slate(struct channel_switch *w, int64_t now_us)
{
	int64_t now_90k = channel_air_position_90k(&w->air, now_us);

	while (now_90k - channel_air_end_90k(&w->air) >= w->air.part_90k) {
		if (channel_air_put_slate(&w->air, now_90k, false, now_us) != 0)
			return;
	}
}

/* ---- clips ---- */

/* The next one that can follow what was published; where a clip begins, or goes on behind a hole, a key frame. */
static struct part *next_of_clip(struct channel_switch *w)
{
	struct part *part;

	while ((part = channel_clips_first(&w->clips)) != NULL) {
		bool is_joined = w->air.has_run && !part->is_discontinuity && part->start_90k == w->air.source_end_90k;

		if (is_joined)
			return part;
		if (part->is_independent && channel_air_begin(&w->air, part, part->start_90k) == 0)
			return part;
		channel_clips_drop_first(&w->clips);
	}
	return NULL;
}

/* Its part, or what of it comes before until_90k (a position). */
static void put_of_clip(struct channel_switch *w, struct part *part, int64_t until_90k, int64_t now_us)
{
	struct channel_air_put put = { .part = part, .origin = w->clips.id, .now_us = now_us };

	put.from_90k = INT64_MIN;
	put.until_90k = INT64_MAX;
	if (until_90k != INT64_MAX) {
		put.until_90k = part->start_90k + (until_90k - channel_air_end_90k(&w->air));
		put.is_segment_end = true;
	}
	(void)channel_air_put(&w->air, &put); /* lost: the next one begins a run */
	channel_clips_drop_first(&w->clips);
}

static int64_t patience_90k(const struct channel_switch *w)
{
	return 2 * w->air.part_90k + LATE_US * TICKS_PER_MS / 1000;
}

static void run_clip(struct channel_switch *w, int64_t now_us)
{
	struct part *part;

	while ((part = next_of_clip(w)) != NULL) {
		if (part->duration_90k > behind_90k(w, now_us))
			return;
		put_of_clip(w, part, INT64_MAX, now_us);
	}
	if (w->next && w->clips.is_complete) {
		want_no_clip(w);
		fall_to_slate(w);
	} else if (behind_90k(w, now_us) > patience_90k(w)) {
		fall_to_slate(w);
	}
}

/* ---- a live stream ---- */

/* Something of it was lost: it goes on with its next key frame. */
static void rejoin(struct channel_switch *w, int64_t now_us)
{
	if (!w->next) {
		w->next = w->live;
		w->since_us = now_us;
	}
	fall_to_slate(w);
}

static bool is_joined(const struct channel_switch *w, const struct part *part)
{
	return w->air.has_run && !w->air.is_slate && !part->is_discontinuity &&
	    part->start_90k == w->air.source_end_90k;
}

static bool can_begin(const struct part *part)
{
	return part->is_independent || !part->init->tracks[TRACK_VIDEO];
}

/* Behind a hole. What of it is a part or more shows the slate; the rest is gone: this part ends now. */
static int begin_behind_hole(struct channel_switch *w, const struct part *part, int64_t now_us)
{
	int64_t begins_90k = channel_air_position_90k(&w->air, now_us) - part->duration_90k;

	if (begins_90k - channel_air_end_90k(&w->air) >= w->air.part_90k)
		fill(w, begins_90k, now_us);
	return channel_air_begin(&w->air, part, part->start_90k);
}

static void put_live(struct channel_switch *w, const struct part *part, int64_t now_us)
{
	const struct channel_air_put put = {
		.part = part,
		.origin = w->live->name,
		.from_90k = INT64_MIN,
		.until_90k = INT64_MAX,
		.now_us = now_us,
	};

	if (!is_joined(w, part) && (!can_begin(part) || begin_behind_hole(w, part, now_us) != 0)) {
		rejoin(w, now_us);
		return;
	}
	if (channel_air_put(&w->air, &put) != 0)
		rejoin(w, now_us);
}

/* When a part of this length may be published: no part or more ahead of the clock. */
static int64_t earliest_end_90k(const struct channel_switch *w, const struct part *part)
{
	int64_t room_90k = part->duration_90k < w->air.part_90k ? part->duration_90k : w->air.part_90k;

	return channel_air_end_90k(&w->air) + room_90k - w->air.part_90k + 1;
}

static void run_live(struct channel_switch *w, int64_t now_us)
{
	while (w->step == CHANNEL_STEP_LIVE && w->held_count > 0 &&
	    earliest_end_90k(w, w->held[0]) <= channel_air_position_90k(&w->air, now_us)) {
		struct part *part = take_held(w);

		put_live(w, part, now_us);
		part_unref(part);
	}
}

/* ---- joining ---- */

/* The part with the key frame of next: from there on it is on. */
static bool join_with(struct channel_switch *w, const struct part *part, int64_t now_us)
{
	const struct channel_air_put put = {
		.part = part,
		.origin = w->next->name,
		.from_90k = w->key_90k > part->start_90k ? w->key_90k : INT64_MIN,
		.until_90k = INT64_MAX,
		.now_us = now_us,
	};
	uint64_t number = w->air.next.part;

	return channel_air_begin(&w->air, part, w->key_90k) == 0 && channel_air_put(&w->air, &put) == 0 &&
	    w->air.next.part != number;
}

static bool join_or_skip(struct channel_switch *w, const struct part *part, int64_t now_us)
{
	if (part->start_90k + part->duration_90k <= w->key_90k)
		return false;
	if (part->start_90k > w->key_90k) /* the one with the key frame was lost */
		w->key_90k = part->start_90k;
	if ((part->start_90k == w->key_90k && !can_begin(part)) || !join_with(w, part, now_us)) {
		fall_to_slate(w); /* and next is still waited for */
		return false;
	}
	return true;
}

static void run_joining(struct channel_switch *w, int64_t now_us)
{
	while (w->step == CHANNEL_STEP_JOINING && w->held_count > 0) {
		struct part *part = take_held(w);

		if (join_or_skip(w, part, now_us)) {
			w->live = w->next;
			w->next = NULL;
			w->heard_us = now_us;
			set_step(w, CHANNEL_STEP_LIVE);
		}
		part_unref(part);
	}
	if (w->step == CHANNEL_STEP_LIVE)
		run_live(w, now_us);
	else if (w->step == CHANNEL_STEP_JOINING && behind_90k(w, now_us) > patience_90k(w))
		fall_to_slate(w);
}

/* All that came before is out, or does not come: what is missing is the slate's if it is a part or more. */
static void begin_joining(struct channel_switch *w, int64_t now_us)
{
	w->live = NULL;
	w->air.has_run = false;
	set_step(w, CHANNEL_STEP_JOINING);
	if (w->cut_90k - channel_air_end_90k(&w->air) >= w->air.part_90k)
		fill(w, w->cut_90k, now_us);
	run_joining(w, now_us);
}

/* ---- leaving ---- */

/* What is on up to the cut. */
static void leave_with(struct channel_switch *w, const struct part *part, int64_t now_us)
{
	int64_t end_90k = part->start_90k + part->duration_90k;
	int64_t until_90k = w->air.source_end_90k + (w->cut_90k - channel_air_end_90k(&w->air));
	const struct channel_air_put put = {
		.part = part,
		.origin = w->live->name,
		.from_90k = INT64_MIN,
		.until_90k = end_90k <= until_90k ? INT64_MAX : until_90k,
		.is_segment_end = end_90k >= until_90k,
		.now_us = now_us,
	};

	if (!is_joined(w, part) || channel_air_put(&w->air, &put) != 0 || end_90k >= until_90k)
		begin_joining(w, now_us);
}

static int64_t overdue_us(const struct channel_switch *w)
{
	return w->heard_us + w->air.part_90k * 1000 / TICKS_PER_MS + LATE_US;
}

static void run_leaving(struct channel_switch *w, int64_t now_us)
{
	if (now_us > overdue_us(w))
		begin_joining(w, now_us);
}

/* What was to follow does not: what is on stays on. */
static void stay(struct channel_switch *w)
{
	drop_held(w);
	set_step(w, CHANNEL_STEP_LIVE);
}

/* ---- what comes ---- */

static bool hold(struct channel_switch *w, struct part *part)
{
	if (w->held_count == CHANNEL_HELD_MAX)
		return false;
	w->held[w->held_count++] = part_ref(part);
	return true;
}

/* What is on is cut at cut_90k, where the picture (or sound) at key_90k of next stands. */
static void cut_at(struct channel_switch *w, int64_t cut_90k, int64_t key_90k, int64_t now_us)
{
	struct part *part;

	w->cut_90k = cut_90k;
	w->key_90k = key_90k;
	if (w->step == CHANNEL_STEP_LIVE) {
		drop_held(w);
		if (w->air.has_run && channel_air_end_90k(&w->air) < cut_90k)
			set_step(w, CHANNEL_STEP_LEAVING);
		else
			begin_joining(w, now_us);
		return;
	}
	if (w->step == CHANNEL_STEP_SLATE)
		fill(w, cut_90k, now_us);
	part = w->step == CHANNEL_STEP_CLIP ? next_of_clip(w) : NULL;
	if (part && channel_air_end_90k(&w->air) < cut_90k)
		put_of_clip(w, part, cut_90k, now_us);
	want_no_clip(w);
	begin_joining(w, now_us);
}

static bool is_waiting(const struct channel_switch *w)
{
	return w->step != CHANNEL_STEP_LEAVING && w->step != CHANNEL_STEP_JOINING;
}

void channel_switch_key(struct channel_switch *w, const struct channel_source *source, int64_t pts_90k, int64_t now_us)
{
	int64_t end_90k = channel_air_end_90k(&w->air);
	int64_t now_90k = channel_air_position_90k(&w->air, now_us);

	if (source != w->next || !is_waiting(w))
		return;
	if (end_90k - now_90k >= w->air.part_90k) /* too far ahead: what is on is held back, the next one will do */
		return;
	cut_at(w, end_90k > now_90k ? end_90k : now_90k, pts_90k, now_us);
}

/* Next has no pictures: it can begin anywhere, and what of this part is past goes. */
static void join_sound(struct channel_switch *w, struct part *part, int64_t now_us)
{
	int64_t begins_90k = channel_air_position_90k(&w->air, now_us) - part->duration_90k;
	int64_t end_90k = channel_air_end_90k(&w->air);
	int64_t past_90k = end_90k > begins_90k ? end_90k - begins_90k : 0;

	if (part->duration_90k - past_90k < TAIL_90K)
		return;
	if (w->step == CHANNEL_STEP_LIVE) { /* nothing of what is on is under way that could not be left out */
		drop_held(w);
		w->cut_90k = end_90k > begins_90k ? end_90k : begins_90k;
		w->key_90k = part->start_90k + past_90k;
		(void)hold(w, part);
		begin_joining(w, now_us);
		return;
	}
	cut_at(w, end_90k > begins_90k ? end_90k : begins_90k, part->start_90k + past_90k, now_us);
	if (w->step == CHANNEL_STEP_JOINING && hold(w, part))
		run_joining(w, now_us);
}

static void take_of_next(struct channel_switch *w, struct part *part, int64_t now_us)
{
	if (is_waiting(w)) {
		if (!part->init->tracks[TRACK_VIDEO])
			join_sound(w, part, now_us);
		return;
	}
	if (!hold(w, part)) { /* what is left keeps us waiting too long */
		fall_to_slate(w);
		return;
	}
	if (w->step == CHANNEL_STEP_JOINING)
		run_joining(w, now_us);
}

void channel_switch_part(
    struct channel_switch *w, const struct channel_source *source, struct part *part, int64_t now_us)
{
	if (source == w->next) {
		take_of_next(w, part, now_us);
		return;
	}
	if (source != w->live)
		return;
	w->heard_us = now_us;
	if (w->step == CHANNEL_STEP_LEAVING)
		leave_with(w, part, now_us);
	else if (hold(w, part))
		run_live(w, now_us);
	else
		rejoin(w, now_us);
}

void channel_switch_forget(struct channel_switch *w, const struct channel_source *source, int64_t now_us)
{
	if (w->next == source) {
		if (w->step == CHANNEL_STEP_JOINING)
			fall_to_slate(w);
		else if (w->step == CHANNEL_STEP_LEAVING)
			stay(w);
		w->next = NULL;
	}
	if (w->live == source) {
		if (w->step == CHANNEL_STEP_LEAVING)
			begin_joining(w, now_us);
		else
			fall_to_slate(w);
	}
}

/* ---- what shall be on ---- */

void channel_switch_to_same(struct channel_switch *w)
{
	if (w->step == CHANNEL_STEP_JOINING) /* what was on is cut off already */
		return;
	if (w->step == CHANNEL_STEP_LEAVING)
		stay(w);
	w->next = NULL;
}

void channel_switch_to_slate(struct channel_switch *w)
{
	w->next = NULL;
	want_no_clip(w);
	fall_to_slate(w);
}

void channel_switch_to_clip(struct channel_switch *w, const char *id)
{
	w->next = NULL;
	if (strcmp(w->clips.id, id) == 0 && !channel_clips_is_over(&w->clips))
		return;
	channel_clips_want(&w->clips, id);
	w->want_clip(w->arg, w->clips.id);
	/* the slate stays on until the clip is there; anything else gives it a part's time to come */
	if (w->step != CHANNEL_STEP_SLATE)
		leave_for(w, CHANNEL_STEP_CLIP);
}

void channel_switch_to_live(struct channel_switch *w, const struct channel_source *source, int64_t now_us)
{
	if (w->step == CHANNEL_STEP_JOINING || (w->next == source && w->live != source))
		return;
	if (w->step == CHANNEL_STEP_LEAVING)
		stay(w);
	if (w->step == CHANNEL_STEP_SLATE)
		want_no_clip(w);
	w->next = w->live == source ? NULL : source;
	w->since_us = now_us;
}

bool channel_switch_is_keyless(const struct channel_switch *w, int64_t now_us)
{
	return w->next && is_waiting(w) && now_us - w->since_us >= KEYLESS_US;
}

/* ---- the clock ---- */

void channel_switch_run(struct channel_switch *w, int64_t now_us)
{
	if (channel_air_catch_up(&w->air, now_us) && !is_waiting(w))
		fall_to_slate(w);
	if (channel_switch_is_keyless(w, now_us) && w->step != CHANNEL_STEP_SLATE) {
		want_no_clip(w);
		fall_to_slate(w);
	}
	if (w->step == CHANNEL_STEP_SLATE && channel_clips_first(&w->clips))
		leave_for(w, CHANNEL_STEP_CLIP);
	switch (w->step) {
	case CHANNEL_STEP_SLATE: break;
	case CHANNEL_STEP_CLIP: run_clip(w, now_us); break;
	case CHANNEL_STEP_LIVE: run_live(w, now_us); break;
	case CHANNEL_STEP_LEAVING: run_leaving(w, now_us); break;
	case CHANNEL_STEP_JOINING: run_joining(w, now_us); break;
	}
	if (w->step == CHANNEL_STEP_SLATE) /* also when it has just come to that */
		run_slate(w, now_us);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t step_wake_us(const struct channel_switch *w)
{
	const struct part *clip = channel_clips_first(&w->clips);
	int64_t end_90k = channel_air_end_90k(&w->air);

	switch (w->step) {
	case CHANNEL_STEP_SLATE: return channel_air_time_us(&w->air, end_90k + w->air.part_90k);
	case CHANNEL_STEP_CLIP:
		return channel_air_time_us(&w->air, end_90k + (clip ? clip->duration_90k : patience_90k(w) + 1));
	case CHANNEL_STEP_LIVE:
		return w->held_count > 0 ? channel_air_time_us(&w->air, earliest_end_90k(w, w->held[0])) : INT64_MAX;
	case CHANNEL_STEP_LEAVING: return overdue_us(w) + 1;
	case CHANNEL_STEP_JOINING: return channel_air_time_us(&w->air, end_90k + patience_90k(w) + 1);
	}
	return INT64_MAX;
}

int64_t channel_switch_wake_us(const struct channel_switch *w)
{
	int64_t wake_us = step_wake_us(w);

	if (w->next && w->step != CHANNEL_STEP_SLATE && is_waiting(w))
		wake_us = earlier(wake_us, w->since_us + KEYLESS_US);
	return wake_us;
}
