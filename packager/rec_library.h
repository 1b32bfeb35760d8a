/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recordings as delivery knows them: which there are, and the texts of their playlists, each made once for all who
 * ask for it at the time.
 *
 * Owner: the delivery thread. Lifetime: created after the reader and destroyed before it; whoever waits for a playlist
 * is told, or lets go first. Nothing here waits for the disk: what is not known yet is asked of the reader, and the
 * answer to "is there such a recording" is what was known a moment ago, so that it takes the same time whatever it is.
 * Not here: the reader's thread (packager/rec_reader.h), HTTP (packager/deliver_rec.h).
 */
#ifndef ISARIBI_PACKAGER_REC_LIBRARY_H
#define ISARIBI_PACKAGER_REC_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "packager/rec_list.h"
#include "packager/rec_reader.h"

struct loop;
struct rec_library;
struct shared;

/* 0 or -ENOMEM. */
int rec_library_create(struct rec_library **out, struct loop *loop, struct rec_reader *reader);
void rec_library_destroy(struct rec_library **library);

/* Is it known by now which recordings there are? Until then nothing is found. */
bool rec_library_is_ready(struct rec_library *library);
/* A recording, or NULL; the name need not be terminated. Borrowed until the loop's next turn. */
const struct rec_list_entry *rec_library_find(struct rec_library *library, const char *id, size_t len);
/* The newest of a stream. */
const struct rec_list_entry *rec_library_newest(struct rec_library *library, const char *stream, size_t len);

struct rec_playlist_answer {
	int err; /* 0, -ENOENT, -EAGAIN (too much is waiting for the disk) or another negative errno */
	struct shared *text;
	bool is_gzip;
	bool is_open; /* it will change */
};

typedef void (*rec_playlist_fn)(void *arg, const struct rec_playlist_answer *answer);

/* Somebody waiting; stands in what belongs to him. Zeroed first. */
struct rec_waiter {
	struct list_node node;
	rec_playlist_fn fn;
	void *arg;
};

/* Calls waiter->fn once: now, or when the reader has answered. */
void rec_library_ask(struct rec_library *library, const struct rec_wish *wish, struct rec_waiter *waiter);
/* He does not wait any more, if he did. */
void rec_library_leave(struct rec_waiter *waiter);
struct rec_reader *rec_library_reader(struct rec_library *library);

#endif
