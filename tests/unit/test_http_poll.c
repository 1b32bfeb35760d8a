/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http_poll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/loop.h"

enum { SOCKETS = 2 };

struct fixture {
	struct loop *loop;
	struct http_poll poll;
	int ours[SOCKETS], theirs[SOCKETS];
	struct http_poll_socket sockets[SOCKETS];
	int told[SOCKETS];
	bool forgets_others; /* when one is told, the others are forgotten */
};

static struct fixture f;

static void on_event(struct http_poll_socket *socket)
{
	f.told[socket - f.sockets]++;
	for (size_t i = 0; f.forgets_others && i < SOCKETS; i++) {
		if (&f.sockets[i] != socket)
			http_poll_forget(&f.poll, &f.sockets[i], f.ours[i]);
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	if (loop_create(&f.loop, "test") != 0 || http_poll_init(&f.poll, f.loop, on_event) != 0)
		return -1;
	for (size_t i = 0; i < SOCKETS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
			return -1;
		f.ours[i] = pair[0];
		f.theirs[i] = pair[1];
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_poll_fini(&f.poll);
	for (size_t i = 0; i < SOCKETS; i++) {
		close(f.ours[i]);
		close(f.theirs[i]);
	}
	loop_turn(f.loop);
	loop_destroy(&f.loop);
	return 0;
}

static void turn(void)
{
	/* Everything here has happened before: one turn sees it, another would see it twice. */
	loop_turn(f.loop);
	loop_turn(f.loop);
}

static void want(size_t i, enum http_poll_what what)
{
	assert_int_equal(http_poll_want(&f.poll, &f.sockets[i], f.ours[i], what), 0);
}

static void test_room_is_told_once(void **state)
{
	(void)state;
	want(0, HTTP_POLL_ROOM);
	turn();
	assert_int_equal(f.told[0], 1);
	want(0, HTTP_POLL_ROOM);
	turn();
	assert_int_equal(f.told[0], 2);
	assert_int_equal(f.told[1], 0);
}

static void test_input_is_not_told(void **state)
{
	(void)state;
	want(0, HTTP_POLL_GONE);
	assert_int_equal(send(f.theirs[0], "x", 1, 0), 1);
	turn();
	assert_int_equal(f.told[0], 0);
}

static void test_a_client_that_leaves(void **state)
{
	(void)state;
	want(0, HTTP_POLL_GONE);
	turn();
	assert_int_equal(f.told[0], 0);
	assert_int_equal(shutdown(f.theirs[0], SHUT_WR), 0);
	turn();
	assert_int_equal(f.told[0], 1);
	/* Half closed, he may still read: then only room counts. */
	want(0, HTTP_POLL_ROOM);
	turn();
	assert_int_equal(f.told[0], 2);
}

static void test_who_is_forgotten_hears_nothing(void **state)
{
	(void)state;
	want(0, HTTP_POLL_ROOM);
	http_poll_forget(&f.poll, &f.sockets[0], f.ours[0]);
	http_poll_forget(&f.poll, &f.sockets[0], f.ours[0]);
	turn();
	assert_int_equal(f.told[0], 0);
}

/* A connection may end another one whose event was fetched together with its own. */
static void test_forgotten_within_a_batch(void **state)
{
	(void)state;
	f.forgets_others = true;
	want(0, HTTP_POLL_ROOM);
	want(1, HTTP_POLL_ROOM);
	turn();
	assert_int_equal(f.told[0] + f.told[1], 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_room_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_input_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_client_that_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_is_forgotten_hears_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten_within_a_batch, setup, teardown),
	};

	return cmocka_run_group_tests_name("http_poll", tests, NULL, NULL);
}
