/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one viewer of a live stream fetches next, and whether his picture would stand still. No sockets, no clock.
 *
 * Plain: begins three segments behind the end and takes every segment once. Low latency: begins at an independent part
 * at least three parts behind the end, takes every part as soon as a playlist names it, and asks for the playlist with
 * the part that follows the last one, as hls.js does; with hints it asks for the part itself, too, before it is there.
 *
 * Owner: one thread. Lifetime: the caller's memory. Not here: connections (hls_load).
 */
#ifndef ISARIBI_TESTS_TOOLS_HLS_VIEWER_H
#define ISARIBI_TESTS_TOOLS_HLS_VIEWER_H

#include "tests/tools/hls_text.h"

enum { HLS_QUEUE_MAX = 16 };

struct hls_viewer {
	bool is_low_latency;
	bool has_hints;
	bool is_begun; /* knows where to begin */
	bool is_ended; /* the playlist has its ENDLIST */
	unsigned target_s;
	uint64_t next_msn; /* the first that was not queued yet */
	unsigned next_part;
	uint64_t ask_msn; /* what a blocking reload asks for */
	unsigned ask_part;
	struct hls_item queue[HLS_QUEUE_MAX];
	size_t n_queued;
	char hinted[HLS_URI_MAX]; /* queued before its turn */
	int64_t plays_until_us;	  /* when what has come is played out; 0: nothing has come */
	int64_t last_media_us;
	uint64_t n_media;
	unsigned n_stalls; /* longer than a second */
};

/* Reads a playlist: queues what is new in it. */
void hls_viewer_read(struct hls_viewer *v, const char *text, size_t len);
/* The next thing to fetch; false: nothing. */
bool hls_viewer_take(struct hls_viewer *v, struct hls_item *out);
/* An item of the queue has come whole. */
void hls_viewer_note(struct hls_viewer *v, const struct hls_item *item, int64_t now_us);
/* The silence up to now_us counts as a stall, too. */
void hls_viewer_end(struct hls_viewer *v, int64_t now_us);

#endif
