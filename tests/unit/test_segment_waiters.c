/* SPDX-License-Identifier: Apache-2.0 */
/* What shows part by part, who waits for it, and when he is woken. */
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

#include "base/attr.h"
#include "tests/unit/shop.h"

enum { GUESTS = 8 };

struct guest {
	struct segment_store_waiter waiter;
	char resource[64];
	const char *query;
	int woken;
	enum segment_store_status status; /* when woken */
	struct body *body;		  /* likewise; borrowed, to be compared only */
	struct guest *takes_along;	  /* leaves when this one is woken */
	bool comes_again;		  /* asks for the next part when woken */
};

static struct shop *shop;
static struct guest guests[GUESTS];

static int open_up(void **state)
{
	memset(guests, 0, sizeof(guests));
	(void)shop_open(state);
	shop = *state;
	return 0;
}

static int close_down(void **state)
{
	for (size_t i = 0; i < GUESTS; i++)
		segment_store_unwait(&guests[i].waiter);
	return shop_close(state);
}

static void on_wake(struct segment_store_waiter *waiter)
{
	struct guest *g = LIST_ENTRY(waiter, struct guest, waiter);
	const struct segment_store_ask ask = shop_ask(g->resource, g->query);
	struct segment_store_found found;

	g->woken++;
	g->status = segment_store_find(shop->store, &ask, &found);
	g->body = found.body;
	if (g->takes_along)
		segment_store_unwait(&g->takes_along->waiter);
	if (g->comes_again && g->status == SEGMENT_STORE_FOUND) {
		const struct segment_store_ask next = shop_ask("main.m3u8", "_HLS_msn=99");

		if (segment_store_find(shop->store, &next, &found) == SEGMENT_STORE_NOT_YET)
			segment_store_wait(shop->store, &next, waiter);
	}
}

static void let_wait(struct guest *g, const char *resource, const char *query)
{
	struct segment_store_ask ask;

	(void)snprintf(g->resource, sizeof(g->resource), "%s", resource);
	g->query = query;
	g->waiter.wake = on_wake;
	ask = shop_ask(g->resource, query);
	assert_int_equal(shop_status(shop, resource, query), SEGMENT_STORE_NOT_YET);
	segment_store_wait(shop->store, &ask, &g->waiter);
}

static void add_part(uint64_t msn, uint32_t index)
{
	shop_add(shop, shop_part(shop, msn, index, 4));
}

static void lose_part(uint64_t msn, uint32_t index)
{
	part_unref(shop_part(shop, msn, index, 4));
}

/* Its beginning was lost: it belongs to no segment. */
static void add_stray(uint64_t msn, uint32_t index)
{
	struct part *p = shop_part(shop, msn, index, 4);

	assert_int_equal(segment_store_add(shop->store, "tanaka", p), -ENOMEM);
	part_unref(p);
}

static void parts_show_as_they_come(void **state)
{
	struct segment_store_found found;

	(void)state;
	shop_add_segment(shop, 5);
	add_part(6, 0);
	add_part(6, 1);
	assert_true(shop_playlist_has(shop,
	    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.50000,HOLD-BACK=12\n"
	    "#EXT-X-PART-INF:PART-TARGET=0.50000\n"));
	assert_true(shop_playlist_has(shop,
	    "seg-e1-5.m4s\n#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:22.000Z\n"
	    "#EXT-X-PART:DURATION=0.50000,URI=\"part-e1-5.m4s\",INDEPENDENT=YES\n"
	    "#EXT-X-PART:DURATION=0.50000,URI=\"part-e1-6.m4s\"\n"
	    "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-e1-7.m4s\"\n"));
	assert_false(shop_has_segment(shop, 6));
	assert_true(shop_find(shop, "part-e1-6.m4s", true, &found));
	assert_int_equal(found.kind, PLAYLIST_PART);
	assert_int_equal(found.body->size_bytes, SHOP_PART_BYTES);
	assert_int_equal(found.body->pieces[1]->data[0], 1);
	assert_true(shop_find(shop, "part-e1-1.m4s", false, &found));
	assert_int_equal(shop_status(shop, "part-e1-7.m4s", ""), SEGMENT_STORE_NOT_YET);
	assert_int_equal(shop_status(shop, "part-e1-8.m4s", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(shop_status(shop, "part-e2-7.m4s", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(shop_status(shop, "part-e1-0.m4s", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(shop_status(shop, "seg-e1-6.m4s", ""), SEGMENT_STORE_NOT_FOUND);
}

static void parts_leave_the_playlist_after_three_targets(void **state)
{
	struct segment_store_found found;

	(void)state;
	for (uint64_t msn = 0; msn < 12; msn++)
		shop_add_segment(shop, msn);
	add_part(12, 0);
	/* 12 s before the end at 24.5 s: segment 6 ends 0.5 s behind that, 5 before it */
	assert_false(shop_playlist_has(shop, "part-e1-24.m4s"));
	assert_true(shop_playlist_has(shop, "part-e1-25.m4s"));
	assert_true(shop_find(shop, "part-e1-24.m4s", false, &found));
	assert_true(shop_find(shop, "part-e1-1.m4s", false, &found));
}

static void a_new_init_is_there_with_its_first_part(void **state)
{
	struct track *video = NULL;
	struct part_init *init;
	struct part *p;

	(void)state;
	shop_add_segment(shop, 5);
	p = shop_part(shop, 6, 0, 4);
	p->is_discontinuity = true;
	video = track_ref(p->init->tracks[TRACK_VIDEO]);
	assert_int_equal(part_init_create(&init, 2, video, NULL), 0);
	track_unref(video);
	part_init_unref(p->init);
	p->init = init;
	shop_add(shop, p);
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-e1-2.mp4\"\n#EXT-X-PROG"));
	assert_int_equal(shop_status(shop, "init-e1-2.mp4", ""), SEGMENT_STORE_FOUND);
}

static void the_query_counts_for_media_playlists_alone(void **state)
{
	static const char *const bad[] = { "_HLS_part=1", "_HLS_msn=x", "_HLS_msn=8", "_HLS_msn=5&_HLS_part=10",
		"_HLS_msn=18446744073709551615" };

	(void)state;
	shop_add_segment(shop, 5);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(shop_status(shop, "main.m3u8", bad[i]), SEGMENT_STORE_BAD);
		assert_int_equal(shop_status(shop, "index.m3u8", bad[i]), SEGMENT_STORE_FOUND);
		assert_int_equal(shop_status(shop, "seg-e1-5.m4s", bad[i]), SEGMENT_STORE_FOUND);
		assert_int_equal(shop_status(shop, "nonsense", bad[i]), SEGMENT_STORE_NOT_FOUND);
	}
	assert_int_equal(shop_status(shop, "main.m3u8", "_HLS_msn=5"), SEGMENT_STORE_FOUND);
	assert_int_equal(shop_status(shop, "main.m3u8", "_HLS_msn=5&_HLS_part=3"), SEGMENT_STORE_FOUND);
	assert_int_equal(shop_status(shop, "main.m3u8", "_HLS_msn=5&_HLS_part=4"), SEGMENT_STORE_NOT_YET);
	assert_int_equal(shop_status(shop, "main.m3u8", "_HLS_skip=YES"), SEGMENT_STORE_FOUND);
}

static void each_is_woken_by_what_he_waits_for(void **state)
{
	(void)state;
	shop_add_segment(shop, 5);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6&_HLS_part=0");
	let_wait(&guests[1], "main.m3u8", "_HLS_msn=6&_HLS_part=1");
	let_wait(&guests[2], "main.m3u8", "_HLS_msn=6");
	let_wait(&guests[3], "part-e1-5.m4s", "");
	let_wait(&guests[4], "main.m3u8", "_HLS_msn=5&_HLS_part=4"); /* past the end: the first of the next */
	let_wait(&guests[5], "main.m3u8", "_HLS_msn=6&_HLS_part=5"); /* there will be no such part */
	add_part(6, 0);
	assert_int_equal(guests[0].woken, 1);
	assert_int_equal(guests[3].woken, 1);
	assert_int_equal(guests[4].woken, 1);
	assert_int_equal(guests[1].woken + guests[2].woken + guests[5].woken, 0);
	assert_int_equal(guests[0].status, SEGMENT_STORE_FOUND);
	assert_int_equal(guests[3].status, SEGMENT_STORE_FOUND);
	assert_ptr_equal(guests[0].body, guests[4].body); /* one text for all */
	add_part(6, 1);
	assert_int_equal(guests[1].woken, 1);
	add_part(6, 2);
	assert_int_equal(guests[2].woken, 0);
	add_part(6, 3);
	assert_int_equal(guests[2].woken, 1);
	assert_int_equal(guests[5].woken, 0);
	add_part(7, 0);
	assert_int_equal(guests[5].woken, 1);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(guests[i].status, SEGMENT_STORE_FOUND);
}

static void a_hint_is_true_when_the_segment_breaks_off(void **state)
{
	struct part *p;

	(void)state;
	shop_add_segment(shop, 5);
	add_part(6, 0);
	assert_true(shop_playlist_has(shop, "PRELOAD-HINT:TYPE=PART,URI=\"part-e1-6.m4s\""));
	let_wait(&guests[0], "part-e1-6.m4s", "");
	let_wait(&guests[1], "main.m3u8", "_HLS_msn=6&_HLS_part=1");
	let_wait(&guests[2], "main.m3u8", "_HLS_msn=6");
	shop->discontinuities = 1;
	p = shop_part(shop, 7, 0, 4);
	p->is_discontinuity = true;
	shop_add(shop, p);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(guests[i].woken == 1 && guests[i].status == SEGMENT_STORE_FOUND, 1);
	/* its length and the next one's first part appear together */
	assert_true(shop_playlist_has(shop, "#EXTINF:0.50000,\nseg-e1-6.m4s\n#EXT-X-DISCONTINUITY\n"));
	assert_true(shop_playlist_has(shop, "URI=\"part-e1-6.m4s\",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT"));
}

static void who_waits_while_the_publisher_is_away_gets_what_comes_then(void **state)
{
	struct part *p;

	(void)state;
	shop_add_segment(shop, 5);
	p = shop_part(shop, 6, 0, 4);
	p->is_segment_end = true; /* what the cutter's flush makes */
	shop_add(shop, p);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6&_HLS_part=1");
	let_wait(&guests[1], "part-e1-6.m4s", "");
	assert_true(shop_playlist_has(shop, "seg-e1-6.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part-e1-6.m4s\"\n"));
	add_part(7, 0);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_FOUND, 1);
}

static void a_lost_part_ends_its_segment(void **state)
{
	struct segment_store_found found;

	(void)state;
	shop_add_segment(shop, 5);
	add_part(6, 0);
	let_wait(&guests[0], "part-e1-6.m4s", "");
	let_wait(&guests[1], "main.m3u8", "_HLS_msn=6&_HLS_part=1");
	lose_part(6, 1);
	add_stray(6, 2);
	/* nobody waits for what can never come */
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_NOT_FOUND, 1);
	assert_int_equal(guests[1].woken, 0);
	/* what was hinted at comes, though it is in no segment */
	assert_true(shop_playlist_has(shop,
	    "#EXTINF:0.50000,\nseg-e1-6.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,"
	    "URI=\"part-e1-8.m4s\"\n"));
	let_wait(&guests[2], "part-e1-8.m4s", "");
	add_stray(6, 3);
	assert_int_equal(guests[2].woken == 1 && guests[2].status == SEGMENT_STORE_FOUND, 1);
	assert_false(shop_playlist_has(shop, "URI=\"part-e1-8.m4s\""));
	add_part(7, 0);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_FOUND, 1);
	assert_true(shop_playlist_has(shop, "seg-e1-6.m4s\n#EXT-X-DISCONTINUITY\n"));
	assert_false(shop_find(shop, "part-e1-8.m4s", false, &found));
	assert_true(shop_find(shop, "part-e1-9.m4s", false, &found));
	for (uint32_t i = 1; i < 4; i++)
		add_part(7, i);
	for (uint64_t msn = 8; msn < 20; msn++)
		shop_add_segment(shop, msn);
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n"));
}

static void the_last_part_of_a_segment_is_lost(void **state)
{
	(void)state;
	shop_add_segment(shop, 5);
	for (uint32_t i = 0; i < 3; i++)
		add_part(6, i);
	lose_part(6, 3);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6&_HLS_part=3");
	add_part(7, 0);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_true(shop_playlist_has(shop, "#EXTINF:1.50000,\nseg-e1-6.m4s\n#EXT-X-DISCONTINUITY\n"));
}

static void behind_a_lost_segment_parts_wait_for_theirs(void **state)
{
	(void)state;
	shop_add_segment(shop, 5);
	for (uint32_t i = 0; i < 4; i++)
		lose_part(6, i);
	add_part(7, 0);
	/* numbers must not jump inside a playlist */
	assert_false(shop_playlist_has(shop, "URI=\"part-e1-9.m4s\""));
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:5\n"));
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6&_HLS_part=0");
	let_wait(&guests[1], "part-e1-10.m4s", "");
	for (uint32_t i = 1; i < 4; i++)
		add_part(7, i);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_FOUND, 1);
	assert_true(shop_playlist_has(shop, "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"));
	assert_true(shop_playlist_has(shop, "#EXT-X-DISCONTINUITY\n#EXT-X-MAP"));
}

static void the_end_answers_all(void **state)
{
	(void)state;
	shop_add_segment(shop, 5);
	add_part(6, 0);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6&_HLS_part=1");
	let_wait(&guests[1], "main.m3u8", "_HLS_msn=7");
	let_wait(&guests[2], "part-e1-6.m4s", "");
	assert_int_equal(segment_store_note_end(shop->store, "tanaka", 1000000), 0);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[2].woken == 1 && guests[2].status == SEGMENT_STORE_NOT_FOUND, 1);
	assert_true(shop_playlist_has(shop, "seg-e1-6.m4s\n#EXT-X-ENDLIST\n"));
	assert_int_equal(shop_status(shop, "main.m3u8", "_HLS_msn=900"), SEGMENT_STORE_FOUND);
	assert_int_equal(shop_status(shop, "main.m3u8", "_HLS_msn=x"), SEGMENT_STORE_BAD);
	assert_int_equal(shop_status(shop, "part-e1-6.m4s", ""), SEGMENT_STORE_NOT_FOUND);
}

static void taken_down_is_gone(void **state)
{
	(void)state;
	shop_add_segment(shop, 5);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6");
	let_wait(&guests[1], "part-e1-5.m4s", "");
	segment_store_remove(shop->store, "tanaka");
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_NOT_FOUND, 1);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_NOT_FOUND, 1);
}

static void a_new_stream_of_the_name_goes_on_counting(void **state)
{
	static const struct segment_store_begin again = { .name = "tanaka", .epoch = "e2" };

	(void)state;
	shop_add_segment(shop, 5);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=6");
	let_wait(&guests[1], "part-e1-5.m4s", "");
	assert_int_equal(segment_store_begin(shop->store, &again), 0);
	assert_int_equal(guests[0].woken, 0);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_NOT_FOUND, 1);
	/* any part may be the one that a player that was here before was told of */
	let_wait(&guests[5], "main.m3u8", "");
	let_wait(&guests[6], "index.m3u8", "_HLS_msn=77");
	let_wait(&guests[2], "main.m3u8", "_HLS_msn=6&_HLS_part=1");
	let_wait(&guests[3], "part-e2-1.m4s", "");
	let_wait(&guests[4], "part-e2-7.m4s", "");
	shop->sequence = 0;
	add_part(6, 0);
	assert_int_equal(guests[3].woken == 1 && guests[3].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[4].woken == 1 && guests[4].status == SEGMENT_STORE_NOT_FOUND, 1);
	assert_int_equal(guests[0].woken + guests[2].woken, 0);
	for (uint32_t i = 1; i < 4; i++)
		add_part(6, i);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[2].woken == 1 && guests[2].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[5].woken == 1 && guests[5].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[6].woken == 1 && guests[6].status == SEGMENT_STORE_FOUND, 1);
}

/* The node was cut short and is up again, the publisher not yet. */
static void an_expected_stream_is_waited_for(void **state)
{
	static const struct segment_store_begin back = { .name = "tanaka", .epoch = "e1" };
	struct segment_store_stats stats;
	struct segment_store_found found;
	struct segment_store_ask late;
	struct part *first;

	(void)state;
	segment_store_remove(shop->store, "tanaka");
	assert_int_equal(segment_store_expect(shop->store, "a/b", 0), -EINVAL);
	assert_int_equal(segment_store_expect(shop->store, "tanaka", 0), 0);
	assert_int_equal(segment_store_expect(shop->store, "tanaka", 5), 0);
	assert_false(segment_store_has(shop->store, "tanaka", 6));
	segment_store_stats(shop->store, &stats);
	assert_int_equal(stats.streams, 0);
	let_wait(&guests[0], "main.m3u8", "");
	let_wait(&guests[1], "index.m3u8", "");
	let_wait(&guests[2], "main.m3u8", "_HLS_msn=7&_HLS_part=1");
	assert_int_equal(shop_status(shop, "seg-e1-6.m4s", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(shop_status(shop, "part-e1-6.m4s", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(shop_status(shop, "init-e1-1.mp4", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(segment_store_note_end(shop->store, "tanaka", 0), -ENOENT);
	assert_int_equal(segment_store_begin(shop->store, &back), 0);
	shop->discontinuities = 1;
	first = shop_part(shop, 7, 0, 4);
	first->is_discontinuity = true;
	shop_add(shop, first);
	for (uint32_t i = 1; i < 4; i++)
		add_part(7, i);
	shop_add_segment(shop, 8);
	/* Two will do for him who names a number, or has waited as long as he may. */
	assert_int_equal(guests[0].woken + guests[1].woken, 0);
	assert_int_equal(guests[2].woken == 1 && guests[2].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(shop_status(shop, "main.m3u8", ""), SEGMENT_STORE_NOT_YET);
	late = shop_ask("main.m3u8", "");
	late.takes_short = true;
	assert_int_equal(segment_store_find(shop->store, &late, &found), SEGMENT_STORE_FOUND);
	shop_add_segment(shop, 9);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(guests[1].woken == 1 && guests[1].status == SEGMENT_STORE_FOUND, 1);
	/* It is there: there is nothing to expect, and nothing is forgotten. */
	assert_int_equal(segment_store_expect(shop->store, "tanaka", 0), 0);
	assert_int_equal(segment_store_expire(shop->store, INT64_C(3600) * 1000000), 0);
	assert_int_equal(shop_status(shop, "main.m3u8", ""), SEGMENT_STORE_FOUND);
}

static void what_does_not_come_back_is_not_expected_for_ever(void **state)
{
	struct part *p = shop_part(shop, 5, 0, 4);

	(void)state;
	segment_store_remove(shop->store, "tanaka");
	assert_int_equal(segment_store_expect(shop->store, "tanaka", 1000000), 0);
	assert_int_equal(segment_store_add(shop->store, "tanaka", p), -ENOENT);
	part_unref(p);
	let_wait(&guests[0], "main.m3u8", "");
	assert_int_equal(segment_store_expire(shop->store, 49 * 1000000), 0);
	assert_int_equal(guests[0].woken, 0);
	assert_int_equal(segment_store_expire(shop->store, 50 * 1000000), 1);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_NOT_FOUND, 1);
	assert_int_equal(shop_status(shop, "main.m3u8", ""), SEGMENT_STORE_NOT_FOUND);
}

static void a_wake_may_take_others_away_and_come_again(void **state)
{
	(void)state;
	shop_add_segment(shop, 97);
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=98&_HLS_part=0");
	let_wait(&guests[1], "main.m3u8", "_HLS_msn=98&_HLS_part=0");
	let_wait(&guests[2], "main.m3u8", "_HLS_msn=98");
	let_wait(&guests[3], "main.m3u8", "_HLS_msn=98&_HLS_part=0");
	guests[0].takes_along = &guests[1];
	guests[0].comes_again = true;
	guests[3].takes_along = &guests[2];
	add_part(98, 0);
	assert_int_equal(guests[0].woken, 1);
	assert_int_equal(guests[1].woken, 0);
	assert_int_equal(guests[3].woken, 1);
	for (uint32_t i = 1; i < 4; i++)
		add_part(98, i);
	assert_int_equal(guests[2].woken, 0);
	assert_int_equal(guests[0].woken, 1);
	shop_add_segment(shop, 99);
	assert_int_equal(guests[0].woken, 2);
}

static void the_byte_cap_leaves_the_newest(void **state)
{
	struct shop *other;

	(void)state;
	shop_close(state);
	shop_open_with(state, 5 * SHOP_PART_BYTES);
	other = shop = *state;
	for (uint64_t msn = 0; msn < 5; msn++)
		shop_add_segment(other, msn);
	assert_true(shop_playlist_has(other, "#EXT-X-MEDIA-SEQUENCE:4\n"));
	let_wait(&guests[0], "main.m3u8", "_HLS_msn=5&_HLS_part=1");
	add_part(5, 0);
	add_part(5, 1);
	assert_int_equal(guests[0].woken == 1 && guests[0].status == SEGMENT_STORE_FOUND, 1);
	assert_int_equal(shop_status(other, "part-e1-1.m4s", ""), SEGMENT_STORE_NOT_FOUND);
	assert_int_equal(shop_status(other, "part-e1-17.m4s", ""), SEGMENT_STORE_FOUND);
}

#define WITH_SHOP(test) cmocka_unit_test_setup_teardown(test, open_up, close_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SHOP(parts_show_as_they_come),
		WITH_SHOP(parts_leave_the_playlist_after_three_targets),
		WITH_SHOP(a_new_init_is_there_with_its_first_part),
		WITH_SHOP(the_query_counts_for_media_playlists_alone),
		WITH_SHOP(each_is_woken_by_what_he_waits_for),
		WITH_SHOP(a_hint_is_true_when_the_segment_breaks_off),
		WITH_SHOP(who_waits_while_the_publisher_is_away_gets_what_comes_then),
		WITH_SHOP(a_lost_part_ends_its_segment),
		WITH_SHOP(the_last_part_of_a_segment_is_lost),
		WITH_SHOP(behind_a_lost_segment_parts_wait_for_theirs),
		WITH_SHOP(the_end_answers_all),
		WITH_SHOP(taken_down_is_gone),
		WITH_SHOP(a_new_stream_of_the_name_goes_on_counting),
		WITH_SHOP(an_expected_stream_is_waited_for),
		WITH_SHOP(what_does_not_come_back_is_not_expected_for_ever),
		WITH_SHOP(a_wake_may_take_others_away_and_come_again),
		WITH_SHOP(the_byte_cap_leaves_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
