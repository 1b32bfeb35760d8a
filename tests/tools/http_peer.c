/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strcasestr */
#include "tests/tools/http_peer.h"

#include "base/err.h"
#include "tests/tools/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_BYTES = 64 * 1024,
	DISCARD_BYTES = 1 << 20,
	HEAD_MAX_BYTES = 4096,
	ANSWER_MAX_BYTES = 8 << 20,
	REQUEST_MAX_BYTES = 1024,
};

int http_url_parse(struct http_url *url, const char *text)
{
	char address[32];
	int port = 80;

	memset(url, 0, sizeof(*url));
	if (sscanf(text, "http://%31[0-9.]:%d%255s", address, &port, url->path) != 3 || url->path[0] != '/')
		return -EINVAL;
	url->address.sin_family = AF_INET;
	url->address.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, address, &url->address.sin_addr) != 1)
		return -EINVAL;
	snprintf(url->host, sizeof(url->host), "%s:%d", address, port);
	return 0;
}

/* The value of a header line in a NUL-terminated head, or NULL. name begins with "\r\n" and ends with its colon. */
static const char *value_of(const char *text, const char *name)
{
	const char *at = strcasestr(text, name);

	return at ? at + strlen(name) + strspn(at + strlen(name), " ") : NULL;
}

int http_head_parse(struct http_head *head, const char *text, size_t len)
{
	const char *end = memmem(text, len, "\r\n\r\n", 4);
	char copy[HEAD_MAX_BYTES + 1];
	const char *length, *connection;

	memset(head, 0, sizeof(*head));
	if (!end)
		return len > HEAD_MAX_BYTES ? PARSE_BAD : PARSE_MORE;
	head->size_bytes = (size_t)(end - text) + 4;
	if (head->size_bytes > HEAD_MAX_BYTES)
		return PARSE_BAD;
	memcpy(copy, text, head->size_bytes);
	copy[head->size_bytes] = '\0';
	length = value_of(copy, "\r\nContent-Length:");
	connection = value_of(copy, "\r\nConnection:");
	if (sscanf(copy, "HTTP/1.1 %d", &head->status) != 1 || !length || *length < '0' || *length > '9')
		return PARSE_BAD;
	head->body_bytes = strtoull(length, NULL, 10);
	head->is_closing = connection && strncasecmp(connection, "close", 5) == 0;
	return PARSE_OK;
}

int http_peer_open(struct http_peer *peer, const struct http_url *url, bool has_stamps)
{
	const struct endpoint endpoint = { .address = url->address };
	int on = 1;

	memset(peer, 0, sizeof(*peer));
	peer->fd = endpoint_connect(&endpoint);
	if (peer->fd < 0)
		return peer->fd;
	peer->is_open = true;
	peer->has_stamps = has_stamps && setsockopt(peer->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
	bytes_writer_init_growing(&peer->out, REQUEST_MAX_BYTES);
	bytes_writer_init_growing(&peer->in, ANSWER_MAX_BYTES);
	return 0;
}

void http_peer_close(struct http_peer *peer)
{
	if (!peer->is_open)
		return;
	close(peer->fd);
	bytes_writer_fini(&peer->out);
	bytes_writer_fini(&peer->in);
	memset(peer, 0, sizeof(*peer));
	peer->fd = -1;
}

int http_peer_flush(struct http_peer *peer)
{
	return endpoint_flush(peer->fd, &peer->out);
}

int http_peer_ask(struct http_peer *peer, const char *host, const char *path, bool is_body_kept)
{
	char text[REQUEST_MAX_BYTES];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n", path, host);

	if (peer->is_asking || n < 0 || (size_t)n >= sizeof(text))
		return -EINVAL;
	bytes_put(&peer->out, text, (size_t)n);
	bytes_writer_reset(&peer->in);
	memset(&peer->head, 0, sizeof(peer->head));
	peer->is_asking = true;
	peer->is_body_kept = is_body_kept;
	peer->asked_us = endpoint_now_us();
	return http_peer_flush(peer);
}

/* The kernel's stamps are on the wall clock. Noted once: a tool lives for a minute. */
static int64_t wall_ahead_us(void)
{
	static int64_t ahead_us;
	struct timespec wall;

	if (ahead_us == 0) {
		clock_gettime(CLOCK_REALTIME, &wall);
		ahead_us = (int64_t)wall.tv_sec * 1000000 + wall.tv_nsec / 1000 - endpoint_now_us();
	}
	return ahead_us;
}

static void note_arrival(struct http_peer *peer, struct msghdr *msg)
{
	peer->arrived_us = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct timespec at;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof(at));
		peer->arrived_us = (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000 - wall_ahead_us();
	}
	if (peer->arrived_us == 0)
		peer->arrived_us = endpoint_now_us();
}

/* data NULL: throws the bytes away. 0: none now; or a negative errno, -ECONNRESET at the end, too. */
static ssize_t receive(struct http_peer *peer, void *data, size_t len)
{
	char control[128];
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (peer->has_stamps) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
	}
	n = recvmsg(peer->fd, &msg, MSG_DONTWAIT | (data ? 0 : MSG_TRUNC)); /* tcp(7): MSG_TRUNC discards */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	note_arrival(peer, &msg);
	return n;
}

/* Bytes of the head, and of the body behind it. */
static enum http_peer_step take(struct http_peer *peer, const uint8_t *data, size_t len)
{
	size_t body_bytes;

	bytes_put(&peer->in, data, len);
	if (peer->in.is_full)
		return HTTP_PEER_BROKEN;
	switch (http_head_parse(&peer->head, (const char *)peer->in.data, peer->in.len)) {
	case PARSE_MORE: return HTTP_PEER_MORE;
	case PARSE_OK: break;
	default: return HTTP_PEER_BROKEN;
	}
	body_bytes = peer->in.len - peer->head.size_bytes;
	if (body_bytes > peer->head.body_bytes)
		return HTTP_PEER_BROKEN;
	peer->left_bytes = peer->head.body_bytes - body_bytes;
	return HTTP_PEER_MORE;
}

static bool is_head_whole(const struct http_peer *peer)
{
	return peer->head.status != 0;
}

/* One read. */
static enum http_peer_step read_some(struct http_peer *peer, uint8_t *buf, size_t *n_bytes)
{
	bool is_body = is_head_whole(peer);
	size_t wanted = is_body ? peer->left_bytes : READ_BYTES;
	bool is_thrown = is_body && !peer->is_body_kept;
	ssize_t n;

	if (is_thrown && wanted > DISCARD_BYTES)
		wanted = DISCARD_BYTES;
	if (!is_thrown && wanted > READ_BYTES)
		wanted = READ_BYTES;
	n = receive(peer, is_thrown ? NULL : buf, wanted);
	if (n < 0)
		return HTTP_PEER_BROKEN;
	*n_bytes = (size_t)n;
	if (n == 0)
		return HTTP_PEER_MORE;
	if (!is_body)
		return take(peer, buf, (size_t)n);
	if (!is_thrown)
		bytes_put(&peer->in, buf, (size_t)n);
	peer->left_bytes -= (size_t)n;
	return peer->in.is_full ? HTTP_PEER_BROKEN : HTTP_PEER_MORE;
}

enum http_peer_step http_peer_read(struct http_peer *peer, size_t *n_bytes)
{
	static uint8_t buf[READ_BYTES];
	enum http_peer_step step;
	size_t n = 0;

	*n_bytes = 0;
	if (!peer->is_asking)
		return HTTP_PEER_BROKEN;
	do {
		step = read_some(peer, buf, &n);
		*n_bytes += n;
	} while (step == HTTP_PEER_MORE && n > 0 && is_head_whole(peer) && peer->left_bytes > 0);
	if (step == HTTP_PEER_BROKEN || !is_head_whole(peer) || peer->left_bytes > 0)
		return step;
	peer->is_asking = false;
	return HTTP_PEER_DONE;
}

const char *http_peer_body(const struct http_peer *peer, size_t *len)
{
	*len = peer->in.len - peer->head.size_bytes;
	return (const char *)peer->in.data + peer->head.size_bytes;
}
