/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/channel_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "packager/splice.h"
#include "tests/unit/part_fixture.h"

enum {
	LONGEST_PART_90K = WORLD_PART_90K + 90,
	READ_AHEAD_90K = 3 * 90000,
	READ_US = 20 * WORLD_MS, /* from one look to the next */
	SLATE_PICTURES = 60,
	FRAME_BYTES_MAX = 64,
};

static const struct world_stream usual_stream = { .gop = 60, .origin_90k = 900000 };

/* ---- the slate: 60 pictures, one key frame ---- */

static size_t append_nal(uint8_t *out, const uint8_t *nal, size_t len)
{
	static const uint8_t start[] = { 0, 0, 0, 1 };

	memcpy(out, start, sizeof(start));
	memcpy(out + sizeof(start), nal, len);
	return sizeof(start) + len;
}

static struct slate *make_slate(void)
{
	static const uint8_t delimiter[] = { 0x09, 0xf0 };
	static const uint8_t sps[] = { 0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00,
		0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48 };
	static const uint8_t pps[] = { 0x68, 0xcb, 0x83, 0xcb, 0x20 };
	static const uint8_t key[] = { 0x65, 0x88, 0x84, 0x11 };
	static const uint8_t other[] = { 0x41, 0x9a, 0x84, 0x11 };
	uint8_t bytes[SLATE_PICTURES * FRAME_BYTES_MAX];
	struct slate *slate = NULL;
	size_t len = 0;

	for (size_t i = 0; i < SLATE_PICTURES; i++) {
		len += append_nal(bytes + len, delimiter, sizeof(delimiter));
		if (i == 0) {
			len += append_nal(bytes + len, sps, sizeof(sps));
			len += append_nal(bytes + len, pps, sizeof(pps));
		}
		len +=
		    i == 0 ? append_nal(bytes + len, key, sizeof(key)) : append_nal(bytes + len, other, sizeof(other));
	}
	assert_int_equal(slate_create(&slate, bytes, len, 3000), 0);
	return slate;
}

/* ---- what must always hold ---- */

static void check_numbers(const struct world *w, const struct part *p, const struct part *before)
{
	int64_t segment_90k = p->duration_90k;

	assert_int_equal(p->sequence, before->sequence + 1);
	assert_int_equal(p->discontinuity_sequence, before->discontinuity_sequence + p->is_discontinuity);
	assert_int_equal(p->is_segment_start, p->index == 0);
	assert_true(p->is_segment_start || !before->is_segment_end);
	assert_int_equal(p->msn, before->msn + p->is_segment_start);
	assert_int_equal(p->index, p->is_segment_start ? 0 : before->index + 1);
	for (size_t i = w->count; i > 0 && w->parts[i - 1]->msn == p->msn; i--)
		segment_90k += w->parts[i - 1]->duration_90k;
	assert_true(segment_90k <= cutter_longest_segment_90k(WORLD_SEGMENT_MS));
}

static void check_times(const struct world *w, const struct part *p, const struct part *before)
{
	int64_t end_90k = before->start_90k + before->duration_90k;

	if (w->may_jump && p->is_discontinuity)
		assert_true(p->start_90k >= end_90k);
	else if (p->is_discontinuity) /* pictures that were reordered are waited for */
		assert_in_range(p->start_90k - end_90k, 0, 3 * 3000);
	else
		assert_int_equal(p->start_90k, end_90k);
}

static void check_part(const struct world *w, const struct part *p)
{
	const struct part *before = w->count > 0 ? w->parts[w->count - 1] : NULL;

	assert_true(p->duration_90k > 0 && p->duration_90k <= LONGEST_PART_90K);
	assert_true(!p->is_discontinuity || (p->is_segment_start && p->is_independent));
	assert_non_null(p->init->tracks[TRACK_VIDEO]);
	assert_non_null(p->init->tracks[TRACK_AUDIO]);
	assert_int_equal(p->wall_ms, splice_wall_ms(p->start_90k));
	if (before) {
		check_numbers(w, p, before);
		check_times(w, p, before);
		/* another source, another run */
		assert_true(strcmp(p->origin, before->origin) == 0 || p->is_discontinuity);
	}
}

int64_t world_position_90k(const struct world *w, int64_t now_us)
{
	(void)w;
	return splice_position_90k(WORLD_WALL_MS) + now_us * 90 / 1000;
}

/* After each event. */
static void look(struct world *w)
{
	int64_t ahead_90k = channel_end_90k(w->channel) - world_position_90k(w, w->now_us);
	int64_t least_90k;

	if (-ahead_90k > w->max_behind_90k)
		w->max_behind_90k = -ahead_90k;
	if (w->seen == w->count)
		return;
	w->seen = w->count;
	w->min_ahead_90k = ahead_90k < w->min_ahead_90k ? ahead_90k : w->min_ahead_90k;
	w->max_ahead_90k = ahead_90k > w->max_ahead_90k ? ahead_90k : w->max_ahead_90k;
	assert_true(ahead_90k < WORLD_PART_90K);
	/* while a stream is left, its last part comes as late as a whole one, and what follows comes with it */
	least_90k = channel_state(w->channel)->pending[0] ? -WORLD_PART_90K - 100 * 90 : -WORLD_PART_90K;
	assert_true(ahead_90k > least_90k || w->may_fall_behind);
}

/* ---- ops ---- */

static void on_publish(void *arg, struct part *part)
{
	struct world *w = arg;

	check_part(w, part);
	assert_true(w->count < WORLD_PARTS);
	w->at_us[w->count] = w->now_us;
	w->parts[w->count++] = part;
}

static void on_want_clip(void *arg, const char *clip_id)
{
	struct world *w = arg;

	w->reading = NULL;
	if (!clip_id)
		return;
	for (size_t i = 0; i < WORLD_CLIPS; i++) {
		if (strcmp(w->clips[i].id, clip_id) == 0)
			w->reading = &w->clips[i];
	}
	assert_non_null(w->reading);
	w->reading->asked++;
	w->read = 0;
	w->is_end_told = false;
	w->read_at_us = w->now_us + w->reading->delay_us;
}

static void on_changed(void *arg, const struct channel_state *state)
{
	struct world *w = arg;

	assert_true((state->kind == CHANNEL_SLATE) == (state->id[0] == '\0'));
	w->changes++;
}

/* ---- streams ---- */

static void free_stream(struct world_stream *s)
{
	cutter_destroy(&s->cutter);
	track_unref(s->video);
	track_unref(s->audio);
	memset(s, 0, sizeof(*s));
}

struct world_stream *world_stream_start(struct world *w, size_t i, const struct world_stream *like)
{
	static const struct cutter_config cutter = { .part_ms = WORLD_PART_MS, .segment_ms = WORLD_SEGMENT_MS };
	struct world_stream *s = &w->streams[i];

	free_stream(s);
	*s = like ? *like : usual_stream;
	s->gop = s->gop ? s->gop : usual_stream.gop;
	s->origin_90k += (int64_t)i * 12345678;
	snprintf(s->name, sizeof(s->name), "%c", (char)('a' + i));
	s->start_us = w->now_us;
	s->video = s->is_sound_only ? NULL : s->is_large ? fixture_video_large() : fixture_video();
	s->audio = s->is_video_only ? NULL : fixture_audio();
	s->cutter = cutter_create(&cutter);
	assert_non_null(s->cutter);
	s->is_on = true;
	channel_stream_begin(w->channel, s->name, w->now_us);
	look(w);
	return s;
}

static void ship(struct world *w, struct world_stream *s)
{
	struct part *part;

	for (;;) {
		int err = cutter_pop(s->cutter, &part);

		if (!part && !err)
			return;
		if (part) {
			channel_stream_part(w->channel, s->name, part, w->now_us);
			look(w);
		}
		part_unref(part);
	}
}

void world_stream_stop(struct world *w, size_t i)
{
	struct world_stream *s = &w->streams[i];

	assert_true(s->is_on);
	cutter_flush(s->cutter);
	ship(w, s);
	channel_stream_end(w->channel, s->name, w->now_us);
	look(w);
	free_stream(s);
}

static int64_t video_us(const struct world_stream *s, int64_t n)
{
	int64_t us = n * 1000000 / (s->is_large ? 25 : 30);

	return s->start_us + us - us * s->fast_ppm / 1000000;
}

static int64_t audio_us(const struct world_stream *s, int64_t n)
{
	int64_t us = n * 1024 * 1000 / 48;

	return s->start_us + us - us * s->fast_ppm / 1000000;
}

static void send(struct world *w, struct world_stream *s, struct frame *frame)
{
	frame->arrival_us = w->now_us;
	if (!s->is_silent) {
		if (frame_is_video(frame) && frame_is_key(frame)) {
			channel_stream_key(w->channel, s->name, frame->pts_90k, w->now_us);
			look(w);
		}
		cutter_push(s->cutter, frame);
		ship(w, s);
	}
	frame_unref(frame);
}

static void send_video(struct world *w, struct world_stream *s)
{
	static const int order[3] = { 2, -1, 0 }; /* I b b, as shown */
	int64_t ticks = s->is_large ? 3600 : 3000;
	int64_t n = s->video_n++;
	int64_t in_gop = n % s->gop;
	bool is_key = in_gop == 0 && !s->is_keyless;
	int64_t shown = n;
	unsigned flags = (is_key ? FRAME_KEY : 0) | (s->is_marked ? FRAME_DISCONTINUITY : 0);

	if (s->has_b_frames)
		shown = n + 2 + (in_gop == 0 ? 0 : order[(in_gop + 2) % 3] == 0 ? -1 : 0);
	s->is_marked = false;
	send(w, s, fixture_frame(s->video, s->origin_90k + n * ticks, s->origin_90k + shown * ticks, flags));
}

static void send_audio(struct world *w, struct world_stream *s)
{
	int64_t at_90k = s->origin_90k + s->audio_n++ * 1920;
	unsigned flags = FRAME_KEY | (s->is_audio_marked ? FRAME_DISCONTINUITY : 0);

	s->is_audio_marked = false;
	send(w, s, fixture_frame(s->audio, at_90k, at_90k, flags));
}

/* ---- clips ---- */

void world_clip_make(struct world *w, size_t i, int64_t length_ms)
{
	static struct fixture_parts made;
	static const struct cutter_config config = { .part_ms = WORLD_PART_MS, .segment_ms = WORLD_SEGMENT_MS };
	struct world_clip *clip = &w->clips[i];
	struct cutter *cutter = cutter_create(&config);
	struct track *video = fixture_video_large();

	assert_non_null(cutter);
	snprintf(clip->id, sizeof(clip->id), "c%zu", i);
	made.count = 0;
	for (int64_t n = 0; n * 40 < length_ms; n++)
		fixture_push(
		    cutter, &made, fixture_frame(video, 7777 + n * 3600, 7777 + n * 3600, n % 50 == 0 ? FRAME_KEY : 0));
	cutter_flush(cutter);
	fixture_drain(cutter, &made);
	assert_true(made.count <= WORLD_CLIP_PARTS);
	for (size_t n = 0; n < made.count; n++)
		clip->parts[n] = part_ref(made.parts[n]);
	clip->count = made.count;
	clip->err_after = made.count;
	clip->delay_us = 30 * WORLD_MS;
	fixture_parts_fini(&made);
	track_unref(video);
	cutter_destroy(&cutter);
}

static void read_clip(struct world *w)
{
	struct world_clip *clip = w->reading;

	w->read_at_us = w->now_us + READ_US;
	while (w->reading == clip && w->read < clip->err_after && channel_clip_held_90k(w->channel) < READ_AHEAD_90K) {
		channel_clip_part(w->channel, clip->parts[w->read++], w->now_us);
		look(w);
	}
	if (w->reading == clip && w->read == clip->err_after && !w->is_end_told) {
		w->is_end_told = true;
		channel_clip_end(w->channel, clip->err, w->now_us);
		look(w);
	}
}

/* ---- plans ---- */

void world_plan(struct world *w, const struct plan_channel *entry)
{
	struct plan *plan = plan_create();
	struct plan_channel *copy;

	assert_non_null(plan);
	copy = plan->channels = calloc(1, sizeof(*copy));
	assert_non_null(copy);
	plan->n_channels = 1;
	*copy = *entry;
	snprintf(copy->id, sizeof(copy->id), "main");
	snprintf(copy->profile, sizeof(copy->profile), "720p30");
	copy->on_air = calloc(entry->n_on_air + 1, sizeof(entry->on_air[0]));
	copy->filler = calloc(entry->n_filler + 1, sizeof(entry->filler[0]));
	assert_true(copy->on_air && copy->filler);
	if (entry->n_on_air > 0)
		memcpy(copy->on_air, entry->on_air, entry->n_on_air * sizeof(entry->on_air[0]));
	if (entry->n_filler > 0)
		memcpy(copy->filler, entry->filler, entry->n_filler * sizeof(entry->filler[0]));
	plan_unref(w->plan);
	w->plan = plan;
	channel_take_plan(w->channel, plan, w->now_us);
	look(w);
}

void world_override(struct world *w, enum plan_override_kind kind, const char *id)
{
	struct plan_channel entry = { 0 };

	if (w->plan)
		entry = w->plan->channels[0];
	entry.override = (struct plan_override){ .kind = kind };
	snprintf(entry.override.id, sizeof(entry.override.id), "%s", id);
	world_plan(w, &entry);
}

/* ---- time ---- */

static int64_t next_event_us(struct world *w, struct world_stream **stream, bool *is_audio)
{
	int64_t next_us = channel_wake_us(w->channel);

	*stream = NULL;
	if (w->reading && w->read_at_us < next_us)
		next_us = w->read_at_us;
	for (size_t i = 0; i < WORLD_STREAMS; i++) {
		struct world_stream *s = &w->streams[i];

		if (!s->is_on)
			continue;
		for (int audio = 0; audio < 2; audio++) {
			int64_t at_us = audio ? audio_us(s, s->audio_n) : video_us(s, s->video_n);

			if ((audio ? s->audio : s->video) && at_us < next_us) {
				next_us = at_us;
				*stream = s;
				*is_audio = audio;
			}
		}
	}
	return next_us;
}

void world_run(struct world *w, int64_t for_us)
{
	int64_t until_us = w->now_us + for_us;

	for (;;) {
		struct world_stream *stream;
		bool is_audio = false;
		int64_t next_us = next_event_us(w, &stream, &is_audio);

		if (next_us > until_us)
			break;
		w->now_us = next_us > w->now_us ? next_us : w->now_us;
		look(w);
		if (stream && is_audio)
			send_audio(w, stream);
		else if (stream)
			send_video(w, stream);
		else if (w->reading && w->read_at_us == next_us)
			read_clip(w);
		else
			assert_true(channel_tick(w->channel, w->now_us) > w->now_us);
		look(w);
	}
	w->now_us = until_us;
}

void world_run_until_on(struct world *w, enum channel_kind kind, const char *id, int64_t limit_us)
{
	int64_t until_us = w->now_us + limit_us;

	while (channel_state(w->channel)->kind != kind || strcmp(channel_state(w->channel)->id, id) != 0) {
		if (w->now_us >= until_us)
			fail_msg("%s does not come on", id);
		world_run(w, WORLD_MS);
	}
}

/* ---- the world ---- */

void world_open_with(struct world *w, const struct channel_config *changes)
{
	struct channel_config config = *changes;

	config.id = "main";
	config.part_ms = WORLD_PART_MS;
	config.segment_ms = WORLD_SEGMENT_MS;
	config.slate = w->slate;
	config.ops = (struct channel_ops){ w, on_publish, on_want_clip, on_changed };
	config.start_wall_ms = WORLD_WALL_MS;
	assert_int_equal(channel_create(&w->channel, &config), 0);
}

void world_open(struct world *w)
{
	const struct channel_config config = { .first = { .msn = 100, .part = 1, .init_version = 1 } };

	world_open_with(w, &config);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->slate = make_slate();
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < WORLD_STREAMS; i++)
		free_stream(&w->streams[i]);
	for (size_t i = 0; i < WORLD_CLIPS; i++) {
		for (size_t n = 0; n < w->clips[i].count; n++)
			part_unref(w->clips[i].parts[n]);
	}
	for (size_t i = 0; i < w->count; i++)
		part_unref(w->parts[i]);
	channel_destroy(&w->channel);
	plan_unref(w->plan);
	slate_destroy(&w->slate);
	free(w);
	return 0;
}

/* ---- looking back ---- */

const struct part *world_last(const struct world *w)
{
	assert_true(w->count > 0);
	return w->parts[w->count - 1];
}

size_t world_find(const struct world *w, size_t from, const char *origin)
{
	while (from < w->count && strcmp(w->parts[from]->origin, origin) != 0)
		from++;
	if (from == w->count)
		fail_msg("nothing of '%s' was published", origin);
	return from;
}

uint32_t world_pictures(const struct part *part)
{
	uint32_t n = 0;

	for (size_t i = 0; i < part->run_count; i++)
		n += part->runs[i].kind == TRACK_VIDEO ? part->runs[i].sample_count : 0;
	return n;
}

const struct channel_state *world_state(const struct world *w)
{
	return channel_state(w->channel);
}

void world_assert_why(const struct world *w, enum channel_why why)
{
	assert_string_equal(channel_why_name(world_state(w)->why), channel_why_name(why));
}

/* A player that keeps three parts never ran dry. */
void world_assert_never_dry(const struct world *w)
{
	assert_true(w->max_behind_90k < 3 * WORLD_PART_90K);
}

/* The world, a plan that puts the streams of world_override on, and stream "a" on the air. */
struct world *world_open_with_a(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_stream_start(w, 0, NULL);
	world_override(w, PLAN_OVERRIDE_STREAM, "a");
	world_run_until_on(w, CHANNEL_LIVE, "a", 5 * WORLD_SECOND);
	return w;
}
