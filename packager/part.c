/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/part.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	INIT_MAX_BYTES = 64 * 1024, /* two configurations of the largest size and some boxes */
};

void part_unref(struct part *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	shared_unref(p->moof);
	shared_unref(p->mdat);
	part_init_unref(p->init);
	free(p);
}

struct part *part_create(size_t sample_count)
{
	struct part *p;

	if (sample_count > (SIZE_MAX - sizeof(*p)) / sizeof(p->samples[0]))
		return NULL;
	p = calloc(1, sizeof(*p) + sample_count * sizeof(p->samples[0]));
	if (p)
		atomic_init(&p->refs, 1);
	return p;
}

struct part *part_ref(struct part *p)
{
	if (p)
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

static int64_t run_end_90k(const struct part *p, const struct fmp4_run *run)
{
	const uint32_t timescale = fmp4_timescale(p->init->tracks[run->kind]);
	uint64_t end = run->base_decode_time;

	for (size_t i = 0; i < run->sample_count; i++)
		end += run->samples[i].duration;
	return (int64_t)((end * FMP4_VIDEO_TIMESCALE + timescale - 1) / timescale);
}

int64_t part_end_90k(const struct part *p)
{
	int64_t latest_90k = p->start_90k + p->duration_90k;

	for (size_t i = 0; i < p->run_count; i++) {
		int64_t end_90k = run_end_90k(p, &p->runs[i]);

		if (latest_90k < end_90k)
			latest_90k = end_90k;
	}
	return latest_90k;
}

void part_init_unref(struct part_init *i)
{
	if (!i || atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) != 1)
		return;
	shared_unref(i->bytes);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		track_unref(i->tracks[kind]);
	free(i);
}

static int write_bytes(struct part_init *i)
{
	const struct track *present[TRACK_KINDS];
	struct bytes_writer w;
	size_t n = 0;
	int err;

	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		if (i->tracks[kind])
			present[n++] = i->tracks[kind];
	}
	bytes_writer_init_growing(&w, INIT_MAX_BYTES);
	err = fmp4_write_init(&w, present, n);
	if (!err) {
		i->bytes = shared_copy(w.data, w.len);
		err = i->bytes ? 0 : -ENOMEM;
	}
	bytes_writer_fini(&w);
	return err;
}

int part_init_create(struct part_init **out, unsigned version, struct track *video, struct track *audio)
{
	struct part_init *i = calloc(1, sizeof(*i));
	int err;

	assert(video || audio);
	*out = NULL;
	if (!i)
		return -ENOMEM;
	atomic_init(&i->refs, 1);
	i->version = version;
	i->tracks[TRACK_VIDEO] = track_ref(video);
	i->tracks[TRACK_AUDIO] = track_ref(audio);
	err = write_bytes(i);
	if (err) {
		part_init_unref(i);
		return err;
	}
	*out = i;
	return 0;
}

struct part_init *part_init_ref(struct part_init *i)
{
	if (i)
		atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}
