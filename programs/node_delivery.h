/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The delivery thread of a node: segment store, shelf, HTTP routes, metrics, and the plan they ask.
 *
 * Owner: the main thread makes every call. Lifetime: as programs/node.h, which it is a part of.
 */
#ifndef ISARIBI_PROGRAMS_NODE_DELIVERY_H
#define ISARIBI_PROGRAMS_NODE_DELIVERY_H

#include <stdint.h>

#include "config/option.h"
#include "config/plan.h"
#include "packager/rec_info.h"
#include "packager/shelf.h"
#include "relay/events.h"
#include "relay/stats.h"

struct node_delivery;

/* Binds the port. 0 or a negative errno, said on the log. stats is borrowed. */
int node_delivery_create(
    struct node_delivery **out, const struct options *options, struct plan *plan, struct stats *stats);
void node_delivery_destroy(struct node_delivery **d);
int node_delivery_start(struct node_delivery *d);
void node_delivery_stop(struct node_delivery *d);
void node_delivery_take_plan(struct node_delivery *d, struct plan *plan);
uint16_t node_delivery_port(const struct node_delivery *d);
/* Borrowed. */
struct shelf *node_delivery_shelf(struct node_delivery *d);
/* What the recorder says, on its thread. */
void node_delivery_note_recording(struct node_delivery *d, const struct rec_note *note);
const struct events *node_delivery_events(struct node_delivery *d);

#endif
