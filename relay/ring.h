/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last seconds of a stream on one loop: one writer, many readers, and where a newcomer starts.
 *
 * Places are numbered from 1 and never reused; [tail, head) is what is there. Kept is everything from the newest key
 * frame on and, as far as readers lag, the last 5 s, but never more than 16 MB, 10 s or 16384 frames. Owner: the loop
 * of the mirror or stream it belongs to. Lifetime: holds a reference to each frame in it. Not here: time (frames carry
 * theirs), sockets.
 */
#ifndef ISARIBI_RELAY_RING_H
#define ISARIBI_RELAY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/frame.h"

enum {
	RING_MAX_BYTES = 16 * 1024 * 1024,
	RING_MAX_90K = 10 * 90000,
	RING_MAX_FRAMES = 16384, /* tiny frames cost more than their payload */
	RING_LAG_90K = 5 * 90000,
	/* Without a picture for this long the stream counts as audio alone. */
	RING_AUDIO_ALONE_90K = 1 * 90000,
};

#define RING_NOTHING_WANTED UINT64_MAX /* of wanted_from: only newcomers may come */

struct ring_slot {
	struct frame *frame;
	uint64_t bytes_before; /* payload pushed before this frame since the ring began */
};

struct ring {
	uint64_t id; /* never the same for two rings of a process */
	struct ring_slot *slots;
	size_t mask; /* slots - 1; slots is a power of two */
	uint64_t tail;
	uint64_t head;
	uint64_t bytes_pushed;
	uint64_t gop_seq;     /* newest video key frame, 0: none */
	uint64_t n_video;     /* video frames in it */
	uint64_t wanted_from; /* what no reader wants goes when a newer key frame is there; 0: the last 5 s are kept */
	struct track *newest[TRACK_KINDS];
};

void ring_fini(struct ring *r);
void ring_init(struct ring *r);
/* Takes a reference of its own. 0 or -ENOMEM (then nothing was pushed). */
int ring_push(struct ring *r, struct frame *frame);
/* tail <= seq < head; borrowed until the next push. */
struct frame *ring_frame(const struct ring *r, uint64_t seq);
/* Payload bytes from seq to the head. */
uint64_t ring_bytes_from(const struct ring *r, uint64_t seq);
/* Newest of that kind, NULL when there was none; borrowed until the next push. */
struct track *ring_track(const struct ring *r, enum track_kind kind);
/* Where a newcomer starts: the newest key frame, or with audio alone the newest frame. False: not yet. */
bool ring_start(const struct ring *r, uint64_t *seq);

#endif
