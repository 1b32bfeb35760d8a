/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SRT publishers that come and go: connect, publish a few packets, leave, again and again, several at a time. Says in
 * JSON how many went which way. The order is that of --seed.
 */
#include "tests/tools/end_srt.h"
#include "tests/tools/endpoint.h"
#include "tests/tools/ts_file.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_CONCURRENCY = 256,
	MAX_BURSTS = 8,
	BURST_EVERY_US = 5000, /* faster than real time: what counts is the number of cycles */
	CYCLE_LIMIT_US = 30000000,
	TICK_MS = 5,
};

/* How a cycle ends. */
enum leave {
	LEAVE_CLOSE,
	LEAVE_AT_ONCE, /* connected, and not a byte */
	LEAVE_IN_HANDSHAKE,
	LEAVE_KINDS,
};
static const char *const leave_names[LEAVE_KINDS] = { "close", "at_once", "in_handshake" };

struct churn_options {
	const char *file;
	size_t n_cycles;
	size_t concurrency;
	size_t n_ids;
	uint64_t seed;
};

struct slot {
	SRTSOCKET sock; /* SRT_INVALID_SOCK: free */
	enum leave leave;
	size_t n_bursts; /* to send */
	size_t n_sent;
	int64_t next_us;
	int64_t start_us;
};

struct churn {
	struct churn_options opt;
	struct end_srt end;
	struct ts_file file;
	struct slot slots[MAX_CONCURRENCY];
	uint64_t random;
	size_t n_started;
	size_t n_done;
	size_t n_left[LEAVE_KINDS];
	size_t n_published;
	size_t n_server_closed;
	size_t n_refused;
	size_t n_failed;
	size_t n_timeouts;
	int last_reject_code;
};

/* xorshift64: the same order for the same seed, everywhere. */
static uint64_t next_random(struct churn *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

static void slot_end(struct churn *c, struct slot *s, size_t *counter)
{
	srt_close(s->sock);
	s->sock = SRT_INVALID_SOCK;
	c->n_done++;
	(*counter)++;
}

static void slot_start(struct churn *c, struct slot *s)
{
	uint64_t kind = next_random(c) % 16;

	s->leave = kind == 0 ? LEAVE_IN_HANDSHAKE : kind == 1 ? LEAVE_AT_ONCE : LEAVE_CLOSE;
	s->n_bursts = 1 + next_random(c) % MAX_BURSTS;
	s->n_sent = 0;
	s->next_us = s->start_us = endpoint_now_us();
	s->sock = end_srt_call(&c->end, c->n_started++ % c->opt.n_ids);
	if (s->sock == SRT_INVALID_SOCK) {
		c->n_failed++;
		c->n_done++;
	} else if (s->leave == LEAVE_IN_HANDSHAKE) {
		slot_end(c, s, &c->n_left[s->leave]);
	}
}

/* The next frame of its own file position: what a publisher sends first begins with a key frame. */
static bool slot_send(struct churn *c, struct slot *s)
{
	const struct ts_burst *b = &c->file.bursts[s->n_sent % c->file.n_bursts];

	s->n_sent++;
	s->next_us += BURST_EVERY_US;
	return end_srt_send(s->sock, c->file.data + b->first * TS_PACKET, b->n_packets * TS_PACKET) >= 0;
}

static void slot_talk(struct churn *c, struct slot *s, int64_t now_us)
{
	if (s->leave == LEAVE_AT_ONCE) {
		slot_end(c, s, &c->n_left[s->leave]);
		return;
	}
	while (s->n_sent < s->n_bursts && now_us >= s->next_us)
		if (!slot_send(c, s)) {
			slot_end(c, s, &c->n_server_closed);
			return;
		}
	if (s->n_sent == s->n_bursts && now_us >= s->next_us) {
		c->n_published++;
		slot_end(c, s, &c->n_left[s->leave]);
	}
}

static void slot_step(struct churn *c, struct slot *s, int64_t now_us)
{
	SRT_SOCKSTATUS state = srt_getsockstate(s->sock);

	if (state == SRTS_CONNECTED) {
		slot_talk(c, s, now_us);
	} else if (state > SRTS_CONNECTED) {
		if (s->n_sent == 0)
			c->last_reject_code = srt_getrejectreason(s->sock);
		slot_end(c, s, s->n_sent > 0 ? &c->n_server_closed : &c->n_refused);
	} else if (now_us - s->start_us > CYCLE_LIMIT_US) {
		slot_end(c, s, &c->n_timeouts);
	}
}

static void churn_run(struct churn *c)
{
	int epoll = srt_epoll_create();

	for (size_t i = 0; i < c->opt.concurrency; i++)
		c->slots[i].sock = SRT_INVALID_SOCK;
	srt_epoll_set(epoll, SRT_EPOLL_ENABLE_EMPTY);
	while (c->n_done < c->opt.n_cycles) {
		for (size_t i = 0; i < c->opt.concurrency; i++) {
			struct slot *s = &c->slots[i];

			if (s->sock == SRT_INVALID_SOCK && c->n_started < c->opt.n_cycles)
				slot_start(c, s);
			if (s->sock != SRT_INVALID_SOCK)
				slot_step(c, s, endpoint_now_us());
		}
		srt_epoll_uwait(epoll, NULL, 0, TICK_MS); /* nothing is watched: a pause */
	}
	srt_epoll_release(epoll);
}

static void report(const struct churn *c, int64_t wall_us)
{
	printf(
	    "{\"cycles\": %zu, \"published\": %zu, \"server_closed\": %zu, \"refused\": %zu, \"last_reject_code\": %d, "
	    "\"failed\": %zu, \"timeouts\": %zu",
	    c->n_done, c->n_published, c->n_server_closed, c->n_refused, c->last_reject_code, c->n_failed,
	    c->n_timeouts);
	for (int i = 0; i < LEAVE_KINDS; i++)
		printf(", \"%s\": %zu", leave_names[i], c->n_left[i]);
	printf(", \"wall_s\": %.3f}\n", (double)wall_us / 1e6);
}

static bool parse_options(struct churn *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "stream-id", required_argument, NULL, 'i' },
		{ "ids", required_argument, NULL, 'k' },
		{ "file", required_argument, NULL, 'f' },
		{ "cycles", required_argument, NULL, 'n' },
		{ "concurrency", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct churn_options *opt = &c->opt;
	bool has_address = false;
	int o = 0;

	*opt = (struct churn_options){ .n_cycles = 10000, .concurrency = 32, .n_ids = 1, .seed = 1 };
	c->end.n_per_port = 16;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 't': has_address = end_srt_parse(&c->end, optarg) == 0; break;
		case 'i': c->end.stream_id = optarg; break;
		case 'k': opt->n_ids = strtoul(optarg, NULL, 10); break;
		case 'f': opt->file = optarg; break;
		case 'n': opt->n_cycles = strtoul(optarg, NULL, 10); break;
		case 'c': opt->concurrency = strtoul(optarg, NULL, 10); break;
		case 's': opt->seed = strtoull(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return has_address && opt->file && opt->n_ids > 0 && opt->concurrency > 0 &&
	    opt->concurrency <= MAX_CONCURRENCY && optind == argc;
}

int main(int argc, char **argv)
{
	static struct churn churn;
	int64_t start_us = endpoint_now_us();

	if (!parse_options(&churn, argc, argv)) {
		fputs("usage: srt_churn --to A.B.C.D:PORT --file TS [--stream-id ID] [--ids N] [--cycles N]\n"
		      "                 [--concurrency N] [--seed N]   {n} in ID: a number below --ids, in turn\n",
		    stderr);
		return 2;
	}
	if (ts_file_open(&churn.file, churn.opt.file) < 0) {
		fprintf(stderr, "srt_churn: %s: not a TS file with pictures\n", churn.opt.file);
		return 2;
	}
	churn.random = churn.opt.seed * 0x9e3779b97f4a7c15u + 1;
	if (end_srt_start() < 0)
		return 1;
	churn_run(&churn);
	report(&churn, endpoint_now_us() - start_us);
	fflush(stdout);
	end_srt_stop();
	ts_file_close(&churn.file);
	return 0;
}
