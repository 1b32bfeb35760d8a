/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/recorder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/loop.h"
#include "config/plan_parse.h"
#include "packager/rec_format.h"
#include "packager/rec_writer.h"
#include "tests/unit/part_fixture.h"
#include "tests/unit/rec_fixture.h"

enum {
	STEP_MS = 50,
	GUARD_MS = 5000,
	LEFT_MS = 130000,
};

struct studio {
	struct rec_world *world;
	struct loop *loop;
	struct recorder *recorder;
	struct part_sink sink;
	void *streams[REC_STREAMS_MAX];
	int32_t keep_days;
	uint64_t min_free_bytes;
	uint32_t segment_ms; /* 0: 2000 */
	struct plan *plan;
};

/* Streams "s0", "s1" … of which those of the mask are recorded; a clip is cut from the recording clip_of. */
static struct plan *make_plan(unsigned mask, const char *clip_of)
{
	char text[1024] = "{ \"isaribi_plan\": 1, \"rev\": 1, \"streams\": [";
	struct config_errors errors;
	struct plan *plan = NULL;
	size_t len = strlen(text);

	for (unsigned i = 0; i < REC_STREAMS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{ \"id\": \"s%u\", \"record\": %s }",
		    i > 0 ? ", " : "", i, mask >> i & 1 ? "true" : "false");
	len += (size_t)snprintf(text + len, sizeof(text) - len, "]");
	if (clip_of)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    ", \"clips\": [ { \"id\": \"c\", \"recording\": \"%s\", \"in\": 0, \"out\": 1000 } ]", clip_of);
	snprintf(text + len, sizeof(text) - len, " }");
	config_errors_init(&errors);
	assert_int_equal(plan_parse(&plan, text, strlen(text), "plan", &errors), 0);
	return plan;
}

static void start(struct studio *s)
{
	const struct recorder_config config = {
		.loop = s->loop,
		.clock = &s->world->clock.clock,
		.disk = &s->world->disk.disk,
		.data_dir = "/data",
		.segment_ms = s->segment_ms > 0 ? s->segment_ms : 2000,
		.keep_days = s->keep_days,
		.min_free_bytes = s->min_free_bytes,
		.plan = s->plan,
		.events = &s->world->events,
		.stats = &s->world->stats,
		.note = rec_world_note,
		.note_arg = s->world,
	};

	assert_int_equal(recorder_create(&s->recorder, &config), 0);
	s->sink = recorder_sink(s->recorder);
	recorder_start(s->recorder);
}

static void set_up(struct studio *s)
{
	*s = (struct studio){ .world = rec_world_create(), .plan = make_plan(0xff, NULL) };
	assert_int_equal(loop_create(&s->loop, "test"), 0);
}

static void end_stream(struct studio *s, unsigned stream)
{
	if (s->streams[stream])
		s->sink.end(s->sink.arg, s->streams[stream]);
	s->streams[stream] = NULL;
}

/* As the node does it: the packager ends its streams, then the recorder finishes. */
static void stop(struct studio *s)
{
	s->world->disk.on_sync = NULL;
	for (unsigned i = 0; i < REC_STREAMS_MAX; i++)
		end_stream(s, i);
	recorder_finish(s->recorder);
	recorder_destroy(&s->recorder);
}

/* Without a goodbye. */
static void kill_node(struct studio *s)
{
	s->world->disk.on_sync = NULL;
	for (unsigned i = 0; i < REC_STREAMS_MAX; i++)
		end_stream(s, i); /* its mail is never opened */
	recorder_destroy(&s->recorder);
	fake_disk_kill(&s->world->disk);
}

static void tear_down(struct studio *s)
{
	if (s->recorder)
		stop(s);
	loop_destroy(&s->loop);
	plan_unref(s->plan);
	rec_world_destroy(s->world);
}

static void begin_stream(struct studio *s, unsigned stream, const char *epoch)
{
	char name[8];

	snprintf(name, sizeof(name), "s%u", stream);
	s->streams[stream] = s->sink.begin(s->sink.arg, name, epoch);
	assert_non_null(s->streams[stream]);
}

static void tick(struct studio *s)
{
	loop_turn(s->loop); /* opens the mail */
	recorder_tick(s->recorder);
}

static void give(struct studio *s, unsigned stream)
{
	s->sink.part(s->sink.arg, s->streams[stream], rec_world_part(s->world, stream));
}

static void pass(struct studio *s, int64_t ms)
{
	for (int64_t at = 0; at < ms; at += STEP_MS) {
		clock_fake_advance(&s->world->clock, STEP_MS * 1000);
		tick(s);
	}
}

/* Half a second of each stream that is on, again and again. */
static void run(struct studio *s, int64_t ms)
{
	for (int64_t at = 0; at < ms; at += REC_PART_MS) {
		pass(s, REC_PART_MS);
		for (unsigned i = 0; i < REC_STREAMS_MAX; i++) {
			if (s->streams[i])
				give(s, i);
		}
		loop_turn(s->loop);
	}
}

static void take_plan(struct studio *s, unsigned mask, const char *clip_of)
{
	plan_unref(s->plan);
	s->plan = make_plan(mask, clip_of);
	recorder_take_plan(s->recorder, s->plan);
	loop_turn(s->loop);
}

static void every_stream_of_the_plan_is_recorded(void **state)
{
	struct studio s;
	struct rec_found found;

	(void)state;
	set_up(&s);
	start(&s);
	take_plan(&s, 0x0b, NULL);
	for (unsigned i = 0; i < 4; i++)
		begin_stream(&s, i, "e1");
	run(&s, 10000);
	assert_int_equal(stats_get(&s.world->stats, STAT_RECORDINGS), 3);
	end_stream(&s, 0);
	pass(&s, STEP_MS);
	assert_int_equal(s.world->said[EVENT_RECORDING_SAVED], 1);
	stop(&s);
	assert_int_equal(stats_get(&s.world->stats, STAT_RECORDINGS), 0);
	fake_disk_power_cut(&s.world->disk);
	found = rec_world_look(s.world);
	assert_int_equal(found.recordings, 3);
	assert_int_equal(found.saved, 3);
	for (size_t i = 0; i < s.world->n_parts; i++)
		assert_int_equal(s.world->is_saved[i], s.world->stream_of[i] != 2);
	assert_int_equal(stats_get(&s.world->stats, STAT_RECORDING_WAITING_BYTES), 0);
	tear_down(&s);
}

/* "record" is switched while the stream is on: it begins with the next independent part, and ends at once. */
static void a_plan_begins_and_ends_a_recording(void **state)
{
	struct studio s;
	struct rec_found found;
	size_t off;

	(void)state;
	set_up(&s);
	start(&s);
	take_plan(&s, 0, NULL);
	begin_stream(&s, 0, "e1");
	run(&s, 2500);
	assert_int_equal(s.world->disk.calls[FAKE_CREATE], 0);
	take_plan(&s, 1, NULL);
	run(&s, 6000);
	assert_int_equal(stats_get(&s.world->stats, STAT_RECORDINGS), 1);
	take_plan(&s, 0, NULL);
	off = s.world->n_parts;
	assert_int_equal(s.world->said[EVENT_RECORDING_SAVED], 1);
	assert_string_equal(s.world->said_reason, "plan");
	run(&s, 4000);
	take_plan(&s, 1, NULL);
	run(&s, 4000);
	stop(&s);
	found = rec_world_look(s.world);
	assert_int_equal(found.saved, 2);
	assert_int_equal(found.recordings, 2);
	assert_int_equal(found.lost_ms, 0);
	for (size_t i = 0; i < off; i++)
		assert_int_equal(s.world->is_saved[i], i >= 8);
	assert_false(s.world->is_saved[off]);
	assert_true(s.world->is_saved[s.world->n_parts - 1]);
	tear_down(&s);
}

/* Parts come when their time has come, also while the recording thread waits for the disk. */
struct airing {
	struct studio *studio;
	unsigned n_streams;
	int64_t next_us[REC_STREAMS_MAX];
};

static void air(void *arg)
{
	struct airing *a = arg;

	for (unsigned i = 0; i < a->n_streams; i++) {
		for (; a->studio->world->clock.now_mono_us >= a->next_us[i]; a->next_us[i] += REC_PART_MS * 1000)
			give(a->studio, i);
	}
}

static void begin_airing(struct airing *a, struct studio *s, unsigned n_streams)
{
	*a = (struct airing){ .studio = s, .n_streams = n_streams };
	s->world->disk.on_sync = air;
	s->world->disk.arg = a;
	for (unsigned i = 0; i < n_streams; i++) {
		begin_stream(s, i, "e1");
		a->next_us[i] = s->world->clock.now_mono_us + i * 110000;
	}
}

/* Until the power is off or so much time has passed. */
static void run_airing(struct airing *a, int64_t ms)
{
	struct clock_fake *clock = &a->studio->world->clock;
	const int64_t end_us = clock->now_mono_us + ms * 1000;

	while (!a->studio->world->disk.is_off && clock->now_mono_us < end_us) {
		const int64_t next_us = clock->now_mono_us + STEP_MS * 1000;

		air(a);
		tick(a->studio);
		if (!a->studio->world->disk.is_off && clock->now_mono_us < next_us)
			clock_fake_advance(clock, next_us - clock->now_mono_us);
	}
}

/* The age of the oldest that is nowhere. */
static int64_t lost_by_now_ms(struct rec_world *w)
{
	int64_t worst_ms = 0;

	for (size_t i = 0; i < w->n_parts; i++) {
		const int64_t age_ms = w->clock.now_wall_ms - w->parts[i]->wall_ms;

		if (!w->is_saved[i] && age_ms > worst_ms)
			worst_ms = age_ms;
	}
	return worst_ms;
}

/* What of each of four streams is durable reaches to 1.5 s before now, whenever the power goes. A sync takes 30 ms. */
static void a_power_cut_costs_a_second_and_a_half(void **state)
{
	int64_t worst_ms = 0;
	bool was_cut = true;
	size_t at;

	(void)state;
	for (at = 1; was_cut; at++) {
		struct studio s;
		struct airing a;
		int64_t lost_ms;

		set_up(&s);
		s.world->disk.sync_us = 30000;
		s.world->disk.off_at = at;
		start(&s);
		begin_airing(&a, &s, 4);
		run_airing(&a, 12000);
		was_cut = s.world->disk.is_off;
		kill_node(&s);
		fake_disk_power_cut(&s.world->disk);
		rec_world_mend(s.world);
		rec_world_look(s.world);
		lost_ms = lost_by_now_ms(s.world);
		worst_ms = lost_ms > worst_ms ? lost_ms : worst_ms;
		tear_down(&s);
	}
	print_message("at most %lld ms are lost, %zu cuts\n", (long long)worst_ms, at);
	assert_in_range(worst_ms, 500, 1500);
	assert_in_range(at, 300, 100000);
}

/* The same stream and epoch go on in the same recording; what nobody goes on with is closed. */
static void a_killed_node_goes_on(void **state)
{
	struct studio s;
	struct rec_found found;

	(void)state;
	set_up(&s);
	start(&s);
	for (unsigned i = 0; i < 3; i++)
		begin_stream(&s, i, "e1");
	run(&s, 6000);
	kill_node(&s);
	start(&s);
	begin_stream(&s, 0, "e1");
	begin_stream(&s, 1, "e2");
	run(&s, 4000);
	found = rec_world_look(s.world);
	assert_int_equal(found.recordings, 4);
	assert_int_equal(found.running, 3); /* s0 again, s1 anew, s2 that may still come back */
	assert_int_equal(found.saved, 1);   /* the first of s1 */
	pass(&s, LEFT_MS);
	recorder_guard(s.recorder);
	assert_int_equal(rec_world_look(s.world).saved, 2);
	stop(&s);
	found = rec_world_look(s.world);
	assert_int_equal(found.saved, 4);
	assert_int_equal(rec_world_missing_ms(s.world), 0);
	tear_down(&s);
}

/* Longer parts than a recording's target duration was made for go to another one; shorter ones fit. */
static void longer_parts_need_another_recording(void **state)
{
	static const struct {
		uint32_t segment_ms;
		size_t recordings;
	} table[] = { { 1000, 1 }, { 2000, 1 }, { 2001, 2 }, { 4000, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rec_found found;
		struct studio s;

		set_up(&s);
		start(&s);
		begin_stream(&s, 0, "e1");
		run(&s, 6000);
		kill_node(&s);
		s.segment_ms = table[i].segment_ms;
		start(&s);
		begin_stream(&s, 0, "e1");
		run(&s, 4000);
		stop(&s);
		found = rec_world_look(s.world);
		assert_int_equal(found.recordings, table[i].recordings);
		assert_int_equal(found.saved, table[i].recordings);
		assert_int_equal(rec_world_missing_ms(s.world), 0);
		tear_down(&s);
	}
}

/* Half a fragment at the end of a file: the recording is damaged, the fragment before it is the last. */
static void a_torn_file_is_damaged(void **state)
{
	struct studio s;
	struct rec_found found;
	size_t len;

	(void)state;
	set_up(&s);
	start(&s);
	begin_stream(&s, 0, "e1");
	run(&s, 6000);
	kill_node(&s);
	(void)fake_disk_file(&s.world->disk, "/data/rec/s0-20260921-141320/0001.mp4", &len);
	assert_true(len > 0);
	fake_disk_cut_file(&s.world->disk, "/data/rec/s0-20260921-141320/0001.mp4", len - 1);
	start(&s);
	stop(&s);
	found = rec_world_look(s.world);
	assert_int_equal(found.damaged, 1);
	assert_int_equal(rec_world_missing_ms(s.world), REC_PART_MS);
	assert_false(s.world->is_saved[s.world->n_parts - 1]);
	tear_down(&s);
}

struct stall {
	struct airing airing;
	int64_t seconds;
};

static void stall_once(void *arg)
{
	struct stall *stall = arg;
	struct clock_fake *clock = &stall->airing.studio->world->clock;

	for (int64_t ms = 0; ms < stall->seconds * 1000; ms += STEP_MS) {
		clock_fake_advance(clock, STEP_MS * 1000);
		air(&stall->airing);
	}
	stall->seconds = 0;
}

/* The thread is stuck in a sync: 30 s of 8 Mbit/s wait; what does not fit in 32 MB is lost, said at once and counted.
 */
static void a_disk_that_stalls(void **state)
{
	(void)state;
	for (int64_t seconds = 30; seconds <= 60; seconds += 30) {
		struct studio s;
		struct stall stall = { .seconds = 0 };
		int64_t begin_us;

		set_up(&s);
		s.world->part_bytes = 500000;
		start(&s);
		begin_airing(&stall.airing, &s, 2);
		s.world->disk.on_sync = stall_once;
		s.world->disk.arg = &stall;
		run_airing(&stall.airing, 5000);
		stall.seconds = seconds;
		begin_us = s.world->clock.now_mono_us;
		run_airing(&stall.airing, seconds * 1000 + 10000);
		assert_true(s.world->clock.now_mono_us - begin_us >= seconds * 1000000);
		assert_int_equal(s.world->said[EVENT_RECORDING_TROUBLE], seconds == 30 ? 0 : 2);
		stop(&s);
		rec_world_law(s.world);
		if (seconds == 30)
			assert_int_equal(rec_world_missing_ms(s.world), 0);
		else
			assert_in_range(rec_world_missing_ms(s.world), 2 * 25000, 2 * 30000);
		tear_down(&s);
	}
}

static void a_full_disk_at_the_end(void **state)
{
	struct studio s;

	(void)state;
	set_up(&s);
	start(&s);
	begin_stream(&s, 0, "e1");
	run(&s, 6000);
	s.world->disk.room_bytes = s.world->disk.used_bytes + 30;
	run(&s, 3000);
	stop(&s);
	assert_int_equal(s.world->said[EVENT_RECORDING_SAVED], 0);
	rec_world_law(s.world);
	assert_in_range(rec_world_missing_ms(s.world), 3000, 4000);
	tear_down(&s);
}

static void make_recording(struct studio *s, unsigned stream)
{
	begin_stream(s, stream, "e1");
	run(s, 4000);
	end_stream(s, stream);
	pass(s, 1000);
}

static bool is_there(const struct studio *s, const char *id)
{
	char path[160];
	size_t len;

	snprintf(path, sizeof(path), "/data/rec/%s/recording.json", id);
	return fake_disk_file(&s->world->disk, path, &len) != NULL;
}

static void guard_after(struct studio *s, int64_t ms)
{
	clock_fake_advance(&s->world->clock, ms * 1000);
	recorder_guard(s->recorder);
}

static void rules_delete_what_is_old(void **state)
{
	const int64_t day_ms = INT64_C(24) * 3600 * 1000;
	struct studio s;
	struct rec_info info;
	char pinned[] = "s1-20260921-141325";
	size_t opened;

	(void)state;
	set_up(&s);
	s.keep_days = 2;
	start(&s);
	make_recording(&s, 0);
	make_recording(&s, 1);
	make_recording(&s, 2);
	make_recording(&s, 3);
	begin_stream(&s, 4, "e1");
	run(&s, 4000);
	rec_info_init(&info);
	assert_int_equal(rec_store_load(&s.world->store, pinned, &info), 0);
	info.is_pinned = true;
	assert_int_equal(rec_store_save(&s.world->store, &info), 0);
	rec_info_fini(&info);
	take_plan(&s, 0xff, "s2-20260921-141330");
	guard_after(&s, day_ms);
	assert_int_equal(s.world->said[EVENT_RECORDING_DELETED], 0);
	guard_after(&s, day_ms);
	assert_int_equal(s.world->said[EVENT_RECORDING_DELETED], 2);
	assert_string_equal(s.world->said_reason, "keep_days");
	assert_false(is_there(&s, "s0-20260921-141320"));
	assert_true(is_there(&s, pinned));
	assert_true(is_there(&s, "s2-20260921-141330")); /* of a clip */
	assert_false(is_there(&s, "s3-20260921-141335"));
	assert_true(is_there(&s, "s4-20260921-141340")); /* running */
	/* The pinned one's recording.json is read again, the clip's is not. */
	opened = s.world->disk.calls[FAKE_OPEN];
	guard_after(&s, 100 * day_ms);
	assert_int_equal(s.world->said[EVENT_RECORDING_DELETED], 2);
	assert_int_equal(s.world->disk.calls[FAKE_OPEN] - opened, 1);
	tear_down(&s);
}

static void rules_make_room(void **state)
{
	struct studio s;

	(void)state;
	for (int32_t keep_days = 0; keep_days <= 9; keep_days += 9) {
		set_up(&s);
		s.keep_days = keep_days;
		s.min_free_bytes = 3000;
		s.world->disk.room_bytes = SIZE_MAX / 2;
		start(&s);
		for (unsigned i = 0; i < 4; i++)
			make_recording(&s, i);
		recorder_guard(s.recorder);
		assert_int_equal(s.world->said[EVENT_RECORDING_DELETED], 0);
		s.world->disk.room_bytes = s.world->disk.used_bytes + 100;
		guard_after(&s, GUARD_MS);
		/* For ever is for ever. */
		assert_int_equal(is_there(&s, "s0-20260921-141320"), keep_days == 0);
		assert_true(is_there(&s, "s3-20260921-141335"));
		assert_int_equal(s.world->said[EVENT_RECORDING_DISK], 1);
		tear_down(&s);
	}
}

/* A publisher's clock jumps ahead and back, stands still, stays at 0: through the cutter, into the recording. */
static void any_timestamps_are_recorded(void **state)
{
	static const int64_t jumps_90k[] = { 0, 90000 * 3600, -90000 * 3000, 90000 * 12, 0 };
	const struct cutter_config config = { .part_ms = 500, .segment_ms = 2000 };
	struct cutter *cutter = cutter_create(&config);
	struct track *video = fixture_video();
	struct fixture_parts *parts = calloc(1, sizeof(*parts));
	struct studio s;
	int64_t dts = 90000 * 3600;
	size_t sent = 0;
	int64_t sum_90k = 0;

	(void)state;
	set_up(&s);
	assert_true(cutter && video && parts);
	start(&s);
	begin_stream(&s, 0, "e1");
	for (size_t jump = 0; jump < sizeof(jumps_90k) / sizeof(jumps_90k[0]); jump++) {
		dts += jumps_90k[jump];
		for (int i = 0; i < 120; i++) {
			unsigned flags = i % 30 == 0 ? FRAME_KEY : 0;

			if (i == 0 && jump > 0)
				flags |= FRAME_DISCONTINUITY;
			fixture_push(cutter, parts, fixture_frame(video, dts, dts, flags));
			dts += jump == 4 ? 0 : 3000; /* the last stands still */
		}
	}
	cutter_flush(cutter);
	fixture_drain(cutter, parts);
	for (; sent < parts->count; sent++) {
		s.sink.part(s.sink.arg, s.streams[0], parts->parts[sent]);
		sum_90k += parts->parts[sent]->duration_90k;
		pass(&s, STEP_MS);
	}
	assert_in_range(parts->count, 30, 200);
	stop(&s);
	assert_int_equal(s.world->said[EVENT_RECORDING_SAVED], 1);
	assert_int_equal(stats_get(&s.world->stats, STAT_RECORDING_LOST_MS), 0);
	assert_true(sum_90k >= 90000 * 15);
	assert_in_range(fake_disk_count(&s.world->disk), 3 + 3 * 2, 3 + 9 * 2); /* stretches */
	fixture_parts_fini(parts);
	free(parts);
	track_unref(video);
	cutter_destroy(&cutter);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stream_of_the_plan_is_recorded),
		cmocka_unit_test(a_plan_begins_and_ends_a_recording),
		cmocka_unit_test(a_power_cut_costs_a_second_and_a_half),
		cmocka_unit_test(a_killed_node_goes_on),
		cmocka_unit_test(longer_parts_need_another_recording),
		cmocka_unit_test(a_torn_file_is_damaged),
		cmocka_unit_test(a_disk_that_stalls),
		cmocka_unit_test(a_full_disk_at_the_end),
		cmocka_unit_test(rules_delete_what_is_old),
		cmocka_unit_test(rules_make_room),
		cmocka_unit_test(any_timestamps_are_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
