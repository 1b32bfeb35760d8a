/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/part.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	INIT_MAX_BYTES = 64 * 1024, /* two configurations of the largest size and some boxes */
	MOOF_FIXED_BYTES = 512,	    /* all boxes of two tracks without their samples */
	MOOF_SAMPLE_BYTES = 16,
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

static struct shared *make_moof(const struct part *p)
{
	struct bytes_writer w;
	struct shared *moof = NULL;
	size_t sample_count = 0;

	for (size_t i = 0; i < p->run_count; i++)
		sample_count += p->runs[i].sample_count;
	bytes_writer_init_growing(&w, MOOF_FIXED_BYTES + sample_count * MOOF_SAMPLE_BYTES);
	if (fmp4_write_moof(&w, p->sequence, p->runs, p->run_count) == 0)
		moof = shared_copy(w.data, w.len);
	bytes_writer_fini(&w);
	return moof;
}

int part_seal(struct part *p, struct shared *mdat)
{
	p->mdat = mdat;
	p->moof = make_moof(p);
	if (!p->moof || !p->mdat)
		return -ENOMEM;
	p->bytes = p->moof->size_bytes + p->mdat->size_bytes;
	return 0;
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

/* audio_timescale: 0 is the track's own. */
static int write_bytes(struct part_init *i, uint32_t audio_timescale)
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
	err = fmp4_write_init_scaled(&w, present, n, audio_timescale);
	if (!err) {
		i->bytes = shared_copy(w.data, w.len);
		err = i->bytes ? 0 : -ENOMEM;
	}
	bytes_writer_fini(&w);
	return err;
}

static int create_init(
    struct part_init **out, unsigned version, struct track *const tracks[TRACK_KINDS], uint32_t audio_timescale)
{
	struct part_init *i = calloc(1, sizeof(*i));
	int err;

	assert(tracks[TRACK_VIDEO] || tracks[TRACK_AUDIO]);
	*out = NULL;
	if (!i)
		return -ENOMEM;
	atomic_init(&i->refs, 1);
	i->version = version;
	for (size_t kind = 0; kind < TRACK_KINDS; kind++)
		i->tracks[kind] = track_ref(tracks[kind]);
	err = write_bytes(i, audio_timescale);
	if (err) {
		part_init_unref(i);
		return err;
	}
	*out = i;
	return 0;
}

int part_init_create(struct part_init **out, unsigned version, struct track *video, struct track *audio)
{
	struct track *const tracks[TRACK_KINDS] = { [TRACK_VIDEO] = video, [TRACK_AUDIO] = audio };

	return create_init(out, version, tracks, 0);
}

int part_init_create_for_channel(struct part_init **out, unsigned version, struct track *video, struct track *audio)
{
	struct track *const tracks[TRACK_KINDS] = { [TRACK_VIDEO] = video, [TRACK_AUDIO] = audio };

	return create_init(out, version, tracks, FMP4_VIDEO_TIMESCALE);
}

struct part_init *part_init_ref(struct part_init *i)
{
	if (i)
		atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}
