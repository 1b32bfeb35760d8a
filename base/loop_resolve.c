/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop_resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct resolve {
	uv_getaddrinfo_t uv;
	struct resolve **holder; /* NULL: cancelled */
	resolve_fn fn;
	void *arg;
};

enum { SERVICE_SIZE = 8 };

static void take_list(struct resolved_list *out, const struct addrinfo *info)
{
	out->n = 0;
	for (; info && out->n < RESOLVE_MAX; info = info->ai_next) {
		struct resolved *to = &out->list[out->n];

		if (info->ai_addrlen > sizeof(to->addr))
			continue;
		memcpy(&to->addr, info->ai_addr, info->ai_addrlen);
		to->len = info->ai_addrlen;
		out->n++;
	}
}

int resolve_numeric(struct resolved_list *out, const char *host, uint16_t port)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *info = NULL;
	char service[SERVICE_SIZE];

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &info) != 0)
		return -EINVAL;
	take_list(out, info);
	freeaddrinfo(info);
	return out->n > 0 ? 0 : -EINVAL;
}

static void on_resolved(uv_getaddrinfo_t *uv, int status, struct addrinfo *info)
{
	struct resolve *r = uv->data;
	struct resolved_list list = { 0 };

	if (r->holder) {
		if (status == 0)
			take_list(&list, info);
		*r->holder = NULL;
		r->fn(r->arg, list.n > 0 ? 0 : -EADDRNOTAVAIL, &list);
	}
	uv_freeaddrinfo(info);
	free(r);
}

int resolve_begin(struct resolve **out, struct loop *loop, const char *host, uint16_t port, resolve_fn fn, void *arg)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM };
	struct resolve *r = calloc(1, sizeof(*r));
	char service[SERVICE_SIZE];
	int err;

	loop_assert_owner(loop);
	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->holder = out;
	r->fn = fn;
	r->arg = arg;
	r->uv.data = r;
	snprintf(service, sizeof(service), "%u", port);
	err = uv_getaddrinfo(loop_uv(loop), &r->uv, on_resolved, host, service, &hints);
	if (err != 0) {
		free(r);
		return err;
	}
	*out = r;
	return 0;
}

void resolve_cancel(struct resolve **resolve)
{
	struct resolve *r = *resolve;

	*resolve = NULL;
	if (!r)
		return;
	r->holder = NULL;
	(void)uv_cancel((uv_req_t *)&r->uv); /* one that has begun goes on, and finds nobody */
}
