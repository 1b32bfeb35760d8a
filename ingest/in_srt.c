/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/in_srt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ingest/conn_srt.h"
#include "ingest/door_keeper.h"

enum {
	ACCEPT_AT_ONCE = 64,
	REFUSALS_LOGGED_AT_ONCE = 10, /* a second has two ticks: nobody floods the log */
};

struct in_srt {
	struct poll_srt_watch listener; /* first: ready gets a pointer to it. sock -1: closed */
	struct relay_local *local;
	struct poll_srt *poll;
	struct ts_lanes *lanes;
	struct door_keeper *keeper;
	struct conn_srt *conns;
	uint32_t n_conns;
};

static void stop_listening(struct in_srt *i)
{
	if (i->listener.sock < 0)
		return;
	poll_srt_remove(&i->listener);
	io_srt_close(i->listener.sock);
	i->listener.sock = -1;
}

void in_srt_destroy(struct in_srt **in)
{
	struct in_srt *i = *in;

	*in = NULL;
	if (!i)
		return;
	stop_listening(i);
	door_keeper_destroy(&i->keeper);
	free(i);
}

static void count(struct in_srt *i, int n)
{
	i->n_conns += (uint32_t)n;
	stats_add(i->local->setup->stats, STAT_SRT_CONNECTIONS, n);
	door_keeper_set_inside(i->keeper, i->n_conns);
}

static void on_gone(void *arg, struct conn_srt *conn)
{
	struct in_srt *i = arg;

	conn_srt_unlink(&i->conns, conn);
	count(i, -1);
}

static void take_in(struct in_srt *i, int sock, const char *peer)
{
	const struct conn_srt_config config = {
		.local = i->local,
		.poll = i->poll,
		.lanes = i->lanes,
		.sock = sock,
		.peer = peer,
		.on_gone = on_gone,
		.arg = i,
	};
	struct conn_srt *conn;

	door_keeper_came_in(i->keeper, sock);
	stats_add(i->local->setup->stats, STAT_SRT_ACCEPTED, 1);
	if (conn_srt_create(&conn, &config) != 0) {
		stats_closed(i->local->setup->stats, CLOSE_NO_MEMORY);
		return;
	}
	conn_srt_link(&i->conns, conn);
	count(i, 1);
	conn_srt_begin(conn);
}

static void on_callers(struct poll_srt_watch *watch, unsigned events)
{
	struct in_srt *i = (struct in_srt *)(void *)watch;
	char peer[IO_SRT_PEER_TEXT_MAX];

	(void)events;
	for (int n = 0; n < ACCEPT_AT_ONCE; n++) {
		const int sock = io_srt_accept(watch->sock, peer);

		if (sock < 0)
			break;
		take_in(i, sock, peer);
	}
}

static void for_all(struct in_srt *i, void (*fn)(struct conn_srt *))
{
	struct conn_srt *next;

	for (struct conn_srt *c = i->conns; c; c = next) {
		next = conn_srt_next(c);
		fn(c);
	}
}

static void log_refusals(struct in_srt *i)
{
	struct door_refusal refusal;
	int n = 0;

	while (door_keeper_next_refusal(i->keeper, &refusal)) {
		struct log_ctx ctx = { .protocol = "srt" };

		if (++n > REFUSALS_LOGGED_AT_ONCE)
			continue;
		snprintf(ctx.peer, sizeof(ctx.peer), "%s", refusal.peer);
		log_warn(&ctx, "refused: %s (%s)%s%s", close_reason_name(refusal.reason),
		    close_reason_text(refusal.reason), refusal.streamid == STREAMID_OK ? "" : ": it ",
		    refusal.streamid == STREAMID_OK ? "" : streamid_verdict_text(refusal.streamid));
	}
	if (n > REFUSALS_LOGGED_AT_ONCE)
		log_warn(NULL, "srt: %d more callers were refused", n - REFUSALS_LOGGED_AT_ONCE);
}

static void on_tick(void *arg)
{
	struct in_srt *i = arg;

	log_refusals(i);
	for_all(i, conn_srt_tick);
}

static void on_plan(void *arg)
{
	struct in_srt *i = arg;

	door_keeper_plan(i->keeper);
	for_all(i, conn_srt_plan);
}

static void on_stop(void *arg)
{
	struct in_srt *i = arg;

	stop_listening(i);
	for_all(i, conn_srt_stop);
}

int in_srt_create(struct in_srt **out, const struct in_srt_config *config, uint16_t *port)
{
	struct in_srt *i = calloc(1, sizeof(*i));
	const struct hub_guest guest = { .on_tick = on_tick, .on_plan = on_plan, .on_stop = on_stop, .arg = i };
	struct io_srt_listen listen = {
		.host = config->host,
		.port = config->port,
		.latency_ms = IO_SRT_LATENCY_LAN_MS,
		.longest_latency_ms = (int)config->latency_ms,
		.ask = door_keeper_answer,
	};

	*out = NULL;
	if (!i)
		return -ENOMEM;
	*i = (struct in_srt){
		.listener = { .sock = -1, .events = IO_SRT_IN, .is_listener = true, .ready = on_callers },
		.local = hub_local(config->hub),
	};
	if (door_keeper_create(&i->keeper, i->local, config->latency_ms) != 0) {
		in_srt_destroy(&i);
		return -ENOMEM;
	}
	listen.arg = i->keeper;
	i->listener.sock = io_srt_listen(&listen, port);
	if (i->listener.sock < 0) {
		const int err = i->listener.sock;

		in_srt_destroy(&i);
		return err;
	}
	hub_add_guest(config->hub, &guest);
	*out = i;
	return 0;
}

int in_srt_start(struct in_srt *i, struct poll_srt *poll, struct ts_lanes *lanes)
{
	i->poll = poll;
	i->lanes = lanes;
	return poll_srt_add(poll, &i->listener);
}

static void abort_conn(struct conn_srt *c)
{
	conn_srt_abort(c, CLOSE_SHUTDOWN);
}

void in_srt_end(struct in_srt *i)
{
	stop_listening(i);
	for_all(i, abort_conn);
}
