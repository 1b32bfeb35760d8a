/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of hosts become addresses, without holding up the loop: the system's resolver runs on a thread of libuv's pool.
 *
 * Owner: the loop's thread. Lifetime: resolve_begin to its callback or to resolve_cancel; a question that is under way
 * then ends by itself, and loop_destroy waits for it, as long as the system's resolver takes.
 * Not here: which of several addresses is tried first (the system's order stands), caching.
 */
#ifndef ISARIBI_BASE_LOOP_RESOLVE_H
#define ISARIBI_BASE_LOOP_RESOLVE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/loop.h"

enum { RESOLVE_MAX = 8 };

struct resolve;

struct resolved {
	struct sockaddr_storage addr;
	socklen_t len;
};

struct resolved_list {
	size_t n;
	struct resolved list[RESOLVE_MAX];
};

/* err: 0, or -EADDRNOTAVAIL when the name has no address now; the list is valid during the call. */
typedef void (*resolve_fn)(void *arg, int err, const struct resolved_list *list);

/* An address in digits, which needs nobody to be asked: 0, or -EINVAL when host is a name. */
int resolve_numeric(struct resolved_list *out, const char *host, uint16_t port);
/* For UDP. Calls fn later, once, never inside this call. 0 or a negative errno. */
int resolve_begin(struct resolve **out, struct loop *loop, const char *host, uint16_t port, resolve_fn fn, void *arg);
/* fn is not called any more. NULL is fine, and so is calling it in vain: *resolve is NULL once fn was called. */
void resolve_cancel(struct resolve **resolve);

#endif
