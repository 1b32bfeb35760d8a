/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/stitch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"

enum {
	FIRST_CAPACITY = 64,
};

void stitch_fini(struct stitch *t)
{
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		free(t->lists[kind].samples);
	*t = (struct stitch){ 0 };
}

void stitch_init(struct stitch *t)
{
	*t = (struct stitch){ 0 };
}

static bool make_room(struct stitch_list *list)
{
	size_t wanted = list->capacity == 0 ? FIRST_CAPACITY : 2 * list->capacity;
	struct stitch_sample *bigger;

	if (list->count < list->capacity)
		return true;
	bigger = realloc(list->samples, wanted * sizeof(list->samples[0]));
	if (!bigger)
		return false;
	list->samples = bigger;
	list->capacity = wanted;
	return true;
}

int64_t stitch_end(const struct stitch *t, enum track_kind kind, int64_t fallback)
{
	const struct stitch_list *list = &t->lists[kind];
	const struct stitch_sample *last = list->count > 0 ? &list->samples[list->count - 1] : NULL;

	return last ? last->at + last->sample.duration : fallback;
}

void stitch_add(struct stitch *t, enum track_kind kind, const struct stitch_sample *sample)
{
	struct stitch_list *list = &t->lists[kind];
	struct stitch_sample *last;

	assert(sample->at >= stitch_end(t, kind, sample->at));
	if (!make_room(list)) {
		t->is_out_of_memory = true;
		return;
	}
	if (list->count > 0) {
		last = &list->samples[list->count - 1];
		last->sample.duration = (uint32_t)(sample->at - last->at);
	}
	list->samples[list->count++] = *sample;
}

static size_t fill_run(
    struct part *p, const struct stitch *t, enum track_kind kind, size_t mdat_offset, struct fmp4_sample *samples)
{
	const struct stitch_list *list = &t->lists[kind];
	size_t bytes = 0;

	if (list->count == 0)
		return 0;
	for (size_t i = 0; i < list->count; i++) {
		samples[i] = list->samples[i].sample;
		bytes += samples[i].size_bytes;
	}
	p->runs[p->run_count++] = (struct fmp4_run){
		.kind = kind,
		.base_decode_time = (uint64_t)list->samples[0].at,
		.mdat_offset = (uint32_t)mdat_offset,
		.sample_count = (uint32_t)list->count,
		.samples = samples,
	};
	return bytes;
}

static struct shared *make_mdat(const struct stitch *t, size_t payload_bytes)
{
	struct shared *mdat = shared_create(FMP4_MDAT_HEADER_BYTES + payload_bytes);
	struct bytes_writer w;

	if (!mdat)
		return NULL;
	bytes_writer_init_fixed(&w, mdat->data, mdat->size_bytes);
	fmp4_write_mdat_header(&w, payload_bytes);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		const struct stitch_list *list = &t->lists[kind];

		for (size_t i = 0; i < list->count; i++)
			bytes_put(&w, list->samples[i].data, list->samples[i].sample.size_bytes);
	}
	assert(!w.is_full && w.len == mdat->size_bytes);
	return mdat;
}

int stitch_part(const struct stitch *t, uint32_t sequence, const struct part *whole, struct part **out)
{
	size_t video_count = t->lists[TRACK_VIDEO].count;
	size_t count = video_count + t->lists[TRACK_AUDIO].count;
	struct part *p = t->is_out_of_memory ? NULL : part_create(count);
	size_t bytes;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	assert(count > 0);
	p->sequence = sequence;
	bytes = fill_run(p, t, TRACK_VIDEO, 0, p->samples);
	bytes += fill_run(p, t, TRACK_AUDIO, bytes, p->samples + video_count);
	assert(!whole || whole->mdat->size_bytes == FMP4_MDAT_HEADER_BYTES + bytes);
	if (part_seal(p, whole ? shared_ref(whole->mdat) : make_mdat(t, bytes)) != 0) {
		part_unref(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}
