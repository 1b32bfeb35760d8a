/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each channel shows, for /metrics.
 *
 * Owner: the delivery loop, as programs/node_events, which it is a part of. Lifetime: a value; zeroed is empty. Not
 * here: the log.
 */
#ifndef ISARIBI_PROGRAMS_NODE_ON_AIR_H
#define ISARIBI_PROGRAMS_NODE_ON_AIR_H

#include "base/bytes.h"
#include "config/id.h"
#include "relay/events.h"

enum { NODE_ON_AIR_WORD_SIZE = 32 };

/* An event_channel with its own texts. */
struct node_on_air_figures {
	enum event_channel_news news;
	char on[NODE_ON_AIR_WORD_SIZE];
	char id[ID_SIZE];
	char why[NODE_ON_AIR_WORD_SIZE];
	int64_t since_wall_ms;
	int64_t ahead_ms;
	uint64_t switches;
	uint64_t slate_ms;
};

struct node_channel;

struct node_on_air {
	struct node_channel *first;
};

struct node_on_air_figures node_on_air_copy(const struct event_channel *channel);
void node_on_air_fini(struct node_on_air *o);
/* name: "@ID". */
void node_on_air_take(struct node_on_air *o, const char *name, const struct node_on_air_figures *figures);
/* Prometheus text. */
void node_on_air_write(const struct node_on_air *o, struct bytes_writer *out);

#endif
