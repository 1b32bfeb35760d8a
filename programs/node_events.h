/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a node's events go: a line in the log, and for /metrics the last that is known about each stream.
 *
 * Owner: node_events_sink's emit may be called on any thread and posts; everything else belongs to the delivery loop
 * (or to the composition root before it runs and after it was joined). Lifetime: longer than the relay's loops. Not
 * here: the control's WebSocket (the node's link, later).
 */
#ifndef ISARIBI_PROGRAMS_NODE_EVENTS_H
#define ISARIBI_PROGRAMS_NODE_EVENTS_H

#include "base/bytes.h"
#include "relay/events.h"

struct loop;
struct node_events;

/* 0 or -ENOMEM. */
int node_events_create(struct node_events **out, struct loop *delivery_loop);
void node_events_destroy(struct node_events **events);
/* Valid as long as the object. */
const struct events *node_events_sink(const struct node_events *events);
/* Prometheus text about the streams that have a publisher. */
void node_events_write(const struct node_events *events, struct bytes_writer *out);

#endif
