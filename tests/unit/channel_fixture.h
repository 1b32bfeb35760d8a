/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world for a channel: streams whose frames come by a fake clock and go through real cutters, clips that are read,
 * and a viewer who looks at every part. What must always hold is asserted here, at each part and each moment.
 */
#ifndef ISARIBI_TESTS_UNIT_CHANNEL_FIXTURE_H
#define ISARIBI_TESTS_UNIT_CHANNEL_FIXTURE_H

#include "packager/channel.h"
#include "packager/cutter.h"
#include "packager/slate.h"

enum {
	WORLD_STREAMS = 4,
	WORLD_CLIPS = 4,
	WORLD_PARTS = 20000,
	WORLD_CLIP_PARTS = 64,
	WORLD_PART_MS = 500,
	WORLD_PART_90K = 45000,
	WORLD_SEGMENT_MS = 2000,
	WORLD_MS = 1000,
	WORLD_SECOND = 1000000,
};

/* The wall clock at now_us 0. */
#define WORLD_WALL_MS INT64_C(1790000000000)

/* Frames by the clock: number n of the video comes n / fps after start_us. Changed at will between two runs. */
struct world_stream {
	char name[ID_SIZE];
	bool is_on;
	bool is_silent; /* frames are made and do not arrive */
	bool is_video_only;
	bool is_sound_only;
	bool is_large; /* 1280x720 at 25; else 640x360 at 30 */
	unsigned gop;  /* frames from key to key */
	bool is_keyless;
	bool has_b_frames;
	int64_t fast_ppm;   /* its clock runs so much too fast */
	int64_t origin_90k; /* of its timeline */
	int64_t start_us;
	struct track *video;
	struct track *audio;
	struct cutter *cutter;
	int64_t video_n;
	int64_t audio_n;
	bool is_marked; /* the next frame of each track says that something is missing before it */
	bool is_audio_marked;
};

struct world_clip {
	char id[ID_SIZE];
	struct part *parts[WORLD_CLIP_PARTS];
	size_t count;
	int64_t delay_us; /* until its first part is read */
	int err;	  /* what its end says */
	size_t err_after; /* and after so many parts */
	size_t asked;	  /* so often was it wanted */
};

struct world {
	int64_t now_us;
	struct slate *slate;
	struct channel *channel;
	struct world_stream streams[WORLD_STREAMS];
	struct world_clip clips[WORLD_CLIPS];
	struct world_clip *reading;
	int64_t read_at_us;
	size_t read;
	bool is_end_told;
	struct plan *plan;
	struct part *parts[WORLD_PARTS]; /* as published */
	int64_t at_us[WORLD_PARTS];
	size_t count;
	size_t seen; /* by the look after each event */
	unsigned changes;
	bool may_jump; /* the machine slept: the timeline has a hole */
	bool may_fall_behind;
	int64_t min_ahead_90k; /* after each event that published */
	int64_t max_ahead_90k;
	int64_t max_behind_90k; /* at any moment: what a player must have had */
};

int world_setup(void **state);
int world_teardown(void **state);

/* A channel that never was, with nothing to show. */
void world_open(struct world *w);
void world_open_with(struct world *w, const struct channel_config *changes);

/* Streams are known by their place and called "a", "b", ...; clips "c0", "c1", ... */
struct world_stream *world_stream_start(struct world *w, size_t i, const struct world_stream *like);
void world_stream_stop(struct world *w, size_t i);
void world_clip_make(struct world *w, size_t i, int64_t length_ms);

/* The plan has this one channel. */
void world_plan(struct world *w, const struct plan_channel *entry);
/* Put on by hand from now on: "" is the slate, NULL nobody's hand. */
void world_override(struct world *w, enum plan_override_kind kind, const char *id);

/* Lets time go by. */
void world_run(struct world *w, int64_t for_us);
/* Until this is on ("" is the slate); fails after limit_us. */
void world_run_until_on(struct world *w, enum channel_kind kind, const char *id, int64_t limit_us);

int64_t world_position_90k(const struct world *w, int64_t now_us);
const struct part *world_last(const struct world *w);
/* The first part from number `from` on whose pictures are of this origin; fails when there is none. */
size_t world_find(const struct world *w, size_t from, const char *origin);
uint32_t world_pictures(const struct part *part);

const struct channel_state *world_state(const struct world *w);
void world_assert_why(const struct world *w, enum channel_why why);
/* A player that keeps three parts never ran dry. */
void world_assert_never_dry(const struct world *w);
/* The world, with stream "a" put on by hand and on the air. */
struct world *world_open_with_a(void **state);

/* Of a row in a table of tests: test_NAME in a world of its own. */
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

#endif
