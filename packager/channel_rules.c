/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_rules.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

struct why_text {
	const char *name;
	const char *ja;
	const char *en;
};

#define CHANNEL_WHY_TEXT(id, name, ja, en) { name, ja, en },
static const struct why_text why_texts[] = { CHANNEL_WHYS(CHANNEL_WHY_TEXT) };
#undef CHANNEL_WHY_TEXT

static const struct why_text *text_of(enum channel_why why)
{
	assert((size_t)why < ARRAY_LEN(why_texts));
	return &why_texts[why];
}

const char *channel_why_name(enum channel_why why)
{
	return text_of(why)->name;
}

const char *channel_why_ja(enum channel_why why)
{
	return text_of(why)->ja;
}

const char *channel_why_en(enum channel_why why)
{
	return text_of(why)->en;
}

static int64_t end_of(int64_t until_ms)
{
	return until_ms == 0 ? INT64_MAX : until_ms;
}

static void show(struct channel_choice *out, enum channel_kind kind, const char *id, enum channel_why why)
{
	out->kind = kind;
	out->why = why;
	snprintf(out->id, sizeof(out->id), "%s", id);
}

static void show_stream(
    struct channel_choice *out, const struct channel_facts *facts, const char *stream, enum channel_why why)
{
	switch (facts->verdict(facts->arg, stream)) {
	case CHANNEL_GOOD: show(out, CHANNEL_LIVE, stream, why); return;
	case CHANNEL_ABSENT: show(out, CHANNEL_SLATE, stream, CHANNEL_WHY_ABSENT); return;
	case CHANNEL_LOST: show(out, CHANNEL_SLATE, stream, CHANNEL_WHY_LOST); return;
	case CHANNEL_RETURNING: show(out, CHANNEL_SLATE, stream, CHANNEL_WHY_RETURNING); return;
	case CHANNEL_MISFIT: show(out, CHANNEL_SLATE, stream, CHANNEL_WHY_MISFIT); return;
	case CHANNEL_TAKEN_DOWN: show(out, CHANNEL_SLATE, stream, CHANNEL_WHY_TAKEN_DOWN); return;
	}
}

static void show_override(
    struct channel_choice *out, const struct channel_facts *facts, const struct plan_override *override)
{
	switch (override->kind) {
	case PLAN_OVERRIDE_NONE: assert(false); return;
	case PLAN_OVERRIDE_STREAM: show_stream(out, facts, override->id, CHANNEL_WHY_OVERRIDE); return;
	case PLAN_OVERRIDE_SLATE: show(out, CHANNEL_SLATE, "", CHANNEL_WHY_OVERRIDE); return;
	case PLAN_OVERRIDE_CLIP:
		if (facts->is_usable(facts->arg, override->id))
			show(out, CHANNEL_CLIP, override->id, CHANNEL_WHY_OVERRIDE);
		else
			show(out, CHANNEL_SLATE, override->id, CHANNEL_WHY_CLIP_BROKEN);
		return;
	}
}

static void show_filler(struct channel_choice *out, const struct channel_facts *facts, const struct plan_channel *plan)
{
	for (size_t i = 0; i < plan->n_filler; i++) {
		size_t filler = (facts->turn % plan->n_filler + i) % plan->n_filler;

		if (!facts->is_usable(facts->arg, plan->filler[filler]))
			continue;
		show(out, CHANNEL_CLIP, plan->filler[filler], CHANNEL_WHY_FILLER);
		out->filler = filler;
		return;
	}
	show(out, CHANNEL_SLATE, "", plan->n_filler > 0 ? CHANNEL_WHY_CLIP_BROKEN : CHANNEL_WHY_NOTHING);
}

/* How many slots have begun. They are in order and do not overlap (config/plan_check). */
static size_t count_begun(const struct plan_channel *plan, int64_t now_ms)
{
	size_t low = 0;
	size_t high = plan->n_on_air;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->on_air[middle].from_ms <= now_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: none is on the air; *next_ms is brought down to when that changes. */
static const struct plan_on_air *slot_at(const struct plan_channel *plan, int64_t now_ms, int64_t *next_ms)
{
	size_t begun = count_begun(plan, now_ms);
	const struct plan_on_air *slot = begun > 0 ? &plan->on_air[begun - 1] : NULL;
	int64_t change_ms = INT64_MAX;

	if (slot && now_ms >= end_of(slot->until_ms))
		slot = NULL;
	if (slot)
		change_ms = end_of(slot->until_ms);
	else if (begun < plan->n_on_air)
		change_ms = plan->on_air[begun].from_ms;
	if (change_ms < *next_ms)
		*next_ms = change_ms;
	return slot;
}

void channel_rules_choose(
    struct channel_choice *out, const struct plan_channel *plan, int64_t now_ms, const struct channel_facts *facts)
{
	const struct plan_override *override = plan ? &plan->override : NULL;
	const struct plan_on_air *slot;

	*out = (struct channel_choice){ .kind = CHANNEL_SLATE, .why = CHANNEL_WHY_NOTHING, .next_ms = INT64_MAX };
	if (!plan)
		return;
	if (override->kind != PLAN_OVERRIDE_NONE && now_ms < end_of(override->until_ms)) {
		if (override->from_ms <= now_ms) {
			out->next_ms = end_of(override->until_ms);
			show_override(out, facts, override);
			return;
		}
		out->next_ms = override->from_ms;
	}
	slot = slot_at(plan, now_ms, &out->next_ms);
	if (slot)
		show_stream(out, facts, slot->stream, CHANNEL_WHY_SLOT);
	else
		show_filler(out, facts, plan);
}
