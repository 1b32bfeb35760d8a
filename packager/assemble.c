/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/assemble.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "media/h264.h"
#include "media/h265.h"
#include "media/nal.h"

/* What stands in front of a key frame's own units: how far the access unit delimiter reaches, and are sets missing? */
struct key_layout {
	size_t delimiter_bytes;
	bool needs_sets;
};

/* A unit as both codecs have it. */
enum unit_kind {
	UNIT_OTHER,
	UNIT_DELIMITER,
	UNIT_VPS,
	UNIT_SPS,
	UNIT_PPS,
	UNIT_SLICE,
};

static enum unit_kind h264_unit_kind(const struct nal *nal)
{
	switch (nal_h264_type(nal)) {
	case NAL_H264_AUD: return UNIT_DELIMITER;
	case NAL_H264_SPS: return UNIT_SPS;
	case NAL_H264_PPS: return UNIT_PPS;
	}
	return nal_h264_is_slice(nal) ? UNIT_SLICE : UNIT_OTHER;
}

static enum unit_kind h265_unit_kind(const struct nal *nal)
{
	switch (nal_h265_type(nal)) {
	case NAL_H265_AUD: return UNIT_DELIMITER;
	case NAL_H265_VPS: return UNIT_VPS;
	case NAL_H265_SPS: return UNIT_SPS;
	case NAL_H265_PPS: return UNIT_PPS;
	}
	return nal_h265_is_slice(nal) ? UNIT_SLICE : UNIT_OTHER;
}

/*
 * H.264 §7.4.1.2.3, H.265 §7.4.2.4.4: a delimiter is the first unit of its access unit, parameter sets come before the
 * slices.
 */
static struct key_layout key_layout_of(const struct frame *frame)
{
	const bool is_h265 = frame->track->codec == CODEC_H265;
	struct key_layout layout = { 0 };
	unsigned seen = is_h265 ? 0 : 1u << UNIT_VPS;
	struct nal_walk walk;
	struct nal nal;

	nal_walk_init(&walk, frame->data, frame->size_bytes, NAL_LENGTH_4);
	while (nal_walk_next(&walk, &nal) && !(seen & 1u << UNIT_SLICE)) {
		enum unit_kind kind = is_h265 ? h265_unit_kind(&nal) : h264_unit_kind(&nal);

		if (kind == UNIT_DELIMITER && nal.data == frame->data + 4)
			layout.delimiter_bytes = 4 + nal.len;
		seen |= 1u << kind;
	}
	layout.needs_sets = !(seen & 1u << UNIT_VPS) || !(seen & 1u << UNIT_SPS) || !(seen & 1u << UNIT_PPS);
	return layout;
}

static bool may_need_sets(const struct frame *frame)
{
	return frame_is_video(frame) && frame_is_key(frame);
}

static void write_list(struct bytes_writer *w, const struct nal *sets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		nal_write(w, &sets[i]);
}

static void write_sets(struct bytes_writer *w, const struct track *track)
{
	struct h264_config h264;
	struct h265_config h265;

	if (track->codec == CODEC_H264) {
		h264_config_of_track(&h264, track);
		write_list(w, h264.sps, h264.n_sps);
		write_list(w, h264.pps, h264.n_pps);
		return;
	}
	h265_config_of_track(&h265, track);
	for (unsigned kind = 0; kind < H265_SET_KINDS; kind++)
		write_list(w, h265.sets[kind], h265.count[kind]);
}

/* Twice a record's size is enough: a set stands there behind two bytes, here behind four, and is longer than two. */
static size_t sets_size(const struct track *track)
{
	uint8_t buf[2 * TRACK_CONFIG_MAX_BYTES];
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, buf, sizeof(buf));
	write_sets(&w, track);
	assert(!w.is_full);
	return w.len;
}

static size_t payload_size(const struct frame *frame)
{
	size_t size = frame->size_bytes;

	if (may_need_sets(frame) && key_layout_of(frame).needs_sets)
		size += sets_size(frame->track);
	return size;
}

static void write_payload(struct bytes_writer *w, const struct frame *frame)
{
	struct key_layout layout = { 0 };

	if (may_need_sets(frame))
		layout = key_layout_of(frame);
	if (!layout.needs_sets) {
		bytes_put(w, frame->data, frame->size_bytes);
		return;
	}
	bytes_put(w, frame->data, layout.delimiter_bytes);
	write_sets(w, frame->track);
	bytes_put(w, frame->data + layout.delimiter_bytes, frame->size_bytes - layout.delimiter_bytes);
}

/* Until the next sample, known or told; never 0, and never over a hole too wide to be stretched over. */
static uint32_t duration_of(const struct assemble_input *in, enum track_kind kind, size_t i)
{
	const struct lane *l = in->lanes[kind];
	const struct lane_sample *s = lane_at(l, i);
	int64_t ticks = l->frame_duration;
	int64_t max_ticks = in->max_stretch_90k * l->timescale / FMP4_VIDEO_TIMESCALE;

	if (i + 1 < in->counts[kind] || (kind == TRACK_AUDIO && i + 1 < l->count))
		ticks = lane_at(l, i + 1)->time - s->time;
	else if (kind == TRACK_VIDEO)
		return in->video_end_90k > s->time ? (uint32_t)(in->video_end_90k - s->time) : 1;
	if (kind == TRACK_AUDIO && ticks > max_ticks)
		ticks = l->frame_duration;
	return ticks > 0 ? (uint32_t)ticks : 1;
}

static void fill_run(struct part *p, const struct assemble_input *in, enum track_kind kind, size_t *mdat_bytes)
{
	const struct lane *l = in->lanes[kind];
	struct fmp4_sample *samples = p->samples + (p->run_count == 0 ? 0 : p->runs[0].sample_count);

	if (in->counts[kind] == 0)
		return;
	p->runs[p->run_count++] = (struct fmp4_run){
		.kind = kind,
		.base_decode_time = (uint64_t)lane_at(l, 0)->time,
		.mdat_offset = (uint32_t)*mdat_bytes,
		.sample_count = (uint32_t)in->counts[kind],
		.samples = samples,
	};
	for (size_t i = 0; i < in->counts[kind]; i++) {
		const struct lane_sample *s = lane_at(l, i);

		samples[i] = (struct fmp4_sample){
			.duration = duration_of(in, kind, i),
			.size_bytes = (uint32_t)payload_size(s->frame),
			.composition_offset =
			    kind == TRACK_VIDEO ? (int32_t)(s->frame->pts_90k + l->ahead_90k - s->time) : 0,
			.is_key = kind == TRACK_AUDIO || frame_is_key(s->frame),
		};
		*mdat_bytes += samples[i].size_bytes;
	}
}

static struct shared *make_mdat(const struct assemble_input *in, size_t payload_bytes)
{
	struct shared *mdat = shared_create(FMP4_MDAT_HEADER_BYTES + payload_bytes);
	struct bytes_writer w;

	if (!mdat)
		return NULL;
	bytes_writer_init_fixed(&w, mdat->data, mdat->size_bytes);
	fmp4_write_mdat_header(&w, payload_bytes);
	for (size_t kind = 0; kind < TRACK_KINDS; kind++) {
		for (size_t i = 0; i < in->counts[kind]; i++)
			write_payload(&w, lane_at(in->lanes[kind], i)->frame);
	}
	assert(!w.is_full && w.len == mdat->size_bytes);
	return mdat;
}

int assemble_part(struct part **out, const struct assemble_input *in)
{
	size_t sample_count = in->counts[TRACK_VIDEO] + in->counts[TRACK_AUDIO];
	struct part *p = part_create(sample_count);
	size_t mdat_bytes = 0;

	*out = NULL;
	assert(sample_count > 0);
	if (!p)
		return -ENOMEM;
	p->sequence = in->sequence;
	fill_run(p, in, TRACK_VIDEO, &mdat_bytes);
	fill_run(p, in, TRACK_AUDIO, &mdat_bytes);
	if (part_seal(p, make_mdat(in, mdat_bytes)) != 0) {
		part_unref(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}
