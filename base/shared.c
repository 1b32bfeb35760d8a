/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shared.h"

#include <stdlib.h>
#include <string.h>

struct shared *shared_create(size_t size_bytes)
{
	struct shared *s;

	if (size_bytes > SIZE_MAX - sizeof(*s))
		return NULL;
	s = malloc(sizeof(*s) + size_bytes);
	if (!s)
		return NULL;
	atomic_init(&s->refs, 1);
	s->size_bytes = size_bytes;
	return s;
}

struct shared *shared_copy(const void *data, size_t size_bytes)
{
	struct shared *s = shared_create(size_bytes);

	if (s && size_bytes > 0)
		memcpy(s->data, data, size_bytes);
	return s;
}

struct shared *shared_ref(struct shared *s)
{
	if (s)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void shared_unref(struct shared *s)
{
	if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
		free(s);
}
