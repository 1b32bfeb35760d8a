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
 * Parts show in the playlist as they come. A request for what is not there yet can wait: its owner hangs a
 * segment_store_waiter on the stream (no allocation here), and it is woken when its answer is known. Nothing is polled.
 * A part that was lost on the way ends its segment; the next segment begins behind a discontinuity, and parts until
 * then can be fetched but are in no segment.
 *
 * Not here: HTTP, tokens (packager/deliver); cutting (packager/cutter).
 */
#ifndef ISARIBI_PACKAGER_SEGMENT_STORE_H
#define ISARIBI_PACKAGER_SEGMENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "packager/body.h"
#include "packager/part.h"
#include "packager/playlist.h"
#include "packager/playlist_query.h"

struct segment_store;

enum {
	SEGMENT_STORE_NAME_MAX = 80, /* of a stream or channel, with its NUL */
};

struct segment_store_config {
	unsigned target_duration_s;
	unsigned part_ms;	 /* no part is longer but a slow picture without sound. 0: 500 */
	size_t stream_max_bytes; /* 0: 64 MB */
};

struct segment_store *segment_store_create(const struct segment_store_config *config); /* NULL when memory is out */
void segment_store_destroy(struct segment_store **store);

struct segment_store_begin {
	const char *name;
	const char *epoch; /* base36, other at each start of the stream: cached names never collide */
	/* A channel's index.m3u8: there at once, and never another; borrowed. NULL: it follows from the segments. */
	struct shared *main;
};

/*
 * A stream starts. One of the same name is replaced with everything it holds (bodies handed out live on); who waits
 * for a playlist goes on waiting, segments go on counting. 0, -EINVAL for a name or epoch that cannot stand in a URL,
 * -ENOMEM.
 */
int segment_store_begin(struct segment_store *store, const struct segment_store_begin *begin);
/*
 * The next part of a stream, in the cutter's order; takes a reference of its own. -ENOENT: no such stream (parts may
 * still be on their way when it was removed). -ENOMEM: it is lost, its segment ends before it.
 */
int segment_store_add(struct segment_store *store, const char *name, struct part *part);
/*
 * A stream is about to begin: who asks for its playlists waits for them, until segment_store_expire has forgotten it
 * after two windows. Nothing happens when it is there. 0, -EINVAL or -ENOMEM as for segment_store_begin.
 */
int segment_store_expect(struct segment_store *store, const char *name, int64_t now_us);
/* No more parts will come: the open segment is closed, the playlist gets EXT-X-ENDLIST. */
int segment_store_note_end(struct segment_store *store, const char *name, int64_t now_us);
/* Taken down: gone at once, with what is in the window. */
void segment_store_remove(struct segment_store *store, const char *name);
/*
 * Nothing of this stream, its rehearsal or this clip that began before is handed out from now on, whether it is here or
 * still comes, and neither in the stream's own window nor in a channel's: 404 for segments and parts. The playlist goes
 * on behind it, and a part that was hinted at counts when it comes. before_ms 0: what still comes is welcome again.
 * -ENOMEM: what was here is gone, but what is on its way may yet get in.
 */
int segment_store_withdraw(struct segment_store *store, const char *id, int64_t before_ms);
/*
 * Forgets streams that ended, or have been expected, for longer than two windows; returns how many. Call it every few
 * seconds.
 */
size_t segment_store_expire(struct segment_store *store, int64_t now_us);

/* A request, as far as the store is concerned. */
struct segment_store_ask {
	const char *stream; /* neither this nor the resource need be terminated */
	size_t stream_len;
	const char *resource; /* the last element of the path */
	size_t resource_len;
	const char *query; /* "" for none; looked at for media playlists alone */
	bool wants_gzip;   /* the client takes gzip; the compressed playlist is made at the first such request */
	bool takes_short;  /* it has waited enough: a playlist of few segments will do */
};

enum segment_store_status {
	SEGMENT_STORE_FOUND,
	SEGMENT_STORE_NOT_FOUND,
	SEGMENT_STORE_NOT_YET, /* segment_store_wait tells when */
	SEGMENT_STORE_BAD,     /* a query that no player sends who has read the playlist */
};

struct segment_store_found {
	enum playlist_kind kind;
	struct body *body; /* borrowed until the next call on the store: body_ref to keep it */
	bool is_gzip;	   /* the body is gzip; only when it was asked for, and never for media */
	bool is_specific;  /* a playlist that was asked for by number */
};

/* A miss allocates nothing. *out is set when it is found, else its kind is PLAYLIST_NONE. */
enum segment_store_status segment_store_find(
    struct segment_store *store, const struct segment_store_ask *ask, struct segment_store_found *out);

/* Embedded in the caller's object; the members but wake are the store's. */
struct segment_store_waiter {
	struct list_node node;
	/*
	 * segment_store_find has another answer now than NOT_YET. The waiter is off the list, and may be freed.
	 * May call segment_store_find, _wait and _unwait.
	 */
	void (*wake)(struct segment_store_waiter *waiter);
	struct playlist_name name;
	struct playlist_query query;
};

/* After SEGMENT_STORE_NOT_YET for the same ask, whose texts stay until the waiter is off the list. */
void segment_store_wait(
    struct segment_store *store, const struct segment_store_ask *ask, struct segment_store_waiter *waiter);
/* Nobody waits any more. Fine for one that is off the list. */
void segment_store_unwait(struct segment_store_waiter *waiter);
/* How long a request may wait (RFC 8216bis §6.2.5.2: three target durations). */
int64_t segment_store_patience_us(const struct segment_store *store);

/* Is there such a stream? One that is only expected is not. */
bool segment_store_has(const struct segment_store *store, const char *name, size_t name_len);

struct segment_store_stats {
	size_t streams;
	size_t segments;
	size_t bytes;
	uint64_t segments_capped; /* dropped early by the byte cap */
};

void segment_store_stats(const struct segment_store *store, struct segment_store_stats *out);

#endif
