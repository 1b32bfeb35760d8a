/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/loss.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
	PACKETS = 400000,
	LONGEST = 64,
};

struct seen {
	size_t n_random;
	size_t n_burst;
	size_t n_runs;
	size_t runs[LONGEST]; /* how many of each length, the last: that or longer */
};

static struct seen see(uint64_t seed, double random, const struct loss_bursts *bursts, size_t n)
{
	struct loss loss;
	struct seen seen = { 0 };
	size_t run = 0;

	loss_init(&loss, seed, 0);
	for (size_t i = 0; i < n; i++) {
		enum loss_fate fate = loss_next(&loss, random, bursts);

		seen.n_random += fate == LOSS_RANDOM;
		seen.n_burst += fate == LOSS_BURST;
		if (fate == LOSS_BURST) {
			run++;
		} else if (run > 0) {
			seen.n_runs++;
			seen.runs[run < LONGEST ? run : LONGEST - 1]++;
			run = 0;
		}
	}
	return seen;
}

static void assert_near(double got, double want, double tolerance)
{
	if (got < want * (1 - tolerance) || got > want * (1 + tolerance))
		fail_msg("%g is not within %g %% of %g", got, tolerance * 100, want);
}

static void random_loss_has_its_share(void **state)
{
	static const double shares[] = { 0.0001, 0.005, 0.05, 0.2, 0.9 };

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct seen seen = see(11, shares[i], &(struct loss_bursts){ 0 }, PACKETS);

		assert_near((double)seen.n_random / PACKETS, shares[i], shares[i] < 0.001 ? 0.4 : 0.05);
		assert_int_equal(seen.n_burst, 0);
	}
	assert_int_equal(see(11, 0, &(struct loss_bursts){ 0 }, PACKETS).n_random, 0);
	assert_int_equal(see(11, 1, &(struct loss_bursts){ 0 }, PACKETS).n_random, PACKETS);
}

static void bursts_have_share_and_length(void **state)
{
	static const struct {
		double share;
		double mean;
	} rows[] = { { 0.01, 5 }, { 0.05, 1 }, { 0.05, 3 }, { 0.2, 10 }, { 0.5, 2 }, { 0.5, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct loss_bursts bursts;
		struct seen seen;

		assert_int_equal(loss_bursts_of(&bursts, rows[i].share, rows[i].mean), 0);
		seen = see(12, 0, &bursts, PACKETS);
		assert_near((double)seen.n_burst / PACKETS, rows[i].share, 0.1);
		assert_near((double)seen.n_burst / (double)seen.n_runs, rows[i].mean, 0.1);
	}
}

/* A run of k has the probability (1 - r)^(k - 1) r. */
static void run_lengths_are_geometric(void **state)
{
	struct loss_bursts bursts;
	struct seen seen;
	double want = 0.25;

	(void)state;
	assert_int_equal(loss_bursts_of(&bursts, 0.1, 4), 0);
	seen = see(13, 0, &bursts, PACKETS);
	for (size_t k = 1; k <= 8; k++, want *= 0.75)
		assert_near((double)seen.runs[k] / (double)seen.n_runs, want, 0.15);
}

static void gilbert_elliott_loses_in_both_states(void **state)
{
	/* Bad for 0.02 / (0.02 + 0.18) = 10 % of the time: 0.9 * 1 % + 0.1 * 50 % = 5.9 %. */
	static const struct loss_bursts bursts = { .p = 0.02, .r = 0.18, .loss_good = 0.01, .loss_bad = 0.5 };

	(void)state;
	assert_near((double)see(14, 0, &bursts, PACKETS).n_burst / PACKETS, 0.059, 0.05);
}

static void impossible_bursts_are_refused(void **state)
{
	static const struct {
		double share;
		double mean;
		int want;
	} rows[] = {
		{ 0, 1, 0 },
		{ 0, 5, 0 },
		{ 0.5, 1, 0 },
		{ 0.51, 1, -EINVAL },
		{ 0.8, 4, 0 },
		{ 0.81, 4, -EINVAL },
		{ 1, 100, -EINVAL },
		{ -0.1, 3, -EINVAL },
		{ 0.1, 0.9, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct loss_bursts bursts;

		assert_int_equal(loss_bursts_of(&bursts, rows[i].share, rows[i].mean), rows[i].want);
	}
}

static void the_seed_decides(void **state)
{
	struct loss a, b, c, down;
	static const struct loss_bursts bursts = { .p = 0.05, .r = 0.3, .loss_bad = 0.8 };
	size_t n_other = 0, n_down = 0;

	(void)state;
	loss_init(&a, 5, 0);
	loss_init(&b, 5, 0);
	loss_init(&c, 6, 0);
	loss_init(&down, 5, 1);
	for (size_t i = 0; i < 5000; i++) {
		enum loss_fate fate = loss_next(&a, 0.1, &bursts);

		assert_int_equal(fate, loss_next(&b, 0.1, &bursts));
		n_other += fate != loss_next(&c, 0.1, &bursts);
		n_down += fate != loss_next(&down, 0.1, &bursts);
	}
	assert_true(n_other > 500);
	assert_true(n_down > 500);
}

/* What is lost at random stays the same when bursts come on top: streams do not disturb each other. */
static void purposes_do_not_disturb_each_other(void **state)
{
	struct loss a, b;
	static const struct loss_bursts none = { 0 }, bursts = { .p = 0.05, .r = 0.3, .loss_bad = 1 };

	(void)state;
	loss_init(&a, 5, 0);
	loss_init(&b, 5, 0);
	for (size_t i = 0; i < 5000; i++) {
		enum loss_fate alone = loss_next(&a, 0.1, &none), both = loss_next(&b, 0.1, &bursts);

		assert_true(both == alone || both == LOSS_BURST);
	}
}

static void names_make_other_seeds(void **state)
{
	struct dice events = dice_make(1, 0, DICE_EVENTS), jitter = dice_make(1, 0, DICE_JITTER);

	(void)state;
	assert_true(dice_seed_of(1, "main") != dice_seed_of(1, "backup"));
	assert_true(dice_seed_of(1, "main") != dice_seed_of(2, "main"));
	assert_true(dice_seed_of(1, "ab") != dice_seed_of(1, "ba"));
	assert_true(dice_draw(&events) != dice_draw(&jitter));
	for (size_t i = 0; i < 1000; i++) {
		double x = dice_between(&events, 2, 3);

		assert_true(x >= 2 && x < 3);
		assert_true(dice_at(&events, i) == dice_at(&events, i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_loss_has_its_share),
		cmocka_unit_test(bursts_have_share_and_length),
		cmocka_unit_test(run_lengths_are_geometric),
		cmocka_unit_test(gilbert_elliott_loses_in_both_states),
		cmocka_unit_test(impossible_bursts_are_refused),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(purposes_do_not_disturb_each_other),
		cmocka_unit_test(names_make_other_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
