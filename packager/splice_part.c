/* SPDX-License-Identifier: Apache-2.0 */
/* splice_part of packager/splice.h: one slice of the run's source becomes a part of the channel. */
#include <assert.h>
#include <errno.h>

#include "media/fmp4.h"
#include "packager/splice.h"
#include "packager/stitch.h"

enum {
	SHORTEST_PICTURE_90K =
	    10 * 90, /* at a cut: of a picture that would be shown shorter the one before lasts longer */
	LONGEST_FILL_90K = 30 * 90000, /* a hole beyond this is left */
};

/* A part while it is made: nothing of the splice changes before all is there. */
struct work {
	const struct splice *s;
	const struct splice_slice *slice;
	const struct part *part;
	struct splice_run run; /* as it is behind this part */
	struct stitch stitch;
	int64_t begin_90k;
	int64_t end_90k;
	int64_t audio_end_90k;
	bool is_cut;  /* until_90k lies in it */
	bool is_done; /* there is something to show, or at least to hear */
	size_t taken; /* samples of the source */
	size_t added; /* silent frames and pictures of the slate */
};

static const struct fmp4_run *find_run(const struct part *part, enum track_kind kind)
{
	for (size_t i = 0; i < part->run_count; i++) {
		if (part->runs[i].kind == kind && part->runs[i].sample_count > 0)
			return &part->runs[i];
	}
	return NULL;
}

static const uint8_t *payload_of(const struct part *part, const struct fmp4_run *run)
{
	return part->mdat->data + FMP4_MDAT_HEADER_BYTES + run->mdat_offset;
}

/* The run's first part, and a source that went back in time, stand at the end of what was made. */
static void anchor(struct work *w, int64_t pts_90k, int64_t dts_90k)
{
	struct splice_run *run = &w->run;
	int64_t late_90k;

	if (!run->is_anchored) {
		run->pts_offset_90k = w->s->end_90k - pts_90k;
		run->dts_offset_90k = w->s->end_90k - dts_90k;
		run->is_anchored = true;
	}
	late_90k = w->s->end_90k - (dts_90k + run->dts_offset_90k);
	if (late_90k > 0) {
		run->pts_offset_90k += late_90k;
		run->dts_offset_90k += late_90k;
	}
	w->begin_90k = dts_90k + run->dts_offset_90k;
}

/* ---- pictures ---- */

/* Where the first picture that is taken lies. */
struct place {
	uint32_t index;
	int64_t dts_90k;
	size_t offset; /* of its bytes in those of the run */
};

static bool find_key(const struct fmp4_run *run, int64_t pts_90k, struct place *place)
{
	*place = (struct place){ .dts_90k = (int64_t)run->base_decode_time };
	for (; place->index < run->sample_count; place->index++) {
		const struct fmp4_sample *sample = &run->samples[place->index];

		if (sample->is_key && place->dts_90k + sample->composition_offset == pts_90k)
			return true;
		place->dts_90k += sample->duration;
		place->offset += sample->size_bytes;
	}
	return false;
}

static bool find_first(const struct work *w, const struct fmp4_run *run, struct place *place)
{
	int64_t from_90k = w->slice->from_90k;

	if (!w->run.is_anchored && from_90k < w->run.source_90k)
		from_90k = w->run.source_90k;
	if (from_90k != INT64_MIN)
		return find_key(run, from_90k, place);
	*place = (struct place){ .dts_90k = (int64_t)run->base_decode_time };
	return true;
}

/*
 * Pictures that the run's key frame follows in time are left out. What stands before them in the part lasts longer, or
 * else what stands behind them is decoded sooner: decode times have no hole.
 */
static void add_pictures(struct work *w, const struct fmp4_run *run, const struct place *first)
{
	const uint8_t *data = payload_of(w->part, run) + first->offset;
	int64_t dts_90k = first->dts_90k;

	for (uint32_t i = first->index; i < run->sample_count; i++) {
		struct stitch_sample it = {
			.data = data, .at = dts_90k + w->run.dts_offset_90k, .sample = run->samples[i]
		};
		int64_t pts_90k = dts_90k + it.sample.composition_offset;
		int64_t gap_90k = 0;

		dts_90k += it.sample.duration;
		data += it.sample.size_bytes;
		if (pts_90k < w->run.source_90k && pts_90k + w->run.pts_offset_90k < w->begin_90k)
			continue;
		if (w->stitch.lists[TRACK_VIDEO].count == 0)
			gap_90k = it.at - w->begin_90k;
		it.at -= gap_90k;
		it.sample.duration += (uint32_t)gap_90k;
		it.sample.composition_offset = (int32_t)(pts_90k + w->run.pts_offset_90k - it.at);
		stitch_add(&w->stitch, TRACK_VIDEO, &it);
		w->taken++;
	}
}

static int64_t shown_at(const struct stitch_sample *it)
{
	return it->at + it->sample.composition_offset;
}

static int64_t last_shown_at(const struct stitch_list *list, size_t count)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < count; i++) {
		if (last < shown_at(&list->samples[i]))
			last = shown_at(&list->samples[i]);
	}
	return last;
}

/* How many of them can be shown before until_90k when nothing follows. */
static size_t count_shown_before(const struct stitch_list *list, int64_t until_90k, int64_t end_90k)
{
	int64_t next_shown_90k = end_90k;
	size_t n;

	for (n = list->count; n > 0; n--) {
		const struct stitch_sample *last = &list->samples[n - 1];
		int64_t last_90k = last_shown_at(list, n);

		if (last_90k < next_shown_90k && last_90k + SHORTEST_PICTURE_90K <= until_90k && last->at < until_90k)
			break;
		if (next_shown_90k > shown_at(last))
			next_shown_90k = shown_at(last);
	}
	return n;
}

/* When until_90k lies in the part: the last picture that is left lasts until then. */
static void cut_pictures(struct work *w)
{
	struct stitch_list *list = &w->stitch.lists[TRACK_VIDEO];
	struct stitch_sample *last;
	int64_t until_90k;

	if (w->slice->until_90k == INT64_MAX)
		return;
	until_90k = w->slice->until_90k + w->run.pts_offset_90k;
	if (until_90k > w->end_90k)
		return;
	w->is_cut = true;
	list->count = w->taken = count_shown_before(list, until_90k, w->end_90k);
	w->end_90k = until_90k;
	if (list->count == 0)
		return;
	last = &list->samples[list->count - 1];
	last->sample.duration = (uint32_t)(until_90k - last->at);
}

/* The source has pictures, but this part of it has none. */
static void go_without_pictures(struct work *w)
{
	int64_t until_90k = w->slice->until_90k;
	int64_t end_90k = w->part->start_90k + w->part->duration_90k;

	if (!w->run.is_anchored)
		return;
	anchor(w, w->part->start_90k, w->part->start_90k + w->run.pts_offset_90k - w->run.dts_offset_90k);
	w->is_cut = until_90k < end_90k;
	w->end_90k = (w->is_cut ? until_90k : end_90k) + w->run.pts_offset_90k;
	w->is_done = w->end_90k > w->begin_90k;
}

static void take_pictures(struct work *w)
{
	const struct fmp4_run *run = find_run(w->part, TRACK_VIDEO);
	struct place first;

	if (!run) {
		go_without_pictures(w);
		return;
	}
	if (!find_first(w, run, &first))
		return;
	anchor(w, w->run.source_90k, first.dts_90k);
	add_pictures(w, run, &first);
	w->end_90k = stitch_end(&w->stitch, TRACK_VIDEO, w->begin_90k);
	cut_pictures(w);
	w->is_done = w->stitch.lists[TRACK_VIDEO].count > 0;
}

/* ---- pictures of the slate ---- */

/* Exactly up to end_90k: the last one lasts longer by what is missing, or shorter when it is the only one. */
static void add_slate(struct work *w)
{
	const struct slate *slate = w->s->slate;
	const int64_t picture_90k = slate_picture_90k(slate);
	int64_t n = (w->end_90k - w->begin_90k) / picture_90k;

	if (n == 0)
		n = 1;
	if (w->run.slate_next + n > slate_pictures(slate))
		w->run.slate_next = 0;
	for (int64_t i = 0; i < n; i++) {
		struct slate_picture picture = slate_picture(slate, w->run.slate_next);
		int64_t at = w->begin_90k + i * picture_90k;
		int64_t lasts_90k = i + 1 < n ? picture_90k : w->end_90k - at;

		stitch_add(&w->stitch, TRACK_VIDEO,
		    &(struct stitch_sample){ .data = picture.data,
			.at = at,
			.sample = { .duration = (uint32_t)lasts_90k,
			    .size_bytes = picture.size_bytes,
			    .is_key = picture.is_key } });
		w->run.slate_next = (w->run.slate_next + 1) % slate_pictures(slate);
		w->added++;
	}
}

/* A hole in the sound is covered, too. */
static void take_slate(struct work *w)
{
	int64_t from_90k = w->run.is_anchored ? w->part->start_90k : w->run.source_90k;
	int64_t until_90k = w->part->start_90k + w->part->duration_90k;

	w->is_cut = w->slice->until_90k < until_90k;
	if (w->is_cut)
		until_90k = w->slice->until_90k;
	anchor(w, from_90k, from_90k);
	w->end_90k = until_90k + w->run.pts_offset_90k;
	if (w->begin_90k - w->s->end_90k < LONGEST_FILL_90K)
		w->begin_90k = w->s->end_90k;
	w->is_done = w->end_90k - w->begin_90k >= SHORTEST_PICTURE_90K;
	if (w->is_done)
		add_slate(w);
}

/* ---- sound ---- */

/* Ticks of the source's sound as 90 kHz. Rounded down from the source's own count, so nothing adds up. */
static int64_t sound_90k(const struct work *w, int64_t ticks)
{
	return ticks * FMP4_VIDEO_TIMESCALE / w->run.audio_rate;
}

static int64_t heard_at(const struct work *w, int64_t ticks)
{
	return sound_90k(w, ticks) + w->run.pts_offset_90k + w->run.delay_90k;
}

static void add_sound(struct work *w, int64_t at, int64_t end, const uint8_t *data, uint32_t size_bytes)
{
	stitch_add(&w->stitch, TRACK_AUDIO,
	    &(struct stitch_sample){ .data = data,
		.at = at,
		.sample = { .duration = (uint32_t)(end - at), .size_bytes = size_bytes, .is_key = true } });
	w->audio_end_90k = end;
}

/* Whole silent frames while they fit before until_90k. */
static void add_silence(struct work *w, int64_t until_90k)
{
	const int64_t begin = w->audio_end_90k;
	const int64_t frame = w->run.frame_samples;

	if (w->run.silence_bytes == 0 || until_90k - begin > LONGEST_FILL_90K)
		return;
	for (int64_t i = 0; begin + sound_90k(w, (i + 1) * frame) <= until_90k; i++) {
		add_sound(w, begin + sound_90k(w, i * frame), begin + sound_90k(w, (i + 1) * frame), w->run.silence,
		    w->run.silence_bytes);
		w->added++;
	}
}

/* A run's first sound gives way to what is still heard. False: it cannot, or a later one overlaps: it must go. */
static bool find_place(struct work *w, int64_t ticks)
{
	int64_t late_90k = w->audio_end_90k - heard_at(w, ticks);

	if (!w->run.is_heard && late_90k > 0 && late_90k < sound_90k(w, w->run.frame_samples)) {
		w->run.delay_90k = late_90k;
		late_90k = 0;
	}
	w->run.is_heard = w->run.is_heard || late_90k <= 0;
	return late_90k <= 0;
}

/* A frame that is said to last for two or more stands before a hole. */
static int64_t end_of_sound(const struct work *w, int64_t ticks, uint32_t duration)
{
	if (duration >= 2 * (uint64_t)w->run.frame_samples)
		duration = w->run.frame_samples;
	return heard_at(w, ticks + duration);
}

static void add_source_sound(struct work *w, const struct fmp4_run *run)
{
	const uint8_t *data = payload_of(w->part, run);
	int64_t ticks = (int64_t)run->base_decode_time;

	for (uint32_t i = 0; i < run->sample_count; i++) {
		const struct fmp4_sample *sample = &run->samples[i];
		bool is_early = !w->s->run.is_anchored && sound_90k(w, ticks) < w->run.source_90k;

		if (w->is_cut && heard_at(w, ticks) >= w->end_90k)
			return;
		if (!is_early && find_place(w, ticks)) {
			add_silence(w, heard_at(w, ticks));
			add_sound(
			    w, heard_at(w, ticks), end_of_sound(w, ticks, sample->duration), data, sample->size_bytes);
			w->taken++;
		}
		ticks += sample->duration;
		data += sample->size_bytes;
	}
}

static void take_sound(struct work *w)
{
	const struct fmp4_run *run = w->run.has_audio ? find_run(w->part, TRACK_AUDIO) : NULL;

	if (run)
		add_source_sound(w, run);
	add_silence(w, w->end_90k);
}

/* ---- the part ---- */

/* Is it just what the source has? Then only the moof is another one. */
static bool is_whole(const struct work *w)
{
	size_t count = 0;

	for (size_t i = 0; i < w->part->run_count; i++)
		count += w->part->runs[i].sample_count;
	return w->added == 0 && w->taken == count;
}

static void describe(const struct work *w, struct part *p)
{
	const struct stitch_list *pictures = &w->stitch.lists[TRACK_VIDEO];

	p->start_90k = w->begin_90k;
	p->duration_90k = w->end_90k - w->begin_90k;
	p->wall_ms = splice_wall_ms(p->start_90k);
	p->is_independent = pictures->count > 0 && pictures->samples[0].sample.is_key;
	p->init = part_init_ref(w->s->init);
}

/* Pictures that wait for others, which never come when the source breaks off here. */
static int64_t shown_until(const struct work *w)
{
	const struct stitch_list *list = &w->stitch.lists[TRACK_VIDEO];
	int64_t until_90k = w->end_90k;

	for (size_t i = 0; i < list->count && !w->is_cut; i++) {
		const struct stitch_sample *it = &list->samples[i];

		if (until_90k < shown_at(it) + it->sample.duration)
			until_90k = shown_at(it) + it->sample.duration;
	}
	return until_90k;
}

static int finish(struct splice *s, struct work *w, uint32_t sequence, struct part **out)
{
	int err = stitch_part(&w->stitch, sequence, is_whole(w) ? w->part : NULL, out);

	if (err)
		return err;
	describe(w, *out);
	s->run = w->run;
	s->end_90k = w->end_90k;
	s->audio_end_90k = w->audio_end_90k;
	s->shown_until_90k = shown_until(w);
	return 0;
}

int splice_part(struct splice *s, const struct splice_slice *slice, uint32_t sequence, struct part **out)
{
	struct work w = {
		.s = s,
		.slice = slice,
		.part = slice->part,
		.run = s->run,
		.audio_end_90k = s->audio_end_90k,
	};
	int err = 0;

	assert(s->run.is_on);
	*out = NULL;
	stitch_init(&w.stitch);
	if (w.run.has_video)
		take_pictures(&w);
	else
		take_slate(&w);
	if (w.is_done)
		take_sound(&w);
	if (w.stitch.is_out_of_memory)
		err = -ENOMEM;
	else if (w.is_done)
		err = finish(s, &w, sequence, out);
	stitch_fini(&w.stitch);
	return err;
}
