/* SPDX-License-Identifier: Apache-2.0 */
#include "packager/rendering.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "packager/playlist_gzip.h"

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

int rendering_take_main(struct rendering *r, struct shared *text)
{
	assert(!r->plain);
	r->plain = body_create(&text, 1);
	return r->plain ? 0 : -ENOMEM;
}

int rendering_make_media(struct rendering *r, const struct playlist_media *p)
{
	struct bytes_writer w;

	bytes_writer_init_growing(&w, PLAYLIST_MAX_BYTES);
	return take_text(r, &w, playlist_write_media(&w, p));
}

static struct body *compress_body(const struct body *plain)
{
	struct shared *gzip = playlist_gzip(plain->pieces[0]->data, plain->pieces[0]->size_bytes);
	struct body *body = gzip ? body_create(&gzip, 1) : NULL;

	shared_unref(gzip);
	return body;
}

struct body *rendering_gzip(struct rendering *r)
{
	if (!r->gzip && r->plain)
		r->gzip = compress_body(r->plain);
	return r->gzip;
}
