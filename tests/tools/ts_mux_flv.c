/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ts_mux_flv IN.flv OUT.ts: what the multiplexer makes of a file's frames, which go through the timeline as if they
 * arrived at their own times. One line a frame on standard output: codec, dts, pts, bytes.
 *
 * For tests/tools/ts_files.py, which has real readers look at it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "media/flv.h"
#include "media/timeline.h"
#include "media/ts_mux.h"

enum {
	TAG_AUDIO = 8,
	TAG_VIDEO = 9,
	TAG_HEADER_BYTES = 11,
	FILE_HEADER_BYTES = 13,
	OUT_MAX_BYTES = 8 * 1024 * 1024,
};

struct tool {
	FILE *out;
	struct flv_parser parser;
	struct timeline timeline;
	struct ts_mux mux;
	struct bytes_writer w;
	bool is_failed;
};

static void take_frame(struct tool *t, struct frame *f)
{
	timeline_stamp(&t->timeline, f);
	bytes_writer_reset(&t->w);
	if (ts_mux_frame(&t->mux, f, &t->w) != 0 || fwrite(t->w.data, 1, t->w.len, t->out) != t->w.len)
		t->is_failed = true;
	printf("%s %" PRId64 " %" PRId64 " %zu\n", track_codec_name(f->track->codec), f->dts_90k, f->pts_90k,
	    f->size_bytes);
	frame_unref(f);
}

static void take_tag(struct tool *t, unsigned type, const struct flv_message *m)
{
	struct flv_parsed parsed = { 0 };

	if (type == TAG_VIDEO)
		(void)flv_parse_video(&t->parser, m, &parsed);
	else if (type == TAG_AUDIO)
		(void)flv_parse_audio(&t->parser, m, &parsed);
	if (parsed.frame)
		take_frame(t, parsed.frame);
}

/* FLV 10.1 §E.4.1 */
static bool read_tag(struct tool *t, FILE *file)
{
	uint8_t head[TAG_HEADER_BYTES];
	struct flv_message m = { 0 };
	struct bytes_reader r;
	uint8_t *body;
	unsigned type;

	if (fread(head, 1, sizeof(head), file) != sizeof(head))
		return false;
	bytes_reader_init(&r, head, sizeof(head));
	type = bytes_u8(&r);
	m.len = bytes_u24(&r);
	m.timestamp_ms = bytes_u24(&r);
	m.timestamp_ms |= (uint32_t)bytes_u8(&r) << 24;
	m.arrival_us = (int64_t)m.timestamp_ms * 1000;
	body = malloc(m.len + 4); /* with the size that follows it */
	if (!body || fread(body, 1, m.len + 4, file) != m.len + 4) {
		free(body);
		return false;
	}
	m.body = body;
	take_tag(t, type, &m);
	free(body);
	return true;
}

int main(int argc, char **argv)
{
	struct tool t = { 0 };
	FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;

	t.out = file ? fopen(argv[2], "wb") : NULL;
	if (!t.out || fseek(file, FILE_HEADER_BYTES, SEEK_SET) != 0) {
		(void)fprintf(stderr, "usage: ts_mux_flv IN.flv OUT.ts\n");
		return 2;
	}
	flv_parser_init(&t.parser);
	timeline_init(&t.timeline);
	timeline_begin_publisher(&t.timeline, TIMELINE_MODULUS_RTMP);
	ts_mux_init(&t.mux);
	bytes_writer_init_growing(&t.w, OUT_MAX_BYTES);
	while (read_tag(&t, file))
		;
	t.is_failed = fclose(t.out) != 0 || t.is_failed;
	bytes_writer_fini(&t.w);
	ts_mux_fini(&t.mux);
	flv_parser_fini(&t.parser);
	(void)fclose(file);
	return t.is_failed ? 1 : 0;
}
