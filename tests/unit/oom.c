/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/oom.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { SWEEP_MAX = 10000 };

static atomic_bool is_armed;
static atomic_size_t n_allocations;
static size_t failing; /* 0: none; written while nothing is armed */
static bool is_for_good;
static atomic_bool was_hit;
static oom_watch_fn watch;

/* The linker's names (ld --wrap): __wrap_x is called for x, __real_x is x. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t max);
FILE *__real_open_memstream(char **text, size_t *len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);
FILE *__wrap_open_memstream(char **text, size_t *len);

/* LeakSanitizer's, where there is one: 0 when nothing is lost. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static bool must_fail(void)
{
	size_t nth;

	if (!atomic_load(&is_armed))
		return false;
	nth = atomic_fetch_add(&n_allocations, 1) + 1;
	if (watch)
		watch(nth);
	if (failing == 0 || nth < failing || (nth > failing && !is_for_good))
		return false;
	atomic_store(&was_hit, true);
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return must_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return must_fail() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *text)
{
	return must_fail() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t max)
{
	return must_fail() ? NULL : __real_strndup(text, max);
}

FILE *__wrap_open_memstream(char **text, size_t *len)
{
	return must_fail() ? NULL : __real_open_memstream(text, len);
}

void oom_watch(oom_watch_fn fn)
{
	watch = fn;
}

unsigned oom_wait_ms(unsigned usual_ms)
{
	enum { SHORT_MS = 1500 };

	return failing != 0 && usual_ms > SHORT_MS ? SHORT_MS : usual_ms;
}

void oom_arm(size_t nth, bool for_good)
{
	failing = nth;
	is_for_good = for_good;
	atomic_store(&n_allocations, 0);
	atomic_store(&was_hit, false);
	atomic_store(&is_armed, true);
}

size_t oom_disarm(bool *hit)
{
	atomic_store(&is_armed, false);
	if (hit)
		*hit = atomic_load(&was_hit);
	return atomic_load(&n_allocations);
}

/* Whether an allocation was there to fail. */
static bool sweep_one(oom_scenario_fn scenario, void *arg, int refusal, size_t nth, bool for_good)
{
	bool hit;
	int answer;

	oom_arm(nth, for_good);
	answer = scenario(arg);
	oom_disarm(&hit);
	if (answer != 0 && !(hit && answer == refusal))
		fail_msg("allocation %zu %s: the answer is %d", nth, hit ? "failed" : "did not fail", answer);
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
		fail_msg("allocation %zu failed: something is lost", nth);
	return hit;
}

void oom_sweep(oom_scenario_fn scenario, void *arg, int refusal, size_t at_least)
{
	for (int for_good = 0; for_good <= 1; for_good++) {
		size_t nth = 1;

		while (sweep_one(scenario, arg, refusal, nth, for_good != 0)) {
			nth++;
			assert_true(nth < SWEEP_MAX);
		}
		if (nth - 1 < at_least)
			fail_msg("only %zu allocations were there to fail", nth - 1);
	}
}
