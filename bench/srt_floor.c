/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsrt's own ceiling: a bare listener sends one paced stream out of one buffer to all who call, a frame at a time,
 * from one thread of ours. Nothing is received, queued or decided, so what a relay costs above it is the relay's own.
 */
#include "tests/tools/end_srt.h"
#include "tests/tools/endpoint.h"
#include "tests/tools/ts_file.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PLAYERS_MAX = 4096 };

struct floor {
	struct end_srt end;
	struct ts_file file;
	SRTSOCKET listener;
	SRTSOCKET players[PLAYERS_MAX];
	size_t n_players;
	uint64_t n_full;
};

static volatile sig_atomic_t is_asked_to_end;

static void on_signal(int number)
{
	(void)number;
	is_asked_to_end = 1;
}

static void wait_until(int64_t when_us)
{
	struct timespec ts = { .tv_sec = when_us / 1000000, .tv_nsec = when_us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR && !is_asked_to_end)
		;
}

static void accept_all(struct floor *f)
{
	SRTSOCKET sock;

	while (f->n_players < PLAYERS_MAX && (sock = srt_accept(f->listener, NULL, NULL)) != SRT_INVALID_SOCK)
		f->players[f->n_players++] = sock;
}

static void send_to_all(struct floor *f, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < f->n_players;) {
		int n_full = end_srt_send(f->players[i], data, len);

		if (n_full < 0) {
			srt_close(f->players[i]);
			f->players[i] = f->players[--f->n_players];
			continue;
		}
		f->n_full += (uint64_t)n_full;
		i++;
	}
}

static void run(struct floor *f)
{
	int64_t start_us = endpoint_now_us();

	while (!is_asked_to_end) {
		const uint8_t *data;
		size_t len = 0;

		wait_until(start_us + ts_file_due_us(&f->file));
		accept_all(f);
		data = ts_file_next(&f->file, endpoint_now_us(), &len);
		send_to_all(f, data, len);
	}
	printf("{\"players\": %zu, \"no_room\": %llu}\n", f->n_players, (unsigned long long)f->n_full);
}

static bool parse_options(struct floor *f, const char **file_name, int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'a' },
		{ "file", required_argument, NULL, 'f' },
		{ "latency", required_argument, NULL, 'l' },
		{ "window", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0;

	if (end_srt_parse(&f->end, "127.0.0.1:0") < 0)
		return false;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'a':
			if (end_srt_parse(&f->end, optarg) < 0)
				return false;
			break;
		case 'f': *file_name = optarg; break;
		case 'l': f->end.latency_ms = (int)strtol(optarg, NULL, 10); break;
		case 'w': f->end.window_packets = (int)strtol(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return *file_name && optind == argc;
}

int main(int argc, char **argv)
{
	static struct floor f;
	const struct sigaction end = { .sa_handler = on_signal };
	const char *file_name = NULL;

	if (!parse_options(&f, &file_name, argc, argv) || ts_file_open(&f.file, file_name) < 0) {
		fputs("usage: srt_floor --file TS [--listen A.B.C.D:PORT] [--latency MS] [--window PACKETS]\n", stderr);
		return 2;
	}
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	if (end_srt_start() < 0)
		return 1;
	f.listener = end_srt_listen(&f.end);
	if (f.listener != SRT_INVALID_SOCK)
		run(&f);
	end_srt_stop();
	ts_file_close(&f.file);
	return f.listener == SRT_INVALID_SOCK;
}
