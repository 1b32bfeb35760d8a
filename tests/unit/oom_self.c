/* SPDX-License-Identifier: Apache-2.0 */
/* Can the rerun hear? One case for each thing it must find, and some that it must not mind (CTest oom.self). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/oom.h"

struct pair {
	char *first;
	char *second;
};

/* As code of the product would be that does not look. The compiler must not see through it. */
static char *volatile last;

static void forgets_to_look(void **state)
{
	char *text = malloc(10);

	(void)state;
	last = text;
	last[0] = 'x';
	free(text);
}

static int pair_init(struct pair *p)
{
	p->first = malloc(10);
	p->second = malloc(10);
	return p->first && p->second ? 0 : -1; /* and the one that was there is lost */
}

static void leaks_on_the_error_path(void **state)
{
	struct pair p;

	(void)state;
	if (pair_init(&p) != 0)
		return;
	free(p.first);
	free(p.second);
}

static void aborts(void **state)
{
	char *text = strdup("x");

	(void)state;
	if (!text)
		abort();
	free(text);
}

static void uses_what_was_freed(void **state)
{
	char *text = calloc(1, 10);
	char *other;

	(void)state;
	last = text;
	if (!text)
		return;
	other = malloc(10);
	free(text);
	if (!other)
		last[0] = 'x';
	free(other);
}

/* The 100th is beyond those that are all tried: its place is what finds it. */
static void forgets_to_look_late(void **state)
{
	(void)state;
	for (int i = 0; i < 99; i++) {
		last = malloc(1);
		free(last);
	}
	forgets_to_look(state);
}

static void gives_up(void **state)
{
	char *text = malloc(10);
	char *other = malloc(10);

	(void)state;
	assert_non_null(text);
	assert_non_null(other); /* the first is lost: nobody minds */
	free(text);
	free(other);
}

static void is_fine(void **state)
{
	char *text = malloc(10);

	(void)state;
	free(text);
}

/* The sweep of one scenario in this process, told what it did not do. */
static int half(void *arg)
{
	char *text = malloc(10);

	(void)arg;
	if (!text)
		return -1;
	free(text);
	return 0;
}

static void a_sweep_is_fine(void **state)
{
	(void)state;
	oom_sweep(half, NULL, -1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgets_to_look),
		cmocka_unit_test(leaks_on_the_error_path),
		cmocka_unit_test(aborts),
		cmocka_unit_test(uses_what_was_freed),
		cmocka_unit_test(forgets_to_look_late),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(is_fine),
		cmocka_unit_test(a_sweep_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
