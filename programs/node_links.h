/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about each SRT link of a stream, for /metrics: that of its publisher, of its pull, of its pushes.
 *
 * Owner: the delivery loop, as programs/node_events, which it is a part of. Lifetime: a value; zeroed is empty. A link
 * is known by its stream and its name; the publisher's name is "". Not here: the log.
 */
#ifndef ISARIBI_PROGRAMS_NODE_LINKS_H
#define ISARIBI_PROGRAMS_NODE_LINKS_H

#include "base/bytes.h"
#include "relay/events.h"

enum {
	NODE_LINK_NAME_SIZE = 288,
	NODE_LINK_REASON_SIZE = 96,
};

struct node_link;

struct node_links {
	struct node_link *first;
};

void node_links_fini(struct node_links *links);
void node_links_figures(
    struct node_links *links, const char *stream, const char *name, const struct event_link *figures);
void node_links_call(struct node_links *links, const char *stream, const char *name, const struct event_call *call);
void node_links_advice(struct node_links *links, const char *stream, const char *name, const char *code, bool is_on);
void node_links_forget(struct node_links *links, const char *stream, const char *name);
/* Prometheus text. */
void node_links_write(const struct node_links *links, struct bytes_writer *out);

#endif
