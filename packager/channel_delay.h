/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to the streams of a channel, held back for its delay_ms so that a host has a hand on the switch.
 *
 * Owner: the caller; the time is passed in. Lifetime: zeroed is empty; channel_delay_fini. Bounded: what finds no room
 * is dropped, and a channel takes a part that is missing for a hole. Not here: what a channel makes of it.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_DELAY_H
#define ISARIBI_PACKAGER_CHANNEL_DELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/id.h"
#include "packager/part.h"

enum { CHANNEL_DELAY_MAX = 16384 }; /* events; 120 s of 40 streams */

enum channel_event_kind {
	CHANNEL_EVENT_BEGIN,
	CHANNEL_EVENT_KEY,
	CHANNEL_EVENT_PART,
	CHANNEL_EVENT_END,
};

struct channel_event {
	enum channel_event_kind kind;
	char stream[ID_SIZE];
	int64_t pts_90k;   /* KEY */
	struct part *part; /* PART */
	int64_t due_us;	   /* rises */
};

struct channel_delay {
	struct channel_event *events; /* a ring */
	size_t capacity;
	size_t first;
	size_t count;
};

void channel_delay_fini(struct channel_delay *d);
/* Takes a reference of its own to the part. False: it is dropped. */
bool channel_delay_push(struct channel_delay *d, const struct channel_event *event);
/* The oldest that is due, with its reference to the part; false: none is. */
bool channel_delay_pop(struct channel_delay *d, int64_t now_us, struct channel_event *out);
/* INT64_MAX: nothing is held. */
int64_t channel_delay_next_us(const struct channel_delay *d);
/* All that is held of a stream is gone but its beginnings and ends; NULL: all that is held of any, with those. */
void channel_delay_drop(struct channel_delay *d, const char *stream);

#endif
