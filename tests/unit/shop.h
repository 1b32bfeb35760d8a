/* SPDX-License-Identifier: Apache-2.0 */
/* A segment store with the stream "tanaka", epoch e1, target 4 s, and parts made of nothing to put into it. */
#ifndef ISARIBI_TESTS_UNIT_SHOP_H
#define ISARIBI_TESTS_UNIT_SHOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/segment_store.h"

enum {
	SHOP_MDAT_BYTES = 1000,
	SHOP_PART_BYTES = 10 + SHOP_MDAT_BYTES,
};

struct shop {
	struct segment_store *store;
	struct part_init *init;
	uint64_t discontinuities;
	uint32_t sequence; /* of the last part made */
	int64_t at_90k;
	bool has_no_wall_clock;
};

/* cmocka's; max_bytes 0: the default. */
int shop_open_with(void **state, size_t max_bytes);
int shop_open(void **state);
int shop_close(void **state);

/* The next part: number index of count that make a segment of 2 s. */
struct part *shop_part(struct shop *shop, uint64_t msn, uint32_t index, uint32_t count);
void shop_add(struct shop *shop, struct part *p);	/* takes the reference */
void shop_add_segment(struct shop *shop, uint64_t msn); /* in four parts */

struct segment_store_ask shop_ask(const char *last, const char *query);
enum segment_store_status shop_status(struct shop *shop, const char *last, const char *query);
/* Whatever there is, also a playlist that others would wait for to grow. */
bool shop_find(struct shop *shop, const char *last, bool wants_gzip, struct segment_store_found *out);
bool shop_has_segment(struct shop *shop, uint64_t msn);
bool shop_playlist_has(struct shop *shop, const char *text);

#endif
