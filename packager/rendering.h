/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A playlist's text as it is now, plain and gzip, each made when it is asked for first and shared by all who ask.
 *
 * Owner: the segment store, on its thread. Lifetime: rendering_clear when what it says has changed; zeroed is empty.
 * Not here: the text (packager/playlist.h).
 */
#ifndef ISARIBI_PACKAGER_RENDERING_H
#define ISARIBI_PACKAGER_RENDERING_H

#include "packager/body.h"
#include "packager/playlist.h"

struct rendering {
	struct body *plain; /* NULL: not made yet */
	struct body *gzip;
};

void rendering_clear(struct rendering *r);
/* 0 or -ENOMEM: then it stays empty. Only into an empty one. */
int rendering_make_main(struct rendering *r, const struct playlist_main *p);
int rendering_take_main(struct rendering *r, struct shared *text); /* ready-made; takes a reference of its own */
int rendering_make_media(struct rendering *r, const struct playlist_media *p);
/* The compressed form; borrowed. NULL when memory is out. */
struct body *rendering_gzip(struct rendering *r);

#endif
