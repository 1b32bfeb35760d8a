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

#include "tests/unit/shop.h"

static void a_playlist_begins_with_a_whole_segment(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;

	assert_false(shop_find(shop, "main.m3u8", false, &found));
	assert_false(shop_find(shop, "index.m3u8", false, &found));
	shop_add(shop, shop_part(shop, 5, 0, 4));
	assert_false(shop_find(shop, "main.m3u8", false, &found));
	assert_false(shop_has_segment(shop, 5));
	for (uint32_t i = 1; i < 4; i++)
		shop_add(shop, shop_part(shop, 5, i, 4));
	assert_true(shop_playlist_has(shop, "#EXTINF:2.00000,\nseg-e1-5.m4s\n"));
	assert_true(shop_playlist_has(shop, "PROGRAM-DATE-TIME:2026-09-21T14:13:20.000Z"));
	assert_true(shop_has_segment(shop, 5));
}

static void segment_is_its_parts_in_pieces(void **state)
{
	const struct segment_store_ask stranger = {
		.stream = "tanak", .stream_len = 5, .resource = "main.m3u8", .resource_len = 9, .query = ""
	};
	struct shop *shop = *state;
	struct segment_store_found found;
	const uint8_t *data;

	shop_add_segment(shop, 5);
	assert_true(shop_find(shop, "seg-e1-5.m4s", true, &found));
	assert_int_equal(found.kind, PLAYLIST_SEGMENT);
	assert_false(found.is_gzip);
	assert_int_equal(found.body->piece_count, 8);
	assert_int_equal(found.body->size_bytes, 4 * (10 + SHOP_MDAT_BYTES));
	assert_int_equal(body_run_at(found.body, 4, &data), 6);
	assert_int_equal(body_run_at(found.body, 1010 + 10 + 900, &data), 100);
	assert_int_equal(*data, 1);
	assert_int_equal(body_run_at(found.body, found.body->size_bytes, &data), 0);
	assert_true(shop_find(shop, "init-e1-1.mp4", false, &found));
	assert_memory_equal(found.body->pieces[0]->data + 4, "ftyp", 4);
	assert_false(shop_find(shop, "init-e1-2.mp4", false, &found));
	assert_false(shop_find(shop, "seg-e2-5.m4s", false, &found));
	assert_false(shop_find(shop, "seg-e1-6.m4s", false, &found));
	assert_false(shop_find(shop, "seg-e11-5.m4s", false, &found));
	assert_null(found.body);
	assert_int_equal(found.kind, PLAYLIST_NONE);
	assert_int_equal(segment_store_find(shop->store, &stranger, &found), SEGMENT_STORE_NOT_FOUND);
}

static void playlists_are_made_once_per_change(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	struct body *plain;
	struct body *gzip;

	shop_add_segment(shop, 5);
	assert_true(shop_find(shop, "main.m3u8", false, &found));
	plain = body_ref(found.body);
	assert_true(shop_find(shop, "main.m3u8", true, &found));
	assert_true(found.is_gzip);
	gzip = body_ref(found.body);
	assert_true(shop_find(shop, "main.m3u8", false, &found));
	assert_ptr_equal(found.body, plain);
	assert_true(shop_find(shop, "main.m3u8", true, &found));
	assert_ptr_equal(found.body, gzip);
	shop_add(shop, shop_part(shop, 6, 0, 4));
	assert_true(shop_find(shop, "main.m3u8", false, &found));
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
		shop_add_segment(shop, msn);
	assert_true(shop_find(shop, "main.m3u8", false, &plain));
	assert_true(shop_find(shop, "main.m3u8", true, &packed));
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
		shop_add_segment(shop, msn);
	/* 24 s of 2 s segments are 12; twelve more stay fetchable */
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:28\n"));
	assert_true(shop_playlist_has(shop, "seg-e1-39.m4s"));
	assert_false(shop_playlist_has(shop, "seg-e1-27.m4s"));
	assert_true(shop_has_segment(shop, 27));
	assert_true(shop_has_segment(shop, 16));
	assert_false(shop_has_segment(shop, 15));
}

static void discontinuity_sequence_counts_what_left(void **state)
{
	struct shop *shop = *state;
	struct part *p;

	shop_add_segment(shop, 0);
	shop->discontinuities = 1;
	p = shop_part(shop, 1, 0, 1);
	p->is_discontinuity = true;
	shop_add(shop, p);
	for (uint64_t msn = 2; msn < 12; msn++)
		shop_add_segment(shop, msn);
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"));
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY\n"));
	shop_add_segment(shop, 12); /* segment 0 leaves; the tag in front of 1 is still there */
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:1\n"));
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"));
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY\n"));
	shop_add_segment(shop, 13);
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"));
	assert_false(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY\n"));
}

static void byte_cap_drops_the_oldest(void **state)
{
	struct shop *shop;
	struct segment_store_stats stats;

	shop_open_with(state, 6 * 4 * (10 + SHOP_MDAT_BYTES));
	shop = *state;
	for (uint64_t msn = 0; msn < 12; msn++)
		shop_add_segment(shop, msn);
	assert_false(shop_has_segment(shop, 5));
	assert_true(shop_has_segment(shop, 6));
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:6\n"));
	segment_store_stats(shop->store, &stats);
	assert_int_equal(stats.segments, 6);
	assert_int_equal(stats.segments_capped, 6);
	assert_int_equal(stats.bytes, 6 * 4 * (10 + SHOP_MDAT_BYTES));
	shop_close(state);
}

static void a_broken_off_segment_is_served_as_it_is(void **state)
{
	struct shop *shop = *state;

	shop_add_segment(shop, 0);
	shop_add(shop, shop_part(shop, 1, 0, 4));
	shop_add(shop, shop_part(shop, 1, 1, 4));
	shop_add_segment(shop, 2);
	assert_true(shop_playlist_has(shop, "#EXTINF:1.00000,\nseg-e1-1.m4s\n"));
	assert_true(shop_playlist_has(shop, "seg-e1-2.m4s"));
}

static void a_lost_segment_begins_the_playlist_anew(void **state)
{
	struct shop *shop = *state;
	struct part *orphan;

	shop_add_segment(shop, 0);
	orphan = shop_part(shop, 1, 1, 4);
	assert_int_equal(segment_store_add(shop->store, "tanaka", orphan), -ENOMEM);
	part_unref(orphan);
	shop_add_segment(shop, 2);
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:2\n"));
	assert_true(shop_has_segment(shop, 0));
}

static void the_end_is_written_and_forgotten_later(void **state)
{
	struct shop *shop = *state;
	struct part *late;

	shop_add_segment(shop, 0);
	shop_add(shop, shop_part(shop, 1, 0, 4));
	assert_int_equal(segment_store_note_end(shop->store, "tanaka", 1000000), 0);
	assert_true(shop_playlist_has(shop, "seg-e1-1.m4s\n#EXT-X-ENDLIST\n"));
	late = shop_part(shop, 1, 1, 4);
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

	shop_add_segment(shop, 0);
	assert_true(shop_find(shop, "seg-e1-0.m4s", false, &found));
	held = body_ref(found.body);
	assert_int_equal(segment_store_begin(shop->store, &again), 0);
	assert_false(shop_has_segment(shop, 0));
	assert_int_equal(held->pieces[1]->data[5], 0); /* what was handed out lives on */
	body_unref(held);
	assert_true(segment_store_has(shop->store, "tanaka", 6));
	shop->has_no_wall_clock = true;
	shop_add_segment(shop, 1);
	assert_false(shop_playlist_has(shop, "PROGRAM-DATE-TIME"));
	assert_true(shop_find(shop, "index.m3u8", false, &found));
	segment_store_remove(shop->store, "tanaka");
	assert_false(shop_find(shop, "index.m3u8", false, &found));
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
	shop_add_segment(shop, 0);
	segment_store_stats(shop->store, &stats);
	assert_int_equal(stats.streams, 1001);
	assert_int_equal(stats.segments, 1);
}

static void bandwidth_is_the_measured_peak(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	char text[1024];

	shop_add_segment(shop, 0);
	shop_add_segment(shop, 1);
	assert_true(shop_find(shop, "index.m3u8", false, &found));
	memcpy(text, found.body->pieces[0]->data, found.body->size_bytes);
	text[found.body->size_bytes] = '\0';
	assert_non_null(strstr(text, "BANDWIDTH=16160,AVERAGE-BANDWIDTH=16160,"));
	assert_non_null(strstr(text, "CODECS=\"avc1.42C01E,mp4a.40.2\",RESOLUTION=640x360,FRAME-RATE=30.000"));
}

#define WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_open, shop_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SHOP(a_playlist_begins_with_a_whole_segment),
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
