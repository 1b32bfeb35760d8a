/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to the packets of one direction, and that as JSON.
 *
 * At every moment in + duplicated = forwarded + every lost and dropped + send_failed + orphaned + waiting. A test may
 * rely on it.
 *
 * Owner: one thread. Lifetime: a value.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_STATS_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_STATS_H

#include <stdint.h>
#include <stdio.h>

enum { STATS_BUCKETS = 16 }; /* delays below 1, 2, 4 … 2^14 ms, and all above */

struct stats {
	uint64_t in;
	uint64_t in_bytes;
	uint64_t forwarded;
	uint64_t forwarded_bytes;
	uint64_t lost_random;
	uint64_t lost_burst;
	uint64_t lost_outage;
	uint64_t dropped_queue;
	uint64_t dropped_mtu;
	uint64_t dropped_memory;
	uint64_t send_failed;
	uint64_t orphaned; /* due when their peer or connection was gone */
	uint64_t waiting;  /* now in the queue or on the wire */
	uint64_t duplicated;
	uint64_t corrupted;
	uint64_t reordered;
	uint64_t stalled; /* streams: segments that waited for a retransmission */
	int64_t delay_max_ns;
	int64_t delay_sum_ns;
	int64_t late_max_ns; /* behind the time it should have gone out: what the machine adds */
	int64_t late_sum_ns;
	uint64_t n_due;
	uint64_t delay_buckets[STATS_BUCKETS];
};

/* A packet that came in at in_ns and was due at due_ns goes out. */
void stats_see_due(struct stats *stats, int64_t in_ns, int64_t due_ns, int64_t now_ns);
/* One JSON object, without a line's end. */
void stats_print(const struct stats *stats, FILE *out);

#endif
