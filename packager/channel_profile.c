/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_profile.h"

#include <stdbool.h>
#include <string.h>

#include "base/attr.h"
#include "media/fmp4.h"

enum {
	TOLERANCE_PERCENT = 2,
	MIN_RATE_HZ = 32000,
	MAX_RATE_HZ = 48000,
	MAX_CHANNELS = 2,
};

/* What every item of a channel stays within: tracks that no source has, for the multivariant playlist alone. */
#define VIDEO(width, height, fps, level)                                                                    \
	(struct track)                                                                                      \
	{                                                                                                   \
		.kind = TRACK_VIDEO, .codec = CODEC_H264, .codecs = "avc1.6400" level, .width_px = (width), \
		.height_px = (height), .fps_num = (fps), .fps_den = 1                                       \
	}

/* Levels: H.264 table A-1, by macroblocks a second. */
static const struct track video_480p30 = VIDEO(854, 480, 30, "1F");
static const struct track video_720p30 = VIDEO(1280, 720, 30, "1F");
static const struct track video_720p60 = VIDEO(1280, 720, 60, "20");
static const struct track video_1080p30 = VIDEO(1920, 1080, 30, "28");
static const struct track video_1080p60 = VIDEO(1920, 1080, 60, "2A");
static const struct track audio = {
	.kind = TRACK_AUDIO,
	.codec = CODEC_AAC,
	.codecs = "mp4a.40.2",
	.sample_rate_hz = 48000,
	.channels = 2,
};

#define PROFILE(name_, width, height, fps, peak, average)                                             \
	{                                                                                             \
		.name = #name_, .max_width_px = (width), .max_height_px = (height), .max_fps = (fps), \
		.variant = {                                                                          \
			.video = &video_##name_,                                                      \
			.audio = &audio,                                                              \
			.peak_bps = (peak),                                                           \
			.average_bps = (average),                                                     \
		},                                                                                    \
	}

/* Bit rates: a source is not measured by them; they are what venues usually send, with room. */
static const struct channel_profile profiles[] = {
	PROFILE(480p30, 854, 480, 30, 3000000, 1500000),
	PROFILE(720p30, 1280, 720, 30, 6000000, 3000000),
	PROFILE(720p60, 1280, 720, 60, 8000000, 4500000),
	PROFILE(1080p30, 1920, 1080, 30, 10000000, 5000000),
	PROFILE(1080p60, 1920, 1080, 60, 14000000, 7500000),
};

const struct channel_profile *channel_profile_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

const struct channel_profile *channel_profile_at(size_t i)
{
	return i < ARRAY_LEN(profiles) ? &profiles[i] : NULL;
}

/* ---- judging ---- */

/* Baseline, Main, Extended or High, by the profile in "avc1.PPCCLL" (H.264 §A.2): 8 bits, 4:2:0 */
static bool has_common_profile(const struct track *video)
{
	static const char common[][3] = { "42", "4D", "58", "64" };

	for (size_t i = 0; i < ARRAY_LEN(common); i++) {
		if (strncmp(video->codecs, "avc1.", 5) == 0 && strncmp(video->codecs + 5, common[i], 2) == 0)
			return true;
	}
	return false;
}

static bool is_too_fast(const struct channel_profile *p, const struct track *video, uint32_t fps_milli)
{
	uint64_t limit_milli = (uint64_t)p->max_fps * 10 * (100 + TOLERANCE_PERCENT);

	if (video->fps_num > 0 && video->fps_den > 0)
		return (uint64_t)video->fps_num * 1000 > limit_milli * video->fps_den;
	return fps_milli > limit_milli;
}

static enum channel_misfit judge_video(const struct channel_profile *p, const struct track *video, uint32_t fps_milli)
{
	if (video->codec != CODEC_H264)
		return CHANNEL_MISFIT_VIDEO_CODEC;
	if (!has_common_profile(video))
		return CHANNEL_MISFIT_VIDEO_PROFILE;
	if (video->height_px > video->width_px)
		return CHANNEL_MISFIT_PORTRAIT;
	if (video->width_px > p->max_width_px || video->height_px > p->max_height_px)
		return CHANNEL_MISFIT_SIZE;
	return is_too_fast(p, video, fps_milli) ? CHANNEL_MISFIT_FRAME_RATE : CHANNEL_FITS;
}

static enum channel_misfit judge_audio(const struct track *a)
{
	if (a->codec != CODEC_AAC)
		return CHANNEL_MISFIT_AUDIO_CODEC;
	if (strcmp(a->codecs, "mp4a.40.2") != 0)
		return CHANNEL_MISFIT_AUDIO_PROFILE;
	if (a->channels < 1 || a->channels > MAX_CHANNELS)
		return CHANNEL_MISFIT_CHANNELS;
	if (a->sample_rate_hz < MIN_RATE_HZ || a->sample_rate_hz > MAX_RATE_HZ)
		return CHANNEL_MISFIT_SAMPLE_RATE;
	return CHANNEL_FITS;
}

enum channel_misfit channel_profile_judge(
    const struct channel_profile *profile, struct track *const tracks[TRACK_KINDS], uint32_t fps_milli)
{
	enum channel_misfit misfit = CHANNEL_FITS;

	if (tracks[TRACK_VIDEO])
		misfit = judge_video(profile, tracks[TRACK_VIDEO], fps_milli);
	if (misfit == CHANNEL_FITS && tracks[TRACK_AUDIO])
		misfit = judge_audio(tracks[TRACK_AUDIO]);
	return misfit;
}

uint32_t channel_profile_measure(const struct part *part)
{
	const struct fmp4_run *run = part->run_count > 0 ? &part->runs[0] : NULL;
	uint64_t ticks = 0;

	if (!run || run->kind != TRACK_VIDEO)
		return 0;
	for (uint32_t i = 0; i < run->sample_count; i++)
		ticks += run->samples[i].duration;
	return ticks > 0 ? (uint32_t)((uint64_t)run->sample_count * FMP4_VIDEO_TIMESCALE * 1000 / ticks) : 0;
}

/* ---- what people read ---- */

static const struct {
	const char *name;
	const char *ja;
	const char *en;
} texts[CHANNEL_MISFITS] = {
	[CHANNEL_FITS] = { "fits", "このチャンネルで放送できます。", "It can go on air in this channel." },
	[CHANNEL_MISFIT_VIDEO_CODEC] = { "video-codec",
	    "映像が H.264 ではありません。エンコーダーを H.264 に設定してください。",
	    "The video is not H.264: set the encoder to H.264." },
	[CHANNEL_MISFIT_VIDEO_PROFILE] = { "video-profile",
	    "映像が 10 ビットか 4:2:2 などです。8 ビット 4:2:0(High、Main または Baseline)に設定してください。",
	    "The video has 10 bits, 4:2:2 or the like: set the encoder to 8 bits 4:2:0 (High, Main or Baseline)." },
	[CHANNEL_MISFIT_PORTRAIT] = { "portrait", "映像が縦長です。横長の画面で送ってください。",
	    "The picture is higher than wide: send it in landscape." },
	[CHANNEL_MISFIT_SIZE] = { "size", "映像がこのチャンネルの大きさを超えています。出力解像度を下げてください。",
	    "The picture is larger than this channel's: lower the output resolution." },
	[CHANNEL_MISFIT_FRAME_RATE] = { "frame-rate",
	    "フレームレートがこのチャンネルの上限を超えています。エンコーダーの fps を下げてください。",
	    "There are more pictures a second than this channel takes: lower the encoder's frame rate." },
	[CHANNEL_MISFIT_AUDIO_CODEC] = { "audio-codec",
	    "音声が AAC ではありません。エンコーダーを AAC に設定してください。",
	    "The audio is not AAC: set the encoder to AAC." },
	[CHANNEL_MISFIT_AUDIO_PROFILE] = { "audio-profile",
	    "音声が AAC-LC ではありません(HE-AAC など)。AAC-LC に設定してください。",
	    "The audio is not AAC-LC (but HE-AAC, say): set the encoder to AAC-LC." },
	[CHANNEL_MISFIT_CHANNELS] = { "channels",
	    "音声がモノラルでもステレオでもありません。ステレオに設定してください。",
	    "The audio is neither mono nor stereo: set the encoder to stereo." },
	[CHANNEL_MISFIT_SAMPLE_RATE] = { "sample-rate",
	    "音声のサンプリング周波数が 32〜48 kHz の外です。48 kHz に設定してください。",
	    "The audio's sample rate is not between 32 and 48 kHz: set it to 48 kHz." },
};

const char *channel_misfit_name(enum channel_misfit misfit)
{
	return texts[misfit].name;
}

const char *channel_misfit_ja(enum channel_misfit misfit)
{
	return texts[misfit].ja;
}

const char *channel_misfit_en(enum channel_misfit misfit)
{
	return texts[misfit].en;
}
