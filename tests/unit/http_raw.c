/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/http_raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/oom.h"

int dial_port(uint16_t port, int receive_bytes)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (receive_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

ssize_t take(int fd, char *buf, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (poll(&p, 1, (int)oom_wait_ms(WAIT_MS)) != 1)
		fail_msg("the server is silent");
	return recv(fd, buf, size, 0);
}

int take_answer(int fd, char *buf, size_t size, bool is_head)
{
	size_t len = 0;
	size_t want = 0;

	for (;;) {
		const char *end;
		ssize_t n;

		buf[len] = '\0';
		end = strstr(buf, "\r\n\r\n");
		if (end && want == 0) {
			const char *length = strstr(buf, "Content-Length: ");

			want = (size_t)(end - buf) + 4;
			if (length && length < end && !is_head)
				want += (size_t)atoi(length + 16);
		}
		if (want != 0 && len == want)
			return (int)len;
		assert_true(len + 1 < size && want < size);
		/* byte by byte at the end of a head, so that the next answer stays in the socket */
		n = take(fd, buf + len, want ? want - len : 1);
		if (n <= 0)
			return -1;
		len += (size_t)n;
	}
}

size_t take_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		assert_true(len + 1 < size);
		n = take(fd, buf + len, size - 1 - len);
		assert_true(n >= 0);
		len += (size_t)n;
	} while (n > 0);
	close(fd);
	buf[len] = '\0';
	return len;
}
