/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who takes parts besides the shelf: the recorder, and channels.
 *
 * The composition root plugs a table of sinks into the packager, which calls each by its place and never by name.
 * Owner: all functions are called on the packaging thread; an implementation takes references, posts and returns.
 * Lifetime: between begin and end of one stream; every begin that answered gets its end, at the latest when the
 * packager is destroyed.
 */
#ifndef ISARIBI_PACKAGER_PART_SINK_H
#define ISARIBI_PACKAGER_PART_SINK_H

#include "packager/part.h"

struct part_sink {
	void *arg;
	/* What the other two are called with; NULL: it takes nothing of this stream. Both texts are borrowed. */
	void *(*begin)(void *arg, const char *stream, const char *epoch);
	/*
	 * A key frame has come in; pts_90k is what its sample will have in its part, which follows when it is whole:
	 * never before this call. When the stream breaks off first it does not come. NULL: nobody wants to know.
	 */
	void (*key)(void *arg, void *stream, int64_t pts_90k);
	void (*part)(void *arg, void *stream, struct part *part); /* borrowed */
	void (*end)(void *arg, void *stream);
};

#endif
