/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ENTRIES = 16 };

static void let_go_of_first(struct rec_ring *r)
{
	struct part *part = r->entries[r->first].part;

	r->bytes -= part->bytes;
	part_unref(part);
	r->first++;
	r->count--;
	if (r->count == 0)
		r->first = 0;
}

void rec_ring_fini(struct rec_ring *r)
{
	while (r->count > 0)
		let_go_of_first(r);
	free(r->entries);
	rec_ring_init(r);
}

void rec_ring_init(struct rec_ring *r)
{
	*r = (struct rec_ring){ 0 };
}

int64_t rec_part_ms(const struct part *part)
{
	return part->duration_90k >= 135 ? (part->duration_90k + 45) / 90 : 1;
}

static bool has_room(struct rec_ring *r)
{
	struct rec_entry *bigger;
	size_t capacity = r->capacity ? 2 * r->capacity : FIRST_ENTRIES;

	if (r->first + r->count < r->capacity)
		return true;
	if (r->first > r->capacity / 2) {
		memmove(r->entries, r->entries + r->first, r->count * sizeof(*r->entries));
		r->first = 0;
		return true;
	}
	bigger = realloc(r->entries, capacity * sizeof(*bigger));
	if (!bigger)
		return false;
	r->entries = bigger;
	r->capacity = capacity;
	return true;
}

int rec_ring_push(struct rec_ring *r, struct part *part)
{
	if (!has_room(r)) {
		r->lost_ms += rec_part_ms(part);
		return -ENOMEM;
	}
	r->entries[r->first + r->count++] = (struct rec_entry){ part_ref(part), r->lost_ms };
	r->lost_ms = 0;
	r->bytes += part->bytes;
	return 0;
}

void rec_ring_note_lost(struct rec_ring *r, int64_t ms)
{
	r->lost_ms += ms;
}

const struct rec_entry *rec_ring_next(const struct rec_ring *r)
{
	return r->written < r->count ? &r->entries[r->first + r->written] : NULL;
}

void rec_ring_note_written(struct rec_ring *r)
{
	assert(r->written < r->count);
	r->written++;
}

void rec_ring_note_synced(struct rec_ring *r)
{
	for (; r->written > 0; r->written--)
		let_go_of_first(r);
}

void rec_ring_unwrite(struct rec_ring *r)
{
	r->written = 0;
}

int64_t rec_ring_drop_oldest(struct rec_ring *r)
{
	const struct rec_entry *oldest = &r->entries[r->first];
	const int64_t ms = rec_part_ms(oldest->part);
	int64_t *lost_ms = r->count > 1 ? &r->entries[r->first + 1].lost_ms_before : &r->lost_ms;

	assert(r->count > 0 && r->written == 0);
	*lost_ms += oldest->lost_ms_before + ms;
	let_go_of_first(r);
	return ms;
}
