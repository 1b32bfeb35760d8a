/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packaging thread as a whole, from tap to store, driven on the test's own thread. Segments, parts and playlists
 * are a pure function of the frames: however they come in, by one or by the handful, every byte is the same.
 */
#include "packager/packager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/log.h"
#include "base/loop.h"
#include "media/timeline.h"
#include "tests/unit/part_fixture.h"

enum {
	MS = 90,
	FRAMES = 3000, /* of video: two minutes */
	SHOWN_MAX = 4096,
	NAME_SIZE = 80,
	PART_MS = 500,
	SEGMENT_MS = 2000,
};

#define NOW_MS INT64_C(1790000000000)

/* What a viewer can see at a moment. */
struct shown {
	struct body *playlist;
};

/* A sink that compares the key frames it is told of with those in the parts that it gets. */
struct key_sink {
	int64_t told_90k[FRAMES];
	size_t n_told;
	size_t next; /* of those told: the first that has not been seen yet */
	size_t n_seen;
	bool is_ended;
};

struct house {
	struct key_sink keys;
	struct clock_fake clock;
	struct stats stats;
	struct loop *packaging;
	struct loop *delivery;
	struct segment_store *store;
	struct shelf *shelf;
	struct sequence *sequence;
	struct packager *packager;
	struct stream_tap tap;
	struct track *video;
	struct track *audio;
	struct shown shown[SHOWN_MAX];
	size_t n_shown;
};

static void *begin_keys(void *arg, const char *stream, const char *epoch)
{
	assert_string_equal(stream, "tanaka");
	assert_true(strlen(epoch) > 0);
	return arg;
}

static void take_key(void *arg, void *stream, int64_t pts_90k)
{
	struct key_sink *keys = stream;

	assert_ptr_equal(arg, stream);
	assert_true(keys->n_told < FRAMES);
	keys->told_90k[keys->n_told++] = pts_90k;
}

/* One that was told and lost its part is passed over; none comes that was not told. */
static void see_key(struct key_sink *keys, int64_t pts_90k)
{
	while (keys->next < keys->n_told && keys->told_90k[keys->next] != pts_90k)
		keys->next++;
	if (keys->next == keys->n_told)
		fail_msg("nobody told of the key frame at %lld", (long long)pts_90k);
	keys->next++;
	keys->n_seen++;
}

static void take_part(void *arg, void *stream, struct part *part)
{
	(void)arg;
	for (size_t i = 0; i < part->run_count; i++) {
		const struct fmp4_run *run = &part->runs[i];
		int64_t at_90k = (int64_t)run->base_decode_time;

		for (size_t k = 0; run->kind == TRACK_VIDEO && k < run->sample_count; k++) {
			if (run->samples[k].is_key)
				see_key(stream, at_90k + run->samples[k].composition_offset);
			at_90k += run->samples[k].duration;
		}
	}
}

static void end_keys(void *arg, void *stream)
{
	struct key_sink *keys = stream;

	(void)arg;
	keys->is_ended = true;
}

static void close_house(struct house *h)
{
	for (size_t i = 0; i < h->n_shown; i++)
		body_unref(h->shown[i].playlist);
	packager_destroy(&h->packager);
	loop_destroy(&h->packaging);
	sequence_close(&h->sequence);
	shelf_destroy(&h->shelf);
	segment_store_destroy(&h->store);
	loop_destroy(&h->delivery);
	track_unref(h->video);
	track_unref(h->audio);
	free(h);
}

static struct house *open_house(void)
{
	const struct cutter_config cutter = { .part_ms = PART_MS, .segment_ms = SEGMENT_MS };
	const struct segment_store_config store = { .target_duration_s = cutter_target_duration_s(cutter.segment_ms) };
	const struct sequence_config sequence = { .memory_dir = "/nowhere", .data_dir = "/nowhere", .wall_ms = NOW_MS };
	struct house *h = calloc(1, sizeof(*h));
	struct packager_config config = { .part_ms = PART_MS, .segment_ms = SEGMENT_MS, .n_sinks = 1 };

	assert_non_null(h);
	config.sinks[0] = (struct part_sink){
		.arg = &h->keys, .begin = begin_keys, .key = take_key, .part = take_part, .end = end_keys
	};
	log_set_level(LOG_ERROR);
	clock_fake_init(&h->clock, NOW_MS);
	stats_init(&h->stats);
	assert_int_equal(loop_create(&h->packaging, "packaging"), 0);
	assert_int_equal(loop_create(&h->delivery, "delivery"), 0);
	h->store = segment_store_create(&store);
	assert_non_null(h->store);
	assert_int_equal(shelf_create(&h->shelf, h->delivery, &h->clock.clock, h->store), 0);
	assert_int_equal(sequence_open(&h->sequence, &sequence), 0);
	config.loop = h->packaging;
	config.clock = &h->clock.clock;
	config.sequence = h->sequence;
	config.shelf = h->shelf;
	config.stats = &h->stats;
	assert_int_equal(packager_create(&h->packager, &config), 0);
	h->tap = packager_tap(h->packager);
	h->video = fixture_video();
	h->audio = fixture_audio();
	return h;
}

static bool find(struct house *h, const char *name, size_t len, struct segment_store_found *found)
{
	const struct segment_store_ask ask = {
		.stream = "tanaka", .stream_len = 6, .resource = name, .resource_len = len, .query = ""
	};

	return segment_store_find(h->store, &ask, found) == SEGMENT_STORE_FOUND;
}

/* What was posted goes all the way, and the playlist as it stands then is kept. */
static void deliver(struct house *h)
{
	static const char media[] = "main.m3u8";
	struct segment_store_found found;

	packager_drain(h->packager);
	loop_turn(h->delivery);
	if (!find(h, media, strlen(media), &found))
		return;
	if (h->n_shown > 0 && h->shown[h->n_shown - 1].playlist == found.body)
		return;
	assert_true(h->n_shown < SHOWN_MAX);
	h->shown[h->n_shown++].playlist = body_ref(found.body);
}

/* How many frames are posted before anybody looks. */
typedef size_t (*batch_fn)(size_t n);

static size_t by_one(size_t n)
{
	(void)n;
	return 1;
}

static size_t by_seven(size_t n)
{
	(void)n;
	return 7;
}

static size_t by_chance(size_t n)
{
	return 1 + (n * 2654435761u >> 7) % 90;
}

static size_t all_at_once(size_t n)
{
	(void)n;
	return SIZE_MAX;
}

struct feed {
	struct house *house;
	struct timeline timeline;
	batch_fn batch;
	size_t sent;
	size_t left;
};

static void send_frame(struct feed *feed, struct track *track, int64_t raw_90k, int64_t offset_90k, unsigned flags)
{
	struct house *h = feed->house;
	struct frame *f = fixture_frame(track, raw_90k, raw_90k + offset_90k, flags);

	f->arrival_us = h->clock.now_mono_us;
	timeline_stamp(&feed->timeline, f);
	h->tap.frame(h->tap.arg, 1, f);
	frame_unref(f);
	feed->sent++;
	if (--feed->left > 0)
		return;
	deliver(h);
	feed->left = feed->batch(feed->sent);
}

/* B-frames, audio that comes late, a publisher that goes and comes back, a clock that jumps, one that is too fast. */
static void feed_frames(struct feed *feed)
{
	struct house *h = feed->house;
	int64_t audio_n = 0;
	int64_t base_90k = 12345;

	timeline_begin_publisher(&feed->timeline, TIMELINE_MODULUS_RTMP);
	for (int64_t n = 0; n < FRAMES; n++) {
		int64_t at_90k = base_90k + n * 3600;

		if (n == FRAMES / 4) {
			h->tap.stream_pause(h->tap.arg, 1);
			clock_fake_advance(&h->clock, 4000000);
			timeline_begin_publisher(&feed->timeline, TIMELINE_MODULUS_TS);
		}
		if (n == FRAMES / 2)
			base_90k += 1000 * INT64_C(90000);
		send_frame(feed, h->video, at_90k, n % 60 == 0 ? 7200 : n % 3 * 3600, n % 60 == 0 ? FRAME_KEY : 0);
		while (base_90k + audio_n * 1920 < at_90k - 9000 && n > 8)
			send_frame(feed, h->audio, base_90k + audio_n++ * 1920, 0, FRAME_KEY);
		clock_fake_advance(&h->clock, n > FRAMES * 3 / 4 ? 39000 : 40000);
	}
}

static struct house *play(batch_fn batch)
{
	struct house *h = open_house();
	struct feed *feed = calloc(1, sizeof(*feed));
	const struct tap_stream stream = {
		.id = 1, .name = "tanaka", .begin_wall_ms = NOW_MS, .begin_mono_us = h->clock.now_mono_us
	};

	assert_non_null(feed);
	feed->house = h;
	feed->batch = batch;
	feed->left = batch(0);
	timeline_init(&feed->timeline);
	h->tap.stream_begin(h->tap.arg, &stream);
	feed_frames(feed);
	deliver(h);
	h->tap.stream_end(h->tap.arg, 1);
	deliver(h);
	free(feed);
	return h;
}

static bool is_same_body(const struct body *a, const struct body *b)
{
	size_t at_a = 0;
	size_t at_b = 0;
	size_t i = 0;
	size_t k = 0;

	if (a->size_bytes != b->size_bytes)
		return false;
	/* Pieces may be cut elsewhere. */
	while (i < a->piece_count && k < b->piece_count) {
		size_t left_a = a->pieces[i]->size_bytes - at_a;
		size_t left_b = b->pieces[k]->size_bytes - at_b;
		size_t n = left_a < left_b ? left_a : left_b;

		if (memcmp(a->pieces[i]->data + at_a, b->pieces[k]->data + at_b, n) != 0)
			return false;
		at_a = n == left_a ? 0 : at_a + n;
		at_b = n == left_b ? 0 : at_b + n;
		i += n == left_a;
		k += n == left_b;
	}
	return true;
}

static void check_resource(struct house *a, struct house *b, const char *name, size_t len)
{
	struct segment_store_found x;
	struct segment_store_found y;

	if (!find(a, name, len, &x) || !find(b, name, len, &y))
		fail_msg("%.*s is missing", (int)len, name);
	if (!is_same_body(x.body, y.body))
		fail_msg("%.*s differs", (int)len, name);
}

/* The next quoted URI in a line, and what follows of it; len 0: there is none. */
static const char *uri_in(const char *line, size_t line_len, size_t *len)
{
	static const char mark[] = "URI=\"";
	const size_t mark_len = strlen(mark);

	*len = 0;
	for (size_t i = 0; i + mark_len < line_len; i++) {
		if (memcmp(line + i, mark, mark_len) != 0)
			continue;
		*len = strcspn(line + i + mark_len, "\"");
		return line + i + mark_len;
	}
	return line;
}

static bool begins_with(const char *line, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

/* Everything that a playlist names but what is still to come; returns how much that was. */
static size_t check_named(struct house *a, struct house *b, const struct body *playlist)
{
	const char *line = (const char *)playlist->pieces[0]->data;
	const char *end = line + playlist->pieces[0]->size_bytes;
	size_t n = 0;

	assert_int_equal(playlist->piece_count, 1);
	for (const char *line_end; line < end; line = line_end + 1) {
		const char *uri = line;
		size_t len;

		line_end = memchr(line, '\n', (size_t)(end - line));
		assert_non_null(line_end);
		len = (size_t)(line_end - line);
		if (begins_with(line, len, "#EXT-X-PRELOAD-HINT"))
			continue;
		if (begins_with(line, len, "#"))
			uri = uri_in(line, len, &len);
		if (len == 0)
			continue;
		check_resource(a, b, uri, len);
		n++;
	}
	return n;
}

static bool was_shown(const struct house *h, const struct body *playlist)
{
	for (size_t i = 0; i < h->n_shown; i++) {
		if (is_same_body(h->shown[i].playlist, playlist))
			return true;
	}
	return false;
}

static void same_frames_same_bytes(void **state)
{
	static const struct {
		const char *name;
		batch_fn batch;
	} cases[] = {
		{ "again", by_one },
		{ "seven", by_seven },
		{ "chance", by_chance },
		{ "all", all_at_once },
	};
	struct house *a = play(by_one);

	(void)state;
	assert_true(a->n_shown > 30);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct house *b = play(cases[i].batch);

		/* Nothing is shown to anybody that is not shown where every frame is looked at by itself. */
		for (size_t k = 0; k < b->n_shown; k++) {
			if (!was_shown(a, b->shown[k].playlist))
				fail_msg("%s: a playlist that the other never had:\n%.*s", cases[i].name,
				    (int)b->shown[k].playlist->size_bytes,
				    (const char *)b->shown[k].playlist->pieces[0]->data);
		}
		assert_true(b->n_shown > 0);
		assert_true(check_named(a, b, b->shown[b->n_shown - 1].playlist) >= 12);
		check_resource(a, b, "main.m3u8", 9);
		check_resource(a, b, "index.m3u8", 10);
		assert_int_equal(stats_get(&b->stats, STAT_FRAMES_UNPACKAGED), 0);
		close_house(b);
	}
	close_house(a);
}

/* All that was posted is out after a drain, and what came is counted with its delay. */
static void counts_parts_and_their_delay(void **state)
{
	struct house *h = play(by_seven);
	int64_t parts = stats_get(&h->stats, STAT_PARTS);

	(void)state;
	assert_in_range(parts, FRAMES * 40 / PART_MS - 10, FRAMES * 40 / PART_MS + 60);
	assert_int_equal(stats_get(&h->stats, STAT_PARTS_LATE) > 0, true); /* seven frames are up to 120 ms */
	assert_in_range(stats_get(&h->stats, STAT_PART_DELAY_US) / parts, 1000, 200000);
	close_house(h);
}

/* Also across a pause, a hole and a clock that is too fast. */
static void sinks_hear_of_key_frames_before_their_parts(void **state)
{
	struct house *h = play(by_chance);

	(void)state;
	assert_true(h->keys.n_seen >= FRAMES / 60 - 2);
	assert_in_range(h->keys.n_told - h->keys.n_seen, 0, 1);
	assert_true(h->keys.is_ended);
	close_house(h);
}

/* Two streams of one name after each other: numbers go on, the epoch is another. */
static void a_second_stream_goes_on(void **state)
{
	struct house *h = play(by_one);
	struct sequence_start next = sequence_begin(h->sequence, "tanaka", NOW_MS, 1);

	(void)state;
	assert_true(next.is_continued);
	assert_int_equal(next.next.epoch, NOW_MS + 1);
	assert_true(next.next.msn > (uint64_t)NOW_MS / SEGMENT_MS + 40);
	assert_int_equal(next.next.part, 1);
	close_house(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_frames_same_bytes),
		cmocka_unit_test(counts_parts_and_their_delay),
		cmocka_unit_test(sinks_hear_of_key_frames_before_their_parts),
		cmocka_unit_test(a_second_stream_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
