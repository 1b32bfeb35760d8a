/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/ts_file.h"

#include "tests/tools/ts_bits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 256 << 20 };

static const int64_t clock_mask = (1LL << 33) - 1;

void ts_file_close(struct ts_file *f)
{
	free(f->digits);
	free(f->bursts);
	free(f->data);
	*f = (struct ts_file){ 0 };
}

static int read_all(struct ts_file *f, const char *name)
{
	FILE *file = fopen(name, "rb");
	long size;
	int err = -EINVAL;

	if (!file)
		return -errno;
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= TS_PACKET && size <= FILE_MAX_BYTES) {
		rewind(file);
		f->n_packets = (size_t)size / TS_PACKET;
		f->data = malloc((size_t)size);
		if (!f->data)
			err = -ENOMEM;
		else if (fread(f->data, TS_PACKET, f->n_packets, file) == f->n_packets)
			err = 0;
	}
	fclose(file);
	for (size_t i = 0; err == 0 && i < f->n_packets; i++)
		if (f->data[i * TS_PACKET] != TS_SYNC)
			err = -EINVAL;
	return err;
}

/* Tables in front of a frame belong to its burst. */
static size_t burst_begin(const struct ts_file *f, size_t i, size_t not_before)
{
	while (i > not_before && ts_is_table(f->data + (i - 1) * TS_PACKET))
		i--;
	return i;
}

/* A burst is a frame and the sound behind it, due at its DTS: as a phone's encoder sends it. PCRs are too rare for
 * that. */
static int find_bursts(struct ts_file *f)
{
	uint16_t video_pid = ts_video_pid(f->data, f->n_packets);
	int64_t first_90k = -1, last_90k = 0;

	f->bursts = calloc(f->n_packets, sizeof(*f->bursts));
	if (!f->bursts)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_packets; i++) {
		const uint8_t *p = f->data + i * TS_PACKET;
		int64_t dts_90k = ts_pid(p) == video_pid ? ts_dts_90k(p) : -1;
		size_t begin = 0;

		if (dts_90k < 0)
			continue;
		if (first_90k < 0)
			first_90k = dts_90k;
		last_90k = (dts_90k - first_90k) & clock_mask;
		if (f->n_bursts > 0)
			begin = burst_begin(f, i, f->bursts[f->n_bursts - 1].first + 1);
		f->bursts[f->n_bursts++] = (struct ts_burst){ .first = begin, .at_us = last_90k * 100 / 9 };
	}
	if (f->n_bursts < 2)
		return -EINVAL;
	for (size_t b = 0; b < f->n_bursts; b++) {
		size_t end = b + 1 < f->n_bursts ? f->bursts[b + 1].first : f->n_packets;

		f->bursts[b].n_packets = end - f->bursts[b].first;
	}
	f->round_90k = last_90k + last_90k / (int64_t)(f->n_bursts - 1);
	return 0;
}

/* Follows the video's bytes from packet to packet and remembers where each byte of a mark's digits was. */
static int find_digits(struct ts_file *f)
{
	uint16_t video_pid = ts_video_pid(f->data, f->n_packets);
	uint8_t window[STAMP_MARK_BYTES] = { 0 };
	size_t n_left = 0;

	f->digits = calloc(f->n_bursts, sizeof(*f->digits));
	if (!f->digits)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_packets; i++) {
		const uint8_t *p = f->data + i * TS_PACKET;
		size_t at = ts_payload_at(p);

		for (; at < TS_PACKET && ts_pid(p) == video_pid; at++) {
			if (n_left > 0) {
				f->digits[f->n_digits - 1].at[STAMP_DIGITS - n_left--] = i * TS_PACKET + at;
				continue;
			}
			memmove(window, window + 1, sizeof(window) - 1);
			window[sizeof(window) - 1] = p[at];
			if (f->n_digits < f->n_bursts && memcmp(window, stamp_mark, sizeof(window)) == 0) {
				f->n_digits++;
				n_left = STAMP_DIGITS;
			}
		}
	}
	return n_left == 0 ? 0 : -EINVAL;
}

int ts_file_open(struct ts_file *f, const char *name)
{
	int err;

	*f = (struct ts_file){ 0 };
	err = read_all(f, name);
	if (err == 0)
		err = find_bursts(f);
	if (err == 0)
		err = find_digits(f);
	if (err < 0)
		ts_file_close(f);
	return err;
}

int64_t ts_file_due_us(const struct ts_file *f)
{
	return f->bursts[f->next].at_us + (int64_t)f->n_rounds * (f->round_90k * 100 / 9);
}

static void write_clocks(struct ts_file *f, const struct ts_burst *b, int64_t now_us)
{
	size_t end = (b->first + b->n_packets) * TS_PACKET;

	for (; f->next_digits < f->n_digits && f->digits[f->next_digits].at[STAMP_DIGITS - 1] < end; f->next_digits++) {
		uint8_t digits[STAMP_DIGITS];

		stamp_write_digits(digits, now_us);
		for (size_t i = 0; i < STAMP_DIGITS; i++)
			f->data[f->digits[f->next_digits].at[i]] = digits[i];
		f->n_frames++;
	}
}

const uint8_t *ts_file_next(struct ts_file *f, int64_t now_us, size_t *len)
{
	const struct ts_burst *b = &f->bursts[f->next];
	uint8_t *data = f->data + b->first * TS_PACKET;

	for (size_t i = 0; i < b->n_packets; i++) {
		uint8_t *p = data + i * TS_PACKET;
		uint8_t *cc = &f->cc[ts_pid(p)];

		if (ts_has_payload(p))
			*cc = (*cc + 1) & 15;
		p[3] = (uint8_t)((p[3] & 0xf0) | *cc);
		/* The times of the round before stand in the packet. */
		if (f->n_rounds > 0)
			ts_shift_times(p, f->round_90k);
	}
	write_clocks(f, b, now_us);
	*len = b->n_packets * TS_PACKET;
	if (++f->next == f->n_bursts) {
		f->next = f->next_digits = 0;
		f->n_rounds++;
	}
	return data;
}
