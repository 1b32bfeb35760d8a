/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ts_demux_file IN.ts [PIECE_BYTES]: what the demultiplexer makes of a file, one line a frame on standard output:
 * codec, dts, pts, bytes, a hash of them (FNV-1a, 64 bits), flags. The rest goes to standard error.
 *
 * For tests/tools/ts_files.py, which compares it with what ffprobe says. Read in pieces of 1316 bytes, as SRT brings
 * them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "media/ts_demux.h"

enum { DEFAULT_PIECE_BYTES = 1316 };

static void on_frame(void *arg, struct frame *f, uint64_t first_packet)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	(void)arg;
	for (size_t i = 0; i < f->size_bytes; i++)
		hash = (hash ^ f->data[i]) * UINT64_C(0x100000001b3);
	printf("%s %" PRId64 " %" PRId64 " %zu %016" PRIx64 " %s%s packet=%" PRIu64 "\n",
	    track_codec_name(f->track->codec), f->dts_90k, f->pts_90k, f->size_bytes, hash,
	    frame_is_key(f) ? "key" : "-", f->flags & FRAME_DISCONTINUITY ? ",discontinuity" : "", first_packet);
	frame_unref(f);
}

static void on_unsupported(void *arg, const char *codec_name)
{
	(void)arg;
	(void)fprintf(stderr, "unsupported %s\n", codec_name);
}

static void on_unreadable(void *arg)
{
	(void)arg;
	(void)fprintf(stderr, "unreadable\n");
}

static void feed_file(struct ts_demux *d, FILE *file, size_t piece_bytes)
{
	uint8_t *piece = malloc(piece_bytes);
	size_t n;

	while (piece && (n = fread(piece, 1, piece_bytes, file)) > 0)
		ts_demux_feed(d, piece, n, 0);
	ts_demux_flush(d);
	free(piece);
}

int main(int argc, char **argv)
{
	static const struct ts_demux_ops ops = {
		.frame = on_frame,
		.unsupported = on_unsupported,
		.unreadable = on_unreadable,
	};
	FILE *file = argc >= 2 ? fopen(argv[1], "rb") : NULL;
	long piece_bytes = argc >= 3 ? strtol(argv[2], NULL, 10) : DEFAULT_PIECE_BYTES;
	struct ts_demux_counts c;
	struct ts_demux *d;

	if (!file || piece_bytes <= 0 || ts_demux_create(&d, &ops, NULL) != 0) {
		(void)fprintf(stderr, "usage: ts_demux_file IN.ts [PIECE_BYTES]\n");
		return 2;
	}
	feed_file(d, file, (size_t)piece_bytes);
	ts_demux_get_counts(d, &c);
	(void)fprintf(stderr,
	    "packets=%" PRIu64 " continuity_errors=%" PRIu64 " skipped_bytes=%" PRIu64 " transport_errors=%" PRIu64
	    " crc_errors=%" PRIu64 " pes_bad=%" PRIu64 " frames_dropped=%" PRIu64 " times_guessed=%" PRIu64 "\n",
	    c.packets, c.continuity_errors, c.skipped_bytes, c.transport_errors, c.crc_errors, c.pes_bad,
	    c.frames_dropped, c.times_guessed);
	ts_demux_destroy(&d);
	(void)fclose(file);
	return 0;
}
