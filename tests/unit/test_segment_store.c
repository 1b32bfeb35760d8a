/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/segment_store.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "tests/unit/part_fixture.h"

enum {
	SECOND = 90000,
	MDAT_BYTES = 1000,
};

struct shop {
	struct segment_store *store;
	struct part_init *init;
	uint64_t discontinuities;
	int64_t at_90k;
	bool has_no_wall_clock;
};

static int setup_with(void **state, size_t max_bytes)
{
	const struct segment_store_config config = { .target_duration_s = 4, .stream_max_bytes = max_bytes };
	const struct segment_store_begin begin = { .name = "tanaka", .epoch = "e1" };
	struct shop *shop = calloc(1, sizeof(*shop));
	struct track *video = fixture_video();
	struct track *audio = fixture_audio();

	assert_non_null(shop);
	shop->store = segment_store_create(&config);
	assert_non_null(shop->store);
	assert_int_equal(part_init_create(&shop->init, 1, video, audio), 0);
	assert_int_equal(segment_store_begin(shop->store, &begin), 0);
	track_unref(video);
	track_unref(audio);
	*state = shop;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, 0);
}

static int teardown(void **state)
{
	struct shop *shop = *state;

	segment_store_destroy(&shop->store);
	part_init_unref(shop->init);
	free(shop);
	return 0;
}

static struct part *make_part(struct shop *shop, uint64_t msn, uint32_t index, uint32_t count)
{
	struct part *p = part_create(0);

	assert_non_null(p);
	p->msn = msn;
	p->index = index;
	p->start_90k = shop->at_90k;
	p->duration_90k = 2 * SECOND / count;
	p->wall_ms = shop->has_no_wall_clock ? -1 : 1790000000000 + shop->at_90k / 90;
	p->is_segment_start = index == 0;
	p->is_segment_end = index + 1 == count;
	p->is_independent = index == 0;
	p->discontinuity_sequence = shop->discontinuities;
	p->moof = shared_create(10);
	p->mdat = shared_create(MDAT_BYTES);
	assert_true(p->moof && p->mdat);
	memset(p->moof->data, (int)msn, 10);
	memset(p->mdat->data, (int)index, MDAT_BYTES);
	p->bytes = 10 + MDAT_BYTES;
	p->init = part_init_ref(shop->init);
	shop->at_90k += p->duration_90k;
	return p;
}

static void add(struct shop *shop, struct part *p)
{
	assert_int_equal(segment_store_add(shop->store, "tanaka", p), 0);
	part_unref(p);
}

/* A segment of 2 s in four parts. */
static void add_segment(struct shop *shop, uint64_t msn)
{
	for (uint32_t i = 0; i < 4; i++)
		add(shop, make_part(shop, msn, i, 4));
}

static bool find(struct shop *shop, const char *last, bool wants_gzip, struct segment_store_found *out)
{
	return segment_store_find(shop->store, "tanaka", 6, last, strlen(last), wants_gzip, out);
}

static bool has(struct shop *shop, uint64_t msn)
{
	struct segment_store_found found;
	char name[64];

	(void)snprintf(name, sizeof(name), "seg-e1-%" PRIu64 ".m4s", msn);
	return find(shop, name, false, &found);
}

static bool playlist_has(struct shop *shop, const char *text)
{
	struct segment_store_found found;
	char copy[8192];

	assert_true(find(shop, "main.m3u8", false, &found));
	assert_true(found.body->size_bytes < sizeof(copy));
	memcpy(copy, found.body->pieces[0]->data, found.body->size_bytes);
	copy[found.body->size_bytes] = '\0';
	return strstr(copy, text) != NULL;
}

static void only_whole_segments_show(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;

	assert_false(find(shop, "main.m3u8", false, &found));
	assert_false(find(shop, "index.m3u8", false, &found));
	add(shop, make_part(shop, 5, 0, 4));
	assert_false(find(shop, "main.m3u8", false, &found));
	assert_false(has(shop, 5));
	for (uint32_t i = 1; i < 4; i++)
		add(shop, make_part(shop, 5, i, 4));
	assert_true(playlist_has(shop, "#EXTINF:2.00000,\nseg-e1-5.m4s\n"));
	assert_true(playlist_has(shop, "PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z"));
	assert_true(has(shop, 5));
}

static void segment_is_its_parts_in_pieces(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	const uint8_t *data;

	add_segment(shop, 5);
	assert_true(find(shop, "seg-e1-5.m4s", true, &found));
	assert_int_equal(found.kind, PLAYLIST_SEGMENT);
	assert_true(found.is_immutable);
	assert_false(found.is_gzip);
	assert_int_equal(found.body->piece_count, 8);
	assert_int_equal(found.body->size_bytes, 4 * (10 + MDAT_BYTES));
	assert_int_equal(body_run_at(found.body, 4, &data), 6);
	assert_int_equal(body_run_at(found.body, 1010 + 10 + 900, &data), 100);
	assert_int_equal(*data, 1);
	assert_int_equal(body_run_at(found.body, found.body->size_bytes, &data), 0);
	assert_true(find(shop, "init-e1-1.mp4", false, &found));
	assert_memory_equal(found.body->pieces[0]->data + 4, "ftyp", 4);
	assert_true(found.is_immutable);
	assert_false(find(shop, "init-e1-2.mp4", false, &found));
	assert_false(find(shop, "seg-e2-5.m4s", false, &found));
	assert_false(find(shop, "seg-e1-6.m4s", false, &found));
	assert_false(find(shop, "seg-e11-5.m4s", false, &found));
	assert_null(found.body);
	assert_int_equal(found.kind, PLAYLIST_NONE);
	assert_false(segment_store_find(shop->store, "tanak", 5, "main.m3u8", 9, false, &found));
}

static void playlists_are_made_once_per_change(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	struct body *plain;
	struct body *gzip;

	add_segment(shop, 5);
	assert_true(find(shop, "main.m3u8", false, &found));
	plain = body_ref(found.body);
	assert_true(find(shop, "main.m3u8", true, &found));
	assert_true(found.is_gzip);
	gzip = body_ref(found.body);
	assert_true(find(shop, "main.m3u8", false, &found));
	assert_ptr_equal(found.body, plain);
	assert_true(find(shop, "main.m3u8", true, &found));
	assert_ptr_equal(found.body, gzip);
	add(shop, make_part(shop, 6, 0, 4)); /* nothing to see yet */
	assert_true(find(shop, "main.m3u8", false, &found));
	assert_ptr_equal(found.body, plain);
	for (uint32_t i = 1; i < 4; i++)
		add(shop, make_part(shop, 6, i, 4));
	assert_true(find(shop, "main.m3u8", false, &found));
	assert_ptr_not_equal(found.body, plain);
	body_unref(plain);
	body_unref(gzip);
}

static void gzip_unpacks_to_the_same_text(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found packed;
	struct segment_store_found plain;
	uint8_t text[8192];
	z_stream z = { 0 };

	for (uint64_t msn = 0; msn < 12; msn++)
		add_segment(shop, msn);
	assert_true(find(shop, "main.m3u8", false, &plain));
	assert_true(find(shop, "main.m3u8", true, &packed));
	assert_true(packed.body->size_bytes < plain.body->size_bytes / 2);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = packed.body->pieces[0]->data;
	z.avail_in = (uInt)packed.body->size_bytes;
	z.next_out = text;
	z.avail_out = sizeof(text);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, plain.body->size_bytes);
	assert_memory_equal(text, plain.body->pieces[0]->data, z.total_out);
	(void)inflateEnd(&z);
}

static void window_slides_and_keeps_a_second_one(void **state)
{
	struct shop *shop = *state;

	for (uint64_t msn = 0; msn < 40; msn++)
		add_segment(shop, msn);
	/* 24 s of 2 s segments are 12; twelve more stay fetchable */
	assert_true(playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:28\n"));
	assert_true(playlist_has(shop, "seg-e1-39.m4s"));
	assert_false(playlist_has(shop, "seg-e1-27.m4s"));
	assert_true(has(shop, 27));
	assert_true(has(shop, 16));
	assert_false(has(shop, 15));
}

static void discontinuity_sequence_counts_what_left(void **state)
{
	struct shop *shop = *state;
	struct part *p;

	add_segment(shop, 0);
	shop->discontinuities = 1;
	p = make_part(shop, 1, 0, 1);
	p->is_discontinuity = true;
	add(shop, p);
	for (uint64_t msn = 2; msn < 12; msn++)
		add_segment(shop, msn);
	assert_true(playlist_has(shop, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"));
	assert_true(playlist_has(shop, "#EXT-X-DISCONTINUITY\n"));
	add_segment(shop, 12); /* segment 0 leaves; the tag in front of 1 is still there */
	assert_true(playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:1\n"));
	assert_true(playlist_has(shop, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"));
	assert_true(playlist_has(shop, "#EXT-X-DISCONTINUITY\n"));
	add_segment(shop, 13);
	assert_true(playlist_has(shop, "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"));
	assert_false(playlist_has(shop, "#EXT-X-DISCONTINUITY\n"));
}

static void byte_cap_drops_the_oldest(void **state)
{
	struct shop *shop;
	struct segment_store_stats stats;

	setup_with(state, 6 * 4 * (10 + MDAT_BYTES));
	shop = *state;
	for (uint64_t msn = 0; msn < 12; msn++)
		add_segment(shop, msn);
	assert_false(has(shop, 5));
	assert_true(has(shop, 6));
	assert_true(playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:6\n"));
	segment_store_stats(shop->store, &stats);
	assert_int_equal(stats.segments, 6);
	assert_int_equal(stats.segments_capped, 6);
	assert_int_equal(stats.bytes, 6 * 4 * (10 + MDAT_BYTES));
	teardown(state);
}

static void a_broken_off_segment_is_served_as_it_is(void **state)
{
	struct shop *shop = *state;

	add_segment(shop, 0);
	add(shop, make_part(shop, 1, 0, 4));
	add(shop, make_part(shop, 1, 1, 4));
	add_segment(shop, 2);
	assert_true(playlist_has(shop, "#EXTINF:1.00000,\nseg-e1-1.m4s\n"));
	assert_true(playlist_has(shop, "seg-e1-2.m4s"));
}

static void a_lost_segment_begins_the_playlist_anew(void **state)
{
	struct shop *shop = *state;
	struct part *orphan = make_part(shop, 1, 1, 4);

	add_segment(shop, 0);
	assert_int_equal(segment_store_add(shop->store, "tanaka", orphan), -ENOMEM);
	part_unref(orphan);
	add_segment(shop, 2);
	assert_true(playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:2\n"));
	assert_true(has(shop, 0));
}

static void the_end_is_written_and_forgotten_later(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	struct part *late;

	add_segment(shop, 0);
	add(shop, make_part(shop, 1, 0, 4));
	assert_int_equal(segment_store_note_end(shop->store, "tanaka", 1000000), 0);
	assert_true(playlist_has(shop, "seg-e1-1.m4s\n#EXT-X-ENDLIST\n"));
	assert_true(find(shop, "main.m3u8", false, &found));
	assert_true(found.is_ended);
	late = make_part(shop, 1, 1, 4);
	assert_int_equal(segment_store_add(shop->store, "tanaka", late), -ENOENT);
	part_unref(late);
	segment_store_expire(shop->store, 49000000); /* two windows of 24 s after the end is too early by a hair */
	assert_true(segment_store_has(shop->store, "tanaka", 6));
	segment_store_expire(shop->store, 49000001);
	assert_false(segment_store_has(shop->store, "tanaka", 6));
	assert_int_equal(segment_store_note_end(shop->store, "tanaka", 0), -ENOENT);
}

static void beginning_again_starts_afresh(void **state)
{
	const struct segment_store_begin again = { .name = "tanaka", .epoch = "e2" };
	struct shop *shop = *state;
	struct segment_store_found found;
	struct body *held;

	add_segment(shop, 0);
	assert_true(find(shop, "seg-e1-0.m4s", false, &found));
	held = body_ref(found.body);
	assert_int_equal(segment_store_begin(shop->store, &again), 0);
	assert_false(has(shop, 0));
	assert_int_equal(held->pieces[1]->data[5], 0); /* what was handed out lives on */
	body_unref(held);
	assert_true(segment_store_has(shop->store, "tanaka", 6));
	shop->has_no_wall_clock = true;
	add_segment(shop, 1);
	assert_false(playlist_has(shop, "PROGRAM-DATE-TIME"));
	assert_true(find(shop, "index.m3u8", false, &found));
	segment_store_remove(shop->store, "tanaka");
	assert_false(find(shop, "index.m3u8", false, &found));
}

static void names_that_cannot_be_urls_are_refused(void **state)
{
	static const struct segment_store_begin bad[] = {
		{ .name = "", .epoch = "e1" },
		{ .name = "a/b", .epoch = "e1" },
		{ .name = "a b", .epoch = "e1" },
		{ .name = "a", .epoch = "" },
		{ .name = "a", .epoch = "E1" },
		{ .name = "a", .epoch = "0123456789abcdef" },
		{ .name = "01234567890123456789012345678901234567890123456789012345678901234567890123456789",
		    .epoch = "e1" },
	};
	struct shop *shop = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(segment_store_begin(shop->store, &bad[i]), -EINVAL);
}

static void many_streams_do_not_mix(void **state)
{
	struct shop *shop = *state;
	struct segment_store_stats stats;
	char name[32];

	for (int i = 0; i < 1000; i++) {
		struct segment_store_begin begin = { .name = name, .epoch = "e1" };

		(void)snprintf(name, sizeof(name), "stream%d", i);
		assert_int_equal(segment_store_begin(shop->store, &begin), 0);
	}
	add_segment(shop, 0);
	segment_store_stats(shop->store, &stats);
	assert_int_equal(stats.streams, 1001);
	assert_int_equal(stats.segments, 1);
}

static void bandwidth_is_the_measured_peak(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	char text[1024];

	add_segment(shop, 0);
	add_segment(shop, 1);
	assert_true(find(shop, "index.m3u8", false, &found));
	memcpy(text, found.body->pieces[0]->data, found.body->size_bytes);
	text[found.body->size_bytes] = '\0';
	assert_non_null(strstr(text, "BANDWIDTH=16160,AVERAGE-BANDWIDTH=16160,"));
	assert_non_null(strstr(text, "CODECS=\"avc1.42C01E,mp4a.40.2\",RESOLUTION=640x360,FRAME-RATE=30.000"));
}

#define WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SHOP(only_whole_segments_show),
		WITH_SHOP(segment_is_its_parts_in_pieces),
		WITH_SHOP(playlists_are_made_once_per_change),
		WITH_SHOP(gzip_unpacks_to_the_same_text),
		WITH_SHOP(window_slides_and_keeps_a_second_one),
		WITH_SHOP(discontinuity_sequence_counts_what_left),
		cmocka_unit_test(byte_cap_drops_the_oldest),
		WITH_SHOP(a_broken_off_segment_is_served_as_it_is),
		WITH_SHOP(a_lost_segment_begins_the_playlist_anew),
		WITH_SHOP(the_end_is_written_and_forgotten_later),
		WITH_SHOP(beginning_again_starts_afresh),
		WITH_SHOP(names_that_cannot_be_urls_are_refused),
		WITH_SHOP(many_streams_do_not_mix),
		WITH_SHOP(bandwidth_is_the_measured_peak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
