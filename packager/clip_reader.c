/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/clip_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/shared.h"
#include "packager/clip_frames.h"
#include "packager/cutter.h"
#include "packager/rec_reader.h"

struct clip_reader {
	struct rec_reader *files;
	struct cutter_config cutter;
};

struct clip {
	struct clip_reader *reader;
	struct clip_config config;
	struct cutter *cutter;
	struct rec_job *job; /* under way */
	struct rec_walk at;
	unsigned stretch; /* of the fragment read last; 0: none yet */
	bool is_over;	  /* its end was told */
	bool is_at_work;  /* its functions are being called */
	bool is_closed;	  /* and by one of them it was closed */
};

/* ---- why it ended ---- */

static const struct {
	int err;
	const char *ja;
	const char *en;
} ends[] = {
	{ 0, "最後まで再生しました", "it was shown to its end" },
	{ -ENOENT, "録画がないか、クリップの範囲が録画の外です",
	    "its recording is not there, or ends before it begins" },
	{ -EACCES, "取り下げられました", "it was taken down" },
	{ -EBADMSG, "録画のファイルが壊れています", "its recording is damaged" },
	{ -EFBIG, "録画のファイルが壊れています", "its recording is damaged" },
	{ -EIO, "ディスクから読めません", "the disk cannot be read" },
	{ -ENOMEM, "メモリーが足りません", "memory is out" },
};

static size_t end_of(int err)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		if (ends[i].err == err)
			return i;
	}
	return end_of(-EIO);
}

const char *clip_end_ja(int err)
{
	return ends[end_of(err)].ja;
}

const char *clip_end_en(int err)
{
	return ends[end_of(err)].en;
}

/* ---- the reader ---- */

void clip_reader_destroy(struct clip_reader **reader)
{
	struct clip_reader *r = *reader;

	*reader = NULL;
	if (!r)
		return;
	rec_reader_destroy(&r->files);
	free(r);
}

int clip_reader_create(struct clip_reader **out, const struct clip_reader_config *config)
{
	struct clip_reader *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->cutter.part_ms = config->part_ms;
	r->cutter.segment_ms = config->segment_ms;
	err = rec_reader_create(&r->files, config->loop, "clips", config->data_dir);
	if (err != 0) {
		clip_reader_destroy(&r);
		return err;
	}
	*out = r;
	return 0;
}

int clip_reader_start(struct clip_reader *r)
{
	return rec_reader_start(r->files);
}

void clip_reader_stop(struct clip_reader *r)
{
	rec_reader_stop(r->files);
}

void clip_reader_note(struct clip_reader *r, const struct rec_note *note)
{
	rec_reader_note(r->files, note);
}

/* ---- a clip ---- */

static void destroy(struct clip *c)
{
	if (c->job)
		c->job->is_cancelled = true;
	cutter_destroy(&c->cutter);
	free(c);
}

void clip_close(struct clip **clip)
{
	struct clip *c = *clip;

	*clip = NULL;
	if (!c)
		return;
	c->is_closed = true;
	if (!c->is_at_work)
		destroy(c);
}

int clip_open(struct clip **out, struct clip_reader *reader, const struct clip_config *config)
{
	struct clip *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->reader = reader;
	c->config = *config;
	c->cutter = cutter_create(&reader->cutter);
	if (!c->cutter) {
		free(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

/* ---- what was read ---- */

static void give_parts(struct clip *c)
{
	struct part *part;
	int err = 0;

	do {
		err = cutter_pop(c->cutter, &part);
		if (part && !c->is_closed)
			c->config.ops.part(c->config.ops.arg, part);
		part_unref(part);
	} while (part || err != 0);
}

static void take_frame(void *arg, struct frame *frame)
{
	struct clip *c = arg;

	cutter_push(c->cutter, frame);
	give_parts(c);
}

static int take_fragment(struct clip *c, const struct rec_job *job)
{
	const struct clip_ops *ops = &c->config.ops;
	const struct rec_step *step = &job->step;
	const struct clip_fragment fragment = {
		.init = &step->init,
		.tracks = step->tracks,
		.bytes = job->data,
		.is_behind_break = c->stretch != 0 && c->stretch != step->stretch,
	};

	if (c->stretch == 0 && ops->may_show && !ops->may_show(ops->arg, step->stream, step->begin_wall_ms))
		return -EACCES;
	c->stretch = step->stretch;
	c->at = step->next;
	return clip_frames_each(&fragment, take_frame, c);
}

static void finish(struct clip *c, int err)
{
	cutter_flush(c->cutter);
	give_parts(c);
	c->is_over = true;
	if (!c->is_closed)
		c->config.ops.end(c->config.ops.arg, err);
}

static void on_fragment(void *arg, struct rec_job *job)
{
	struct clip *c = arg;
	int err = job->err;

	c->job = NULL;
	c->is_at_work = true;
	if (err == 0)
		err = take_fragment(c, job);
	if (err != 0 || job->step.is_last)
		finish(c, err == -ENODATA ? 0 : err);
	c->is_at_work = false;
	if (c->is_closed)
		destroy(c);
}

void clip_want(struct clip *c)
{
	struct rec_job *job;

	if (c->job || c->is_over || c->is_closed)
		return;
	job = rec_job_create(REC_JOB_FRAGMENT, on_fragment, c);
	if (!job)
		return;
	memcpy(job->wish.id, c->config.recording, sizeof(job->wish.id));
	job->wish.in_ms = c->config.span.in_ms;
	job->wish.out_ms = c->config.span.out_ms;
	job->at = c->at;
	if (rec_reader_ask(c->reader->files, job) == 0)
		c->job = job;
	else
		rec_job_destroy(&job);
}
