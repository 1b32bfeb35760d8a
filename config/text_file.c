/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The text may hold secrets: what is given back to the heap is wiped first, so never realloc(). */
static char *make_bigger(char *text, size_t len, size_t capacity)
{
	char *bigger = malloc(capacity + 1);

	if (bigger && len > 0)
		memcpy(bigger, text, len);
	if (text)
		sodium_memzero(text, len);
	free(text);
	return bigger;
}

static int read_all(int fd, size_t max_bytes, char **text, size_t *len)
{
	char *buf = NULL;
	size_t capacity = 0;
	size_t used = 0;

	for (;;) {
		ssize_t n;

		if (used == capacity) {
			capacity = capacity == 0 ? 4096 : capacity * 2;
			buf = make_bigger(buf, used, capacity);
			if (!buf)
				return -ENOMEM;
		}
		n = read(fd, buf + used, capacity - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			used += (size_t)n;
		if (n < 0 || used > max_bytes) {
			int err = n < 0 ? -errno : -EFBIG;

			sodium_memzero(buf, used);
			free(buf);
			return err;
		}
		if (n == 0)
			break;
	}
	buf[used] = '\0';
	*text = buf;
	*len = used;
	return 0;
}

int text_file_read(const char *path, size_t max_bytes, char **text, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, max_bytes, text, len);
	close(fd);
	return err;
}
