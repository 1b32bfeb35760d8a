/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_index.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packager/cutter.h"

enum {
	TICKS_PER_MS = 90,
	TICKS_PER_S = 90000,
	FRAGMENTS_FIRST = 64,
};

void rec_index_stretch_fini(struct rec_index_stretch *s)
{
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		track_unref(s->tracks[kind]);
	free(s->fragments);
	*s = (struct rec_index_stretch){ 0 };
}

void rec_index_fini(struct rec_index *index)
{
	for (size_t i = 0; i < index->n_stretches; i++)
		rec_index_stretch_fini(&index->stretches[i]);
	free(index->stretches);
	rec_info_fini(&index->info);
	rec_index_init(index);
}

void rec_index_init(struct rec_index *index)
{
	*index = (struct rec_index){ 0 };
	rec_info_init(&index->info);
}

struct rec_index_stretch *rec_index_add_stretch(struct rec_index *index, unsigned number)
{
	struct rec_index_stretch *bigger =
	    realloc(index->stretches, (index->n_stretches + 1) * sizeof(index->stretches[0]));

	if (!bigger)
		return NULL;
	index->stretches = bigger;
	bigger[index->n_stretches] = (struct rec_index_stretch){
		.number = number, .begin_wall_ms = -1, .segment_ms = index->info.segment_ms, .limit_bytes = UINT64_MAX
	};
	return &bigger[index->n_stretches++];
}

const struct rec_index_stretch *rec_index_find(const struct rec_index *index, unsigned number)
{
	for (size_t i = 0; i < index->n_stretches; i++) {
		if (index->stretches[i].number == number)
			return &index->stretches[i];
	}
	return NULL;
}

/* ---- filling a stretch ---- */

int rec_index_take_init(struct rec_index_stretch *s, const uint8_t *data, size_t len)
{
	int result = fmp4_scan_read_init(&s->init, data, len);

	for (size_t i = 0; result == PARSE_OK && i < s->init.track_count; i++) {
		struct track **track = &s->tracks[s->init.tracks[i].kind];

		track_unref(*track);
		result = fmp4_scan_track_create(track, &s->init, i, data);
	}
	s->has_init = result == PARSE_OK;
	return result;
}

static uint64_t end_of(const struct rec_fragment *f)
{
	return f->offset + f->moof_bytes + f->mdat_bytes;
}

uint64_t rec_index_end(const struct rec_index_stretch *s)
{
	return s->count > 0 ? end_of(&s->fragments[s->count - 1]) : s->init.bytes;
}

void rec_index_limit(struct rec_index_stretch *s, uint64_t limit_bytes)
{
	s->limit_bytes = limit_bytes;
	while (s->count > 0 && rec_index_end(s) > limit_bytes)
		s->count--;
	if (s->n_records > s->count)
		s->n_records = s->count;
}

static struct rec_fragment *append(struct rec_index_stretch *s, const struct rec_fragment *f)
{
	size_t wanted = s->capacity == 0 ? FRAGMENTS_FIRST : 2 * s->capacity;
	struct rec_fragment *bigger;

	if (s->count == s->capacity) {
		bigger = realloc(s->fragments, wanted * sizeof(*bigger));
		if (!bigger)
			return NULL;
		s->fragments = bigger;
		s->capacity = wanted;
	}
	s->fragments[s->count] = *f;
	return &s->fragments[s->count++];
}

static bool is_inside(const struct rec_index_stretch *s, const struct rec_fragment *f, uint64_t media_bytes)
{
	return end_of(f) <= media_bytes && end_of(f) <= s->limit_bytes;
}

long rec_index_take_records(struct rec_index_stretch *s, const uint8_t *data, size_t len, uint64_t media_bytes)
{
	struct rec_fragment f;
	long n = 0;

	assert(s->has_init);
	for (; rec_fragment_decode(&f, data, len) == PARSE_OK; data += REC_RECORD_BYTES, len -= REC_RECORD_BYTES) {
		if (f.offset != rec_index_end(s) || f.moof_bytes == 0 || f.mdat_bytes == 0 ||
		    !is_inside(s, &f, media_bytes))
			break;
		if (!append(s, &f))
			return -ENOMEM;
		if (s->n_records + 1 == s->count) /* none was scanned before it */
			s->n_records++;
		n++;
	}
	return n;
}

static int64_t to_90k(uint64_t time, uint32_t timescale)
{
	return (int64_t)(time * TICKS_PER_S / timescale);
}

static const struct fmp4_scan_run *run_of(const struct fmp4_scan_fragment *f, enum track_kind kind)
{
	for (size_t i = 0; i < f->run_count; i++) {
		if (f->runs[i].kind == kind)
			return &f->runs[i];
	}
	return NULL;
}

static uint32_t timescale_of(const struct rec_index_stretch *s, enum track_kind kind)
{
	const struct fmp4_scan_init *init = &s->init;

	return init->tracks[0].kind == kind ? init->tracks[0].timescale : init->tracks[1].timescale;
}

/* Where a run ends when nothing follows it, as the cutter guesses it: the last sample's time and duration apart. */
static int64_t end_of_run_90k(const struct rec_index_stretch *s, const struct fmp4_scan_run *run)
{
	uint32_t timescale = timescale_of(s, run->kind);
	struct fmp4_sample last = fmp4_scan_sample(run, run->sample_count - 1);

	return to_90k(run->base_decode_time + run->duration - last.duration, timescale) +
	    to_90k(last.duration, timescale);
}

static int64_t wall_at(const struct rec_index_stretch *s, int64_t start_90k)
{
	int64_t first_90k = s->count > 0 ? s->fragments[0].start_90k : start_90k;
	int64_t first_ms = s->count > 0 ? s->fragments[0].wall_ms : s->begin_wall_ms;

	return first_ms < 0 ? -1 : first_ms + (start_90k - first_90k) / TICKS_PER_MS;
}

/*
 * Does the one before last until this one begins? The cutter stretches a frame over a hole of no more than segment_ms:
 * no fragment gets so long by this that its segment would not fit in the target duration.
 */
static bool is_next(const struct rec_index_stretch *s, const struct rec_fragment *before, int64_t start_90k)
{
	return start_90k > before->start_90k &&
	    start_90k <= before->start_90k + before->duration_90k + (int64_t)s->segment_ms * TICKS_PER_MS;
}

int rec_index_take_scanned(struct rec_index_stretch *s, const struct fmp4_scan_fragment *scanned, uint64_t media_bytes)
{
	enum track_kind lead_kind = s->tracks[TRACK_VIDEO] ? TRACK_VIDEO : TRACK_AUDIO;
	const struct fmp4_scan_run *lead = run_of(scanned, lead_kind);
	struct rec_fragment *before = s->count > 0 ? &s->fragments[s->count - 1] : NULL;
	struct rec_fragment f = {
		.offset = rec_index_end(s),
		.moof_bytes = scanned->moof_bytes,
		.mdat_bytes = scanned->mdat_bytes,
		.sequence = scanned->sequence,
	};
	const struct fmp4_scan_run *timed = lead ? lead : &scanned->runs[0];

	assert(s->has_init);
	if (!is_inside(s, &f, media_bytes))
		return -EINVAL;
	f.start_90k = to_90k(timed->base_decode_time, timescale_of(s, timed->kind));
	if (!lead && before) /* video has stopped: parts stand one behind the other */
		f.start_90k = before->start_90k + before->duration_90k;
	f.duration_90k = end_of_run_90k(s, timed) - f.start_90k;
	if (f.duration_90k < 1)
		f.duration_90k = 1;
	f.is_independent = lead && fmp4_scan_sample(lead, 0).is_key;
	f.wall_ms = wall_at(s, f.start_90k);
	if (s->is_end_guessed && lead && is_next(s, before, f.start_90k))
		before->duration_90k = f.start_90k - before->start_90k;
	s->is_end_guessed = lead_kind == TRACK_AUDIO || !lead;
	return append(s, &f) ? 0 : -ENOMEM;
}

/* ---- segments ---- */

bool rec_index_begins_segment(
    const struct rec_index_stretch *s, size_t fragment, int64_t before_90k, uint32_t segment_ms)
{
	const struct rec_fragment *f = &s->fragments[fragment];
	int64_t segment_90k = (int64_t)segment_ms * TICKS_PER_MS;

	if (fragment == 0)
		return true;
	if (before_90k + f->duration_90k > cutter_longest_segment_90k(segment_ms) && before_90k > 0)
		return true;
	if (!s->tracks[TRACK_VIDEO])
		return before_90k >= segment_90k - f->duration_90k / 2;
	return before_90k >= (f->is_independent ? segment_90k : 2 * segment_90k);
}

/* How long the segment of the fragments before this one has lasted, and which it is. */
static int64_t open_segment(const struct rec_index_stretch *s, size_t fragment, uint64_t *msn)
{
	int64_t lasts_90k = 0;

	*msn = fragment > 0 ? s->fragments[fragment - 1].msn : 0;
	for (size_t i = fragment; i-- > 0;) {
		lasts_90k += s->fragments[i].duration_90k;
		if (s->fragments[i].is_segment_start)
			break;
	}
	return lasts_90k;
}

void rec_index_number_segments(struct rec_index_stretch *s, uint32_t segment_ms)
{
	uint64_t msn;
	int64_t before_90k = open_segment(s, s->n_records, &msn);

	for (size_t i = s->n_records; i < s->count; i++) {
		struct rec_fragment *f = &s->fragments[i];

		f->is_segment_start = rec_index_begins_segment(s, i, before_90k, segment_ms);
		if (f->is_segment_start) {
			msn += i > 0;
			before_90k = 0;
		}
		f->msn = msn;
		before_90k += f->duration_90k;
	}
}

/* ---- the whole ---- */

void rec_index_drop_repeated(struct rec_index *index)
{
	for (size_t i = index->n_stretches; i-- > 1;) {
		struct rec_index_stretch *s = &index->stretches[i - 1];
		const struct rec_index_stretch *next = &index->stretches[i];

		if (next->count == 0)
			continue;
		while (s->count > 0 && s->fragments[s->count - 1].sequence >= next->fragments[0].sequence)
			s->count--;
		if (s->n_records > s->count)
			s->n_records = s->count;
	}
}

int64_t rec_index_stretch_duration_90k(const struct rec_index_stretch *s)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->count; i++)
		sum += s->fragments[i].duration_90k;
	return sum;
}

int64_t rec_index_duration_90k(const struct rec_index *index)
{
	int64_t sum = 0;

	for (size_t i = 0; i < index->n_stretches; i++)
		sum += rec_index_stretch_duration_90k(&index->stretches[i]);
	return sum;
}

/*
 * The fragment that lasts over time_90k, and how much of it is before that; false past the end: then *place is the end
 * of the last stretch that has fragments.
 */
static bool find_time(const struct rec_index *index, int64_t time_90k, struct rec_place *place, int64_t *into_90k)
{
	*place = (struct rec_place){ 0, 0 };
	for (size_t i = 0; i < index->n_stretches; i++) {
		const struct rec_index_stretch *s = &index->stretches[i];

		for (size_t n = 0; n < s->count; n++) {
			*place = (struct rec_place){ i, n };
			*into_90k = time_90k;
			if (time_90k < s->fragments[n].duration_90k)
				return true;
			time_90k -= s->fragments[n].duration_90k;
			place->fragment++;
		}
	}
	return false;
}

static bool is_before(const struct rec_place *a, const struct rec_place *b)
{
	return a->stretch != b->stretch ? a->stretch < b->stretch : a->fragment < b->fragment;
}

int rec_index_clip(const struct rec_index *index, int64_t in_ms, int64_t out_ms, struct rec_place *from,
    struct rec_place *to, bool *is_out_reached)
{
	int64_t into_90k = 0;

	*is_out_reached = false;
	if (in_ms < 0 || out_ms <= in_ms || out_ms > INT64_MAX / TICKS_PER_S ||
	    !find_time(index, in_ms * TICKS_PER_MS, from, &into_90k))
		return -ENOENT;
	while (from->fragment > 0 && !index->stretches[from->stretch].fragments[from->fragment].is_independent)
		from->fragment--;
	*is_out_reached = find_time(index, out_ms * TICKS_PER_MS, to, &into_90k);
	if (*is_out_reached) {
		int64_t duration_90k = index->stretches[to->stretch].fragments[to->fragment].duration_90k;

		to->fragment += 2 * into_90k >= duration_90k;
	} else {
		*is_out_reached = rec_index_duration_90k(index) >= out_ms * TICKS_PER_MS;
	}
	if (!is_before(from, to)) {
		*to = *from;
		to->fragment++;
	}
	return 0;
}
