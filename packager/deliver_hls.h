/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live HLS over HTTP: what is under /hls/, out of the segment store.
 *
 * A request for what is not there yet waits, and costs its memory alone: the store wakes it when its part has come,
 * when the stream has ended or is taken down; after three target durations it is answered with 503. When it is woken it
 * is looked at like a new one, token included.
 *
 * Owner: the delivery thread, which owns the store, too. Lifetime: destroyed after the server is closed, before the
 * store. Not here: the table of routes (packager/deliver.h), what is in the store (packager/segment_store.h).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_HLS_H
#define ISARIBI_PACKAGER_DELIVER_HLS_H

#include "base/http_request.h"
#include "packager/deliver_access.h"

struct deliver_hls;
struct loop;
struct segment_store;

/* 0 or -ENOMEM. access is copied. */
int deliver_hls_create(
    struct deliver_hls **out, struct loop *loop, struct segment_store *store, const struct deliver_access *access);
/* Nobody waits any more: the server has been closed. */
void deliver_hls_destroy(struct deliver_hls **hls);
/* Answers request, now or later; rest: its path behind "/hls/". */
void deliver_hls_serve(struct deliver_hls *hls, struct http_request *request, const char *rest);

#endif
