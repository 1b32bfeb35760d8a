/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RTMP connection from its first byte to its end.
 *
 *   HANDSHAKE -> COMMANDS -> ASKING -> PUBLISHING        ASKING: the key is right, the stream's home has the question
 *                   |
 *                   +------> PLAYING
 *   from any: -> LINGERING (the last reply may be read) -> gone
 *
 * Owner: the loop of the connection. Lifetime: rtmp_conn_create until on_gone was called; it frees itself at the end of
 * that turn. Everything that ends it goes through one function with a reason out of relay/close_reasons.h.
 */
#ifndef ISARIBI_INGEST_RTMP_CONN_H
#define ISARIBI_INGEST_RTMP_CONN_H

#include "relay/local.h"

struct rtmp_conn;
struct tls_context;

enum {
	RTMP_CONN_HANDSHAKE_US = 5 * 1000000,
	RTMP_CONN_START_US = 10 * 1000000, /* publish or play after the handshake */
	RTMP_CONN_MEDIA_US = 10 * 1000000, /* a player waits for its stream to begin */
	RTMP_CONN_LINGER_US = 2 * 1000000, /* the last reply may be read */
};

/* The connection is no more; the list it stands in lets go of it. */
typedef void (*rtmp_conn_gone_fn)(void *arg, struct rtmp_conn *conn);

struct rtmp_conn_config {
	struct relay_local *local;
	int fd;			 /* taken, even when creating fails */
	struct tls_context *tls; /* NULL: plain RTMP */
	const char *peer;
	rtmp_conn_gone_fn on_gone;
	void *arg;
};

/* 0 or a negative errno. */
int rtmp_conn_create(struct rtmp_conn **out, const struct rtmp_conn_config *config);
/* Every HUB_TICK_MS: deadlines. May end the connection. */
void rtmp_conn_tick(struct rtmp_conn *c);
/* The plan has changed: is it still allowed? */
void rtmp_conn_plan(struct rtmp_conn *c);
/* The node stops. Publishers and players hear it from their stream; others end here. */
void rtmp_conn_stop(struct rtmp_conn *c);
/* Ends it without further ado. */
void rtmp_conn_abort(struct rtmp_conn *c, enum close_reason reason);

/* For the list of whoever created it. */
struct rtmp_conn *rtmp_conn_next(const struct rtmp_conn *c);
void rtmp_conn_link(struct rtmp_conn **list, struct rtmp_conn *c);
void rtmp_conn_unlink(struct rtmp_conn **list, struct rtmp_conn *c);

#endif
