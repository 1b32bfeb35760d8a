/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window of one stream: the segments that are in its playlist, those that just left it, the open one with its
 * parts, and the playlists' text.
 *
 * Owner: the segment store, on its thread. Lifetime: window_init to window_fini; bodies that were handed out live on.
 * Not here: which streams there are, who waits, what is withdrawn (packager/segment_store.h); when to answer
 * (packager/live_edge.h).
 *
 * A part that was lost on the way ends the open segment where it is; what comes until the next segment begins can be
 * fetched but is in no segment, and that one stands behind a discontinuity of the window's own.
 */
#ifndef ISARIBI_PACKAGER_WINDOW_H
#define ISARIBI_PACKAGER_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/body.h"
#include "packager/live_edge.h"
#include "packager/part.h"
#include "packager/playlist.h"
#include "packager/rendering.h"
#include "packager/segment.h"

/* The same for all streams of a store. */
struct window_rules {
	int64_t duration_90k; /* at least so much is in the playlist */
	unsigned target_duration_s;
	unsigned part_ms;
	size_t max_bytes;
};

struct window {
	char epoch[PLAYLIST_EPOCH_MAX];
	bool is_ended;
	bool is_independent; /* every segment so far */
	uint64_t peak_bps;
	struct segment **segments; /* complete ones, oldest first */
	size_t segment_count;
	size_t segment_capacity;
	size_t listed;	 /* the first of them that is in the playlist */
	size_t bytes;	 /* of complete segments and the open one */
	uint64_t capped; /* segments dropped early by the byte cap */
	struct segment *open;
	struct body *stray; /* the newest part when it is in no segment */
	uint32_t newest_sequence;
	bool needs_discontinuity; /* something was lost since the last segment began */
	bool is_cut_off;	  /* on purpose: what still comes of that segment is in none, and that is no fault */
	uint64_t discontinuities; /* written for that, beside the cutter's */
	struct rendering main;
	bool is_main_fixed; /* it was given, and never changes */
	struct rendering media;
	struct body *init_body; /* of the init segment asked for last */
};

void window_fini(struct window *w);
void window_init(struct window *w, const char *epoch);
/* From now on, and before the first segment, this is its multivariant playlist. 0 or -ENOMEM. */
int window_fix_main(struct window *w, struct shared *text);
/* 0, or -ENOMEM: this part is in no segment. */
int window_add(struct window *w, const struct window_rules *rules, const struct part *part);
/* The next part, which nobody may have: as if it were lost. 0, or -ENOMEM: the open segment is lost, too. */
int window_pass_over(struct window *w, const struct window_rules *rules, const struct part *part);
/*
 * All segments of that origin ("": whatever their origin) that began before are gone, with their parts. As media
 * sequence numbers must not jump, the playlist goes on with what is behind the last of them.
 */
void window_withdraw(struct window *w, const char *origin, int64_t before_ms);
/* No more parts will come. 0, or -ENOMEM: the open segment is lost. */
int window_end(struct window *w, const struct window_rules *rules);
struct live_edge window_edge(const struct window *w, const struct window_rules *rules);

/* All borrowed, NULL when it is not there or memory is out. The renderings are for one change, shared by all. */
struct body *window_find_init(struct window *w, uint64_t version);
struct body *window_find_segment(const struct window *w, uint64_t msn);
struct body *window_find_part(const struct window *w, uint64_t sequence);
struct rendering *window_main(struct window *w);
struct rendering *window_media(struct window *w, const struct window_rules *rules);

#endif
