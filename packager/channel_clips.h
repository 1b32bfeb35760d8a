/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clip a channel wants: its parts that came and are not on yet; and which clips could not be read of late.
 *
 * Owner: the channel that embeds it. Lifetime: channel_clips_fini. Allocates nothing.
 * Not here: reading (packager/clip_reader), whose turn it is (packager/channel).
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_CLIPS_H
#define ISARIBI_PACKAGER_CHANNEL_CLIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packager/part.h"

enum {
	CHANNEL_CLIP_PARTS = 64, /* held at most; a reader that reads 3 s ahead needs a third of it */
	CHANNEL_CLIP_FAULTS = 32,
};

struct channel_clip_fault {
	char id[ID_SIZE]; /* "": none */
	int64_t until_us;
};

struct channel_clips {
	char id[ID_SIZE]; /* the one that is wanted; "": none */
	struct part *parts[CHANNEL_CLIP_PARTS];
	size_t first;
	size_t count;
	int64_t held_90k;
	bool has_come;	  /* a part of it has */
	bool is_complete; /* no more parts will come */
	struct channel_clip_fault faults[CHANNEL_CLIP_FAULTS];
	size_t next_fault;
};

void channel_clips_fini(struct channel_clips *c);
/* From its beginning; what is held of another goes. NULL: none. */
void channel_clips_want(struct channel_clips *c, const char *id);
/* Takes a reference of its own. False: no room. */
bool channel_clips_push(struct channel_clips *c, struct part *part);
/* The oldest, borrowed; NULL: none is held. */
struct part *channel_clips_first(const struct channel_clips *c);
void channel_clips_drop_first(struct channel_clips *c);
/* All of it has been taken. */
bool channel_clips_is_over(const struct channel_clips *c);

/* It could not be read: not before then. The oldest such note goes when there are too many. */
void channel_clips_note_fault(struct channel_clips *c, const char *id, int64_t until_us);
bool channel_clips_is_usable(const struct channel_clips *c, const char *id, int64_t now_us);
/* When the next one can be tried again; INT64_MAX: none has failed. */
int64_t channel_clips_next_us(const struct channel_clips *c, int64_t now_us);

#endif
