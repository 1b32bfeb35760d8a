/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numeric socket addresses, IPv4 and IPv6, as text and back.
 *
 * Owner: anyone, pure. Lifetime: values.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_ADDRESS_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
	socklen_t len;
};

/* "127.0.0.1:9000", "[::1]:9000", or without a port: 0. 0 or -EINVAL. */
int address_parse(struct address *out, const char *text);
uint16_t address_port(const struct address *address);
bool address_is_equal(const struct address *a, const struct address *b);
/* The port a socket is bound to, 0 when it is none. */
uint16_t address_port_of(int fd);
/* What IP and UDP put before a payload. */
uint32_t address_overhead_bytes(const struct address *address);

#endif
