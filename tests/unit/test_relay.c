/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, publishers and mirrors on three loops: who gets which frames, and who is told the end when. */
#include "relay/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "relay_fixture.h"
#include "relay_house.h"

enum {
	SECOND_MS = 1000,
	HOUR_MS = 3600 * 1000,
	GRACE_MS = 15000,
	HOLD_MS = 60000,
};

static const char name[] = "tanaka";

struct fixture {
	struct house house;
	struct plan *plan;
	struct track *video;
	struct track *audio;
	struct house_publisher first;
	struct house_publisher second;
	struct house_reader readers[HOUSE_LOOPS];
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.plan = plan_create();
	assert_non_null(f.plan);
	f.video = fixture_video_track(0);
	f.audio = fixture_audio_track(0);
	house_open(&f.house, f.plan);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < HOUSE_LOOPS; i++)
		mirror_detach(&f->readers[i].reader);
	publisher_end(&f->first.publisher, CLOSE_CLIENT_CLOSED);
	publisher_end(&f->second.publisher, CLOSE_CLIENT_CLOSED);
	house_close(&f->house);
	/* No frame, plan or stream is left anywhere. */
	assert_int_equal(atomic_load(&f->video->refs), 1);
	assert_int_equal(atomic_load(&f->audio->refs), 1);
	assert_int_equal(atomic_load(&f->plan->refs), 1);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS_LIVE), 0);
	track_unref(f->video);
	track_unref(f->audio);
	plan_unref(f->plan);
	return 0;
}

static void publish(struct fixture *f, struct house_publisher *p, unsigned after_home, uint8_t key)
{
	const struct house_publish spec = { house_loop(&f->house, name, after_home), name, key, 0 };

	house_publish(&f->house, p, &spec);
	house_pump(&f->house);
}

static void publish_until(struct fixture *f, struct house_publisher *p, int64_t until_ms)
{
	const struct house_publish spec = { house_loop(&f->house, name, 1), name, 1, until_ms };

	house_publish(&f->house, p, &spec);
	house_pump(&f->house);
	assert_true(p->is_granted);
}

static void watch_everywhere(struct fixture *f)
{
	for (unsigned i = 0; i < HOUSE_LOOPS; i++)
		house_attach(&f->house, i, name, &f->readers[i]);
	house_pump(&f->house);
}

static void send_for(struct fixture *f, struct house_publisher *p, int64_t ms)
{
	house_send_for(p, f->video, f->audio, ms);
}

static void end(struct fixture *f, struct house_publisher *p, enum close_reason reason)
{
	publisher_end(&p->publisher, reason);
	house_pump(&f->house);
}

static void frames_reach_readers_on_every_loop(void **state)
{
	struct fixture *f = *state;

	for (unsigned after_home = 0; after_home < HOUSE_LOOPS; after_home++) {
		publish(f, &f->first, after_home, 1);
		assert_true(f->first.is_granted);
		watch_everywhere(f);
		send_for(f, &f->first, 2 * SECOND_MS);
		house_pump(&f->house);
		for (int i = 0; i < HOUSE_LOOPS; i++) {
			/* The last sound waits for the next picture or the beat. */
			assert_in_range(f->readers[i].frames, 39, 40);
			assert_int_equal(f->readers[i].gaps, 0);
			mirror_detach(&f->readers[i].reader);
		}
		end(f, &f->first, CLOSE_CLIENT_ENDED);
		house_advance(&f->house, GRACE_MS + HOLD_MS + SECOND_MS);
		assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
	}
	assert_int_equal(f->house.tap.begins, HOUSE_LOOPS);
	assert_int_equal(f->house.tap.ends, HOUSE_LOOPS);
	assert_int_equal(f->house.tap.frames, HOUSE_LOOPS * 40);
}

static void a_newcomer_starts_at_the_key_frame_before(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	send_for(f, &f->first, 2700);
	watch_everywhere(f);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_int_equal(f->readers[i].frames, 14);
		assert_int_equal(f->readers[i].first_90k, 10 * 90000 + 2 * 90000);
	}
}

static void who_plays_before_anybody_publishes_waits(void **state)
{
	struct fixture *f = *state;

	watch_everywhere(f);
	house_advance(&f->house, 5 * SECOND_MS);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 1);
	assert_int_equal(f->house.tap.begins, 0);
	publish(f, &f->first, 2, 1);
	send_for(f, &f->first, SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_in_range(f->readers[i].frames, 19, 20);
		assert_false(f->readers[i].is_over);
	}
}

static void a_stream_that_nobody_waits_for_goes(void **state)
{
	struct fixture *f = *state;

	watch_everywhere(f);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		mirror_detach(&f->readers[i].reader);
	house_pump(&f->house);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 1);
	house_advance(&f->house, SECOND_MS);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
	assert_int_equal(f->house.events[EVENT_STREAM_OVER], 0);
}

static void the_same_key_takes_over_from_anywhere(void **state)
{
	struct fixture *f = *state;

	for (unsigned after_home = 0; after_home < HOUSE_LOOPS; after_home++) {
		struct house_publisher *before = after_home % 2 ? &f->second : &f->first;
		struct house_publisher *after = after_home % 2 ? &f->first : &f->second;

		if (after_home == 0) {
			publish(f, before, 1, 1);
			watch_everywhere(f);
		}
		send_for(f, before, 1500);
		/* Frames of the old one that are still under way must not mix in. */
		after->raw_ms = 77777;
		house_publish(
		    &f->house, after, &(struct house_publish){ house_loop(&f->house, name, after_home), name, 1, 0 });
		house_send(before, f->video, f->audio);
		house_pump(&f->house);
		assert_true(before->is_over);
		assert_int_equal(before->reason, CLOSE_TAKEN_OVER);
		assert_true(after->is_granted);
		send_for(f, after, 1500);
		assert_false(after->is_over);
		assert_int_equal(stats_get(&f->house.stats, STAT_TAKEOVERS), after_home + 1);
		assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS_LIVE), 1);
	}
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_false(f->readers[i].is_over);
		assert_int_equal(f->readers[i].gaps_without_key, 0);
		assert_int_equal(f->readers[i].discontinuities, 2 * HOUSE_LOOPS);
	}
	assert_int_equal(f->house.tap.begins, 1);
	assert_int_equal(f->house.tap.pauses, 0);
}

static void another_key_is_refused_while_one_publishes(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	send_for(f, &f->first, SECOND_MS);
	publish(f, &f->second, 2, 2);
	assert_true(f->second.is_over);
	assert_false(f->second.is_granted);
	assert_int_equal(f->second.reason, CLOSE_STREAM_BUSY);
	send_for(f, &f->first, SECOND_MS);
	assert_false(f->first.is_over);
	assert_int_equal(f->house.tap.frames, 40);
	/* When it has gone the other may come, within the grace, too. */
	end(f, &f->first, CLOSE_CLIENT_ENDED);
	publish(f, &f->second, 2, 2);
	assert_true(f->second.is_granted);
	/* And then it is the first that must wait. */
	publish(f, &f->first, 1, 1);
	assert_int_equal(f->first.reason, CLOSE_STREAM_BUSY);
}

static void a_publisher_may_come_back_within_the_grace(void **state)
{
	struct fixture *f = *state;
	int64_t before_90k;

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	send_for(f, &f->first, 2 * SECOND_MS);
	before_90k = f->house.tap.last_90k[TRACK_VIDEO];
	end(f, &f->first, CLOSE_CONNECTION_BROKEN);
	assert_int_equal(f->house.events[EVENT_STREAM_AWAY], 1);
	assert_int_equal(f->house.away_reason, CLOSE_CONNECTION_BROKEN);
	assert_int_equal(f->house.tap.pauses, 1);
	house_advance(&f->house, GRACE_MS - SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_false(f->readers[i].is_over);

	/* With a clock that starts anew, on another loop. */
	f->second.raw_ms = 0;
	publish(f, &f->second, 2, 1);
	send_for(f, &f->second, 2 * SECOND_MS);
	assert_int_equal(f->house.tap.begins, 1);
	assert_int_equal(f->house.tap.ends, 0);
	/* Time has gone on by what passed: 14 s away, 2 s of frames. */
	assert_in_range(f->house.tap.last_90k[TRACK_VIDEO] - before_90k, 15 * 90000, 17 * 90000);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_false(f->readers[i].is_over);
		assert_int_equal(f->readers[i].gaps, 1);
		assert_int_equal(f->readers[i].gaps_without_key, 0);
		assert_int_equal(f->readers[i].discontinuities, 2);
		assert_in_range(f->readers[i].frames, 78, 80);
	}
}

static void after_the_grace_readers_are_told_and_taps_wait(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	send_for(f, &f->first, 2 * SECOND_MS);
	end(f, &f->first, CLOSE_CLIENT_CLOSED);
	house_advance(&f->house, GRACE_MS - HUB_TICK_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_false(f->readers[i].is_over);
	house_advance(&f->house, 2 * HUB_TICK_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_true(f->readers[i].is_over);
		assert_int_equal(f->readers[i].reason, CLOSE_STREAM_OVER);
	}
	assert_int_equal(f->house.tap.ends, 0);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 1);
	/* What is over is not shown to who comes now, and costs no memory. */
	watch_everywhere(f);
	house_advance(&f->house, 5 * SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_int_equal(f->readers[i].frames, 0);
	assert_int_equal(atomic_load(&f->video->refs), 1);
	/* It is the same stream when the publisher comes back after all. */
	publish(f, &f->first, 1, 1);
	send_for(f, &f->first, SECOND_MS);
	assert_int_equal(f->house.tap.begins, 1);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_in_range(f->readers[i].frames, 19, 20);
		assert_false(f->readers[i].is_over);
	}
}

static void without_a_slot_the_hold_ends_it(void **state)
{
	struct fixture *f = *state;
	uint64_t id;

	publish(f, &f->first, 1, 1);
	send_for(f, &f->first, SECOND_MS);
	id = f->house.tap.stream_id;
	end(f, &f->first, CLOSE_CLIENT_CLOSED);
	house_advance(&f->house, HOLD_MS - SECOND_MS);
	assert_int_equal(f->house.tap.ends, 0);
	watch_everywhere(f);
	house_advance(&f->house, 2 * SECOND_MS);
	assert_int_equal(f->house.tap.ends, 1);
	assert_int_equal(f->house.events[EVENT_STREAM_OVER], 1);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_int_equal(f->readers[i].reason, CLOSE_STREAM_OVER);
	/* The next one is another stream for taps. */
	publish(f, &f->first, 1, 1);
	send_for(f, &f->first, SECOND_MS);
	assert_int_equal(f->house.tap.begins, 2);
	assert_true(f->house.tap.stream_id != id);
}

static void in_a_slot_taps_wait_for_its_end(void **state)
{
	struct fixture *f = *state;
	const int64_t begin_ms = f->house.clock.now_wall_ms;

	publish_until(f, &f->first, begin_ms + HOUR_MS);
	watch_everywhere(f);
	send_for(f, &f->first, 5 * SECOND_MS);
	end(f, &f->first, CLOSE_CLIENT_CLOSED);
	house_advance(&f->house, GRACE_MS + SECOND_MS);
	assert_true(f->readers[0].is_over);
	house_advance(&f->house, HOUR_MS - (f->house.clock.now_wall_ms - begin_ms) - SECOND_MS);
	assert_int_equal(f->house.tap.ends, 0);
	house_advance(&f->house, 2 * SECOND_MS);
	assert_int_equal(f->house.tap.ends, 1);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
}

static void the_end_of_the_slot_is_the_end_for_everybody(void **state)
{
	struct fixture *f = *state;

	publish_until(f, &f->first, f->house.clock.now_wall_ms + 5 * SECOND_MS);
	watch_everywhere(f);
	send_for(f, &f->first, 5 * SECOND_MS);
	end(f, &f->first, CLOSE_SLOT_OVER); /* as the session does */
	house_advance(&f->house, 2 * SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_true(f->readers[i].is_over);
	assert_int_equal(f->house.tap.ends, 1);
}

static void a_slot_that_is_moved_ends_when_it_then_ends(void **state)
{
	struct fixture *f = *state;
	const int64_t begin_ms = f->house.clock.now_wall_ms;

	publish_until(f, &f->first, begin_ms + 10 * SECOND_MS);
	send_for(f, &f->first, 5 * SECOND_MS);
	publisher_set_until(f->first.publisher, begin_ms + 100 * SECOND_MS);
	end(f, &f->first, CLOSE_CLIENT_CLOSED);
	house_advance(&f->house, 94 * SECOND_MS);
	assert_int_equal(f->house.tap.ends, 0);
	house_advance(&f->house, 2 * SECOND_MS);
	assert_int_equal(f->house.tap.ends, 1);
}

/* A plan moved its end into the past: nobody waits for what it was before. */
static void a_slot_that_a_plan_ended_is_over(void **state)
{
	static const int64_t was_left_ms[] = { 0, HOUR_MS }; /* 0: there was no end */
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(was_left_ms); i++) {
		publish_until(f, &f->first, was_left_ms[i] ? f->house.clock.now_wall_ms + was_left_ms[i] : 0);
		send_for(f, &f->first, 5 * SECOND_MS);
		end(f, &f->first, CLOSE_SLOT_OVER); /* as the session does */
		house_advance(&f->house, 2 * SECOND_MS);
		assert_int_equal(f->house.tap.ends, (int)i + 1);
	}
}

static void an_equal_configuration_is_the_same_track(void **state)
{
	struct fixture *f = *state;
	struct track *equal = fixture_video_track(0);

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	send_for(f, &f->first, SECOND_MS);
	publish(f, &f->second, 2, 1);
	house_send_for(&f->second, equal, f->audio, SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_ptr_equal(ring_track(mirror_ring(f->readers[i].reader.mirror), TRACK_VIDEO), f->video);
	assert_int_equal(atomic_load(&equal->refs), 1);
	track_unref(equal);
}

static void a_plan_without_the_key_ends_the_wait_for_it(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	send_for(f, &f->first, SECOND_MS);
	end(f, &f->first, CLOSE_CONNECTION_BROKEN);
	house_advance(&f->house, SECOND_MS);
	assert_int_equal(f->house.tap.ends, 0);
	for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
		struct mail mail = { .kind = MAIL_PLAN, .plan = plan_ref(f->plan) }; /* it knows no key at all */

		assert_true(courier_post(&f->house.setup.courier, i, &mail));
	}
	house_pump(&f->house);
	house_advance(&f->house, SECOND_MS);
	assert_int_equal(f->house.tap.ends, 1);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_true(f->readers[i].is_over);
}

static void coming_back_with_nothing_does_not_renew_the_grace(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	send_for(f, &f->first, SECOND_MS);
	end(f, &f->first, CLOSE_CONNECTION_BROKEN);
	for (int i = 0; i < 4; i++) {
		publish(f, &f->first, 1, 1);
		house_advance(&f->house, 4 * SECOND_MS);
		end(f, &f->first, CLOSE_SILENT);
	}
	house_advance(&f->house, SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_true(f->readers[i].is_over);
}

static void a_publisher_whose_end_got_lost_is_missed(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	send_for(f, &f->first, SECOND_MS);
	house_advance(&f->house, 29 * SECOND_MS);
	assert_int_equal(f->house.events[EVENT_STREAM_AWAY], 0);
	house_advance(&f->house, 2 * SECOND_MS);
	assert_int_equal(f->house.events[EVENT_STREAM_AWAY], 1);
	assert_int_equal(f->house.away_reason, CLOSE_SILENT);
}

static void a_publisher_that_leaves_before_the_answer_is_no_publisher(void **state)
{
	struct fixture *f = *state;

	for (unsigned after_home = 0; after_home < HOUSE_LOOPS; after_home++) {
		house_publish(&f->house, &f->first,
		    &(struct house_publish){ house_loop(&f->house, name, after_home), name, 1, 0 });
		publisher_end(&f->first.publisher, CLOSE_CLIENT_CLOSED);
		house_pump(&f->house);
		assert_false(f->first.is_granted);
		assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS_LIVE), 0);
	}
	/* Anybody may come now. */
	publish(f, &f->second, 1, 2);
	assert_true(f->second.is_granted);
}

static void a_full_mailbox_is_a_gap_that_ends_at_a_key_frame(void **state)
{
	struct fixture *f = *state;
	const unsigned far = house_loop(&f->house, name, 1);
	struct house_reader *slow = &f->readers[far];
	const struct ring *ring;

	publish(f, &f->first, 0, 1);
	watch_everywhere(f);
	send_for(f, &f->first, 2 * SECOND_MS);
	/* The loop of that reader is stuck for a quarter of an hour, and comes back in the middle of a GOP. */
	f->house.asleep = 1u << far;
	send_for(f, &f->first, 900 * SECOND_MS + 5 * HOUSE_STEP_MS);
	assert_true(stats_get(&f->house.stats, STAT_FRAMES_DROPPED) > 0);
	assert_int_equal(f->first.n_refused, 0);
	f->house.asleep = 0;
	house_pump(&f->house);
	send_for(f, &f->first, 4 * HOUSE_STEP_MS);
	ring = mirror_ring(slow->reader.mirror);
	assert_true(ring_frame(ring, ring->head - 1)->dts_90k < f->house.tap.last_90k[TRACK_VIDEO] - 90 * SECOND_MS);
	send_for(f, &f->first, 3 * SECOND_MS);
	/* The gap is longer than a ring: what is there now is what came after it. */
	assert_true(frame_is_video(ring_frame(ring, ring->tail)) && frame_is_key(ring_frame(ring, ring->tail)));
	assert_true(slow->gaps > 0);
	assert_int_equal(slow->gaps_without_key, 0);
	assert_int_equal(slow->last_90k[TRACK_VIDEO], f->house.tap.last_90k[TRACK_VIDEO]);
	/* The others did not notice. */
	assert_int_equal(f->readers[house_loop(&f->house, name, 0)].gaps, 0);
	assert_int_equal(f->readers[house_loop(&f->house, name, 2)].gaps, 0);
}

static void a_publisher_is_told_that_home_is_full(void **state)
{
	struct fixture *f = *state;
	unsigned n_sent = 0;

	publish(f, &f->first, 1, 1);
	f->house.asleep = 1u << house_loop(&f->house, name, 0);
	for (; f->first.n_refused == 0; n_sent++) {
		assert_true(n_sent < COURIER_MAILBOX_FRAMES);
		house_send(&f->first, f->video, f->audio);
	}
	assert_int_equal(n_sent, COURIER_MAILBOX_FRAMES / 2 + 1);
	/* Orders find room all the same. */
	f->house.asleep = 0;
	publisher_end(&f->first.publisher, CLOSE_CLIENT_ENDED);
	house_pump(&f->house);
	assert_int_equal(f->house.events[EVENT_STREAM_AWAY], 1);
	assert_int_equal(stats_get(&f->house.stats, STAT_FRAMES_DROPPED), 2);
	assert_int_equal(f->house.tap.frames, COURIER_MAILBOX_FRAMES);
}

static void readers_may_leave_inside_a_flush(void **state)
{
	struct fixture *f = *state;
	struct house_reader more[HOUSE_LOOPS];

	publish(f, &f->first, 0, 1);
	watch_everywhere(f);
	for (unsigned i = 0; i < HOUSE_LOOPS; i++)
		house_attach(&f->house, i, name, &more[i]);
	send_for(f, &f->first, SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		f->readers[i].detaches_itself = true;
	send_for(f, &f->first, SECOND_MS);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_null(f->readers[i].reader.mirror);
		assert_in_range(more[i].frames, 39, 40);
		/* The last one takes the mirror with it, in the middle of a frame's way. */
		more[i].detaches_itself = true;
	}
	send_for(f, &f->first, SECOND_MS);
	for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
		assert_null(more[i].reader.mirror);
		assert_int_equal(house_local(&f->house, i)->mirrors.n_used, 0);
	}
	assert_int_equal(f->house.tap.frames, 60);
}

static void a_new_mirror_follows_an_old_one_at_once(void **state)
{
	struct fixture *f = *state;

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	for (int round = 0; round < 5; round++) {
		send_for(f, &f->first, SECOND_MS);
		/* Leave and join travel together. */
		for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
			mirror_detach(&f->readers[i].reader);
			house_attach(&f->house, i, name, &f->readers[i]);
		}
		send_for(f, &f->first, SECOND_MS);
		for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
			assert_true(f->readers[i].frames >= 19);
			assert_int_equal(f->readers[i].gaps, 0);
			assert_int_equal(house_local(&f->house, i)->mirrors.n_used, 1);
		}
	}
}

static void when_the_node_stops_all_are_told(void **state)
{
	struct fixture *f = *state;
	struct house_reader late;

	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	send_for(f, &f->first, SECOND_MS);
	for (unsigned i = 0; i < HOUSE_LOOPS; i++) {
		struct mail mail = { .kind = MAIL_STOP };

		assert_true(courier_post(&f->house.setup.courier, i, &mail));
	}
	house_pump(&f->house);
	assert_int_equal(f->first.reason, CLOSE_SHUTDOWN);
	for (int i = 0; i < HOUSE_LOOPS; i++)
		assert_int_equal(f->readers[i].reason, CLOSE_SHUTDOWN);
	assert_int_equal(f->house.tap.ends, 1);
	/* Who comes after that is refused, while the stream is still there and when it is not. */
	publish(f, &f->second, 2, 1);
	assert_int_equal(f->second.reason, CLOSE_SHUTDOWN);
	house_advance(&f->house, SECOND_MS);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS), 0);
	publish(f, &f->second, 2, 1);
	assert_int_equal(f->second.reason, CLOSE_SHUTDOWN);
	house_attach(&f->house, 0, name, &late);
	house_pump(&f->house);
	assert_int_equal(late.reason, CLOSE_SHUTDOWN);
}

static void find_name_at(const struct fixture *f, unsigned home, char found[16])
{
	int i = 0;

	do {
		snprintf(found, 16, "s%d", i++);
	} while (house_loop(&f->house, found, 0) != home);
}

/* Every loop is home to a stream with mirrors on all: whichever hub goes first, others have last words for it. */
static void hubs_may_go_while_streams_are_live(void **state)
{
	struct fixture *f = *state;
	struct house_publisher publishers[HOUSE_LOOPS] = { 0 };
	struct house_reader readers[HOUSE_LOOPS][HOUSE_LOOPS];

	for (unsigned home = 0; home < HOUSE_LOOPS; home++) {
		char stream[16];

		find_name_at(f, home, stream);
		house_publish(&f->house, &publishers[home],
		    &(struct house_publish){ house_loop(&f->house, stream, 1), stream, 1, 0 });
		for (unsigned i = 0; i < HOUSE_LOOPS; i++)
			house_attach(&f->house, i, stream, &readers[home][i]);
	}
	house_pump(&f->house);
	assert_int_equal(stats_get(&f->house.stats, STAT_STREAMS_LIVE), HOUSE_LOOPS);
	for (unsigned home = 0; home < HOUSE_LOOPS; home++) {
		for (unsigned i = 0; i < HOUSE_LOOPS; i++)
			mirror_detach(&readers[home][i].reader);
		publisher_end(&publishers[home].publisher, CLOSE_SHUTDOWN);
	}
	/* tear_down destroys them now. */
}

/* Two days at 10 pictures a second; after one of them the publisher's 32-bit milliseconds wrap. */
static void forty_eight_hours_cost_what_one_hour_costs(void **state)
{
	struct fixture *f = *state;
	const struct ring *ring;
	unsigned frames_held = 0;
	size_t slots = 0;

	f->first.raw_ms = (INT64_C(1) << 32) - 24 * HOUR_MS - 50;
	publish(f, &f->first, 1, 1);
	watch_everywhere(f);
	for (int hour = 0; hour < 48; hour++) {
		for (int second = 0; second < 3600; second++) {
			for (int i = 0; i < SECOND_MS / HOUSE_STEP_MS; i++) {
				house_send(&f->first, f->video, f->audio);
				clock_fake_advance(&f->house.clock, HOUSE_STEP_MS * 1000);
			}
			house_advance(&f->house, 0);
		}
		ring = mirror_ring(f->readers[0].reader.mirror);
		if (hour == 0) {
			frames_held = atomic_load(&f->video->refs);
			slots = ring->mask;
		}
		/* Every frame holds its track. */
		assert_in_range(atomic_load(&f->video->refs), 1, frames_held + HOUSE_KEY_EVERY);
		assert_int_equal(ring->mask, slots);
		assert_true(ring->head - ring->tail <= 2 * 100);
	}
	assert_true(frames_held < 400);
	assert_int_equal(stats_get(&f->house.stats, STAT_TIME_JUMPS), 0);
	assert_int_equal(stats_get(&f->house.stats, STAT_FRAMES_DROPPED), 0);
	assert_int_equal(f->house.tap.frames, INT64_C(48) * 3600 * 20);
	assert_int_equal(f->house.tap.last_90k[TRACK_VIDEO], 10 * 90000 + (INT64_C(48) * HOUR_MS - HOUSE_STEP_MS) * 90);
	for (int i = 0; i < HOUSE_LOOPS; i++) {
		assert_int_equal(f->readers[i].gaps, 0);
		assert_int_equal(f->readers[i].discontinuities, 0);
		assert_in_range(f->readers[i].frames, f->house.tap.frames - 20, f->house.tap.frames);
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_reach_readers_on_every_loop),
		TEST(a_newcomer_starts_at_the_key_frame_before),
		TEST(who_plays_before_anybody_publishes_waits),
		TEST(a_stream_that_nobody_waits_for_goes),
		TEST(the_same_key_takes_over_from_anywhere),
		TEST(another_key_is_refused_while_one_publishes),
		TEST(a_publisher_may_come_back_within_the_grace),
		TEST(after_the_grace_readers_are_told_and_taps_wait),
		TEST(without_a_slot_the_hold_ends_it),
		TEST(in_a_slot_taps_wait_for_its_end),
		TEST(the_end_of_the_slot_is_the_end_for_everybody),
		TEST(a_slot_that_is_moved_ends_when_it_then_ends),
		TEST(a_slot_that_a_plan_ended_is_over),
		TEST(an_equal_configuration_is_the_same_track),
		TEST(a_plan_without_the_key_ends_the_wait_for_it),
		TEST(coming_back_with_nothing_does_not_renew_the_grace),
		TEST(a_publisher_whose_end_got_lost_is_missed),
		TEST(a_publisher_that_leaves_before_the_answer_is_no_publisher),
		TEST(a_full_mailbox_is_a_gap_that_ends_at_a_key_frame),
		TEST(a_publisher_is_told_that_home_is_full),
		TEST(readers_may_leave_inside_a_flush),
		TEST(a_new_mirror_follows_an_old_one_at_once),
		TEST(when_the_node_stops_all_are_told),
		TEST(hubs_may_go_while_streams_are_live),
		TEST(forty_eight_hours_cost_what_one_hour_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
