/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One channel among the node's: a packager/channel with what it needs around it: its delay, its clips, its numbers, its
 * place on the shelf, and word of it for whoever asks what is on.
 *
 * Owner: the packaging thread (packager/channels). Lifetime: channel_entry_create to channel_entry_destroy; _end
 * before that when the plan does not name it any more, else its playlist goes on after a restart.
 * After each call its wake time may be another.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_ENTRY_H
#define ISARIBI_PACKAGER_CHANNEL_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "config/plan.h"
#include "packager/channel.h"
#include "packager/channel_delay.h"
#include "packager/channel_feeds.h"
#include "packager/channel_profile.h"
#include "packager/sequence.h"
#include "packager/shelf.h"
#include "packager/slate.h"
#include "relay/events.h"

enum { CHANNEL_SHOWN_MAX = 32 };

struct channel_entry_config {
	const struct clock *clock;
	struct sequence *sequence; /* borrowed, as are the next three */
	struct shelf *shelf;
	struct clip_reader *clips;
	const struct events *events;
	uint32_t part_ms;
	uint32_t segment_ms;
	void (*news)(void *arg); /* a clip came: the wake time may be another */
	void *arg;
};

/* A clip that was shown, and what it is of: when that is taken down its parts go. */
struct channel_shown {
	char clip[ID_SIZE]; /* "": none */
	char stream[REC_STREAM_SIZE];
	int64_t begin_wall_ms;
};

struct channel_entry {
	struct channel_entry *next; /* its owner's */
	struct channel_entry_config config;
	char id[ID_SIZE];
	char name[SEGMENT_STORE_NAME_MAX]; /* "@id" */
	const struct channel_profile *profile;
	struct channel *channel;
	struct plan *plan;
	const struct plan_channel *entry; /* of the plan */
	int row;			  /* of what the sequence remembers */
	uint64_t epoch;
	struct channel_delay delay;
	int64_t delay_us;
	struct channel_feeds feeds;
	struct channel_shown shown[CHANNEL_SHOWN_MAX];
	size_t next_shown;
	int64_t figures_us; /* when they are told next */
};

/* On the shelf from now on. 0, -EINVAL or -ENOMEM. */
int channel_entry_create(struct channel_entry **out, const struct channel_entry_config *config,
    const struct plan_channel *plan, const struct slate *slate);
void channel_entry_destroy(struct channel_entry **entry);
/* Its playlist gets its end. */
void channel_entry_end(struct channel_entry *entry);

bool channel_entry_has_profile(const struct channel_entry *entry, const char *profile);
/* A plan that names it. True: its delay is another, and channel_entry_restart must be called for every stream. */
bool channel_entry_take_plan(struct channel_entry *entry, struct plan *plan, int64_t now_us);
/* due_us is not looked at. */
void channel_entry_event(struct channel_entry *entry, const struct channel_event *event, int64_t now_us);
/* What was held back of this stream is gone: to the channel it has ended, and begins anew. */
void channel_entry_restart(struct channel_entry *entry, const char *stream, int64_t now_us);
/* What was shown of this stream is taken down: it is left, and nothing of it that is held goes out. */
void channel_entry_drop(struct channel_entry *entry, const char *stream, int64_t now_us);
/* The same for clips, as its plan says. */
void channel_entry_drop_clips(struct channel_entry *entry, int64_t now_us);

void channel_entry_tick(struct channel_entry *entry, int64_t now_us);
int64_t channel_entry_wake_us(const struct channel_entry *entry);

#endif
