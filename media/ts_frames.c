/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_frames.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "media/aac.h"
#include "media/access_unit.h"
#include "media/ts_packet.h"
#include "media/ts_pes.h"

enum {
	DEFAULT_STEP_90K = 3000,
	STEP_MAX_90K = 90000,
};

void ts_frames_fini(struct ts_frames *f)
{
	track_unref(f->track);
	f->track = NULL;
}

void ts_frames_init(struct ts_frames *f, const struct ts_frames_config *config)
{
	memset(f, 0, sizeof(*f));
	f->config = *config;
	if (config->codec == CODEC_OPUS)
		f->opus = *config->opus;
	f->is_waiting = config->codec == CODEC_H264 || config->codec == CODEC_H265;
}

void ts_frames_gap(struct ts_frames *f)
{
	if (f->config.codec == CODEC_H264 || f->config.codec == CODEC_H265)
		f->is_waiting = f->is_gap = true;
	f->half_len = 0;
}

static int64_t wrap(int64_t time_90k)
{
	return time_90k & (TS_CLOCK_MODULUS - 1);
}

/* later - earlier around the clock, whichever way is shorter */
static int64_t distance(int64_t later_90k, int64_t earlier_90k)
{
	int64_t d = wrap(later_90k - earlier_90k);

	return d >= TS_CLOCK_MODULUS / 2 ? d - TS_CLOCK_MODULUS : d;
}

static void say_unreadable(struct ts_frames *f)
{
	f->config.ops->unreadable(f->config.ctx);
}

/* Takes the reference to the frame. */
static void hand_out(struct ts_frames *f, struct frame *frame, const struct ts_pes *pes, uint64_t first_packet)
{
	frame->arrival_us = pes->arrival_us;
	f->config.ops->frame(f->config.ctx, frame, first_packet);
}

static void adopt_track(struct ts_frames *f, struct track *track)
{
	track_unref(f->track);
	f->track = track;
}

/* ---- pictures ---- */

static int64_t step_of(const struct ts_frames *f)
{
	if (f->step_90k > 0)
		return f->step_90k;
	if (f->track && f->track->fps_num > 0)
		return INT64_C(90000) * f->track->fps_den / f->track->fps_num;
	return DEFAULT_STEP_90K;
}

/* False: there is nothing to guess from. */
static bool set_picture_time(struct ts_frames *f, const struct ts_pes *pes, int64_t *dts_90k, int64_t *pts_90k)
{
	int64_t step;

	if (!pes->has_pts) {
		if (!f->has_time)
			return false;
		*dts_90k = *pts_90k = f->time_90k = wrap(f->time_90k + step_of(f));
		f->config.counts->times_guessed++;
		return true;
	}
	*dts_90k = pes->dts_90k;
	*pts_90k = pes->dts_90k + distance(pes->pts_90k, pes->dts_90k);
	step = f->has_time ? distance(pes->dts_90k, f->time_90k) : 0;
	if (step > 0 && step <= STEP_MAX_90K)
		f->step_90k = step;
	f->time_90k = pes->dts_90k;
	f->has_time = true;
	return true;
}

static bool is_key_picture(const struct access_unit *au, const struct ts_pes *pes)
{
	return au->has_random_access || (pes->is_random_access && au->has_open_start);
}

/* Sets that make no sense leave the track as it is: a decoder may cope. */
static void take_sets(struct ts_frames *f, const struct access_unit *au)
{
	struct track *track;

	if (access_unit_track(&track, au, f->track) == PARSE_OK && track)
		adopt_track(f, track);
}

static struct frame *make_picture(struct track *track, const struct access_unit *au)
{
	struct frame *frame = frame_create(track, au->size_bytes);
	struct bytes_writer w;

	if (!frame)
		return NULL;
	bytes_writer_init_fixed(&w, frame->data, frame->size_bytes);
	access_unit_write(au, &w);
	assert(!w.is_full && w.len == frame->size_bytes);
	return frame;
}

static void take_picture(struct ts_frames *f, const struct ts_pes *pes)
{
	struct access_unit au;
	struct frame *frame = NULL;
	bool is_key;
	int64_t dts_90k;
	int64_t pts_90k;

	(void)access_unit_look(&au, f->config.codec, pes->payload, pes->len, NAL_ANNEX_B); /* never bad in Annex B */
	is_key = is_key_picture(&au, pes);
	if (is_key || !au.has_slice)
		take_sets(f, &au);
	if (!au.has_slice)
		return;
	if (set_picture_time(f, pes, &dts_90k, &pts_90k) && f->track && (is_key || !f->is_waiting))
		frame = make_picture(f->track, &au);
	if (!frame) {
		f->config.counts->frames_dropped++;
		f->is_waiting = true;
		return;
	}
	frame->dts_90k = dts_90k;
	frame->pts_90k = pts_90k;
	frame->flags = (is_key ? FRAME_KEY : 0) | (f->is_gap ? FRAME_DISCONTINUITY : 0);
	f->is_waiting = f->is_gap = false;
	hand_out(f, frame, pes, pes->first_packet);
}

/* ---- sound ---- */

static void set_sound_time(struct ts_frames *f, int64_t time_90k)
{
	f->time_90k = time_90k;
	f->samples = 0;
	f->has_time = true;
}

static int64_t sound_time(const struct ts_frames *f)
{
	return wrap(f->time_90k + (int64_t)(f->samples * 90000 / f->track->sample_rate_hz));
}

/* samples: at the rate of the track, which is there. */
static void take_sound(struct ts_frames *f, const struct ts_pes *pes, uint64_t first_packet, const uint8_t *data,
    size_t len, uint32_t samples)
{
	struct frame *frame = f->has_time ? frame_create(f->track, len) : NULL;

	if (!frame) {
		f->config.counts->frames_dropped++;
	} else {
		memcpy(frame->data, data, len);
		frame->dts_90k = frame->pts_90k = sound_time(f);
		frame->flags = FRAME_KEY;
		f->config.counts->times_guessed += !pes->has_pts;
	}
	f->samples += samples;
	if (frame)
		hand_out(f, frame, pes, first_packet);
}

/* The track that an ADTS header speaks of. False: it cannot be one of ours. */
static bool set_aac_track(struct ts_frames *f, const struct adts_header *header)
{
	struct track *track;
	int err;

	if (f->track && memcmp(f->track->config, header->config, sizeof(header->config)) == 0)
		return true;
	err = aac_track_create(&track, header->config, sizeof(header->config));
	if (err == PARSE_BAD && !f->is_refused) {
		f->is_refused = true;
		f->config.ops->unsupported(f->config.ctx, "aac");
	}
	if (err != PARSE_OK)
		return false;
	if (f->track && f->has_time)
		set_sound_time(f, sound_time(f)); /* the rate may be another now */
	adopt_track(f, track);
	return true;
}

/* A whole ADTS frame. */
static void take_adts(struct ts_frames *f, const struct ts_pes *pes, uint64_t first_packet,
    const struct adts_header *header, const uint8_t *data)
{
	if (!set_aac_track(f, header)) {
		f->config.counts->frames_dropped++;
		return;
	}
	take_sound(f, pes, first_packet, data + header->header_bytes, header->frame_bytes - header->header_bytes,
	    f->track->samples_per_frame);
}

static void keep_half(struct ts_frames *f, uint64_t first_packet, struct bytes_reader *r, size_t len)
{
	if (f->half_len == 0)
		f->half_first_packet = first_packet;
	len = len < bytes_left(r) ? len : bytes_left(r);
	if (len == 0)
		return;
	memcpy(f->half + f->half_len, bytes_take(r, len), len);
	f->half_len += len;
}

/* What the last PES packet began: first the rest of its header, then the rest of it. */
static void finish_half(struct ts_frames *f, const struct ts_pes *pes, struct bytes_reader *r)
{
	struct adts_header header;
	enum parse_result result;

	if (f->half_len < ADTS_HEADER_BYTES)
		keep_half(f, pes->first_packet, r, ADTS_HEADER_BYTES - f->half_len);
	result = adts_parse(&header, f->half, f->half_len);
	if (result == PARSE_OK && f->half_len < header.frame_bytes)
		keep_half(f, pes->first_packet, r, header.frame_bytes - f->half_len);
	if (result == PARSE_MORE || (result == PARSE_OK && f->half_len < header.frame_bytes))
		return;
	f->half_len = 0;
	if (result == PARSE_OK)
		take_adts(f, pes, f->half_first_packet, &header, f->half);
	else
		say_unreadable(f);
}

/* Up to where a header may begin that speaks of the track we know. */
static void skip_to_adts(const struct ts_frames *f, struct bytes_reader *r)
{
	struct adts_header header;

	bytes_skip(r, 1);
	while (bytes_left(r) > 0) {
		const uint8_t *found = memchr(r->pos, 0xff, bytes_left(r));

		r->pos = found ? found : r->end;
		if (adts_parse(&header, r->pos, bytes_left(r)) == PARSE_OK &&
		    (!f->track || memcmp(f->track->config, header.config, sizeof(header.config)) == 0))
			return;
		bytes_skip(r, 1);
	}
}

static void take_aac(struct ts_frames *f, const struct ts_pes *pes)
{
	struct bytes_reader r;
	struct adts_header header;
	bool is_said = false;

	bytes_reader_init(&r, pes->payload, pes->len);
	if (f->half_len > 0)
		finish_half(f, pes, &r);
	if (bytes_left(&r) > 0 && pes->has_pts)
		set_sound_time(f, pes->pts_90k);
	while (bytes_left(&r) > 0) {
		enum parse_result result = adts_parse(&header, r.pos, bytes_left(&r));

		if (result == PARSE_BAD) {
			if (!is_said)
				say_unreadable(f);
			is_said = true;
			skip_to_adts(f, &r);
		} else if (result == PARSE_MORE || header.frame_bytes > bytes_left(&r)) {
			keep_half(f, pes->first_packet, &r, bytes_left(&r));
		} else {
			take_adts(f, pes, pes->first_packet, &header, bytes_take(&r, header.frame_bytes));
		}
	}
}

static void take_opus(struct ts_frames *f, const struct ts_pes *pes)
{
	struct bytes_reader r;

	if (!f->track && opus_track_create_from_config(&f->track, &f->opus) != PARSE_OK) {
		f->config.counts->frames_dropped++;
		return;
	}
	if (pes->has_pts)
		set_sound_time(f, pes->pts_90k);
	bytes_reader_init(&r, pes->payload, pes->len);
	while (bytes_left(&r) > 0) {
		struct ts_opus_header header;
		const uint8_t *packet;
		uint32_t samples;

		if (ts_opus_parse(&header, r.pos, bytes_left(&r)) != PARSE_OK) {
			say_unreadable(f);
			return;
		}
		bytes_skip(&r, header.header_bytes);
		packet = bytes_take(&r, header.packet_bytes);
		samples = opus_packet_samples(packet, header.packet_bytes);
		if (samples > 0)
			take_sound(f, pes, pes->first_packet, packet, header.packet_bytes, samples);
		else
			say_unreadable(f);
	}
}

void ts_frames_take(struct ts_frames *f, const struct ts_pes *pes)
{
	switch (f->config.codec) {
	case CODEC_H264:
	case CODEC_H265: take_picture(f, pes); break;
	case CODEC_AAC: take_aac(f, pes); break;
	case CODEC_OPUS: take_opus(f, pes); break;
	case CODECS: assert(false && "not a codec");
	}
}
