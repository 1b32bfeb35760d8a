/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a listener of our own on the loopback: who is let in, who is told why not, and the next address. */
#include "relay/dial_srt.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

enum {
	LIMIT_US = 20 * 1000000,
	REJECT_UNKNOWN = 1401,
};

struct fixture {
	struct loop *loop;
	struct poll_srt *poll;
	int listener;
	struct plan_transfer to;
	struct dial_srt dial;
	unsigned n_connected;
	unsigned n_failed;
	int sock;
	char reason[96];
};

/* On libsrt's thread. */
static void answer(void *arg, const struct io_srt_caller *caller, struct io_srt_answer *out)
{
	(void)arg;
	if (strcmp(caller->stream_id, "publish:known") != 0)
		out->reject_code = REJECT_UNKNOWN;
	snprintf(out->passphrase, sizeof(out->passphrase), "a lamp at sea");
}

static void on_connected(void *arg, int sock)
{
	struct fixture *f = arg;

	f->n_connected++;
	f->sock = sock;
}

static void on_failed(void *arg, const char *reason)
{
	struct fixture *f = arg;

	f->n_failed++;
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
}

static int set_up(void **state)
{
	static const struct dial_srt_ops ops = { on_connected, on_failed };
	static char host[] = "127.0.0.1";
	static char stream_id[] = "publish:known";
	static struct fixture f;
	const struct io_srt_listen listen = { .host = "127.0.0.1", .latency_ms = 120, .ask = answer };

	memset(&f, 0, sizeof(f));
	assert_int_equal(io_srt_start(), 0);
	assert_int_equal(loop_create(&f.loop, "test"), 0);
	assert_int_equal(poll_srt_create(&f.poll, f.loop), 0);
	f.to = (struct plan_transfer){ .is_srt = true, .host = host, .stream_id = stream_id, .latency_ms = 120 };
	snprintf(f.to.passphrase, sizeof(f.to.passphrase), "a lamp at sea");
	f.listener = io_srt_listen(&listen, &f.to.port);
	assert_true(f.listener >= 0);
	f.dial = (struct dial_srt){ .loop = f.loop, .poll = f.poll, .ops = &ops, .arg = &f };
	dial_srt_init(&f.dial);
	f.sock = -1;
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	dial_srt_stop(&f->dial);
	if (f->sock >= 0)
		io_srt_close(f->sock);
	io_srt_close(f->listener);
	poll_srt_destroy(&f->poll);
	loop_destroy(&f->loop);
	io_srt_stop();
	return 0;
}

static void wait_for_answers(struct fixture *f, unsigned n)
{
	const int64_t end_us = clock_mono_us(clock_real()) + LIMIT_US;

	while (f->n_connected + f->n_failed < n) {
		assert_true(clock_mono_us(clock_real()) < end_us);
		loop_turn(f->loop);
		sched_yield();
	}
}

static void a_call_that_is_let_in_gets_its_socket(void **state)
{
	struct fixture *f = *state;

	dial_srt_try(&f->dial, &f->to);
	wait_for_answers(f, 1);
	assert_int_equal(f->n_connected, 1);
	assert_int_equal(io_srt_state(f->sock), IO_SRT_CONNECTED);
	/* It is ours: stopping leaves it alone. */
	dial_srt_stop(&f->dial);
	assert_int_equal(io_srt_state(f->sock), IO_SRT_CONNECTED);
}

static void a_refused_call_hears_why(void **state)
{
	struct fixture *f = *state;
	char unknown[] = "publish:unknown";

	snprintf(f->to.passphrase, sizeof(f->to.passphrase), "another lamp");
	dial_srt_try(&f->dial, &f->to);
	wait_for_answers(f, 1);
	assert_string_equal(f->reason, "the passphrase is wrong");
	f->to.stream_id = unknown;
	dial_srt_try(&f->dial, &f->to);
	wait_for_answers(f, 2);
	assert_string_equal(f->reason, "the server does not know this key or token");
	assert_int_equal(f->n_failed, 2);
}

/* The watch may come too late for the answer: what a tick sees must be enough. */
static void an_answer_is_seen_without_an_event(void **state)
{
	struct fixture *f = *state;
	const int64_t end_us = clock_mono_us(clock_real()) + LIMIT_US;

	dial_srt_try(&f->dial, &f->to);
	while (io_srt_state(f->dial.watch.sock) != IO_SRT_CONNECTED) {
		assert_true(clock_mono_us(clock_real()) < end_us);
		sched_yield();
	}
	assert_int_equal(f->n_connected, 0);
	dial_srt_tick(&f->dial);
	assert_int_equal(f->n_connected, 1);
	dial_srt_tick(&f->dial);
	assert_int_equal(f->n_connected, 1);
}

static void the_next_attempt_goes_to_the_next_address(void **state)
{
	struct fixture *f = *state;
	struct resolved_list second;

	/* As if the name had two addresses, and nobody were at home at the first: that port is nobody's. */
	assert_int_equal(resolve_numeric(&f->dial.addresses, "127.0.0.2", 9), 0);
	assert_int_equal(resolve_numeric(&second, f->to.host, f->to.port), 0);
	f->dial.addresses.list[f->dial.addresses.n++] = second.list[0];
	dial_srt_try(&f->dial, &f->to);
	wait_for_answers(f, 1);
	assert_string_equal(f->reason, "no answer");
	dial_srt_try(&f->dial, &f->to);
	wait_for_answers(f, 2);
	assert_int_equal(f->n_connected, 1);
}

static void nothing_is_called_after_stopping(void **state)
{
	struct fixture *f = *state;
	char name[] = "localhost";
	char *digits = f->to.host;

	dial_srt_try(&f->dial, &f->to);
	dial_srt_stop(&f->dial);
	f->to.host = name;
	dial_srt_try(&f->dial, &f->to);
	assert_non_null(f->dial.resolve);
	dial_srt_stop(&f->dial);
	/* The next attempt is answered, and it alone. */
	f->to.host = digits;
	dial_srt_try(&f->dial, &f->to);
	wait_for_answers(f, 1);
	assert_int_equal(f->n_connected, 1);
	assert_int_equal(f->n_failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_call_that_is_let_in_gets_its_socket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_refused_call_hears_why, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_is_seen_without_an_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_next_attempt_goes_to_the_next_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_called_after_stopping, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
