/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/shop.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/part_fixture.h"

int shop_open_with(void **state, size_t max_bytes)
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

int shop_open(void **state)
{
	return shop_open_with(state, 0);
}

int shop_close(void **state)
{
	struct shop *shop = *state;

	segment_store_destroy(&shop->store);
	part_init_unref(shop->init);
	free(shop);
	return 0;
}

struct part *shop_part(struct shop *shop, uint64_t msn, uint32_t index, uint32_t count)
{
	struct part *p = part_create(0);

	assert_non_null(p);
	p->msn = msn;
	p->index = index;
	p->sequence = ++shop->sequence;
	p->start_90k = shop->at_90k;
	p->duration_90k = 2 * 90000 / count;
	p->wall_ms = shop->has_no_wall_clock ? -1 : 1790000000000 + shop->at_90k / 90;
	p->is_segment_start = index == 0;
	p->is_segment_end = index + 1 == count;
	p->is_independent = index == 0;
	p->discontinuity_sequence = shop->discontinuities;
	p->moof = shared_create(10);
	p->mdat = shared_create(SHOP_MDAT_BYTES);
	assert_true(p->moof && p->mdat);
	memset(p->moof->data, (int)msn, 10);
	memset(p->mdat->data, (int)index, SHOP_MDAT_BYTES);
	p->bytes = 10 + SHOP_MDAT_BYTES;
	p->init = part_init_ref(shop->init);
	shop->at_90k += p->duration_90k;
	return p;
}

void shop_add(struct shop *shop, struct part *p)
{
	assert_int_equal(segment_store_add(shop->store, "tanaka", p), 0);
	part_unref(p);
}

/* A segment of 2 s in four parts. */
void shop_add_segment(struct shop *shop, uint64_t msn)
{
	for (uint32_t i = 0; i < 4; i++)
		shop_add(shop, shop_part(shop, msn, i, 4));
}

struct segment_store_ask shop_ask(const char *last, const char *query)
{
	return (struct segment_store_ask){
		.stream = "tanaka", .stream_len = 6, .resource = last, .resource_len = strlen(last), .query = query
	};
}

enum segment_store_status shop_status(struct shop *shop, const char *last, const char *query)
{
	const struct segment_store_ask ask = shop_ask(last, query);
	struct segment_store_found found;

	return segment_store_find(shop->store, &ask, &found);
}

bool shop_find(struct shop *shop, const char *last, bool wants_gzip, struct segment_store_found *out)
{
	struct segment_store_ask ask = shop_ask(last, "");

	ask.wants_gzip = wants_gzip;
	ask.takes_short = true;
	return segment_store_find(shop->store, &ask, out) == SEGMENT_STORE_FOUND;
}

bool shop_has_segment(struct shop *shop, uint64_t msn)
{
	struct segment_store_found found;
	char name[64];

	(void)snprintf(name, sizeof(name), "seg-e1-%" PRIu64 ".m4s", msn);
	return shop_find(shop, name, false, &found);
}

bool shop_playlist_has(struct shop *shop, const char *text)
{
	struct segment_store_found found;
	char copy[8192];

	assert_true(shop_find(shop, "main.m3u8", false, &found));
	assert_true(found.body->size_bytes < sizeof(copy));
	memcpy(copy, found.body->pieces[0]->data, found.body->size_bytes);
	copy[found.body->size_bytes] = '\0';
	return strstr(copy, text) != NULL;
}
