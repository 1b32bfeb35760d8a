/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int endpoint_parse(struct endpoint *e, const char *url)
{
	char host[64] = "";
	int port = 1935, app_at = 0;

	memset(e, 0, sizeof(*e));
	e->is_tls = strncmp(url, "rtmps://", 8) == 0;
	if (!e->is_tls && strncmp(url, "rtmp://", 7) != 0)
		return -EINVAL;
	if (sscanf(strstr(url, "//"), "//%63[0-9.]:%d/%n%127[^/]/%255s", host, &port, &app_at, e->app, e->stream) != 4)
		return -EINVAL;
	e->address.sin_family = AF_INET;
	e->address.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &e->address.sin_addr) != 1)
		return -EINVAL;
	snprintf(e->tc_url, sizeof(e->tc_url), "rtmp%s://%s:%d/%s", e->is_tls ? "s" : "", host, port, e->app);
	return 0;
}

void endpoint_number(const char *pattern, size_t n, char *buf, size_t size_bytes)
{
	const char *mark = strstr(pattern, "{n}");

	if (mark)
		snprintf(buf, size_bytes, "%.*s%zu%s", (int)(mark - pattern), pattern, n, mark + 3);
	else
		snprintf(buf, size_bytes, "%s", pattern);
}

void endpoint_stream_name(const struct endpoint *e, size_t n, char *buf, size_t size_bytes)
{
	endpoint_number(e->stream, n, buf, size_bytes);
}

int endpoint_connect(const struct endpoint *e)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		goto close_fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&e->address, sizeof(e->address)) == 0 || errno == EINPROGRESS)
		return fd;
close_fd:
	one = errno;
	close(fd);
	return -one;
}

int endpoint_flush(int fd, struct bytes_writer *w)
{
	while (w->len > 0) {
		ssize_t n = send(fd, w->data, w->len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -errno;
		memmove(w->data, w->data + n, w->len - (size_t)n);
		w->len -= (size_t)n;
	}
	return 0;
}

void endpoint_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

size_t endpoint_due(size_t n, int64_t elapsed_us, int64_t ramp_us)
{
	size_t due = ramp_us == 0 ? n : (size_t)(elapsed_us * (int64_t)n / ramp_us) + 1;

	return due < n ? due : n;
}

static int64_t clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t endpoint_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t endpoint_cpu_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}
