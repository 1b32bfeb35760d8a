/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "May he see it?", for a server in front that keeps media and asks here first (nginx's auth_request).
 *
 *  /auth/hls/[t/TOKEN/]STREAM/…   /auth/rec/[t/TOKEN/]ID/…   /auth/clip/[t/TOKEN/]CLIP/…   /auth/watch/[t/TOKEN/]STREAM
 *
 * What follows "/auth" is the path of the media as a viewer asks for it. 204: the gate would let him through; 403: not,
 * or there is no such path. Neither has a body, and both say for how long a cache may keep them. Anybody may ask: it is
 * the question every request for the media is asked first, and a token that is wrong and a stream that nobody knows get
 * the same answer by the same way. Whether there is anything to see now is not asked.
 *
 * Owner: the delivery thread. Lifetime: nothing is kept. Not here: the gate (packager/deliver_access.h).
 */
#ifndef ISARIBI_PACKAGER_DELIVER_AUTH_H
#define ISARIBI_PACKAGER_DELIVER_AUTH_H

#include "base/http_request.h"
#include "packager/deliver_access.h"

struct deliver_rec;

/* rest: the request's path behind "/auth/". rec NULL: there are no recordings. */
void deliver_auth_serve(
    const struct deliver_access *access, const struct deliver_rec *rec, struct http_request *request, const char *rest);

#endif
