/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop_resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

struct asker {
	struct loop *loop;
	struct resolve *resolve;
	unsigned n_answers;
	int err;
	struct resolved_list list;
};

static void take(void *arg, int err, const struct resolved_list *list)
{
	struct asker *a = arg;

	assert_null(a->resolve);
	a->n_answers++;
	a->err = err;
	a->list = *list;
}

static uint16_t port_of(const struct resolved *r)
{
	return ntohs(r->addr.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)(const void *)&r->addr)->sin6_port
						   : ((const struct sockaddr_in *)(const void *)&r->addr)->sin_port);
}

static void digits_need_nobody(void **state)
{
	static const struct {
		const char *host;
		int family; /* 0: a name */
	} rows[] = {
		{ "127.0.0.1", AF_INET },
		{ "2001:db8::1", AF_INET6 },
		{ "localhost", 0 },
		{ "live.example.jp", 0 },
		{ "300.1.1.1", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct resolved_list list = { 0 };
		const int err = resolve_numeric(&list, rows[i].host, 9000);

		assert_int_equal(err == 0, rows[i].family != 0);
		if (err != 0)
			continue;
		assert_int_equal(list.n, 1);
		assert_int_equal(list.list[0].addr.ss_family, rows[i].family);
		assert_int_equal(port_of(&list.list[0]), 9000);
	}
}

static void a_name_is_asked_for_elsewhere(void **state)
{
	struct asker a = { 0 };

	(void)state;
	assert_int_equal(loop_create(&a.loop, "test"), 0);
	assert_int_equal(resolve_begin(&a.resolve, a.loop, "localhost", 9000, take, &a), 0);
	assert_non_null(a.resolve);
	assert_int_equal(a.n_answers, 0);
	while (a.n_answers == 0) {
		loop_turn(a.loop);
		sched_yield();
	}
	assert_int_equal(a.err, 0);
	assert_true(a.list.n > 0);
	for (size_t i = 0; i < a.list.n; i++)
		assert_int_equal(port_of(&a.list.list[i]), 9000);
	resolve_cancel(&a.resolve);
	loop_destroy(&a.loop);
	assert_int_equal(a.n_answers, 1);
}

static void nobody_is_called_after_cancelling(void **state)
{
	struct asker a = { 0 };

	(void)state;
	assert_int_equal(loop_create(&a.loop, "test"), 0);
	assert_int_equal(resolve_begin(&a.resolve, a.loop, "localhost", 9000, take, &a), 0);
	resolve_cancel(&a.resolve);
	assert_null(a.resolve);
	resolve_cancel(&a.resolve);
	loop_destroy(&a.loop); /* waits for what has begun */
	assert_int_equal(a.n_answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_need_nobody),
		cmocka_unit_test(a_name_is_asked_for_elsewhere),
		cmocka_unit_test(nobody_is_called_after_cancelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
