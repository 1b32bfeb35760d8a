/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clips of a channel: the one it wants now, and the one that will be next, whose beginning is read before it is
 * wanted so that nobody waits for the disk between two clips.
 *
 * Owner: the packaging thread; the channel's entry in packager/channels embeds it. Lifetime: channel_feeds_init to
 * channel_feeds_fini. Bounded: a few seconds of parts of each. Not here: reading (packager/clip_reader), which clip is
 * wanted (packager/channel).
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_FEEDS_H
#define ISARIBI_PACKAGER_CHANNEL_FEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/plan.h"
#include "packager/clip_reader.h"

enum { CHANNEL_FEED_PARTS = 64 };

struct channel_feeds_config {
	struct clip_reader *reader;
	void *arg;
	/* Is that which a recording of this stream showed then fine to show, as this clip? */
	bool (*may_show)(void *arg, const char *clip, const char *stream, int64_t begin_wall_ms);
	/* channel_feeds_take has something. */
	void (*news)(void *arg);
};

/* A clip that is being read. */
struct channel_feed {
	struct channel_feeds *feeds;
	char id[ID_SIZE]; /* of the plan's clip; "": none */
	struct clip *clip;
	struct part *parts[CHANNEL_FEED_PARTS];
	size_t first;
	size_t count;
	int64_t held_90k;
	bool has_ended;
	bool is_end_told;
	int err;
	char stream[REC_STREAM_SIZE]; /* of its recording; "": not known yet */
	int64_t begin_wall_ms;
};

struct channel_feeds {
	struct channel_feeds_config config;
	struct channel_feed feeds[2];
	unsigned on; /* which of them is wanted now; the other one is read ahead */
};

void channel_feeds_init(struct channel_feeds *f, const struct channel_feeds_config *config);
void channel_feeds_fini(struct channel_feeds *f);

/* From its beginning. clip NULL, id not: the plan names no such clip. Both NULL: none. Calls nothing back. */
void channel_feeds_want(struct channel_feeds *f, const char *id, const struct plan_clip *clip);
/* The clip that is wanted has been read to its end: what will be wanted next? NULL: nothing is known. */
void channel_feeds_expect(struct channel_feeds *f, const struct plan_clip *clip);
bool channel_feeds_has_been_read(const struct channel_feeds *f);
/* What is read ahead may be something else now. */
void channel_feeds_forget_next(struct channel_feeds *f);

enum channel_feeds_news {
	CHANNEL_FEEDS_NOTHING,
	CHANNEL_FEEDS_PART, /* of the clip that is wanted: *part, one reference */
	CHANNEL_FEEDS_END,  /* of it: *err */
};

enum channel_feeds_news channel_feeds_take(struct channel_feeds *f, struct part **part, int *err);
/* Reads on where too little is held. held_90k: what the channel has of it and not shown yet. */
void channel_feeds_read(struct channel_feeds *f, int64_t held_90k);
/* Ends those that must not be shown any more. Returns whether the one that is wanted was. */
bool channel_feeds_check(struct channel_feeds *f);
static inline const struct channel_feed *channel_feeds_on(const struct channel_feeds *f)
{
	return &f->feeds[f->on];
}

#endif
