/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay of three loops on the test's own thread, with a clock that the test moves and observers instead of sockets.
 *
 * Owner: the test. Lifetime: house_open to house_close; tracks, readers and publishers are the test's, and are let go
 * of before house_close. Nothing happens but inside house_pump, house_advance and what calls them.
 */
#ifndef ISARIBI_TESTS_UNIT_RELAY_HOUSE_H
#define ISARIBI_TESTS_UNIT_RELAY_HOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "relay/hub.h"
#include "relay/mirror.h"
#include "relay/publisher.h"

enum {
	HOUSE_LOOPS = 3,
	HOUSE_STEP_MS = 100, /* between two frames of a track */
	HOUSE_KEY_EVERY = 10,
};

/* What a tap saw, all streams together. */
struct house_tap {
	unsigned begins;
	unsigned pauses;
	unsigned ends;
	uint64_t frames;
	uint64_t stream_id; /* of the last begin */
	int64_t last_90k[TRACK_KINDS];
};

struct house {
	struct clock_fake clock;
	struct stats stats;
	struct relay_setup setup;
	struct stream_tap taps[1];
	struct house_tap tap;
	struct events sink;
	unsigned events[EVENT_KINDS];
	enum close_reason away_reason;
	struct loop *loops[HOUSE_LOOPS];
	struct hub *hubs[HOUSE_LOOPS];
	unsigned asleep; /* bit i: loop i does not turn */
	int64_t ticked_us;
};

void house_close(struct house *h);
/* plan: for the hubs; borrowed. */
void house_open(struct house *h, struct plan *plan);
/* Lets every loop that is awake open its mail until none is left. */
void house_pump(struct house *h);
/* Time passes, with the hubs' ticks in it. */
void house_advance(struct house *h, int64_t ms);
struct relay_local *house_local(struct house *h, unsigned loop);
/* The home of a stream, and the loops after it. */
unsigned house_loop(const struct house *h, const char *stream, unsigned after);

struct house_reader {
	struct reader reader; /* first: the ops get a pointer to it */
	uint64_t next;	      /* place in the mirror's ring, 0: not started */
	uint64_t frames;
	unsigned flushes;
	unsigned gaps;		   /* steps of the picture that were longer than one frame */
	unsigned gaps_without_key; /* of those, not ended by a key frame */
	unsigned discontinuities;
	int64_t first_90k;
	int64_t last_90k[TRACK_KINDS];
	bool detaches_itself; /* at the next flush */
	bool is_over;
	enum close_reason reason;
};

void house_attach(struct house *h, unsigned loop, const char *stream, struct house_reader *reader);

struct house_publisher {
	struct house *house;
	struct publisher *publisher;
	bool is_granted;
	bool is_over;
	enum close_reason reason;
	uint64_t raw_ms;    /* its clock */
	size_t video_bytes; /* of a picture, 0: 100 */
	unsigned n_video;
	unsigned n_refused; /* frames that found no room */
};

struct house_publish {
	unsigned loop;
	const char *stream;
	uint8_t key;
	int64_t until_ms;
};

/* raw_ms and video_bytes of the publisher are the caller's to set before. */
void house_publish(struct house *h, struct house_publisher *p, const struct house_publish *spec);
/* A picture (the first and every HOUSE_KEY_EVERYth a key frame) and a sound, now; its clock goes on by one step. */
void house_send(struct house_publisher *p, struct track *video, struct track *audio);
/* The same again and again, with time passing: ms is a multiple of HOUSE_STEP_MS. */
void house_send_for(struct house_publisher *p, struct track *video, struct track *audio, int64_t ms);

#endif
