/* SPDX-License-Identifier: Apache-2.0 */
#include "media/ts_stream.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1024 };

void ts_stream_fini(struct ts_stream *s)
{
	ts_frames_fini(&s->frames);
	free(s->buf);
	s->buf = NULL;
	s->len = s->capacity = 0;
	s->is_open = false;
}

void ts_stream_init(
    struct ts_stream *s, uint16_t pid, const struct ts_frames_config *config, struct ts_stream_counts *counts)
{
	struct ts_frames_config with_counts = *config;

	memset(s, 0, sizeof(*s));
	s->pid = pid;
	s->counts = counts;
	with_counts.counts = &counts->frames;
	ts_frames_init(&s->frames, &with_counts);
}

static size_t max_bytes(const struct ts_stream *s)
{
	enum track_codec codec = s->frames.config.codec;

	return codec == CODEC_H264 || codec == CODEC_H265 ? TS_PES_VIDEO_MAX_BYTES : TS_PES_AUDIO_MAX_BYTES;
}

static bool grow(struct ts_stream *s, size_t wanted)
{
	size_t capacity = s->capacity == 0 ? FIRST_CAPACITY : s->capacity;
	uint8_t *bigger;

	if (wanted <= s->capacity)
		return true;
	while (capacity < wanted)
		capacity *= 2;
	bigger = realloc(s->buf, capacity);
	if (!bigger)
		return false;
	s->buf = bigger;
	s->capacity = capacity;
	return true;
}

/* The PES packet is lost, and whatever else was. */
static void lose(struct ts_stream *s)
{
	s->is_open = false;
	ts_frames_gap(&s->frames);
}

static void lose_bad(struct ts_stream *s)
{
	s->counts->pes_bad++;
	s->frames.config.ops->unreadable(s->frames.config.ctx);
	lose(s);
}

static void hand_out(struct ts_stream *s)
{
	const struct ts_pes_header *h = &s->header;
	size_t payload_len = s->len - h->header_bytes;
	const struct ts_pes pes = {
		.payload = s->buf + h->header_bytes,
		.len = h->has_length && h->payload_bytes < payload_len ? h->payload_bytes : payload_len,
		.has_pts = h->has_pts,
		.is_random_access = s->is_random_access,
		.pts_90k = h->pts_90k,
		.dts_90k = h->has_dts ? h->dts_90k : h->pts_90k,
		.first_packet = s->first_packet,
		.arrival_us = s->arrival_us,
	};

	s->is_open = false;
	ts_frames_take(&s->frames, &pes);
}

static bool is_complete(const struct ts_stream *s)
{
	return s->has_header && s->header.has_length && s->len >= s->header.header_bytes + s->header.payload_bytes;
}

/* The next one begins. */
static void end_pes(struct ts_stream *s)
{
	if (!s->is_open)
		return;
	if (!s->has_header || s->header.has_length)
		lose_bad(s); /* it said it would be longer */
	else
		hand_out(s);
}

/* Does the packet repeat the last one byte by byte, as it may once (§2.4.3.3)? 15 lost packets would look the same. */
static bool is_repeated(const struct ts_stream *s, const struct ts_packet *p)
{
	if (p->continuity != s->continuity || p->is_discontinuity)
		return false;
	if (s->tail_len == 0)
		return true; /* nobody wanted the last one either */
	return p->payload_len == s->tail_len && memcmp(s->buf + s->len - s->tail_len, p->payload, s->tail_len) == 0;
}

/* After a jump that was announced a PES packet that ends with the next one is whole, any other is not. */
static void check_continuity(struct ts_stream *s, const struct ts_packet *p)
{
	bool is_next = p->continuity == ((s->continuity + 1) & 0x0f);

	if (s->has_continuity && !is_next) {
		if (!p->is_discontinuity) {
			s->counts->continuity_errors++;
			lose(s);
		} else if (!p->is_unit_start && s->is_open) {
			lose(s);
		}
	}
	s->has_continuity = true;
	s->continuity = p->continuity;
}

static void begin_pes(struct ts_stream *s, const struct ts_packet *p, uint64_t number)
{
	s->is_open = true;
	s->has_header = false;
	s->is_random_access = p->is_random_access;
	s->first_packet = number;
	s->len = 0;
}

/* False: the PES packet is lost. */
static bool append(struct ts_stream *s, const struct ts_packet *p)
{
	if (s->len + p->payload_len > max_bytes(s) || !grow(s, s->len + p->payload_len)) {
		lose_bad(s);
		return false;
	}
	memcpy(s->buf + s->len, p->payload, p->payload_len);
	s->len += p->payload_len;
	s->tail_len = p->payload_len;
	s->is_stuffed = p->is_stuffed;
	return true;
}

static void read_header(struct ts_stream *s)
{
	switch (ts_pes_parse(&s->header, s->buf, s->len)) {
	case PARSE_OK: s->has_header = true; break;
	case PARSE_MORE: break;
	case PARSE_BAD: lose_bad(s); break;
	}
}

/* Without payload nothing is counted on, but a jump may be announced for what comes (§2.4.3.5). */
static void take_field(struct ts_stream *s, const struct ts_packet *p)
{
	if (p->is_discontinuity)
		s->continuity = p->continuity;
}

void ts_stream_take(struct ts_stream *s, const struct ts_packet *p, uint64_t number, int64_t arrival_us)
{
	if (p->is_scrambled) {
		s->counts->scrambled_packets++;
		s->has_continuity = false;
		lose(s);
		return;
	}
	if (p->payload_len == 0) {
		take_field(s, p);
		return;
	}
	if (s->has_continuity && is_repeated(s, p))
		return;
	check_continuity(s, p);
	if (p->is_unit_start) {
		end_pes(s);
		begin_pes(s, p, number);
	}
	s->tail_len = 0;
	if (!s->is_open || !append(s, p))
		return;
	s->arrival_us = arrival_us;
	if (!s->has_header)
		read_header(s);
	if (s->is_open && is_complete(s))
		hand_out(s);
}

void ts_stream_flush(struct ts_stream *s)
{
	if (s->is_open && s->has_header && !s->header.has_length && s->is_stuffed)
		hand_out(s);
	s->has_continuity = false;
	lose(s);
}
