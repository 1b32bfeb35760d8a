/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/cutter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "packager/assemble.h"
#include "packager/lane.h"
#include "packager/run_clock.h"

enum {
	TICKS_PER_MS = 90,
	SECOND_TRACK_WAIT_90K = 90000,
	END_TOLERANCE_90K = 40 * 90,   /* a frame this near to the guessed end of a run is its true end */
	STALL_90K = 2 * 90000,	       /* a track this far behind the other is not waited for */
	KEYLESS_AUDIO_90K = 4 * 90000, /* audio kept while video has not shown a key frame yet */
	SEGMENT_MAX_BYTES = 16 << 20,  /* more forces a cut */
	PART_MAX_SAMPLES = 2048,       /* of the leading track */
	SEGMENT_MAX_PARTS = 64,	       /* bounds what one segment's list of pieces can become */
	HELD_MAX_BYTES = 32 << 20,     /* frames held while waiting for the other track */
	HELD_MAX_SAMPLES = 2 * PART_MAX_SAMPLES,
	AHEAD_MAX_MS = 500, /* of the wall clock; less when parts are shorter: a part is out when it has passed */
};

enum cutter_state {
	CUTTER_WAITING, /* for a key frame and, for a while, for the second track */
	CUTTER_RUNNING,
	CUTTER_CLOSING, /* what is held comes out, then waiting again */
};

/* Where the open part ends. */
struct boundary {
	int64_t time_90k;
	size_t leading_count;  /* so many samples of the leading lane belong to it */
	int64_t video_end_90k; /* where its last picture ends: later when it stands beyond the part */
	bool ends_segment;
	bool is_forced; /* no key frame follows */
	bool ends_run;	/* nothing is there until the next frame */
	bool is_last;	/* of the run: what lies behind it is dropped */
};

struct cutter {
	enum cutter_state state;
	int64_t part_90k;
	int64_t segment_90k;
	int64_t segment_max_90k; /* 2 x segment: the next part boundary ends it */
	int64_t segment_hard_90k;

	struct lane lanes[TRACK_KINDS];
	struct frame *incoming;
	struct run_clock clock;
	struct part_init *init; /* of the run, and the last one while waiting */
	unsigned last_init_version;
	bool is_video_seen;	    /* while waiting: frames came, a key frame perhaps not */
	bool is_restart_wanted;	    /* a track appeared or changed: begin anew at the next key frame */
	bool is_fresh[TRACK_KINDS]; /* no frame of it since the last discontinuity: its own flag says nothing new */
	bool has_new_key;
	int64_t new_key_90k; /* pts of the key frame that nobody has asked for yet */
	bool needs_discontinuity;
	bool is_drained;       /* closing: the last part is out */
	int64_t run_limit_90k; /* closing: where the frame that ended the run begins; INT64_MAX: nowhere */

	int64_t run_start_90k;
	int64_t part_start_90k;
	int64_t segment_start_90k;
	size_t segment_bytes;
	bool has_boundary;
	struct boundary boundary;
	size_t scanned;	      /* leading samples looked at for the open part */
	size_t scanned_bytes; /* payload of those before the last one looked at */
	bool is_slow;	      /* the run: every picture lasts longer than a part, and nothing else is there */

	uint64_t msn;
	uint32_t part_index;
	uint32_t sequence;
	uint64_t discontinuity_sequence;
	struct cutter_counters counters;
};

void cutter_destroy(struct cutter **c)
{
	if (!*c)
		return;
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		lane_fini(&(*c)->lanes[kind]);
	frame_unref((*c)->incoming);
	part_init_unref((*c)->init);
	free(*c);
	*c = NULL;
}

struct cutter *cutter_create(const struct cutter_config *config)
{
	struct cutter *c = calloc(1, sizeof(*c));

	assert(config->part_ms > 0 && config->segment_ms >= config->part_ms);
	if (!c)
		return NULL;
	c->part_90k = (int64_t)cutter_part_target_ms(config) * TICKS_PER_MS;
	c->segment_90k = (int64_t)config->segment_ms * TICKS_PER_MS;
	c->segment_max_90k = 2 * c->segment_90k;
	c->segment_hard_90k = cutter_longest_segment_90k(config->segment_ms);
	c->msn = config->first_msn;
	c->discontinuity_sequence = config->discontinuity_sequence;
	c->sequence = config->last_sequence;
	c->last_init_version = config->last_init_version;
	c->needs_discontinuity = config->is_continued;
	run_clock_init(
	    &c->clock, config->mono_zero_wall_ms, config->part_ms < AHEAD_MAX_MS ? config->part_ms : AHEAD_MAX_MS);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		lane_init(&c->lanes[kind], (enum track_kind)kind);
		lane_go_on_from(&c->lanes[kind], config->media_end_90k);
		c->is_fresh[kind] = true;
	}
	return c;
}

static void set_state(struct cutter *c, enum cutter_state next)
{
	switch (c->state) {
	case CUTTER_WAITING: assert(next == CUTTER_RUNNING); break;
	case CUTTER_RUNNING: assert(next == CUTTER_CLOSING || next == CUTTER_WAITING); break;
	case CUTTER_CLOSING: assert(next == CUTTER_WAITING); break;
	}
	c->state = next;
}

/* Is the track of this kind in the init segment of the run? */
static bool has_track(const struct cutter *c, enum track_kind kind)
{
	return c->init->tracks[kind] != NULL;
}

static struct lane *leading_lane(struct cutter *c)
{
	return &c->lanes[has_track(c, TRACK_VIDEO) ? TRACK_VIDEO : TRACK_AUDIO];
}

static size_t held_bytes(const struct cutter *c)
{
	return c->lanes[TRACK_VIDEO].bytes + c->lanes[TRACK_AUDIO].bytes;
}

static bool holds_too_much(const struct cutter *c)
{
	return held_bytes(c) >= HELD_MAX_BYTES || c->lanes[TRACK_VIDEO].count >= HELD_MAX_SAMPLES ||
	    c->lanes[TRACK_AUDIO].count >= HELD_MAX_SAMPLES;
}

static void drop_held(struct cutter *c, enum track_kind kind)
{
	c->counters.frames_dropped += c->lanes[kind].count;
	lane_reset(&c->lanes[kind]);
}

/* ---- waiting ---- */

/* What comes next stands behind a discontinuity, in a segment of its own. */
static void break_off_segment(struct cutter *c)
{
	c->needs_discontinuity = c->needs_discontinuity || c->counters.parts > 0;
	if (c->part_index > 0) { /* it has no last part */
		c->part_index = 0;
		c->msn++;
	}
}

static void note_end_of_run(struct cutter *c)
{
	c->is_drained = false;
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		lane_set_floor(&c->lanes[kind], c->part_start_90k);
	c->is_video_seen = false;
	c->is_restart_wanted = false;
	c->has_boundary = false;
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		drop_held(c, (enum track_kind)kind);
		c->is_fresh[kind] = true;
	}
	break_off_segment(c);
	set_state(c, CUTTER_WAITING);
}

static int renew_init(struct cutter *c)
{
	struct track *video = c->lanes[TRACK_VIDEO].track;
	struct track *audio = c->lanes[TRACK_AUDIO].track;
	struct part_init *made;
	int err;

	if (c->init && track_is_same(c->init->tracks[TRACK_VIDEO], video) &&
	    track_is_same(c->init->tracks[TRACK_AUDIO], audio))
		return 0;
	err = part_init_create(&made, c->last_init_version + 1, video, audio);
	if (err)
		return err;
	c->last_init_version++;
	part_init_unref(c->init);
	c->init = made;
	return 0;
}

static void begin_part(struct cutter *c, int64_t time_90k)
{
	c->part_start_90k = time_90k;
	c->has_boundary = false;
	c->scanned = 0;
	c->scanned_bytes = 0;
}

static void begin_segment(struct cutter *c, int64_t time_90k)
{
	c->segment_start_90k = time_90k;
	c->segment_bytes = 0;
	begin_part(c, time_90k);
}

/* What is heard before the first picture of a run would stand before its segment. */
static void drop_early_audio(struct cutter *c)
{
	size_t early = lane_count_before(&c->lanes[TRACK_AUDIO], c->run_start_90k);

	c->counters.frames_dropped += early;
	lane_drop(&c->lanes[TRACK_AUDIO], early);
}

/* What leads says when the run is. */
static void begin_clock(struct cutter *c)
{
	const struct lane *lead = leading_lane(c);

	run_clock_begin(&c->clock, c->run_start_90k);
	for (size_t i = 0; i < lead->count; i++)
		run_clock_note(&c->clock, lane_at(lead, i)->time_90k, lane_at(lead, i)->frame->arrival_us);
}

static void begin_run(struct cutter *c)
{
	c->run_start_90k = lane_at(leading_lane(c), 0)->time_90k;
	c->is_slow = false;
	begin_clock(c);
	drop_early_audio(c);
	begin_segment(c, c->run_start_90k);
}

static int start_run(struct cutter *c)
{
	int err = renew_init(c);

	if (err) {
		drop_held(c, TRACK_VIDEO);
		drop_held(c, TRACK_AUDIO);
		return err == -ENOMEM ? err : 0; /* a track that cannot be described is as good as none */
	}
	begin_run(c);
	set_state(c, CUTTER_RUNNING);
	return 0;
}

static bool has_waited(const struct lane *l)
{
	return l->count > 0 && l->newest_90k - lane_at(l, 0)->time_90k >= SECOND_TRACK_WAIT_90K;
}

static bool can_start(const struct cutter *c)
{
	const struct lane *video = &c->lanes[TRACK_VIDEO];
	const struct lane *audio = &c->lanes[TRACK_AUDIO];

	if (video->count > 0)
		return audio->count > 0 || has_waited(video) || holds_too_much(c);
	return !c->is_video_seen && (has_waited(audio) || holds_too_much(c));
}

static int push_to_lane(struct cutter *c, struct frame *frame)
{
	struct lane *lane = &c->lanes[frame->track->kind];
	uint64_t anchors = lane->anchors;
	int err = lane_push(lane, frame);

	c->counters.audio_anchors += lane->anchors - anchors;
	if (err)
		c->counters.frames_dropped++;
	return err == -ENOMEM ? err : 0;
}

static void trim_keyless_audio(struct cutter *c)
{
	struct lane *audio = &c->lanes[TRACK_AUDIO];

	while (audio->count > 0 &&
	    (audio->newest_90k - lane_at(audio, 0)->time_90k > KEYLESS_AUDIO_90K || audio->count >= HELD_MAX_SAMPLES ||
		audio->bytes >= HELD_MAX_BYTES)) {
		lane_drop(audio, 1);
		c->counters.frames_dropped++;
	}
}

static int accept_waiting(struct cutter *c, struct frame *frame)
{
	enum track_kind kind = frame->track->kind;
	struct lane *lane = &c->lanes[kind];
	int err;

	if ((frame->flags & FRAME_DISCONTINUITY) && !c->is_fresh[kind]) {
		drop_held(c, TRACK_VIDEO);
		drop_held(c, TRACK_AUDIO);
		c->is_fresh[TRACK_VIDEO] = c->is_fresh[TRACK_AUDIO] = true;
	}
	c->is_fresh[kind] = false;
	c->is_video_seen = c->is_video_seen || kind == TRACK_VIDEO;
	if (lane->track && !track_is_same(lane->track, frame->track))
		drop_held(c, kind);
	if (kind == TRACK_VIDEO && lane->count == 0 && !frame_is_key(frame)) {
		c->counters.frames_dropped++;
		return 0;
	}
	err = push_to_lane(c, frame);
	if (err)
		return err;
	if (can_start(c))
		return start_run(c);
	if (c->lanes[TRACK_VIDEO].count == 0)
		trim_keyless_audio(c);
	return 0;
}

/* ---- running ---- */

/* Audio has gone on so far without video that it leads. */
static bool has_video_stalled(const struct cutter *c)
{
	const struct lane *audio = &c->lanes[TRACK_AUDIO];
	int64_t seen_90k = c->lanes[TRACK_VIDEO].newest_90k;

	return has_track(c, TRACK_VIDEO) && has_track(c, TRACK_AUDIO) && audio->is_anchored &&
	    audio->newest_90k - seen_90k >= STALL_90K;
}

/* The decode time a frame will have, more or less: the lane decides. */
static int64_t begin_of(const struct cutter *c, const struct frame *frame)
{
	const struct lane *lane = &c->lanes[frame->track->kind];

	if (!frame_is_video(frame) || frame_is_key(frame))
		return frame->pts_90k + lane->ahead_90k;
	return frame->dts_90k + lane->ahead_90k + lane->shift_90k;
}

/* A frame that is further ahead than we may stretch the one before it: something was lost, on both tracks. */
static bool is_behind_hole(const struct cutter *c, const struct frame *frame)
{
	int64_t last_90k = c->part_start_90k;
	int64_t begins_90k = begin_of(c, frame);

	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		if (last_90k < c->lanes[kind].newest_90k)
			last_90k = c->lanes[kind].newest_90k;
	}
	return begins_90k - last_90k > c->segment_90k;
}

/* Looks at a frame before it is taken in: must what runs now end before it? */
static bool ends_run(struct cutter *c, const struct frame *frame)
{
	enum track_kind kind = frame->track->kind;
	bool is_known = track_is_same(c->init->tracks[kind], frame->track);

	if ((frame->flags & FRAME_DISCONTINUITY) && !c->is_fresh[kind])
		return true;
	if (kind == TRACK_VIDEO && has_track(c, TRACK_VIDEO) && !is_known)
		return true;
	if (kind == TRACK_AUDIO && !is_known && (!has_track(c, TRACK_VIDEO) || has_video_stalled(c)))
		return true;
	if (c->clock.is_ahead && (kind == TRACK_VIDEO ? frame_is_key(frame) : !has_track(c, TRACK_VIDEO))) {
		c->counters.runs_ahead++;
		return true;
	}
	c->is_restart_wanted = c->is_restart_wanted || !is_known;
	if (c->is_restart_wanted && kind == TRACK_VIDEO && frame_is_key(frame))
		return true;
	return is_known && is_behind_hole(c, frame);
}

static int accept_running(struct cutter *c, struct frame *frame)
{
	enum track_kind kind = frame->track->kind;
	struct lane *lane = &c->lanes[kind];
	size_t count = lane->count;
	int err;

	c->is_fresh[kind] = false;
	if (!track_is_same(c->init->tracks[kind], frame->track)) {
		c->counters.frames_dropped++;
		return 0;
	}
	err = push_to_lane(c, frame);
	if (lane->count > count && lane == leading_lane(c))
		run_clock_note(&c->clock, lane->newest_90k, frame->arrival_us);
	if (!err && kind == TRACK_AUDIO)
		drop_early_audio(c);
	return err;
}

static bool set_boundary(struct cutter *c, int64_t time_90k, size_t leading_count, bool is_before_key)
{
	int64_t lasts_90k = time_90k - c->segment_start_90k;
	bool is_too_big = c->segment_bytes + c->scanned_bytes >= SEGMENT_MAX_BYTES ||
	    leading_count >= PART_MAX_SAMPLES || c->part_index + 1 >= SEGMENT_MAX_PARTS;
	bool is_long_enough = lasts_90k >= c->segment_max_90k;

	if (!has_track(c, TRACK_VIDEO))
		is_long_enough = lasts_90k >= c->segment_90k - c->part_90k / 2;
	c->boundary = (struct boundary){
		.time_90k = time_90k,
		.leading_count = leading_count,
		.video_end_90k = time_90k,
		.ends_segment = is_before_key || is_too_big || is_long_enough,
		.is_forced = has_track(c, TRACK_VIDEO) && !is_before_key,
	};
	c->has_boundary = true;
	return true;
}

/* Where a part of audio alone ends: anywhere will do. */
static int64_t audio_cut_90k(const struct cutter *c)
{
	int64_t part_90k = c->part_start_90k + c->part_90k;
	int64_t hard_90k = c->segment_start_90k + c->segment_hard_90k;

	return part_90k < hard_90k ? part_90k : hard_90k;
}

/*
 * Whose first frame already lasts longer than a part, with nothing beside it: pictures that follow slowly, no hole.
 * Such parts are longer than the target; to be less, each would have to end the run.
 */
static bool is_slow_run(struct cutter *c)
{
	bool is_video_alone = has_track(c, TRACK_VIDEO) && !has_track(c, TRACK_AUDIO);

	c->is_slow = is_video_alone && (c->is_slow || c->part_start_90k == c->run_start_90k);
	return c->is_slow;
}

/*
 * The part has one frame of the leading track and the next begins at next_90k, beyond the part's end. A picture stands
 * on while there is sound; with nothing else there, nothing is known of the time until then.
 */
static bool set_boundary_in_hole(struct cutter *c, int64_t next_90k)
{
	const struct lane *lead = leading_lane(c);
	int64_t lasts_90k = (int64_t)lead->usual_duration * FMP4_VIDEO_TIMESCALE / lead->timescale;

	if (has_track(c, TRACK_VIDEO) && has_track(c, TRACK_AUDIO)) {
		set_boundary(c, audio_cut_90k(c), 1, false);
		c->boundary.video_end_90k = next_90k;
		return true;
	}
	if (lasts_90k > c->part_90k)
		lasts_90k = c->part_90k;
	set_boundary(c, c->part_start_90k + lasts_90k, 1, false);
	c->boundary.ends_segment = true;
	c->boundary.ends_run = true;
	return true;
}

/*
 * The leading track has a frame (or, at the end, nothing) that begins at time_90k, number i of the open part: does the
 * part end there, or before the frame in front of it?
 */
static bool look_at(struct cutter *c, size_t i, int64_t time_90k, bool is_key)
{
	const struct lane *lead = leading_lane(c);
	int64_t part_lasts_90k = time_90k - c->part_start_90k;
	int64_t segment_lasts_90k = time_90k - c->segment_start_90k;
	int64_t before_90k = i > 0 ? lane_at(lead, i - 1)->time_90k : c->part_start_90k;
	bool can_end_before = before_90k > c->part_start_90k;

	if (part_lasts_90k <= 0)
		return false;
	if (i == 0 && time_90k > audio_cut_90k(c)) /* audio alone until here */
		return set_boundary(c, audio_cut_90k(c), 0, false);
	if (can_end_before && part_lasts_90k > c->part_90k)
		return set_boundary(c, before_90k, i - 1, false);
	if (can_end_before && segment_lasts_90k > c->segment_hard_90k) {
		set_boundary(c, before_90k, i - 1, false);
		c->boundary.ends_segment = true;
		return true;
	}
	if (i == 1 && part_lasts_90k > c->part_90k && !is_slow_run(c))
		return set_boundary_in_hole(c, time_90k);
	if (is_key && has_track(c, TRACK_VIDEO) && segment_lasts_90k >= c->segment_90k)
		return set_boundary(c, time_90k, i, true);
	if (is_key && has_track(c, TRACK_VIDEO) && part_lasts_90k * 100 >= c->part_90k * CUTTER_PART_MIN_PERCENT)
		return set_boundary(c, time_90k, i, false);
	if (part_lasts_90k >= c->part_90k || i >= PART_MAX_SAMPLES ||
	    c->segment_bytes + c->scanned_bytes >= SEGMENT_MAX_BYTES)
		return set_boundary(c, time_90k, i, false);
	return false;
}

static bool find_boundary(struct cutter *c)
{
	const struct lane *lead = leading_lane(c);
	const struct lane_sample *s;

	while (!c->has_boundary && c->scanned < lead->count) {
		s = lane_at(lead, c->scanned);
		if (c->scanned > 0)
			c->scanned_bytes += lane_at(lead, c->scanned - 1)->frame->size_bytes;
		if (!look_at(c, c->scanned, s->time_90k, frame_is_key(s->frame)))
			c->scanned++;
	}
	if (!c->has_boundary && has_video_stalled(c))
		set_boundary(c, audio_cut_90k(c), lead->count, false);
	return c->has_boundary;
}

/* At the end of a run: up to the frame that ended it when that is near, else as long as the frame before it lasted. */
static int64_t end_of_lane(const struct cutter *c, const struct lane *lane)
{
	int64_t end_90k = lane_end_90k(lane);

	if (c->run_limit_90k > lane->newest_90k && c->run_limit_90k < end_90k + END_TOLERANCE_90K)
		return c->run_limit_90k;
	return end_90k;
}

/* Like find_boundary, and what is left at last. */
static bool find_last_boundary(struct cutter *c)
{
	const struct lane *lead = leading_lane(c);
	const struct lane *audio = &c->lanes[TRACK_AUDIO];
	int64_t end_90k;

	if (c->is_drained || lead->count + audio->count == 0)
		return false;
	if (find_boundary(c))
		return true;
	end_90k = end_of_lane(c, lead->count > 0 ? lead : audio);
	if (lead->count == 0 && end_90k > audio_cut_90k(c))
		return set_boundary(c, audio_cut_90k(c), 0, false);
	if (lead->count > 0 && look_at(c, lead->count, end_90k, false) && c->boundary.leading_count < lead->count)
		return true;
	if (end_90k > c->part_start_90k + c->part_90k && !c->is_slow)
		end_90k = c->part_start_90k + c->part_90k;
	if (end_90k <= c->part_start_90k)
		end_90k = c->part_start_90k + 1;
	set_boundary(c, end_90k, lead->count, false);
	c->boundary.ends_segment = true;
	c->boundary.is_last = true;
	return true;
}

/* Is all audio there that belongs before the boundary, with one more frame that says how long its last one lasts? */
static bool is_audio_complete(const struct cutter *c)
{
	const struct lane *audio = &c->lanes[TRACK_AUDIO];

	if (!has_track(c, TRACK_VIDEO) || !has_track(c, TRACK_AUDIO) || c->state == CUTTER_CLOSING)
		return true;
	return audio->newest_90k >= c->boundary.time_90k ||
	    c->lanes[TRACK_VIDEO].newest_90k - audio->newest_90k >= STALL_90K || holds_too_much(c);
}

static void describe(struct cutter *c, struct part *p)
{
	const struct lane *lead = leading_lane(c);
	const struct lane_sample *first = c->boundary.leading_count > 0 ? lane_at(lead, 0) : NULL;

	p->msn = c->msn;
	p->index = c->part_index;
	p->start_90k = c->part_start_90k;
	p->duration_90k = c->boundary.time_90k - c->part_start_90k;
	p->wall_ms = run_clock_wall_ms(&c->clock, p->start_90k);
	p->is_segment_start = c->part_index == 0;
	p->is_segment_end = c->boundary.ends_segment;
	p->is_discontinuity = c->needs_discontinuity;
	p->is_independent = first && first->time_90k == c->part_start_90k && frame_is_key(first->frame);
	p->init = part_init_ref(c->init);
	if (p->is_discontinuity) {
		c->discontinuity_sequence++;
		c->counters.discontinuities++;
	}
	p->discontinuity_sequence = c->discontinuity_sequence;
	c->needs_discontinuity = false;
}

static void advance(struct cutter *c, const size_t counts[TRACK_KINDS], size_t bytes)
{
	int64_t end_90k = c->boundary.time_90k;

	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		lane_drop(&c->lanes[kind], counts[kind]);
	if (has_track(c, TRACK_VIDEO))
		lane_set_floor(&c->lanes[TRACK_VIDEO], end_90k);
	c->segment_bytes += bytes;
	c->is_drained = c->boundary.is_last;
	if (!c->boundary.ends_segment) {
		begin_part(c, end_90k);
		return;
	}
	if (c->part_index > 0) {
		c->counters.segments++;
		c->counters.segments_forced += c->boundary.is_forced;
		c->part_index = 0;
		c->msn++;
	}
	begin_segment(c, end_90k);
}

/* The run has ended at the open part; the next one begins at the first key frame behind it, when that is there. */
static void begin_behind_hole(struct cutter *c)
{
	struct lane *lead = leading_lane(c);
	size_t lost = 0;

	while (lost < lead->count && frame_is_video(lane_at(lead, lost)->frame) &&
	    !frame_is_key(lane_at(lead, lost)->frame))
		lost++;
	c->counters.frames_dropped += lost;
	lane_drop(lead, lost);
	if (lead->count == 0 && c->state == CUTTER_CLOSING) {
		c->is_drained = true;
		return;
	}
	if (lead->count == 0) {
		note_end_of_run(c);
		return;
	}
	break_off_segment(c);
	begin_run(c);
}

/* The part up to the boundary; *out stays NULL when nothing at all lies before it: no part tells of that time. */
static int emit(struct cutter *c, struct part **out)
{
	size_t counts[TRACK_KINDS] = { 0 };
	struct assemble_input in = {
		.lanes = { &c->lanes[TRACK_VIDEO], &c->lanes[TRACK_AUDIO] },
		.video_end_90k = c->boundary.video_end_90k,
		.max_stretch_90k = c->segment_90k,
		.sequence = c->sequence + 1,
	};
	bool ends_run;
	int err;

	if (has_track(c, TRACK_VIDEO))
		counts[TRACK_VIDEO] = c->boundary.leading_count;
	if (has_track(c, TRACK_AUDIO))
		counts[TRACK_AUDIO] = lane_count_before(&c->lanes[TRACK_AUDIO], c->boundary.time_90k);
	if (counts[TRACK_VIDEO] + counts[TRACK_AUDIO] == 0) {
		advance(c, counts, 0);
		if (!c->is_drained)
			begin_behind_hole(c);
		return 0;
	}
	in.counts[TRACK_VIDEO] = counts[TRACK_VIDEO];
	in.counts[TRACK_AUDIO] = counts[TRACK_AUDIO];
	err = assemble_part(out, &in);
	if (err)
		return err;
	describe(c, *out);
	c->sequence++;
	c->part_index++;
	c->counters.parts++;
	ends_run = c->boundary.ends_run;
	advance(c, counts, (*out)->bytes);
	if (ends_run)
		begin_behind_hole(c);
	return 0;
}

static int next_part(struct cutter *c, struct part **out)
{
	for (;;) {
		bool is_found = c->state == CUTTER_CLOSING ? find_last_boundary(c) : find_boundary(c);
		int err;

		if (!is_found || !is_audio_complete(c))
			return 0;
		err = emit(c, out);
		if (err || *out)
			return err;
	}
}

/* ---- at the door ---- */

static void close_run(struct cutter *c, int64_t limit_90k)
{
	c->run_limit_90k = limit_90k;
	set_state(c, CUTTER_CLOSING);
}

void cutter_push(struct cutter *c, struct frame *frame)
{
	assert(!c->incoming);
	if (lane_can_use(frame))
		c->incoming = frame_ref(frame);
	else
		c->counters.frames_dropped++;
}

void cutter_flush(struct cutter *c)
{
	assert(!c->incoming);
	if (c->state == CUTTER_WAITING && c->lanes[TRACK_VIDEO].count + c->lanes[TRACK_AUDIO].count > 0)
		(void)start_run(c); /* memory out: then there is nothing to flush */
	if (c->state == CUTTER_RUNNING)
		close_run(c, INT64_MAX);
}

static void note_key(struct cutter *c, const struct frame *frame)
{
	const struct lane *lane = &c->lanes[frame->track->kind];
	bool is_in = lane->count > 0 && lane_at(lane, lane->count - 1)->frame == frame;

	if (!is_in || !frame_is_video(frame) || !frame_is_key(frame))
		return;
	c->has_new_key = true;
	c->new_key_90k = begin_of(c, frame);
}

static int accept(struct cutter *c)
{
	struct frame *frame = c->incoming;
	int err;

	c->incoming = NULL;
	err = c->state == CUTTER_WAITING ? accept_waiting(c, frame) : accept_running(c, frame);
	note_key(c, frame);
	frame_unref(frame);
	return err;
}

static int pop(struct cutter *c, struct part **out)
{
	int err;

	if (c->state == CUTTER_RUNNING && c->incoming && ends_run(c, c->incoming))
		close_run(c, frame_is_video(c->incoming) ? begin_of(c, c->incoming) : INT64_MAX);
	if (c->state == CUTTER_CLOSING) {
		err = next_part(c, out);
		if (err || *out)
			return err;
		note_end_of_run(c);
	}
	if (c->incoming) {
		err = accept(c);
		if (err)
			return err;
	}
	return c->state == CUTTER_RUNNING ? next_part(c, out) : 0;
}

int cutter_pop(struct cutter *c, struct part **out)
{
	int err;

	*out = NULL;
	err = pop(c, out);
	if (err && c->state != CUTTER_WAITING)
		note_end_of_run(c);
	return err;
}

bool cutter_take_key(struct cutter *c, int64_t *pts_90k)
{
	bool has_key = c->has_new_key;

	c->has_new_key = false;
	if (has_key)
		*pts_90k = c->new_key_90k;
	return has_key;
}

uint64_t cutter_next_msn(const struct cutter *c)
{
	return c->part_index > 0 ? c->msn + 1 : c->msn;
}

const struct cutter_counters *cutter_counters(const struct cutter *c)
{
	return &c->counters;
}
