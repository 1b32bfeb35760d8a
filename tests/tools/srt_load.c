/* SPDX-License-Identifier: Apache-2.0 */
/* Many SRT players in one thread of ours: reads all, keeps nothing, says in JSON what they saw. */
#include "tests/tools/end_srt.h"
#include "tests/tools/endpoint.h"
#include "tests/tools/report_srt.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 512, TICK_MS = 50, DELAYS_MAX = 1 << 20, STATS_EVERY_US = 500000 };

struct load_options {
	size_t n_players;
	int64_t run_us;
	int64_t ramp_us;
	int64_t from_us; /* the window that bytes and delays are counted in, on the monotonic clock; to_us 0: all the
			    time */
	int64_t to_us;
	bool has_delays;
	bool is_until_end; /* stop early when every player has ended */
};

struct load {
	struct load_options opt;
	struct end_srt end;
	int epoll;
	int64_t now_us;
	int64_t stats_at_us;
	size_t n_started;
	size_t n_done;
	struct report_run run;
	struct report_player *players;
};

static volatile sig_atomic_t is_asked_to_end;

static void on_signal(int number)
{
	(void)number;
	is_asked_to_end = 1;
}

static bool is_in_window(const struct load *load)
{
	return load->opt.to_us == 0 || (load->now_us >= load->opt.from_us && load->now_us < load->opt.to_us);
}

static void on_stamp(void *ctx, int64_t written_us, int64_t arrived_us)
{
	struct load *load = ctx;

	if (load->run.delays_ms && load->run.n_delays < DELAYS_MAX && is_in_window(load))
		load->run.delays_ms[load->run.n_delays++] = (double)(arrived_us - written_us) / 1e3;
}

/* A broken socket has no figures any more: so they are taken while it lives. */
static void note_figures(struct report_player *p)
{
	SRT_TRACEBSTATS stats;

	if (srt_bstats(p->sock, &stats, 0) < 0)
		return;
	p->n_late_drops = stats.pktRcvDropTotal;
	p->n_belated = stats.pktRcvBelated;
	p->n_lost = stats.pktRcvLossTotal;
	p->n_undecryptable = stats.pktRcvUndecryptTotal;
	p->latency_ms = stats.msRcvTsbPdDelay;
}

static void player_close(struct load *load, struct report_player *p, enum report_outcome outcome)
{
	if (p->sock == SRT_INVALID_SOCK)
		return;
	if (outcome == REPORT_REFUSED)
		p->reject_code = srt_getrejectreason(p->sock);
	if (p->is_connected)
		note_figures(p);
	srt_close(p->sock);
	p->sock = SRT_INVALID_SOCK;
	p->outcome = outcome;
	load->n_done++;
	ts_seen_end(&p->seen, load->now_us);
}

static void player_watch(struct load *load, struct report_player *p)
{
	int events = SRT_EPOLL_IN | SRT_EPOLL_ERR | (p->is_connected ? 0 : SRT_EPOLL_OUT);

	srt_epoll_update_usock(load->epoll, p->sock, &events);
}

static void player_start(struct load *load, size_t i)
{
	struct report_player *p = &load->players[i];

	p->seen.on_stamp = on_stamp;
	p->seen.ctx = load;
	p->start_us = endpoint_now_us();
	p->sock = end_srt_call(&load->end, i);
	if (p->sock == SRT_INVALID_SOCK) {
		load->n_done++;
		p->outcome = REPORT_FAILED;
		return;
	}
	player_watch(load, p);
}

static void player_read(struct load *load, struct report_player *p)
{
	uint8_t buf[END_SRT_MESSAGE_BYTES + 200];
	int n;

	while ((n = srt_recvmsg(p->sock, (char *)buf, sizeof(buf))) > 0) {
		load->now_us = endpoint_now_us();
		p->n_bytes += (uint64_t)n;
		if (is_in_window(load))
			load->run.window_bytes += (uint64_t)n;
		ts_seen_feed(&p->seen, buf, (size_t)n, load->now_us);
	}
	if (srt_getlasterror(NULL) != SRT_EASYNCRCV)
		player_close(load, p, REPORT_CLOSED);
}

static void player_on_event(struct load *load, struct report_player *p, int events)
{
	SRT_SOCKSTATUS state = srt_getsockstate(p->sock);

	if (!p->is_connected && state == SRTS_CONNECTED) {
		p->is_connected = true;
		player_watch(load, p);
	}
	if (p->is_connected)
		player_read(load, p);
	else if (state > SRTS_CONNECTED || (events & SRT_EPOLL_ERR))
		player_close(load, p, REPORT_REFUSED);
}

/* libsrt counts the ids of new sockets down, so a player is nearly always where its id says. */
static struct report_player *find_player(const struct load *load, SRTSOCKET sock)
{
	int64_t guess = (int64_t)load->players[0].first_sock - sock;

	if (guess >= 0 && guess < (int64_t)load->n_started && load->players[guess].sock == sock)
		return &load->players[guess];
	for (size_t i = 0; i < load->n_started; i++)
		if (load->players[i].sock == sock)
			return &load->players[i];
	return NULL;
}

static void start_due(struct load *load, int64_t start_us)
{
	size_t due = endpoint_due(load->opt.n_players, load->now_us - start_us, load->opt.ramp_us);

	while (load->n_started < due) {
		player_start(load, load->n_started);
		if (load->n_started++ == 0)
			load->players[0].first_sock = load->players[0].sock;
	}
}

static void note_all_figures(struct load *load)
{
	if (load->now_us - load->stats_at_us < STATS_EVERY_US)
		return;
	load->stats_at_us = load->now_us;
	for (size_t i = 0; i < load->n_started; i++)
		if (load->players[i].is_connected && load->players[i].sock != SRT_INVALID_SOCK)
			note_figures(&load->players[i]);
}

static void load_run(struct load *load)
{
	int64_t start_us = endpoint_now_us();
	SRT_EPOLL_EVENT events[EVENTS];

	srt_epoll_set(load->epoll, SRT_EPOLL_ENABLE_EMPTY);
	for (load->now_us = start_us; load->now_us - start_us < load->opt.run_us; load->now_us = endpoint_now_us()) {
		int n;

		start_due(load, start_us);
		if (is_asked_to_end || (load->opt.is_until_end && load->n_done == load->opt.n_players))
			break;
		n = srt_epoll_uwait(load->epoll, events, EVENTS, load->n_started < load->opt.n_players ? 5 : TICK_MS);
		for (int i = 0; i < n; i++) {
			struct report_player *p = find_player(load, events[i].fd);

			if (p)
				player_on_event(load, p, events[i].events);
		}
		note_all_figures(load);
	}
	for (size_t i = 0; i < load->n_started; i++)
		player_close(load, &load->players[i], load->players[i].is_connected ? REPORT_OPEN : REPORT_CONNECTING);
}

static int usage(void)
{
	fputs("usage: srt_load --to A.B.C.D:PORT [--stream-id ID] [--players N] [--seconds S] [--ramp-ms MS]\n"
	      "                [--latency MS] [--window PACKETS] [--passphrase-fd FD] [--per-port N]\n"
	      "                [--until-end] [--from-us T --to-us T] [--delays]   {n} in ID: the player's number\n",
	    stderr);
	return 2;
}

static bool parse_options(struct load *load, int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "stream-id", required_argument, NULL, 'i' },
		{ "players", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "ramp-ms", required_argument, NULL, 'r' },
		{ "latency", required_argument, NULL, 'l' },
		{ "window", required_argument, NULL, 'w' },
		{ "passphrase-fd", required_argument, NULL, 'p' },
		{ "per-port", required_argument, NULL, 'k' },
		{ "from-us", required_argument, NULL, 'a' },
		{ "to-us", required_argument, NULL, 'b' },
		{ "delays", no_argument, NULL, 'd' },
		{ "until-end", no_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	struct load_options *opt = &load->opt;
	bool has_address = false;
	int c = 0;

	*opt = (struct load_options){ .n_players = 1, .run_us = 10000000 };
	load->end = (struct end_srt){ .latency_ms = 120, .n_per_port = 16 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't': has_address = end_srt_parse(&load->end, optarg) == 0; break;
		case 'i': load->end.stream_id = optarg; break;
		case 'n': opt->n_players = strtoul(optarg, NULL, 10); break;
		case 's': opt->run_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		case 'r': opt->ramp_us = strtol(optarg, NULL, 10) * 1000; break;
		case 'l': load->end.latency_ms = (int)strtol(optarg, NULL, 10); break;
		case 'w': load->end.window_packets = (int)strtol(optarg, NULL, 10); break;
		case 'k': load->end.n_per_port = strtoul(optarg, NULL, 10); break;
		case 'a': opt->from_us = strtoll(optarg, NULL, 10); break;
		case 'b': opt->to_us = strtoll(optarg, NULL, 10); break;
		case 'd': opt->has_delays = true; break;
		case 'e': opt->is_until_end = true; break;
		case 'p':
			if (end_srt_read_passphrase(&load->end, optarg) < 0)
				return false;
			break;
		default: return false;
		}
	}
	return has_address && opt->n_players > 0 && optind == argc;
}

static bool prepare(struct load *load)
{
	size_t n = load->opt.n_players;

	load->players = calloc(n, sizeof(*load->players));
	load->run.delays_ms = load->opt.has_delays ? calloc(DELAYS_MAX, sizeof(double)) : NULL;
	for (size_t i = 0; load->players && i < n; i++) {
		ts_seen_init(&load->players[i].seen);
		load->players[i].sock = SRT_INVALID_SOCK;
	}
	load->epoll = srt_epoll_create();
	load->run.players = load->players;
	load->run.n_players = n;
	return load->players && load->epoll >= 0;
}

int main(int argc, char **argv)
{
	static struct load load;
	const struct sigaction end = { .sa_handler = on_signal };
	int64_t start_us = endpoint_now_us();
	int res = 1;

	if (!parse_options(&load, argc, argv))
		return usage();
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	if (end_srt_start() < 0)
		return 1;
	if (prepare(&load)) {
		load_run(&load);
		load.run.wall_us = endpoint_now_us() - start_us;
		load.run.cpu_us = endpoint_cpu_us();
		res = report_srt(&load.run) < 0;
		fflush(stdout);
		srt_epoll_release(load.epoll);
	}
	end_srt_stop();
	free(load.run.delays_ms);
	free(load.players);
	return res;
}
