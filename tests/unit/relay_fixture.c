/* SPDX-License-Identifier: Apache-2.0 */
#include "relay_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct track *fixture_video_track(uint8_t variant)
{
	const uint8_t config[] = { 1, 0x64, 0, 0x1f, 0xff, 0xe1, variant };
	struct track *track = track_create(TRACK_VIDEO, CODEC_H264, config, sizeof(config));

	assert_non_null(track);
	track->width_px = 1280;
	track->height_px = 720;
	track->fps_num = 30;
	track->fps_den = 1;
	return track;
}

struct track *fixture_audio_track(uint8_t variant)
{
	const uint8_t config[] = { 0x11, 0x90, variant };
	struct track *track = track_create(TRACK_AUDIO, CODEC_AAC, config, sizeof(config));

	assert_non_null(track);
	track->sample_rate_hz = 48000;
	track->channels = 2;
	track->samples_per_frame = 1024;
	return track;
}

struct frame *fixture_frame(struct track *track, int64_t dts_90k, size_t size_bytes, unsigned flags)
{
	struct frame *frame = frame_create(track, size_bytes);

	assert_non_null(frame);
	frame->dts_90k = dts_90k;
	frame->pts_90k = dts_90k;
	frame->arrival_us = dts_90k * 100 / 9;
	frame->flags = flags;
	for (size_t i = 0; i < size_bytes; i++)
		frame->data[i] = (uint8_t)(i * 31 + (i >> 8));
	return frame;
}
