/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/plan_parse.h"
#include "media/timeline.h"
#include "relay_fixture.h"
#include "relay_house.h"

enum { SECOND_MS = 1000 };

static const char key[] = "key-of-tanaka-000";

struct fixture {
	struct house house;
	struct plan *plan;
	struct track *video;
	struct track *audio;
	unsigned loop; /* not the stream's home */
	struct log_ctx log;
	struct session *session;
	int64_t raw_ms;
	bool is_granted;
	bool is_over;
	enum close_reason reason;
};

/* The key's window ends then; 0: never; -1: it is revoked. Given to all loops. */
static void take_plan(struct fixture *f, int64_t until_ms)
{
	struct config_errors errors;
	struct plan *plan = NULL;
	char windows[64] = "";
	char text[256];

	if (until_ms >= 0)
		snprintf(windows, sizeof(windows), "{\"from\":0,\"until\":%lld}", (long long)until_ms);
	snprintf(text, sizeof(text),
	    "{\"isaribi_plan\":1,\"rev\":1,\"keys\":[{\"id\":\"k\",\"key\":\"%s\",\"stream\":\"tanaka\",\"windows\":[%"
	    "s]}]}",
	    key, windows);
	config_errors_init(&errors);
	assert_int_equal(plan_parse(&plan, text, strlen(text), NULL, &errors), 0);
	for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
		struct mail mail = { .kind = MAIL_PLAN, .plan = plan_ref(plan) };

		assert_true(courier_post(&f->house.setup.courier, i, &mail));
	}
	plan_unref(plan);
	house_pump(&f->house);
}

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.plan = plan_create();
	assert_non_null(f.plan);
	f.video = fixture_video_track(0);
	f.audio = fixture_audio_track(0);
	house_open(&f.house, f.plan);
	f.loop = house_loop(&f.house, "tanaka", 1);
	f.log = (struct log_ctx){ .id = 7, .protocol = "test" };
	take_plan(&f, 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	session_end(&f->session, CLOSE_CLIENT_CLOSED);
	house_close(&f->house);
	assert_int_equal(stats_get(&f->house.stats, STAT_RTMP_PUBLISHERS), 0);
	assert_int_equal(atomic_load(&f->video->refs), 1);
	assert_int_equal(atomic_load(&f->audio->refs), 1);
	assert_int_equal(atomic_load(&f->plan->refs), 1);
	track_unref(f->video);
	track_unref(f->audio);
	plan_unref(f->plan);
	return 0;
}

static void on_granted(void *arg)
{
	((struct fixture *)arg)->is_granted = true;
}

static void on_over(void *arg, enum close_reason reason)
{
	struct fixture *f = arg;

	f->is_over = true;
	f->reason = reason;
	session_end(&f->session, reason);
}

static const struct session_protocol protocol = { STAT_RTMP_PUBLISHERS, TIMELINE_MODULUS_RTMP };

static enum close_reason ask(struct fixture *f, const char *text)
{
	static const struct session_ops ops = { on_granted, on_over };
	const struct session_config config = { &protocol, text, strlen(text), &f->log, &ops, f };

	return session_begin(&f->session, house_local(&f->house, f->loop), &config);
}

static void begin(struct fixture *f)
{
	assert_int_equal(ask(f, key), CLOSE_NONE);
	assert_false(f->is_granted);
	house_pump(&f->house);
	assert_true(f->is_granted);
}

static void send_frame(struct fixture *f, struct track *track, unsigned flags)
{
	struct frame *frame = fixture_frame(track, f->raw_ms * 90, 100, flags);

	frame->arrival_us = f->house.clock.now_mono_us;
	f->raw_ms += 10;
	session_frame(f->session, frame);
}

static void its_frames_reach_the_stream(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_string_equal(f->log.stream, "tanaka");
	assert_int_equal(stats_get(&f->house.stats, STAT_RTMP_PUBLISHERS), 1);
	send_frame(f, f->video, FRAME_KEY);
	send_frame(f, f->audio, FRAME_KEY);
	house_pump(&f->house);
	assert_int_equal(f->house.tap.frames, 2);
	assert_int_equal(session_counts(f->session).frames, 2);
	assert_int_equal(session_counts(f->session).bytes, 200);
	session_end(&f->session, CLOSE_CLIENT_ENDED);
	house_pump(&f->house);
	assert_int_equal(f->house.away_reason, CLOSE_CLIENT_ENDED);
}

static void a_refused_key_makes_no_session(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, "key-of-nobody-000"), CLOSE_KEY_UNKNOWN);
	assert_null(f->session);
	take_plan(f, f->house.clock.now_wall_ms);
	assert_int_equal(ask(f, key), CLOSE_KEY_EXPIRED);
	take_plan(f, -1);
	assert_int_equal(ask(f, key), CLOSE_KEY_REVOKED);
	assert_null(f->session);
	assert_string_equal(f->log.stream, "");
	house_pump(&f->house);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
}

static void ten_seconds_of_silence_are_borne(void **state)
{
	struct fixture *f = *state;

	begin(f);
	house_advance(&f->house, 5 * SECOND_MS);
	send_frame(f, f->audio, FRAME_KEY);
	house_advance(&f->house, 10 * SECOND_MS);
	assert_int_equal(session_tick(f->session), CLOSE_NONE);
	house_advance(&f->house, 1);
	assert_int_equal(session_tick(f->session), CLOSE_SILENT);
}

static void its_window_and_its_key_may_end(void **state)
{
	struct fixture *f = *state;
	const int64_t until_ms = f->house.clock.now_wall_ms + 3 * SECOND_MS;

	begin(f);
	take_plan(f, until_ms);
	house_advance(&f->house, 3 * SECOND_MS - 1);
	assert_int_equal(session_tick(f->session), CLOSE_NONE);
	house_advance(&f->house, 1);
	assert_int_equal(session_tick(f->session), CLOSE_SLOT_OVER);
	take_plan(f, until_ms + SECOND_MS);
	assert_int_equal(session_tick(f->session), CLOSE_NONE);
	take_plan(f, -1);
	assert_int_equal(session_tick(f->session), CLOSE_KEY_REVOKED);
}

/* The stream learns its end from the session, whenever the plan came. */
static void the_stream_learns_a_moved_end(void **state)
{
	struct fixture *f = *state;
	const int64_t begin_ms = f->house.clock.now_wall_ms;

	take_plan(f, begin_ms + 30 * SECOND_MS);
	f->house.asleep = 1u << house_loop(&f->house, "tanaka", 0);
	assert_int_equal(ask(f, key), CLOSE_NONE);
	/* Home has the question but no answer yet. */
	take_plan(f, begin_ms + 300 * SECOND_MS);
	assert_int_equal(session_tick(f->session), CLOSE_NONE);
	f->house.asleep = 0;
	house_pump(&f->house);
	assert_true(f->is_granted);
	send_frame(f, f->video, FRAME_KEY);
	assert_int_equal(session_tick(f->session), CLOSE_NONE);
	session_end(&f->session, CLOSE_CLIENT_CLOSED);
	house_pump(&f->house);
	house_advance(&f->house, 290 * SECOND_MS);
	assert_int_equal(f->house.tap.ends, 0);
	house_advance(&f->house, 12 * SECOND_MS);
	assert_int_equal(f->house.tap.ends, 1);
}

static void a_hundred_unreadable_messages_in_a_row_are_borne(void **state)
{
	struct fixture *f = *state;

	begin(f);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < SESSION_UNREADABLE_MAX; i++)
			assert_int_equal(session_unreadable(f->session), CLOSE_NONE);
		if (round == 0)
			send_frame(f, f->audio, FRAME_KEY);
	}
	assert_int_equal(session_unreadable(f->session), CLOSE_MEDIA_BAD);
	assert_int_equal(stats_get(&f->house.stats, STAT_FRAMES_UNREADABLE), 2 * SESSION_UNREADABLE_MAX + 1);
}

static void after_a_lost_picture_it_waits_for_a_key_frame(void **state)
{
	struct fixture *f = *state;
	int64_t dropped;

	begin(f);
	f->house.asleep = 1u << house_loop(&f->house, "tanaka", 0);
	for (int i = 0; stats_get(&f->house.stats, STAT_FRAMES_DROPPED) == 0; i++) {
		assert_true(i <= COURIER_MAILBOX_FRAMES);
		send_frame(f, f->video, i == 0 ? FRAME_KEY : 0);
	}
	f->house.asleep = 0;
	house_pump(&f->house);
	assert_int_equal(f->house.tap.frames, COURIER_MAILBOX_FRAMES);
	dropped = stats_get(&f->house.stats, STAT_FRAMES_DROPPED);
	assert_int_equal(dropped, 1);

	/* There is room again, but what depends on the lost one is of no use; sound is. */
	send_frame(f, f->video, 0);
	send_frame(f, f->audio, FRAME_KEY);
	send_frame(f, f->video, 0);
	house_pump(&f->house);
	assert_true(f->house.tap.frames <= COURIER_MAILBOX_FRAMES + 1); /* sound may wait for the next picture */
	assert_int_equal(stats_get(&f->house.stats, STAT_FRAMES_DROPPED), dropped + 2);
	send_frame(f, f->video, FRAME_KEY);
	send_frame(f, f->video, 0);
	house_pump(&f->house);
	assert_int_equal(f->house.tap.frames, COURIER_MAILBOX_FRAMES + 3);
	assert_int_equal(session_counts(f->session).frames, COURIER_MAILBOX_FRAMES + 6);
}

static void it_hears_that_it_was_taken_over(void **state)
{
	static const struct session_ops ops = { on_granted, on_over };
	struct fixture *f = *state;
	struct fixture second = { .log = { .id = 8, .protocol = "test" } };
	const struct session_config config = { &protocol, key, strlen(key), &second.log, &ops, &second };

	begin(f);
	send_frame(f, f->video, FRAME_KEY);
	assert_int_equal(session_begin(&second.session, house_local(&f->house, f->loop), &config), CLOSE_NONE);
	house_pump(&f->house);
	assert_true(second.is_granted);
	assert_true(f->is_over);
	assert_int_equal(f->reason, CLOSE_TAKEN_OVER);
	assert_null(f->session);
	assert_int_equal(stats_get(&f->house.stats, STAT_RTMP_PUBLISHERS), 1);
	session_end(&second.session, CLOSE_CLIENT_CLOSED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_frames_reach_the_stream),
		TEST(a_refused_key_makes_no_session),
		TEST(ten_seconds_of_silence_are_borne),
		TEST(its_window_and_its_key_may_end),
		TEST(the_stream_learns_a_moved_end),
		TEST(a_hundred_unreadable_messages_in_a_row_are_borne),
		TEST(after_a_lost_picture_it_waits_for_a_key_frame),
		TEST(it_hears_that_it_was_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
