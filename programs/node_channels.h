/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of a node: the set of them on the packaging loop, and the thread that reads their clips.
 *
 * Owner: the main thread makes every call but node_channels_begin, which is the packaging loop's first act, and
 * node_channels_note_recording, which any thread may make until node_channels_stop. Lifetime: as programs/node.h, which
 * it is a part of; destroyed behind the packager that feeds it, before the packaging loop.
 */
#ifndef ISARIBI_PROGRAMS_NODE_CHANNELS_H
#define ISARIBI_PROGRAMS_NODE_CHANNELS_H

#include "config/option.h"
#include "config/plan.h"
#include "packager/part_sink.h"
#include "packager/rec_info.h"
#include "packager/sequence.h"
#include "packager/shelf.h"
#include "relay/events.h"

struct loop;
struct node_channels;

struct node_channels_config {
	const struct options *options; /* borrowed for life, as is all of this */
	struct loop *packaging;
	struct sequence *sequence;
	struct shelf *shelf;
	const struct events *events;
};

/* 0 or a negative errno. */
int node_channels_create(struct node_channels **out, const struct node_channels_config *config, struct plan *plan);
void node_channels_destroy(struct node_channels **channels);
int node_channels_start(struct node_channels *channels);
void node_channels_begin(struct node_channels *channels);
/* After the packaging loop was joined and the last recording has ended. */
void node_channels_stop(struct node_channels *channels);
void node_channels_take_plan(struct node_channels *channels, struct plan *plan);
struct part_sink node_channels_sink(struct node_channels *channels);
void node_channels_note_recording(struct node_channels *channels, const struct rec_note *note);

#endif
