/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How something that is no reader follows every stream: packager, recorder.
 *
 * The composition root plugs in a table of taps; the stream calls each by its place in the table and never by name.
 * Owner: all functions are called on the stream's home loop; an implementation copies references, posts and returns.
 * Lifetime: between stream_begin and stream_end of one id; ids are never used twice in one run of the node.
 */
#ifndef ISARIBI_RELAY_TAP_H
#define ISARIBI_RELAY_TAP_H

#include <stddef.h>
#include <stdint.h>

#include "media/frame.h"

struct tap_stream {
	uint64_t id;	       /* never 0 */
	const char *name;      /* borrowed during the call */
	int64_t begin_wall_ms; /* wall clock at the monotonic time below, the clock of frame->arrival_us */
	int64_t begin_mono_us;
};

struct stream_tap {
	const char *name;
	void *arg;
	/* The first publisher of a stream is on. */
	void (*stream_begin)(void *arg, const struct tap_stream *stream);
	/* One stamped frame, in order of arrival; the tap takes references of its own. */
	void (*frame)(void *arg, uint64_t stream_id, struct frame *frame);
	/* The publisher is gone for now: what has come may be finished. Frames may follow. */
	void (*stream_pause)(void *arg, uint64_t stream_id);
	/* No frame will follow: the slot is over or nobody came back. */
	void (*stream_end)(void *arg, uint64_t stream_id);
};

#endif
