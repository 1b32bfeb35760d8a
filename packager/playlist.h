/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of HLS playlists (RFC 8216bis), from numbers to lines.
 *
 * Owner: the caller; nothing is kept. Pure: no clock, no allocation but the writer's.
 * All URIs are relative, so that the same text serves every path and every view token:
 * main.m3u8, init-EPOCH-VERSION.mp4, seg-EPOCH-MSN.m4s.
 * Not here: which segments are in the window (packager/segment_store).
 */
#ifndef ISARIBI_PACKAGER_PLAYLIST_H
#define ISARIBI_PACKAGER_PLAYLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "media/track.h"

enum {
	PLAYLIST_EPOCH_MAX = 16, /* with its NUL: base36 text, [0-9a-z] */
	PLAYLIST_MAX_BYTES = 1 << 20,
};

struct playlist_segment {
	uint64_t msn;
	int64_t duration_90k;
	int64_t wall_ms; /* of its first picture, since 1970; -1: not written */
	unsigned init_version;
	bool is_discontinuity; /* stands before it */
	bool is_independent;
};

struct playlist_media {
	const char *epoch;
	unsigned target_duration_s;
	uint64_t discontinuity_sequence; /* discontinuities before the first segment, that one's own not counted */
	bool is_ended;
	const struct playlist_segment *segments; /* at least one, msn rising by one */
	size_t segment_count;
};

struct playlist_variant {
	const char *uri;
	const struct track *video; /* NULL: none */
	const struct track *audio; /* NULL: none */
	uint64_t peak_bps;
	uint64_t average_bps;
	uint32_t fps_milli; /* measured, used when the track does not say; 0: FRAME-RATE is left out */
};

struct playlist_main {
	const struct playlist_variant *variants;
	size_t variant_count;
	bool is_independent; /* every segment of every variant begins with a key frame */
};

/* 0, or -ENOMEM when the writer is full. */
int playlist_write_media(struct bytes_writer *w, const struct playlist_media *p);
int playlist_write_main(struct bytes_writer *w, const struct playlist_main *p);

/* What the last element of a path names. */
enum playlist_kind {
	PLAYLIST_NONE,
	PLAYLIST_MAIN,	  /* index.m3u8 */
	PLAYLIST_MEDIA,	  /* main.m3u8 */
	PLAYLIST_INIT,	  /* init-EPOCH-VERSION.mp4 */
	PLAYLIST_SEGMENT, /* seg-EPOCH-MSN.m4s */
};

struct playlist_name {
	enum playlist_kind kind;
	const char *epoch; /* borrowed from the text; not terminated */
	size_t epoch_len;
	uint64_t number; /* version or msn */
};

/*
 * Reads a name as strictly as we write it: no leading zeros, no other letters, nothing behind it. PLAYLIST_NONE for
 * everything else. text need not be terminated.
 */
struct playlist_name playlist_name_parse(const char *text, size_t len);

#endif
