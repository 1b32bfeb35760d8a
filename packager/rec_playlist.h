/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HLS playlists of a recording: byte ranges into its files (RFC 8216bis §4.4.4.2), from an index to lines.
 *
 * Owner: the caller. Lifetime: rec_segments_init, then rec_segments_fini. Pure: the same index gives the same text.
 * Segments are cut by the cutter's rule over fragments, whether the index came from the disk or was made anew, so that
 * a repaired recording has the same playlist. A segment of a recording that goes on is named when the next one has
 * begun. Not here: where the recording is served (packager/deliver_rec), files.
 */
#ifndef ISARIBI_PACKAGER_REC_PLAYLIST_H
#define ISARIBI_PACKAGER_REC_PLAYLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "packager/rec_index.h"

enum { REC_PLAYLIST_MAX_BYTES = 32 * 1024 * 1024 };

struct rec_segment {
	size_t stretch;	 /* its place in the index */
	uint64_t offset; /* in the stretch's file */
	uint64_t bytes;
	int64_t duration_90k;
	int64_t wall_ms; /* -1: unknown */
	bool is_independent;
	bool is_discontinuity; /* another stretch ended before it */
};

struct rec_segments {
	struct rec_segment *list;
	size_t count;
	size_t capacity;
};

/* What of an index is meant: from a place up to, not including, another. */
struct rec_range {
	struct rec_place from;
	struct rec_place to;
	bool is_open; /* more will follow behind it: the last segment is not complete */
};

void rec_segments_init(struct rec_segments *segments);
void rec_segments_fini(struct rec_segments *segments);
struct rec_range rec_range_whole(const struct rec_index *index);
/* 0 or -ENOMEM. What segments held goes. */
int rec_segments_make(struct rec_segments *segments, const struct rec_index *index, const struct rec_range *range);

struct rec_playlist {
	const struct rec_index *index;
	const struct rec_segments *segments;
	const char *prefix; /* of every URI: "" or a folder with its '/' */
	bool is_open;	    /* more will follow: no ENDLIST */
	bool wants_skip;    /* _HLS_skip: what lies further back than 6 target durations may be left out */
};

/* Of one recording, prefix and skip: another text has another version. Never 0. */
uint64_t rec_playlist_version(const struct rec_playlist *p);
/* main.m3u8. 0, -ENOENT when there is no segment, -ENOMEM when the writer is full. */
int rec_playlist_write_media(struct bytes_writer *w, const struct rec_playlist *p);
/* index.m3u8, with prefix main.m3u8 as its one variant. 0, -ENOENT, -ENOMEM. */
int rec_playlist_write_main(struct bytes_writer *w, const struct rec_playlist *p);

#endif
