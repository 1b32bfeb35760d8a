/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `isaribi run`: starts one node, says where to publish and watch, starts the node again when it dies.
 *
 * Owner: the main thread, the only one. Lifetime: the call. A node that never became ready is not started again: what
 * is wrong then does not go away by itself. The key is written to stdout, and nowhere else.
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_RUN_H
#define ISARIBI_PROGRAMS_ISARIBI_RUN_H

#include "programs/isaribi_home.h"

/* Until a signal or until the node cannot be kept running; the exit code of the program. home is borrowed. */
int run_home(struct home *home);

#endif
