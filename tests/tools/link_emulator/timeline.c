/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/timeline.h"

#include <string.h>

static void enter_round(struct timeline_track *track, const struct step *step)
{
	track->rounds[track->depth++] = (struct timeline_round){
		.first = track->step + 1,
		.n_left = step->n_rounds,
		.outer_from_ns = track->from_ns,
	};
	track->from_ns = track->last_ns;
	track->step++;
}

static void end_round(struct timeline_track *track)
{
	struct timeline_round *round = &track->rounds[track->depth - 1];

	if (round->n_left != SCRIPT_FOR_EVER)
		round->n_left--;
	if (round->n_left != 0) {
		track->step = round->first;
		track->from_ns = track->last_ns;
		return;
	}
	track->from_ns = round->outer_from_ns;
	track->depth--;
	track->step++;
}

static int64_t time_of(struct timeline_track *track, const struct step *step)
{
	double at_ns = step->at_ns.low;
	int64_t due_ns = 0;

	if (step->at_ns.high > step->at_ns.low)
		at_ns = dice_between(&track->dice, step->at_ns.low, step->at_ns.high);
	due_ns = (step->is_relative ? track->last_ns : track->from_ns) + (int64_t)at_ns;
	/* A drawn time may lie behind a fixed one: never go back. */
	return due_ns > track->last_ns ? due_ns : track->last_ns;
}

/* Goes on to the next step that has a time, or to the end. Rounds take time, so this ends. */
static void seek(const struct timeline *timeline, struct timeline_track *track)
{
	size_t end = timeline->script->tracks[track - timeline->tracks].end;

	while (track->step < end) {
		const struct step *step = &timeline->script->steps[track->step];

		if (step->kind == STEP_AT) {
			track->due_ns = time_of(track, step);
			return;
		}
		if (step->kind == STEP_REPEAT)
			enter_round(track, step);
		else
			end_round(track);
	}
	track->is_running = false;
}

static void start_track(struct timeline *timeline, size_t i, int64_t now_ns)
{
	struct timeline_track *track = &timeline->tracks[i];
	struct dice dice = track->dice;

	*track = (struct timeline_track){ .is_running = true, .from_ns = now_ns, .last_ns = now_ns, .dice = dice };
	track->step = timeline->script->tracks[i].first;
	seek(timeline, track);
}

void timeline_start(
    struct timeline *timeline, const struct script *script, uint64_t seed, enum dice_purpose purpose, int64_t now_ns)
{
	*timeline = (struct timeline){ .script = script };
	if (!script)
		return;
	for (size_t i = 0; i < script->n_tracks; i++) {
		timeline->tracks[i].dice = dice_make(seed, i, purpose);
		if (!script->tracks[i].trigger[0])
			start_track(timeline, i, now_ns);
	}
}

size_t timeline_trigger(struct timeline *timeline, const char *name, int64_t now_ns)
{
	size_t n = 0;

	for (size_t i = 0; timeline->script && i < timeline->script->n_tracks; i++) {
		if (strcmp(timeline->script->tracks[i].trigger, name) != 0)
			continue;
		start_track(timeline, i, now_ns);
		n++;
	}
	return n;
}

static struct timeline_track *earliest(struct timeline *timeline)
{
	struct timeline_track *first = NULL;

	for (size_t i = 0; timeline->script && i < timeline->script->n_tracks; i++) {
		struct timeline_track *track = &timeline->tracks[i];

		if (track->is_running && (!first || track->due_ns < first->due_ns))
			first = track;
	}
	return first;
}

int64_t timeline_next_ns(const struct timeline *timeline)
{
	int64_t next_ns = TIMELINE_NEVER;

	for (size_t i = 0; timeline->script && i < timeline->script->n_tracks; i++)
		if (timeline->tracks[i].is_running && timeline->tracks[i].due_ns < next_ns)
			next_ns = timeline->tracks[i].due_ns;
	return next_ns;
}

bool timeline_take(struct timeline *timeline, int64_t now_ns, struct timeline_event *event)
{
	struct timeline_track *track = earliest(timeline);

	if (!track || track->due_ns > now_ns)
		return false;
	*event = (struct timeline_event){
		.changes = timeline->script->steps[track->step].changes,
		.dice = &track->dice,
		.at_ns = track->due_ns,
	};
	track->last_ns = track->due_ns;
	track->step++;
	seek(timeline, track);
	return true;
}
