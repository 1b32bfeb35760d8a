/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The carrier of streams: a TCP proxy whose segments travel over the paths. Nothing is lost or overtaken; what a real
 * connection would repeat shows as a wait (rto), an outage as bytes that stand still, a cut as reset connections.
 *
 * Owner: the main thread. Lifetime: through the ops.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_TCP_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_TCP_H

#include "tests/tools/link_emulator/link.h"

extern const struct link_ops tcp_ops;

#endif
