/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live HLS over HTTP: what is under /hls/, out of the segment store.
 *
 * Owner: the delivery thread, which owns the store, too. Lifetime: destroyed after the server is closed, before the
 * store. Not here: the table of routes (packager/deliver.h), what is in the store (packager/segment_store.h).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_HLS_H
#define ISARIBI_PACKAGER_DELIVER_HLS_H

#include "base/http_request.h"
#include "packager/deliver_access.h"

struct deliver_hls;
struct segment_store;

/* 0 or -ENOMEM. access is copied. */
int deliver_hls_create(struct deliver_hls **out, struct segment_store *store, const struct deliver_access *access);
void deliver_hls_destroy(struct deliver_hls **hls);
/* Answers request; rest: its path behind "/hls/". */
void deliver_hls_serve(struct deliver_hls *hls, struct http_request *request, const char *rest);

#endif
