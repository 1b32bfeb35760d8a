/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/end_srt.h"

#include "tests/tools/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { BACKLOG = 1000, STREAM_ID_SIZE = 513, CONNECT_LIMIT_MS = 10000 };

int end_srt_start(void)
{
	if (srt_startup() < 0)
		return -ENOMEM;
	srt_setloglevel(LOG_CRIT);
	return 0;
}

void end_srt_stop(void)
{
	srt_cleanup();
}

int end_srt_parse(struct end_srt *e, const char *to)
{
	char host[64] = "";
	int port = 0, end = 0;

	if (sscanf(to, "%63[0-9.]:%d%n", host, &port, &end) != 2 || to[end] || port < 0 || port > 65535)
		return -EINVAL;
	e->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &e->address.sin_addr) == 1 ? 0 : -EINVAL;
}

int end_srt_read_passphrase(struct end_srt *e, const char *fd)
{
	ssize_t n = read((int)strtol(fd, NULL, 10), e->passphrase, sizeof(e->passphrase) - 1);

	if (n < 0)
		return -errno;
	e->passphrase[n] = 0;
	e->passphrase[strcspn(e->passphrase, "\r\n")] = 0;
	return 0;
}

static bool set_int(SRTSOCKET sock, SRT_SOCKOPT option, int value)
{
	return srt_setsockflag(sock, option, &value, sizeof(value)) == 0;
}

static bool set_bool(SRTSOCKET sock, SRT_SOCKOPT option, bool value)
{
	return srt_setsockflag(sock, option, &value, sizeof(value)) == 0;
}

static bool set_options(const struct end_srt *e, SRTSOCKET sock)
{
	struct linger none = { 0 };
	size_t len = strlen(e->passphrase);

	return set_bool(sock, SRTO_SNDSYN, false) && set_bool(sock, SRTO_RCVSYN, e->is_blocking_connect) &&
	    (e->window_packets == 0 || set_int(sock, SRTO_FC, e->window_packets)) &&
	    (e->latency_ms == 0 || set_int(sock, SRTO_LATENCY, e->latency_ms)) &&
	    srt_setsockflag(sock, SRTO_LINGER, &none, sizeof(none)) == 0 &&
	    (len == 0 || srt_setsockflag(sock, SRTO_PASSPHRASE, e->passphrase, (int)len) == 0);
}

/* The first of a group lets the kernel choose a port, the others join it. */
static bool bind_local(struct end_srt *e, SRTSOCKET sock)
{
	int len = sizeof(e->local);

	if (e->n_on_local == 0 || (e->n_per_port > 0 && e->n_on_local == e->n_per_port)) {
		e->local = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = e->address.sin_addr };
		e->n_on_local = 0;
	}
	if (srt_bind(sock, (struct sockaddr *)&e->local, sizeof(e->local)) < 0)
		return false;
	e->n_on_local++;
	return srt_getsockname(sock, (struct sockaddr *)&e->local, &len) == 0;
}

SRTSOCKET end_srt_call(struct end_srt *e, size_t n)
{
	SRTSOCKET sock = srt_create_socket();
	char id[STREAM_ID_SIZE] = "";

	if (sock == SRT_INVALID_SOCK)
		return sock;
	if (e->stream_id)
		endpoint_number(e->stream_id, n, id, sizeof(id));
	if (!set_options(e, sock) || !set_int(sock, SRTO_CONNTIMEO, CONNECT_LIMIT_MS) ||
	    (id[0] && srt_setsockflag(sock, SRTO_STREAMID, id, (int)strlen(id)) < 0) || !bind_local(e, sock) ||
	    srt_connect(sock, (struct sockaddr *)&e->address, sizeof(e->address)) < 0) {
		srt_close(sock);
		return SRT_INVALID_SOCK;
	}
	return sock;
}

SRTSOCKET end_srt_listen(const struct end_srt *e)
{
	SRTSOCKET sock = srt_create_socket();
	struct sockaddr_in a = e->address;
	int len = sizeof(a);

	if (sock == SRT_INVALID_SOCK)
		return sock;
	if (!set_options(e, sock) || !set_bool(sock, SRTO_RCVSYN, false) ||
	    srt_bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0 || srt_listen(sock, BACKLOG) < 0 ||
	    srt_getsockname(sock, (struct sockaddr *)&a, &len) < 0) {
		srt_close(sock);
		return SRT_INVALID_SOCK;
	}
	printf("ready srt=%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return sock;
}

int end_srt_send(SRTSOCKET sock, const uint8_t *data, size_t len)
{
	int n_full = 0;

	for (size_t at = 0; at < len; at += END_SRT_MESSAGE_BYTES) {
		size_t n = len - at < END_SRT_MESSAGE_BYTES ? len - at : END_SRT_MESSAGE_BYTES;

		if (srt_sendmsg2(sock, (const char *)data + at, (int)n, NULL) >= 0)
			continue;
		if (srt_getlasterror(NULL) != SRT_EASYNCSND)
			return -1;
		n_full++;
	}
	return n_full;
}
