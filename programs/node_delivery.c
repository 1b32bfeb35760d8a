/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_delivery.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "packager/cutter.h"
#include "packager/deliver.h"
#include "programs/node_events.h"
#include "relay/gate.h"

enum { PLANS_WAITING_MAX = 8 };

struct node_delivery {
	struct loop *loop;
	struct deliver *deliver;
	struct mailbox *plans; /* struct plan *, the newest replaces the one before */
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
	deliver_close(&d->deliver);
	mailbox_destroy(&d->plans);
	node_events_destroy(&d->events);
	shelf_destroy(&d->shelf);
	segment_store_destroy(&d->store);
	loop_destroy(&d->loop); /* the server's memory goes with its loop's last turns */
	plan_unref(d->plan);
	free(d);
}

static void take_plan(void *arg, void *item)
{
	struct node_delivery *d = arg;
	struct plan **plan = item;

	plan_unref(d->plan);
	d->plan = *plan;
}

static void drop_plan(void *item)
{
	struct plan **plan = item;

	plan_unref(*plan);
}

static bool may_play(void *arg, const char *stream, const char *token, size_t token_len)
{
	const struct node_delivery *d = arg;
	const struct gate_viewer viewer = { .stream = stream, .token = token, .token_len = token_len };

	return gate_play(d->plan, &viewer, clock_wall_ms(clock_real())) == CLOSE_NONE;
}

static void write_metrics(void *arg, struct bytes_writer *w)
{
	const struct node_delivery *d = arg;

	stats_write(d->stats, w);
	node_events_write(d->events, w);
	stats_printf(w,
	    "# HELP isaribi_hls_parts_dropped_total parts lost because delivery could not keep up\n"
	    "# TYPE isaribi_hls_parts_dropped_total counter\nisaribi_hls_parts_dropped_total %lu\n",
	    shelf_dropped(d->shelf));
}

static int create_parts(struct node_delivery *d)
{
	const struct mailbox_config plans = {
		.item_bytes = sizeof(struct plan *),
		.capacity = PLANS_WAITING_MAX,
		.handle = take_plan,
		.drop = drop_plan,
		.arg = d,
	};
	int err = d->store ? loop_create(&d->loop, "delivery") : -ENOMEM;

	if (err == 0)
		err = mailbox_create(&d->plans, d->loop, &plans);
	if (err == 0)
		err = shelf_create(&d->shelf, d->loop, clock_real(), d->store);
	if (err == 0)
		err = node_events_create(&d->events, d->loop);
	return err;
}

static int open_http(struct node_delivery *d, const struct options *options)
{
	const struct listen_address *listen = &options->http_listen;
	const struct deliver_config config = {
		.host = listen->host,
		.port = listen->port,
		.max_connections = (unsigned)options->max_connections,
		.may_play = may_play,
		.write_metrics = write_metrics,
		.arg = d,
	};
	int err;

	if (!listen->is_on)
		return 0;
	err = deliver_open(&d->deliver, d->loop, d->store, &config);
	if (err != 0)
		log_error(NULL, "cannot listen for HTTP on %s port %u: %s", listen->host, listen->port, err_text(err));
	return err;
}

int node_delivery_create(
    struct node_delivery **out, const struct options *options, struct plan *plan, struct stats *stats)
{
	const struct cutter_config cutter = {
		.part_ms = (uint32_t)options->part_ms,
		.segment_ms = (uint32_t)options->segment_ms,
	};
	const struct segment_store_config store = {
		.target_duration_s = cutter_target_duration_s(&cutter),
		.part_ms = cutter_part_target_ms(&cutter),
	};
	struct node_delivery *d = calloc(1, sizeof(*d));
	int err;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->stats = stats;
	d->plan = plan_ref(plan);
	d->store = segment_store_create(&store);
	err = create_parts(d);
	if (err == 0)
		err = open_http(d, options);
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
	plan_ref(plan);
	if (mailbox_post(d->plans, &plan, MAIL_DROPPABLE))
		return;
	plan_unref(plan);
	log_error(NULL, "delivery is too busy to take the new plan; send SIGHUP again");
}

uint16_t node_delivery_port(const struct node_delivery *d)
{
	return d->deliver ? deliver_port(d->deliver) : 0;
}

struct shelf *node_delivery_shelf(struct node_delivery *d)
{
	return d->shelf;
}

const struct events *node_delivery_events(struct node_delivery *d)
{
	return node_events_sink(d->events);
}
