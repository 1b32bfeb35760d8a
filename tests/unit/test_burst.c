/* SPDX-License-Identifier: Apache-2.0 */
#include "base/burst.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	PAIRS = 3,
	NOT_DONE = -1000000,
	MORE_THAN_A_SOCKET_TAKES = 8 * 1024 * 1024,
};

struct fixture {
	struct burst *burst;
	int ours[PAIRS];
	int theirs[PAIRS];
	ssize_t done[BURST_MAX_WRITES + 1];
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(burst_create(&f.burst), 0);
	for (int i = 0; i < PAIRS; i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		f.ours[i] = fds[0];
		f.theirs[i] = fds[1];
	}
	for (int i = 0; i <= BURST_MAX_WRITES; i++)
		f.done[i] = NOT_DONE;
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	burst_destroy(&f->burst);
	for (int i = 0; i < PAIRS; i++) {
		close(f->ours[i]);
		if (f->theirs[i] >= 0)
			close(f->theirs[i]);
	}
	return 0;
}

static void on_done(void *arg, ssize_t n)
{
	ssize_t *done = arg;

	assert_int_equal(*done, NOT_DONE);
	*done = n;
}

static void assert_reads(int fd, const char *text)
{
	char buf[64] = { 0 };

	assert_int_equal(recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT), strlen(text));
	assert_string_equal(buf, text);
}

static void each_socket_gets_its_own(void **state)
{
	struct fixture *f = *state;
	char one[] = "one", two[] = "two";
	const struct iovec first = { one, 3 };
	const struct iovec both[] = { { one, 3 }, { two, 3 } };

	burst_add(f->burst, f->ours[0], &first, 1, on_done, &f->done[0]);
	burst_add(f->burst, f->ours[1], both, 2, on_done, &f->done[1]);
	assert_int_equal(f->done[0], NOT_DONE);
	burst_send(f->burst);
	assert_int_equal(f->done[0], 3);
	assert_int_equal(f->done[1], 6);
	assert_reads(f->theirs[0], "one");
	assert_reads(f->theirs[1], "onetwo");
	/* And once more: what was sent is forgotten. */
	f->done[0] = NOT_DONE;
	burst_add(f->burst, f->ours[0], both, 2, on_done, &f->done[0]);
	burst_send(f->burst);
	assert_int_equal(f->done[0], 6);
}

static void one_that_is_full_or_gone_does_not_hold_up_the_others(void **state)
{
	struct fixture *f = *state;
	static char much[MORE_THAN_A_SOCKET_TAKES];
	const struct iovec big = { much, sizeof(much) };
	const struct iovec small = { much, 1 };

	close(f->theirs[1]);
	f->theirs[1] = -1;
	burst_add(f->burst, f->ours[0], &big, 1, on_done, &f->done[0]);
	burst_add(f->burst, f->ours[1], &small, 1, on_done, &f->done[1]);
	burst_add(f->burst, f->ours[0], &small, 1, on_done, &f->done[2]);
	burst_add(f->burst, -1, &small, 1, on_done, &f->done[3]);
	burst_add(f->burst, f->ours[2], &small, 1, on_done, &f->done[4]);
	burst_send(f->burst);
	assert_in_range(f->done[0], 1, sizeof(much) - 1);
	assert_int_equal(f->done[1], -EPIPE);
	assert_int_equal(f->done[2], 0);
	assert_int_equal(f->done[3], -EBADF);
	assert_int_equal(f->done[4], 1);
}

static void a_full_burst_goes_by_itself(void **state)
{
	struct fixture *f = *state;
	char byte = 'x';
	const struct iovec small = { &byte, 1 };

	for (int i = 0; i <= BURST_MAX_WRITES; i++)
		burst_add(f->burst, f->ours[i % PAIRS], &small, 1, on_done, &f->done[i]);
	assert_int_equal(f->done[BURST_MAX_WRITES - 1], 1);
	assert_int_equal(f->done[BURST_MAX_WRITES], NOT_DONE);
	burst_send(f->burst);
	assert_int_equal(f->done[BURST_MAX_WRITES], 1);
}

static void ask_again(void *arg, ssize_t n)
{
	struct fixture *f = arg;

	f->done[0] = n;
	burst_send(f->burst);
}

static void sending_inside_a_done_does_nothing(void **state)
{
	struct fixture *f = *state;
	char byte = 'x';
	const struct iovec small = { &byte, 1 };

	burst_add(f->burst, f->ours[0], &small, 1, ask_again, f);
	burst_add(f->burst, f->ours[1], &small, 1, on_done, &f->done[1]);
	burst_send(f->burst);
	assert_int_equal(f->done[0], 1);
	assert_int_equal(f->done[1], 1);
	burst_send(f->burst);
	burst_send(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_socket_gets_its_own),
		TEST(one_that_is_full_or_gone_does_not_hold_up_the_others),
		TEST(a_full_burst_goes_by_itself),
		TEST(sending_inside_a_done_does_nothing),
	};
	struct burst *burst;

	if (burst_create(&burst) != 0) {
		print_message("no io_uring here: nothing to test\n");
		return 0;
	}
	burst_destroy(&burst);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
