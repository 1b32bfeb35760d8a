/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets on the wire, ordered by when they arrive; equal times keep the order of their numbers.
 *
 * Owner: one thread. Lifetime: heap_init/heap_fini; the packets are the caller's, the heap only holds pointers and must
 * be empty at the end. Not here: a bound, which the packets' budget sets.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_HEAP_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_HEAP_H

#include "tests/tools/link_emulator/packet.h"

struct heap {
	struct packet **items;
	size_t n;
	size_t n_places;
};

void heap_fini(struct heap *heap);
void heap_init(struct heap *heap);
/* 0, or -ENOMEM and the packet stays the caller's. */
int heap_push(struct heap *heap, struct packet *packet);
/* The next packet, borrowed; NULL when empty. */
const struct packet *heap_first(const struct heap *heap);
/* Takes the next packet out; NULL when empty. */
struct packet *heap_pop(struct heap *heap);

#endif
