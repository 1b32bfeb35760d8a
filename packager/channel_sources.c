/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICKS_PER_MS = 90,
	DOUBTS_MAX = 4, /* so many parts must say the same: pictures that were written shakily do not */
};

void channel_sources_fini(struct channel_sources *s)
{
	while (s->first) {
		struct channel_source *source = s->first;

		s->first = source->next;
		free(source);
	}
}

bool channel_sources_is_named(const struct plan_channel *plan, const char *stream)
{
	if (!plan)
		return false;
	if (plan->override.kind == PLAN_OVERRIDE_STREAM && strcmp(plan->override.id, stream) == 0)
		return true;
	for (size_t i = 0; i < plan->n_on_air; i++) {
		if (strcmp(plan->on_air[i].stream, stream) == 0)
			return true;
	}
	return false;
}

struct channel_source *channel_sources_find(const struct channel_sources *s, const char *stream)
{
	struct channel_source *source = s->first;

	while (source && strcmp(source->name, stream) != 0)
		source = source->next;
	return source;
}

struct channel_source *channel_sources_get(
    struct channel_sources *s, const struct plan_channel *plan, const char *stream)
{
	struct channel_source *source = channel_sources_find(s, stream);

	if (source || !channel_sources_is_named(plan, stream))
		return source;
	source = calloc(1, sizeof(*source));
	if (!source)
		return NULL;
	snprintf(source->name, sizeof(source->name), "%s", stream);
	source->next = s->first;
	s->first = source;
	return source;
}

void channel_sources_prune(struct channel_sources *s, const struct plan_channel *plan,
    const struct channel_source *keep, const struct channel_source *keep_too)
{
	struct channel_source **link = &s->first;

	while (*link) {
		struct channel_source *source = *link;

		if (source == keep || source == keep_too || channel_sources_is_named(plan, source->name)) {
			link = &source->next;
			continue;
		}
		*link = source->next;
		free(source);
	}
}

void channel_source_begin(struct channel_source *source, int64_t now_us)
{
	channel_health_begin(&source->health, now_us);
	source->init_version = 0;
}

/* Codec and size are certain at once; a rate that is measured may be wrong for a part or two. */
static void judge(const struct channel_sources *s, struct channel_source *source, const struct part *part)
{
	enum channel_misfit misfit =
	    channel_profile_judge(s->profile, part->init->tracks, channel_profile_measure(part));
	bool is_new = source->init_version != part->init->version;

	source->init_version = part->init->version;
	source->doubts = is_new || misfit == source->misfit ? 0 : source->doubts + 1;
	if (is_new || source->doubts >= DOUBTS_MAX) {
		source->misfit = misfit;
		source->doubts = 0;
	}
}

void channel_source_part(
    const struct channel_sources *s, struct channel_source *source, const struct part *part, int64_t now_us)
{
	struct channel_health_part heard = {
		.duration_us = part->duration_90k * 1000 / TICKS_PER_MS,
		.is_broken = part->is_discontinuity,
	};

	judge(s, source, part);
	heard.is_misfit = source->misfit != CHANNEL_FITS;
	channel_health_note(&source->health, &heard, s->part_ms, now_us);
}

int64_t channel_sources_next_us(const struct channel_sources *s)
{
	int64_t next_us = INT64_MAX;

	for (const struct channel_source *source = s->first; source; source = source->next) {
		int64_t at_us = channel_health_next_us(&source->health, s->part_ms);

		next_us = at_us < next_us ? at_us : next_us;
	}
	return next_us;
}
