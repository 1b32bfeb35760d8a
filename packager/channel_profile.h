/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source must be like to come on air in a channel, so that one decoder plays all of them.
 *
 * Owner: anyone; static and constant. Pure. Not here: what is shown instead (packager/channel_rules).
 * A profile is named as the plan does: "720p30" is H.264 of 8 bits 4:2:0, at most 1280x720, not higher than wide, at
 * most 30 pictures a second (2 % more pass), with AAC-LC, mono or stereo, 32 to 48 kHz. A source without sound or
 * without pictures fits.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_PROFILE_H
#define ISARIBI_PACKAGER_CHANNEL_PROFILE_H

#include <stdint.h>

#include "media/track.h"
#include "packager/part.h"
#include "packager/playlist.h"

enum channel_misfit {
	CHANNEL_FITS,
	CHANNEL_MISFIT_VIDEO_CODEC,
	CHANNEL_MISFIT_VIDEO_PROFILE, /* 10 bits, 4:2:2, ... */
	CHANNEL_MISFIT_PORTRAIT,
	CHANNEL_MISFIT_SIZE,
	CHANNEL_MISFIT_FRAME_RATE,
	CHANNEL_MISFIT_AUDIO_CODEC,
	CHANNEL_MISFIT_AUDIO_PROFILE, /* HE-AAC, ... */
	CHANNEL_MISFIT_CHANNELS,
	CHANNEL_MISFIT_SAMPLE_RATE,
	CHANNEL_MISFITS,
};

struct channel_profile {
	const char *name;
	uint32_t max_width_px;
	uint32_t max_height_px;
	uint32_t max_fps;
	struct playlist_variant variant; /* for the multivariant playlist; the uri is the caller's to set in a copy */
};

/* NULL: there is none of that name. */
const struct channel_profile *channel_profile_find(const char *name);
/* The i-th one, NULL after the last. */
const struct channel_profile *channel_profile_at(size_t i);
/*
 * The first reason why it does not fit. tracks by kind, NULL: it has none. fps_milli: measured, used when the track
 * does not say; 0: not known yet, then it passes.
 */
enum channel_misfit channel_profile_judge(
    const struct channel_profile *profile, struct track *const tracks[TRACK_KINDS], uint32_t fps_milli);
/* Pictures a second in a part, times 1000, by the times of its samples; 0: it has none. */
uint32_t channel_profile_measure(const struct part *part);

const char *channel_misfit_name(enum channel_misfit misfit); /* "frame-rate": for logs, metrics, API */
/* One sentence that says what to do. */
const char *channel_misfit_ja(enum channel_misfit misfit);
const char *channel_misfit_en(enum channel_misfit misfit);

#endif
