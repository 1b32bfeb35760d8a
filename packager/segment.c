/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/segment.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES_OF_PART = 2 };

void segment_destroy(struct segment **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->part_count; i++)
		body_unref((*s)->parts[i]);
	free((*s)->parts);
	free((*s)->lines);
	part_init_unref((*s)->init);
	body_unref((*s)->body);
	free(*s);
	*s = NULL;
}

struct segment *segment_create(const struct part *part)
{
	struct segment *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->msn = part->msn;
	s->discontinuity_sequence = part->discontinuity_sequence;
	s->wall_ms = part->wall_ms;
	s->is_discontinuity = part->is_discontinuity;
	s->is_independent = part->is_independent;
	memcpy(s->origin, part->origin, sizeof(s->origin));
	s->init = part_init_ref(part->init);
	return s;
}

static int make_room(struct segment *s)
{
	size_t wanted = s->part_capacity == 0 ? 8 : s->part_capacity * 2;
	struct playlist_part *lines;
	struct body **parts;

	if (s->part_count < s->part_capacity)
		return 0;
	parts = realloc(s->parts, wanted * sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	s->parts = parts;
	lines = realloc(s->lines, wanted * sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	s->lines = lines;
	s->part_capacity = wanted;
	return 0;
}

int segment_append(struct segment *s, const struct part *part)
{
	struct shared *const pieces[PIECES_OF_PART] = { part->moof, part->mdat };
	struct body *body;

	assert(!s->body);
	if (make_room(s) != 0)
		return -ENOMEM;
	body = body_create(pieces, PIECES_OF_PART);
	if (!body)
		return -ENOMEM;
	s->parts[s->part_count] = body;
	s->lines[s->part_count++] = (struct playlist_part){
		.sequence = part->sequence,
		.is_independent = part->is_independent,
		.duration_90k = part->duration_90k,
	};
	s->duration_90k += part->duration_90k;
	s->bytes += part->bytes;
	for (size_t i = 0; i < part->run_count; i++) {
		if (part->runs[i].kind == TRACK_VIDEO)
			s->video_frames += part->runs[i].sample_count;
	}
	return 0;
}

int segment_complete(struct segment *s)
{
	struct shared **pieces = calloc(s->part_count * PIECES_OF_PART, sizeof(*pieces));

	if (!pieces)
		return -ENOMEM;
	for (size_t i = 0; i < s->part_count; i++) {
		pieces[2 * i] = s->parts[i]->pieces[0];
		pieces[2 * i + 1] = s->parts[i]->pieces[1];
	}
	s->body = body_create(pieces, s->part_count * PIECES_OF_PART);
	free(pieces);
	return s->body ? 0 : -ENOMEM;
}

struct body *segment_find_part(const struct segment *s, uint64_t sequence)
{
	/* The numbers of a segment's parts follow each other: where one is lost the segment ends. */
	if (s->part_count == 0 || sequence < s->lines[0].sequence || sequence - s->lines[0].sequence >= s->part_count)
		return NULL;
	return s->parts[sequence - s->lines[0].sequence];
}

struct playlist_segment segment_describe(const struct segment *s)
{
	return (struct playlist_segment){
		.msn = s->msn,
		.duration_90k = s->duration_90k,
		.wall_ms = s->wall_ms,
		.init_version = s->init->version,
		.is_discontinuity = s->is_discontinuity,
		.is_independent = s->is_independent,
		.parts = s->lines,
		.part_count = s->part_count,
	};
}
