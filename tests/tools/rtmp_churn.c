/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishers that come and go: connect, publish a few frames, leave in one of several rude or polite ways, again and
 * again. Says in JSON how many went which way. The order is that of --seed.
 */
#include "tests/tools/client.h"
#include "tests/tools/endpoint.h"
#include "tests/tools/flv_file.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_URLS = 64,
	MAX_CONCURRENCY = 256,
	MAX_TAGS = 24,
	CYCLE_LIMIT_US = 30000000,
	EVENTS = 256,
};

/* How a cycle ends. */
enum leave {
	LEAVE_DELETE_STREAM,
	LEAVE_CLOSE,
	LEAVE_RESET,
	LEAVE_IN_HANDSHAKE,
	LEAVE_AFTER_CONNECT,
	LEAVE_KINDS,
};
static const char *const leave_names[LEAVE_KINDS] = { "delete_stream", "close", "reset", "in_handshake",
	"after_connect" };

struct churn_options {
	const char *urls[MAX_URLS];
	size_t n_urls;
	const char *file;
	size_t n_cycles;
	size_t concurrency;
	uint64_t seed;
};

struct slot {
	struct churn *churn;
	int fd; /* -1: free */
	enum leave leave;
	bool is_leaving; /* everything is said; close when it is sent */
	bool wants_out;
	size_t handshake_bytes; /* LEAVE_IN_HANDSHAKE: how much of it is sent */
	size_t n_tags;
	int64_t start_us;
	struct client_config cfg;
	struct client client;
};

struct churn {
	struct churn_options opt;
	struct endpoint endpoints[MAX_URLS];
	struct flv_file file;
	struct slot slots[MAX_CONCURRENCY];
	uint64_t random;
	int epoll_fd;
	size_t n_started;
	size_t n_done;
	size_t n_left[LEAVE_KINDS];
	size_t n_published;
	size_t n_server_closed;
	size_t n_refused;
	size_t n_broken;
	size_t n_failed;
	size_t n_timeouts;
};

/* xorshift64: the same order for the same seed, everywhere. */
static uint64_t next_random(struct churn *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

static void slot_end(struct slot *s, size_t *counter)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (s->leave == LEAVE_RESET)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(s->fd);
	s->fd = -1;
	client_fini(&s->client);
	s->churn->n_done++;
	(*counter)++;
}

static void slot_watch(struct slot *s, int op)
{
	struct epoll_event ev = { .events = EPOLLIN | (s->wants_out ? EPOLLOUT : 0u), .data.ptr = s };

	epoll_ctl(s->churn->epoll_fd, op, s->fd, &ev);
}

static void slot_start(struct churn *c, struct slot *s)
{
	const struct endpoint *e = &c->endpoints[c->n_started++ % c->opt.n_urls];

	s->churn = c;
	s->leave = (enum leave)(next_random(c) % LEAVE_KINDS);
	s->handshake_bytes = 1 + next_random(c) % (1 + WIRE_HANDSHAKE_BYTES);
	s->n_tags = 1 + next_random(c) % MAX_TAGS;
	s->is_leaving = false;
	s->start_us = endpoint_now_us();
	s->cfg =
	    (struct client_config){ .is_publisher = true, .app = e->app, .tc_url = e->tc_url, .stream = e->stream };
	s->fd = endpoint_connect(e);
	if (s->fd < 0) {
		c->n_failed++;
		c->n_done++;
		return;
	}
	client_init(&s->client, &s->cfg);
	if (s->leave == LEAVE_IN_HANDSHAKE) {
		s->client.out.len = s->handshake_bytes;
		s->is_leaving = true;
	}
	s->wants_out = true;
	slot_watch(s, EPOLL_CTL_ADD);
}

/* Says what it came to say, once it may. */
static void slot_talk(struct slot *s)
{
	struct churn *c = s->churn;

	if (s->is_leaving)
		return;
	if (s->leave == LEAVE_AFTER_CONNECT && s->client.state == CLIENT_CREATE)
		s->is_leaving = true;
	if (s->client.state != CLIENT_RUNNING)
		return;
	for (size_t i = 0; i < s->n_tags && i < c->file.n_tags; i++) {
		const struct flv_tag *t = &c->file.tags[i];

		client_send_media(&s->client, t->type, t->timestamp_ms, t->body, t->size_bytes);
	}
	if (s->leave == LEAVE_DELETE_STREAM)
		client_send_delete_stream(&s->client);
	c->n_published++;
	s->is_leaving = true;
}

static bool slot_read(struct slot *s)
{
	static uint8_t buf[64 << 10];
	ssize_t n = recv(s->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		slot_end(s, &s->churn->n_server_closed);
		return false;
	}
	client_feed(&s->client, buf, (size_t)n);
	if (s->client.state == CLIENT_REFUSED)
		slot_end(s, &s->churn->n_refused);
	else if (s->client.state == CLIENT_BROKEN)
		slot_end(s, &s->churn->n_broken);
	return s->fd >= 0;
}

static void slot_on_event(struct slot *s, uint32_t events)
{
	bool was_waiting = s->wants_out;

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !slot_read(s))
		return;
	slot_talk(s);
	if (s->client.out.len > 0 && endpoint_flush(s->fd, &s->client.out) < 0) {
		slot_end(s, &s->churn->n_server_closed);
		return;
	}
	s->wants_out = s->client.out.len > 0;
	if (s->is_leaving && !s->wants_out && (events & EPOLLOUT || was_waiting || s->client.state != CLIENT_HANDSHAKE))
		slot_end(s, &s->churn->n_left[s->leave]);
	else if (s->wants_out != was_waiting)
		slot_watch(s, EPOLL_CTL_MOD);
}

static void reap_late(struct churn *c)
{
	int64_t now_us = endpoint_now_us();

	for (size_t i = 0; i < c->opt.concurrency; i++)
		if (c->slots[i].fd >= 0 && now_us - c->slots[i].start_us > CYCLE_LIMIT_US)
			slot_end(&c->slots[i], &c->n_timeouts);
}

static void churn_run(struct churn *c)
{
	struct epoll_event events[EVENTS];

	for (size_t i = 0; i < c->opt.concurrency; i++)
		c->slots[i].fd = -1;
	while (c->n_done < c->opt.n_cycles) {
		int n = 0;

		for (size_t i = 0; i < c->opt.concurrency && c->n_started < c->opt.n_cycles; i++)
			if (c->slots[i].fd < 0)
				slot_start(c, &c->slots[i]);
		n = epoll_wait(c->epoll_fd, events, EVENTS, 100);
		for (int i = 0; i < n; i++)
			slot_on_event(events[i].data.ptr, events[i].events);
		reap_late(c);
	}
}

static void report(const struct churn *c, int64_t wall_us)
{
	printf("{\"cycles\": %zu, \"published\": %zu, \"server_closed\": %zu, \"refused\": %zu, \"broken\": %zu, "
	       "\"failed\": %zu, \"timeouts\": %zu",
	    c->n_done, c->n_published, c->n_server_closed, c->n_refused, c->n_broken, c->n_failed, c->n_timeouts);
	for (int i = 0; i < LEAVE_KINDS; i++)
		printf(", \"%s\": %zu", leave_names[i], c->n_left[i]);
	printf(", \"wall_s\": %.3f}\n", (double)wall_us / 1e6);
}

static bool parse_options(struct churn_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "file", required_argument, NULL, 'f' },
		{ "cycles", required_argument, NULL, 'n' },
		{ "concurrency", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0;

	opt->n_cycles = 10000;
	opt->concurrency = 32;
	opt->seed = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u':
			if (opt->n_urls == MAX_URLS)
				return false;
			opt->urls[opt->n_urls++] = optarg;
			break;
		case 'f': opt->file = optarg; break;
		case 'n': opt->n_cycles = strtoul(optarg, NULL, 10); break;
		case 'c': opt->concurrency = strtoul(optarg, NULL, 10); break;
		case 's': opt->seed = strtoull(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return opt->n_urls > 0 && opt->file && opt->concurrency > 0 && opt->concurrency <= MAX_CONCURRENCY &&
	    optind == argc;
}

int main(int argc, char **argv)
{
	static struct churn churn;
	int64_t start_us = endpoint_now_us();

	if (!parse_options(&churn.opt, argc, argv)) {
		fputs("usage: rtmp_churn --url URL [--url URL ...] --file FLV [--cycles N] [--concurrency N] [--seed "
		      "N]\n",
		    stderr);
		return 2;
	}
	for (size_t i = 0; i < churn.opt.n_urls; i++)
		if (endpoint_parse(&churn.endpoints[i], churn.opt.urls[i]) < 0) {
			fputs("rtmp_churn: a URL is rtmp://A.B.C.D:PORT/APP/STREAM\n", stderr);
			return 2;
		}
	if (flv_file_open(&churn.file, churn.opt.file) < 0) {
		fprintf(stderr, "rtmp_churn: %s: not an FLV file\n", churn.opt.file);
		return 2;
	}
	churn.random = churn.opt.seed * 0x9e3779b97f4a7c15u + 1;
	churn.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	churn_run(&churn);
	report(&churn, endpoint_now_us() - start_us);
	close(churn.epoll_fd);
	flv_file_close(&churn.file);
	return 0;
}
