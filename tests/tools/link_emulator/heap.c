/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_PLACES = 256 };

void heap_fini(struct heap *heap)
{
	assert(heap->n == 0);
	free(heap->items);
	*heap = (struct heap){ 0 };
}

void heap_init(struct heap *heap)
{
	*heap = (struct heap){ 0 };
}

static bool is_before(const struct packet *a, const struct packet *b)
{
	if (a->release_ns != b->release_ns)
		return a->release_ns < b->release_ns;
	return a->seq < b->seq;
}

static int make_room(struct heap *heap)
{
	size_t n_places = heap->n_places ? heap->n_places * 2 : FIRST_PLACES;
	struct packet **items = NULL;

	if (heap->n < heap->n_places)
		return 0;
	items = realloc(heap->items, n_places * sizeof(struct packet *));
	if (!items)
		return -ENOMEM;
	heap->items = items;
	heap->n_places = n_places;
	return 0;
}

int heap_push(struct heap *heap, struct packet *packet)
{
	size_t i = heap->n;

	if (make_room(heap) < 0)
		return -ENOMEM;
	heap->n++;
	while (i > 0 && is_before(packet, heap->items[(i - 1) / 2])) {
		heap->items[i] = heap->items[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap->items[i] = packet;
	return 0;
}

const struct packet *heap_first(const struct heap *heap)
{
	return heap->n > 0 ? heap->items[0] : NULL;
}

/* The hole at the top sinks to where the last item fits. */
static void sink(struct heap *heap, struct packet *last)
{
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < heap->n && is_before(heap->items[child + 1], heap->items[child]))
			child++;
		if (child >= heap->n || !is_before(heap->items[child], last))
			break;
		heap->items[i] = heap->items[child];
		i = child;
	}
	heap->items[i] = last;
}

struct packet *heap_pop(struct heap *heap)
{
	struct packet *first = NULL;

	if (heap->n == 0)
		return NULL;
	first = heap->items[0];
	heap->n--;
	if (heap->n > 0)
		sink(heap, heap->items[heap->n]);
	return first;
}
