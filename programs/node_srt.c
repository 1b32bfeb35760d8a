/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_srt.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "ingest/in_srt.h"
#include "relay/calls_srt.h"
#include "relay/poll_srt.h"
#include "relay/ts_lane.h"

struct node_srt {
	struct loop *loop;
	struct hub *hub;
	struct in_srt *in; /* NULL: it does not listen */
	struct calls_srt *calls;
	struct poll_srt *poll; /* these two while the loop runs */
	struct ts_lanes *lanes;
};

void node_srt_destroy(struct node_srt **srt)
{
	struct node_srt *s = *srt;

	*srt = NULL;
	if (!s)
		return;
	in_srt_destroy(&s->in);
	calls_srt_destroy(&s->calls);
	hub_destroy(&s->hub);
	loop_destroy(&s->loop);
	free(s);
	io_srt_stop();
}

static int listen_for_srt(struct node_srt *s, const struct options *options, uint16_t *port)
{
	const struct listen_address *listen = &options->srt_listen;
	const struct in_srt_config config = {
		.hub = s->hub,
		.host = listen->host,
		.port = listen->port,
		.latency_ms = (uint32_t)options->srt_latency_ms,
	};
	int err = listen->is_on ? in_srt_create(&s->in, &config, port) : 0;

	if (err != 0)
		log_error(NULL, "cannot listen for SRT on %s port %u: %s", listen->host, listen->port, err_text(err));
	return err;
}

int node_srt_create(
    struct node_srt **out, struct relay_setup *setup, const struct options *options, struct plan *plan, uint16_t *port)
{
	struct node_srt *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s || io_srt_start() != 0) {
		free(s);
		return -ENOMEM;
	}
	err = loop_create(&s->loop, "srt");
	if (err == 0)
		err = hub_create(&s->hub, setup, s->loop, setup->courier.n_homes, plan);
	if (err == 0)
		err = calls_srt_create(&s->calls, s->hub);
	if (err == 0)
		err = listen_for_srt(s, options, port);
	if (err != 0) {
		node_srt_destroy(&s);
		return err;
	}
	*out = s;
	return 0;
}

static void after_look(void *arg)
{
	ts_lanes_flush(arg);
}

static void begins(void *arg)
{
	struct node_srt *s = arg;
	int err = poll_srt_create(&s->poll, s->loop);

	hub_start(s->hub);
	if (err == 0)
		err = ts_lanes_create(&s->lanes, hub_local(s->hub));
	if (err == 0) {
		poll_srt_set_after(s->poll, after_look, s->lanes);
		calls_srt_start(s->calls, s->poll, s->lanes);
		err = s->in ? in_srt_start(s->in, s->poll, s->lanes) : 0;
	}
	if (err != 0)
		log_error(NULL, "%s does not accept connections: %s", loop_name(s->loop), err_text(err));
}

static void ends(void *arg)
{
	struct node_srt *s = arg;

	if (s->in)
		in_srt_end(s->in);
	calls_srt_end(s->calls);
	ts_lanes_destroy(&s->lanes);
	poll_srt_destroy(&s->poll);
	hub_end(s->hub);
}

int node_srt_start(struct node_srt *s)
{
	return loop_start(s->loop, begins, ends, s);
}

void node_srt_stop(struct node_srt *s)
{
	loop_stop(s->loop);
}

void node_srt_join(struct node_srt *s)
{
	loop_join(s->loop);
}
