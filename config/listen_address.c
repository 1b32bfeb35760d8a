/* SPDX-License-Identifier: Apache-2.0 */
#include "config/listen_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *out)
{
	uint32_t port = 0;

	if (*text == '\0' || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		port = port * 10 + (uint32_t)(*text - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

int listen_address_parse(struct listen_address *out, const char *text)
{
	struct listen_address address = { .is_on = true };
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t host_len;
	uint8_t raw[sizeof(struct in6_addr)];
	int family = AF_INET;

	if (*text == '\0') {
		*out = (struct listen_address){ 0 };
		return 0;
	}
	if (!colon || !parse_port(colon + 1, &address.port))
		return -EINVAL;
	host_len = (size_t)(colon - text);
	if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
		family = AF_INET6;
		host++;
		host_len -= 2;
	}
	if (host_len >= sizeof(address.host))
		return -EINVAL;
	memcpy(address.host, host, host_len);
	if (inet_pton(family, address.host, raw) != 1)
		return -EINVAL;
	*out = address;
	return 0;
}

void listen_address_format(const struct listen_address *address, char *buf, size_t size_bytes)
{
	bool is_v6 = strchr(address->host, ':') != NULL;

	if (!address->is_on)
		(void)snprintf(buf, size_bytes, "%s", "");
	else
		(void)snprintf(buf, size_bytes, "%s%s%s:%u", is_v6 ? "[" : "", address->host, is_v6 ? "]" : "",
		    (unsigned)address->port);
}

static bool is_any_host(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

bool listen_address_is_clash(const struct listen_address *a, const struct listen_address *b)
{
	if (!a->is_on || !b->is_on || a->port == 0 || a->port != b->port)
		return false;
	return strcmp(a->host, b->host) == 0 || is_any_host(a->host) || is_any_host(b->host);
}
