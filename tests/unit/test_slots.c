/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { MANY = 1000 };

static void a_handle_finds_its_object_and_nothing_after_it(void **state)
{
	struct slots s;
	struct handle first;
	struct handle second;
	int a;
	int b;

	(void)state;
	slots_init(&s);
	assert_int_equal(slots_add(&s, &a, &first), 0);
	assert_ptr_equal(slots_get(&s, first), &a);
	slots_remove(&s, first);
	assert_null(slots_get(&s, first));

	/* The place is used again, the old handle still finds nothing and removes nothing. */
	assert_int_equal(slots_add(&s, &b, &second), 0);
	assert_int_equal(second.place, first.place);
	assert_null(slots_get(&s, first));
	slots_remove(&s, first);
	assert_ptr_equal(slots_get(&s, second), &b);
	assert_int_equal(s.n_used, 1);
	slots_fini(&s);
}

static void handles_that_were_never_given_find_nothing(void **state)
{
	const struct handle wrong[] = { { 0, 0 }, { 0, 2 }, { 1, 1 }, { UINT32_MAX, 1 }, { UINT32_MAX, UINT32_MAX } };
	struct slots s;
	struct handle h;
	int a;

	(void)state;
	slots_init(&s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_null(slots_get(&s, wrong[i]));
	assert_int_equal(slots_add(&s, &a, &h), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_null(slots_get(&s, wrong[i]));
		slots_remove(&s, wrong[i]);
	}
	assert_ptr_equal(slots_get(&s, h), &a);
	slots_fini(&s);
}

static void grows_and_reuses_places(void **state)
{
	static int objects[MANY];
	static struct handle handles[MANY];
	struct slots s;

	(void)state;
	slots_init(&s);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++)
			assert_int_equal(slots_add(&s, &objects[i], &handles[i]), 0);
		for (int i = 0; i < MANY; i++)
			assert_ptr_equal(slots_get(&s, handles[i]), &objects[i]);
		for (int i = 0; i < MANY; i++)
			slots_remove(&s, handles[i]);
		assert_int_equal(s.n_used, 0);
	}
	assert_int_equal(s.len, MANY);
	slots_fini(&s);
}

static void walks_over_all_while_they_are_removed(void **state)
{
	static int objects[MANY];
	static struct handle handles[MANY];
	struct slots s;
	uint32_t place = 0;
	int n = 0;
	int *object;

	(void)state;
	slots_init(&s);
	assert_null(slots_next(&s, &place));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(slots_add(&s, &objects[i], &handles[i]), 0);
	/* Each one that is met takes itself and its neighbour with it. */
	while ((object = slots_next(&s, &place)) != NULL) {
		slots_remove(&s, handles[object - objects]);
		if (object + 1 < objects + MANY)
			slots_remove(&s, handles[object + 1 - objects]);
		n++;
	}
	assert_int_equal(n, MANY / 2);
	assert_int_equal(s.n_used, 0);
	slots_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handle_finds_its_object_and_nothing_after_it),
		cmocka_unit_test(handles_that_were_never_given_find_nothing),
		cmocka_unit_test(grows_and_reuses_places),
		cmocka_unit_test(walks_over_all_while_they_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
