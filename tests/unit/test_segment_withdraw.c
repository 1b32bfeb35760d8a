/* SPDX-License-Identifier: Apache-2.0 */
/* What a channel asks of the store beyond what a stream does: a fixed index.m3u8, and taking things down. */
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

#include <cmocka.h>

#include "tests/unit/shop.h"

#define BEGIN_MS INT64_C(1790000000000) /* what shop_part's first part began at */

static const char main_text[] = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f,mp4a.40.2\"\nmain.m3u8\n";

static enum segment_store_status ask_for(
    struct shop *shop, const char *stream, const char *last, const char *query, struct segment_store_found *found)
{
	const struct segment_store_ask ask = {
		.stream = stream,
		.stream_len = strlen(stream),
		.resource = last,
		.resource_len = strlen(last),
		.query = query,
		.takes_short = true,
	};

	return segment_store_find(shop->store, &ask, found);
}

static bool has(struct shop *shop, const char *stream, const char *kind, uint64_t number)
{
	struct segment_store_found found;
	char name[64];

	(void)snprintf(name, sizeof(name), "%s-e1-%" PRIu64 ".m4s", kind, number);
	return ask_for(shop, stream, name, "", &found) == SEGMENT_STORE_FOUND;
}

/* The playlist's text, or "" when there is none now. */
static const char *playlist_of(struct shop *shop, const char *stream)
{
	static char copy[8192];
	struct segment_store_found found;

	copy[0] = '\0';
	if (ask_for(shop, stream, "main.m3u8", "", &found) != SEGMENT_STORE_FOUND)
		return copy;
	assert_true(found.body->size_bytes < sizeof(copy));
	memcpy(copy, found.body->pieces[0]->data, found.body->size_bytes);
	copy[found.body->size_bytes] = '\0';
	return copy;
}

static void open_channel(struct shop *shop)
{
	struct shared *text = shared_copy(main_text, strlen(main_text));
	const struct segment_store_begin begin = { .name = "@main", .epoch = "e1", .main = text };

	assert_non_null(text);
	assert_int_equal(segment_store_begin(shop->store, &begin), 0);
	shared_unref(text);
}

/* A part of a segment of four; msn 5 has the parts 1 to 4. */
static void add_part(struct shop *shop, uint64_t msn, uint32_t index, const char *origin)
{
	struct part *p = shop_part(shop, msn, index, 4);

	(void)snprintf(p->origin, sizeof(p->origin), "%s", origin);
	assert_int_equal(segment_store_add(shop->store, "@main", p), 0);
	part_unref(p);
}

static void add_segment(struct shop *shop, uint64_t msn, const char *origin)
{
	for (uint32_t i = 0; i < 4; i++)
		add_part(shop, msn, i, origin);
}

static void a_channels_index_is_there_at_once_and_stays(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;
	struct body *first;

	open_channel(shop);
	assert_int_equal(ask_for(shop, "@main", "index.m3u8", "", &found), SEGMENT_STORE_FOUND);
	assert_int_equal(found.kind, PLAYLIST_MAIN);
	assert_int_equal(found.body->size_bytes, strlen(main_text));
	assert_memory_equal(found.body->pieces[0]->data, main_text, strlen(main_text));
	first = body_ref(found.body);
	for (uint64_t msn = 5; msn < 40; msn++)
		add_segment(shop, msn, msn % 2 == 0 ? "tanaka" : "");
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", INT64_MAX), 0);
	assert_int_equal(segment_store_note_end(shop->store, "@main", 1), 0);
	assert_int_equal(ask_for(shop, "@main", "index.m3u8", "", &found), SEGMENT_STORE_FOUND);
	assert_ptr_equal(found.body, first);
	body_unref(first);
}

static void what_is_taken_down_is_gone_from_a_channel(void **state)
{
	struct shop *shop = *state;

	open_channel(shop);
	add_segment(shop, 5, "");
	add_segment(shop, 6, "tanaka");
	add_segment(shop, 7, "tanaka");
	add_segment(shop, 8, "");
	add_segment(shop, 9, "suzuki");
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", INT64_MAX), 0);
	assert_true(has(shop, "@main", "seg", 5)); /* not listed any more, but not forbidden */
	for (uint64_t msn = 6; msn < 8; msn++) {
		assert_false(has(shop, "@main", "seg", msn));
		for (uint64_t part = 4 * (msn - 5) + 1; part <= 4 * (msn - 5) + 4; part++)
			assert_false(has(shop, "@main", "part", part));
	}
	assert_true(has(shop, "@main", "part", 13));
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-MEDIA-SEQUENCE:8\n"));
	assert_null(strstr(playlist_of(shop, "@main"), "seg-e1-7.m4s"));
	assert_null(strstr(playlist_of(shop, "@main"), "seg-e1-5.m4s"));
	assert_non_null(strstr(playlist_of(shop, "@main"), "seg-e1-9.m4s"));
	/* What goes on behind it is numbered on. */
	add_segment(shop, 10, "suzuki");
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-MEDIA-SEQUENCE:8\n"));
	assert_non_null(strstr(playlist_of(shop, "@main"), "seg-e1-10.m4s"));
}

/* Segments of 2 s: what began before goes, what began at that time or later stays. */
static void only_what_is_older_goes(void **state)
{
	struct shop *shop = *state;

	open_channel(shop);
	for (uint64_t msn = 5; msn < 9; msn++)
		add_segment(shop, msn, "tanaka");
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", BEGIN_MS + 4000), 0);
	assert_false(has(shop, "@main", "seg", 6));
	assert_true(has(shop, "@main", "seg", 7));
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-MEDIA-SEQUENCE:7\n"));
}

static void the_open_segment_goes_with_its_parts(void **state)
{
	struct shop *shop = *state;
	struct segment_store_found found;

	open_channel(shop);
	add_segment(shop, 5, "");
	add_part(shop, 6, 0, "tanaka");
	add_part(shop, 6, 1, "tanaka");
	assert_true(has(shop, "@main", "part", 6));
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", BEGIN_MS + 3000), 0);
	assert_false(has(shop, "@main", "part", 5));
	assert_false(has(shop, "@main", "part", 6));
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-MEDIA-SEQUENCE:5\n"));
	assert_null(strstr(playlist_of(shop, "@main"), "part-e1-6.m4s"));
	/* The part that was hinted at is one that may be shown: it counts. */
	assert_int_equal(ask_for(shop, "@main", "part-e1-7.m4s", "", &found), SEGMENT_STORE_NOT_YET);
	add_segment(shop, 7, "");
	assert_true(has(shop, "@main", "part", 7));
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-MEDIA-SEQUENCE:7\n"));
}

struct listener {
	struct segment_store_waiter waiter;
	struct shop *shop;
	struct segment_store_ask ask;
	enum segment_store_status answer;
	bool is_woken;
};

static void on_wake(struct segment_store_waiter *waiter)
{
	struct listener *l = (struct listener *)waiter;
	struct segment_store_found found;

	l->is_woken = true;
	l->answer = segment_store_find(l->shop->store, &l->ask, &found);
}

static void listen_for(struct listener *l, struct shop *shop, const char *last, const char *query)
{
	*l = (struct listener){ .waiter = { .wake = on_wake }, .shop = shop, .ask = shop_ask(last, query) };
	l->ask.stream = "@main";
	l->ask.stream_len = 5;
	segment_store_wait(shop->store, &l->ask, &l->waiter);
}

/* A part that is forbidden before it comes: who waits for it hears so when it comes, and the list goes on behind it. */
static void a_hinted_part_that_must_not_be_seen_is_answered(void **state)
{
	struct shop *shop = *state;
	struct listener part;
	struct listener list;

	open_channel(shop);
	add_segment(shop, 5, "");
	listen_for(&part, shop, "part-e1-5.m4s", "");
	listen_for(&list, shop, "main.m3u8", "_HLS_msn=6");
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", BEGIN_MS + 60000), 0);
	assert_false(part.is_woken);
	add_part(shop, 6, 0, "tanaka");
	assert_true(part.is_woken);
	assert_int_equal(part.answer, SEGMENT_STORE_NOT_FOUND);
	assert_false(list.is_woken);
	add_part(shop, 6, 1, "tanaka");
	assert_false(has(shop, "@main", "part", 6));
	add_part(shop, 6, 2, "suzuki"); /* may be seen, and is in no segment */
	assert_true(has(shop, "@main", "part", 7));
	add_segment(shop, 7, "");
	assert_true(list.is_woken);
	assert_int_equal(list.answer, SEGMENT_STORE_FOUND);
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-MEDIA-SEQUENCE:7\n"));
	assert_non_null(strstr(playlist_of(shop, "@main"), "#EXT-X-DISCONTINUITY\n"));
}

static void a_stream_is_taken_down_where_it_is(void **state)
{
	static const struct segment_store_begin rehearsal = { .name = "tanaka~rehearsal", .epoch = "e1" };
	static const struct segment_store_begin other = { .name = "tanaka2", .epoch = "e1" };
	struct shop *shop = *state;

	assert_int_equal(segment_store_begin(shop->store, &rehearsal), 0);
	assert_int_equal(segment_store_begin(shop->store, &other), 0);
	for (uint64_t msn = 5; msn < 8; msn++) {
		for (uint32_t i = 0; i < 4; i++) {
			struct part *p = shop_part(shop, msn, i, 4);

			assert_int_equal(segment_store_add(shop->store, "tanaka", p), 0);
			assert_int_equal(segment_store_add(shop->store, "tanaka~rehearsal", p), 0);
			assert_int_equal(segment_store_add(shop->store, "tanaka2", p), 0);
			part_unref(p);
		}
	}
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", BEGIN_MS + 2001), 0);
	assert_false(has(shop, "tanaka", "seg", 6));
	assert_false(has(shop, "tanaka~rehearsal", "seg", 6));
	assert_true(has(shop, "tanaka2", "seg", 6));
	assert_true(has(shop, "tanaka", "seg", 7));
	assert_non_null(strstr(playlist_of(shop, "tanaka"), "#EXT-X-MEDIA-SEQUENCE:7\n"));
	/* What comes late and began before does not get in; taken back, it would. */
	shop->at_90k = 0;
	shop_add_segment(shop, 8);
	assert_false(has(shop, "tanaka", "seg", 8));
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", 0), 0);
	shop->at_90k = 0;
	shop_add_segment(shop, 9);
	assert_true(has(shop, "tanaka", "seg", 9));
}

/* Nobody knows when it was: then it may have been before. */
static void without_a_clock_it_counts_as_older(void **state)
{
	struct shop *shop = *state;

	shop->has_no_wall_clock = true;
	shop_add_segment(shop, 5);
	assert_int_equal(segment_store_withdraw(shop->store, "suzuki", 1), 0);
	assert_true(shop_has_segment(shop, 5));
	assert_int_equal(segment_store_withdraw(shop->store, "tanaka", 1), 0);
	assert_false(shop_has_segment(shop, 5));
}

static void many_can_be_taken_down(void **state)
{
	struct shop *shop = *state;
	char id[ID_SIZE];

	open_channel(shop);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "s%d", i * 37 % 100);
		assert_int_equal(segment_store_withdraw(shop->store, id, BEGIN_MS + i), 0);
		assert_int_equal(segment_store_withdraw(shop->store, id, i % 2 == 0 ? INT64_MAX : 0), 0);
	}
	for (uint64_t i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "s%d", (int)i * 37 % 100);
		add_segment(shop, 2 * i, "");
		add_segment(shop, 2 * i + 1, id);
		assert_true(has(shop, "@main", "seg", 2 * i));
		assert_true(has(shop, "@main", "seg", 2 * i + 1) == (i % 2 == 1));
	}
}

#define WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, shop_open, shop_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SHOP(a_channels_index_is_there_at_once_and_stays),
		WITH_SHOP(what_is_taken_down_is_gone_from_a_channel),
		WITH_SHOP(only_what_is_older_goes),
		WITH_SHOP(the_open_segment_goes_with_its_parts),
		WITH_SHOP(a_hinted_part_that_must_not_be_seen_is_answered),
		WITH_SHOP(a_stream_is_taken_down_where_it_is),
		WITH_SHOP(without_a_clock_it_counts_as_older),
		WITH_SHOP(many_can_be_taken_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
