/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's own ceiling: one thread writes a shared buffer to many sockets at a fixed pace, another process reads
 * and throws away. Nothing is parsed, queued or decided, so what a relay costs above it is the relay's own.
 */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK_BYTES = 60000,
	READ_BYTES = 1 << 20,
	EVENTS = 512,
	IOV_MAX_LEN = 1024,
	LEAD_US = 500000, /* from the first write to the window */
};

struct floor_options {
	size_t n_sockets;
	double writes_per_s; /* to each socket */
	double mbit_per_s;   /* to each socket */
	double seconds;	     /* of the window */
	int rcvlowat_bytes;
};

struct floor_result {
	int64_t wall_us;
	int64_t user_us;
	int64_t system_us;
	uint64_t sent_bytes;
	uint64_t n_writes;
	uint64_t n_short; /* the receiver was behind: those bytes are lost */
};

struct pattern {
	struct iovec iov[IOV_MAX_LEN];
	int len;
	size_t size_bytes;
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void wait_until(int64_t when_us)
{
	struct timespec ts = { .tv_sec = when_us / 1000000, .tv_nsec = when_us % 1000000 * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static int64_t to_us(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

/* The receiver: reads all there is until it is killed. */
static void discard(const int *fds, size_t n)
{
	static char buf[READ_BYTES];
	int epoll_fd = epoll_create1(0);

	for (size_t i = 0; i < n; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = fds[i] };

		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &ev);
	}
	for (;;) {
		struct epoll_event events[EVENTS];
		int n_events = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < n_events; i++)
			(void)!recv(events[i].data.fd, buf, sizeof(buf), MSG_DONTWAIT);
	}
}

static int open_pairs(int *out, int *in, const struct floor_options *opt)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 1024) < 0 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	for (size_t i = 0; i < opt->n_sockets; i++) {
		in[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (in[i] < 0 || connect(in[i], (struct sockaddr *)&a, sizeof(a)) < 0)
			return -errno;
		out[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (out[i] < 0)
			return -errno;
		setsockopt(out[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (opt->rcvlowat_bytes > 0)
			setsockopt(in[i], SOL_SOCKET, SO_RCVLOWAT, &opt->rcvlowat_bytes, sizeof(opt->rcvlowat_bytes));
	}
	close(listener);
	return 0;
}

/* As a relay's list looks: a header of its own in front of every chunk of payload. */
static bool make_pattern(struct pattern *p, const struct floor_options *opt)
{
	static uint8_t header[12];
	size_t want = (size_t)(opt->mbit_per_s * 1e6 / 8 / opt->writes_per_s);
	uint8_t *payload = malloc(want + 1);

	*p = (struct pattern){ .len = 0 };
	if (!payload)
		return false;
	memset(payload, 0x55, want);
	while (p->size_bytes < want && p->len + 2 <= IOV_MAX_LEN) {
		size_t left = want - p->size_bytes;

		p->iov[p->len++] = (struct iovec){ header, left < sizeof(header) ? left : sizeof(header) };
		left -= p->iov[p->len - 1].iov_len;
		p->iov[p->len] = (struct iovec){ payload, left < CHUNK_BYTES ? left : CHUNK_BYTES };
		p->size_bytes += p->iov[p->len - 1].iov_len + p->iov[p->len].iov_len;
		p->len++;
	}
	return p->size_bytes == want && want > 0;
}

static void write_to_all(const int *fds, size_t n, struct pattern *p, struct floor_result *r)
{
	for (size_t i = 0; i < n; i++) {
		struct msghdr msg = { .msg_iov = p->iov, .msg_iovlen = (size_t)p->len };
		ssize_t sent = sendmsg(fds[i], &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		r->n_writes++;
		r->n_short += sent != (ssize_t)p->size_bytes;
		r->sent_bytes += sent > 0 ? (uint64_t)sent : 0;
	}
}

static void run(const int *fds, const struct floor_options *opt, struct pattern *p, struct floor_result *r)
{
	int64_t start_us = now_us(), from_us = 0;
	struct rusage before = { 0 }, after;

	for (uint64_t i = 0; from_us == 0 || now_us() - from_us < (int64_t)(opt->seconds * 1e6); i++) {
		wait_until(start_us + (int64_t)((double)i * 1e6 / opt->writes_per_s));
		if (from_us == 0 && now_us() - start_us >= LEAD_US) {
			from_us = now_us();
			getrusage(RUSAGE_SELF, &before);
			*r = (struct floor_result){ 0 };
		}
		write_to_all(fds, opt->n_sockets, p, r);
	}
	getrusage(RUSAGE_SELF, &after);
	r->wall_us = now_us() - from_us;
	r->user_us = to_us(after.ru_utime) - to_us(before.ru_utime);
	r->system_us = to_us(after.ru_stime) - to_us(before.ru_stime);
}

static void report(const struct floor_options *opt, const struct floor_result *r)
{
	double gbit = (double)r->sent_bytes * 8 / 1e9;

	printf("{\"sockets\": %zu, \"writes_per_s\": %.2f, \"mbit_per_s\": %.3f, \"gbit\": %.4f, \"short\": %llu, ",
	    opt->n_sockets, (double)r->n_writes / (double)opt->n_sockets / ((double)r->wall_us / 1e6),
	    gbit * 1e9 / (double)opt->n_sockets / (double)r->wall_us, gbit, (unsigned long long)r->n_short);
	printf("\"user_ms_per_gbit\": %.2f, \"system_ms_per_gbit\": %.2f, \"ms_per_gbit\": %.2f}\n",
	    (double)r->user_us / 1e3 / gbit, (double)r->system_us / 1e3 / gbit,
	    (double)(r->user_us + r->system_us) / 1e3 / gbit);
}

static bool parse_options(struct floor_options *opt, int argc, char **argv)
{
	static const struct option options[] = {
		{ "sockets", required_argument, NULL, 'n' },
		{ "writes-per-s", required_argument, NULL, 'w' },
		{ "mbit-per-s", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 's' },
		{ "rcvlowat", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	int c = 0;

	*opt = (struct floor_options){ .n_sockets = 100, .writes_per_s = 30, .mbit_per_s = 2, .seconds = 4 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n': opt->n_sockets = strtoul(optarg, NULL, 10); break;
		case 'w': opt->writes_per_s = strtod(optarg, NULL); break;
		case 'm': opt->mbit_per_s = strtod(optarg, NULL); break;
		case 's': opt->seconds = strtod(optarg, NULL); break;
		case 'l': opt->rcvlowat_bytes = (int)strtol(optarg, NULL, 10); break;
		default: return false;
		}
	}
	return optind == argc && opt->n_sockets > 0 && opt->writes_per_s > 0 && opt->mbit_per_s > 0;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int measure(const struct floor_options *opt, struct pattern *p)
{
	int *out = calloc(opt->n_sockets * 2, sizeof(*out)), *in = out + opt->n_sockets;
	struct floor_result result = { 0 };
	pid_t reader = -1;

	if (out && open_pairs(out, in, opt) == 0)
		reader = fork();
	if (reader == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		discard(in, opt->n_sockets);
	}
	if (reader > 0) {
		run(out, opt, p, &result);
		kill(reader, SIGKILL);
		waitpid(reader, NULL, 0);
		report(opt, &result);
	}
	free(out);
	return reader > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct floor_options opt;
	struct pattern pattern;
	int res;

	if (!parse_options(&opt, argc, argv) || !make_pattern(&pattern, &opt)) {
		fputs("usage: bench_floor [--sockets N] [--writes-per-s W] [--mbit-per-s M] [--seconds S] [--rcvlowat "
		      "B]\n",
		    stderr);
		return 2;
	}
	raise_descriptor_limit();
	res = measure(&opt, &pattern);
	free(pattern.iov[1].iov_base);
	return res;
}
