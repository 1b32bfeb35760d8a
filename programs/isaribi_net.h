/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the front door asks the machine's network: the address others see, and whether a port is free.
 *
 * Owner: the main thread; may block for a moment. Lifetime: nothing is kept.
 */
#ifndef ISARIBI_PROGRAMS_ISARIBI_NET_H
#define ISARIBI_PROGRAMS_ISARIBI_NET_H

#include <stdbool.h>

#include "config/listen_address.h"

enum { NET_HOST_SIZE = 16 }; /* a numeric IPv4 address */

/* The first IPv4 address of an interface that leads out of the machine, else 127.0.0.1. */
void net_lan_host(char out[NET_HOST_SIZE]);
/* Could the address be bound, of TCP or of UDP? 0 or the negative errno of bind(); the port is free again afterwards.
 */
int net_try_bind(const struct listen_address *address, bool is_udp);

#endif
