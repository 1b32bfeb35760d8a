/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of a plan, on the packaging thread: hands them what their streams and clips bring, wakes them, numbers
 * their parts across restarts, and puts these on the shelf as `@CHANNEL`.
 *
 * Owner: channels_create and channels_destroy belong to the composition root; channels_start is the packaging loop's
 * first act, the sink is called on it, and channels_take_plan by any thread: it posts. Lifetime: created after the
 * sequence, the shelf and the clip reader, and destroyed before them; longer than the packager. Channels that the plan
 * does not name any more end; those of a node that is stopped do not: they go on when it is back.
 * Not here: what a channel does (packager/channel), the files of clips (packager/clip_reader).
 */
#ifndef ISARIBI_PACKAGER_CHANNELS_H
#define ISARIBI_PACKAGER_CHANNELS_H

#include <stdint.h>

#include "base/clock.h"
#include "config/plan.h"
#include "packager/part_sink.h"
#include "packager/sequence.h"
#include "packager/shelf.h"
#include "relay/events.h"

struct channels;
struct clip_reader;
struct loop;

struct channels_config {
	struct loop *loop; /* not running yet */
	const struct clock *clock;
	struct sequence *sequence; /* borrowed, as are the next three */
	struct shelf *shelf;
	struct clip_reader *clips;
	const struct events *events;
	struct plan *plan; /* takes a reference of its own */
	uint32_t part_ms;  /* as the cutters' */
	uint32_t segment_ms;
};

/* 0 or -ENOMEM. */
int channels_create(struct channels **out, const struct channels_config *config);
void channels_destroy(struct channels **channels);
void channels_start(struct channels *channels);
struct part_sink channels_sink(struct channels *channels);
void channels_take_plan(struct channels *channels, struct plan *plan);
/* What the timer calls, for a test with a clock of its own. */
void channels_tick(struct channels *channels);

#endif
