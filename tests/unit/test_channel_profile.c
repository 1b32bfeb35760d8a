/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "packager/stitch.h"

static void profiles_are_found_by_name(void **state)
{
	static const char *const names[] = { "480p30", "720p30", "720p60", "1080p30", "1080p60" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct channel_profile *p = channel_profile_find(names[i]);
		char name[16];

		assert_non_null(p);
		assert_ptr_equal(p, channel_profile_at(i));
		(void)snprintf(name, sizeof(name), "%up%u", p->max_height_px, p->max_fps);
		assert_string_equal(name, names[i]);
	}
	assert_null(channel_profile_at(ARRAY_LEN(names)));
	assert_null(channel_profile_find("720p"));
	assert_null(channel_profile_find("720p30 "));
	assert_null(channel_profile_find(""));
}

static void the_variant_is_what_the_playlist_says(void **state)
{
	static const char *const want[] = {
		"#EXT-X-STREAM-INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=1500000,CODECS=\"avc1.64001F,mp4a.40.2\","
		"RESOLUTION=854x480,FRAME-RATE=30.000\nmain.m3u8\n",
		"#EXT-X-STREAM-INF:BANDWIDTH=6000000,AVERAGE-BANDWIDTH=3000000,CODECS=\"avc1.64001F,mp4a.40.2\","
		"RESOLUTION=1280x720,FRAME-RATE=30.000\nmain.m3u8\n",
		"#EXT-X-STREAM-INF:BANDWIDTH=8000000,AVERAGE-BANDWIDTH=4500000,CODECS=\"avc1.640020,mp4a.40.2\","
		"RESOLUTION=1280x720,FRAME-RATE=60.000\nmain.m3u8\n",
		"#EXT-X-STREAM-INF:BANDWIDTH=10000000,AVERAGE-BANDWIDTH=5000000,CODECS=\"avc1.640028,mp4a.40.2\","
		"RESOLUTION=1920x1080,FRAME-RATE=30.000\nmain.m3u8\n",
		"#EXT-X-STREAM-INF:BANDWIDTH=14000000,AVERAGE-BANDWIDTH=7500000,CODECS=\"avc1.64002A,mp4a.40.2\","
		"RESOLUTION=1920x1080,FRAME-RATE=60.000\nmain.m3u8\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct playlist_variant variant = channel_profile_at(i)->variant;
		const struct playlist_main playlist = { .variants = &variant, .variant_count = 1 };
		struct bytes_writer w;
		char text[512];

		variant.uri = "main.m3u8";
		bytes_writer_init_fixed(&w, text, sizeof(text) - 1);
		assert_int_equal(playlist_write_main(&w, &playlist), 0);
		text[w.len] = '\0';
		assert_non_null(strstr(text, want[i]));
	}
}

/* ---- judging ---- */

struct source {
	enum track_codec video_codec;
	const char *video_codecs; /* NULL: no video */
	uint32_t width_px, height_px;
	uint32_t fps_num, fps_den;
	uint32_t fps_milli;
	enum track_codec audio_codec;
	const char *audio_codecs; /* NULL: no audio */
	uint32_t channels, rate_hz;
};

#define VIDEO(codecs, w, h) CODEC_H264, codecs, w, h
#define LC		    CODEC_AAC, "mp4a.40.2"

static const struct {
	const char *name;
	struct source source;
	const char *profile;
	enum channel_misfit want;
} cases[] = {
	{ "as it should be", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, LC, 2, 48000 }, "720p30", CHANNEL_FITS },
	{ "small, main, mono", { VIDEO("avc1.4D401E", 640, 360), 25, 1, 0, LC, 1, 44100 }, "720p30", CHANNEL_FITS },
	{ "baseline, square", { VIDEO("avc1.42C01E", 480, 480), 0, 0, 0, LC, 2, 32000 }, "720p30", CHANNEL_FITS },
	{ "no audio", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, LC, 0, 0 }, "720p30", CHANNEL_MISFIT_CHANNELS },
	{ "no audio track", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, CODEC_AAC, NULL, 0, 0 }, "720p30",
	    CHANNEL_FITS },
	{ "audio alone", { CODEC_H264, NULL, 0, 0, 0, 0, 0, LC, 2, 48000 }, "720p30", CHANNEL_FITS },
	{ "HEVC", { CODEC_H265, "hvc1.1.6.L93.B0", 1280, 720, 30, 1, 0, LC, 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_VIDEO_CODEC },
	{ "High 10", { VIDEO("avc1.6E001F", 1280, 720), 30, 1, 0, LC, 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_VIDEO_PROFILE },
	{ "4:2:2", { VIDEO("avc1.7A001F", 1280, 720), 30, 1, 0, LC, 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_VIDEO_PROFILE },
	{ "portrait", { VIDEO("avc1.64001F", 720, 1280), 30, 1, 0, LC, 2, 48000 }, "1080p30", CHANNEL_MISFIT_PORTRAIT },
	{ "too wide", { VIDEO("avc1.64001F", 1282, 720), 30, 1, 0, LC, 2, 48000 }, "720p30", CHANNEL_MISFIT_SIZE },
	{ "too high", { VIDEO("avc1.64001F", 1280, 722), 30, 1, 0, LC, 2, 48000 }, "720p30", CHANNEL_MISFIT_SIZE },
	{ "1080", { VIDEO("avc1.640028", 1920, 1080), 30, 1, 0, LC, 2, 48000 }, "1080p30", CHANNEL_FITS },
	{ "1080 for 720", { VIDEO("avc1.640028", 1920, 1080), 30, 1, 0, LC, 2, 48000 }, "720p60", CHANNEL_MISFIT_SIZE },
	{ "720 for 480", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, LC, 2, 48000 }, "480p30", CHANNEL_MISFIT_SIZE },
	{ "50 a second", { VIDEO("avc1.64001F", 1280, 720), 50, 1, 0, LC, 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_FRAME_RATE },
	{ "50 for 60", { VIDEO("avc1.64001F", 1280, 720), 50, 1, 0, LC, 2, 48000 }, "720p60", CHANNEL_FITS },
	{ "59.94", { VIDEO("avc1.64001F", 1280, 720), 60000, 1001, 0, LC, 2, 48000 }, "720p60", CHANNEL_FITS },
	{ "30.6, just so", { VIDEO("avc1.64001F", 1280, 720), 306, 10, 0, LC, 2, 48000 }, "720p30", CHANNEL_FITS },
	{ "30.7", { VIDEO("avc1.64001F", 1280, 720), 307, 10, 0, LC, 2, 48000 }, "720p30", CHANNEL_MISFIT_FRAME_RATE },
	{ "measured 30.6", { VIDEO("avc1.64001F", 1280, 720), 0, 0, 30600, LC, 2, 48000 }, "720p30", CHANNEL_FITS },
	{ "measured 31", { VIDEO("avc1.64001F", 1280, 720), 0, 0, 31000, LC, 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_FRAME_RATE },
	{ "said 30, measured 60", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 60000, LC, 2, 48000 }, "720p30",
	    CHANNEL_FITS },
	{ "Opus", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, CODEC_OPUS, "opus", 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_AUDIO_CODEC },
	{ "HE-AAC", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, CODEC_AAC, "mp4a.40.5", 2, 48000 }, "720p30",
	    CHANNEL_MISFIT_AUDIO_PROFILE },
	{ "5.1", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, LC, 6, 48000 }, "720p30", CHANNEL_MISFIT_CHANNELS },
	{ "24 kHz", { VIDEO("avc1.64001F", 1280, 720), 30, 1, 0, LC, 2, 24000 }, "720p30", CHANNEL_MISFIT_SAMPLE_RATE },
	{ "96 kHz", { CODEC_H264, NULL, 0, 0, 0, 0, 0, LC, 2, 96000 }, "720p30", CHANNEL_MISFIT_SAMPLE_RATE },
};

static struct track *track_of(enum track_kind kind, enum track_codec codec, const char *codecs)
{
	struct track *t = codecs ? track_create(kind, codec, NULL, 0) : NULL;

	if (t)
		(void)snprintf(t->codecs, sizeof(t->codecs), "%s", codecs);
	return t;
}

static enum channel_misfit judge(const char *profile, const struct source *s)
{
	struct track *tracks[TRACK_KINDS] = { track_of(TRACK_VIDEO, s->video_codec, s->video_codecs),
		track_of(TRACK_AUDIO, s->audio_codec, s->audio_codecs) };
	enum channel_misfit misfit;

	if (tracks[TRACK_VIDEO]) {
		tracks[TRACK_VIDEO]->width_px = s->width_px;
		tracks[TRACK_VIDEO]->height_px = s->height_px;
		tracks[TRACK_VIDEO]->fps_num = s->fps_num;
		tracks[TRACK_VIDEO]->fps_den = s->fps_den;
	}
	if (tracks[TRACK_AUDIO]) {
		tracks[TRACK_AUDIO]->channels = s->channels;
		tracks[TRACK_AUDIO]->sample_rate_hz = s->rate_hz;
	}
	misfit = channel_profile_judge(channel_profile_find(profile), tracks, s->fps_milli);
	track_unref(tracks[TRACK_VIDEO]);
	track_unref(tracks[TRACK_AUDIO]);
	return misfit;
}

static void sources_are_judged(void **state)
{
	bool is_seen[CHANNEL_MISFITS] = { false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum channel_misfit misfit = judge(cases[i].profile, &cases[i].source);

		if (misfit != cases[i].want)
			fail_msg("%s: %s", cases[i].name, channel_misfit_name(misfit));
		is_seen[misfit] = true;
	}
	for (size_t i = 0; i < CHANNEL_MISFITS; i++)
		assert_true(is_seen[i]);
}

static void the_frame_rate_is_measured(void **state)
{
	struct stitch t;
	struct part *p;

	(void)state;
	stitch_init(&t);
	for (unsigned i = 0; i < 15; i++) /* 33, 33 and 34 ms in turn */
		stitch_add(&t, TRACK_VIDEO,
		    &(struct stitch_sample){
			.data = (const uint8_t *)"x",
			.at = (int64_t)(i / 3 * 9000 + i % 3 * 2970),
			.sample = { .duration = i % 3 == 2 ? 3060 : 2970, .size_bytes = 1 },
		    });
	assert_int_equal(stitch_part(&t, 1, NULL, &p), 0);
	assert_int_equal(channel_profile_measure(p), 30000);
	p->runs[0].kind = TRACK_AUDIO;
	assert_int_equal(channel_profile_measure(p), 0);
	part_unref(p);
	stitch_fini(&t);
}

static void each_reason_has_its_texts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < CHANNEL_MISFITS; i++) {
		const enum channel_misfit misfit = (enum channel_misfit)i;

		assert_true(strlen(channel_misfit_name(misfit)) > 0);
		assert_true(strlen(channel_misfit_ja(misfit)) > 20);
		assert_true(strlen(channel_misfit_en(misfit)) > 20);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
			    channel_misfit_name(misfit), channel_misfit_name((enum channel_misfit)k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_are_found_by_name),
		cmocka_unit_test(the_variant_is_what_the_playlist_says),
		cmocka_unit_test(sources_are_judged),
		cmocka_unit_test(the_frame_rate_is_measured),
		cmocka_unit_test(each_reason_has_its_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
