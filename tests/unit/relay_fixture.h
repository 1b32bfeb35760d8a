/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracks and frames for tests of the relay: their bytes mean nothing, their sizes and times do.
 *
 * Owner: the test. Lifetime: what is returned is the caller's reference. Running out of memory ends the test.
 */
#ifndef ISARIBI_TESTS_UNIT_RELAY_FIXTURE_H
#define ISARIBI_TESTS_UNIT_RELAY_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "media/frame.h"
#include "media/track.h"

/* variant: another one is another configuration. */
struct track *fixture_video_track(uint8_t variant);
struct track *fixture_audio_track(uint8_t variant);
/* flags: FRAME_KEY or 0. It arrives when its dts says, counted from 0. Its payload counts up. */
struct frame *fixture_frame(struct track *track, int64_t dts_90k, size_t size_bytes, unsigned flags);

#endif
