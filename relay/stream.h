/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One live stream at home: takes over publishers, puts frames on one timeline, and hands them to mirrors and taps.
 *
 * A stream outlives its publisher (design §4.2). States:
 *
 *   WAITING  readers are here, nobody has published
 *   LIVE     a publisher is on
 *   AWAY     it is gone; readers wait for its return (limits.grace_us)
 *   HELD     readers were told that it is over; taps wait until the slot's end, without a slot limits.hold_us
 *   OVER     to be removed
 *
 * Owner: the stream's home loop. Lifetime: relay/hub creates it on the first mail about it and destroys it when
 * stream_tick says so. It knows neither protocols nor outputs by name.
 */
#ifndef ISARIBI_RELAY_STREAM_H
#define ISARIBI_RELAY_STREAM_H

#include <stdbool.h>

#include "relay/local.h"

struct stream;

int stream_create(struct stream **out, struct relay_local *local, const char *name);
void stream_destroy(struct stream **stream);
const char *stream_name(const struct stream *s);

/* The orders of relay/courier.h, by the same names; mails are borrowed, a frame inside is taken over. */
void stream_publish_ask(struct stream *s, const struct mail *mail);
void stream_publish_end(struct stream *s, const struct mail *mail);
void stream_publish_until(struct stream *s, const struct mail *mail);
/* local->plan is a new one: may a publisher that is gone still come back, and until when? */
void stream_plan(struct stream *s);
void stream_mirror_join(struct stream *s, const struct mail *mail);
void stream_mirror_leave(struct stream *s, const struct mail *mail);

/* One frame of the publisher with this generation; of an older one it is dropped. Takes the reference. */
void stream_frame(struct stream *s, uint64_t generation, struct frame *frame);

/* Twice a second. True: nothing holds it any more, destroy it. */
bool stream_tick(struct stream *s);
/* The node stops: publishers, readers and taps are told. */
void stream_stop(struct stream *s);

#endif
