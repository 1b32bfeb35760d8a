/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles that survive what they name: how one loop speaks of an object that another loop owns.
 *
 * A handle is a place and a serial; when the object is gone the place is reused with another serial, and the old handle
 * finds nothing. Owner: the loop whose objects they are. A handle itself is a value and may travel anywhere.
 */
#ifndef ISARIBI_RELAY_SLOTS_H
#define ISARIBI_RELAY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handle {
	uint32_t place;
	uint32_t serial; /* 0: names nothing */
};

struct slots {
	struct slots_entry *entries;
	uint32_t len;
	uint32_t max;
	uint32_t first_free; /* index + 1, 0: none */
	uint32_t n_used;
};

void slots_fini(struct slots *s); /* does not touch the objects */
void slots_init(struct slots *s);
/* 0 or -ENOMEM. */
int slots_add(struct slots *s, void *object, struct handle *out);
void slots_remove(struct slots *s, struct handle h);
/* NULL when h names nothing (any more). */
void *slots_get(const struct slots *s, struct handle h);
/* The first object at or after *place, moving *place behind it; NULL at the end. Objects may be removed meanwhile. */
void *slots_next(const struct slots *s, uint32_t *place);

#endif
