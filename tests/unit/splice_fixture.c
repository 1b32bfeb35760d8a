/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/splice_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/aac.h"
#include "media/fmp4_scan.h"

/* ---- sources ---- */

struct feed {
	const struct source_shape *shape;
	struct track *video;
	struct track *audio;
	struct cutter *cutter;
	struct fixture_parts *out;
	int64_t audio_count;
};

static struct track *sound_of(const struct source_shape *shape)
{
	/* AudioSpecificConfig, ISO 14496-3 §1.6.2.1: LC, index of the rate, channels */
	unsigned index = shape->rate_hz == 48000 ? 3 : shape->rate_hz == 44100 ? 4 : 5;
	unsigned bits = 2u << 11 | index << 7 | (shape->is_mono ? 1u : 2u) << 3;
	const uint8_t asc[] = { (uint8_t)(bits >> 8), (uint8_t)bits };
	struct track *t;

	assert_int_equal(aac_track_create(&t, asc, sizeof(asc)), PARSE_OK);
	return t;
}

static void push(struct feed *f, struct track *track, int64_t dts_90k, int64_t pts_90k, unsigned flags)
{
	struct frame *frame = fixture_frame(track, dts_90k, pts_90k, flags);

	frame->arrival_us = dts_90k * 100 / 9;
	fixture_push(f->cutter, f->out, frame);
}

static void push_sound_until(struct feed *f, int64_t until_90k)
{
	const struct source_shape *shape = f->shape;

	while (f->audio) {
		int64_t pts_90k = f->audio_count * 1024 * 90000 / shape->rate_hz;

		if (pts_90k >= until_90k)
			return;
		f->audio_count++;
		if (shape->audio_hole_90k > 0 && pts_90k >= shape->audio_hole_at_90k &&
		    pts_90k < shape->audio_hole_at_90k + shape->audio_hole_90k)
			continue;
		push(f, f->audio, shape->begins_90k + pts_90k, shape->begins_90k + pts_90k, FRAME_KEY);
	}
}

static int64_t time_of(const struct source_shape *shape, uint32_t i)
{
	return (int64_t)i * 90000 * shape->fps_den / shape->fps_num;
}

/* Where picture number i in decode order is shown: I P b b P b b, each GOP closed. */
static uint32_t shown_of(const struct source_shape *shape, uint32_t i)
{
	uint32_t in_gop = i % shape->gop;
	uint32_t group = shape->reorder + 1;
	uint32_t begin;
	uint32_t last;

	if (in_gop == 0 || shape->reorder == 0)
		return i;
	begin = (in_gop - 1) / group * group + 1;
	last = begin + group - 1 < shape->gop ? begin + group - 1 : shape->gop - 1;
	return i - in_gop + (in_gop == begin ? last : in_gop - 1);
}

static void feed(struct feed *f)
{
	const struct source_shape *shape = f->shape;
	const int64_t delay_90k = f->video && shape->reorder > 0 ? time_of(shape, 1) : 0;

	for (uint32_t i = 0; f->video && time_of(shape, i) < shape->lasts_90k; i++) {
		push_sound_until(f, time_of(shape, i));
		push(f, f->video, shape->begins_90k + time_of(shape, i),
		    shape->begins_90k + delay_90k + time_of(shape, shown_of(shape, i)),
		    i % shape->gop == 0 ? FRAME_KEY : 0);
	}
	push_sound_until(f, shape->lasts_90k);
	cutter_flush(f->cutter);
	fixture_drain(f->cutter, f->out);
}

void source_make(const struct source_shape *shape, struct fixture_parts *out)
{
	const struct cutter_config config = { .part_ms = 500, .segment_ms = 2000 };
	struct feed f = { .shape = shape, .out = out, .cutter = cutter_create(&config) };

	assert_non_null(f.cutter);
	if (shape->fps_num > 0)
		f.video = fixture_video();
	if (shape->rate_hz > 0)
		f.audio = sound_of(shape);
	feed(&f);
	assert_true(out->count > 0);
	cutter_destroy(&f.cutter);
	track_unref(f.video);
	track_unref(f.audio);
}

struct track *const *source_tracks(const struct part *part)
{
	return part->init->tracks;
}

size_t source_keys(const struct part *part, int64_t *pts_90k, size_t max)
{
	int64_t dts_90k = (int64_t)part->runs[0].base_decode_time;
	size_t n = 0;

	for (uint32_t i = 0; part->runs[0].kind == TRACK_VIDEO && i < part->runs[0].sample_count && n < max; i++) {
		const struct fmp4_sample *sample = &part->runs[0].samples[i];

		if (sample->is_key)
			pts_90k[n++] = dts_90k + sample->composition_offset;
		dts_90k += sample->duration;
	}
	return n;
}

/* ---- what must hold ---- */

static int64_t end_of(const struct fmp4_run *run)
{
	int64_t end = (int64_t)run->base_decode_time;

	for (uint32_t i = 0; i < run->sample_count; i++) {
		assert_true(run->samples[i].duration > 0);
		end += run->samples[i].duration;
	}
	return end;
}

/* The moof read again is what the sample tables say, and the mdat is as long. */
static void check_bytes(const struct part *part)
{
	size_t len = part->moof->size_bytes + part->mdat->size_bytes;
	uint8_t *both = malloc(len);
	struct fmp4_scan_fragment f;
	struct fmp4_scan_init init;

	assert_non_null(both);
	memcpy(both, part->moof->data, part->moof->size_bytes);
	memcpy(both + part->moof->size_bytes, part->mdat->data, part->mdat->size_bytes);
	assert_int_equal(fmp4_scan_read_init(&init, part->init->bytes->data, part->init->bytes->size_bytes), PARSE_OK);
	assert_int_equal(init.track_count, 2);
	assert_int_equal(init.tracks[1].timescale, 90000);
	assert_int_equal(fmp4_scan_read_fragment(&f, &init, both, len), PARSE_OK);
	assert_int_equal(f.sequence, part->sequence);
	assert_int_equal(f.mdat_bytes, part->mdat->size_bytes);
	assert_int_equal(f.run_count, part->run_count);
	for (size_t i = 0; i < f.run_count; i++)
		assert_int_equal(f.runs[i].base_decode_time, part->runs[i].base_decode_time);
	assert_int_equal(part->bytes, len);
	free(both);
}

static void check_sound(struct splice_check *c, const struct fmp4_run *run)
{
	int64_t begin = (int64_t)run->base_decode_time;

	assert_true(begin >= c->audio_end_90k);
	assert_true(begin - c->audio_end_90k < c->audio_frame_90k);
	c->audio_end_90k = end_of(run);
	for (uint32_t i = 0; i < run->sample_count; i++)
		assert_true(run->samples[i].duration < 2 * c->audio_frame_90k);
}

static void check_pictures(struct splice_check *c, const struct part *part, const struct fmp4_run *run)
{
	int64_t begin = (int64_t)run->base_decode_time;

	assert_int_equal(begin, part->start_90k);
	assert_int_equal(end_of(run), part->start_90k + part->duration_90k);
	assert_int_equal(part->is_independent, run->samples[0].is_key);
	if (!c->is_first && !c->may_have_hole)
		assert_int_equal(begin, c->end_90k);
	assert_true(begin >= c->end_90k);
	if (!c->is_first)
		return;
	assert_true(run->samples[0].is_key);
	assert_int_equal(run->samples[0].composition_offset, 0);
}

void splice_check_part(struct splice_check *c, const struct part *part, const struct splice *after)
{
	check_bytes(part);
	assert_int_equal(part->runs[0].kind, TRACK_VIDEO);
	check_pictures(c, part, &part->runs[0]);
	c->audio_frame_90k = (int64_t)after->run.frame_samples * 90000 / after->run.audio_rate + 1;
	if (part->run_count == 2)
		check_sound(c, &part->runs[1]);
	else /* no frame of sound is as short */
		assert_true(part->duration_90k < 2 * c->audio_frame_90k);
	assert_true(c->audio_end_90k > part->start_90k + part->duration_90k - c->audio_frame_90k);
	assert_true(c->audio_end_90k < part->start_90k + part->duration_90k + 2 * c->audio_frame_90k);
	assert_int_equal(part->wall_ms, splice_wall_ms(part->start_90k));
	assert_ptr_equal(part->init, after->init);
	assert_int_equal(after->end_90k, part->start_90k + part->duration_90k);
	c->total_90k += part->duration_90k;
	c->end_90k = after->end_90k;
	c->is_first = false;
	c->may_have_hole = false;
}
