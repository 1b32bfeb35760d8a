/* SPDX-License-Identifier: Apache-2.0 */
#include "base/whole.h"

#include <errno.h>
#include <unistd.h>

int whole_write(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* offset NULL: from where the descriptor stands. */
static ssize_t read_all(int fd, void *buf, size_t len, const uint64_t *offset)
{
	uint8_t *at = buf;
	size_t done = 0;

	while (done < len) {
		ssize_t n = offset ? pread(fd, at + done, len - done, (off_t)(*offset + done))
				   : read(fd, at + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t whole_read(int fd, void *buf, size_t len)
{
	return read_all(fd, buf, len, NULL);
}

ssize_t whole_read_at(int fd, void *buf, size_t len, uint64_t offset)
{
	return read_all(fd, buf, len, &offset);
}
