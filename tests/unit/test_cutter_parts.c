/* SPDX-License-Identifier: Apache-2.0 */
/* How long parts are, over every rate, GOP and kind of stream there is: 85 to 100 % of the target. */
#include "packager/cutter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"
#include "media/opus.h"
#include "tests/unit/part_fixture.h"

enum {
	MS = 90,
	ORIGIN = 10000 * MS,
	LENGTH_MS = 26000,
};

enum audio_kind {
	AUDIO_NONE,
	AUDIO_AAC_48,
	AUDIO_AAC_44,
	AUDIO_OPUS, /* 20 ms */
	AUDIO_KINDS,
};

/* How a publisher writes times down. */
enum clock_kind {
	CLOCK_EXACT, /* 90 kHz, as in MPEG-TS */
	CLOCK_MS,    /* RTMP */
	CLOCK_SHAKY, /* and a phone's camera: up to 3 ms off */
	CLOCK_KINDS,
};

struct stream {
	const char *name;
	int64_t fps_num; /* 0: no video */
	int64_t fps_den;
	int gop_ms; /* a key frame at the first frame after each */
	int reorder;
	enum audio_kind audio;
	enum clock_kind clock;
	bool is_variable; /* every frame lasts 8 to 48 ms */
	uint32_t part_ms;
};

struct play {
	struct cutter *cutter;
	struct fixture_parts parts;
	struct track *video;
	struct track *audio;
	uint32_t seed;
};

static struct track *audio_of(enum audio_kind kind)
{
	struct opus_config config;
	struct track *t = NULL;

	switch (kind) {
	case AUDIO_NONE:
	case AUDIO_KINDS: return NULL;
	case AUDIO_AAC_48: return fixture_audio();
	case AUDIO_AAC_44: return fixture_audio_44100();
	case AUDIO_OPUS:
		opus_config_default(&config);
		assert_int_equal(opus_track_create_from_config(&t, &config), PARSE_OK);
		break;
	}
	return t;
}

static int64_t audio_time_90k(enum audio_kind kind, int64_t n)
{
	switch (kind) {
	case AUDIO_NONE:
	case AUDIO_KINDS: break;
	case AUDIO_AAC_48: return n * 1920;
	case AUDIO_AAC_44: return n * 1024 * 90000 / 44100;
	case AUDIO_OPUS: return n * 1800;
	}
	return INT64_MAX;
}

static uint32_t dice(struct play *p)
{
	return (p->seed = p->seed * 1664525u + 1013904223u) >> 8;
}

static int64_t as_written(struct play *p, enum clock_kind clock, int64_t time_90k)
{
	if (clock == CLOCK_SHAKY)
		time_90k += (int64_t)(dice(p) % 7 * MS) - 3 * MS;
	if (clock != CLOCK_EXACT)
		time_90k = (time_90k + MS / 2) / MS * MS;
	return ORIGIN + time_90k;
}

static void send_audio(struct play *p, const struct stream *s, int64_t n)
{
	int64_t at_90k = as_written(p, s->clock, audio_time_90k(s->audio, n));
	struct frame *f = fixture_frame(p->audio, at_90k, at_90k, FRAME_KEY);

	f->data[0] = 0x78; /* Opus: CELT, one frame of 20 ms; to AAC it is a byte like others */
	fixture_push(p->cutter, &p->parts, f);
}

static void run_stream(struct play *p, const struct stream *s)
{
	const int64_t length_90k = LENGTH_MS * MS;
	int64_t video_90k = s->fps_num ? 0 : INT64_MAX;
	int64_t next_key_90k = 0;
	int64_t audio_n = 0;
	int64_t n = 0;

	while (video_90k < length_90k || audio_time_90k(s->audio, audio_n) < length_90k) {
		unsigned flags = 0;
		int64_t at_90k;

		if (audio_time_90k(s->audio, audio_n) < video_90k) {
			send_audio(p, s, audio_n++);
			continue;
		}
		if (video_90k >= next_key_90k) {
			flags = FRAME_KEY;
			next_key_90k += s->gop_ms * MS;
		}
		at_90k = as_written(p, s->clock, video_90k);
		fixture_push(p->cutter, &p->parts,
		    fixture_frame(p->video, at_90k,
			at_90k + (s->reorder && flags ? s->reorder * 90000 * s->fps_den / s->fps_num : 0), flags));
		n++;
		video_90k = s->is_variable ? video_90k + (8 + dice(p) % 41) * MS : n * 90000 * s->fps_den / s->fps_num;
	}
}

static void begin(struct play *p, const struct stream *s)
{
	const struct cutter_config config = { .part_ms = s->part_ms, .segment_ms = 2000, .first_msn = 1 };

	*p = (struct play){ .seed = 1 };
	p->cutter = cutter_create(&config);
	assert_non_null(p->cutter);
	p->video = fixture_video();
	p->audio = audio_of(s->audio);
}

static void end(struct play *p)
{
	cutter_destroy(&p->cutter);
	fixture_parts_fini(&p->parts);
	track_unref(p->video);
	track_unref(p->audio);
}

static void check_lengths(const struct play *p, const struct stream *s, int64_t target_90k, const char *said)
{
	assert_true(p->parts.count > 20);
	for (size_t i = 0; i < p->parts.count; i++) {
		const struct part *part = p->parts.parts[i];

		if (part->duration_90k > target_90k ||
		    (!part->is_segment_end && part->duration_90k * 100 < target_90k * 85))
			fail_msg("%s, %s: part %u of segment %d lasts %d us, the target is %d ms", s->name, said,
			    part->index, (int)part->msn, (int)(part->duration_90k * 100 / 9), (int)(target_90k / MS));
		/* First pts = tfdt; where the times of a GOP's frames allow it, every other offset is what it must be.
		 */
		if (part->is_independent && part->runs[0].kind == TRACK_VIDEO)
			assert_int_equal(part->runs[0].samples[0].composition_offset, 0);
	}
	assert_int_equal(cutter_counters(p->cutter)->discontinuities, 0);
	assert_true(cutter_counters(p->cutter)->frames_dropped <= 5); /* what is heard before the first picture */
}

/* Design §6: at the first key frame after 2 s, else at a part boundary at 4 s. */
static void check_segments(const struct play *p, const struct stream *s, const char *said)
{
	int64_t segment_90k = 0;

	for (size_t i = 0; i < p->parts.count; i++) {
		const struct part *part = p->parts.parts[i];

		segment_90k = (part->is_segment_start ? 0 : segment_90k) + part->duration_90k;
		if (!part->is_segment_end || !s->fps_num)
			continue;
		if (segment_90k < 2000 * MS || segment_90k >= 4500 * MS)
			fail_msg(
			    "%s, %s: segment %d lasts %d ms", s->name, said, (int)part->msn, (int)(segment_90k / MS));
		if (i + 1 < p->parts.count && segment_90k < 4000 * MS)
			assert_true(p->parts.parts[i + 1]->is_independent);
	}
}

static void check_stream(const struct stream *s)
{
	const struct cutter_config config = { .part_ms = s->part_ms };
	struct play p;
	char said[80];

	(void)snprintf(said, sizeof(said), "GOP %d ms, audio %d, clock %d, part_ms %u", s->gop_ms, (int)s->audio,
	    (int)s->clock, s->part_ms);
	begin(&p, s);
	run_stream(&p, s);
	check_lengths(&p, s, (int64_t)cutter_part_target_ms(&config) * MS, said);
	check_segments(&p, s, said);
	end(&p);
}

static const uint32_t part_lengths[] = { 200, 500 };

static void video_of_any_rate(void **state)
{
	static const struct stream rates[] = {
		{ .name = "23.976", .fps_num = 24000, .fps_den = 1001 },
		{ .name = "24", .fps_num = 24, .fps_den = 1 },
		{ .name = "25", .fps_num = 25, .fps_den = 1 },
		{ .name = "29.97", .fps_num = 30000, .fps_den = 1001 },
		{ .name = "30", .fps_num = 30, .fps_den = 1 },
		{ .name = "50", .fps_num = 50, .fps_den = 1 },
		{ .name = "59.94", .fps_num = 60000, .fps_den = 1001 },
		{ .name = "60", .fps_num = 60, .fps_den = 1 },
	};
	static const int gops_ms[] = { 500, 2000, 3700, 10000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates) * ARRAY_LEN(gops_ms) * ARRAY_LEN(part_lengths); i++) {
		struct stream s = rates[i % ARRAY_LEN(rates)];

		s.gop_ms = gops_ms[i / ARRAY_LEN(rates) % ARRAY_LEN(gops_ms)];
		s.part_ms = part_lengths[i / ARRAY_LEN(rates) / ARRAY_LEN(gops_ms)];
		s.reorder = (int)(i % 3);
		for (int audio = 0; audio < AUDIO_KINDS; audio++) {
			s.audio = (enum audio_kind)audio;
			s.clock = (enum clock_kind)((i + (size_t)audio) % (s.reorder ? CLOCK_SHAKY : CLOCK_KINDS));
			check_stream(&s);
		}
	}
}

/* No frame lasts longer than 15 % of the target here: the rule has room. */
static void variable_rate(void **state)
{
	static const int gops_ms[] = { 500, 2000, 3700, 10000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gops_ms); i++) {
		struct stream s = { .name = "variable",
			.fps_num = 25,
			.fps_den = 1,
			.is_variable = true,
			.gop_ms = gops_ms[i],
			.part_ms = 500 };

		check_stream(&s);
		s.audio = AUDIO_AAC_44;
		s.clock = CLOCK_MS;
		check_stream(&s);
	}
}

static void audio_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(part_lengths); i++) {
		for (int audio = AUDIO_NONE + 1; audio < AUDIO_KINDS; audio++) {
			for (int clock = 0; clock < CLOCK_KINDS; clock++) {
				const struct stream s = { .name = "audio",
					.audio = (enum audio_kind)audio,
					.clock = (enum clock_kind)clock,
					.part_ms = part_lengths[i] };

				check_stream(&s);
			}
		}
	}
}

/* A frame that lasts long: whatever follows, no part is longer than the target; one before a hole may be short. */
static void no_part_is_longer_beside_a_hole(void **state)
{
	static const struct {
		const char *name;
		int every_ms;	     /* a picture */
		int hole_ms;	     /* after each 90 of them */
		bool has_audio;	     /* aac, one frame after each picture and as many as it takes */
		bool has_audio_hole; /* at the same time */
		int discontinuities;
	} cases[] = {
		{ "pictures alone", 40, 740, false, false, 3 },
		{ "pictures alone, a long hole", 40, 1900, false, false, 3 },
		{ "sound goes on", 40, 740, true, false, 0 },
		{ "sound goes on for long", 40, 1900, true, false, 0 },
		{ "nothing is there, the frames before it stretch", 40, 740, true, true, 0 },
		{ "nothing is there for a part", 40, 1900, true, true, 3 },
		{ "slow pictures with sound", 1000, 1000, true, false, 0 },
	};
	const struct cutter_config config = { .part_ms = 500 };
	int64_t target_90k = (int64_t)cutter_part_target_ms(&config) * MS;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stream s = { .name = cases[i].name,
			.gop_ms = 2000,
			.part_ms = 500,
			.audio = cases[i].has_audio ? AUDIO_AAC_48 : AUDIO_NONE };
		struct play p;
		int64_t heard_90k = ORIGIN;
		int n_short = 0;

		begin(&p, &s);
		for (int n = 0; n < 400; n++) {
			int64_t at_90k = ORIGIN +
			    ((int64_t)n * cases[i].every_ms + n / 90 * (cases[i].hole_ms - cases[i].every_ms)) * MS;

			if (cases[i].has_audio_hole && n > 0 && n % 90 == 0)
				heard_90k = at_90k;
			for (; cases[i].has_audio && heard_90k < at_90k; heard_90k += 1920)
				fixture_push(
				    p.cutter, &p.parts, fixture_frame(p.audio, heard_90k, heard_90k, FRAME_KEY));
			fixture_push(
			    p.cutter, &p.parts, fixture_frame(p.video, at_90k, at_90k, n % 50 == 0 ? FRAME_KEY : 0));
		}
		for (size_t k = 0; k < p.parts.count; k++) {
			const struct part *part = p.parts.parts[k];

			if (part->duration_90k > target_90k)
				fail_msg("%s: a part of %d ms", s.name, (int)(part->duration_90k / MS));
			n_short += !part->is_segment_end && part->duration_90k * 100 < target_90k * 85;
		}
		assert_in_range(n_short, 0, 8);
		assert_int_equal(cutter_counters(p.cutter)->discontinuities, cases[i].discontinuities);
		end(&p);
	}
}

/* One picture a second and nothing else: each is a part, there is no hole. */
static void slow_pictures_alone_are_parts(void **state)
{
	struct stream s = { .name = "slow", .gop_ms = 2000, .part_ms = 500 };
	struct play p;

	(void)state;
	begin(&p, &s);
	for (int n = 0; n < 20; n++) {
		int64_t at_90k = ORIGIN + n * 1000 * MS;

		fixture_push(p.cutter, &p.parts, fixture_frame(p.video, at_90k, at_90k, n % 10 == 0 ? FRAME_KEY : 0));
	}
	assert_true(p.parts.count >= 18);
	for (size_t i = 0; i < p.parts.count; i++)
		assert_int_equal(p.parts.parts[i]->duration_90k, 1000 * MS);
	assert_int_equal(cutter_counters(p.cutter)->discontinuities, 0);
	end(&p);
}

static void target_follows_part_ms(void **state)
{
	static const struct {
		uint32_t part_ms;
		uint32_t target_ms;
	} cases[] = { { 200, 217 }, { 250, 259 }, { 300, 300 }, { 500, 500 }, { 1000, 1000 }, { 2000, 2000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cutter_config config = { .part_ms = cases[i].part_ms };

		assert_int_equal(cutter_part_target_ms(&config), cases[i].target_ms);
	}
	for (uint32_t part_ms = 200; part_ms <= 2000; part_ms++) {
		const struct cutter_config config = { .part_ms = part_ms };

		assert_in_range(cutter_part_target_ms(&config), part_ms, part_ms * 115 / 100);
	}
}

/* Where key frames come as often as parts could be long, every part begins with one. */
static void parts_end_before_key_frames(void **state)
{
	struct stream s = { .name = "GOP 0.44", .fps_num = 25, .fps_den = 1, .gop_ms = 440, .part_ms = 500 };
	struct play p;

	(void)state;
	begin(&p, &s);
	run_stream(&p, &s);
	for (size_t i = 0; i < p.parts.count; i++)
		assert_true(p.parts.parts[i]->is_independent);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_follows_part_ms),
		cmocka_unit_test(video_of_any_rate),
		cmocka_unit_test(variable_rate),
		cmocka_unit_test(audio_alone),
		cmocka_unit_test(no_part_is_longer_beside_a_hole),
		cmocka_unit_test(slow_pictures_alone_are_parts),
		cmocka_unit_test(parts_end_before_key_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
