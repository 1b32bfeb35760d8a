/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child process: started without a shell, never outliving its parent.
 *
 * Owner: the main thread, which is the only thread: forking is safe then. Lifetime: a value, CHILD_NONE before use; its
 * pid is reaped by child_reap() only. Not here: when to start it again (isaribi_restart.h).
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_CHILD_H
#define ISARIBI_PROGRAMS_ISARIBI_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CHILD_SECRET_FD = 3, /* where the child reads its secret */
	CHILD_LINE_SIZE = 256,
	CHILD_END_SIZE = 48,
};

struct child_spec {
	const char *const
	    *argv;	    /* argv[0] with a '/': a path; else looked for in PATH. Seen by everybody: no secrets */
	const char *secret; /* NULL: none. At most a page, read from CHILD_SECRET_FD */
	bool is_heard;	    /* its stdout is for us; else it goes to nobody */
	bool is_quiet;	    /* its stderr goes to nobody; else to where ours goes */
};

struct child {
	pid_t pid;  /* 0: does not run */
	int out_fd; /* non-blocking; -1: not heard */
	char line[CHILD_LINE_SIZE];
	size_t len;
	char end[CHILD_END_SIZE]; /* after child_reap(): "exit code 1", "signal 9" */
};

/* clang-format off */
#define CHILD_NONE { .out_fd = -1 }
/* clang-format on */

/* 0 or a negative errno. A program that cannot be executed ends with exit code 127. */
int child_start(struct child *child, const struct child_spec *spec);
/* Nothing when it does not run. */
void child_signal(const struct child *child, int signal_number);
/* True, once, when it has ended; its last output is for child_read_line() before. */
bool child_reap(struct child *child);
/* The next whole line of its output, without its end, valid until the next call; NULL: none yet. */
const char *child_read_line(struct child *child);

#endif
