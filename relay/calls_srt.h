/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pushes and pulls of the plan that go over SRT: one call each, for as long as the plan names it.
 *
 * A new plan ends what it does not name any more or names otherwise, begins what is new, and leaves the rest alone.
 * Owner: the loop of the SRT thread, but for calls_srt_create and calls_srt_destroy (before it runs and after it was
 * joined). Lifetime: the loop's. Not here: what one call does (relay/call_srt).
 */
#ifndef ISARIBI_RELAY_CALLS_SRT_H
#define ISARIBI_RELAY_CALLS_SRT_H

#include "relay/hub.h"

struct calls_srt;
struct poll_srt;
struct ts_lanes;

/* 0 or -ENOMEM. */
int calls_srt_create(struct calls_srt **out, struct hub *hub);
void calls_srt_destroy(struct calls_srt **calls);
/* First and last on the loop's thread. poll and lanes are borrowed and outlive calls_srt_end. */
void calls_srt_start(struct calls_srt *s, struct poll_srt *poll, struct ts_lanes *lanes);
void calls_srt_end(struct calls_srt *s);

#endif
