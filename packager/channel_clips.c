/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_clips.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static void drop_all(struct channel_clips *c)
{
	while (c->count > 0)
		channel_clips_drop_first(c);
}

void channel_clips_fini(struct channel_clips *c)
{
	drop_all(c);
}

void channel_clips_want(struct channel_clips *c, const char *id)
{
	drop_all(c);
	c->has_come = false;
	c->is_complete = false;
	snprintf(c->id, sizeof(c->id), "%s", id ? id : "");
}

bool channel_clips_push(struct channel_clips *c, struct part *part)
{
	if (c->count == CHANNEL_CLIP_PARTS)
		return false;
	c->parts[(c->first + c->count++) % CHANNEL_CLIP_PARTS] = part_ref(part);
	c->held_90k += part->duration_90k;
	c->has_come = true;
	return true;
}

struct part *channel_clips_first(const struct channel_clips *c)
{
	return c->count > 0 ? c->parts[c->first] : NULL;
}

void channel_clips_drop_first(struct channel_clips *c)
{
	struct part *part = c->parts[c->first];

	assert(c->count > 0);
	c->held_90k -= part->duration_90k;
	c->parts[c->first] = NULL;
	c->first = (c->first + 1) % CHANNEL_CLIP_PARTS;
	c->count--;
	part_unref(part);
}

bool channel_clips_is_over(const struct channel_clips *c)
{
	return c->id[0] && c->is_complete && c->count == 0;
}

void channel_clips_note_fault(struct channel_clips *c, const char *id, int64_t until_us)
{
	struct channel_clip_fault *fault = &c->faults[c->next_fault];

	for (size_t i = 0; i < CHANNEL_CLIP_FAULTS; i++) {
		if (strcmp(c->faults[i].id, id) == 0)
			fault = &c->faults[i];
	}
	if (fault == &c->faults[c->next_fault])
		c->next_fault = (c->next_fault + 1) % CHANNEL_CLIP_FAULTS;
	snprintf(fault->id, sizeof(fault->id), "%s", id);
	fault->until_us = until_us;
}

bool channel_clips_is_usable(const struct channel_clips *c, const char *id, int64_t now_us)
{
	for (size_t i = 0; i < CHANNEL_CLIP_FAULTS; i++) {
		if (now_us < c->faults[i].until_us && strcmp(c->faults[i].id, id) == 0)
			return false;
	}
	return true;
}

int64_t channel_clips_next_us(const struct channel_clips *c, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < CHANNEL_CLIP_FAULTS; i++) {
		if (now_us < c->faults[i].until_us && c->faults[i].until_us < next_us)
			next_us = c->faults[i].until_us;
	}
	return next_us;
}
