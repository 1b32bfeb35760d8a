/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_port(uint16_t *out, const char *text)
{
	char *end = NULL;
	long port = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	port = strtol(text, &end, 10);
	if (*end || port > 65535)
		return -EINVAL;
	*out = htons((uint16_t)port);
	return 0;
}

/* Splits "host:port" or "[host]:port"; port NULL: there is none. */
static int split(char *text, char **host, char **port)
{
	char *end = NULL;

	*host = text;
	if (text[0] == '[') {
		*host = text + 1;
		end = strchr(text, ']');
		if (!end)
			return -EINVAL;
		*end = '\0';
		*port = end[1] == ':' ? end + 2 : NULL;
		return end[1] == ':' || !end[1] ? 0 : -EINVAL;
	}
	*port = strchr(text, ':');
	if (*port && strchr(*port + 1, ':'))
		*port = NULL; /* an IPv6 address without brackets */
	if (*port)
		*(*port)++ = '\0';
	return 0;
}

int address_parse(struct address *out, const char *text)
{
	char copy[96], *host = NULL, *port = NULL;

	*out = (struct address){ 0 };
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	if (split(copy, &host, &port) < 0)
		return -EINVAL;
	if (inet_pton(AF_INET, host, &out->u.v4.sin_addr) == 1) {
		out->u.v4.sin_family = AF_INET;
		out->len = sizeof(out->u.v4);
		return port ? parse_port(&out->u.v4.sin_port, port) : 0;
	}
	if (inet_pton(AF_INET6, host, &out->u.v6.sin6_addr) != 1)
		return -EINVAL;
	out->u.v6.sin6_family = AF_INET6;
	out->len = sizeof(out->u.v6);
	return port ? parse_port(&out->u.v6.sin6_port, port) : 0;
}

uint16_t address_port(const struct address *a)
{
	return ntohs(a->u.any.sa_family == AF_INET6 ? a->u.v6.sin6_port : a->u.v4.sin_port);
}

bool address_is_equal(const struct address *a, const struct address *b)
{
	if (a->u.any.sa_family != b->u.any.sa_family)
		return false;
	if (a->u.any.sa_family == AF_INET)
		return a->u.v4.sin_port == b->u.v4.sin_port && a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
	return a->u.v6.sin6_port == b->u.v6.sin6_port && a->u.v6.sin6_scope_id == b->u.v6.sin6_scope_id &&
	    memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr, sizeof(a->u.v6.sin6_addr)) == 0;
}

uint16_t address_port_of(int fd)
{
	struct address a = { .len = sizeof(a.u) };

	return getsockname(fd, &a.u.any, &a.len) == 0 ? address_port(&a) : 0;
}

uint32_t address_overhead_bytes(const struct address *address)
{
	return address->u.any.sa_family == AF_INET6 ? 40 + 8 : 20 + 8;
}
