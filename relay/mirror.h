/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop's copy of a stream's ring, for as long as the loop has readers of it, and the beat at which they are flushed.
 *
 * An idle loop with few readers flushes once per video frame, the audio riding along; without video every 100 ms; a
 * busy loop, or one with many readers, stretches to 66 and 100 ms (design §4.3); newcomers are flushed at once. Writes
 * per second per reader are the cost, so this is where the relay saves. A flush of very many readers lets go of the
 * loop in between. Owner: the loop of the readers. Lifetime: from
 * the first mirror_attach to the last mirror_detach. Not here: what a reader writes; how the stream came to be
 * (relay/stream.h).
 */
#ifndef ISARIBI_RELAY_MIRROR_H
#define ISARIBI_RELAY_MIRROR_H

#include <stdbool.h>

#include "relay/local.h"
#include "relay/ring.h"

struct mirror;
struct reader;

struct reader_ops {
	/* There is something new, or a beat has come: write what the peer takes, now or with the loop's burst, which is
	   sent behind a row of flushes. May detach and free this reader. */
	void (*flush)(struct reader *reader);
	/* The stream is over; the reader has been detached. */
	void (*over)(struct reader *reader, enum close_reason reason);
};

/* Embedded in whoever reads. */
struct reader {
	const struct reader_ops *ops;
	struct mirror *mirror; /* NULL: not attached */
	struct reader *prev;
	struct reader *next;
	bool is_newcomer; /* its first flush is still to come */
};

/* Joins the stream, which need not exist yet. 0 or -ENOMEM. flush comes later, never inside this call. */
int mirror_attach(struct relay_local *local, const char *stream, struct reader *reader);
void mirror_detach(struct reader *reader); /* fine when not attached */
const struct ring *mirror_ring(const struct mirror *m);
/* After each write: from this place on the reader still wants what is in the ring. Else it may go. */
void mirror_want(const struct reader *reader, uint64_t from);

/* From home, by mail or directly; takes the reference to the frame. */
void mirror_frame(struct mirror *m, struct frame *frame, bool is_backlog);
void mirror_over(struct mirror *m, enum close_reason reason);
/* For relay/hub at its end: there are no readers any more. */
void mirror_destroy(struct mirror **m);

#endif
