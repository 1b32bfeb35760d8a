/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which loop takes what is new, a connection or a stream: as few loops as are enough.
 *
 * A thread that finds several messages when it wakes up costs less per message than two that find one each, and what
 * meets on one loop needs no mail. So the first loop is filled, then the next. What has been placed stays where it is.
 * Owner: any thread; all values are atomic and advice only, but for a stream's home, which is given once. Lifetime: as
 * long as the loops. Not here: who carries a connection to its loop (relay/courier, ingest/in_rtmp).
 */
#ifndef ISARIBI_RELAY_PLACEMENT_H
#define ISARIBI_RELAY_PLACEMENT_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	PLACEMENT_LOOPS_MAX = 64,
	PLACEMENT_HOMES = 1024,	       /* streams with the same hash share a home */
	PLACEMENT_FULL_PERMILLE = 400, /* below what makes a mirror stretch its beat */
	/* How busy a loop is shows after a second; these bound what a rush can put on one until then. */
	PLACEMENT_ENOUGH_CONNECTIONS = 1024,
	PLACEMENT_ENOUGH_HOMES = 256,
};

struct placement_loop {
	atomic_uint busy_permille;
	atomic_uint n_connections;
	atomic_uint n_homes;
};

struct placement {
	unsigned n_loops;
	unsigned enough_connections;
	struct placement_loop loops[PLACEMENT_LOOPS_MAX];
	atomic_uint homes[PLACEMENT_HOMES]; /* loop + 1, 0: not given yet */
};

/* max_connections: what one loop takes. */
void placement_init(struct placement *p, unsigned n_loops, unsigned max_connections);
void placement_note_busy(struct placement *p, unsigned loop, unsigned busy_permille);
/* The loop for a connection that has just been accepted; it counts there until placement_connection_gone. */
unsigned placement_of_connection(struct placement *p);
void placement_connection_gone(struct placement *p, unsigned loop);
/* The home of the streams with this hash: the same answer everywhere and for the whole run. */
unsigned placement_of_stream(struct placement *p, uint32_t hash);

#endif
