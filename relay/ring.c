/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

static atomic_uint_fast64_t last_ring_id;

static struct ring_slot *slot_at(const struct ring *r, uint64_t seq)
{
	return &r->slots[seq & r->mask];
}

static void drop_oldest(struct ring *r)
{
	struct ring_slot *slot = slot_at(r, r->tail);

	if (frame_is_video(slot->frame))
		r->n_video--;
	if (r->tail == r->gop_seq)
		r->gop_seq = 0;
	frame_unref(slot->frame);
	slot->frame = NULL;
	r->tail++;
}

void ring_fini(struct ring *r)
{
	while (r->tail < r->head)
		drop_oldest(r);
	for (int i = 0; i < TRACK_KINDS; i++)
		track_unref(r->newest[i]);
	free(r->slots);
	*r = (struct ring){ 0 };
}

void ring_init(struct ring *r)
{
	*r = (struct ring){ .id = atomic_fetch_add(&last_ring_id, 1) + 1, .tail = 1, .head = 1 };
}

static int grow(struct ring *r)
{
	size_t n = r->slots ? (r->mask + 1) * 2 : FIRST_SLOTS;
	struct ring_slot *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (uint64_t seq = r->tail; seq < r->head; seq++)
		slots[seq & (n - 1)] = *slot_at(r, seq);
	free(r->slots);
	r->slots = slots;
	r->mask = n - 1;
	return 0;
}

static bool is_too_much(const struct ring *r)
{
	const struct frame *oldest = slot_at(r, r->tail)->frame;
	const struct frame *newest = slot_at(r, r->head - 1)->frame;
	int64_t age_90k = newest->dts_90k - oldest->dts_90k;
	bool is_in_gop = r->gop_seq != 0 && r->tail >= r->gop_seq;

	if (r->head - r->tail > RING_MAX_FRAMES || age_90k > RING_MAX_90K ||
	    ring_bytes_from(r, r->tail) > RING_MAX_BYTES)
		return true;
	if (is_in_gop)
		return false;
	return age_90k > RING_LAG_90K || (r->gop_seq != 0 && r->tail < r->wanted_from);
}

static void note_track(struct ring *r, struct track *track)
{
	struct track **newest = &r->newest[track->kind];

	if (*newest == track)
		return;
	track_unref(*newest);
	*newest = track_ref(track);
}

int ring_push(struct ring *r, struct frame *frame)
{
	if (!r->slots || r->head - r->tail > r->mask) {
		int err = grow(r);

		if (err != 0)
			return err;
	}
	*slot_at(r, r->head) = (struct ring_slot){ frame_ref(frame), r->bytes_pushed };
	r->bytes_pushed += frame->size_bytes;
	note_track(r, frame->track);
	if (frame_is_video(frame)) {
		r->n_video++;
		if (frame_is_key(frame))
			r->gop_seq = r->head;
	}
	r->head++;
	while (r->head - r->tail > 1 && is_too_much(r))
		drop_oldest(r);
	return 0;
}

struct frame *ring_frame(const struct ring *r, uint64_t seq)
{
	assert(seq >= r->tail && seq < r->head);
	return slot_at(r, seq)->frame;
}

uint64_t ring_bytes_from(const struct ring *r, uint64_t seq)
{
	if (seq >= r->head)
		return 0;
	assert(seq >= r->tail);
	return r->bytes_pushed - slot_at(r, seq)->bytes_before;
}

struct track *ring_track(const struct ring *r, enum track_kind kind)
{
	return r->newest[kind];
}

bool ring_start(const struct ring *r, uint64_t *seq)
{
	if (r->gop_seq != 0) {
		*seq = r->gop_seq;
		return true;
	}
	if (r->n_video > 0 || r->head == r->tail)
		return false;
	/* A stream may begin with audio while its picture is still on the way. */
	if (ring_frame(r, r->head - 1)->dts_90k - ring_frame(r, r->tail)->dts_90k < RING_AUDIO_ALONE_90K)
		return false;
	*seq = r->head - 1;
	return true;
}
