/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "config/plan_diff.h"
#include "config/plan_mailbox.h"
#include "packager/cutter.h"
#include "packager/deliver.h"
#include "packager/deliver_rec.h"
#include "packager/rec_library.h"
#include "packager/rec_reader.h"
#include "programs/node_events.h"
#include "relay/gate.h"

struct node_delivery {
	struct loop *loop;
	struct deliver *deliver;
	struct mailbox *plans; /* struct plan *, the newest replaces the one before */
	struct segment_store *store;
	struct shelf *shelf;
	struct rec_reader *reader;
	struct rec_library *library;
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
	rec_library_destroy(&d->library);
	rec_reader_destroy(&d->reader);
	mailbox_destroy(&d->plans);
	node_events_destroy(&d->events);
	shelf_destroy(&d->shelf);
	segment_store_destroy(&d->store);
	loop_destroy(&d->loop); /* the server's memory goes with its loop's last turns */
	plan_unref(d->plan);
	free(d);
}

static void withdraw(struct node_delivery *d, const char *id, int64_t before_ms)
{
	if (segment_store_withdraw(d->store, id, before_ms) != 0)
		log_error(NULL, "no memory to keep %s taken down: send SIGHUP again", id);
	else if (before_ms > 0)
		log_info(NULL, "%s is taken down as it was before %" PRId64, id, before_ms);
	else
		log_info(NULL, "%s is not taken down any more", id);
}

static void on_take_down(
    void *ctx, const struct plan_take_down *before, const struct plan_take_down *after, unsigned changes)
{
	(void)changes;
	withdraw(ctx, after ? after->id : before->id, after ? after->before_ms : 0);
}

/* before NULL: at the start. */
static void take_down(struct node_delivery *d, const struct plan *before, const struct plan *after)
{
	const struct plan_diff_visitor visitor = { .ctx = d, .take_down = on_take_down };

	(void)plan_diff(before, after, &visitor);
}

static void take_plan(void *arg, void *item)
{
	struct node_delivery *d = arg;
	struct plan **plan = item;

	take_down(d, d->plan, *plan);
	plan_unref(d->plan);
	d->plan = *plan;
}

static void begin(void *arg)
{
	struct node_delivery *d = arg;

	take_down(d, NULL, d->plan);
}

static bool may_play(void *arg, const char *stream, const char *token, size_t token_len)
{
	const struct node_delivery *d = arg;
	const struct gate_viewer viewer = {
		.stream = stream, .token = token, .token_len = token_len, .has_channels = true
	};

	return gate_play(d->plan, &viewer, clock_wall_ms(clock_real())) == CLOSE_NONE;
}

static bool find_clip(void *arg, const char *id, struct deliver_clip *out)
{
	const struct node_delivery *d = arg;
	const struct plan_clip *clip = plan_clip_find(d->plan, id);

	if (!clip)
		return false;
	memcpy(out->recording, clip->recording, sizeof(out->recording));
	out->in_ms = clip->in_ms;
	out->out_ms = clip->out_ms;
	return true;
}

static bool is_taken_down(void *arg, const char *id, int64_t wall_ms)
{
	const struct node_delivery *d = arg;

	return plan_is_taken_down(d->plan, id, wall_ms);
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
	stats_printf(w,
	    "# HELP isaribi_rec_reads questions that the disk with the recordings has not answered yet\n"
	    "# TYPE isaribi_rec_reads gauge\nisaribi_rec_reads %u\n",
	    rec_reader_jobs(d->reader));
}

static int create_parts(struct node_delivery *d, const char *data_dir)
{
	int err = d->store ? loop_create(&d->loop, "delivery") : -ENOMEM;

	if (err == 0)
		err = plan_mailbox_create(&d->plans, d->loop, take_plan, d);
	if (err == 0)
		err = shelf_create(&d->shelf, d->loop, clock_real(), d->store);
	if (err == 0)
		err = node_events_create(&d->events, d->loop);
	if (err == 0)
		err = rec_reader_create(&d->reader, d->loop, "reading", data_dir);
	if (err == 0)
		err = rec_library_create(&d->library, d->loop, d->reader);
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
		.recordings = d->library,
		.find_clip = find_clip,
		.is_taken_down = is_taken_down,
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
		.target_duration_s = cutter_target_duration_s(cutter.segment_ms),
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
	err = create_parts(d, options->data_dir);
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
	int err = rec_reader_start(d->reader);

	if (err != 0)
		return err;
	err = loop_start(d->loop, begin, NULL, d);
	if (err != 0)
		rec_reader_stop(d->reader);
	return err;
}

void node_delivery_stop(struct node_delivery *d)
{
	loop_stop(d->loop);
	loop_join(d->loop);
	rec_reader_stop(d->reader);
}

void node_delivery_take_plan(struct node_delivery *d, struct plan *plan)
{
	if (!plan_mailbox_post(d->plans, plan))
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

void node_delivery_note_recording(struct node_delivery *d, const struct rec_note *note)
{
	rec_reader_note(d->reader, note);
}
