/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rec_feed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "packager/rec_writer.h"

/* Always allowed in the mailbox: a thread that runs takes this out before it is there. */
enum { SLACK_BYTES = 4 * 1024 * 1024 };

void rec_feed_unref(struct rec_feed *feed)
{
	if (!feed || atomic_fetch_sub_explicit(&feed->refs, 1, memory_order_acq_rel) != 1)
		return;
	assert(!feed->writer);
	free(feed);
}

struct rec_feed *rec_feed_create(const char *stream, const char *epoch)
{
	struct rec_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	atomic_init(&feed->refs, 2);
	atomic_init(&feed->is_wanted, true); /* until the recorder has asked the plan */
	snprintf(feed->stream, sizeof(feed->stream), "%s", stream);
	snprintf(feed->epoch, sizeof(feed->epoch), "%s", epoch);
	return feed;
}

bool rec_feed_has_room(const struct rec_feed *feed)
{
	const size_t posted = atomic_load_explicit(&feed->posted_bytes, memory_order_relaxed);
	const size_t ring = atomic_load_explicit(&feed->ring_bytes, memory_order_relaxed);

	return posted <= SLACK_BYTES || posted + ring <= REC_RING_MAX_BYTES;
}
