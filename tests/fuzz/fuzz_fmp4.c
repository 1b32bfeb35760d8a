/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own fragmented MP4, read again: an init segment, then fragments up to the first that is none. Oracles: a fragment
 * that is taken is written again byte for byte; its samples lie in its mdat; a track that is taken makes the same track
 * when it is written and read once more; a shorter input never says BAD where a longer one says OK; memory.
 */
#include <stdlib.h>
#include <string.h>

#include "media/fmp4_scan.h"
#include "tests/fuzz/fuzz.h"

enum {
	BUFFER_BYTES = 256 * 1024,
	HEAP_MAX_BYTES = 64 * 1024, /* tracks and their configurations */
};

static uint8_t written[BUFFER_BYTES];

/* The same tracks, by way of another init segment. */
static void check_tracks(const struct fmp4_scan_init *init, struct track *const tracks[])
{
	struct fmp4_scan_init again;
	struct bytes_writer w;
	struct track *read;

	bytes_writer_init_fixed(&w, written, sizeof(written));
	if (fmp4_write_init(&w, (const struct track *const *)tracks, init->track_count) != 0)
		return;
	FUZZ_CHECK(fmp4_scan_read_init(&again, written, w.len) == PARSE_OK && again.bytes == w.len);
	FUZZ_CHECK(again.track_count == init->track_count);
	for (size_t i = 0; i < again.track_count; i++) {
		FUZZ_CHECK(again.tracks[i].timescale == fmp4_timescale(tracks[i]));
		FUZZ_CHECK(fmp4_scan_track_create(&read, &again, i, written) == PARSE_OK);
		FUZZ_CHECK(track_is_same(read, tracks[i]) && strcmp(read->codecs, tracks[i]->codecs) == 0);
		track_unref(read);
	}
}

static void try_tracks(const struct fmp4_scan_init *init, const uint8_t *data)
{
	struct track *tracks[TRACK_KINDS] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < init->track_count; i++) {
		int err = fmp4_scan_track_create(&tracks[i], init, i, data);

		FUZZ_CHECK((err == PARSE_OK) == (tracks[i] != NULL));
		FUZZ_CHECK(!tracks[i] || tracks[i]->kind == init->tracks[i].kind);
		n += tracks[i] != NULL;
	}
	if (n == init->track_count)
		check_tracks(init, tracks);
	for (size_t i = 0; i < init->track_count; i++)
		track_unref(tracks[i]);
}

static void check_fragment(const struct fmp4_scan_fragment *f, const uint8_t *data)
{
	static struct fmp4_sample samples[TRACK_KINDS][FMP4_SCAN_MOOF_MAX_BYTES / 8];
	struct fmp4_run runs[TRACK_KINDS];
	struct bytes_writer w;

	for (size_t i = 0; i < f->run_count; i++) {
		const struct fmp4_scan_run *run = &f->runs[i];

		FUZZ_CHECK(i == 0 || run->kind > run[-1].kind);
		FUZZ_CHECK(run->mdat_offset + run->bytes <= f->mdat_bytes - FMP4_MDAT_HEADER_BYTES);
		for (uint32_t n = 0; n < run->sample_count; n++)
			samples[i][n] = fmp4_scan_sample(run, n);
		runs[i] = (struct fmp4_run){ run->kind, run->base_decode_time, run->mdat_offset, run->sample_count,
			samples[i] };
	}
	bytes_writer_init_fixed(&w, written, sizeof(written));
	FUZZ_CHECK(fmp4_write_moof(&w, f->sequence, runs, f->run_count) == 0);
	fmp4_write_mdat_header(&w, f->mdat_bytes - FMP4_MDAT_HEADER_BYTES);
	FUZZ_CHECK(w.len == f->moof_bytes + FMP4_MDAT_HEADER_BYTES && memcmp(written, data, w.len) == 0);
}

/* Returns the whole bytes of the fragment, or 0 when there is none. */
static size_t try_fragment(const struct fmp4_scan_init *init, const uint8_t *data, size_t len)
{
	struct fmp4_scan_fragment f;
	struct fmp4_scan_fragment half;

	if (fmp4_scan_read_fragment(&f, init, data, len) != PARSE_OK)
		return 0;
	FUZZ_CHECK(f.run_count > 0 && f.run_count <= init->track_count);
	check_fragment(&f, data);
	FUZZ_CHECK(fmp4_scan_read_fragment(&half, init, data, f.moof_bytes + 7) == PARSE_MORE);
	FUZZ_CHECK(fmp4_scan_read_fragment(&half, init, data, f.moof_bytes / 2) == PARSE_MORE);
	return f.moof_bytes + (size_t)f.mdat_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fmp4_scan_init init;
	struct fmp4_scan_init half;
	size_t at;

	fuzz_heap_begin();
	if (fmp4_scan_read_init(&init, data, len) != PARSE_OK)
		return 0;
	FUZZ_CHECK(init.bytes <= len && init.track_count > 0);
	FUZZ_CHECK(fmp4_scan_read_init(&half, data, init.bytes - 1) == PARSE_MORE);
	try_tracks(&init, data);
	at = init.bytes;
	while (at < len) {
		size_t n = try_fragment(&init, data + at, len - at);

		if (n == 0 || n > len - at)
			break;
		at += n;
	}
	FUZZ_CHECK(fuzz_heap_peak() <= HEAP_MAX_BYTES && fuzz_heap_now() == 0);
	return 0;
}
