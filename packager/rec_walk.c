/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_walk.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Later than any recording ends, and still a number that rec_index_clip can count with. */
#define LAST_MS INT64_C(10000000000000)

void rec_step_fini(struct rec_step *step)
{
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		track_unref(step->tracks[kind]);
		step->tracks[kind] = NULL;
	}
}

static bool is_before(const struct rec_place *a, const struct rec_place *b)
{
	return a->stretch != b->stretch ? a->stretch < b->stretch : a->fragment < b->fragment;
}

static struct rec_place place_of(const struct rec_index *index, struct rec_walk at)
{
	struct rec_place place = { 0, 0 };

	while (place.stretch < index->n_stretches && index->stretches[place.stretch].number < at.stretch)
		place.stretch++;
	if (place.stretch < index->n_stretches && index->stretches[place.stretch].number == at.stretch)
		place.fragment = at.fragment;
	return place;
}

/* Over the ends of stretches to where there is a fragment, or to the end of all. */
static void find_fragment(const struct rec_index *index, struct rec_place *place)
{
	while (place->stretch < index->n_stretches && place->fragment >= index->stretches[place->stretch].count)
		*place = (struct rec_place){ .stretch = place->stretch + 1 };
}

static void describe(struct rec_step *out, const struct rec_index *index, const struct rec_place *place)
{
	const struct rec_index_stretch *s = &index->stretches[place->stretch];

	memcpy(out->stream, index->info.stream, sizeof(out->stream));
	out->begin_wall_ms = index->info.begin_wall_ms;
	out->stretch = s->number;
	out->fragment = s->fragments[place->fragment];
	out->init = s->init;
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		out->tracks[kind] = track_ref(s->tracks[kind]);
	out->next = (struct rec_walk){ s->number, place->fragment + 1 };
}

int rec_walk_step(struct rec_step *out, const struct rec_index *index, const struct rec_span *span, struct rec_walk at)
{
	struct rec_place from;
	struct rec_place to;
	struct rec_place next;
	bool is_reached;
	int err =
	    rec_index_clip(index, span->in_ms, span->out_ms > 0 ? span->out_ms : LAST_MS, &from, &to, &is_reached);

	*out = (struct rec_step){ 0 };
	if (err != 0)
		return err;
	if (at.stretch > 0)
		from = place_of(index, at);
	find_fragment(index, &from);
	if (!is_before(&from, &to))
		return -ENODATA;
	describe(out, index, &from);
	next = (struct rec_place){ from.stretch, from.fragment + 1 };
	find_fragment(index, &next);
	out->is_last = !is_before(&next, &to);
	return 0;
}
