/* SPDX-License-Identifier: Apache-2.0 */
/* Through a pipe that takes and gives little at a time, while signals keep coming. */
#include "base/whole.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	BYTES = 1024 * 1024, /* many times what a pipe holds */
	SIGNAL_EVERY_US = 500,
	SIGNALS = 5, /* so many interrupt us before the other end moves */
};

static uint8_t sent[BYTES];
static uint8_t got[BYTES];
static volatile sig_atomic_t n_signals;
static int gate[2]; /* the other end waits here */

static void on_signal(int number)
{
	(void)number;
	n_signals = n_signals + 1;
	if (n_signals == SIGNALS)
		(void)!write(gate[1], "", 1);
}

/* They interrupt every call: there is no SA_RESTART. */
static void set_signals(bool is_on)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const suseconds_t every_us = is_on ? SIGNAL_EVERY_US : 0;
	const struct itimerval timer = { { 0, every_us }, { 0, every_us } };

	n_signals = 0;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void set_up(int fds[2])
{
	for (size_t i = 0; i < BYTES; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	memset(got, 0, sizeof(got));
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(gate), 0);
}

static void finish(pid_t pid)
{
	int status;

	set_signals(false);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(gate[0]);
	close(gate[1]);
}

static void all_is_written(void **state)
{
	char byte;
	int fds[2];
	pid_t pid;

	(void)state;
	set_up(fds);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[1]);
		_exit(read(gate[0], &byte, 1) == 1 && whole_read(fds[0], got, BYTES) == BYTES &&
			    memcmp(got, sent, BYTES) == 0
			? 0
			: 1);
	}
	close(fds[0]);
	set_signals(true);
	assert_int_equal(whole_write(fds[1], sent, BYTES), 0);
	assert_true(n_signals >= SIGNALS);
	close(fds[1]);
	finish(pid);
}

/* Up to the end of what there is. */
static void all_is_read(void **state)
{
	char byte;
	int fds[2];
	pid_t pid;

	(void)state;
	set_up(fds);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		_exit(read(gate[0], &byte, 1) == 1 && whole_write(fds[1], sent, BYTES - 1) == 0 ? 0 : 1);
	}
	close(fds[1]);
	set_signals(true);
	assert_int_equal(whole_read(fds[0], got, BYTES), BYTES - 1);
	assert_true(n_signals >= SIGNALS);
	assert_memory_equal(got, sent, BYTES - 1);
	close(fds[0]);
	finish(pid);
}

static void errors_are_told(void **state)
{
	(void)state;
	assert_int_equal(whole_write(-1, sent, 1), -EBADF);
	assert_int_equal(whole_read(-1, got, 1), -EBADF);
	assert_int_equal(whole_read_at(-1, got, 1, 0), -EBADF);
	assert_int_equal(whole_write(-1, sent, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_written),
		cmocka_unit_test(all_is_read),
		cmocka_unit_test(errors_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
