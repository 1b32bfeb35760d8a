/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/splice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/splice_fixture.h"

static const int64_t start_90k = INT64_C(5000000000007);

/* A channel with one source. */
struct bench {
	struct slate *slate;
	struct splice splice;
	struct fixture_parts source;
	struct splice_check check;
	uint32_t sequence;
};

static struct bench bench;

static void set_up(const struct source_shape *shape)
{
	memset(&bench, 0, sizeof(bench));
	assert_int_equal(slate_create_built_in(&bench.slate), 0);
	splice_init(&bench.splice, bench.slate, start_90k, 0);
	bench.check = (struct splice_check){ .end_90k = start_90k, .audio_end_90k = start_90k };
	source_make(shape, &bench.source);
}

static void tear_down(void)
{
	fixture_parts_fini(&bench.source);
	splice_fini(&bench.splice);
	slate_destroy(&bench.slate);
}

static void begin_run(const struct part *part, int64_t pts_90k)
{
	assert_int_equal(splice_begin_run(&bench.splice, source_tracks(part), pts_90k), 0);
	bench.check.is_first = true;
}

/* NULL when nothing came. Checked; the caller's to unref. */
static struct part *take(const struct part *part, int64_t from_90k, int64_t until_90k)
{
	const struct splice_slice slice = { .part = part, .from_90k = from_90k, .until_90k = until_90k };
	struct part *out;

	assert_int_equal(splice_part(&bench.splice, &slice, ++bench.sequence, &out), 0);
	if (out) {
		assert_int_equal(out->sequence, bench.sequence);
		splice_check_part(&bench.check, out, &bench.splice);
	}
	return out;
}

static struct part *take_all(const struct part *part)
{
	return take(part, INT64_MIN, INT64_MAX);
}

static void whole_parts_share_their_mdat(void **state)
{
	const struct source_shape shape = {
		.fps_num = 30, .fps_den = 1, .gop = 60, .rate_hz = 48000, .lasts_90k = 5 * 90000
	};

	(void)state;
	set_up(&shape);
	begin_run(bench.source.parts[0], bench.source.parts[0]->start_90k);
	for (size_t i = 0; i + 1 < bench.source.count; i++) {
		struct part *p = take_all(bench.source.parts[i]);

		assert_ptr_equal(p->mdat, bench.source.parts[i]->mdat);
		assert_int_equal(p->start_90k, start_90k + bench.source.parts[i]->start_90k);
		assert_int_equal(p->duration_90k, bench.source.parts[i]->duration_90k);
		assert_int_equal(p->is_independent, i % 4 == 0);
		part_unref(p);
	}
	tear_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_parts_share_their_mdat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
