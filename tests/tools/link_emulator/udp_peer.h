/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of a datagram link: found by address, freed when none of their packets travels any more.
 *
 * Owner: the main thread. Lifetime: udp_peers_fini frees all; the paths must be empty by then. Not here: reading and
 * sending (udp.c).
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_UDP_PEER_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_UDP_PEER_H

#include "tests/tools/link_emulator/link.h"

enum {
	UDP_PEERS_MAX = 1024,
	UDP_BUCKETS = 256,
	UDP_SOCKET_BUFFER_BYTES = 8 << 20,
};

struct udp_peer {
	struct udp_peer *next;	    /* in the list of all */
	struct udp_peer *next_same; /* in the bucket */
	struct link *link;
	struct address client;
	struct poller_watch watch; /* the socket towards the target; fd -1: closed */
	struct flow flows[LINK_WAYS];
	int64_t seen_ns;
};

struct udp_peers {
	struct udp_peer *all;	 /* those with a socket */
	struct udp_peer *closed; /* those that wait for their last packets */
	struct udp_peer *buckets[UDP_BUCKETS];
	size_t n;
	uint64_t n_evicted;
	poller_fn on_readable; /* ctx: the peer */
};

void udp_peers_fini(struct udp_peers *peers);
/* The peer of an address, made if need be. NULL: no socket to be had. */
struct udp_peer *udp_peers_get(
    struct udp_peers *peers, struct link *link, const struct address *client, int64_t now_ns);
/* A new socket towards the target, bound to the host when it is not NULL. 0, or -errno and the old one stays. */
int udp_peer_rebind(struct udp_peer *peer, const struct address *host);
/* Frees the closed ones whose packets have all gone. */
void udp_peers_reap(struct udp_peers *peers);
/* What the kernel threw away because we were not fast enough; it is part of no statistic of the link. */
uint64_t udp_kernel_drops(int fd);
void udp_enlarge_buffers(int fd);

#endif
