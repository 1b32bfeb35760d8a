/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of HLS playlists (RFC 8216bis), from numbers to lines.
 *
 * Owner: the caller; nothing is kept. Pure: no clock, no allocation but the writer's.
 * All URIs are relative, so that the same text serves every path and every view token:
 * main.m3u8, init-EPOCH-VERSION.mp4, seg-EPOCH-MSN.m4s, part-EPOCH-SEQUENCE.m4s.
 * A part is named by its number in the epoch, not in its segment: so the name of the next one is known before it is
 * known whether it begins a segment, and a hint is true also when a segment breaks off.
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

struct playlist_part {
	uint32_t sequence;
	bool is_independent;
	int64_t duration_90k;
};

struct playlist_segment {
	uint64_t msn;
	int64_t duration_90k; /* of the open segment: of its parts so far */
	int64_t wall_ms;      /* of its first picture, since 1970; -1: not written */
	unsigned init_version;
	bool is_discontinuity; /* stands before it */
	bool is_independent;
	const struct playlist_part *parts; /* written while it ends less than 3 targets before the end */
	size_t part_count;
};

/* Where another rendition stands (RFC 8216bis §4.4.5.4). */
struct playlist_report {
	const char *uri;
	uint64_t last_msn;
	int64_t last_part; /* its index; -1: not written */
};

struct playlist_media {
	const char *epoch;
	unsigned target_duration_s;
	uint64_t discontinuity_sequence; /* discontinuities before the first segment, that one's own not counted */
	bool is_ended;
	const struct playlist_segment *segments; /* at least one, msn rising by one */
	size_t segment_count;

	/* Low latency. A target of 0: neither parts nor that a request may wait are written. */
	int64_t part_target_90k;	     /* written at least as long as the longest part in it */
	const struct playlist_segment *open; /* the one behind segments that has parts only; NULL: none yet */
	uint32_t hint_sequence;		     /* of the next part; not written when ended */
	const struct playlist_report *reports;
	size_t report_count;

	/* Delta updates: what ends further from the end than this may be left out. 0: not offered. */
	unsigned skip_until_s; /* at least 6 targets */
	bool is_delta;	       /* this is one: EXT-X-SKIP, when anything can be left out */
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

/* An epoch as it stands in names. */
void playlist_epoch_format(uint64_t epoch, char out[PLAYLIST_EPOCH_MAX]);

/* 0, or -ENOMEM when the writer is full. */
int playlist_write_media(struct bytes_writer *w, const struct playlist_media *p);
int playlist_write_main(struct bytes_writer *w, const struct playlist_main *p);
/* How many of the oldest segments a delta update leaves out. */
size_t playlist_count_skippable(const struct playlist_media *p);

/* What the last element of a path names. */
enum playlist_kind {
	PLAYLIST_NONE,
	PLAYLIST_MAIN,	  /* index.m3u8 */
	PLAYLIST_MEDIA,	  /* main.m3u8 */
	PLAYLIST_INIT,	  /* init-EPOCH-VERSION.mp4 */
	PLAYLIST_SEGMENT, /* seg-EPOCH-MSN.m4s */
	PLAYLIST_PART,	  /* part-EPOCH-SEQUENCE.m4s */
};

struct playlist_name {
	enum playlist_kind kind;
	const char *epoch; /* borrowed from the text; not terminated */
	size_t epoch_len;
	uint64_t number; /* version, msn or sequence */
};

/*
 * Reads a name as strictly as we write it: no leading zeros, no other letters, nothing behind it. PLAYLIST_NONE for
 * everything else. text need not be terminated.
 */
struct playlist_name playlist_name_parse(const char *text, size_t len);

#endif
