/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One access unit of one track, on its way through the house.
 *
 * Owner: its maker while it holds the only reference (the stream stamps it then); immutable from the second on.
 * Lifetime: the last frame_unref frees payload, renderings and the reference to the track. Any thread may ref and
 * unref.
 *
 * Payload: H.264 and H.265 as NAL units, each behind a 4-byte big-endian length; AAC and Opus raw.
 * Times: 90 kHz ticks. What ingest makes carries the publisher's own times (unwrapped by the stream's timeline later);
 * after frame_stamp() they are the stream's: dts never goes back within a track, pts may.
 */
#ifndef ISARIBI_MEDIA_FRAME_H
#define ISARIBI_MEDIA_FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"
#include "media/track.h"

enum frame_flags {
	FRAME_KEY = 1 << 0,	      /* decoding can start here; every audio frame has it */
	FRAME_DISCONTINUITY = 1 << 1, /* times or content do not continue what came before in this track */
};

/* Forms of the same frame that somebody makes once and all share (the chunks of RTMP, later the packets of TS). */
enum frame_rendering {
	RENDERING_RTMP,
	RENDERINGS,
};

struct frame {
	atomic_uint refs;
	unsigned flags;
	int64_t dts_90k;
	int64_t pts_90k;
	uint64_t generation; /* of the publisher it came from, once it is stamped: rises within a stream */
	int64_t arrival_us;  /* monotonic clock of this process when its last byte was read */
	struct track *track;
	struct shared *_Atomic renderings[RENDERINGS];
	size_t size_bytes;
	uint8_t data[];
};

/* size_bytes of unset payload, one reference; takes a reference of its own to track. NULL when memory is out. */
struct frame *frame_create(struct track *track, size_t size_bytes);
struct frame *frame_ref(struct frame *f); /* returns f; NULL is fine */
void frame_unref(struct frame *f);	  /* NULL is fine */
/* Gives the frame its place on the stream's timeline. The caller holds the only reference. */
void frame_stamp(struct frame *f, int64_t dts_90k, int64_t pts_90k, unsigned extra_flags);
/* Gives the frame an equal track that others hold already. The caller holds the only reference to the frame. */
void frame_share_track(struct frame *f, struct track *track);
bool frame_is_key(const struct frame *f);
bool frame_is_video(const struct frame *f);
/* How long an audio frame is, in samples at the track's rate; 0 when nothing says so. */
uint32_t frame_samples(const struct frame *f);

/* The rendering if somebody has made it, borrowed for as long as the frame is held; else NULL. */
struct shared *frame_rendering_get(struct frame *f, enum frame_rendering which);
/*
 * Offers a rendering; takes the reference. When two threads made one at the same time the first wins and the second is
 * freed: both get the winner, borrowed for as long as the frame is held.
 */
struct shared *frame_rendering_offer(struct frame *f, enum frame_rendering which, struct shared *made);

#endif
