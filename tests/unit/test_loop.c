/* SPDX-License-Identifier: Apache-2.0 */
/* Loops, mailboxes and connections together: what passes between threads and sockets arrives whole and in order. */
#include "base/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/mailbox.h"
#include "base/shared.h"
#include "base/tcp.h"
#include "tests/unit/oom.h"

enum { SENDERS = 4, MAILS = 20000 };

struct mail {
	unsigned sender;
	unsigned number;
};

struct receiver {
	struct loop *loop;
	struct mailbox *mailbox;
	unsigned next[SENDERS];
	unsigned received;
	bool is_out_of_order;
};

static void receive(void *arg, void *item)
{
	struct receiver *r = arg;
	const struct mail *mail = item;

	loop_assert_owner(r->loop);
	if (mail->number != r->next[mail->sender])
		r->is_out_of_order = true;
	r->next[mail->sender]++;
	if (++r->received == SENDERS * MAILS)
		loop_stop(r->loop);
}

struct sender {
	struct mailbox *mailbox;
	unsigned number;
};

static void *send_all(void *arg)
{
	const struct sender *s = arg;

	for (unsigned i = 0; i < MAILS; i++) {
		const struct mail mail = { s->number, i };

		while (!mailbox_post(s->mailbox, &mail, MAIL_DROPPABLE))
			sched_yield();
	}
	return NULL;
}

static void mail_arrives_in_order_of_each_sender(void **state)
{
	struct receiver r = { 0 };
	const struct mailbox_config config = {
		.item_bytes = sizeof(struct mail), .capacity = 256, .handle = receive, .arg = &r
	};
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];

	(void)state;
	assert_int_equal(loop_create(&r.loop, "test"), 0);
	assert_int_equal(mailbox_create(&r.mailbox, r.loop, &config), 0);
	assert_int_equal(loop_start(r.loop, NULL, NULL, NULL), 0);
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ r.mailbox, i };
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	loop_join(r.loop);
	assert_int_equal(r.received, SENDERS * MAILS);
	assert_false(r.is_out_of_order);
	mailbox_destroy(&r.mailbox);
	loop_destroy(&r.loop);
}

static void nothing(void *arg, void *item)
{
	(void)arg;
	(void)item;
}

static void drop_shared(void *item)
{
	struct shared *s;

	memcpy(&s, item, sizeof(s));
	shared_unref(s);
}

static void full_mailbox_refuses_frames_before_orders(void **state)
{
	const struct mailbox_config config = { .item_bytes = sizeof(struct shared *),
		.capacity = 3,
		.reserve = 2,
		.handle = nothing,
		.drop = drop_shared };
	struct loop *loop;
	struct mailbox *mailbox;
	struct shared *s = shared_copy("x", 1);
	unsigned taken = 0;

	assert_non_null(s);
	(void)state;
	assert_int_equal(loop_create(&loop, "test"), 0);
	assert_int_equal(mailbox_create(&mailbox, loop, &config), 0);
	for (int i = 0; i < 5; i++) {
		shared_ref(s);
		if (mailbox_post(mailbox, &s, MAIL_DROPPABLE))
			taken++;
		else
			shared_unref(s);
	}
	assert_int_equal(taken, 3);
	for (int i = 0; i < 5; i++) {
		shared_ref(s);
		if (mailbox_post(mailbox, &s, MAIL_MUST))
			taken++;
		else
			shared_unref(s);
	}
	assert_int_equal(taken, 5);
	assert_int_equal(mailbox_refused(mailbox), 5);
	assert_int_equal(atomic_load(&s->refs), 6);
	mailbox_destroy(&mailbox);
	loop_destroy(&loop);
	assert_int_equal(atomic_load(&s->refs), 1);
	shared_unref(s);
}

struct counter {
	struct loop *loop;
	unsigned handled;
	unsigned wanted;
};

static void count(void *arg, void *item)
{
	struct counter *c = arg;

	(void)item;
	if (++c->handled == c->wanted)
		loop_stop(c->loop);
}

/* Lazy ones come without a wake while the receiver visits, an order among them at once, and a wake begins it all anew.
 */
static void lazy_mail_comes_within_its_time(void **state)
{
	struct counter c = { .wanted = 6 };
	const struct mailbox_config config = {
		.item_bytes = sizeof(unsigned), .capacity = 16, .linger_ms = 100, .handle = count, .arg = &c
	};
	struct mailbox *mailbox;
	unsigned item = 0;

	(void)state;
	assert_int_equal(loop_create(&c.loop, "test"), 0);
	assert_int_equal(mailbox_create(&mailbox, c.loop, &config), 0);
	assert_true(mailbox_post(mailbox, &item, MAIL_LAZY));
	loop_turn(c.loop);
	assert_int_equal(c.handled, 1); /* nobody was looking: it woke */
	assert_true(mailbox_post(mailbox, &item, MAIL_LAZY));
	assert_true(mailbox_post(mailbox, &item, MAIL_LAZY));
	loop_turn(c.loop);
	assert_int_equal(c.handled, 1); /* they wait for the next visit */
	assert_true(mailbox_post(mailbox, &item, MAIL_DROPPABLE));
	loop_turn(c.loop);
	assert_int_equal(c.handled, 4); /* or for one that is in a hurry */
	assert_true(mailbox_post(mailbox, &item, MAIL_LAZY));
	assert_true(mailbox_post(mailbox, &item, MAIL_LAZY));
	assert_int_equal(loop_start(c.loop, NULL, NULL, NULL), 0);
	loop_join(c.loop);
	assert_int_equal(c.handled, 6);
	mailbox_destroy(&mailbox);
	loop_destroy(&c.loop);
}

/* A server that sends back what it hears; the client's socket is blocking and belongs to the test's thread. */
struct echo {
	struct loop *loop;
	struct tcp_listener *listener;
	struct tcp_conn *conn;
	int listen_fd;
	int closed_err;
	bool is_closed;
};

static void echo_bytes(void *arg, const uint8_t *data, size_t len)
{
	struct echo *e = arg;

	assert_int_equal(tcp_conn_send(e->conn, data, len), 0);
}

static void echo_closed(void *arg, int err)
{
	struct echo *e = arg;

	e->is_closed = true;
	e->closed_err = err;
	tcp_conn_destroy(&e->conn);
	loop_stop(e->loop);
}

static const struct tcp_conn_ops echo_ops = { .on_bytes = echo_bytes, .on_closed = echo_closed };

static void echo_accept(void *arg, int fd, const char *peer)
{
	struct echo *e = arg;

	assert_memory_equal(peer, "127.0.0.1:", 10);
	assert_int_equal(tcp_conn_create(&e->conn, e->loop, fd, &echo_ops, e), 0);
}

static void echo_start(void *arg)
{
	struct echo *e = arg;

	assert_int_equal(tcp_listener_create(&e->listener, e->loop, e->listen_fd, echo_accept, e), 0);
}

static void echo_stop(void *arg)
{
	struct echo *e = arg;

	tcp_listener_destroy(&e->listener);
	tcp_conn_destroy(&e->conn);
}

static void connection_carries_bytes_and_its_end(void **state)
{
	struct echo e = { 0 };
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint8_t sent[100000];
	uint8_t got[100000];
	uint16_t port = 0;
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)(i * 7 >> 3);
	assert_int_equal(tcp_listen_sockets("127.0.0.1", 0, &e.listen_fd, 1, &port), 0);
	assert_true(e.listen_fd >= 0 && port != 0);
	assert_int_equal(loop_create(&e.loop, "echo"), 0);
	assert_int_equal(loop_start(e.loop, echo_start, echo_stop, &e), 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	addr.sin_port = htons(port);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(send(fd, sent, sizeof(sent), 0), (ssize_t)sizeof(sent));
	for (size_t len = 0; len < sizeof(got);) {
		ssize_t n = recv(fd, got + len, sizeof(got) - len, 0);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_memory_equal(sent, got, sizeof(sent));
	close(fd);
	loop_join(e.loop);
	assert_true(e.is_closed);
	assert_int_equal(e.closed_err, 0);
	loop_destroy(&e.loop);
}

/* A server that closes whoever comes. */
struct door {
	struct loop *loop;
	struct tcp_listener *listener;
	int listen_fd;
	atomic_int n_taken;
	atomic_int n_turned_away;
};

static void door_accept(void *arg, int fd, const char *peer)
{
	struct door *d = arg;

	if (fd < 0) {
		assert_int_equal(fd, -EMFILE);
		assert_string_equal(peer, "");
		d->n_turned_away++;
		return;
	}
	d->n_taken++;
	close(fd);
}

static void door_start(void *arg)
{
	struct door *d = arg;

	assert_int_equal(tcp_listener_create(&d->listener, d->loop, d->listen_fd, door_accept, d), 0);
}

static void door_stop(void *arg)
{
	struct door *d = arg;

	tcp_listener_destroy(&d->listener);
}

static void connect_until_closed(int fd, uint16_t port)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)
	};
	char byte;

	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* No descriptor below the soft limit is free from here on. */
static struct rlimit use_up_descriptors(void)
{
	struct rlimit before;
	struct rlimit limit;
	int lowest_free = dup(STDERR_FILENO);

	assert_true(lowest_free >= 0);
	close(lowest_free);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)lowest_free;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

static void without_descriptors_newcomers_are_turned_away(void **state)
{
	enum { NEWCOMERS = 40 };
	struct door d = { 0 };
	struct rlimit before;
	int fds[NEWCOMERS];
	uint16_t port = 0;

	(void)state;
	assert_int_equal(tcp_listen_sockets("127.0.0.1", 0, &d.listen_fd, 1, &port), 0);
	assert_int_equal(loop_create(&d.loop, "door"), 0);
	assert_int_equal(loop_start(d.loop, door_start, door_stop, &d), 0);
	for (int i = 0; i < NEWCOMERS; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
	connect_until_closed(fds[0], port); /* the door is open after it, and has its reserve */
	before = use_up_descriptors();
	for (int i = 1; i < NEWCOMERS - 1; i++)
		connect_until_closed(fds[i], port);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(d.n_taken, 1);
	/* The last one hears of it before it is counted. */
	while (atomic_load(&d.n_turned_away) < NEWCOMERS - 2)
		sched_yield();
	assert_int_equal(d.n_turned_away, NEWCOMERS - 2);
	connect_until_closed(fds[NEWCOMERS - 1], port);
	assert_int_equal(d.n_taken, 2);
	for (int i = 0; i < NEWCOMERS; i++)
		close(fds[i]);
	loop_stop(d.loop);
	loop_join(d.loop);
	loop_destroy(&d.loop);
}

static void a_wrong_address_is_an_error(void **state)
{
	uint16_t port = 0;
	int fd;

	(void)state;
	assert_true(tcp_listen_sockets("no.such.host", 1, &fd, 1, &port) < 0);
	assert_true(tcp_listen_sockets("192.0.2.1", 0, &fd, 1, &port) < 0);
}

static void loops_share_a_port_but_servers_do_not(void **state)
{
	uint16_t port = 0;
	uint16_t second_port = 0;
	int fds[3];
	int second;

	(void)state;
	assert_int_equal(tcp_listen_sockets("127.0.0.1", 0, fds, 3, &port), 0);
	assert_int_equal(tcp_listen_sockets("127.0.0.1", port, &second, 1, &second_port), -EADDRINUSE);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	assert_int_equal(tcp_listen_sockets("127.0.0.1", port, &second, 1, &second_port), 0);
	assert_int_equal(second_port, port);
	close(second);
}

struct ticker {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_reap reap;
	unsigned ticks;
	bool is_reaped;
};

static void reaped(void *arg)
{
	struct ticker *t = arg;

	t->is_reaped = true;
	loop_stop(t->loop);
}

static void tick(void *arg)
{
	struct ticker *t = arg;

	if (++t->ticks < 3)
		return;
	loop_timer_destroy(&t->timer); /* inside its own callback */
	loop_reap(t->loop, &t->reap, reaped, t);
}

static void ticker_start(void *arg)
{
	struct ticker *t = arg;

	assert_int_equal(loop_timer_create(&t->timer, t->loop, tick, t), 0);
	loop_timer_start(t->timer, 1, 1);
}

static void timers_repeat_and_reaping_runs(void **state)
{
	struct ticker t = { 0 };

	(void)state;
	assert_int_equal(loop_create(&t.loop, "ticker"), 0);
	assert_int_equal(loop_start(t.loop, ticker_start, NULL, &t), 0);
	loop_join(t.loop);
	assert_int_equal(t.ticks, 3);
	assert_true(t.is_reaped);
	loop_destroy(&t.loop);
}

struct heap {
	struct loop *loop;
	struct loop_reap again;
	unsigned turns;
};

static void reaped_again(void *arg)
{
	struct heap *h = arg;

	if (++h->turns == 2)
		loop_reap(h->loop, &h->again, reaped_again, h); /* joins the same sweep */
}

/* Ending something must not need memory: it may end because there is none. */
static void reaping_is_done_without_memory(void **state)
{
	enum { MANY = 100 };
	static struct loop_reap places[MANY];
	struct heap h = { 0 };

	(void)state;
	memset(places, 0, sizeof(places));
	assert_int_equal(loop_create(&h.loop, "reaper"), 0);
	oom_arm(1, true);
	for (int i = 0; i < MANY; i++) {
		loop_reap(h.loop, &places[i], reaped_again, &h);
		loop_reap(h.loop, &places[i], reaped_again, &h); /* asked twice, done once */
	}
	loop_turn(h.loop);
	oom_disarm(NULL);
	assert_int_equal(h.turns, MANY + 1);
	loop_destroy(&h.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_arrives_in_order_of_each_sender),
		cmocka_unit_test(full_mailbox_refuses_frames_before_orders),
		cmocka_unit_test(lazy_mail_comes_within_its_time),
		cmocka_unit_test(connection_carries_bytes_and_its_end),
		cmocka_unit_test(without_descriptors_newcomers_are_turned_away),
		cmocka_unit_test(a_wrong_address_is_an_error),
		cmocka_unit_test(loops_share_a_port_but_servers_do_not),
		cmocka_unit_test(timers_repeat_and_reaping_runs),
		cmocka_unit_test(reaping_is_done_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
