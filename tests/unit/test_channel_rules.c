/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/channel_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

enum { ALL = 8 };

/* Streams are called s0 to s7, clips c0 to c7. */
struct world {
	enum channel_verdict verdicts[ALL];
	bool is_broken[ALL];
	size_t turn;
};

static enum channel_verdict verdict_of(void *arg, const char *stream)
{
	const struct world *w = arg;

	return w->verdicts[stream[1] - '0'];
}

static bool is_usable(void *arg, const char *clip)
{
	const struct world *w = arg;

	return !w->is_broken[clip[1] - '0'];
}

static struct channel_choice choose(const struct plan_channel *plan, int64_t now_ms, struct world *w)
{
	const struct channel_facts facts = { .arg = w, .verdict = verdict_of, .is_usable = is_usable, .turn = w->turn };
	struct channel_choice choice;

	channel_rules_choose(&choice, plan, now_ms, &facts);
	return choice;
}

static void assert_choice(
    struct channel_choice c, enum channel_kind kind, const char *id, enum channel_why why, int64_t next_ms)
{
	assert_int_equal(c.kind, kind);
	assert_string_equal(c.id, id);
	assert_string_equal(channel_why_name(c.why), channel_why_name(why));
	assert_int_equal(c.next_ms, next_ms);
}

/* ---- one day of a venue ---- */

static struct plan_on_air usual_slots[] = {
	{ .from_ms = 1000, .until_ms = 2000, .stream = "s0" },
	{ .from_ms = 2000, .until_ms = 3000, .stream = "s1" },
	{ .from_ms = 5000, .until_ms = 0, .stream = "s2" },
};
static char usual_filler[][ID_SIZE] = { "c0", "c1", "c2" };
static const struct plan_channel usual = {
	.id = "main",
	.on_air = usual_slots,
	.n_on_air = ARRAY_LEN(usual_slots),
	.filler = usual_filler,
	.n_filler = ARRAY_LEN(usual_filler),
};
static const struct world all_good = {
	.verdicts = { CHANNEL_GOOD, CHANNEL_GOOD, CHANNEL_GOOD, CHANNEL_GOOD },
};

static void test_slots_then_filler_by_the_clock(void **state)
{
	struct world w = all_good;

	(void)state;
	assert_choice(choose(&usual, 999, &w), CHANNEL_CLIP, "c0", CHANNEL_WHY_FILLER, 1000);
	assert_choice(choose(&usual, 1000, &w), CHANNEL_LIVE, "s0", CHANNEL_WHY_SLOT, 2000);
	assert_choice(choose(&usual, 1999, &w), CHANNEL_LIVE, "s0", CHANNEL_WHY_SLOT, 2000);
	assert_choice(choose(&usual, 2000, &w), CHANNEL_LIVE, "s1", CHANNEL_WHY_SLOT, 3000);
	assert_choice(choose(&usual, 3000, &w), CHANNEL_CLIP, "c0", CHANNEL_WHY_FILLER, 5000);
	assert_choice(choose(&usual, 5000, &w), CHANNEL_LIVE, "s2", CHANNEL_WHY_SLOT, INT64_MAX);
}

static void test_the_override_goes_before_the_slot_in_its_window(void **state)
{
	struct plan_channel plan = usual;
	struct world w = all_good;

	(void)state;
	plan.override = (struct plan_override){ PLAN_OVERRIDE_STREAM, "s3", 1500, 2500 };
	assert_choice(choose(&plan, 500, &w), CHANNEL_CLIP, "c0", CHANNEL_WHY_FILLER, 1000);
	assert_choice(choose(&plan, 1200, &w), CHANNEL_LIVE, "s0", CHANNEL_WHY_SLOT, 1500);
	assert_choice(choose(&plan, 1500, &w), CHANNEL_LIVE, "s3", CHANNEL_WHY_OVERRIDE, 2500);
	assert_choice(choose(&plan, 2500, &w), CHANNEL_LIVE, "s1", CHANNEL_WHY_SLOT, 3000);
	plan.override = (struct plan_override){ PLAN_OVERRIDE_SLATE, "", 0, 0 };
	assert_choice(choose(&plan, 1500, &w), CHANNEL_SLATE, "", CHANNEL_WHY_OVERRIDE, INT64_MAX);
	plan.override = (struct plan_override){ PLAN_OVERRIDE_CLIP, "c2", 0, 4000 };
	assert_choice(choose(&plan, 1500, &w), CHANNEL_CLIP, "c2", CHANNEL_WHY_OVERRIDE, 4000);
}

static void test_a_stream_that_cannot_be_shown_gives_the_slate_with_its_reason(void **state)
{
	static const struct {
		enum channel_verdict verdict;
		enum channel_why why;
	} cases[] = {
		{ CHANNEL_ABSENT, CHANNEL_WHY_ABSENT },
		{ CHANNEL_LOST, CHANNEL_WHY_LOST },
		{ CHANNEL_RETURNING, CHANNEL_WHY_RETURNING },
		{ CHANNEL_MISFIT, CHANNEL_WHY_MISFIT },
		{ CHANNEL_TAKEN_DOWN, CHANNEL_WHY_TAKEN_DOWN },
	};
	struct plan_channel plan = usual;
	struct world w = all_good;

	(void)state;
	plan.override = (struct plan_override){ PLAN_OVERRIDE_STREAM, "s3", 2500, 2600 };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		w.verdicts[0] = w.verdicts[3] = cases[i].verdict;
		assert_choice(choose(&plan, 1500, &w), CHANNEL_SLATE, "s0", cases[i].why, 2000);
		/* not the slot's stream, which is there */
		assert_choice(choose(&plan, 2500, &w), CHANNEL_SLATE, "s3", cases[i].why, 2600);
	}
}

static void test_an_override_clip_that_is_broken_gives_the_slate(void **state)
{
	struct plan_channel plan = usual;
	struct world w = all_good;

	(void)state;
	plan.override = (struct plan_override){ PLAN_OVERRIDE_CLIP, "c2", 0, 0 };
	w.is_broken[2] = true;
	assert_choice(choose(&plan, 1500, &w), CHANNEL_SLATE, "c2", CHANNEL_WHY_CLIP_BROKEN, INT64_MAX);
}

static void test_fillers_take_turns_and_stand_in_for_each_other(void **state)
{
	struct world w = all_good;
	struct channel_choice c;

	(void)state;
	for (size_t turn = 0; turn < 7; turn++) {
		w.turn = turn;
		c = choose(&usual, 0, &w);
		assert_string_equal(c.id, usual_filler[turn % 3]);
		assert_int_equal(c.filler, turn % 3);
	}
	w.turn = 1;
	w.is_broken[1] = w.is_broken[2] = true;
	c = choose(&usual, 0, &w);
	assert_string_equal(c.id, "c0");
	assert_int_equal(c.filler, 0);
	w.is_broken[0] = true;
	assert_choice(choose(&usual, 0, &w), CHANNEL_SLATE, "", CHANNEL_WHY_CLIP_BROKEN, 1000);
}

static void test_a_plan_without_anything_gives_the_slate(void **state)
{
	static const struct plan_channel empty = { .id = "main" };
	struct world w = all_good;

	(void)state;
	assert_choice(choose(&empty, 0, &w), CHANNEL_SLATE, "", CHANNEL_WHY_NOTHING, INT64_MAX);
	assert_choice(choose(NULL, 0, &w), CHANNEL_SLATE, "", CHANNEL_WHY_NOTHING, INT64_MAX);
}

static void test_every_reason_has_a_name_and_both_languages(void **state)
{
	(void)state;
	for (enum channel_why a = 0; a < CHANNEL_WHY_COUNT; a++) {
		assert_true(strlen(channel_why_name(a)) > 0);
		assert_true(strlen(channel_why_ja(a)) > 0);
		assert_true(strlen(channel_why_en(a)) > 0);
		for (enum channel_why b = 0; b < a; b++)
			assert_string_not_equal(channel_why_name(a), channel_why_name(b));
	}
}

/* ---- a year ---- */

enum {
	MINUTE_MS = 60000,
	DAY_MS = 24 * 60 * MINUTE_MS,
	DAYS = 365,
	DAY_SLOTS = 20,
	DAY_CUTS = 2 * DAY_SLOTS + 4,
	NOBODY = -1,
	BY_HAND = -2,
};

/* A stretch of the day between two moments at which anything of the plan begins or ends, and who was painted on it. */
struct stretch {
	int64_t from_ms;
	int holder; /* a slot, BY_HAND or NOBODY */
};

struct day {
	struct plan_channel plan;
	struct plan_on_air slots[DAY_SLOTS];
	char filler[ALL][ID_SIZE];
	struct stretch stretches[DAY_CUTS];
	size_t n_stretches;
};

static uint64_t chance_state = 88172645463325252u;

/* Below n. */
static unsigned chance(unsigned n)
{
	chance_state ^= chance_state << 13;
	chance_state ^= chance_state >> 7;
	chance_state ^= chance_state << 17;
	return (unsigned)(chance_state >> 33) % n;
}

static void make_slots(struct day *d, int64_t begin_ms)
{
	int64_t at_ms = begin_ms;

	while (d->plan.n_on_air < DAY_SLOTS) {
		struct plan_on_air *slot = &d->slots[d->plan.n_on_air];

		at_ms += chance(3) == 0 ? 0 : (int64_t)chance(90 * MINUTE_MS);
		slot->from_ms = at_ms;
		at_ms += 1 + (int64_t)chance(120 * MINUTE_MS);
		slot->until_ms = at_ms;
		snprintf(slot->stream, sizeof(slot->stream), "s%u", chance(ALL));
		d->plan.n_on_air++;
		if (at_ms > begin_ms + DAY_MS)
			break;
	}
	if (chance(4) == 0)
		d->slots[d->plan.n_on_air - 1].until_ms = 0;
}

static void make_override(struct day *d, int64_t begin_ms)
{
	struct plan_override *o = &d->plan.override;

	o->kind = (enum plan_override_kind)chance(4);
	if (o->kind == PLAN_OVERRIDE_STREAM || o->kind == PLAN_OVERRIDE_CLIP)
		snprintf(o->id, sizeof(o->id), "%c%u", o->kind == PLAN_OVERRIDE_STREAM ? 's' : 'c', chance(ALL));
	o->from_ms = chance(3) == 0 ? 0 : begin_ms + (int64_t)chance(DAY_MS);
	o->until_ms = chance(3) == 0 ? 0 : begin_ms + (int64_t)chance(DAY_MS);
	if (o->until_ms != 0 && o->until_ms <= o->from_ms)
		o->until_ms = o->from_ms + 1 + (int64_t)chance(MINUTE_MS);
}

static int compare_stretches(const void *a, const void *b)
{
	const struct stretch *x = a;
	const struct stretch *y = b;

	return (x->from_ms > y->from_ms) - (x->from_ms < y->from_ms);
}

static void cut_at(struct day *d, int64_t at_ms)
{
	for (size_t i = 0; i < d->n_stretches; i++) {
		if (d->stretches[i].from_ms == at_ms)
			return;
	}
	assert_true(d->n_stretches < DAY_CUTS);
	d->stretches[d->n_stretches++] = (struct stretch){ .from_ms = at_ms, .holder = NOBODY };
}

static void paint(struct day *d, int64_t from_ms, int64_t until_ms, int holder)
{
	for (size_t i = 0; i < d->n_stretches; i++) {
		if (d->stretches[i].from_ms >= from_ms && (until_ms == 0 || d->stretches[i].from_ms < until_ms))
			d->stretches[i].holder = holder;
	}
}

/* The answer, made another way: everything is painted on a wall, the most important last. */
static void make_wall(struct day *d)
{
	const struct plan_override *o = &d->plan.override;

	d->n_stretches = 0;
	cut_at(d, 0);
	for (size_t i = 0; i < d->plan.n_on_air; i++) {
		cut_at(d, d->slots[i].from_ms);
		if (d->slots[i].until_ms != 0)
			cut_at(d, d->slots[i].until_ms);
	}
	if (o->kind != PLAN_OVERRIDE_NONE) {
		cut_at(d, o->from_ms);
		if (o->until_ms != 0)
			cut_at(d, o->until_ms);
	}
	qsort(d->stretches, d->n_stretches, sizeof(d->stretches[0]), compare_stretches);
	for (size_t i = 0; i < d->plan.n_on_air; i++)
		paint(d, d->slots[i].from_ms, d->slots[i].until_ms, (int)i);
	if (o->kind != PLAN_OVERRIDE_NONE)
		paint(d, o->from_ms, o->until_ms, BY_HAND);
}

static void make_day(struct day *d, int64_t begin_ms)
{
	memset(d, 0, sizeof(*d));
	d->plan.on_air = d->slots;
	d->plan.filler = d->filler;
	d->plan.n_filler = chance(ALL);
	for (size_t i = 0; i < d->plan.n_filler; i++)
		snprintf(d->filler[i], sizeof(d->filler[i]), "c%u", chance(ALL));
	make_slots(d, begin_ms);
	make_override(d, begin_ms);
	make_wall(d);
}

static size_t stretch_at(const struct day *d, int64_t now_ms)
{
	size_t i = 0;

	while (i + 1 < d->n_stretches && d->stretches[i + 1].from_ms <= now_ms)
		i++;
	return i;
}

/* Who is asked for, and what comes of it, in words. */
static void expect(const struct day *d, int holder, const struct world *w, char out[128])
{
	static const char *const verdicts[] = { "absent", NULL, "lost", "returning", "misfit", "taken_down" };
	const struct plan_override *o = &d->plan.override;
	const char *id = holder == BY_HAND ? o->id : holder >= 0 ? d->slots[holder].stream : "";
	const char *reason = holder == BY_HAND ? "override" : "slot";

	if (id[0] == 's') {
		const char *verdict = verdicts[w->verdicts[id[1] - '0']];

		snprintf(out, 128, "%s %s %s", verdict ? "slate" : "live", id, verdict ? verdict : reason);
	} else if (id[0] == 'c') {
		bool is_broken = w->is_broken[id[1] - '0'];

		snprintf(out, 128, "%s %s %s", is_broken ? "slate" : "clip", id, is_broken ? "clip_broken" : reason);
	} else if (holder == BY_HAND) {
		snprintf(out, 128, "slate  override");
	} else {
		snprintf(out, 128, "slate  %s", d->plan.n_filler == 0 ? "nothing" : "clip_broken");
		for (size_t i = d->plan.n_filler; i-- > 0;) { /* backwards: the last one written is the next in turn */
			const char *clip = d->filler[(w->turn + i) % d->plan.n_filler];

			if (!w->is_broken[clip[1] - '0'])
				snprintf(out, 128, "clip %s filler", clip);
		}
	}
}

static void check_moment(const struct day *d, int64_t now_ms, struct world *w)
{
	static const char *const kinds[] = { "slate", "live", "clip" };
	size_t at = stretch_at(d, now_ms);
	struct channel_choice c = choose(&d->plan, now_ms, w);
	int64_t next_ms = INT64_MAX;
	char expected[128];
	char got[128];

	expect(d, d->stretches[at].holder, w, expected);
	snprintf(got, sizeof(got), "%s %s %s", kinds[c.kind], c.id, channel_why_name(c.why));
	assert_string_equal(got, expected);
	for (size_t i = at + 1; i < d->n_stretches && next_ms == INT64_MAX; i++) {
		if (d->stretches[i].holder != d->stretches[at].holder)
			next_ms = d->stretches[i].from_ms;
	}
	assert_int_equal(c.next_ms, next_ms);
}

/* Streams come and go, clips break and are mended. */
static void turn_the_world(struct world *w)
{
	w->verdicts[chance(ALL)] = (enum channel_verdict)chance(6);
	w->is_broken[chance(ALL)] = chance(3) == 0;
	w->turn += chance(2);
}

static void test_a_year_by_the_minute_and_at_every_change(void **state)
{
	struct world w = all_good;
	static struct day d;
	size_t changes = 0;

	(void)state;
	for (int64_t day = 0; day < DAYS; day++) {
		int64_t begin_ms = INT64_C(1790000000000) + day * DAY_MS;
		int64_t next_ms;

		make_day(&d, begin_ms);
		for (int64_t minute = 0; minute < DAY_MS / MINUTE_MS; minute++) {
			turn_the_world(&w);
			check_moment(&d, begin_ms + minute * MINUTE_MS, &w);
		}
		for (int64_t now_ms = begin_ms; now_ms < begin_ms + DAY_MS; now_ms = next_ms, changes++) {
			next_ms = choose(&d.plan, now_ms, &w).next_ms;
			assert_true(next_ms > now_ms);
			if (next_ms == INT64_MAX)
				break;
			check_moment(&d, next_ms - 1, &w);
			check_moment(&d, next_ms, &w);
		}
	}
	assert_true(changes > 5 * DAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slots_then_filler_by_the_clock),
		cmocka_unit_test(test_the_override_goes_before_the_slot_in_its_window),
		cmocka_unit_test(test_a_stream_that_cannot_be_shown_gives_the_slate_with_its_reason),
		cmocka_unit_test(test_an_override_clip_that_is_broken_gives_the_slate),
		cmocka_unit_test(test_fillers_take_turns_and_stand_in_for_each_other),
		cmocka_unit_test(test_a_plan_without_anything_gives_the_slate),
		cmocka_unit_test(test_every_reason_has_a_name_and_both_languages),
		cmocka_unit_test(test_a_year_by_the_minute_and_at_every_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
