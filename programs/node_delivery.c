/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_delivery.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/loop.h"
#include "packager/cutter.h"
#include "programs/node_events.h"

struct node_delivery {
	struct loop *loop;
	struct segment_store *store;
	struct shelf *shelf;
	struct node_events *events;
	struct plan *plan;
	struct stats *stats;
};

void node_delivery_destroy(struct node_delivery **delivery)
{
	struct node_delivery *d = *delivery;

	*delivery = NULL;
	if (!d)
		return;
	node_events_destroy(&d->events);
	shelf_destroy(&d->shelf);
	segment_store_destroy(&d->store);
	loop_destroy(&d->loop);
	plan_unref(d->plan);
	free(d);
}

int node_delivery_create(
    struct node_delivery **out, const struct options *options, struct plan *plan, struct stats *stats)
{
	const struct cutter_config cutter = { .segment_ms = (uint32_t)options->segment_ms };
	const struct segment_store_config store = { .target_duration_s = cutter_target_duration_s(&cutter) };
	struct node_delivery *d = calloc(1, sizeof(*d));
	int err;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->stats = stats;
	d->plan = plan_ref(plan);
	d->store = segment_store_create(&store);
	err = d->store ? loop_create(&d->loop, "delivery") : -ENOMEM;
	if (err == 0)
		err = shelf_create(&d->shelf, d->loop, clock_real(), d->store);
	if (err == 0)
		err = node_events_create(&d->events, d->loop);
	if (err != 0) {
		node_delivery_destroy(&d);
		return err;
	}
	*out = d;
	return 0;
}

int node_delivery_start(struct node_delivery *d)
{
	return loop_start(d->loop, NULL, NULL, d);
}

void node_delivery_stop(struct node_delivery *d)
{
	loop_stop(d->loop);
	loop_join(d->loop);
}

void node_delivery_take_plan(struct node_delivery *d, struct plan *plan)
{
	(void)d;
	(void)plan;
}

uint16_t node_delivery_port(const struct node_delivery *d)
{
	(void)d;
	return 0;
}

struct shelf *node_delivery_shelf(struct node_delivery *d)
{
	return d->shelf;
}

const struct events *node_delivery_events(struct node_delivery *d)
{
	return node_events_sink(d->events);
}
