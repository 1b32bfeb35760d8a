/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTMP connections on one loop: who comes in, what becomes of it (publisher or player), and how it ends.
 *
 * Owner: the loop's thread, but for in_rtmp_create and in_rtmp_destroy (before it runs and after it was joined).
 * Lifetime: the loop's. Not here: bytes (media/rtmp_chunk, ingest/rtmp_handshake), commands (ingest/rtmp_command),
 * frames on their way out (relay/out_rtmp).
 */
#ifndef ISARIBI_INGEST_IN_RTMP_H
#define ISARIBI_INGEST_IN_RTMP_H

#include "relay/hub.h"

struct in_rtmp;
struct tls_context;

/* Takes the listening descriptor, even when it fails. tls: borrowed, NULL for plain RTMP. 0 or -ENOMEM. */
int in_rtmp_create(struct in_rtmp **out, struct hub *hub, int listen_fd, struct tls_context *tls);
void in_rtmp_destroy(struct in_rtmp **in);
/* First and last on the loop's thread. */
int in_rtmp_start(struct in_rtmp *in);
void in_rtmp_end(struct in_rtmp *in);

#endif
