/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording thread of a node: a loop, the recorder on it, and whatever else has to wait for the disk.
 *
 * Owner: the main thread makes every call. Lifetime: as programs/node.h, which it is a part of; created before the
 * packager that feeds it and destroyed after it.
 */
#ifndef ISARIBI_PROGRAMS_NODE_RECORD_H
#define ISARIBI_PROGRAMS_NODE_RECORD_H

#include "config/option.h"
#include "config/plan.h"
#include "packager/part_sink.h"
#include "packager/rec_info.h"
#include "relay/events.h"
#include "relay/stats.h"

struct node_record;

struct node_record_config {
	const struct options *options; /* borrowed for life, as are the next two */
	const struct events *events;
	struct stats *stats;
	/* Called on the recording thread. Posts and returns. */
	void (*note)(void *arg, const struct rec_note *note);
	void *note_arg;
};

/* 0 or a negative errno. */
int node_record_create(struct node_record **out, const struct node_record_config *config, struct plan *plan);
void node_record_destroy(struct node_record **record);
/* keep: called on the thread every few seconds with its argument, may wait for the disk; until node_record_stop. */
int node_record_start(struct node_record *record, void (*keep)(void *arg), void *arg);
/* After the packager was stopped: every recording is written, synced and closed when this returns. */
void node_record_stop(struct node_record *record);
void node_record_take_plan(struct node_record *record, struct plan *plan);
struct part_sink node_record_sink(struct node_record *record);

#endif
