/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/clip_frames.h"

#include <errno.h>
#include <string.h>

/* One track's samples, and which of them is next. */
struct row {
	const struct fmp4_scan_run *run;
	struct track *track;
	uint32_t timescale;
	uint32_t next;
	uint64_t time;
	const uint8_t *data; /* of the next one */
};

static uint32_t timescale_of(const struct fmp4_scan_init *init, enum track_kind kind)
{
	for (size_t i = 0; i < init->track_count; i++) {
		if (init->tracks[i].kind == kind)
			return init->tracks[i].timescale;
	}
	return 0;
}

/* False: the samples do not lie in the mdat, or their track is not there. */
static bool begin_row(
    struct row *row, const struct clip_fragment *f, const struct fmp4_scan_run *run, const uint8_t *payload, size_t len)
{
	*row = (struct row){
		.run = run,
		.track = f->tracks[run->kind],
		.timescale = timescale_of(f->init, run->kind),
		.time = run->base_decode_time,
		.data = payload + run->mdat_offset,
	};
	return row->track && row->timescale > 0 && run->mdat_offset <= len && run->bytes <= len - run->mdat_offset;
}

static bool is_over(const struct row *row)
{
	return row->next == row->run->sample_count;
}

static int64_t in_90k(uint64_t time, uint32_t timescale)
{
	return (int64_t)(time / timescale * 90000 + time % timescale * 90000 / timescale);
}

/* The one whose next sample comes first; NULL: none has any. */
static struct row *first_of(struct row *rows, size_t n)
{
	struct row *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!is_over(&rows[i]) &&
		    (!first || in_90k(rows[i].time, rows[i].timescale) < in_90k(first->time, first->timescale)))
			first = &rows[i];
	}
	return first;
}

static struct frame *take_sample(struct row *row, bool is_behind_break)
{
	const struct fmp4_sample sample = fmp4_scan_sample(row->run, row->next);
	struct frame *frame = frame_create(row->track, sample.size_bytes);
	int64_t time_90k = in_90k(row->time, row->timescale);

	if (!frame)
		return NULL;
	if (sample.size_bytes > 0)
		memcpy(frame->data, row->data, sample.size_bytes);
	frame_stamp(frame, time_90k, time_90k + sample.composition_offset,
	    (sample.is_key ? FRAME_KEY : 0u) | (is_behind_break && row->next == 0 ? FRAME_DISCONTINUITY : 0u));
	row->data += sample.size_bytes;
	row->time += sample.duration;
	row->next++;
	return frame;
}

int clip_frames_each(const struct clip_fragment *fragment, void (*take)(void *arg, struct frame *frame), void *arg)
{
	const struct shared *bytes = fragment->bytes;
	struct row rows[TRACK_KINDS];
	struct fmp4_scan_fragment f;
	struct row *row;
	size_t head;

	if (fmp4_scan_read_fragment(&f, fragment->init, bytes->data, bytes->size_bytes) != PARSE_OK ||
	    (size_t)f.moof_bytes + f.mdat_bytes > bytes->size_bytes)
		return -EBADMSG;
	head = (size_t)f.moof_bytes + FMP4_MDAT_HEADER_BYTES;
	for (size_t i = 0; i < f.run_count; i++) {
		if (!begin_row(&rows[i], fragment, &f.runs[i], bytes->data + head, bytes->size_bytes - head))
			return -EBADMSG;
	}
	while ((row = first_of(rows, f.run_count))) {
		struct frame *frame = take_sample(row, fragment->is_behind_break);

		if (!frame)
			return -ENOMEM;
		take(arg, frame);
		frame_unref(frame);
	}
	return 0;
}
