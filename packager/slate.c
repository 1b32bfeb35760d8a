/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/slate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "media/access_unit.h"
#include "media/nal.h"
#include "packager/slate_built_in.h"
#include "packager/stitch.h"

enum {
	START_CODE_BYTES = 3,
	MAX_PICTURES = 1024,
};

struct slate {
	struct track *track;
	struct part_init *init;
	uint32_t picture_90k;
	uint32_t count;
	uint8_t *data; /* all pictures */
	struct slate_picture pictures[MAX_PICTURES];
};

void slate_destroy(struct slate **slate)
{
	if (!*slate)
		return;
	part_init_unref((*slate)->init);
	track_unref((*slate)->track);
	free((*slate)->data);
	free(*slate);
	*slate = NULL;
}

/* ---- reading ---- */

/* A byte stream from one access unit delimiter to the next. */
struct unit_walk {
	struct nal_walk nals;
	const uint8_t *begin; /* of the open unit; NULL: before the first one, and at the end */
	const uint8_t *end;
};

static const uint8_t *next_delimiter(struct unit_walk *u)
{
	struct nal nal;

	while (nal_walk_next(&u->nals, &nal)) {
		if (nal_h264_type(&nal) == NAL_H264_AUD)
			return nal.data - START_CODE_BYTES;
	}
	return NULL;
}

static void unit_walk_init(struct unit_walk *u, const uint8_t *annex_b, size_t len)
{
	nal_walk_init(&u->nals, annex_b, len, NAL_ANNEX_B);
	u->end = annex_b + len;
	u->begin = next_delimiter(u);
}

static bool unit_walk_next(struct unit_walk *u, struct access_unit *out)
{
	const uint8_t *begin = u->begin;
	const uint8_t *next;

	if (!begin)
		return false;
	next = u->begin = next_delimiter(u);
	return access_unit_look(out, CODEC_H264, begin, (size_t)((next ? next : u->end) - begin), NAL_ANNEX_B) ==
	    PARSE_OK;
}

/* One key frame with its parameter sets, then others. */
static bool is_loop_picture(const struct access_unit *au, uint32_t i)
{
	return i < MAX_PICTURES && au->has_slice && au->has_random_access == (i == 0) && au->has_sets == (i == 0);
}

/* Counts what there is, and makes the track. */
static int look_at_loop(struct slate *s, const uint8_t *annex_b, size_t len, size_t *bytes)
{
	struct access_unit au;
	struct unit_walk u;
	int result = PARSE_OK;

	unit_walk_init(&u, annex_b, len);
	while (result == PARSE_OK && unit_walk_next(&u, &au)) {
		if (!is_loop_picture(&au, s->count))
			return -EINVAL;
		if (s->count++ == 0)
			result = access_unit_track(&s->track, &au, NULL);
		*bytes += au.size_bytes;
	}
	if (result == -ENOMEM)
		return -ENOMEM;
	return result == PARSE_OK && s->track && !u.begin && !u.nals.is_bad ? 0 : -EINVAL;
}

static void copy_loop(struct slate *s, const uint8_t *annex_b, size_t len, size_t bytes)
{
	struct access_unit au;
	struct bytes_writer w;
	struct unit_walk u;

	bytes_writer_init_fixed(&w, s->data, bytes);
	unit_walk_init(&u, annex_b, len);
	for (uint32_t i = 0; i < s->count && unit_walk_next(&u, &au); i++) {
		s->pictures[i] = (struct slate_picture){
			.data = w.data + w.len,
			.size_bytes = (uint32_t)au.size_bytes,
			.is_key = i == 0,
		};
		access_unit_write(&au, &w);
	}
	assert(!w.is_full && w.len == bytes);
}

static int load(struct slate *s, const uint8_t *annex_b, size_t len)
{
	size_t bytes = 0;
	int err = look_at_loop(s, annex_b, len, &bytes);

	if (err)
		return err;
	s->data = malloc(bytes);
	if (!s->data)
		return -ENOMEM;
	copy_loop(s, annex_b, len, bytes);
	return part_init_create(&s->init, 1, s->track, NULL);
}

int slate_create(struct slate **out, const uint8_t *annex_b, size_t len, uint32_t picture_90k)
{
	struct slate *s = calloc(1, sizeof(*s));
	int err;

	assert(picture_90k > 0);
	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->picture_90k = picture_90k;
	err = load(s, annex_b, len);
	if (err) {
		slate_destroy(&s);
		return err;
	}
	*out = s;
	return 0;
}

int slate_create_built_in(struct slate **out)
{
	return slate_create(
	    out, slate_built_in, (size_t)(slate_built_in_end - slate_built_in), SLATE_BUILT_IN_PICTURE_90K);
}

/* ---- what is in it ---- */

struct track *slate_track(const struct slate *slate)
{
	return slate->track;
}

uint32_t slate_pictures(const struct slate *slate)
{
	return slate->count;
}

int64_t slate_picture_90k(const struct slate *slate)
{
	return slate->picture_90k;
}

struct slate_picture slate_picture(const struct slate *slate, uint32_t i)
{
	assert(i < slate->count);
	return slate->pictures[i];
}

static void add_picture(struct stitch *t, const struct slate *slate, uint32_t number)
{
	const struct slate_picture *picture = &slate->pictures[number % slate->count];

	stitch_add(t, TRACK_VIDEO,
	    &(struct stitch_sample){
		.data = picture->data,
		.at = (int64_t)number * slate->picture_90k,
		.sample = { .duration = slate->picture_90k,
		    .size_bytes = picture->size_bytes,
		    .is_key = picture->is_key },
	    });
}

int slate_part(const struct slate *slate, uint32_t first, int64_t duration_90k, struct part **out)
{
	const uint32_t left = slate->count - first % slate->count;
	int64_t fitting = duration_90k / slate->picture_90k;
	struct stitch t;
	int err;

	*out = NULL;
	if (fitting <= 0)
		return 0;
	stitch_init(&t);
	for (uint32_t i = 0; i < left && i < fitting; i++)
		add_picture(&t, slate, first + i);
	err = stitch_part(&t, 0, NULL, out);
	if (!err) {
		(*out)->start_90k = (int64_t)first * slate->picture_90k;
		(*out)->duration_90k = stitch_end(&t, TRACK_VIDEO, 0) - (*out)->start_90k;
		(*out)->is_independent = first % slate->count == 0;
		(*out)->init = part_init_ref(slate->init);
	}
	stitch_fini(&t);
	return err;
}
