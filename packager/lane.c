/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/lane.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "media/fmp4.h"
#include "media/timeline.h"

enum {
	ANCHOR_TOLERANCE_MS = 40,
	DEFAULT_AUDIO_SAMPLES = 1024,
	DEFAULT_VIDEO_TICKS = 3000, /* 30 frames a second, until the second frame tells */
	MAX_VIDEO_TICKS = 90000,
	MAX_REORDER_90K = 10 * 90000, /* pts further than this from dts is nonsense */
};

static const int64_t max_time_90k = (int64_t)1 << 44; /* six years: sums and products stay inside 64 bits */

void lane_fini(struct lane *l)
{
	lane_reset(l);
	free(l->samples);
	*l = (struct lane){ 0 };
}

void lane_init(struct lane *l, enum track_kind kind)
{
	*l = (struct lane){ .kind = kind };
}

void lane_go_on_from(struct lane *l, int64_t time_90k)
{
	assert(!l->track && time_90k >= 0);
	l->ahead_90k = time_90k > TIMELINE_START_90K ? time_90k - TIMELINE_START_90K : 0;
	lane_set_floor(l, time_90k);
}

void lane_reset(struct lane *l)
{
	lane_drop(l, l->count);
	track_unref(l->track);
	l->track = NULL;
	l->is_anchored = false;
	l->newest_90k = 0;
}

const struct lane_sample *lane_at(const struct lane *l, size_t i)
{
	assert(i < l->count);
	return &l->samples[l->first + i];
}

void lane_drop(struct lane *l, size_t n)
{
	assert(n <= l->count);
	for (size_t i = 0; i < n; i++) {
		struct lane_sample *s = &l->samples[l->first + i];

		l->bytes -= s->frame->size_bytes;
		frame_unref(s->frame);
	}
	l->first += n;
	l->count -= n;
	if (l->count == 0)
		l->first = 0;
}

/* Room for one more at the end: moves the queue to the front when that frees half of it, else grows. */
static int make_room(struct lane *l)
{
	struct lane_sample *bigger;
	size_t wanted;

	if (l->first + l->count < l->capacity)
		return 0;
	if (l->first >= l->capacity / 2 && l->first > 0) {
		memmove(l->samples, l->samples + l->first, l->count * sizeof(l->samples[0]));
		l->first = 0;
		return 0;
	}
	wanted = l->capacity == 0 ? 64 : l->capacity * 2;
	bigger = realloc(l->samples, wanted * sizeof(l->samples[0]));
	if (!bigger)
		return -ENOMEM;
	l->samples = bigger;
	l->capacity = wanted;
	return 0;
}

static void take_track(struct lane *l, struct track *track)
{
	l->track = track_ref(track);
	l->timescale = fmp4_timescale(track);
	l->frame_duration = DEFAULT_VIDEO_TICKS;
	if (l->kind == TRACK_AUDIO)
		l->frame_duration = track->samples_per_frame > 0 ? track->samples_per_frame : DEFAULT_AUDIO_SAMPLES;
	else if (track->fps_num > 0 && track->fps_den > 0)
		l->frame_duration = (uint32_t)((uint64_t)FMP4_VIDEO_TIMESCALE * track->fps_den / track->fps_num);
	if (l->frame_duration == 0)
		l->frame_duration = 1;
	l->next_time = 0;
	lane_set_floor(l, l->floor_90k);
}

/* False: the lane has gone on so far without this frame that it must go. */
static bool video_time(struct lane *l, const struct frame *frame, int64_t *time)
{
	if (frame_is_key(frame) || !l->is_anchored)
		l->shift_90k = frame->pts_90k - frame->dts_90k;
	*time = frame->dts_90k + l->ahead_90k + l->shift_90k;
	if (l->next_time - *time > MAX_REORDER_90K) {
		if (l->is_anchored)
			return false;
		l->next_time = 0; /* a new beginning may go back that far, a frame may not */
	}
	if (*time < l->next_time)
		*time = l->next_time;
	return true;
}

/* False: the frame lies so far before the end of what is there that it must go. */
static bool audio_time(struct lane *l, const struct frame *frame, int64_t *time)
{
	int64_t pts_90k = frame->pts_90k + l->ahead_90k;
	int64_t wanted = (pts_90k * l->timescale + FMP4_VIDEO_TIMESCALE / 2) / FMP4_VIDEO_TIMESCALE;
	int64_t tolerance = (int64_t)l->timescale * ANCHOR_TOLERANCE_MS / 1000;

	*time = l->next_time;
	if (!l->is_anchored) {
		*time = wanted;
		return wanted >= l->next_time || l->next_time - wanted > 10 * (int64_t)l->timescale;
	}
	if (wanted < l->next_time - tolerance)
		return false;
	if (wanted > l->next_time + tolerance) {
		*time = wanted;
		l->anchors++;
	}
	return true;
}

bool lane_can_use(const struct frame *frame)
{
	int64_t reorder_90k;

	if (frame->dts_90k < 0 || frame->dts_90k > max_time_90k || frame->pts_90k < 0 || frame->pts_90k > max_time_90k)
		return false;
	reorder_90k = frame->pts_90k - frame->dts_90k;
	return reorder_90k <= MAX_REORDER_90K && reorder_90k >= -MAX_REORDER_90K;
}

static void note_video_duration(struct lane *l, int64_t time)
{
	int64_t ticks = time - l->newest_90k;

	if (l->is_anchored && ticks > 1 && ticks <= MAX_VIDEO_TICKS)
		l->frame_duration = (uint32_t)ticks;
}

/* Packets of Opus may differ from each other. */
static void note_audio_duration(struct lane *l, const struct frame *frame)
{
	uint32_t samples = frame_samples(frame);

	if (samples > 0)
		l->frame_duration = samples;
}

int lane_push(struct lane *l, struct frame *frame)
{
	int64_t time;

	assert(lane_can_use(frame));
	if (make_room(l) != 0)
		return -ENOMEM;
	if (!l->track)
		take_track(l, frame->track);
	if (l->kind == TRACK_VIDEO) {
		if (!video_time(l, frame, &time))
			return -EINVAL;
		note_video_duration(l, time);
		l->next_time = time + 1;
		l->newest_90k = time;
	} else {
		if (!audio_time(l, frame, &time))
			return -EINVAL;
		note_audio_duration(l, frame);
		l->next_time = time + l->frame_duration;
		l->newest_90k = time * FMP4_VIDEO_TIMESCALE / l->timescale;
	}
	l->is_anchored = true;
	l->samples[l->first + l->count++] =
	    (struct lane_sample){ .frame = frame_ref(frame), .time = time, .time_90k = l->newest_90k };
	l->bytes += frame->size_bytes;
	return 0;
}

void lane_set_floor(struct lane *l, int64_t time_90k)
{
	int64_t floor = time_90k;

	l->floor_90k = time_90k;
	if (l->kind == TRACK_AUDIO && l->timescale > 0)
		floor = (time_90k * l->timescale + FMP4_VIDEO_TIMESCALE - 1) / FMP4_VIDEO_TIMESCALE;
	if (l->next_time < floor)
		l->next_time = floor;
}

size_t lane_count_before(const struct lane *l, int64_t time_90k)
{
	size_t n = 0;

	while (n < l->count && lane_at(l, n)->time_90k < time_90k)
		n++;
	return n;
}

int64_t lane_end_90k(const struct lane *l)
{
	if (l->timescale == 0)
		return l->newest_90k;
	return l->newest_90k + (int64_t)l->frame_duration * FMP4_VIDEO_TIMESCALE / l->timescale;
}
