/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/body.h"

#include <stdlib.h>

void body_unref(struct body *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < b->piece_count; i++)
		shared_unref(b->pieces[i]);
	free(b);
}

struct body *body_create(struct shared *const pieces[], size_t piece_count)
{
	struct body *b;

	if (piece_count > (SIZE_MAX - sizeof(*b)) / sizeof(b->pieces[0]))
		return NULL;
	b = malloc(sizeof(*b) + piece_count * sizeof(b->pieces[0]));
	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	b->size_bytes = 0;
	b->piece_count = piece_count;
	for (size_t i = 0; i < piece_count; i++) {
		b->pieces[i] = shared_ref(pieces[i]);
		b->size_bytes += pieces[i]->size_bytes;
	}
	return b;
}

struct body *body_ref(struct body *b)
{
	if (b)
		atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

size_t body_run_at(const struct body *b, size_t offset, const uint8_t **data)
{
	for (size_t i = 0; i < b->piece_count; i++) {
		const struct shared *piece = b->pieces[i];

		if (offset < piece->size_bytes) {
			*data = piece->data + offset;
			return piece->size_bytes - offset;
		}
		offset -= piece->size_bytes;
	}
	*data = NULL;
	return 0;
}
