/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a stream's playlist ends now, and what that means for a request: answer, wait, or refuse. Pure.
 *
 * Owner: the caller. Lifetime: a value. Not here: who waits (packager/segment_store.h), how long
 * (packager/deliver_hls.h).
 */
#ifndef ISARIBI_PACKAGER_LIVE_EDGE_H
#define ISARIBI_PACKAGER_LIVE_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/playlist_query.h"

struct live_edge {
	bool has_playlist; /* at least one segment is in it; without, what follows but is_ended and the last two says
			      nothing */
	bool is_short;	   /* a few segments behind a discontinuity: nothing joins them to what players had before */
	bool is_ended;
	uint64_t last_msn;	  /* the last complete segment */
	uint64_t newest_msn;	  /* of the newest part: last_msn, or the open segment behind it */
	size_t newest_part_count; /* parts of that segment so far */
	uint32_t newest_sequence; /* of the newest part; 0: none has come yet */
	unsigned advance_parts;	  /* live_edge_advance_parts */
};

enum live_answer {
	LIVE_NOW,
	LIVE_LATER,   /* what was asked for is the next thing, or near it */
	LIVE_TOO_FAR, /* nobody who has read the playlist asks for that: 400 */
	LIVE_NEVER,   /* 404 */
};

/* RFC 8216bis §6.2.5.2, Advance Part Limit: three seconds of parts, or three parts that are longer. */
unsigned live_edge_advance_parts(unsigned part_ms);
enum live_answer live_edge_judge_playlist(const struct live_edge *edge, const struct playlist_query *query);
/* Part `sequence`, which the store does not have: is it the one that was hinted at? */
enum live_answer live_edge_judge_part(const struct live_edge *edge, uint64_t sequence);

#endif
