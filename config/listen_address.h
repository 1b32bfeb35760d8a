/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a server listens, as a person writes it: an IP address and a port.
 *
 * Owner: anyone, pure. Lifetime: a value. Not here: names that DNS would have to answer for.
 */
#ifndef ISARIBI_CONFIG_LISTEN_ADDRESS_H
#define ISARIBI_CONFIG_LISTEN_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LISTEN_TEXT_SIZE = 80 }; /* any address, written out, with its NUL */

/* IPv6 hosts are kept without their brackets. */
struct listen_address {
	char host[64]; /* numeric IPv4 or IPv6 */
	uint16_t port; /* 0: any free port, for tests */
	bool is_on;    /* false: an empty value, do not listen */
};

/* "0.0.0.0:1935", "[::]:1935", or empty for off. 0 or -EINVAL. */
int listen_address_parse(struct listen_address *out, const char *text);
/* The reverse; LISTEN_TEXT_SIZE is enough. */
void listen_address_format(const struct listen_address *address, char *buf, size_t size_bytes);

/* Would binding the second one fail? For two of the same transport. */
bool listen_address_is_clash(const struct listen_address *a, const struct listen_address *b);

#endif
