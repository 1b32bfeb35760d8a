/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

enum {
	MS = 90,
	FPS = 25,
	FRAME_MS = 1000 / FPS,
	AUDIO_HZ = 48000,
	AUDIO_SAMPLES = 960, /* 20 ms, so that two fit one picture exactly */
	BEGIN_MS = 5000,
	EVALUATE_MS = 2000,
	PHASES = 4,
	SAID_SIZE = 1024,
};

/* One stretch of a publisher's life. Zeros are an ordinary one: 25 fps, key frames every 2 s, 1000 kbit/s, wide. */
struct phase {
	int seconds;
	int gop_ms;	  /* 0: 2000; -1: no key frames */
	int gop_other_ms; /* every second one is so long */
	int swing_kbps;	  /* every fifth 2 s have this rate */
	int kbps;	  /* 0: 1000 */
	int audio_ppm;	  /* sound has so many samples too many */
	int jump_ms;	  /* the publisher's clock jumps so far at the beginning of the phase */
	int frame_ms;	  /* 0: 40 */
	int width_px;	  /* 0: 1280 */
	int height_px;	  /* 0: 720 */
	bool has_b_frames;
	bool has_even_offset; /* pts is always 80 ms after dts, in order */
	bool is_audio_off;
	bool is_video_off;
	bool is_stalled; /* nothing arrives */
};

struct row {
	const char *name;
	struct phase phases[PHASES];
	const char *want; /* "+code -code " in the order in which they were said */
};

struct scene {
	struct advice advice;
	char said[SAID_SIZE];
	char ja[ADVICE_TEXT_SIZE]; /* of the last note */
	char en[ADVICE_TEXT_SIZE];
	int64_t now_ms;
	int64_t raw_ms; /* of the publisher */
	int64_t next_key_ms;
	int64_t n_keys;
	int64_t n_video;
	int64_t next_audio_us;
	int64_t next_evaluation_ms;
};

static void hear(void *arg, const struct advice_note *note)
{
	struct scene *s = arg;
	size_t len = strlen(s->said);

	assert_true(strlen(note->ja) > 10 && strlen(note->ja) < ADVICE_TEXT_SIZE - 1);
	assert_true(strlen(note->en) > 10 && strlen(note->en) < ADVICE_TEXT_SIZE - 1);
	snprintf(s->said + len, sizeof(s->said) - len, "%c%s ", note->is_on ? '+' : '-', note->code);
	snprintf(s->ja, sizeof(s->ja), "%s", note->ja);
	snprintf(s->en, sizeof(s->en), "%s", note->en);
}

struct shot {
	enum track_kind kind;
	size_t size_bytes;
	unsigned flags;
	int64_t dts_ms;
	int64_t offset_ms;
	uint32_t width_px;
	uint32_t height_px;
};

static void push(struct scene *s, const struct shot *shot)
{
	bool is_video = shot->kind == TRACK_VIDEO;
	struct track *track = track_create(shot->kind, is_video ? CODEC_H264 : CODEC_AAC, NULL, 0);
	struct frame *f = track ? frame_create(track, shot->size_bytes) : NULL;

	assert_non_null(track);
	assert_non_null(f);
	track->width_px = shot->width_px;
	track->height_px = shot->height_px;
	track->sample_rate_hz = is_video ? 0 : AUDIO_HZ;
	track->samples_per_frame = is_video ? 0 : AUDIO_SAMPLES;
	f->flags = shot->flags;
	/* As RTMP carries it: 32 bits of milliseconds. */
	f->dts_90k = (int64_t)(uint32_t)shot->dts_ms * MS;
	f->pts_90k = f->dts_90k + shot->offset_ms * MS;
	f->arrival_us = s->now_ms * 1000;
	advice_frame(&s->advice, f);
	frame_unref(f);
	track_unref(track);
}

static size_t video_bytes(const struct scene *s, const struct phase *p)
{
	int kbps = p->kbps > 0 ? p->kbps : 1000;

	if (p->swing_kbps > 0 && (s->now_ms - BEGIN_MS) / 2000 % 5 == 0)
		kbps = p->swing_kbps;
	return (size_t)kbps * FRAME_MS / 8;
}

static void push_video(struct scene *s, const struct phase *p)
{
	static const int64_t b_offsets_ms[] = { 3 * FRAME_MS, FRAME_MS, FRAME_MS / 2 };
	struct shot shot = {
		.kind = TRACK_VIDEO,
		.size_bytes = video_bytes(s, p),
		.dts_ms = s->raw_ms,
		.width_px = p->width_px > 0 ? (uint32_t)p->width_px : 1280,
		.height_px = p->height_px > 0 ? (uint32_t)p->height_px : 720,
	};

	if (p->has_b_frames)
		shot.offset_ms = b_offsets_ms[s->n_video % 3];
	else if (p->has_even_offset)
		shot.offset_ms = 80;
	if (p->gop_ms >= 0 && s->now_ms >= s->next_key_ms) {
		int gop_ms = p->gop_ms > 0 ? p->gop_ms : 2000;

		shot.flags = FRAME_KEY;
		s->next_key_ms = s->now_ms + (p->gop_other_ms > 0 && s->n_keys++ % 2 != 0 ? p->gop_other_ms : gop_ms);
	}
	s->n_video++;
	push(s, &shot);
}

static void push_audio(struct scene *s, const struct phase *p)
{
	int64_t step_us = INT64_C(20000) * 1000000 / (1000000 + p->audio_ppm);

	while (s->next_audio_us < s->now_ms * 1000) {
		push(s,
		    &(struct shot){ .kind = TRACK_AUDIO, .size_bytes = 300, .flags = FRAME_KEY, .dts_ms = s->raw_ms });
		s->next_audio_us += step_us;
	}
}

static void evaluate(struct scene *s)
{
	if (s->now_ms < s->next_evaluation_ms)
		return;
	advice_evaluate(&s->advice, s->now_ms * 1000, hear, s);
	s->next_evaluation_ms = s->now_ms + EVALUATE_MS;
}

static void play(struct scene *s, const struct phase *p)
{
	int64_t end_ms = s->now_ms + p->seconds * 1000;
	int step_ms = p->frame_ms > 0 ? p->frame_ms : FRAME_MS;

	s->raw_ms += p->jump_ms;
	for (; s->now_ms < end_ms; s->now_ms += step_ms, s->raw_ms += step_ms) {
		if (!p->is_video_off && !p->is_stalled)
			push_video(s, p);
		if (!p->is_audio_off && !p->is_stalled)
			push_audio(s, p);
		else
			s->next_audio_us = s->now_ms * 1000;
		evaluate(s);
	}
}

static void scene_init(struct scene *s)
{
	*s = (struct scene){ .now_ms = BEGIN_MS,
		.raw_ms = 123,
		.next_audio_us = BEGIN_MS * 1000,
		.next_evaluation_ms = BEGIN_MS + EVALUATE_MS };
	advice_init(&s->advice);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct scene s;

		scene_init(&s);
		for (size_t k = 0; k < PHASES; k++)
			play(&s, &rows[i].phases[k]);
		if (strcmp(s.said, rows[i].want) != 0)
			fail_msg("%s: said \"%s\", not \"%s\"", rows[i].name, s.said, rows[i].want);
	}
}

static void says_nothing_about_a_good_publisher(void **state)
{
	static const struct row rows[] = {
		{ "ordinary", { { .seconds = 120 } }, "" },
		{ "its clock jumps ahead", { { .seconds = 30 }, { .seconds = 60, .jump_ms = 3600000 } }, "" },
		{ "its clock jumps back", { { .seconds = 30 }, { .seconds = 60, .jump_ms = -25000 } }, "" },
		{ "its clock wraps", { { .seconds = 30, .jump_ms = -10000 }, { .seconds = 60 } }, "" },
		{ "nothing arrives for 20 s",
		    { { .seconds = 10 }, { .seconds = 20, .is_stalled = true }, { .seconds = 4 } }, "" },
		{ "offset without reordering", { { .seconds = 60, .has_even_offset = true } }, "" },
		{ "key frames at 4 s", { { .seconds = 60, .gop_ms = 4000 } }, "" },
		{ "a square", { { .seconds = 20, .width_px = 720, .height_px = 720 } }, "" },
		{ "size unknown", { { .seconds = 20, .width_px = -1, .height_px = -1 } }, "" },
		{ "rate doubles", { { .seconds = 60, .swing_kbps = 2000 } }, "" },
		{ "low rate swings", { { .seconds = 60, .kbps = 50, .swing_kbps = 200 } }, "" },
		{ "begins low", { { .seconds = 4, .kbps = 100 }, { .seconds = 60 } }, "" },
		{ "sound 0.1 % fast for 2 min", { { .seconds = 120, .audio_ppm = 1000 } }, "" },
		{ "4 s without sound", { { .seconds = 10 }, { .seconds = 4, .is_audio_off = true }, { .seconds = 60 } },
		    "" },
		{ "3 frames a second", { { .seconds = 60, .frame_ms = 320 } }, "" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void turns_on_and_off_once(void **state)
{
	static const struct row rows[] = {
		{ "10 s", { { .seconds = 120, .gop_ms = 10000 } }, "+key_interval " },
		{ "10 s, then 2 s", { { .seconds = 60, .gop_ms = 10000 }, { .seconds = 60 } },
		    "+key_interval -key_interval " },
		{ "one key frame only", { { .seconds = 1 }, { .seconds = 60, .gop_ms = -1 } }, "+key_interval " },
		{ "no key frame at all", { { .seconds = 60, .gop_ms = -1 } }, "+key_interval " },
		{ "1 s and 9 s in turn", { { .seconds = 200, .gop_ms = 1000, .gop_other_ms = 9000 } },
		    "+key_interval " },
		{ "between 3 s and 4 s it stands",
		    { { .seconds = 30, .gop_ms = 5000 }, { .seconds = 100, .gop_ms = 3600 } }, "+key_interval " },
		{ "a jump hides no long interval",
		    { { .seconds = 9 }, { .seconds = 60, .gop_ms = 10000, .jump_ms = 999999 } }, "+key_interval " },
		{ "rates of far key frames are not swings", { { .seconds = 60, .gop_ms = 10000, .swing_kbps = 4000 } },
		    "+key_interval " },

		{ "B-frames", { { .seconds = 60, .has_b_frames = true } }, "+b_frames " },
		{ "B-frames, then none", { { .seconds = 20, .has_b_frames = true }, { .seconds = 30 } },
		    "+b_frames -b_frames " },
		{ "B-frames come and go",
		    { { .seconds = 20, .has_b_frames = true }, { .seconds = 5 },
			{ .seconds = 20, .has_b_frames = true } },
		    "+b_frames " },

		{ "upright", { { .seconds = 20, .width_px = 720, .height_px = 1280 } }, "+portrait " },
		{ "upright, then wide", { { .seconds = 20, .width_px = 720, .height_px = 1280 }, { .seconds = 20 } },
		    "+portrait -portrait " },

		{ "swings", { { .seconds = 120, .swing_kbps = 4000 } }, "+bitrate_swings " },
		{ "drops", { { .seconds = 120, .swing_kbps = 300 } }, "+bitrate_swings " },
		{ "swings, then steady", { { .seconds = 60, .swing_kbps = 4000 }, { .seconds = 60 } },
		    "+bitrate_swings -bitrate_swings " },

		{ "sound 0.5 % fast", { { .seconds = 120, .audio_ppm = 5000 } }, "+av_drift " },
		{ "sound 0.5 % slow", { { .seconds = 120, .audio_ppm = -5000 } }, "+av_drift " },
		{ "drift ends with a jump",
		    { { .seconds = 90, .audio_ppm = 5000 }, { .seconds = 60, .jump_ms = 77777 } },
		    "+av_drift -av_drift " },

		{ "no sound", { { .seconds = 60, .is_audio_off = true } }, "+no_audio " },
		{ "sound goes and comes",
		    { { .seconds = 10 }, { .seconds = 30, .is_audio_off = true }, { .seconds = 20 } },
		    "+no_audio -no_audio " },
		{ "the picture goes after a while",
		    { { .seconds = 40 }, { .seconds = 30, .is_video_off = true }, { .seconds = 30 } },
		    "+no_video -no_video " },
		{ "no picture", { { .seconds = 60, .is_video_off = true } }, "+no_video " },
		{ "the picture goes and comes",
		    { { .seconds = 10 }, { .seconds = 30, .is_video_off = true }, { .seconds = 30 } },
		    "+no_video -no_video " },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void says_it_with_numbers(void **state)
{
	static const struct {
		struct phase phases[2];
		const char *ja;
		const char *en;
	} rows[] = {
		{ { { .seconds = 3, .gop_ms = -1 }, { .seconds = 12, .gop_ms = 3600, .gop_other_ms = 4600 } },
		    "キーフレームの間隔が 5 秒です。2 秒にしてください。",
		    "Key frames come every 5 s. Please set 2 s." },
		{ { { .seconds = 8, .gop_ms = -1 } },
		    "キーフレームが 6 秒たっても来ません。キーフレームの間隔を 2 秒にしてください。",
		    "No key frame has come for 6 s. Please set the key-frame interval to 2 s." },
		{ { { .seconds = 4, .width_px = 720, .height_px = 1280 } },
		    "映像が縦長（720×1280 ピクセル）です。スマートフォンを横向きにして、配信を始め直してください。",
		    "The picture is upright (720 x 1280 pixels). Please hold the phone sideways and start again." },
		{ { { .seconds = 45, .audio_ppm = 10000 } },
		    "音声の時計が映像より 221 ミリ秒進んでいます。配信アプリを一度止めて、始め直してください。",
		    "The clock of the sound is 221 ms ahead of the picture. Please stop the app and start again." },
		{ { { .seconds = 45, .audio_ppm = -10000 } },
		    "音声の時計が映像より 240 ミリ秒遅れています。配信アプリを一度止めて、始め直してください。",
		    "The clock of the sound is 240 ms behind the picture. Please stop the app and start again." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scene s;

		scene_init(&s);
		play(&s, &rows[i].phases[0]);
		play(&s, &rows[i].phases[1]);
		assert_string_equal(s.ja, rows[i].ja);
		assert_string_equal(s.en, rows[i].en);
	}
}

static void knows_the_health(void **state)
{
	const struct phase ordinary = { .seconds = 21 };
	const struct phase none = { .seconds = 10, .is_stalled = true };
	struct event_health health;
	struct scene s;

	(void)state;
	scene_init(&s);
	advice_health(&s.advice, &health);
	assert_int_equal(health.video_kbps + health.audio_kbps + health.fps_milli + health.key_interval_ms, 0);
	play(&s, &ordinary);
	advice_health(&s.advice, &health);
	assert_in_range(health.video_kbps, 990, 1010);
	assert_in_range(health.audio_kbps, 118, 122);
	assert_int_equal(health.width_px, 1280);
	assert_int_equal(health.height_px, 720);
	assert_in_range(health.fps_milli, 24900, 25100);
	assert_in_range(health.key_interval_ms, 1960, 2040);
	play(&s, &none);
	advice_health(&s.advice, &health);
	assert_int_equal(health.video_kbps, 0);
	assert_int_equal(health.fps_milli, 0);
}

static void survives_any_time(void **state)
{
	static const int64_t wild[] = { 0, INT64_MAX, INT64_MIN, -1, 1, INT64_MAX / 2, INT64_MIN + 1, 90000 };
	struct track *track = track_create(TRACK_VIDEO, CODEC_H264, NULL, 0);
	struct track *sound = track_create(TRACK_AUDIO, CODEC_AAC, NULL, 0);
	struct event_health health;
	struct scene s;

	assert_non_null(track);
	assert_non_null(sound);
	(void)state;
	scene_init(&s);
	for (size_t i = 0; i < 500; i++) {
		struct frame *f = frame_create(i % 3 == 0 ? sound : track, i);

		assert_non_null(f);
		f->flags = i % 2 == 0 ? FRAME_KEY : 0;
		f->dts_90k = wild[i % ARRAY_LEN(wild)];
		f->pts_90k = wild[i * 5 % ARRAY_LEN(wild)];
		f->arrival_us = (int64_t)(i * i) * 10000;
		advice_frame(&s.advice, f);
		frame_unref(f);
		sound->sample_rate_hz = i % 7 == 0 ? 0 : (uint32_t)i;
		sound->samples_per_frame = UINT32_MAX;
		if (i % 10 == 0)
			advice_evaluate(&s.advice, (int64_t)(i * i) * 10000, hear, &s);
		s.said[0] = '\0';
		advice_health(&s.advice, &health);
	}
	track_unref(track);
	track_unref(sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_about_a_good_publisher),
		cmocka_unit_test(turns_on_and_off_once),
		cmocka_unit_test(says_it_with_numbers),
		cmocka_unit_test(knows_the_health),
		cmocka_unit_test(survives_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
