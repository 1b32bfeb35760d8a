/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes one TS file as one or many SRT streams in real time; every frame says when it was written. */
#include "tests/tools/end_srt.h"
#include "tests/tools/endpoint.h"
#include "tests/tools/ts_file.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct source {
	struct end_srt end;
	const char *file_name;
	size_t n;
	int64_t run_us;
	struct ts_file file;
	SRTSOCKET *socks;
	uint64_t n_full;
	uint64_t n_bytes;
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

static int connect_all(struct source *s)
{
	for (size_t i = 0; i < s->n; i++) {
		s->socks[i] = end_srt_call(&s->end, i);
		if (s->socks[i] == SRT_INVALID_SOCK) {
			fprintf(stderr, "srt_source: stream %zu is not let in: %s\n", i, srt_getlasterror_str());
			return -ECONNREFUSED;
		}
	}
	puts("running");
	fflush(stdout);
	return 0;
}

static int send_all(struct source *s, int64_t start_us)
{
	for (;;) {
		int64_t due_us = ts_file_due_us(&s->file);
		const uint8_t *data;
		size_t len = 0;

		if (due_us >= s->run_us || is_asked_to_end)
			return 0;
		wait_until(start_us + due_us);
		data = ts_file_next(&s->file, endpoint_now_us(), &len);
		for (size_t i = 0; i < s->n; i++) {
			int n_full = end_srt_send(s->socks[i], data, len);

			if (n_full < 0) {
				fprintf(stderr, "srt_source: stream %zu was cut off: %s\n", i, srt_getlasterror_str());
				return -ECONNRESET;
			}
			s->n_full += (uint64_t)n_full;
		}
		s->n_bytes += len;
	}
}

static void report(const struct source *s)
{
	long long n_late = 0, n_retransmitted = 0;
	SRT_TRACEBSTATS stats;

	for (size_t i = 0; i < s->n; i++) {
		if (s->socks[i] == SRT_INVALID_SOCK || srt_bstats(s->socks[i], &stats, 0) < 0)
			continue;
		n_late += stats.pktSndDropTotal;
		n_retransmitted += stats.pktRetransTotal;
	}
	printf("{\"streams\": %zu, \"frames\": %llu, \"bytes\": %llu, \"no_room\": %llu, \"late_drops\": %lld, "
	       "\"retransmitted\": %lld}\n",
	    s->n, (unsigned long long)s->file.n_frames, (unsigned long long)s->n_bytes, (unsigned long long)s->n_full,
	    n_late, n_retransmitted);
}

static int run(struct source *s)
{
	int err;

	for (size_t i = 0; i < s->n; i++)
		s->socks[i] = SRT_INVALID_SOCK;
	err = connect_all(s);
	if (err == 0)
		err = send_all(s, endpoint_now_us());
	report(s);
	for (size_t i = 0; i < s->n; i++)
		if (s->socks[i] != SRT_INVALID_SOCK)
			srt_close(s->socks[i]);
	return err;
}

static bool parse_options(struct source *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "stream-id", required_argument, NULL, 'i' },
		{ "file", required_argument, NULL, 'f' },
		{ "streams", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "latency", required_argument, NULL, 'l' },
		{ "passphrase-fd", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	bool has_address = false;
	int c = 0;

	s->n = 1;
	s->run_us = 3600000000;
	s->end.is_blocking_connect = true;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't': has_address = end_srt_parse(&s->end, optarg) == 0; break;
		case 'i': s->end.stream_id = optarg; break;
		case 'f': s->file_name = optarg; break;
		case 'n': s->n = strtoul(optarg, NULL, 10); break;
		case 's': s->run_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		case 'l': s->end.latency_ms = (int)strtol(optarg, NULL, 10); break;
		case 'p':
			if (end_srt_read_passphrase(&s->end, optarg) < 0)
				return false;
			break;
		default: return false;
		}
	}
	return has_address && s->file_name && s->n > 0 && optind == argc;
}

int main(int argc, char **argv)
{
	static struct source s;
	const struct sigaction end = { .sa_handler = on_signal };
	int err;

	if (!parse_options(&s, argc, argv)) {
		fputs(
		    "usage: srt_source --to A.B.C.D:PORT --file TS [--stream-id ID] [--streams N] [--seconds S]\n"
		    "                  [--latency MS] [--passphrase-fd FD]   {n} in ID: the stream's number, from 0\n",
		    stderr);
		return 2;
	}
	if (ts_file_open(&s.file, s.file_name) < 0) {
		fprintf(stderr, "srt_source: %s: not a TS file with pictures\n", s.file_name);
		return 2;
	}
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	s.socks = calloc(s.n, sizeof(*s.socks));
	err = s.socks ? end_srt_start() : -ENOMEM;
	if (err == 0) {
		err = run(&s);
		end_srt_stop();
	}
	free(s.socks);
	ts_file_close(&s.file);
	return err < 0;
}
