/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_delay.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

static struct channel_event *at(const struct channel_delay *d, size_t i)
{
	return &d->events[(d->first + i) % d->capacity];
}

void channel_delay_fini(struct channel_delay *d)
{
	channel_delay_drop(d, NULL);
	free(d->events);
	*d = (struct channel_delay){ 0 };
}

static bool make_room(struct channel_delay *d)
{
	size_t wanted = d->capacity == 0 ? FIRST_CAPACITY : 2 * d->capacity;
	struct channel_event *bigger;

	if (d->count < d->capacity)
		return true;
	bigger = d->count < CHANNEL_DELAY_MAX ? calloc(wanted, sizeof(*bigger)) : NULL;
	if (!bigger)
		return false;
	for (size_t i = 0; i < d->count; i++)
		bigger[i] = *at(d, i);
	free(d->events);
	d->events = bigger;
	d->capacity = wanted;
	d->first = 0;
	return true;
}

bool channel_delay_push(struct channel_delay *d, const struct channel_event *event)
{
	struct channel_event *place;

	if (!make_room(d))
		return false;
	place = at(d, d->count++);
	*place = *event;
	(void)part_ref(place->part);
	return true;
}

bool channel_delay_pop(struct channel_delay *d, int64_t now_us, struct channel_event *out)
{
	if (d->count == 0 || at(d, 0)->due_us > now_us)
		return false;
	*out = *at(d, 0);
	d->first = (d->first + 1) % d->capacity;
	d->count--;
	return true;
}

int64_t channel_delay_next_us(const struct channel_delay *d)
{
	return d->count > 0 ? at(d, 0)->due_us : INT64_MAX;
}

static bool goes(const struct channel_event *event, const char *stream)
{
	if (!stream)
		return true;
	return (event->kind == CHANNEL_EVENT_KEY || event->kind == CHANNEL_EVENT_PART) &&
	    strcmp(event->stream, stream) == 0;
}

void channel_delay_drop(struct channel_delay *d, const char *stream)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		struct channel_event *event = at(d, i);

		if (goes(event, stream))
			part_unref(event->part);
		else
			*at(d, kept++) = *event;
	}
	d->count = kept;
}
