/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flood of SRT handshake packets from many ports, written byte by byte: calls that are never followed up, and
 * conclusions with cookies that are invented or were somebody else's. Says in JSON what was sent and what came back.
 */
#include "tests/tools/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* draft-sharabayko-srt-01 §3.2.1: a control packet of type 0, then the handshake's fields. */
enum {
	HEADER_BYTES = 16,
	HANDSHAKE_BYTES = 64,
	CONCLUSION_BYTES = HANDSHAKE_BYTES + 16, /* and one extension: HSREQ */
	AT_VERSION = 16,
	AT_TYPE = 20,
	AT_SEQUENCE = 24,
	AT_MTU = 28,
	AT_WINDOW = 32,
	AT_REQUEST = 36,
	AT_SOCKET_ID = 40,
	AT_COOKIE = 44,
	AT_EXTENSION = 64,
	REQUEST_INDUCTION = 1,
	REJECT_FROM = 1000,
	MTU_BYTES = 1500,
	WINDOW_PACKETS = 8192,
	BATCH_US = 1000,
	ROOM_BYTES = 4096, /* answers that nobody wants wait here */
};
static const uint32_t request_conclusion = 0xffffffffu;

enum kind {
	KIND_INDUCTION,
	KIND_INVENTED, /* cookie */
	KIND_STOLEN,   /* cookie of another port */
	KINDS,
};
static const char *const kind_names[KINDS] = { "induction", "invented_cookie", "stolen_cookie" };

struct flood {
	struct sockaddr_in to;
	size_t n_sockets;
	double per_s;
	int64_t run_us;
	int *socks;
	uint32_t *cookies; /* that the socket of this number was given */
	uint64_t random;
	uint64_t n_sent[KINDS];
	uint64_t n_unsent;
	uint64_t n_answers;
	uint64_t n_cookies;
	uint64_t n_rejections;
	uint64_t n_agreed; /* conclusions that were answered with a conclusion: must be none */
};

static uint64_t next_random(struct flood *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->random;
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

static size_t write_handshake(struct flood *f, uint8_t *p, enum kind kind, uint32_t cookie)
{
	memset(p, 0, CONCLUSION_BYTES);
	put32(p, 0x80000000u);
	put32(p + 8, (uint32_t)next_random(f));
	put32(p + AT_VERSION, kind == KIND_INDUCTION ? 4 : 5);
	put32(p + AT_TYPE, kind == KIND_INDUCTION ? 2 : 1); /* 2: datagrams; in version 5: HSREQ follows */
	put32(p + AT_SEQUENCE, (uint32_t)next_random(f) & 0x7fffffffu);
	put32(p + AT_MTU, MTU_BYTES);
	put32(p + AT_WINDOW, WINDOW_PACKETS);
	put32(p + AT_REQUEST, kind == KIND_INDUCTION ? REQUEST_INDUCTION : request_conclusion);
	put32(p + AT_SOCKET_ID, (uint32_t)next_random(f) & 0x3fffffffu);
	put32(p + AT_COOKIE, cookie);
	if (kind == KIND_INDUCTION)
		return HANDSHAKE_BYTES;
	/* §3.2.1.1: HSREQ of three words: version 1.5.1, live mode's flags, delays. */
	put32(p + AT_EXTENSION, 1u << 16 | 3);
	put32(p + AT_EXTENSION + 4, 0x010501);
	put32(p + AT_EXTENSION + 8, 0xbf);
	put32(p + AT_EXTENSION + 12, 120u << 16 | 120);
	return CONCLUSION_BYTES;
}

static void read_answers(struct flood *f, size_t i)
{
	uint8_t buf[256];
	ssize_t n;

	while ((n = recv(f->socks[i], buf, sizeof(buf), MSG_DONTWAIT)) >= HANDSHAKE_BYTES) {
		uint32_t request = get32(buf + AT_REQUEST);

		f->n_answers++;
		if (request == REQUEST_INDUCTION) {
			f->cookies[i] = get32(buf + AT_COOKIE);
			f->n_cookies++;
		} else if (request == request_conclusion) {
			f->n_agreed++;
		} else if (request >= REJECT_FROM) {
			f->n_rejections++;
		}
	}
}

static void send_one(struct flood *f, uint64_t number)
{
	size_t i = next_random(f) % f->n_sockets;
	enum kind kind = (enum kind)(number % KINDS);
	uint8_t packet[CONCLUSION_BYTES];
	uint32_t cookie = 0;
	size_t len;

	read_answers(f, i);
	if (kind == KIND_INVENTED)
		cookie = (uint32_t)next_random(f);
	else if (kind == KIND_STOLEN)
		cookie = f->cookies[(i + 1) % f->n_sockets];
	len = write_handshake(f, packet, kind, cookie);
	if (send(f->socks[i], packet, len, MSG_DONTWAIT) == (ssize_t)len)
		f->n_sent[kind]++;
	else
		f->n_unsent++;
}

static int open_all(struct flood *f)
{
	const int room = ROOM_BYTES;

	f->socks = calloc(f->n_sockets, sizeof(*f->socks));
	f->cookies = calloc(f->n_sockets, sizeof(*f->cookies));
	if (!f->socks || !f->cookies)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_sockets; i++) {
		f->socks[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (f->socks[i] < 0 || connect(f->socks[i], (struct sockaddr *)&f->to, sizeof(f->to)) < 0)
			return -errno;
		setsockopt(f->socks[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	}
	return 0;
}

/* So many as are due each millisecond; one that is late is not made up for in one burst of more than 20 ms. */
static void run(struct flood *f)
{
	int64_t start_us = endpoint_now_us(), now_us;
	double credit = 0;
	uint64_t number = 0;

	for (int64_t last_us = start_us; (now_us = endpoint_now_us()) - start_us < f->run_us; last_us = now_us) {
		struct timespec pause = { .tv_nsec = BATCH_US * 1000 };

		credit += f->per_s * (double)(now_us - last_us) / 1e6;
		if (credit > f->per_s / 50)
			credit = f->per_s / 50;
		for (; credit >= 1; credit--)
			send_one(f, number++);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

static void report(const struct flood *f, int64_t wall_us)
{
	uint64_t n_sent = 0;

	for (int i = 0; i < KINDS; i++)
		n_sent += f->n_sent[i];
	printf("{\"sockets\": %zu, \"sent\": %llu, \"per_s\": %.0f, \"unsent\": %llu", f->n_sockets,
	    (unsigned long long)n_sent, (double)n_sent / ((double)wall_us / 1e6), (unsigned long long)f->n_unsent);
	for (int i = 0; i < KINDS; i++)
		printf(", \"%s\": %llu", kind_names[i], (unsigned long long)f->n_sent[i]);
	printf(", \"answers\": %llu, \"cookies\": %llu, \"rejections\": %llu, \"agreed\": %llu}\n",
	    (unsigned long long)f->n_answers, (unsigned long long)f->n_cookies, (unsigned long long)f->n_rejections,
	    (unsigned long long)f->n_agreed);
}

static bool parse_address(struct sockaddr_in *a, const char *to)
{
	char host[64] = "";
	int port = 0;

	if (sscanf(to, "%63[0-9.]:%d", host, &port) != 2 || port <= 0 || port > 65535)
		return false;
	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &a->sin_addr) == 1;
}

static bool parse_options(struct flood *f, int argc, char **argv)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "sockets", required_argument, NULL, 'n' },
		{ "per-s", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	bool has_address = false;
	int c = 0;

	*f = (struct flood){ .n_sockets = 1000, .per_s = 20000, .run_us = 10000000, .random = 88172645463325252u };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 't': has_address = parse_address(&f->to, optarg); break;
		case 'n': f->n_sockets = strtoul(optarg, NULL, 10); break;
		case 'r': f->per_s = strtod(optarg, NULL); break;
		case 's': f->run_us = (int64_t)(strtod(optarg, NULL) * 1e6); break;
		default: return false;
		}
	}
	return has_address && f->n_sockets > 0 && f->per_s > 0 && optind == argc;
}

int main(int argc, char **argv)
{
	struct flood flood;
	int64_t start_us;
	int err;

	if (!parse_options(&flood, argc, argv)) {
		fputs("usage: srt_flood --to A.B.C.D:PORT [--sockets N] [--per-s N] [--seconds S]\n", stderr);
		return 2;
	}
	endpoint_raise_descriptor_limit();
	err = open_all(&flood);
	start_us = endpoint_now_us();
	if (err == 0)
		run(&flood);
	else
		fprintf(stderr, "srt_flood: %s\n", strerror(-err));
	for (size_t i = 0; err == 0 && i < flood.n_sockets; i++)
		read_answers(&flood, i);
	if (err == 0)
		report(&flood, endpoint_now_us() - start_us);
	for (size_t i = 0; flood.socks && i < flood.n_sockets; i++)
		if (flood.socks[i] > 0)
			close(flood.socks[i]);
	free(flood.socks);
	free(flood.cookies);
	return err < 0;
}
