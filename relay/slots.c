/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/slots.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct slots_entry {
	void *object; /* NULL: free */
	uint32_t serial;
	uint32_t next_free; /* index + 1 */
};

void slots_fini(struct slots *s)
{
	free(s->entries);
	*s = (struct slots){ 0 };
}

void slots_init(struct slots *s)
{
	*s = (struct slots){ 0 };
}

static int grow(struct slots *s)
{
	uint32_t max = s->max ? s->max * 2 : 16;
	struct slots_entry *entries = realloc(s->entries, max * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	s->entries = entries;
	s->max = max;
	return 0;
}

int slots_add(struct slots *s, void *object, struct handle *out)
{
	struct slots_entry *entry;

	assert(object);
	if (s->first_free == 0) {
		if (s->len == s->max && grow(s) != 0)
			return -ENOMEM;
		s->entries[s->len] = (struct slots_entry){ 0 };
		s->first_free = ++s->len;
	}
	entry = &s->entries[s->first_free - 1];
	out->place = s->first_free - 1;
	s->first_free = entry->next_free;
	entry->object = object;
	if (++entry->serial == 0)
		entry->serial = 1;
	out->serial = entry->serial;
	s->n_used++;
	return 0;
}

void *slots_get(const struct slots *s, struct handle h)
{
	if (h.serial == 0 || h.place >= s->len || s->entries[h.place].serial != h.serial)
		return NULL;
	return s->entries[h.place].object;
}

void slots_remove(struct slots *s, struct handle h)
{
	struct slots_entry *entry;

	if (!slots_get(s, h))
		return;
	entry = &s->entries[h.place];
	entry->object = NULL;
	entry->next_free = s->first_free;
	s->first_free = h.place + 1;
	s->n_used--;
}

void *slots_next(const struct slots *s, uint32_t *place)
{
	while (*place < s->len) {
		void *object = s->entries[(*place)++].object;

		if (object)
			return object;
	}
	return NULL;
}
