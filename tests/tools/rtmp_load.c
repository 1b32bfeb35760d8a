/* SPDX-License-Identifier: Apache-2.0 */
/* Many RTMP players in one thread: reads all, keeps nothing, says in JSON what they saw. */
#include "tests/tools/endpoint.h"
#include "tests/tools/load_report.h"
#include "tests/tools/peer_tls.h"
#include "tests/tools/stamp.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_BYTES = 1 << 20,
	EVENTS = 512,
	TICK_MS = 50,
	DELAYS_MAX = 1 << 20,
	STREAM_SIZE = 96,
};

struct load_options {
	const char *url;
	size_t n_players;
	size_t n_never_read;
	int64_t run_us;
	int64_t ramp_us;
	int rcvlowat_bytes;
	int64_t from_us; /* the window that bytes and delays are counted in, on the monotonic clock */
	int64_t to_us;
	bool has_delays;
	bool is_until_end; /* stop early when every player has ended */
};

struct player {
	struct load *load;
	int fd;		      /* -1: none */
	struct peer_tls *tls; /* NULL: plain */
	bool wants_out;
	bool has_lowat;
	char stream[STREAM_SIZE];
	struct client_config cfg;
	struct client client;
};

struct load {
	struct load_options opt;
	struct endpoint endpoint;
	int epoll_fd;
	int64_t now_us;
	size_t n_started;
	size_t n_done;
	uint64_t window_bytes;
	double *delays_ms; /* NULL: not asked for */
	size_t n_delays;
	struct player *players;
	struct load_seen *seen;
	uint8_t buf[READ_BYTES];
};

static struct load_seen *seen_of(const struct player *p)
{
	return &p->load->seen[p - p->load->players];
}

static bool is_in_window(const struct load *load)
{
	return load->now_us >= load->opt.from_us && load->now_us < load->opt.to_us;
}

static void note_delay(struct load *load, const struct wire_message *m)
{
	int64_t written_us = 0;

	if (!load->delays_ms || load->n_delays == DELAYS_MAX || !is_in_window(load) || m->type != WIRE_VIDEO)
		return;
	if (stamp_read(m->head, m->head_bytes, &written_us))
		load->delays_ms[load->n_delays++] = (double)(load->now_us - written_us) / 1e3;
}

static void player_on_media(void *ctx, const struct wire_message *m)
{
	struct player *p = ctx;

	note_delay(p->load, m);
	load_seen_media(seen_of(p), m, p->load->now_us);
}

static void player_close(struct player *p, enum load_outcome outcome)
{
	if (p->fd < 0)
		return;
	peer_tls_destroy(&p->tls);
	close(p->fd);
	p->fd = -1;
	p->load->n_done++;
	seen_of(p)->outcome = outcome;
	seen_of(p)->has_eos = p->client.is_ended;
	seen_of(p)->size_bytes = p->client.in.total_bytes;
	load_seen_end(seen_of(p), p->load->now_us);
}

static void player_watch(struct player *p, int op)
{
	bool is_reading = seen_of(p)->is_reading || p->client.state != CLIENT_RUNNING;
	struct epoll_event ev = { .data.ptr = p };

	ev.events = (is_reading ? EPOLLIN : EPOLLRDHUP) | (p->wants_out ? EPOLLOUT : 0u);
	epoll_ctl(p->load->epoll_fd, op, p->fd, &ev);
}

static void player_start(struct load *load, size_t i)
{
	struct player *p = &load->players[i];

	p->load = load;
	endpoint_stream_name(&load->endpoint, i, p->stream, sizeof(p->stream));
	p->cfg = (struct client_config){
		.app = load->endpoint.app,
		.tc_url = load->endpoint.tc_url,
		.stream = p->stream,
		.on_media = player_on_media,
		.ctx = p,
	};
	client_init(&p->client, &p->cfg);
	load->seen[i].start_us = load->now_us;
	load->seen[i].is_reading = i >= load->opt.n_never_read;
	p->fd = endpoint_connect(&load->endpoint);
	if (p->fd < 0) {
		load->n_done++;
		load->seen[i].outcome = LOAD_FAILED;
		return;
	}
	p->wants_out = true;
	if (load->endpoint.is_tls)
		p->tls = peer_tls_create(p->fd);
	player_watch(p, EPOLL_CTL_ADD);
	if (load->endpoint.is_tls && !p->tls)
		player_close(p, LOAD_FAILED);
}

/* Media is coming: from here on a wake-up for a handful of bytes is not worth it, when asked so. */
static void player_is_running(struct player *p)
{
	int lowat = p->load->opt.rcvlowat_bytes;

	if (p->has_lowat)
		return;
	p->has_lowat = true;
	if (lowat > 0)
		setsockopt(p->fd, SOL_SOCKET, SO_RCVLOWAT, &lowat, sizeof(lowat));
	if (!seen_of(p)->is_reading)
		player_watch(p, EPOLL_CTL_MOD);
}

static ssize_t player_recv(struct player *p)
{
	ssize_t n;

	if (p->tls)
		return peer_tls_read(p->tls, p->load->buf, sizeof(p->load->buf));
	n = recv(p->fd, p->load->buf, sizeof(p->load->buf), 0);
	return n < 0 ? -errno : n;
}

/* Returns whether there may be more: what TLS has read ahead no event tells of. */
static bool player_read(struct player *p)
{
	ssize_t n = player_recv(p);

	if (n == -EAGAIN || n == -EINTR)
		return false;
	if (n <= 0) {
		player_close(p, p->client.state == CLIENT_REFUSED ? LOAD_REFUSED : LOAD_CLOSED);
		return false;
	}
	p->load->now_us = endpoint_now_us();
	if (is_in_window(p->load))
		p->load->window_bytes += (uint64_t)n;
	client_feed(&p->client, p->load->buf, (size_t)n);
	if (p->client.state == CLIENT_RUNNING)
		player_is_running(p);
	else if (p->client.state == CLIENT_REFUSED)
		player_close(p, LOAD_REFUSED);
	else if (p->client.state == CLIENT_BROKEN)
		player_close(p, LOAD_BROKEN);
	return p->tls != NULL;
}

static int player_flush(struct player *p)
{
	struct bytes_writer *out = &p->client.out;
	int err = 0;

	if (out->len > 0)
		err = p->tls ? peer_tls_flush(p->tls, out) : endpoint_flush(p->fd, out);
	p->wants_out = out->len > 0 && (!p->tls || peer_tls_wants_room(p->tls));
	return err;
}

static void player_on_event(struct player *p, uint32_t events)
{
	bool was_waiting = p->wants_out;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		while (player_read(p))
			;
	if (p->fd < 0)
		return;
	if (player_flush(p) < 0) {
		player_close(p, LOAD_CLOSED);
		return;
	}
	if (p->wants_out != was_waiting)
		player_watch(p, EPOLL_CTL_MOD);
}

static void load_run(struct load *load)
{
	const struct load_options *opt = &load->opt;
	int64_t start_us = endpoint_now_us();
	struct epoll_event events[EVENTS];

	load->now_us = start_us;
	while (load->now_us - start_us < opt->run_us) {
		size_t due = endpoint_due(opt->n_players, load->now_us - start_us, opt->ramp_us);
		int n = 0;

		while (load->n_started < due)
			player_start(load, load->n_started++);
		if (opt->is_until_end && load->n_done == opt->n_players)
			break;
		n = epoll_wait(load->epoll_fd, events, EVENTS, load->n_started < opt->n_players ? 5 : TICK_MS);
		load->now_us = endpoint_now_us();
		for (int i = 0; i < n; i++)
			player_on_event(events[i].data.ptr, events[i].events);
	}
	for (size_t i = 0; i < load->n_started; i++)
		player_close(&load->players[i], LOAD_OPEN);
}

static int usage(void)
{
	fputs("usage: rtmp_load --url rtmp[s]://A.B.C.D:PORT/APP/STREAM [--players N] [--seconds S] [--ramp-ms MS]\n"
	      "                 [--rcvlowat BYTES] [--never-read K] [--until-end]\n"
	      "                 [--from-us T --to-us T [--delays]]   {n} in STREAM: the player's number\n",
	    stderr);
	return 2;
}

static bool parse_options(struct load_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "url", required_argument, NULL, 'u' },
		{ "players", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 's' },
		{ "ramp-ms", required_argument, NULL, 'r' },
		{ "rcvlowat", required_argument, NULL, 'l' },
		{ "never-read", required_argument, NULL, 'n' },
		{ "from-us", required_argument, NULL, 'a' },
		{ "to-us", required_argument, NULL, 'b' },
		{ "delays", no_argument, NULL, 'd' },
		{ "until-end", no_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0;

	*opt = (struct load_options){ .n_players = 1, .run_us = 10000000, .ramp_us = 0 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'u': opt->url = optarg; break;
		case 'p': opt->n_players = strtoul(optarg, NULL, 10); break;
		case 's': opt->run_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		case 'r': opt->ramp_us = strtol(optarg, NULL, 10) * 1000; break;
		case 'l': opt->rcvlowat_bytes = (int)strtol(optarg, NULL, 10); break;
		case 'n': opt->n_never_read = strtoul(optarg, NULL, 10); break;
		case 'a': opt->from_us = strtoll(optarg, NULL, 10); break;
		case 'b': opt->to_us = strtoll(optarg, NULL, 10); break;
		case 'd': opt->has_delays = true; break;
		case 'e': opt->is_until_end = true; break;
		default: return false;
		}
	}
	return opt->url && opt->n_players > 0 && optind == argc;
}

int main(int argc, char **argv)
{
	struct load *load = calloc(1, sizeof(*load));
	int64_t start_us = endpoint_now_us();
	int res = 1;

	if (!load)
		return 1;
	if (!parse_options(&load->opt, argc, argv) || endpoint_parse(&load->endpoint, load->opt.url) < 0) {
		free(load);
		return usage();
	}
	endpoint_raise_descriptor_limit();
	load->players = calloc(load->opt.n_players, sizeof(*load->players));
	load->seen = calloc(load->opt.n_players, sizeof(*load->seen));
	load->delays_ms = load->opt.has_delays ? calloc(DELAYS_MAX, sizeof(*load->delays_ms)) : NULL;
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->players && load->seen && load->epoll_fd >= 0) {
		struct load_run run = { .players = load->seen, .n_players = load->opt.n_players };

		load_run(load);
		run.wall_us = endpoint_now_us() - start_us;
		run.cpu_us = endpoint_cpu_us();
		run.window_bytes = load->window_bytes;
		run.delays_ms = load->delays_ms;
		run.n_delays = load->n_delays;
		res = load_report(&run) < 0;
	}
	for (size_t i = 0; i < load->n_started; i++)
		client_fini(&load->players[i].client);
	close(load->epoll_fd);
	free(load->delays_ms);
	free(load->seen);
	free(load->players);
	free(load);
	return res;
}
