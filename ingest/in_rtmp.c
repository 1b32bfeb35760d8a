/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/in_rtmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tcp.h"
#include "ingest/rtmp_conn.h"

struct in_rtmp {
	struct relay_local *local;
	struct tls_context *tls;
	struct tcp_listener *listener;
	int listen_fd;	/* -1 once the listener has it */
	unsigned guest; /* of the hub */
	struct rtmp_conn *conns;
	uint32_t n_conns;
};

void in_rtmp_destroy(struct in_rtmp **in)
{
	struct in_rtmp *i = *in;

	*in = NULL;
	if (!i)
		return;
	if (i->listen_fd >= 0)
		close(i->listen_fd);
	free(i);
}

static void leave_place(struct in_rtmp *i)
{
	struct placement *placement = i->local->setup->courier.placement;

	if (placement)
		placement_connection_gone(placement, i->local->index);
}

static void on_gone(void *arg, struct rtmp_conn *conn)
{
	struct in_rtmp *i = arg;

	rtmp_conn_unlink(&i->conns, conn);
	i->n_conns--;
	leave_place(i);
	stats_add(i->local->setup->stats, STAT_RTMP_CONNECTIONS, -1);
}

/* A connection that is placed here, whoever accepted it. */
static void take(void *arg, int fd, const char *peer)
{
	struct in_rtmp *i = arg;
	struct stats *stats = i->local->setup->stats;
	const struct rtmp_conn_config config = {
		.local = i->local, .fd = fd, .tls = i->tls, .peer = peer, .on_gone = on_gone, .arg = i
	};
	struct rtmp_conn *conn;

	if (i->n_conns >= i->local->setup->limits.max_sessions) {
		stats_closed(stats, CLOSE_TOO_MANY);
		leave_place(i);
		close(fd);
		return;
	}
	if (rtmp_conn_create(&conn, &config) != 0) {
		stats_closed(stats, CLOSE_NO_MEMORY);
		leave_place(i);
		return;
	}
	rtmp_conn_link(&i->conns, conn);
	i->n_conns++;
	stats_add(stats, STAT_RTMP_CONNECTIONS, 1);
}

/* Every loop accepts, and sends the connection to the loop that has place for it, before a byte has been read. */
static void on_accept(void *arg, int fd, const char *peer)
{
	struct in_rtmp *i = arg;
	const struct courier *courier = &i->local->setup->courier;
	struct mail mail = { .kind = MAIL_CONNECTION, .fd = fd, .guest = i->guest };
	unsigned loop;

	if (fd < 0) {
		stats_closed(i->local->setup->stats, CLOSE_TOO_MANY);
		return;
	}
	stats_add(i->local->setup->stats, STAT_RTMP_ACCEPTED, 1);
	loop = courier->placement ? placement_of_connection(courier->placement) : i->local->index;
	if (loop == i->local->index) {
		take(i, fd, peer);
		return;
	}
	snprintf(mail.peer, sizeof(mail.peer), "%s", peer);
	if (!courier_post(courier, loop, &mail)) {
		placement_connection_gone(courier->placement, loop);
		stats_closed(i->local->setup->stats, CLOSE_TOO_MANY);
	}
}

static void for_all(struct in_rtmp *i, void (*fn)(struct rtmp_conn *))
{
	struct rtmp_conn *next;

	for (struct rtmp_conn *c = i->conns; c; c = next) {
		next = rtmp_conn_next(c);
		fn(c);
	}
}

static void on_tick(void *arg)
{
	for_all(arg, rtmp_conn_tick);
}

static void on_plan(void *arg)
{
	for_all(arg, rtmp_conn_plan);
}

static void on_stop(void *arg)
{
	struct in_rtmp *i = arg;

	tcp_listener_destroy(&i->listener);
	for_all(i, rtmp_conn_stop);
}

int in_rtmp_create(struct in_rtmp **out, struct hub *hub, int listen_fd, struct tls_context *tls)
{
	struct in_rtmp *i = calloc(1, sizeof(*i));
	const struct hub_guest guest = {
		.on_tick = on_tick, .on_plan = on_plan, .on_stop = on_stop, .on_connection = take, .arg = i
	};

	*out = i;
	if (!i) {
		close(listen_fd);
		return -ENOMEM;
	}
	i->local = hub_local(hub);
	i->listen_fd = listen_fd;
	i->tls = tls;
	i->guest = hub_add_guest(hub, &guest);
	return 0;
}

int in_rtmp_start(struct in_rtmp *i)
{
	int fd = i->listen_fd;

	i->listen_fd = -1;
	return tcp_listener_create(&i->listener, i->local->loop, fd, on_accept, i);
}

static void abort_conn(struct rtmp_conn *c)
{
	rtmp_conn_abort(c, CLOSE_SHUTDOWN);
}

void in_rtmp_end(struct in_rtmp *i)
{
	tcp_listener_destroy(&i->listener);
	for_all(i, abort_conn);
}
