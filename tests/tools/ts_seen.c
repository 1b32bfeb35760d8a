/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/ts_seen.h"

#include "tests/tools/stamp.h"
#include "tests/tools/ts_bits.h"

#include <string.h>

enum { PACKET = 188, STALL_US = 1000000, UNSEEN = 255, NAL_IDR = 5 };

void ts_seen_init(struct ts_seen *s)
{
	*s = (struct ts_seen){ .pmt_pid = TS_PID_NONE, .video_pid = TS_PID_NONE, .dts_90k = -1, .last_dts_90k = -1 };
	memset(s->cc, UNSEEN, sizeof(s->cc));
}

static void note_gap(struct ts_seen *s, int64_t gap_us)
{
	if (gap_us > s->max_gap_us)
		s->max_gap_us = gap_us;
	if (gap_us > STALL_US)
		s->n_stalls++;
}

/* Annex B: is there an IDR slice's start code in the head? Everything in front of the first slice is small. */
static bool has_idr(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++)
		if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1 && (data[i + 3] & 0x1f) == NAL_IDR)
			return true;
	return false;
}

static int64_t step_between(int64_t now_90k, int64_t before_90k)
{
	int64_t step = (now_90k - before_90k) & ((1LL << 33) - 1);

	return step >= 1LL << 32 ? step - (1LL << 33) : step;
}

static void note_dts(struct ts_seen *s)
{
	int64_t step;

	if (s->dts_90k >= 0 && s->last_dts_90k >= 0) {
		step = step_between(s->dts_90k, s->last_dts_90k);
		s->n_backwards += step <= 0;
		if (step > 0 && (s->step_90k == 0 || step < s->step_90k))
			s->step_90k = step;
		if (s->step_90k > 0 && step * 2 > s->step_90k * 3)
			s->n_missing += (uint64_t)((step + s->step_90k / 2) / s->step_90k - 1);
	}
	s->last_dts_90k = s->dts_90k;
}

static void end_frame(struct ts_seen *s)
{
	int64_t written_us = 0;
	bool is_key;

	if (!s->is_in_frame)
		return;
	s->is_in_frame = false;
	is_key = has_idr(s->head, s->head_bytes);
	s->n_not_key_first += !s->has_key && !is_key;
	if (!s->has_key && is_key) {
		s->has_key = true;
		s->first_key_us = s->last_packet_us;
	}
	if (s->n_frames++ > 0)
		note_gap(s, s->last_packet_us - s->last_frame_us);
	s->last_frame_us = s->last_packet_us;
	note_dts(s);
	if (s->on_stamp && stamp_find(s->head, s->head_bytes, &written_us))
		s->on_stamp(s->ctx, written_us, s->last_packet_us);
}

static void see_video(struct ts_seen *s, const uint8_t *p, int64_t now_us)
{
	size_t at = ts_payload_at(p), n = PACKET - at;

	if (ts_is_start(p)) {
		end_frame(s);
		s->is_in_frame = true;
		s->head_bytes = 0;
		s->dts_90k = ts_dts_90k(p);
	}
	if (n > TS_SEEN_HEAD_BYTES - s->head_bytes)
		n = TS_SEEN_HEAD_BYTES - s->head_bytes;
	memcpy(s->head + s->head_bytes, p + at, n);
	s->head_bytes += n;
	s->last_packet_us = now_us;
}

static void see_counter(struct ts_seen *s, const uint8_t *p)
{
	uint8_t *cc = &s->cc[ts_pid(p)], now = p[3] & 0x0f;
	uint8_t want = ts_has_payload(p) ? (uint8_t)((*cc + 1) & 15) : *cc;

	if (ts_pid(p) == TS_PID_NULL)
		return;
	if (ts_is_discontinuous(p))
		s->n_discontinuous++;
	else if (*cc != UNSEEN && now != want)
		s->n_continuity++;
	*cc = now;
}

static void see_packet(struct ts_seen *s, const uint8_t *p, int64_t now_us)
{
	uint16_t pid = ts_pid(p), found;

	s->n_packets++;
	if (p[0] != TS_SYNC) {
		s->n_unsynced++;
		return;
	}
	see_counter(s, p);
	if (pid == TS_PID_PAT) {
		found = ts_pat_pmt_pid(p);
		s->pmt_pid = found != TS_PID_NONE ? found : s->pmt_pid;
	} else if (pid == s->pmt_pid) {
		found = ts_pmt_video_pid(p);
		s->video_pid = found != TS_PID_NONE ? found : s->video_pid;
	} else if (pid == s->video_pid) {
		see_video(s, p, now_us);
	}
}

void ts_seen_feed(struct ts_seen *s, const uint8_t *data, size_t len, int64_t now_us)
{
	for (; len >= PACKET; data += PACKET, len -= PACKET)
		see_packet(s, data, now_us);
	s->n_unsynced += len > 0;
}

void ts_seen_end(struct ts_seen *s, int64_t now_us)
{
	end_frame(s);
	if (s->n_frames > 0)
		note_gap(s, now_us - s->last_frame_us);
}
