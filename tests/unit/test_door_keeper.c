/* SPDX-License-Identifier: Apache-2.0 */
/* The door's keeper: asked on one thread while plans change on another, and the ring of refusals between them. */
#include "ingest/door_keeper.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/plan_parse.h"

enum { LATENCY_MS = 1500, MANY = 20000 };

#define KEY "abcdefghijklmnop"

struct fixture {
	struct clock_fake clock;
	int last_sock;
	struct relay_setup setup;
	struct relay_local local;
	struct stats stats;
	struct door_keeper *keeper;
	struct plan *plan;
	struct plan *closed;
	atomic_bool is_done;
};

static const struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = 0x1234 };

static struct plan *plan_of(const char *text)
{
	static struct config_errors errors;
	struct plan *plan = NULL;

	config_errors_init(&errors);
	assert_int_equal(plan_parse(&plan, text, strlen(text), "test", &errors), 0);
	return plan;
}

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.plan = plan_of("{\"isaribi_plan\":1,\"rev\":1,\"keys\":[{\"id\":\"k\",\"key\":\"" KEY
			 "\",\"stream\":\"farm\",\"srt_passphrase\":\"a long passphrase\"}]}");
	f.closed = plan_of("{\"isaribi_plan\":1,\"rev\":2,\"keys\":[]}");
	stats_init(&f.stats);
	clock_fake_init(&f.clock, 0);
	f.setup = (struct relay_setup){ .clock = &f.clock.clock, .stats = &f.stats, .limits = { .max_sessions = 2 } };
	f.local = (struct relay_local){ .setup = &f.setup, .plan = f.plan };
	assert_int_equal(door_keeper_create(&f.keeper, &f.local, LATENCY_MS), 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	door_keeper_destroy(&f->keeper);
	plan_unref(f->plan);
	plan_unref(f->closed);
	return 0;
}

static struct io_srt_answer ask(struct fixture *f, const char *stream_id)
{
	const struct io_srt_caller caller = {
		.sock = ++f->last_sock,
		.stream_id = stream_id,
		.stream_id_len = strlen(stream_id),
		.peer = (const struct sockaddr *)&peer,
		.handshake_version = DOOR_HANDSHAKE_VERSION,
	};
	struct io_srt_answer answer = { 0 };

	door_keeper_answer(f->keeper, &caller, &answer);
	return answer;
}

static void test_lets_in_with_passphrase_and_latency(void **state)
{
	struct fixture *f = *state;
	struct door_refusal refusal;
	struct io_srt_answer answer = ask(f, "publish:" KEY);

	assert_int_equal(answer.reject_code, 0);
	assert_string_equal(answer.passphrase, "a long passphrase");
	assert_int_equal(answer.latency_ms, LATENCY_MS);
	answer = ask(f, "request:farm");
	assert_int_equal(answer.reject_code, 0);
	assert_int_equal(answer.latency_ms, 0);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
}

static void test_remembers_whom_it_refused(void **state)
{
	struct fixture *f = *state;
	struct door_refusal refusal;

	assert_int_equal(ask(f, "publish:qqqqqqqqqqqqqqqq").reject_code, REJECT_UNAUTHORIZED);
	assert_int_equal(ask(f, "").reject_code, REJECT_BAD_REQUEST);
	assert_true(door_keeper_next_refusal(f->keeper, &refusal));
	assert_int_equal(refusal.reason, CLOSE_KEY_UNKNOWN);
	assert_string_equal(refusal.peer, "0.0.0.0:13330");
	assert_true(door_keeper_next_refusal(f->keeper, &refusal));
	assert_int_equal(refusal.reason, CLOSE_STREAMID_BAD);
	assert_int_equal(refusal.streamid, STREAMID_EMPTY);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
	/* More than anybody reads: they are counted, and the oldest are there. */
	for (int i = 0; i < 1000; i++)
		ask(f, "publish:qqqqqqqqqqqqqqqq");
	assert_int_equal(atomic_load(&f->stats.closed[CLOSE_KEY_UNKNOWN]), 1001);
	for (int i = 0; i < 64; i++)
		assert_true(door_keeper_next_refusal(f->keeper, &refusal));
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
}

static void test_who_does_not_come_in_had_another_passphrase(void **state)
{
	struct fixture *f = *state;
	struct door_refusal refusal;

	ask(f, "publish:" KEY);
	door_keeper_came_in(f->keeper, f->last_sock);
	ask(f, "publish:" KEY);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
	ask(f, "publish:" KEY);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
	door_keeper_came_in(f->keeper, f->last_sock); /* found out late that it did */
	clock_fake_advance(&f->clock, DOOR_KEEPER_ACCEPT_US - 1);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
	clock_fake_advance(&f->clock, 1);
	assert_true(door_keeper_next_refusal(f->keeper, &refusal));
	assert_int_equal(refusal.reason, CLOSE_PASSPHRASE);
	assert_string_equal(refusal.peer, "0.0.0.0:13330");
	assert_int_equal(refusal.streamid, STREAMID_OK);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
	assert_int_equal(atomic_load(&f->stats.closed[CLOSE_PASSPHRASE]), 1);
}

static void test_who_came_in_takes_no_room_from_the_refused(void **state)
{
	struct fixture *f = *state;
	struct door_refusal refusal;

	for (int i = 0; i < 1000; i++) {
		ask(f, "publish:" KEY);
		door_keeper_came_in(f->keeper, f->last_sock);
	}
	ask(f, "");
	assert_true(door_keeper_next_refusal(f->keeper, &refusal));
	assert_int_equal(refusal.reason, CLOSE_STREAMID_BAD);
	/* More than there is room for: the rest is not missed, and nobody is missed who came in. */
	for (int i = 0; i < 1000; i++)
		ask(f, "publish:" KEY);
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
	clock_fake_advance(&f->clock, DOOR_KEEPER_ACCEPT_US);
	for (int i = 0; i < 64; i++)
		assert_true(door_keeper_next_refusal(f->keeper, &refusal));
	assert_false(door_keeper_next_refusal(f->keeper, &refusal));
}

static void test_refuses_when_the_house_is_full(void **state)
{
	struct fixture *f = *state;

	door_keeper_set_inside(f->keeper, 2);
	assert_int_equal(ask(f, "publish:" KEY).reject_code, REJECT_OVERLOAD);
	door_keeper_set_inside(f->keeper, 1);
	assert_int_equal(ask(f, "publish:" KEY).reject_code, 0);
}

static void *ask_all_the_time(void *arg)
{
	struct fixture *f = arg;
	intptr_t n_wrong = 0;

	while (!atomic_load(&f->is_done)) {
		const struct io_srt_answer answer = ask(f, "publish:" KEY);

		/* Each answer is of one plan or the other, never of half of one. */
		if (answer.reject_code == 0 ? strcmp(answer.passphrase, "a long passphrase") != 0
					    : answer.reject_code != REJECT_UNAUTHORIZED)
			n_wrong++;
	}
	return (void *)n_wrong;
}

/* What the plan's references are worth is seen by the sanitizers: a plan is freed soon after it was replaced. */
static void test_plans_change_while_it_is_asked(void **state)
{
	struct fixture *f = *state;
	pthread_t asker;
	void *n_wrong;

	assert_int_equal(pthread_create(&asker, NULL, ask_all_the_time, f), 0);
	for (int i = 0; i < MANY; i++) {
		struct plan *plan =
		    plan_of(i % 2 ? "{\"isaribi_plan\":1,\"rev\":2,\"keys\":[]}"
				  : "{\"isaribi_plan\":1,\"rev\":1,\"keys\":[{\"id\":\"k\",\"key\":\"" KEY
				    "\",\"stream\":\"farm\",\"srt_passphrase\":\"a long passphrase\"}]}");

		f->local.plan = plan;
		door_keeper_plan(f->keeper);
		plan_unref(plan);
	}
	atomic_store(&f->is_done, true);
	assert_int_equal(pthread_join(asker, &n_wrong), 0);
	assert_null(n_wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lets_in_with_passphrase_and_latency, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_remembers_whom_it_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_does_not_come_in_had_another_passphrase, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_came_in_takes_no_room_from_the_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_when_the_house_is_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plans_change_while_it_is_asked, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
