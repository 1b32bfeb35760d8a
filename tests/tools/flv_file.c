/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/flv_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FILE_HEADER_BYTES = 13, /* with the first, empty PreviousTagSize */
	TAG_HEADER_BYTES = 11,
};

void flv_file_close(struct flv_file *f)
{
	free(f->tags);
	free(f->data);
	memset(f, 0, sizeof(*f));
}

static uint32_t be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* Number of whole tags; with tags it fills them, too. */
static size_t walk(const struct flv_file *f, struct flv_tag *tags)
{
	size_t n = 0;

	for (size_t at = FILE_HEADER_BYTES; at + TAG_HEADER_BYTES <= f->size_bytes; n++) {
		uint8_t *h = f->data + at;
		size_t body = be24(h + 1);

		if (at + TAG_HEADER_BYTES + body + 4 > f->size_bytes)
			break;
		if (tags)
			tags[n] = (struct flv_tag){
				.tag = h,
				.type = h[0] & 0x1f,
				.timestamp_ms = be24(h + 4) | (uint32_t)h[7] << 24,
				.body = h + TAG_HEADER_BYTES,
				.size_bytes = body,
			};
		at += TAG_HEADER_BYTES + body + 4;
	}
	return n;
}

static int read_whole(struct flv_file *f, FILE *in)
{
	struct stat st;

	if (fstat(fileno(in), &st) < 0)
		return -errno;
	f->size_bytes = (size_t)st.st_size;
	f->data = malloc(f->size_bytes + 1);
	if (!f->data)
		return -ENOMEM;
	return fread(f->data, 1, f->size_bytes, in) == f->size_bytes ? 0 : -EIO;
}

int flv_file_open(struct flv_file *f, const char *path)
{
	FILE *in = fopen(path, "rb");
	int res = 0;

	memset(f, 0, sizeof(*f));
	if (!in)
		return -errno;
	res = read_whole(f, in);
	fclose(in);
	if (res == 0 && (f->size_bytes < FILE_HEADER_BYTES || memcmp(f->data, "FLV", 3) != 0))
		res = -EINVAL;
	if (res == 0) {
		f->n_tags = walk(f, NULL);
		f->tags = calloc(f->n_tags + 1, sizeof(*f->tags));
		res = f->tags ? 0 : -ENOMEM;
	}
	if (res == 0)
		walk(f, f->tags);
	else
		flv_file_close(f);
	return res;
}

void flv_tag_set_timestamp(struct flv_tag *t, uint32_t timestamp_ms)
{
	t->tag[4] = (uint8_t)(timestamp_ms >> 16);
	t->tag[5] = (uint8_t)(timestamp_ms >> 8);
	t->tag[6] = (uint8_t)timestamp_ms;
	t->tag[7] = (uint8_t)(timestamp_ms >> 24);
}
