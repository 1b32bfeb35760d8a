/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW_MIN_SEGMENTS = 6,
	FIRST_CAPACITY = 32,
	PLAIN_MIN_SEGMENTS = 3, /* players keep so many from the end (RFC 8216bis §6.3.3: three target durations) */
};

void window_fini(struct window *w)
{
	for (size_t i = 0; i < w->segment_count; i++)
		segment_destroy(&w->segments[i]);
	free(w->segments);
	segment_destroy(&w->open);
	rendering_clear(&w->main);
	rendering_clear(&w->media);
	body_unref(w->init_body);
	body_unref(w->stray);
	memset(w, 0, sizeof(*w));
}

void window_init(struct window *w, const char *epoch)
{
	memset(w, 0, sizeof(*w));
	assert(strlen(epoch) < sizeof(w->epoch));
	memcpy(w->epoch, epoch, strlen(epoch) + 1);
	w->is_independent = true;
}

int window_fix_main(struct window *w, struct shared *text)
{
	w->is_main_fixed = rendering_take_main(&w->main, text) == 0;
	return w->is_main_fixed ? 0 : -ENOMEM;
}

/* What it says has changed. */
static void renew_main(struct window *w)
{
	if (!w->is_main_fixed)
		rendering_clear(&w->main);
}

/* ---- what leaves it ---- */

static void drop_oldest(struct window *w)
{
	assert(w->segment_count > 0);
	w->bytes -= w->segments[0]->bytes;
	segment_destroy(&w->segments[0]);
	w->segment_count--;
	memmove(w->segments, w->segments + 1, w->segment_count * sizeof(w->segments[0]));
	if (w->listed > 0)
		w->listed--;
}

static int64_t duration_between(const struct window *w, size_t from, size_t to)
{
	int64_t sum = 0;

	for (size_t i = from; i < to; i++)
		sum += w->segments[i]->duration_90k;
	return sum;
}

/* Of segments[from..to): how many of the oldest can go so that a window is left? */
static size_t count_beyond(const struct window *w, const struct window_rules *rules, size_t from, size_t to)
{
	int64_t left_90k = duration_between(w, from, to);
	size_t n = 0;

	while (to - from - n > WINDOW_MIN_SEGMENTS &&
	    left_90k - w->segments[from + n]->duration_90k >= rules->duration_90k)
		left_90k -= w->segments[from + n++]->duration_90k;
	return n;
}

static void trim(struct window *w, const struct window_rules *rules)
{
	w->listed += count_beyond(w, rules, w->listed, w->segment_count);
	for (size_t n = count_beyond(w, rules, 0, w->listed); n > 0; n--)
		drop_oldest(w);
	while (w->bytes > rules->max_bytes && w->segment_count > 1) {
		drop_oldest(w);
		w->capped++;
	}
}

/* ---- what comes ---- */

/*
 * RFC 8216bis §4.4.6.2: the peak is taken over runs of segments that last between 0.5 and 1.5 times the target. Here
 * those that end with the newest one.
 */
static void note_peak(struct window *w, const struct window_rules *rules)
{
	int64_t target_90k = (int64_t)rules->target_duration_s * 90000;
	int64_t duration_90k = 0;
	uint64_t bytes = 0;

	for (size_t i = w->segment_count; i-- > 0;) {
		uint64_t bps;

		duration_90k += w->segments[i]->duration_90k;
		bytes += w->segments[i]->bytes;
		if (duration_90k * 2 > target_90k * 3)
			return;
		if (duration_90k * 2 < target_90k)
			continue;
		bps = bytes * 8 * 90000 / (uint64_t)duration_90k;
		if (w->peak_bps < bps)
			w->peak_bps = bps;
	}
}

static int make_room(struct window *w)
{
	size_t wanted = w->segment_capacity == 0 ? FIRST_CAPACITY : w->segment_capacity * 2;
	struct segment **bigger;

	if (w->segment_count < w->segment_capacity)
		return 0;
	bigger = realloc(w->segments, wanted * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	w->segments = bigger;
	w->segment_capacity = wanted;
	return 0;
}

static void discard_open(struct window *w)
{
	if (!w->open)
		return;
	w->bytes -= w->open->bytes;
	segment_destroy(&w->open);
	w->needs_discontinuity = true;
}

/* Media sequence numbers must not jump inside a playlist: where a segment is missing it begins anew. */
static bool is_behind_last(const struct window *w, uint64_t msn)
{
	return w->listed < w->segment_count && w->segments[w->segment_count - 1]->msn + 1 == msn;
}

static int complete_open(struct window *w, const struct window_rules *rules)
{
	struct segment *segment = w->open;

	if (segment_complete(segment) != 0 || make_room(w) != 0) {
		discard_open(w);
		return -ENOMEM;
	}
	if (!is_behind_last(w, segment->msn))
		w->listed = w->segment_count;
	w->segments[w->segment_count++] = segment;
	w->open = NULL;
	note_peak(w, rules);
	trim(w, rules);
	renew_main(w);
	return 0;
}

/* Other tracks from here on: CODECS and what stands beside it change. */
static bool has_new_init(const struct window *w, const struct segment *s)
{
	return w->segment_count > 0 && w->segments[w->segment_count - 1]->init != s->init;
}

static int open_segment(struct window *w, const struct part *part)
{
	struct segment *s = segment_create(part);

	if (!s)
		return -ENOMEM;
	if (w->needs_discontinuity && !s->is_discontinuity) {
		s->is_discontinuity = true;
		w->discontinuities++;
	}
	s->discontinuity_sequence += w->discontinuities;
	w->needs_discontinuity = false;
	w->is_cut_off = false;
	if ((w->is_independent && !s->is_independent) || has_new_init(w, s))
		renew_main(w);
	w->is_independent = w->is_independent && s->is_independent;
	w->open = s;
	return 0;
}

static void keep_stray(struct window *w, const struct part *part)
{
	struct shared *const pieces[] = { part->moof, part->mdat };

	w->stray = body_create(pieces, 2);
	w->needs_discontinuity = true;
}

static int append(struct window *w, const struct window_rules *rules, const struct part *part)
{
	if (!w->open && (!part->is_segment_start || open_segment(w, part) != 0)) {
		keep_stray(w, part);
		return w->is_cut_off ? 0 : -ENOMEM;
	}
	if (segment_append(w->open, part) != 0) {
		if (w->open->part_count == 0 || complete_open(w, rules) != 0)
			discard_open(w);
		keep_stray(w, part);
		return -ENOMEM;
	}
	w->bytes += part->bytes;
	return part->is_segment_end ? complete_open(w, rules) : 0;
}

int window_add(struct window *w, const struct window_rules *rules, const struct part *part)
{
	bool is_behind_loss = w->newest_sequence > 0 && part->sequence != w->newest_sequence + 1;
	int err = 0;

	assert(!w->is_ended);
	body_unref(w->stray);
	w->stray = NULL;
	/* It broke off; what it has is all there will be. */
	if (w->open && (w->open->msn != part->msn || is_behind_loss))
		err = complete_open(w, rules);
	w->needs_discontinuity = w->needs_discontinuity || is_behind_loss;
	w->newest_sequence = part->sequence;
	rendering_clear(&w->media);
	if (append(w, rules, part) != 0)
		err = -ENOMEM;
	return err;
}

int window_pass_over(struct window *w, const struct window_rules *rules, const struct part *part)
{
	int err;

	assert(!w->is_ended);
	body_unref(w->stray);
	w->stray = NULL;
	err = w->open ? complete_open(w, rules) : 0;
	w->needs_discontinuity = true;
	w->is_cut_off = true;
	w->newest_sequence = part->sequence;
	rendering_clear(&w->media);
	return err;
}

static bool is_meant(const struct segment *s, const char *origin, int64_t before_ms)
{
	return s->wall_ms < before_ms && (origin[0] == '\0' || strcmp(s->origin, origin) == 0);
}

static void remove_segment(struct window *w, size_t i)
{
	w->bytes -= w->segments[i]->bytes;
	segment_destroy(&w->segments[i]);
	memmove(w->segments + i, w->segments + i + 1, (--w->segment_count - i) * sizeof(w->segments[0]));
	if (w->listed < i)
		w->listed = i;
	else if (w->listed > i)
		w->listed--;
}

void window_withdraw(struct window *w, const char *origin, int64_t before_ms)
{
	/* A part in no segment says neither whose nor of when it is. */
	body_unref(w->stray);
	w->stray = NULL;
	for (size_t i = w->segment_count; i-- > 0;) {
		if (is_meant(w->segments[i], origin, before_ms))
			remove_segment(w, i);
	}
	if (w->open && is_meant(w->open, origin, before_ms)) {
		discard_open(w);
		w->is_cut_off = true;
	}
	renew_main(w);
	rendering_clear(&w->media);
}

int window_end(struct window *w, const struct window_rules *rules)
{
	int err = w->open ? complete_open(w, rules) : 0;

	w->is_ended = true;
	renew_main(w);
	rendering_clear(&w->media);
	return err;
}

/* ---- where it ends ---- */

/* The open segment when the playlist can show it. */
static const struct segment *shown_open(const struct window *w)
{
	return w->open && is_behind_last(w, w->open->msn) ? w->open : NULL;
}

struct live_edge window_edge(const struct window *w, const struct window_rules *rules)
{
	struct live_edge edge = {
		.has_playlist = w->listed < w->segment_count,
		.is_ended = w->is_ended,
		.newest_sequence = w->newest_sequence,
		.advance_parts = live_edge_advance_parts(rules->part_ms),
	};
	const struct segment *newest = shown_open(w);

	if (!edge.has_playlist)
		return edge;
	edge.is_short = w->segment_count - w->listed < PLAIN_MIN_SEGMENTS && w->segments[w->listed]->is_discontinuity;
	edge.last_msn = w->segments[w->segment_count - 1]->msn;
	if (!newest)
		newest = w->segments[w->segment_count - 1];
	edge.newest_msn = newest->msn;
	edge.newest_part_count = newest->part_count;
	return edge;
}

/* ---- playlists ---- */

/* The segments of the playlist, and behind them the open one when it is shown. NULL when memory is out. */
static struct playlist_segment *describe_segments(const struct window *w)
{
	size_t n = w->segment_count - w->listed;
	const struct segment *open = shown_open(w);
	struct playlist_segment *lines = calloc(n + 1, sizeof(*lines));

	if (!lines)
		return NULL;
	for (size_t i = 0; i < n; i++)
		lines[i] = segment_describe(w->segments[w->listed + i]);
	if (open)
		lines[n] = segment_describe(open);
	return lines;
}

static void make_media(struct window *w, const struct window_rules *rules)
{
	const struct segment *first = w->segments[w->listed];
	size_t n = w->segment_count - w->listed;
	struct playlist_segment *lines = describe_segments(w);
	const struct playlist_media p = {
		.epoch = w->epoch,
		.target_duration_s = rules->target_duration_s,
		.discontinuity_sequence = first->discontinuity_sequence - (first->is_discontinuity ? 1 : 0),
		.is_ended = w->is_ended,
		.segments = lines,
		.segment_count = n,
		.part_target_90k = (int64_t)rules->part_ms * 90,
		.open = shown_open(w) && lines ? &lines[n] : NULL,
		.hint_sequence = w->newest_sequence + 1,
	};

	if (lines)
		(void)rendering_make_media(&w->media, &p);
	free(lines);
}

struct rendering *window_media(struct window *w, const struct window_rules *rules)
{
	if (w->listed == w->segment_count)
		return NULL;
	if (!w->media.plain)
		make_media(w, rules);
	return w->media.plain ? &w->media : NULL;
}

static struct playlist_variant describe_variant(const struct window *w)
{
	const struct segment *open = shown_open(w);
	const struct part_init *init = open ? open->init : w->segments[w->segment_count - 1]->init;
	struct playlist_variant v = {
		.uri = "main.m3u8",
		.video = init->tracks[TRACK_VIDEO],
		.audio = init->tracks[TRACK_AUDIO],
	};
	uint64_t bytes = 0;
	uint64_t frames = 0;
	int64_t duration_90k = 0;

	for (size_t i = w->listed; i < w->segment_count; i++) {
		bytes += w->segments[i]->bytes;
		frames += w->segments[i]->video_frames;
		duration_90k += w->segments[i]->duration_90k;
	}
	if (duration_90k > 0) {
		v.average_bps = bytes * 8 * 90000 / (uint64_t)duration_90k;
		v.fps_milli = (uint32_t)(frames * 90000 * 1000 / (uint64_t)duration_90k);
	}
	v.peak_bps = w->peak_bps > v.average_bps ? w->peak_bps : v.average_bps;
	return v;
}

struct rendering *window_main(struct window *w)
{
	if (w->is_main_fixed)
		return &w->main;
	if (w->listed == w->segment_count)
		return NULL;
	if (!w->main.plain) {
		struct playlist_variant variant = describe_variant(w);
		const struct playlist_main p = {
			.variants = &variant, .variant_count = 1, .is_independent = w->is_independent
		};

		(void)rendering_make_main(&w->main, &p);
	}
	return w->main.plain ? &w->main : NULL;
}

/* ---- what can be fetched ---- */

static struct part_init *find_init(const struct window *w, uint64_t version)
{
	if (w->open && w->open->init->version == version)
		return w->open->init;
	for (size_t i = w->segment_count; i-- > 0;) {
		if (w->segments[i]->init->version == version)
			return w->segments[i]->init;
	}
	return NULL;
}

struct body *window_find_init(struct window *w, uint64_t version)
{
	struct part_init *init = find_init(w, version);

	if (!init)
		return NULL;
	if (!w->init_body || w->init_body->pieces[0] != init->bytes) {
		body_unref(w->init_body);
		w->init_body = body_create(&init->bytes, 1);
	}
	return w->init_body;
}

struct body *window_find_segment(const struct window *w, uint64_t msn)
{
	for (size_t i = w->segment_count; i-- > 0;) {
		if (w->segments[i]->msn == msn)
			return w->segments[i]->body;
	}
	return NULL;
}

struct body *window_find_part(const struct window *w, uint64_t sequence)
{
	struct body *body = w->open ? segment_find_part(w->open, sequence) : NULL;

	if (!body && w->stray && sequence == w->newest_sequence)
		return w->stray;
	for (size_t i = w->segment_count; !body && i-- > 0;)
		body = segment_find_part(w->segments[i], sequence);
	return body;
}
