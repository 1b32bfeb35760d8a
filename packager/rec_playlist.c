/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_playlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "packager/cutter.h"
#include "packager/playlist.h"
#include "packager/playlist_line.h"

enum {
	VERSION = 6,	       /* EXT-X-MAP, RFC 8216bis §8 */
	VERSION_WITH_SKIP = 9, /* EXT-X-SKIP */
	SKIP_TARGETS = 6,      /* CAN-SKIP-UNTIL is at least so many target durations, §4.4.3.8 */
	TICKS_PER_S = 90000,
	TICKS_HALF_S = TICKS_PER_S / 2,
	SEGMENTS_FIRST = 64,
	URI_MAX_BYTES = 128,
};

/* ---- segments ---- */

void rec_segments_init(struct rec_segments *segments)
{
	*segments = (struct rec_segments){ 0 };
}

void rec_segments_fini(struct rec_segments *segments)
{
	free(segments->list);
	rec_segments_init(segments);
}

struct rec_range rec_range_whole(const struct rec_index *index)
{
	return (struct rec_range){ .to = { index->n_stretches, 0 }, .is_open = index->info.state == REC_RECORDING };
}

static struct rec_segment *append(struct rec_segments *segments)
{
	size_t wanted = segments->capacity == 0 ? SEGMENTS_FIRST : 2 * segments->capacity;
	struct rec_segment *bigger;

	if (segments->count == segments->capacity) {
		bigger = realloc(segments->list, wanted * sizeof(*bigger));
		if (!bigger)
			return NULL;
		segments->list = bigger;
		segments->capacity = wanted;
	}
	segments->list[segments->count] = (struct rec_segment){ 0 };
	return &segments->list[segments->count++];
}

static int begin_segment(struct rec_segments *segments, size_t stretch, const struct rec_fragment *f)
{
	struct rec_segment *s = append(segments);

	if (!s)
		return -ENOMEM;
	s->stretch = stretch;
	s->offset = f->offset;
	s->wall_ms = f->wall_ms;
	s->is_independent = f->is_independent;
	s->is_discontinuity = segments->count > 1 && s[-1].stretch != stretch;
	return 0;
}

static int add_stretch(
    struct rec_segments *segments, const struct rec_index *index, size_t stretch, const size_t fragments[2])
{
	const struct rec_index_stretch *s = &index->stretches[stretch];
	int64_t lasts_90k = 0;

	for (size_t i = fragments[0]; i < fragments[1]; i++) {
		const struct rec_fragment *f = &s->fragments[i];
		struct rec_segment *open;

		if (i == fragments[0] || rec_index_begins_segment(s, i, lasts_90k, index->info.segment_ms)) {
			lasts_90k = 0;
			if (begin_segment(segments, stretch, f) != 0)
				return -ENOMEM;
		}
		open = &segments->list[segments->count - 1];
		open->bytes += (uint64_t)f->moof_bytes + f->mdat_bytes;
		open->duration_90k += f->duration_90k;
		lasts_90k += f->duration_90k;
	}
	return 0;
}

/* The last segment of what is still written: the next fragment may belong to it. */
static bool is_last_open(
    const struct rec_segments *segments, const struct rec_index *index, const struct rec_range *range)
{
	return range->is_open && segments->count > 0 &&
	    segments->list[segments->count - 1].stretch + 1 == index->n_stretches;
}

int rec_segments_make(struct rec_segments *segments, const struct rec_index *index, const struct rec_range *range)
{
	segments->count = 0;
	for (size_t i = range->from.stretch; i < index->n_stretches && i <= range->to.stretch; i++) {
		const size_t fragments[2] = { i == range->from.stretch ? range->from.fragment : 0,
			i == range->to.stretch ? range->to.fragment : index->stretches[i].count };

		if (add_stretch(segments, index, i, fragments) != 0)
			return -ENOMEM;
	}
	segments->count -= is_last_open(segments, index, range);
	return 0;
}

/* ---- text ---- */

/* FNV-1a, by words. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	return (hash ^ word) * UINT64_C(1099511628211);
}

uint64_t rec_playlist_version(const struct rec_playlist *p)
{
	uint64_t hash = mix(UINT64_C(14695981039346656037), p->is_open);

	for (size_t i = 0; i < p->segments->count; i++) {
		const struct rec_segment *s = &p->segments->list[i];

		hash = mix(hash, p->index->stretches[s->stretch].number);
		hash = mix(hash, s->offset);
		hash = mix(hash, s->bytes);
		hash = mix(hash, (uint64_t)s->duration_90k);
		hash = mix(hash, (uint64_t)s->wall_ms);
	}
	return hash != 0 ? hash : 1;
}

/*
 * RFC 8216bis §6.2.1: it must not change. Segments are cut so that they fit in what the cutter promised, so that is it
 * from the first one on. Only of what is over may it be more: no file of ours has such a fragment, but one whose
 * recording.json was made anew with another segment_ms may.
 */
static int64_t target_duration_s(const struct rec_playlist *p)
{
	int64_t target_s = cutter_target_duration_s(p->index->info.segment_ms);

	for (size_t i = 0; !p->is_open && i < p->segments->count; i++) {
		int64_t rounded_s = (p->segments->list[i].duration_90k + TICKS_HALF_S) / TICKS_PER_S;

		if (target_s < rounded_s)
			target_s = rounded_s;
	}
	return target_s;
}

/* How many segments from the first on are further from the end than the skip boundary, §6.2.5.1. */
static size_t skippable(const struct rec_playlist *p, int64_t target_s)
{
	int64_t left_90k = SKIP_TARGETS * target_s * TICKS_PER_S;
	size_t n = p->segments->count;

	if (!p->is_open || !p->wants_skip)
		return 0;
	while (n > 0 && left_90k > 0)
		left_90k -= p->segments->list[--n].duration_90k;
	return n;
}

static void put_head(struct bytes_writer *w, int64_t target_s, size_t skipped)
{
	playlist_line(w, "#EXTM3U");
	playlist_line(w, "#EXT-X-VERSION:%d", skipped > 0 ? VERSION_WITH_SKIP : VERSION);
	playlist_line(w, "#EXT-X-TARGETDURATION:%" PRId64, target_s);
	/*
	 * Also of what is over: somebody may follow this address since the recording ran, and to him it may get longer
	 * and get an ENDLIST, and change in nothing else, RFC 8216bis §4.4.3.5 and §6.2.1. A VOD would be another type
	 * and promise that it never changed; EVENT with ENDLIST plays the same. So there is no INDEPENDENT-SEGMENTS
	 * either: of what is still to come nobody knows, and a line must not go again.
	 */
	playlist_line(w, "#EXT-X-PLAYLIST-TYPE:EVENT");
	playlist_line(w, "#EXT-X-MEDIA-SEQUENCE:0");
	/* An address for looking back begins at the beginning; the live one is next door. */
	playlist_line(w, "#EXT-X-START:TIME-OFFSET=0");
	playlist_line(w, "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=%" PRId64 ".0", SKIP_TARGETS * target_s);
	if (skipped > 0)
		playlist_line(w, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%zu", skipped);
}

static void put_segment(struct bytes_writer *w, const struct rec_playlist *p, size_t i)
{
	const struct rec_segment *s = &p->segments->list[i];
	const struct rec_index_stretch *stretch = &p->index->stretches[s->stretch];
	char file[REC_FILE_SIZE];
	char uri[URI_MAX_BYTES];

	rec_file_name(file, REC_FILE_MEDIA, stretch->number);
	(void)snprintf(uri, sizeof(uri), "%s%s", p->prefix, file);
	if (s->is_discontinuity)
		playlist_line(w, "#EXT-X-DISCONTINUITY");
	if (i == 0 || s->is_discontinuity)
		playlist_line(w, "#EXT-X-MAP:URI=\"%s\",BYTERANGE=\"%zu@0\"", uri, stretch->init.bytes);
	if (s->wall_ms >= 0)
		playlist_line_date_time(w, s->wall_ms);
	playlist_line_extinf(w, s->duration_90k);
	playlist_line(w, "#EXT-X-BYTERANGE:%" PRIu64 "@%" PRIu64, s->bytes, s->offset);
	playlist_line(w, "%s", uri);
}

int rec_playlist_write_media(struct bytes_writer *w, const struct rec_playlist *p)
{
	int64_t target_s = target_duration_s(p);
	size_t skipped = skippable(p, target_s);

	if (p->segments->count == 0)
		return -ENOENT;
	put_head(w, target_s, skipped);
	for (size_t i = skipped; i < p->segments->count && !w->is_full; i++)
		put_segment(w, p, i);
	if (!p->is_open)
		playlist_line(w, "#EXT-X-ENDLIST");
	return w->is_full ? -ENOMEM : 0;
}

/* Of several stretches the largest picture, and the first sound there is. */
static void choose_tracks(const struct rec_playlist *p, struct playlist_variant *v)
{
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < p->segments->count; i++) {
		const struct rec_index_stretch *s = &p->index->stretches[p->segments->list[i].stretch];
		const struct track *video = s->tracks[TRACK_VIDEO];

		if (p->segments->list[i].stretch == last)
			continue;
		last = p->segments->list[i].stretch;
		if (video &&
		    (!v->video ||
			(uint64_t)video->width_px * video->height_px >
			    (uint64_t)v->video->width_px * v->video->height_px))
			v->video = video;
		if (!v->audio)
			v->audio = s->tracks[TRACK_AUDIO];
	}
}

static void measure(const struct rec_segments *segments, struct playlist_variant *v)
{
	uint64_t bits = 0;
	uint64_t ticks = 0;

	for (size_t i = 0; i < segments->count; i++) {
		uint64_t segment_ticks = (uint64_t)segments->list[i].duration_90k;
		uint64_t bps = segment_ticks > 0 ? segments->list[i].bytes * 8 * TICKS_PER_S / segment_ticks : 0;

		bits += segments->list[i].bytes * 8;
		ticks += segment_ticks;
		if (v->peak_bps < bps)
			v->peak_bps = bps;
	}
	v->average_bps = ticks > 0 ? (uint64_t)((double)bits * TICKS_PER_S / (double)ticks) : 0;
	if (v->average_bps == 0)
		v->average_bps = 1;
	if (v->peak_bps < v->average_bps)
		v->peak_bps = v->average_bps;
}

static bool are_all_independent(const struct rec_segments *segments)
{
	for (size_t i = 0; i < segments->count; i++) {
		if (!segments->list[i].is_independent)
			return false;
	}
	return true;
}

int rec_playlist_write_main(struct bytes_writer *w, const struct rec_playlist *p)
{
	char uri[URI_MAX_BYTES];
	struct playlist_variant variant = { .uri = uri };
	const struct playlist_main playlist = { .variants = &variant,
		.variant_count = 1,
		.is_independent = !p->is_open && are_all_independent(p->segments) };

	if (p->segments->count == 0)
		return -ENOENT;
	(void)snprintf(uri, sizeof(uri), "%smain.m3u8", p->prefix);
	choose_tracks(p, &variant);
	measure(p->segments, &variant);
	return playlist_write_main(w, &playlist);
}
