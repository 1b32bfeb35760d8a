/* SPDX-License-Identifier: Apache-2.0 */
#include "media/frame.h"

#include <assert.h>
#include <stdlib.h>

#include "media/opus.h"

void frame_unref(struct frame *f)
{
	if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < RENDERINGS; i++)
		shared_unref(atomic_load_explicit(&f->renderings[i], memory_order_relaxed));
	track_unref(f->track);
	free(f);
}

struct frame *frame_create(struct track *track, size_t size_bytes)
{
	struct frame *f;

	assert(track);
	if (size_bytes > SIZE_MAX - sizeof(*f))
		return NULL;
	f = malloc(sizeof(*f) + size_bytes);
	if (!f)
		return NULL;
	atomic_init(&f->refs, 1);
	f->flags = 0;
	f->dts_90k = 0;
	f->pts_90k = 0;
	f->arrival_us = 0;
	f->generation = 0;
	f->track = track_ref(track);
	for (size_t i = 0; i < RENDERINGS; i++)
		atomic_init(&f->renderings[i], NULL);
	f->size_bytes = size_bytes;
	return f;
}

struct frame *frame_ref(struct frame *f)
{
	if (f)
		atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void frame_stamp(struct frame *f, int64_t dts_90k, int64_t pts_90k, unsigned extra_flags)
{
	assert(atomic_load_explicit(&f->refs, memory_order_relaxed) == 1);
	f->dts_90k = dts_90k;
	f->pts_90k = pts_90k;
	f->flags |= extra_flags;
}

void frame_share_track(struct frame *f, struct track *track)
{
	assert(atomic_load_explicit(&f->refs, memory_order_relaxed) == 1);
	track_ref(track);
	track_unref(f->track);
	f->track = track;
}

bool frame_is_key(const struct frame *f)
{
	return (f->flags & FRAME_KEY) != 0;
}

bool frame_is_video(const struct frame *f)
{
	return f->track->kind == TRACK_VIDEO;
}

uint32_t frame_samples(const struct frame *f)
{
	if (f->track->codec == CODEC_OPUS)
		return opus_packet_samples(f->data, f->size_bytes);
	return f->track->samples_per_frame;
}

struct shared *frame_rendering_get(struct frame *f, enum frame_rendering which)
{
	return atomic_load_explicit(&f->renderings[which], memory_order_acquire);
}

struct shared *frame_rendering_offer(struct frame *f, enum frame_rendering which, struct shared *made)
{
	struct shared *winner = NULL;

	if (atomic_compare_exchange_strong_explicit(
		&f->renderings[which], &winner, made, memory_order_acq_rel, memory_order_acquire))
		return made;
	shared_unref(made);
	return winner;
}
