/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The composition of a node: loops, relay, RTMP, packaging and delivery, plugged together, started and stopped in
 * order.
 *
 * Threads: relay/0 .. relay/N-1 (RTMP connections and the streams at home there), srt, packaging, clips, recording,
 * delivery (HTTP), reading.
 * Owner: the main thread makes every call. Lifetime: create, start, any number of plans, stop, destroy.
 * Not here: files and signals (programs/isaribi-node.c), logic.
 */
#ifndef ISARIBI_PROGRAMS_NODE_H
#define ISARIBI_PROGRAMS_NODE_H

#include <stdint.h>

#include "config/option.h"
#include "config/plan.h"

struct node;

struct node_ports {
	uint16_t rtmp;
	uint16_t rtmps; /* 0: off */
	uint16_t srt;	/* 0: off */
	uint16_t http;
};

/* Binds the ports; nothing runs yet. 0 or a negative errno, said on the log. */
int node_create(struct node **out, const struct options *options, struct plan *plan);
void node_destroy(struct node **node);
int node_start(struct node *node);
struct node_ports node_ports(const struct node *node);
/* Hands a new plan to everybody, while running. */
void node_take_plan(struct node *node, struct plan *plan);
/* Reads the files of [tls] again; who is connected stays. */
void node_reload_certificate(struct node *node);
/* Every few seconds: gives back to the system what many sessions have left behind. Does not wait for a disk. */
void node_tidy(struct node *node);
/* Players get an end of stream, what was received is packaged, then all threads end. */
void node_stop(struct node *node);

#endif
