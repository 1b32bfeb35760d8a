/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings over HTTP: /rec/, /clip/ and the time shift of streams under /hls/ (packager/deliver_rec_path.h has the
 * forms).
 *
 * Owner: the delivery thread. Lifetime: destroyed after the server is closed, before the library.
 * No request here waits for the disk on this thread: it is put aside until the reader answers, 10 s at most, then it
 * gets 503. Of a file at most a chunk is in memory for each client that reads it; when many do the chunks are smaller.
 * Whether a recording may be seen is asked first and always, with the name of the stream it is of; what must not be
 * seen and what is not there get one answer. Not here: the table of routes (packager/deliver.h).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_REC_H
#define ISARIBI_PACKAGER_DELIVER_REC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/http_request.h"
#include "config/id.h"
#include "packager/deliver_access.h"
#include "packager/deliver_rec_path.h"

struct deliver_rec;
struct loop;
struct rec_library;

/* A recording from in to out, in ms of its media. */
struct deliver_clip {
	char recording[ID_SIZE];
	int64_t in_ms;
	int64_t out_ms;
};

struct deliver_rec_config {
	struct rec_library *library;
	struct deliver_access access;
	/* False: there is no such clip. id is terminated. NULL: there are no clips. */
	bool (*find_clip)(void *arg, const char *id, struct deliver_clip *out);
	void *arg;
	unsigned wait_ms; /* who waits longer for a first byte from the disk gets 503. 0: 10 s */
};

/* 0 or a negative errno. */
int deliver_rec_create(struct deliver_rec **out, struct loop *loop, const struct deliver_rec_config *config);
void deliver_rec_destroy(struct deliver_rec **rec);
/* Answers request, now or later; rest: its path behind the route's prefix. */
void deliver_rec_serve(
    struct deliver_rec *rec, struct http_request *request, const char *rest, enum deliver_rec_form form);

#endif
