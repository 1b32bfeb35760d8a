/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The carrier of datagrams: one listening socket, and for each client address a socket of its own towards the target,
 * so that the server sees as many peers as there are.
 *
 * Owner: the main thread. Lifetime: through the ops. At most 1,024 clients: the one that was silent longest makes room.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_UDP_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_UDP_H

#include "tests/tools/link_emulator/link.h"

extern const struct link_ops udp_ops;

#endif
