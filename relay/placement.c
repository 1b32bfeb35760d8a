/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/placement.h"

#include <assert.h>
#include <stdbool.h>

void placement_init(struct placement *p, unsigned n_loops, unsigned max_connections)
{
	assert(n_loops > 0 && n_loops <= PLACEMENT_LOOPS_MAX);
	p->n_loops = n_loops;
	p->enough_connections =
	    max_connections < PLACEMENT_ENOUGH_CONNECTIONS ? max_connections : PLACEMENT_ENOUGH_CONNECTIONS;
	for (unsigned i = 0; i < PLACEMENT_LOOPS_MAX; i++) {
		atomic_init(&p->loops[i].busy_permille, 0);
		atomic_init(&p->loops[i].n_connections, 0);
		atomic_init(&p->loops[i].n_homes, 0);
	}
	for (unsigned i = 0; i < PLACEMENT_HOMES; i++)
		atomic_init(&p->homes[i], 0);
}

void placement_note_busy(struct placement *p, unsigned loop, unsigned busy_permille)
{
	atomic_store_explicit(&p->loops[loop].busy_permille, busy_permille, memory_order_relaxed);
}

static bool is_idle(struct placement *p, unsigned loop)
{
	return atomic_load_explicit(&p->loops[loop].busy_permille, memory_order_relaxed) < PLACEMENT_FULL_PERMILLE;
}

static unsigned connections_on(struct placement *p, unsigned loop)
{
	return atomic_load_explicit(&p->loops[loop].n_connections, memory_order_relaxed);
}

static unsigned homes_on(struct placement *p, unsigned loop)
{
	return atomic_load_explicit(&p->loops[loop].n_homes, memory_order_relaxed);
}

/* The first loop that is idle and has less than enough; when none is left the one that has least. */
static unsigned choose(struct placement *p, unsigned (*count)(struct placement *, unsigned), unsigned enough)
{
	unsigned least = 0;

	for (unsigned i = 0; i < p->n_loops; i++) {
		if (is_idle(p, i) && count(p, i) < enough)
			return i;
	}
	for (unsigned i = 1; i < p->n_loops; i++) {
		if (count(p, i) < count(p, least))
			least = i;
	}
	return least;
}

unsigned placement_of_connection(struct placement *p)
{
	unsigned loop = choose(p, connections_on, p->enough_connections);

	atomic_fetch_add_explicit(&p->loops[loop].n_connections, 1, memory_order_relaxed);
	return loop;
}

void placement_connection_gone(struct placement *p, unsigned loop)
{
	atomic_fetch_sub_explicit(&p->loops[loop].n_connections, 1, memory_order_relaxed);
}

unsigned placement_of_stream(struct placement *p, uint32_t hash)
{
	atomic_uint *home = &p->homes[hash % PLACEMENT_HOMES];
	unsigned known = atomic_load_explicit(home, memory_order_relaxed);
	unsigned chosen;

	if (known != 0)
		return known - 1;
	chosen = choose(p, homes_on, PLACEMENT_ENOUGH_HOMES);
	/* Of two loops that ask at the same time the first one's answer holds. */
	if (!atomic_compare_exchange_strong_explicit(
		home, &known, chosen + 1, memory_order_relaxed, memory_order_relaxed))
		return known - 1;
	atomic_fetch_add_explicit(&p->loops[chosen].n_homes, 1, memory_order_relaxed);
	return chosen;
}
