/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from packaging to delivery: what the packager's thread has made stands in the delivery thread's segment
 * store.
 *
 * Owner: shelf_create and shelf_destroy belong to the delivery loop (before it runs, on it, or after it was joined);
 * the other functions may be called on any one other thread at a time and post. Lifetime: nobody posts after
 * shelf_destroy. When delivery cannot keep up: beginnings and ends always find room, a part that does not is dropped
 * and counted; its segment ends before it.
 */
#ifndef ISARIBI_PACKAGER_SHELF_H
#define ISARIBI_PACKAGER_SHELF_H

#include <stdint.h>

#include "base/clock.h"
#include "packager/part.h"
#include "packager/segment_store.h"

struct loop;
struct shelf;

/* 0 or -ENOMEM. The store stays the caller's and outlives the shelf. */
int shelf_create(struct shelf **out, struct loop *loop, const struct clock *clock, struct segment_store *store);
void shelf_destroy(struct shelf **shelf);

/* The stream is about to begin: its viewers wait. */
void shelf_expect(struct shelf *shelf, const char *stream);
void shelf_begin(struct shelf *shelf, const struct segment_store_begin *begin);
void shelf_part(struct shelf *shelf, const char *stream, struct part *part); /* takes the reference */
void shelf_end(struct shelf *shelf, const char *stream);
/* As segment_store_withdraw, behind all that was posted before. */
void shelf_withdraw(struct shelf *shelf, const char *id, int64_t before_ms);
unsigned long shelf_dropped(const struct shelf *shelf); /* parts, any thread */

#endif
