/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every case again with the nth allocation failing: takes the place of cmocka's runner when ISARIBI_OOM is set.
 *
 * A first child counts the case's allocations and notes where each comes from (a hash of the call stack). Then there is
 * one child for the first from each place, for the others of the first EXHAUSTIVE, and for a seeded sample of the rest,
 * until the case's time is up. ISARIBI_OOM_SEED, ISARIBI_OOM_SAMPLE (how many of the rest) and ISARIBI_OOM_SECONDS (a
 * case) make another or a longer run; with ISARIBI_OOM_CASE and ISARIBI_OOM_NTH one runs alone and without a child, for
 * a debugger.
 */
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "tests/unit/oom.h"
#include "tests/unit/oom_folder.h"

enum {
	EXHAUSTIVE = 32,
	CASE_S = 1, /* for one case */
	SAMPLE = 8,
	PLACES_MAX = 1 << 13, /* the first allocations of a case: to these it keeps */
	STACK_DEPTH = 16,
	COUNT_LIMIT_S = 10, /* a case that takes longer is not run again and again: it counts as cut short */
	LIMIT_S = 30,	    /* a case that has not ended by then hangs: those that wait for an event give up before */
	SHOWN_IN_FULL = 8,  /* reports, per program */
	FOUND_MAX = 20,	    /* of a case, then the next */
	EXIT_GAVE_UP = 90,  /* an assertion of the test: it did not expect this */
};

/* What the counting child tells: shared memory. */
struct count {
	size_t n;
	uint64_t places[PLACES_MAX];
};

struct rerun {
	CMFixtureFunction set_up; /* of the group */
	CMFixtureFunction tear_down;
	size_t sample;
	uint64_t random;
	FILE *output; /* of the child */
	size_t n_run;
	size_t n_allocations;
	size_t n_findings;
	size_t n_findings_before; /* this case */
	int64_t case_ms;
	int64_t until_ms; /* this case */
	bool is_cut_short;
	size_t n_cut_short;
};

static struct count *count;
static struct rerun rerun;
static const struct CMUnitTest *current;
static bool has_passed;
static bool is_over; /* and passed, the teardown, too */

int __real__cmocka_run_group_tests(
    const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __wrap__cmocka_run_group_tests(
    const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction set_up, CMFixtureFunction tear_down);

/* cmocka would take a fault for a failed assertion: the sanitizer must see it first. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return getenv("ISARIBI_OOM") ? "handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2" : "";
}

/* FNV-1a over the return addresses: multiplication wraps on purpose. */
static void note_place(size_t nth)
{
	void *stack[STACK_DEPTH];
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	int depth;

	if (nth > PLACES_MAX)
		return;
	depth = backtrace(stack, STACK_DEPTH);
	for (int i = 0; i < depth; i++)
		hash = (hash ^ (uint64_t)(uintptr_t)stack[i]) * UINT64_C(0x100000001b3);
	count->places[nth - 1] = hash;
}

static void run_case(void **state)
{
	current->test_func(state);
	has_passed = true;
}

/* A case that was left half way has left its fixture half way, too: nothing can be learned from undoing that. */
static int tear_down_case(void **state)
{
	if (!has_passed)
		_exit(EXIT_GAVE_UP);
	return current->teardown_func ? current->teardown_func(state) : 0;
}

static int tear_down_group(void **state)
{
	if (!has_passed)
		_exit(EXIT_GAVE_UP);
	return rerun.tear_down ? rerun.tear_down(state) : 0;
}

/*
 * cmocka ends the process where an assertion cannot jump, as on a loop's thread. This runs before LeakSanitizer's own.
 */
static void give_up_unless_over(void)
{
	if (!is_over)
		_exit(EXIT_GAVE_UP);
}

/* In a child: the whole life of a case. nth 0 counts. */
ATTR_NORETURN static void be_child(size_t nth)
{
	const struct CMUnitTest one = { current->name, run_case, current->setup_func, tear_down_case,
		current->initial_state };

	alarm(nth == 0 ? COUNT_LIMIT_S : LIMIT_S);
	atexit(give_up_unless_over);
	oom_watch(nth == 0 ? note_place : NULL);
	oom_arm(nth, false);
	if (__real__cmocka_run_group_tests("oom", &one, 1, rerun.set_up, tear_down_group) != 0)
		_exit(EXIT_GAVE_UP);
	nth = oom_disarm(NULL);
	if (count)
		count->n = nth;
	is_over = true;
	exit(EXIT_SUCCESS); /* and LeakSanitizer looks */
}

static int run_child(size_t nth)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	if (ftruncate(fileno(rerun.output), 0) != 0)
		abort();
	rewind(rerun.output);
	pid = fork();
	if (pid == 0) {
		dup2(fileno(rerun.output), STDOUT_FILENO);
		dup2(fileno(rerun.output), STDERR_FILENO);
		be_child(nth);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	oom_folder_empty();
	return status;
}

static void show_output(void)
{
	char line[1024];

	rewind(rerun.output);
	while (fgets(line, sizeof(line), rerun.output))
		fputs(line, stdout);
}

static void judge(size_t nth, int status)
{
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == EXIT_SUCCESS || (nth > 0 && WEXITSTATUS(status) == EXIT_GAVE_UP)))
		return;
	printf("oom: %s: allocation %zu: ", current->name, nth);
	if (nth == 0)
		printf("does not pass by itself\n");
	else if (WIFEXITED(status))
		printf("a sanitizer's report\n");
	else
		printf("%s\n", WTERMSIG(status) == SIGALRM ? "does not end" : strsignal(WTERMSIG(status)));
	if (rerun.n_findings++ < SHOWN_IN_FULL)
		show_output();
}

/* splitmix64: it wraps on purpose. */
static uint64_t draw(void)
{
	uint64_t z = rerun.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static bool is_new_place(size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (count->places[i] == count->places[index])
			return false;
	}
	return true;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False: this case has had its time, or has shown enough. */
static bool fail_one(size_t nth)
{
	if (now_ms() >= rerun.until_ms) {
		rerun.is_cut_short = true;
		return false;
	}
	rerun.n_run++;
	judge(nth, run_child(nth));
	return rerun.n_findings - rerun.n_findings_before < FOUND_MAX;
}

static void fail_each(size_t n)
{
	static bool is_first[PLACES_MAX];

	for (size_t i = 0; i < n; i++)
		is_first[i] = is_new_place(i);
	for (size_t i = 0; i < n; i++) {
		if (is_first[i] && !fail_one(i + 1))
			return;
	}
	for (size_t i = 0; i < n && i < EXHAUSTIVE; i++) {
		if (!is_first[i] && !fail_one(i + 1))
			return;
	}
	for (size_t i = 0; n > EXHAUSTIVE && i < rerun.sample; i++) {
		if (!fail_one(EXHAUSTIVE + 1 + (size_t)(draw() % (n - EXHAUSTIVE))))
			return;
	}
}

static void rerun_case(void)
{
	size_t n;
	int status;

	count->n = 0;
	status = run_child(0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
		rerun.n_cut_short++;
		return;
	}
	judge(0, status);
	n = count->n < PLACES_MAX ? count->n : PLACES_MAX;
	rerun.n_allocations += n;
	rerun.n_findings_before = rerun.n_findings;
	rerun.is_cut_short = false;
	rerun.until_ms = now_ms() + rerun.case_ms;
	fail_each(n);
	rerun.n_cut_short += rerun.is_cut_short;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : otherwise;
}

static int rerun_all(const struct CMUnitTest *tests, size_t n)
{
	const char *only = getenv("ISARIBI_OOM_CASE");
	const unsigned long seed = setting("ISARIBI_OOM_SEED", 1);

	rerun.sample = setting("ISARIBI_OOM_SAMPLE", SAMPLE);
	rerun.random = seed;
	rerun.case_ms = (int64_t)setting("ISARIBI_OOM_SECONDS", CASE_S) * 1000;
	rerun.output = tmpfile();
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!rerun.output || count == MAP_FAILED || oom_folder_open() != 0)
		return EXIT_FAILURE;
	for (current = tests; current < tests + n; current++) {
		if (!only || strcmp(only, current->name) == 0)
			rerun_case();
	}
	printf("oom: %zu cases, %zu cut short, %zu of %zu allocations failed, %zu findings, seed %lu\n", n,
	    rerun.n_cut_short, rerun.n_run, rerun.n_allocations, rerun.n_findings, seed);
	fclose(rerun.output);
	oom_folder_close();
	return rerun.n_findings > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int __wrap__cmocka_run_group_tests(
    const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
	const char *only = getenv("ISARIBI_OOM_CASE");
	const unsigned long nth = setting("ISARIBI_OOM_NTH", 0);

	if (!getenv("ISARIBI_OOM"))
		return __real__cmocka_run_group_tests(name, tests, n, set_up, tear_down);
	rerun.set_up = set_up;
	rerun.tear_down = tear_down;
	for (current = tests; nth > 0 && current < tests + n; current++) {
		if (only && strcmp(only, current->name) == 0)
			be_child(nth);
	}
	return rerun_all(tests, n);
}
