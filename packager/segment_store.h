/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What viewers can fetch: for each stream a window of segments, its init segments and its playlists, rendered once per
 * change and handed out by reference.
 *
 * Owner: ONE thread, the delivery thread, makes every call (asserted). No
 * locks. Time is passed in. Lifetime: segment_store_destroy; what was handed out lives on for as long as it is held
 * (body_ref).
 *
 * Window: at least 6 segments and at least 6 x target duration are in the playlist. What left it stays fetchable for
 * as long again. A cap of bytes per stream goes before both: the oldest go first.
 *
 * waiters (issue 5, not built): parts are already kept one by one as they arrive (struct stream's open segment), though
 * only complete segments show in the playlist now. A blocking request will ask for (msn, part) through
 * segment_store_find; "not yet" will be a status of its own, and the caller then hangs its own list node (embedded in
 * its connection, no allocation here) on the stream. segment_store_add and segment_store_note_end will walk that list
 * after the change and call a waiter_fn once for each node whose (msn, part) now exists; nodes beyond it stay. The
 * playlist is rendered by the first of them and shared by all.
 *
 * Not here: HTTP, tokens (packager/deliver); cutting (packager/cutter).
 */
#ifndef ISARIBI_PACKAGER_SEGMENT_STORE_H
#define ISARIBI_PACKAGER_SEGMENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/body.h"
#include "packager/part.h"
#include "packager/playlist.h"

struct segment_store;

enum {
	SEGMENT_STORE_NAME_MAX = 80, /* of a stream or channel, with its NUL */
};

struct segment_store_config {
	unsigned target_duration_s;
	size_t stream_max_bytes; /* 0: 64 MB */
};

struct segment_store *segment_store_create(const struct segment_store_config *config); /* NULL when memory is out */
void segment_store_destroy(struct segment_store **store);

struct segment_store_begin {
	const char *name;
	const char *epoch; /* base36, other at each start of the stream: cached names never collide */
};

/*
 * A stream starts. One of the same name is replaced with everything it holds (bodies handed out live on). 0, -EINVAL
 * for a name or epoch that cannot stand in a URL, -ENOMEM.
 */
int segment_store_begin(struct segment_store *store, const struct segment_store_begin *begin);
/*
 * The next part of a stream, in the cutter's order; takes a reference of its own. -ENOENT: no such stream (parts may
 * still be on their way when it was removed). -ENOMEM: the part is lost, its segment will not appear.
 */
int segment_store_add(struct segment_store *store, const char *name, struct part *part);
/* No more parts will come: the open segment is closed, the playlist gets EXT-X-ENDLIST. */
int segment_store_note_end(struct segment_store *store, const char *name, int64_t now_us);
/* Taken down: gone at once, with what is in the window. */
void segment_store_remove(struct segment_store *store, const char *name);
/* Forgets streams that ended longer ago than two windows. Call it every few seconds. */
void segment_store_expire(struct segment_store *store, int64_t now_us);

struct segment_store_found {
	enum playlist_kind kind; /* PLAYLIST_NONE: there is nothing (404) */
	struct body *body;	 /* borrowed until the next call on the store: body_ref to keep it */
	bool is_gzip;		 /* the body is gzip; only when it was asked for, and never for media */
	bool is_ended;		 /* ENDLIST stands: even the media playlist will not change any more */
	bool is_immutable;	 /* init or segment: its name will never mean other bytes */
};

/*
 * Resource `last` (the last element of the path, not terminated) of stream `name`. True when found. A miss allocates
 * nothing. wants_gzip: the client takes gzip; the compressed playlist is made at the first such request.
 */
bool segment_store_find(struct segment_store *store, const char *name, size_t name_len, const char *last,
    size_t last_len, bool wants_gzip, struct segment_store_found *out);

/* Is there such a stream? */
bool segment_store_has(const struct segment_store *store, const char *name, size_t name_len);

struct segment_store_stats {
	size_t streams;
	size_t segments;
	size_t bytes;
	uint64_t segments_capped; /* dropped early by the byte cap */
};

void segment_store_stats(const struct segment_store *store, struct segment_store_stats *out);

#endif
