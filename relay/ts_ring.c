/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ts_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { FIRST_MESSAGES = 256 };

static struct ts_message *at(const struct ts_ring *r, uint64_t seq)
{
	return &r->messages[seq & r->mask];
}

static void drop_oldest(struct ts_ring *r)
{
	shared_unref(at(r, r->tail)->bytes);
	r->tail++;
}

void ts_ring_fini(struct ts_ring *r)
{
	while (r->tail < r->head)
		drop_oldest(r);
	free(r->messages);
	r->messages = NULL;
}

void ts_ring_init(struct ts_ring *r)
{
	*r = (struct ts_ring){ .tail = 1, .head = 1 };
}

static int grow(struct ts_ring *r)
{
	const size_t n = r->messages ? (r->mask + 1) * 2 : FIRST_MESSAGES;
	struct ts_message *messages = calloc(n, sizeof(*messages));

	if (!messages)
		return -ENOMEM;
	for (uint64_t seq = r->tail; seq < r->head; seq++)
		messages[seq & (n - 1)] = *at(r, seq);
	free(r->messages);
	r->messages = messages;
	r->mask = n - 1;
	return 0;
}

static bool is_too_much(const struct ts_ring *r, int64_t now_us)
{
	const int64_t age_us = now_us - at(r, r->tail)->arrival_us;

	if (ts_ring_bytes_from(r, r->tail) > TS_RING_MAX_BYTES || age_us > TS_RING_MAX_US ||
	    r->head - r->tail > TS_RING_MAX_MESSAGES)
		return true;
	return age_us > TS_RING_LAG_US && r->tail < r->keep_seq;
}

int ts_ring_push(struct ts_ring *r, const uint8_t *data, size_t len, uint64_t first_packet, int64_t arrival_us)
{
	struct shared *bytes;

	if ((!r->messages || r->head - r->tail > r->mask) && grow(r) != 0)
		return -ENOMEM;
	bytes = shared_copy(data, len);
	if (!bytes)
		return -ENOMEM;
	*at(r, r->head) = (struct ts_message){
		.bytes = bytes,
		.bytes_before = r->bytes_pushed,
		.first_packet = first_packet,
		.arrival_us = arrival_us,
	};
	r->head++;
	r->bytes_pushed += len;
	/* The one that was just pushed stays in any case. */
	while (r->tail + 1 < r->head && is_too_much(r, arrival_us))
		drop_oldest(r);
	return 0;
}

const struct ts_message *ts_ring_message(const struct ts_ring *r, uint64_t seq)
{
	assert(r->tail <= seq && seq < r->head);
	return at(r, seq);
}

uint64_t ts_ring_bytes_from(const struct ts_ring *r, uint64_t seq)
{
	return seq < r->head ? r->bytes_pushed - at(r, seq)->bytes_before : 0;
}

uint64_t ts_ring_find(const struct ts_ring *r, uint64_t from, uint64_t packet)
{
	uint64_t low = from > r->tail ? from : r->tail;
	uint64_t high = r->head;

	if (low >= high || packet < at(r, low)->first_packet)
		return 0;
	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;

		if (at(r, middle)->first_packet <= packet)
			low = middle;
		else
			high = middle;
	}
	return low;
}
