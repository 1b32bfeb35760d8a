/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SRT thread of a node: one more loop of the relay, with libsrt's sockets on it. It is always there, for pushes and
 * pulls may come with any plan; it listens where [srt] listen says so.
 *
 * Owner: the main thread makes every call. Lifetime: create, start, stop (asks it to end), join, destroy; only once per
 * process at a time, as libsrt is. Not here: what happens on the loop (ingest/in_srt, relay/calls_srt).
 */
#ifndef ISARIBI_PROGRAMS_NODE_SRT_H
#define ISARIBI_PROGRAMS_NODE_SRT_H

#include <stdint.h>

#include "config/option.h"
#include "config/plan.h"
#include "relay/courier.h"

struct node_srt;
struct relay_setup;

/* The loop behind the homes in setup's courier. Binds the port; *port is left alone when it does not listen. 0 or a
 * negative errno, said on the log. */
int node_srt_create(
    struct node_srt **out, struct relay_setup *setup, const struct options *options, struct plan *plan, uint16_t *port);
/* Joined before. After nobody posts to its hub any more. */
void node_srt_destroy(struct node_srt **srt);
int node_srt_start(struct node_srt *srt);
void node_srt_stop(struct node_srt *srt);
void node_srt_join(struct node_srt *srt);

#endif
