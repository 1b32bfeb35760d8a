/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rendering.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"

enum {
	GZIP_WINDOW_BITS = 15 + 16, /* zlib: 16 more means a gzip header */
	GZIP_OVERHEAD_BYTES = 64,
};

void rendering_clear(struct rendering *r)
{
	body_unref(r->plain);
	body_unref(r->gzip);
	*r = (struct rendering){ 0 };
}

static struct body *body_of_bytes(const void *data, size_t len)
{
	struct shared *bytes = shared_copy(data, len);
	struct body *body = bytes ? body_create(&bytes, 1) : NULL;

	shared_unref(bytes);
	return body;
}

static int take_text(struct rendering *r, struct bytes_writer *w, int err)
{
	assert(!r->plain);
	if (err == 0)
		r->plain = body_of_bytes(w->data, w->len);
	bytes_writer_fini(w);
	return r->plain ? 0 : -ENOMEM;
}

int rendering_make_main(struct rendering *r, const struct playlist_main *p)
{
	struct bytes_writer w;

	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	return take_text(r, &w, playlist_write_main(&w, p));
}

int rendering_make_media(struct rendering *r, const struct playlist_media *p)
{
	struct bytes_writer w;

	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	return take_text(r, &w, playlist_write_media(&w, p));
}

static struct body *compress_body(const struct body *plain)
{
	const struct shared *text = plain->pieces[0];
	size_t max_bytes = text->size_bytes + text->size_bytes / 100 + GZIP_OVERHEAD_BYTES;
	uint8_t *packed = malloc(max_bytes);
	struct body *body = NULL;
	z_stream z = { 0 };

	if (!packed)
		return NULL;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) == Z_OK) {
		z.next_in = (Bytef *)text->data;
		z.avail_in = (uInt)text->size_bytes;
		z.next_out = packed;
		z.avail_out = (uInt)max_bytes;
		if (deflate(&z, Z_FINISH) == Z_STREAM_END)
			body = body_of_bytes(packed, z.total_out);
		(void)deflateEnd(&z);
	}
	free(packed);
	return body;
}

struct body *rendering_gzip(struct rendering *r)
{
	if (!r->gzip && r->plain)
		r->gzip = compress_body(r->plain);
	return r->gzip;
}
