/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport stream. Oracles: the same frames, packets and counts for any split; heap at most 8 x input beside what
 * the demultiplexer itself takes; frames are well formed; written by the multiplexer and read again they are the same.
 */
#include <string.h>

#include "media/nal.h"
#include "media/ts_demux.h"
#include "media/ts_mux.h"
#include "tests/fuzz/fuzz.h"

enum {
	IN_MAX_BYTES = 1 << 16,
	OUT_MAX_BYTES = 1 << 20,
	/* The demultiplexer with its two tables and the half ADTS frames, first buffers, a record and its track. */
	BESIDE_BYTES = 64 * 1024,
};

static uint8_t out_buf[OUT_MAX_BYTES];

struct run {
	struct fuzz_transcript transcript;
	uint64_t n_packets;
	uint64_t n_damaged; /* marked so, or with an adaptation field longer than the packet */
	uint64_t n_frames;
	bool is_writing_back;
};

static void check_video(const struct frame *f)
{
	struct nal_walk walk;
	struct nal nal;
	bool is_h265 = f->track->codec == CODEC_H265;
	bool has_slice = false;
	bool has_start = false;

	nal_walk_init(&walk, f->data, f->size_bytes, NAL_LENGTH_4);
	while (nal_walk_next(&walk, &nal)) {
		FUZZ_CHECK(is_h265 ? nal_h265_type(&nal) != NAL_H265_AUD : nal_h264_type(&nal) != NAL_H264_AUD);
		has_slice |= is_h265 ? nal_h265_is_slice(&nal) : nal_h264_is_slice(&nal);
		has_start |= is_h265 ? nal_h265_is_irap(&nal) : nal_h264_is_idr(&nal);
	}
	FUZZ_CHECK(!walk.is_bad && has_slice);
	FUZZ_CHECK(!has_start || frame_is_key(f));
}

static void note_frame(struct run *r, const struct frame *f)
{
	fuzz_note_number(&r->transcript, (uint64_t)f->dts_90k);
	fuzz_note_number(&r->transcript, (uint64_t)f->pts_90k);
	fuzz_note_number(&r->transcript, f->flags);
	fuzz_note(&r->transcript, f->data, f->size_bytes);
	fuzz_note(&r->transcript, f->track->config, f->track->config_len);
}

/* What comes back of a frame: of video the end, as sets may have been put in front. */
struct back {
	const struct frame *sent;
	unsigned n;
};

static void on_back(void *arg, struct frame *f, uint64_t first_packet)
{
	struct back *b = arg;
	const struct frame *sent = b->sent;
	size_t more = f->size_bytes - sent->size_bytes;

	(void)first_packet;
	b->n++;
	FUZZ_CHECK(f->size_bytes >= sent->size_bytes && (more == 0 || frame_is_video(sent)));
	FUZZ_CHECK(memcmp(f->data + more, sent->data, sent->size_bytes) == 0);
	FUZZ_CHECK(f->dts_90k == (sent->dts_90k & (TS_CLOCK_MODULUS - 1)));
	FUZZ_CHECK(f->pts_90k - f->dts_90k == sent->pts_90k - sent->dts_90k);
	FUZZ_CHECK(f->track->codec == sent->track->codec && frame_is_key(f));
	frame_unref(f);
}

static void on_back_fault(void *arg)
{
	fuzz_fail("our own stream makes sense", __FILE__, arg ? __LINE__ : 0);
}

static void on_back_unsupported(void *arg, const char *codec_name)
{
	(void)codec_name;
	fuzz_fail("our own stream is supported", __FILE__, arg ? __LINE__ : 0);
}

/* A key frame alone in a stream of its own. What ends in zeros loses them in Annex B; no demultiplexed frame does. */
static void write_back(const struct frame *f)
{
	static const struct ts_demux_ops ops = {
		.frame = on_back,
		.unsupported = on_back_unsupported,
		.unreadable = on_back_fault,
	};
	struct back b = { .sent = f };
	struct ts_mux mux;
	struct ts_demux *d;
	struct bytes_writer w;

	bytes_writer_init_fixed(&w, out_buf, sizeof(out_buf));
	ts_mux_init(&mux);
	if (frame_is_key(f) && ts_mux_frame(&mux, f, &w) == 0) {
		FUZZ_CHECK(w.len % TS_PACKET_BYTES == 0 && w.len > 0);
		FUZZ_CHECK(ts_demux_create(&d, &ops, &b) == 0);
		ts_demux_feed(d, w.data, w.len, 0);
		ts_demux_flush(d);
		FUZZ_CHECK(b.n <= 1);
		ts_demux_destroy(&d);
	}
	ts_mux_fini(&mux);
}

static void on_frame(void *arg, struct frame *f, uint64_t first_packet)
{
	struct run *r = arg;

	FUZZ_CHECK(f->size_bytes > 0 && first_packet < r->n_packets);
	FUZZ_CHECK(f->dts_90k >= 0 && f->dts_90k < TS_CLOCK_MODULUS);
	FUZZ_CHECK(f->pts_90k - f->dts_90k >= -TS_CLOCK_MODULUS / 2 && f->pts_90k - f->dts_90k < TS_CLOCK_MODULUS / 2);
	if (frame_is_video(f))
		check_video(f);
	else
		FUZZ_CHECK(frame_is_key(f) && f->pts_90k == f->dts_90k && frame_samples(f) > 0);
	FUZZ_CHECK(r->n_frames++ > 0 || frame_is_key(f) || !frame_is_video(f));
	fuzz_note_number(&r->transcript, first_packet);
	note_frame(r, f);
	if (r->is_writing_back)
		write_back(f);
	frame_unref(f);
}

static void on_unsupported(void *arg, const char *codec_name)
{
	struct run *r = arg;

	FUZZ_CHECK(codec_name && codec_name[0] != '\0');
	fuzz_note_text(&r->transcript, codec_name);
}

static void on_unreadable(void *arg)
{
	fuzz_note_text(&((struct run *)arg)->transcript, "unreadable");
}

static void on_packet(void *arg, const uint8_t packet[TS_PACKET_BYTES])
{
	struct run *r = arg;

	FUZZ_CHECK(packet[0] == TS_SYNC_BYTE);
	r->n_packets++;
	r->n_damaged += (packet[1] & 0x80) || ((packet[3] & 0x20) && packet[4] > TS_PACKET_BYTES - 5);
	fuzz_note(&r->transcript, packet, TS_PACKET_BYTES);
}

static const struct ts_demux_ops run_ops = {
	.frame = on_frame,
	.unsupported = on_unsupported,
	.unreadable = on_unreadable,
	.packet = on_packet,
};

static void note_end(struct run *r, const struct ts_demux *d)
{
	static uint8_t psi[TS_PSI_MAX_PACKETS][TS_PACKET_BYTES];
	struct ts_demux_counts c;
	size_t n = ts_demux_psi(d, psi, TS_PSI_MAX_PACKETS);

	ts_demux_get_counts(d, &c);
	FUZZ_CHECK(c.packets == r->n_packets && c.packets == ts_demux_packets(d));
	FUZZ_CHECK(c.transport_errors == r->n_damaged);
	fuzz_note(&r->transcript, &c, sizeof(c));
	fuzz_note(&r->transcript, psi, n * TS_PACKET_BYTES);
}

static void run(struct run *r, const uint8_t *data, size_t len, unsigned split)
{
	struct ts_demux *d;
	struct ts_demux_counts c;

	fuzz_heap_begin();
	fuzz_transcript_init(&r->transcript);
	FUZZ_CHECK(ts_demux_create(&d, &run_ops, r) == 0);
	for (size_t at = 0; at < len;) {
		size_t n = fuzz_piece_bytes(split, len - at);

		ts_demux_feed(d, data + at, n, 0);
		at += n;
	}
	ts_demux_flush(d);
	ts_demux_get_counts(d, &c);
	FUZZ_CHECK(c.packets * TS_PACKET_BYTES + c.skipped_bytes == len);
	note_end(r, d);
	if (fuzz_heap_is_metered() && !r->is_writing_back)
		FUZZ_CHECK(fuzz_heap_peak() <= 8 * len + BESIDE_BYTES);
	ts_demux_destroy(&d);
	FUZZ_CHECK(fuzz_heap_now() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run whole = { .is_writing_back = false };
	struct run back = { .is_writing_back = true };

	if (len > IN_MAX_BYTES)
		return 0;
	run(&whole, data, len, 0);
	for (unsigned split = 1; split < FUZZ_SPLITS; split++) {
		struct run cut = { .is_writing_back = false };

		run(&cut, data, len, split);
		FUZZ_CHECK(fuzz_transcript_is_equal(&whole.transcript, &cut.transcript));
	}
	run(&back, data, len, 0);
	FUZZ_CHECK(fuzz_transcript_is_equal(&whole.transcript, &back.transcript));
	return 0;
}
