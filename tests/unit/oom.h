/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out when a test wants it to. Every unit test is linked so that the allocations of the program itself
 * (ours and the test's, not those inside shared libraries) pass here.
 *
 * Two ways to use it:
 * - oom.c's oom_sweep() runs one scenario in this process with the 1st, 2nd, … allocation failing, and holds it to its
 *   answer: exact, for what matters most (test_oom_*.c).
 * - oom_rerun.c runs every case of every unit test again with ISARIBI_OOM=1 in the environment (CTest oom.NAME), each
 *   time in a child process. There a failed assertion of the test counts for nothing: the test did not expect it. A
 * crash, an assertion of the product, a sanitizer's report, a case that does not end, and a leak where the case passed
 * count.
 *
 * Owner: any thread may allocate; a test's own thread arms and disarms.
 */
#ifndef ISARIBI_TESTS_UNIT_OOM_H
#define ISARIBI_TESTS_UNIT_OOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on the nth allocation (1: the next one) fails, and with is_for_good all that follow. 0: only counts. */
void oom_arm(size_t nth, bool is_for_good);
/* Nothing fails any more. How many allocations there were since oom_arm; *was_hit (may be NULL) whether one failed. */
size_t oom_disarm(bool *was_hit);

/* How long a test waits for an event: as long as it usually does, or much shorter where it may never come. */
unsigned oom_wait_ms(unsigned usual_ms);

/* Called at each allocation since oom_arm, before it is made; NULL: nobody. For oom_rerun.c. */
typedef void (*oom_watch_fn)(size_t nth);
void oom_watch(oom_watch_fn watch);

/*
 * One piece of work from nothing to nothing, that answers 0 or what it was answered when memory was out. It undoes what
 * it did in either case, and may call oom_disarm() as soon as the answer is there, to see what can still be used.
 */
typedef int (*oom_scenario_fn)(void *arg);

/*
 * Runs the scenario with each of its allocations failing, once alone and once with all that follow, until none is hit.
 * It must answer `refusal` when one failed (or 0, where it can do without) and 0 when none did, and leave no leak.
 * A case fails (cmocka) otherwise; and when fewer than at_least allocations were found to fail.
 */
void oom_sweep(oom_scenario_fn scenario, void *arg, int refusal, size_t at_least);

#endif
