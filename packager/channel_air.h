/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out of a channel: parts on its one timeline, in segments, with its numbers; and the time that timeline is
 * held against.
 *
 * Owner: the channel that embeds it. Lifetime: channel_air_fini. Pure: the time is passed in.
 * Not here: what goes out and when (packager/channel_switch), samples (packager/splice).
 *
 * Each call that makes a part answers 0 or -ENOMEM; then the part is lost, no number is, and a new run must begin.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_AIR_H
#define ISARIBI_PACKAGER_CHANNEL_AIR_H

#include <stdbool.h>
#include <stdint.h>

#include "packager/part.h"
#include "packager/sequence_image.h"
#include "packager/splice.h"

struct channel_air_config {
	uint32_t part_ms;
	uint32_t segment_ms;
	const struct slate *slate;
	void (*publish)(void *arg, struct part *part); /* takes the reference */
	void *arg;
	int64_t start_wall_ms; /* at start_mono_us */
	int64_t start_mono_us;
	struct sequence_numbers first; /* of everything the next */
	bool is_continued;
	int64_t min_start_90k;
};

struct channel_air {
	struct channel_air_config config;
	int64_t part_90k;    /* no part of the slate is longer */
	int64_t longest_90k; /* no segment is longer */
	int64_t jump_90k;    /* further behind than this nothing is filled */
	int64_t start_90k;   /* position at start_mono_us */
	struct splice splice;
	struct sequence_numbers next; /* msn: of the next segment */
	uint32_t index;		      /* of the next part in the open segment */
	int64_t segment_90k;	      /* so long is the open segment */
	bool is_segment_open;
	bool needs_discontinuity; /* before the next part */
	bool has_run;
	bool is_slate;		/* the run is the slate's */
	uint32_t picture;	/* of the slate, the next one */
	int64_t source_end_90k; /* where the run's source goes on */
	int64_t ahead_90k;	/* as of the last part */
	int64_t slate_90k;	/* published of it */
};

void channel_air_init(struct channel_air *a, const struct channel_air_config *config);
void channel_air_fini(struct channel_air *a);

/* Where on the timeline it is now, and when it will be there. */
int64_t channel_air_position_90k(const struct channel_air *a, int64_t now_us);
int64_t channel_air_time_us(const struct channel_air *a, int64_t position_90k);
/* The plan's time: the wall clock as it was at the start, and goes on evenly. */
int64_t channel_air_wall_ms(const struct channel_air *a, int64_t now_us);
/* Of what was published. */
static inline int64_t channel_air_end_90k(const struct channel_air *a)
{
	return a->splice.end_90k;
}

/* So far behind that nobody waits any more (the machine slept): what comes next stands at the present. */
bool channel_air_catch_up(struct channel_air *a, int64_t now_us);

/* What follows is of this source: its time source_90k (of a key frame, where it has pictures) stands at the end. */
int channel_air_begin(struct channel_air *a, const struct part *part, int64_t source_90k);

struct channel_air_put {
	const struct part *part; /* the next of the run */
	const char *origin;	 /* its stream or clip */
	int64_t from_90k;	 /* its own times, as struct splice_slice */
	int64_t until_90k;
	bool is_segment_end; /* in any case; else when it is the source's and the part goes out to its end */
	int64_t now_us;
};

int channel_air_put(struct channel_air *a, const struct channel_air_put *put);
/* A part of the slate, until_90k at the latest. -EAGAIN: not one picture is that short. */
int channel_air_put_slate(struct channel_air *a, int64_t until_90k, bool is_segment_end, int64_t now_us);

#endif
