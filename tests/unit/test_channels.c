/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channels of a plan with all that is around them: packager, sequence, shelf and store, a recording on the disk.
 * The test moves the clock and turns the loops.
 */
#include "packager/channels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/loop.h"
#include "config/plan_parse.h"
#include "packager/clip_reader.h"
#include "packager/packager.h"
#include "tests/unit/oom.h"
#include "tests/unit/part_fixture.h"
#include "tests/unit/rec_sample.h"

enum {
	WAIT_MS = 10000,
	PART_MS = 500,
	SEGMENT_MS = 2000,
	STEP_US = 20000,
	FRAME_90K = 3600, /* 25 a second, one each second step */
};

#define NOW_MS INT64_C(1790000000000)
#define CLIP   "\"clips\":[{\"id\":\"c1\",\"recording\":\"" REC_SAMPLE_ID "\",\"in\":0,\"out\":6000}],"
#define MAIN   "\"channels\":[{\"id\":\"main\""
#define SLOT   ",\"on_air\":[{\"stream\":\"tanaka\"}]"

/* What was said of a channel last. */
struct said {
	unsigned changes;
	unsigned figures;
	unsigned gone;
	char on[16];
	char id[ID_SIZE];
	char why[32];
	int64_t ahead_ms;
};

struct house {
	struct rec_sample files;
	struct clock_fake clock;
	struct stats stats;
	struct loop *packaging;
	struct loop *delivery;
	struct segment_store *store;
	struct shelf *shelf;
	struct sequence *sequence;
	struct clip_reader *clips;
	struct channels *channels;
	struct packager *packager;
	struct stream_tap tap;
	struct events events;
	struct said said;
	struct track *video;
	uint64_t stream_id; /* 0: none is on */
	int64_t frames;
	unsigned steps;
};

static void on_event(void *arg, const struct event *event)
{
	const struct event_channel *c = &event->channel;
	struct said *said = arg;

	assert_int_equal(event->kind, EVENT_CHANNEL);
	assert_int_equal(event->stream[0], '@');
	assert_true(strlen(event->text_ja) > 0 && strlen(event->text_en) > 0);
	said->changes += c->news == EVENT_CHANNEL_CHANGED;
	said->figures += c->news == EVENT_CHANNEL_FIGURES;
	said->gone += c->news == EVENT_CHANNEL_GONE;
	(void)snprintf(said->on, sizeof(said->on), "%s", c->on);
	(void)snprintf(said->id, sizeof(said->id), "%s", c->id);
	(void)snprintf(said->why, sizeof(said->why), "%s", c->why);
	said->ahead_ms = c->ahead_ms;
}

static struct plan *parse(const char *members)
{
	struct config_errors errors;
	struct plan *plan = NULL;
	char text[1024];

	config_errors_init(&errors);
	(void)snprintf(text, sizeof(text), "{\"isaribi_plan\":1%s%s}", members[0] ? "," : "", members);
	if (plan_parse(&plan, text, strlen(text), NULL, &errors) != 0)
		fail_msg("%s: %s", errors.list[0].where, errors.list[0].en);
	return plan;
}

static void open_sequence(struct house *h)
{
	const struct sequence_config config = {
		.memory_dir = h->files.data_dir,
		.data_dir = h->files.data_dir,
		.wall_ms = clock_wall_ms(&h->clock.clock),
	};

	assert_int_equal(sequence_open(&h->sequence, &config), 0);
}

static void open_packaging(struct house *h, const char *members)
{
	struct plan *plan = parse(members);
	struct channels_config config = {
		.loop = h->packaging,
		.clock = &h->clock.clock,
		.sequence = h->sequence,
		.shelf = h->shelf,
		.clips = h->clips,
		.events = &h->events,
		.plan = plan,
		.part_ms = PART_MS,
		.segment_ms = SEGMENT_MS,
	};
	struct packager_config packager = {
		.loop = h->packaging,
		.clock = &h->clock.clock,
		.sequence = h->sequence,
		.shelf = h->shelf,
		.n_sinks = 1,
		.part_ms = PART_MS,
		.segment_ms = SEGMENT_MS,
		.stats = &h->stats,
	};

	assert_int_equal(channels_create(&h->channels, &config), 0);
	plan_unref(plan);
	packager.sinks[0] = channels_sink(h->channels);
	assert_int_equal(packager_create(&h->packager, &packager), 0);
	h->tap = packager_tap(h->packager);
	channels_start(h->channels);
}

static int setup(void **state)
{
	const struct rec_sample_stretch stretch = {
		.number = 1, .seconds = 8, .has_video = true, .has_audio = true, .gop_frames = 60
	};
	const struct segment_store_config store = { .target_duration_s = 4, .part_ms = PART_MS };
	struct clip_reader_config clips = { .part_ms = PART_MS, .segment_ms = SEGMENT_MS };
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	log_set_level(LOG_ERROR);
	rec_sample_init(&h->files);
	rec_sample_write(&h->files, &stretch);
	rec_sample_write_info(&h->files);
	clock_fake_init(&h->clock, NOW_MS);
	stats_init(&h->stats);
	h->events = (struct events){ .emit = on_event, .arg = &h->said };
	assert_int_equal(loop_create(&h->packaging, "test-packaging"), 0);
	assert_int_equal(loop_create(&h->delivery, "test-delivery"), 0);
	h->store = segment_store_create(&store);
	assert_non_null(h->store);
	assert_int_equal(shelf_create(&h->shelf, h->delivery, &h->clock.clock, h->store), 0);
	open_sequence(h);
	clips.loop = h->packaging;
	clips.data_dir = h->files.data_dir;
	assert_int_equal(clip_reader_create(&h->clips, &clips), 0);
	assert_int_equal(clip_reader_start(h->clips), 0);
	h->video = fixture_video();
	*state = h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	packager_destroy(&h->packager);
	channels_destroy(&h->channels);
	clip_reader_stop(h->clips);
	clip_reader_destroy(&h->clips);
	sequence_close(&h->sequence);
	loop_destroy(&h->packaging);
	shelf_destroy(&h->shelf);
	segment_store_destroy(&h->store);
	loop_destroy(&h->delivery);
	track_unref(h->video);
	rec_sample_fini(&h->files);
	free(h);
	return 0;
}

/* ---- what happens ---- */

static void begin_stream(struct house *h)
{
	const struct tap_stream stream = {
		.id = ++h->stream_id,
		.name = "tanaka",
		.begin_wall_ms = clock_wall_ms(&h->clock.clock),
		.begin_mono_us = h->clock.now_mono_us,
	};

	h->frames = 0;
	h->tap.stream_begin(h->tap.arg, &stream);
}

static void send_frame(struct house *h)
{
	int64_t at_90k = 900000 + h->frames * FRAME_90K;
	struct frame *f = fixture_frame(h->video, at_90k, at_90k, h->frames % 50 == 0 ? FRAME_KEY : 0);

	f->arrival_us = h->clock.now_mono_us;
	h->frames++;
	h->tap.frame(h->tap.arg, h->stream_id, f);
	frame_unref(f);
}

static void turn(struct house *h)
{
	packager_drain(h->packager);
	loop_turn(h->packaging);
	channels_tick(h->channels);
	loop_turn(h->delivery);
}

/* So much time goes by; a stream that is on sends on. */
static void pass(struct house *h, int64_t ms, bool is_live)
{
	for (int64_t us = 0; us < ms * 1000; us += STEP_US) {
		if (is_live && h->steps % 2 == 0)
			send_frame(h);
		h->steps++;
		clock_fake_advance(&h->clock, STEP_US);
		turn(h);
	}
}

static void take_plan(struct house *h, const char *members)
{
	struct plan *plan = parse(members);

	channels_take_plan(h->channels, plan);
	plan_unref(plan);
	turn(h);
}

static bool is_on(const struct house *h, const char *on, const char *id)
{
	return strcmp(h->said.on, on) == 0 && strcmp(h->said.id, id) == 0;
}

static const char *text_of(struct house *h, const char *name, const char *resource)
{
	const struct segment_store_ask ask = {
		.stream = name,
		.stream_len = strlen(name),
		.resource = resource,
		.resource_len = strlen(resource),
		.query = "",
		.takes_short = true,
	};
	static char copy[16384];
	struct segment_store_found found;

	copy[0] = '\0';
	if (segment_store_find(h->store, &ask, &found) != SEGMENT_STORE_FOUND)
		return copy;
	assert_int_equal(found.body->piece_count, 1);
	assert_true(found.body->size_bytes < sizeof(copy));
	memcpy(copy, found.body->pieces[0]->data, found.body->size_bytes);
	copy[found.body->size_bytes] = '\0';
	return copy;
}

static const char *playlist_of(struct house *h)
{
	return text_of(h, "@main", "main.m3u8");
}

static unsigned long long first_msn(struct house *h)
{
	const char *line = strstr(playlist_of(h), "#EXT-X-MEDIA-SEQUENCE:");

	assert_non_null(line);
	return strtoull(line + strlen("#EXT-X-MEDIA-SEQUENCE:"), NULL, 10);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* The last segment in the playlist. */
static unsigned long long last_msn(struct house *h)
{
	return first_msn(h) + count(playlist_of(h), "#EXTINF") - 1;
}

/* ---- tests ---- */

static void without_channels_nothing_is_there(void **state)
{
	struct house *h = *state;

	open_packaging(h, "");
	begin_stream(h);
	pass(h, 3000, true);
	assert_int_equal(h->said.changes + h->said.figures, 0);
	assert_false(segment_store_has(h->store, "@main", 5));
}

static void a_channel_shows_the_slate_by_the_clock(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN "}]");
	turn(h);
	assert_non_null(strstr(text_of(h, "@main", "index.m3u8"), "main.m3u8"));
	pass(h, 10000, false);
	assert_true(is_on(h, "slate", ""));
	assert_in_range(count(playlist_of(h), "#EXTINF"), 4, 5);
	assert_int_equal(count(playlist_of(h), "#EXT-X-DISCONTINUITY\n"), 0);
	assert_in_range(h->said.figures, 8, 11);
	assert_in_range(h->said.ahead_ms + 1000, 1000 - PART_MS, 1000 + PART_MS);
}

static void the_stream_of_the_slot_comes_on(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN "}]");
	begin_stream(h);
	pass(h, 5000, true);
	assert_true(is_on(h, "slate", ""));
	take_plan(h, MAIN SLOT "}]");
	pass(h, 4000, true);
	assert_true(is_on(h, "live", "tanaka"));
	assert_string_equal(h->said.why, "slot");
	assert_int_equal(count(playlist_of(h), "#EXT-X-DISCONTINUITY\n"), 1);
	/* It stops sending: two parts later the slate is on, with the reason. */
	pass(h, 2000, false);
	assert_true(is_on(h, "slate", ""));
	assert_string_equal(h->said.why, "lost");
	/* And it comes back after two good seconds, at a key frame. */
	pass(h, 8000, true);
	assert_true(is_on(h, "live", "tanaka"));
	h->tap.stream_end(h->tap.arg, h->stream_id);
	pass(h, 2000, false);
	assert_true(is_on(h, "slate", ""));
	assert_int_equal(count(playlist_of(h), "#EXT-X-ENDLIST"), 0);
}

/* Long enough after a change of plan for the next key frame. */
static void a_channel_with_a_delay_is_late(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN ",\"delay_ms\":3000" SLOT "}]");
	pass(h, 1000, false);
	begin_stream(h);
	pass(h, 2900, true);
	assert_true(is_on(h, "slate", ""));
	assert_string_equal(h->said.why, "absent");
	pass(h, 4500, true);
	assert_true(is_on(h, "live", "tanaka"));
	/* What is held back is not lost when the stream is: the channel shows it to its end. */
	h->tap.stream_end(h->tap.arg, h->stream_id);
	pass(h, 2000, false);
	assert_true(is_on(h, "live", "tanaka"));
	pass(h, 3000, false);
	assert_true(is_on(h, "slate", ""));
}

/* Without a jump in the channel's time, whichever way it changes. */
static void another_delay_begins_anew(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN SLOT "}]");
	begin_stream(h);
	pass(h, 4000, true);
	assert_true(is_on(h, "live", "tanaka"));
	take_plan(h, MAIN ",\"delay_ms\":3000" SLOT "}]");
	pass(h, 2000, true);
	assert_true(is_on(h, "slate", ""));
	pass(h, 14000, true);
	assert_true(is_on(h, "live", "tanaka"));
	assert_in_range(h->said.ahead_ms + 1000, 1000 - PART_MS, 1000 + PART_MS);
	take_plan(h, MAIN SLOT "}]");
	pass(h, 12000, true);
	assert_true(is_on(h, "live", "tanaka"));
	assert_in_range(h->said.ahead_ms + 1000, 1000 - PART_MS, 1000 + PART_MS);
}

static void channels_come_and_go_with_the_plan(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN "}]");
	pass(h, 5000, false);
	take_plan(h, "\"channels\":[{\"id\":\"other\"}]");
	assert_int_equal(h->said.gone, 1);
	assert_int_equal(count(playlist_of(h), "#EXT-X-ENDLIST"), 1);
	pass(h, 5000, false);
	assert_true(count(text_of(h, "@other", "main.m3u8"), "#EXTINF") > 0);
	/* Back again: another epoch, for the one before has its end. */
	take_plan(h, MAIN "}]");
	pass(h, 5000, false);
	assert_int_equal(count(playlist_of(h), "#EXT-X-ENDLIST"), 0);
	assert_true(count(playlist_of(h), "#EXTINF") > 0);
}

static void another_profile_is_another_index(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN "}]");
	pass(h, 3000, false);
	assert_non_null(strstr(text_of(h, "@main", "index.m3u8"), "1280x720"));
	take_plan(h, MAIN ",\"profile\":\"480p30\"}]");
	pass(h, 3000, false);
	assert_null(strstr(text_of(h, "@main", "index.m3u8"), "1280x720"));
	assert_true(count(playlist_of(h), "#EXTINF") > 0);
}

/* The process is gone and comes back: numbers, names and time go on. */
static void it_goes_on_after_a_restart(void **state)
{
	struct house *h = *state;
	unsigned long long before;
	char epoch[64];

	open_packaging(h, MAIN "}]");
	pass(h, 9000, false);
	before = last_msn(h);
	(void)snprintf(epoch, sizeof(epoch), "%.20s", strstr(playlist_of(h), "seg-"));
	*strrchr(epoch, '-') = '\0';
	packager_destroy(&h->packager);
	channels_destroy(&h->channels);
	sequence_close(&h->sequence);
	clock_fake_advance(&h->clock, 700000);
	open_sequence(h);
	open_packaging(h, MAIN "}]");
	pass(h, 5000, false);
	assert_in_range(first_msn(h), before + 1, before + 2); /* the open one was counted, too */
	assert_non_null(strstr(playlist_of(h), epoch));
	assert_int_equal(count(playlist_of(h), "#EXT-X-DISCONTINUITY\n"), 1);
}

static void a_stream_that_is_taken_down_is_left_at_once(void **state)
{
	struct house *h = *state;
	char members[256];

	open_packaging(h, MAIN SLOT "}]");
	begin_stream(h);
	pass(h, 4000, true);
	assert_true(is_on(h, "live", "tanaka"));
	/* What was before this stream began does not matter to it. */
	(void)snprintf(members, sizeof(members), "\"taken_down\":[{\"id\":\"tanaka\",\"before\":%lld}]," MAIN SLOT "}]",
	    (long long)NOW_MS);
	take_plan(h, members);
	pass(h, 1000, true);
	assert_true(is_on(h, "live", "tanaka"));
	(void)snprintf(members, sizeof(members), "\"taken_down\":[{\"id\":\"tanaka\",\"before\":%lld}]," MAIN SLOT "}]",
	    (long long)clock_wall_ms(&h->clock.clock));
	take_plan(h, members);
	assert_true(is_on(h, "slate", ""));
	assert_string_equal(h->said.why, "taken_down");
	pass(h, 6000, true);
	assert_true(is_on(h, "slate", ""));
	/* It begins anew: that was never taken down. */
	h->tap.stream_end(h->tap.arg, h->stream_id);
	pass(h, 1000, false);
	begin_stream(h);
	pass(h, 12000, true);
	assert_true(is_on(h, "live", "tanaka"));
}

/* The reading thread needs a moment of real time. */
static void wait_on(struct house *h, const char *on, const char *id)
{
	for (unsigned i = 0; i < oom_wait_ms(WAIT_MS) / 2 && !is_on(h, on, id); i++) {
		pass(h, 20, false);
		nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
	}
	assert_true(is_on(h, on, id));
}

/* So slowly that clips are read as fast as they are shown. */
static void pass_slowly(struct house *h, int64_t ms)
{
	for (int64_t at_ms = 0; at_ms < ms; at_ms += 20) {
		pass(h, 20, false);
		nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
}

static void a_filler_is_shown_again_and_again(void **state)
{
	struct house *h = *state;

	open_packaging(h, CLIP MAIN ",\"filler\":[\"c1\"]}]");
	wait_on(h, "clip", "c1");
	assert_string_equal(h->said.why, "filler");
	h->said.changes = 0;
	pass_slowly(h, 20000);
	/* Three rounds of six seconds, and no slate between them: the next one had been read ahead. */
	assert_int_equal(h->said.changes, 0);
	assert_true(is_on(h, "clip", "c1"));
	assert_true(count(playlist_of(h), "#EXT-X-DISCONTINUITY\n") >= 2);
}

static void a_clip_goes_when_its_recording_is_taken_down(void **state)
{
	struct house *h = *state;
	unsigned long long shown;
	char name[64];

	open_packaging(h, CLIP MAIN ",\"filler\":[\"c1\"]}]");
	pass(h, 3000, false);
	wait_on(h, "clip", "c1");
	pass_slowly(h, 4500);
	assert_true(is_on(h, "clip", "c1"));
	shown = last_msn(h);
	take_plan(h,
	    "\"taken_down\":[{\"id\":\"" REC_SAMPLE_STREAM "\",\"before\":1900000000000}]," CLIP MAIN
	    ",\"filler\":[\"c1\"]}]");
	pass(h, 200, false);
	assert_true(is_on(h, "slate", ""));
	pass(h, 4000, false);
	assert_true(first_msn(h) > shown);
	(void)snprintf(name, sizeof(name), "-%llu.m4s", shown);
	assert_null(strstr(playlist_of(h), name));
	wait_on(h, "slate", "");
}

static void a_clip_that_is_not_there_leaves_the_slate(void **state)
{
	struct house *h = *state;

	open_packaging(h, MAIN ",\"override\":{\"clip\":\"nobody\"}}]");
	pass(h, 2000, false);
	assert_true(is_on(h, "slate", ""));
	assert_string_equal(h->said.why, "clip_broken");
	take_plan(h, CLIP MAIN ",\"filler\":[\"gone\",\"c1\"]}]");
	wait_on(h, "clip", "c1");
}

#define WITH_HOUSE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOUSE(without_channels_nothing_is_there),
		WITH_HOUSE(a_channel_shows_the_slate_by_the_clock),
		WITH_HOUSE(the_stream_of_the_slot_comes_on),
		WITH_HOUSE(a_channel_with_a_delay_is_late),
		WITH_HOUSE(another_delay_begins_anew),
		WITH_HOUSE(channels_come_and_go_with_the_plan),
		WITH_HOUSE(another_profile_is_another_index),
		WITH_HOUSE(it_goes_on_after_a_restart),
		WITH_HOUSE(a_stream_that_is_taken_down_is_left_at_once),
		WITH_HOUSE(a_filler_is_shown_again_and_again),
		WITH_HOUSE(a_clip_goes_when_its_recording_is_taken_down),
		WITH_HOUSE(a_clip_that_is_not_there_leaves_the_slate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
