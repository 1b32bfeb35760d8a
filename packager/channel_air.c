/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_air.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "packager/cutter.h"

enum {
	TICKS_PER_MS = 90,
	JUMP_TARGETS = 2, /* target durations */
	WAIT_PARTS = 4,	  /* at the start, for the clock to come to where the life before had got */
};

void channel_air_fini(struct channel_air *a)
{
	splice_fini(&a->splice);
}

/*
 * The first part ends now, or when the clock has come to where an earlier life of the channel had got. Where that is
 * far ahead (the wall clock was set back), the timeline goes on behind it, and is ahead of the wall clock by as much.
 */
void channel_air_init(struct channel_air *a, const struct channel_air_config *config)
{
	const struct cutter_config cutter = { .part_ms = config->part_ms, .segment_ms = config->segment_ms };
	unsigned last_init = config->first.init_version > 0 ? (unsigned)config->first.init_version - 1 : 0;
	int64_t begin_90k;

	*a = (struct channel_air){ .config = *config, .next = config->first };
	a->needs_discontinuity = config->is_continued;
	a->part_90k = (int64_t)cutter_part_target_ms(&cutter) * TICKS_PER_MS;
	a->longest_90k = cutter_longest_segment_90k(config->segment_ms);
	a->jump_90k = (int64_t)JUMP_TARGETS * cutter_target_duration_s(config->segment_ms) * 1000 * TICKS_PER_MS;
	a->start_90k = splice_position_90k(config->start_wall_ms);
	begin_90k = a->start_90k - a->part_90k;
	if (config->min_start_90k - begin_90k > WAIT_PARTS * a->part_90k)
		a->start_90k = config->min_start_90k + a->part_90k;
	if (begin_90k < config->min_start_90k)
		begin_90k = config->min_start_90k;
	splice_init(&a->splice, config->slate, begin_90k, last_init);
}

int64_t channel_air_position_90k(const struct channel_air *a, int64_t now_us)
{
	return a->start_90k + (now_us - a->config.start_mono_us) * TICKS_PER_MS / 1000;
}

int64_t channel_air_time_us(const struct channel_air *a, int64_t position_90k)
{
	/* rounded up: then it is there */
	return a->config.start_mono_us + ((position_90k - a->start_90k) * 1000 + TICKS_PER_MS - 1) / TICKS_PER_MS;
}

int64_t channel_air_wall_ms(const struct channel_air *a, int64_t now_us)
{
	return a->config.start_wall_ms + (now_us - a->config.start_mono_us) / 1000;
}

bool channel_air_catch_up(struct channel_air *a, int64_t now_us)
{
	int64_t now_90k = channel_air_position_90k(a, now_us);

	if (now_90k - a->splice.end_90k <= a->jump_90k)
		return false;
	splice_jump(&a->splice, now_90k - a->part_90k);
	a->has_run = false;
	return true;
}

static void note_run(struct channel_air *a, bool is_slate)
{
	/* before the very first part of all there is nothing to break with */
	a->needs_discontinuity = a->needs_discontinuity || a->next.part != a->config.first.part;
	a->has_run = true;
	a->is_slate = is_slate;
}

int channel_air_begin(struct channel_air *a, const struct part *part, int64_t source_90k)
{
	int err = splice_begin_run(&a->splice, part->init->tracks, source_90k);

	if (err) {
		a->has_run = false;
		return err;
	}
	note_run(a, false);
	a->source_end_90k = source_90k;
	return 0;
}

/* ---- numbers ---- */

static bool begins_segment(const struct channel_air *a, const struct part *out, bool is_wanted)
{
	return is_wanted || !a->is_segment_open || a->needs_discontinuity ||
	    a->segment_90k + out->duration_90k > a->longest_90k;
}

static void number(struct channel_air *a, struct part *out, bool is_start_wanted, bool is_end)
{
	if (begins_segment(a, out, is_start_wanted)) {
		a->is_segment_open = true;
		a->next.msn++;
		a->index = 0;
		a->segment_90k = 0;
	}
	out->is_segment_start = a->index == 0;
	out->is_discontinuity = a->needs_discontinuity;
	a->next.discontinuity_sequence += a->needs_discontinuity;
	a->needs_discontinuity = false;
	out->discontinuity_sequence = a->next.discontinuity_sequence;
	out->msn = a->next.msn - 1;
	out->index = a->index++;
	a->next.part++;
	if (a->next.init_version <= out->init->version)
		a->next.init_version = (uint64_t)out->init->version + 1;
	a->segment_90k += out->duration_90k;
	out->is_segment_end = is_end;
	a->is_segment_open = !is_end;
}

static int splice_off(struct channel_air *a, const struct splice_slice *slice, struct part **out)
{
	int err = splice_part(&a->splice, slice, (uint32_t)a->next.part, out);

	if (err)
		a->has_run = false;
	return err;
}

static void publish(struct channel_air *a, struct part *out, int64_t now_us)
{
	a->ahead_90k = a->splice.end_90k - channel_air_position_90k(a, now_us);
	a->config.publish(a->config.arg, out);
}

int channel_air_put(struct channel_air *a, const struct channel_air_put *put)
{
	const struct part *part = put->part;
	const struct splice_slice slice = { part, put->from_90k, put->until_90k };
	int64_t end_90k = part->start_90k + part->duration_90k;
	bool is_whole = put->until_90k >= end_90k;
	struct part *out;
	int err = splice_off(a, &slice, &out);

	if (err)
		return err;
	a->source_end_90k = is_whole ? end_90k : put->until_90k;
	if (!out)
		return 0;
	snprintf(out->origin, sizeof(out->origin), "%s", put->origin);
	number(a, out, part->is_segment_start, put->is_segment_end || (is_whole && part->is_segment_end));
	publish(a, out, put->now_us);
	return 0;
}

/* ---- the slate ---- */

static int begin_slate(struct channel_air *a)
{
	struct track *const tracks[TRACK_KINDS] = { [TRACK_VIDEO] = slate_track(a->config.slate) };
	int err = splice_begin_run(&a->splice, tracks, 0);

	if (err)
		return err;
	note_run(a, true);
	a->picture = 0;
	return 0;
}

/* Its segments last segment_ms and begin with its key frame. */
static bool is_slate_due(const struct channel_air *a, int64_t segment_90k)
{
	return a->picture % slate_pictures(a->config.slate) == 0 &&
	    segment_90k >= (int64_t)a->config.segment_ms * TICKS_PER_MS;
}

static void publish_slate(struct channel_air *a, struct part *out, bool is_segment_end, int64_t now_us)
{
	bool is_start = is_slate_due(a, a->segment_90k);

	a->picture += (uint32_t)(out->duration_90k / slate_picture_90k(a->config.slate));
	number(a, out, is_start, false);
	out->is_segment_end = is_segment_end || is_slate_due(a, a->segment_90k);
	a->is_segment_open = !out->is_segment_end;
	a->slate_90k += out->duration_90k;
	publish(a, out, now_us);
}

int channel_air_put_slate(struct channel_air *a, int64_t until_90k, bool is_segment_end, int64_t now_us)
{
	struct splice_slice slice = { .from_90k = INT64_MIN, .until_90k = INT64_MAX };
	struct part *source;
	struct part *out;
	int64_t room_90k;
	int err = 0;

	if (until_90k - a->splice.end_90k < slate_picture_90k(a->config.slate))
		return -EAGAIN;
	if (!a->has_run || !a->is_slate)
		err = begin_slate(a);
	if (err)
		return err;
	room_90k = until_90k - a->splice.end_90k; /* now: pictures of the old run may have been waited for */
	err = slate_part(a->config.slate, a->picture, room_90k < a->part_90k ? room_90k : a->part_90k, &source);
	if (err || !source)
		return err ? err : -EAGAIN;
	slice.part = source;
	err = splice_off(a, &slice, &out);
	part_unref(source);
	if (err || !out)
		return err ? err : -EAGAIN;
	publish_slate(a, out, is_segment_end, now_us);
	return 0;
}
