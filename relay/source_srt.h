/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket of a publisher, whoever dialled: its messages on the way to the intake, and how it ended.
 *
 * Owner: the loop of the SRT thread. Lifetime: a value, for one connection. Not here: what an end means for the session
 * (ingest/conn_srt, relay/pull_srt).
 */
#ifndef ISARIBI_RELAY_SOURCE_SRT_H
#define ISARIBI_RELAY_SOURCE_SRT_H

#include "relay/ts_intake.h"

struct source_srt {
	struct relay_local *local;
	int sock;
	int64_t latency_us; /* so long its last messages wait when it has hung up */
	int64_t heard_us;   /* the last message, or when listening began */
	int64_t ended_us;   /* when the connection was over, 0: it is not */
	uint64_t messages;
	uint64_t bytes;
};

/* sock is connected. */
void source_srt_init(struct source_srt *s, struct relay_local *local, int sock);
/*
 * Takes what is there, but lets others have their turn; ends early once *is_enough is true. CLOSE_NONE: go on, also
 * with a publisher that has hung up, until its latency is over. Else why it ends.
 */
enum close_reason source_srt_read(struct source_srt *s, struct ts_intake *intake, const bool *is_enough);
/* What the end of the socket means: err is -ENOTCONN, or another negative errno of it. */
enum close_reason source_srt_reason(const struct source_srt *s, int err);

#endif
