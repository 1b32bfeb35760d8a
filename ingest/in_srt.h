/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRT connections: the listening socket with its door, and the list of who came in.
 *
 * Owner: the SRT loop's thread, but for in_srt_create and in_srt_destroy (before it runs and after it was joined).
 * Lifetime: the loop's. Not here: what a connection does (ingest/conn_srt), who may come in (ingest/door).
 */
#ifndef ISARIBI_INGEST_IN_SRT_H
#define ISARIBI_INGEST_IN_SRT_H

#include "relay/hub.h"

struct in_srt;
struct poll_srt;
struct ts_lanes;

struct in_srt_config {
	struct hub *hub;
	const char *host;
	uint16_t port;
	uint32_t latency_ms; /* asked of publishers */
};

/* Binds the port; callers wait until in_srt_start. 0 or a negative errno; *port is the bound one. */
int in_srt_create(struct in_srt **out, const struct in_srt_config *config, uint16_t *port);
void in_srt_destroy(struct in_srt **in);
/* First and last on the loop's thread. poll and lanes are borrowed and outlive in_srt_end. */
int in_srt_start(struct in_srt *in, struct poll_srt *poll, struct ts_lanes *lanes);
void in_srt_end(struct in_srt *in);

#endif
