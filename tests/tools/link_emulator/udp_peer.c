/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/udp_peer.h"

#include <assert.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <unistd.h>

static void close_socket(struct udp_peer *peer)
{
	if (peer->watch.fd < 0)
		return;
	poller_set(peer->link->poller, &peer->watch, 0);
	close(peer->watch.fd);
	peer->watch.fd = -1;
}

void udp_peers_fini(struct udp_peers *peers)
{
	while (peers->all) {
		struct udp_peer *peer = peers->all;

		peers->all = peer->next;
		close_socket(peer);
		peer->next = peers->closed;
		peers->closed = peer;
	}
	udp_peers_reap(peers);
	assert(!peers->closed);
}

void udp_peers_reap(struct udp_peers *peers)
{
	struct udp_peer **at = &peers->closed;

	while (*at) {
		struct udp_peer *peer = *at;

		if (peer->flows[LINK_UP].n_packets + peer->flows[LINK_DOWN].n_packets > 0) {
			at = &peer->next;
			continue;
		}
		*at = peer->next;
		free(peer);
	}
}

void udp_enlarge_buffers(int fd)
{
	int size = UDP_SOCKET_BUFFER_BYTES;

	/* As root beyond the system's limit, else up to it. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

uint64_t udp_kernel_drops(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

int udp_peer_rebind(struct udp_peer *peer, const struct address *host)
{
	const struct address *target = &peer->link->target;
	struct poller_watch watch = peer->watch;
	int err = 0;

	watch.events = 0;
	watch.fd = socket(target->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (watch.fd < 0)
		return -errno;
	udp_enlarge_buffers(watch.fd);
	if ((host && bind(watch.fd, &host->u.any, host->len) < 0) ||
	    connect(watch.fd, &target->u.any, target->len) < 0) {
		err = -errno;
		close(watch.fd);
		return err;
	}
	/* The old socket stays open until here, so that the new one cannot get the old port. */
	close_socket(peer);
	peer->watch = watch;
	return poller_set(peer->link->poller, &peer->watch, EPOLLIN);
}

static struct udp_peer **bucket_of(struct udp_peers *peers, const struct address *client)
{
	return &peers->buckets[address_port(client) % UDP_BUCKETS];
}

static void close_peer(struct udp_peers *peers, struct udp_peer *peer)
{
	struct udp_peer **at = bucket_of(peers, &peer->client);

	while (*at != peer)
		at = &(*at)->next_same;
	*at = peer->next_same;
	at = &peers->all;
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	peers->n--;
	close_socket(peer);
	peer->next = peers->closed;
	peers->closed = peer;
}

static void evict(struct udp_peers *peers)
{
	struct udp_peer *oldest = peers->all;

	for (struct udp_peer *peer = peers->all; peer; peer = peer->next)
		if (peer->seen_ns < oldest->seen_ns)
			oldest = peer;
	peers->n_evicted++;
	close_peer(peers, oldest);
}

static struct udp_peer *add_peer(struct udp_peers *peers, struct link *link, const struct address *client)
{
	struct udp_peer **bucket = bucket_of(peers, client);
	struct udp_peer *peer = NULL;

	if (peers->n == UDP_PEERS_MAX)
		evict(peers);
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->link = link;
	peer->client = *client;
	peer->watch = (struct poller_watch){ .fd = -1, .fn = peers->on_readable, .ctx = peer };
	for (unsigned way = 0; way < LINK_WAYS; way++)
		peer->flows[way] = (struct flow){ .owner = peer, .way = way };
	if (udp_peer_rebind(peer, NULL) < 0) {
		close_socket(peer);
		free(peer);
		return NULL;
	}
	peer->next_same = *bucket;
	*bucket = peer;
	peer->next = peers->all;
	peers->all = peer;
	peers->n++;
	return peer;
}

struct udp_peer *udp_peers_get(struct udp_peers *peers, struct link *link, const struct address *client, int64_t now_ns)
{
	struct udp_peer *peer = *bucket_of(peers, client);

	while (peer && !address_is_equal(&peer->client, client))
		peer = peer->next_same;
	if (!peer)
		peer = add_peer(peers, link, client);
	if (peer)
		peer->seen_ns = now_ns;
	return peer;
}
