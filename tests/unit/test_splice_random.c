/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of every kind, cut anywhere, in any order: what must hold for the parts of a channel holds for all of them.
 */
#include "packager/splice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/oom.h"
#include "tests/unit/splice_fixture.h"

enum {
	SOURCES = 40,
	CHANNELS = 25,
	RUNS = 60,
};

static struct fixture_parts sources[SOURCES];

struct channel {
	struct splice splice;
	struct splice_check check;
	struct slate *slate;
	uint64_t dice;
	uint32_t sequence;
	int64_t start_90k;
	int64_t holes_90k;
	size_t parts;
	size_t shared;
};

/* xorshift: the same in every run of the test */
static uint32_t roll(uint64_t *dice, uint32_t n)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return (uint32_t)((*dice >> 20) % n);
}

static void make_sources(uint64_t seed)
{
	static const uint32_t rates[][2] = { { 30, 1 }, { 25, 1 }, { 24, 1 }, { 30000, 1001 }, { 15, 1 }, { 60, 1 } };
	static const uint32_t sounds[] = { 48000, 44100, 32000 };
	static const uint32_t reorders[] = { 0, 0, 1, 2, 3, 5 };

	for (size_t i = 0; i < SOURCES; i++) {
		uint32_t rate = roll(&seed, ARRAY_LEN(rates));
		struct source_shape shape = {
			.fps_num = rates[rate][0],
			.fps_den = rates[rate][1],
			.gop = 1 + roll(&seed, 90),
			.reorder = reorders[roll(&seed, ARRAY_LEN(reorders))],
			.rate_hz = sounds[roll(&seed, ARRAY_LEN(sounds))],
			.is_mono = roll(&seed, 3) == 0,
			.begins_90k = (int64_t)roll(&seed, 1000000000) * 100 + roll(&seed, 3000),
			.lasts_90k = 6 * 90000 + roll(&seed, 90000),
		};

		if (i % 8 == 0)
			shape.rate_hz = 0;
		else if (i % 8 == 1)
			shape.fps_num = 0;
		if (i % 5 == 2) {
			shape.audio_hole_at_90k = roll(&seed, 4 * 90000);
			shape.audio_hole_90k = roll(&seed, 90000);
		}
		sources[i].count = 0;
		source_make(&shape, &sources[i]);
	}
}

static void take(struct channel *c, const struct splice_slice *slice)
{
	int64_t end_90k = c->splice.end_90k;
	struct part *p;

	assert_int_equal(splice_part(&c->splice, slice, ++c->sequence, &p), 0);
	if (!p) {
		assert_int_equal(c->splice.end_90k, end_90k);
		return;
	}
	splice_check_part(&c->check, p, &c->splice);
	c->holes_90k += p->start_90k - end_90k;
	c->parts++;
	c->shared += p->mdat == slice->part->mdat;
	part_unref(p);
}

static void begin(struct channel *c, struct track *const tracks[TRACK_KINDS], int64_t pts_90k)
{
	int64_t end_90k = c->splice.end_90k;

	assert_int_equal(splice_begin_run(&c->splice, tracks, pts_90k), 0);
	/* waiting for pictures that are still to be shown */
	assert_in_range(c->splice.end_90k - end_90k, 0, 90000);
	c->holes_90k += c->splice.end_90k - end_90k;
	c->check.end_90k = c->splice.end_90k;
	c->check.is_first = true;
}

/* From a key frame, or of sound alone from anywhere, some parts with now and then one lost, and a cut or none. */
static void run_source(struct channel *c, const struct fixture_parts *source)
{
	size_t first = roll(&c->dice, (uint32_t)source->count);
	size_t last = first + roll(&c->dice, 6);
	const struct part *part = source->parts[first];
	bool has_video = part->init->tracks[TRACK_VIDEO] != NULL;
	int64_t keys_90k[64];
	size_t n = has_video ? source_keys(part, keys_90k, ARRAY_LEN(keys_90k)) : 0;
	int64_t from_90k = part->start_90k + roll(&c->dice, (uint32_t)part->duration_90k);

	if (has_video && n == 0)
		return;
	if (has_video)
		from_90k = keys_90k[roll(&c->dice, (uint32_t)n)];
	begin(c, part->init->tracks, from_90k);
	for (size_t i = first; i <= last && i < source->count; i++) {
		struct splice_slice slice = { source->parts[i], INT64_MIN, INT64_MAX };

		if (i == first && roll(&c->dice, 2))
			slice.from_90k = from_90k;
		if (i == last && roll(&c->dice, 4))
			slice.until_90k =
			    slice.part->start_90k + roll(&c->dice, (uint32_t)slice.part->duration_90k + 9000);
		c->check.may_have_hole = i > first;
		if (i == first || roll(&c->dice, 20))
			take(c, &slice);
	}
}

static void run_slate(struct channel *c)
{
	struct track *const tracks[TRACK_KINDS] = { slate_track(c->slate), NULL };
	uint32_t pictures = 1 + roll(&c->dice, 200);

	begin(c, tracks, 0);
	for (uint32_t first = 0; first < pictures;) {
		struct splice_slice slice = { NULL, INT64_MIN, INT64_MAX };
		struct part *part;

		assert_int_equal(slate_part(c->slate, first, 3000 + roll(&c->dice, 45000), &part), 0);
		slice.part = part;
		first += part->runs[0].sample_count;
		if (first >= pictures)
			slice.until_90k = part->start_90k + roll(&c->dice, (uint32_t)part->duration_90k);
		take(c, &slice);
		part_unref(part);
	}
}

static void run_channel(uint64_t seed)
{
	struct channel c = { .dice = seed, .start_90k = 1 + (int64_t)roll(&seed, 1000000000) * 5000 };
	int64_t made_90k;

	assert_int_equal(slate_create_built_in(&c.slate), 0);
	splice_init(&c.splice, c.slate, c.start_90k, 0);
	c.check = (struct splice_check){ .end_90k = c.start_90k, .audio_end_90k = c.start_90k };
	for (unsigned i = 0; i < RUNS; i++) {
		if (roll(&c.dice, 5) == 0)
			run_slate(&c);
		else
			run_source(&c, &sources[roll(&c.dice, SOURCES)]);
	}
	made_90k = c.check.total_90k + c.holes_90k;
	assert_true(c.parts > RUNS / 2);
	assert_true(c.shared > 0);
	/* A begin without a part may have waited; nothing else is between the sum and the end. */
	assert_int_equal(made_90k, c.splice.end_90k - c.start_90k);
	splice_fini(&c.splice);
	slate_destroy(&c.slate);
}

static void whatever_comes_is_one_rising_timeline(void **state)
{
	(void)state;
	make_sources(20260401);
	for (uint64_t seed = 1; seed <= CHANNELS; seed++)
		run_channel(seed * UINT64_C(0x9e3779b97f4a7c15));
	for (size_t i = 0; i < SOURCES; i++)
		fixture_parts_fini(&sources[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_comes_is_one_rising_timeline),
	};

	if (getenv("ISARIBI_OOM")) /* its 100,000 allocations are those of test_splice, many times over */
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
