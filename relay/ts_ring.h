/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last seconds of a TS lane: messages of transport stream packets, numbered from 1.
 *
 * [tail, head) is what is there. Kept is everything from keep_seq on (where a newcomer starts) and the last 5 s for
 * readers that lag, but never more than 16 MB, 10 s or TS_RING_MAX_MESSAGES. Owner: the loop of the lane. Lifetime: it
 * holds a reference to each message. Pure: times are arguments.
 */
#ifndef ISARIBI_RELAY_TS_RING_H
#define ISARIBI_RELAY_TS_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"

enum {
	TS_RING_MAX_BYTES = 16 * 1024 * 1024,
	TS_RING_MAX_US = 10 * 1000000,
	TS_RING_LAG_US = 5 * 1000000,
	TS_RING_MAX_MESSAGES = 32768, /* small messages cost more than their bytes */
};

struct ts_message {
	struct shared *bytes;
	uint64_t bytes_before; /* pushed before this one since the ring began */
	uint64_t first_packet; /* the number, in its source, of the first packet that begins in it */
	int64_t arrival_us;
};

struct ts_ring {
	struct ts_message *messages;
	size_t mask; /* messages - 1; a power of two */
	uint64_t tail;
	uint64_t head;
	uint64_t bytes_pushed;
	uint64_t keep_seq; /* set by whoever knows where newcomers start */
};

void ts_ring_fini(struct ts_ring *r);
void ts_ring_init(struct ts_ring *r);
/* Copies the bytes. 0 or -ENOMEM (then nothing was pushed). */
int ts_ring_push(struct ts_ring *r, const uint8_t *data, size_t len, uint64_t first_packet, int64_t arrival_us);
/* tail <= seq < head; valid until the next push. */
const struct ts_message *ts_ring_message(const struct ts_ring *r, uint64_t seq);
/* Bytes from seq to the head. */
uint64_t ts_ring_bytes_from(const struct ts_ring *r, uint64_t seq);
/* The message with this packet of its source in it, at or after from; 0: it is not there (any more). */
uint64_t ts_ring_find(const struct ts_ring *r, uint64_t from, uint64_t packet);

#endif
