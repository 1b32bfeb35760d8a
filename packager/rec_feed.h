/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream between packaging and recording: what the two threads know of it together.
 *
 * Owner: the fields say whose they are. Lifetime: counted; one reference is the packager's from begin to end, one the
 * recorder's from the first mail to the last.
 */
#ifndef ISARIBI_PACKAGER_REC_FEED_H
#define ISARIBI_PACKAGER_REC_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "packager/rec_info.h"

struct part;
struct rec_writer;

struct rec_feed {
	atomic_uint refs;
	atomic_bool is_wanted;	    /* the recorder's word: only then parts are posted */
	atomic_size_t posted_bytes; /* in the mailbox */
	atomic_size_t ring_bytes;   /* in the writer's memory */
	/* Immutable. */
	char stream[REC_STREAM_SIZE];
	char epoch[REC_EPOCH_SIZE];
	/* The packaging thread's. */
	int64_t lost_ms; /* since the last part that was posted */
	/* The recording thread's. */
	struct rec_feed *next;
	struct rec_writer *writer; /* NULL: not recorded now */
};

/* Two references; NULL when memory is out. */
struct rec_feed *rec_feed_create(const char *stream, const char *epoch);
void rec_feed_unref(struct rec_feed *feed);
/* On the packaging thread: is there room for what is posted, the part that is about to be counted in already? */
bool rec_feed_has_room(const struct rec_feed *feed);

#endif
