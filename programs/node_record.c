/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_record.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/loop.h"
#include "packager/rec_disk.h"
#include "packager/recorder.h"

enum { KEEP_EVERY_MS = 10000 };

struct node_record {
	struct loop *loop;
	struct recorder *recorder;
	struct loop_timer *keeper;
	void (*keep)(void *arg);
	void *keep_arg;
};

void node_record_destroy(struct node_record **record)
{
	struct node_record *r = *record;

	*record = NULL;
	if (!r)
		return;
	loop_timer_destroy(&r->keeper);
	recorder_destroy(&r->recorder);
	loop_destroy(&r->loop);
	free(r);
}

static void keep(void *arg)
{
	const struct node_record *r = arg;

	r->keep(r->keep_arg);
}

int node_record_create(struct node_record **out, const struct node_record_config *node, struct plan *plan)
{
	const struct options *options = node->options;
	struct recorder_config config = {
		.clock = clock_real(),
		.disk = rec_disk_real(),
		.data_dir = options->data_dir,
		.segment_ms = (uint32_t)options->segment_ms,
		.keep_days = options->keep_days,
		.min_free_bytes = (uint64_t)options->min_free_mb << 20,
		.plan = plan,
		.events = node->events,
		.stats = node->stats,
		.note = node->note,
		.note_arg = node->note_arg,
	};
	struct node_record *r = calloc(1, sizeof(*r));
	int err = r ? loop_create(&r->loop, "recording") : -ENOMEM;

	*out = NULL;
	if (err == 0) {
		config.loop = r->loop;
		err = recorder_create(&r->recorder, &config);
	}
	if (err == 0)
		err = loop_timer_create(&r->keeper, r->loop, keep, r);
	if (err != 0) {
		node_record_destroy(&r);
		return err;
	}
	*out = r;
	return 0;
}

static void begin(void *arg)
{
	const struct node_record *r = arg;

	recorder_start(r->recorder);
	loop_timer_start(r->keeper, KEEP_EVERY_MS, KEEP_EVERY_MS);
}

static void finish(void *arg)
{
	const struct node_record *r = arg;

	recorder_finish(r->recorder);
}

int node_record_start(struct node_record *r, void (*keep_fn)(void *arg), void *arg)
{
	r->keep = keep_fn;
	r->keep_arg = arg;
	return loop_start(r->loop, begin, finish, r);
}

void node_record_stop(struct node_record *r)
{
	loop_stop(r->loop);
	loop_join(r->loop);
}

void node_record_take_plan(struct node_record *r, struct plan *plan)
{
	recorder_take_plan(r->recorder, plan);
}

struct part_sink node_record_sink(struct node_record *r)
{
	return recorder_sink(r->recorder);
}
