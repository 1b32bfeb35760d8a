/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* recvmmsg, sendmmsg */
#include "tests/tools/link_emulator/udp.h"

#include "tests/tools/link_emulator/udp_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 32,
	MAX_BATCHES = 64, /* read in a row from one socket */
};

struct udp {
	struct link *link;
	struct poller_watch listener;
	struct udp_peers peers;
	struct mmsghdr messages[BATCH];
	struct iovec pieces[BATCH];
	struct address from[BATCH];
	struct packet *due[BATCH];
	uint8_t bytes[BATCH][PACKET_MAX_BYTES];
};

static void udp_close(struct link *link)
{
	struct udp *udp = link->carrier;

	if (!udp)
		return;
	/* The paths' packets point to the peers: they go first. */
	for (size_t i = 0; i < LINK_WAYS; i++)
		path_drop_all(&link->paths[i]);
	udp_peers_fini(&udp->peers);
	if (udp->listener.fd >= 0) {
		poller_set(link->poller, &udp->listener, 0);
		close(udp->listener.fd);
	}
	free(udp);
	link->carrier = NULL;
}

static void prepare_batch(struct udp *udp)
{
	for (size_t i = 0; i < BATCH; i++) {
		udp->pieces[i] = (struct iovec){ .iov_base = udp->bytes[i], .iov_len = PACKET_MAX_BYTES };
		udp->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &udp->from[i].u,
			.msg_namelen = sizeof(udp->from[i].u),
			.msg_iov = &udp->pieces[i],
			.msg_iovlen = 1,
		};
	}
}

/* peer NULL: from the listening socket, the sender's address says which. */
static void offer(struct udp *udp, struct udp_peer *peer, size_t i, int64_t now_ns)
{
	enum link_way way = peer ? LINK_DOWN : LINK_UP;
	struct path *path = &udp->link->paths[way];
	struct packet *packet = NULL;

	if (!peer) {
		udp->from[i].len = udp->messages[i].msg_hdr.msg_namelen;
		peer = udp_peers_get(&udp->peers, udp->link, &udp->from[i], now_ns);
	}
	if (peer)
		packet = packet_create(path->budget, &peer->flows[way], udp->bytes[i], udp->messages[i].msg_len);
	if (packet)
		packet->wire_bytes = packet->size_bytes + address_overhead_bytes(&udp->link->target);
	path_offer(path, packet, now_ns);
}

static void read_all(struct udp *udp, int fd, struct udp_peer *peer)
{
	for (int round = 0; round < MAX_BATCHES; round++) {
		int64_t now_ns = 0;
		int n = 0;

		prepare_batch(udp);
		n = recvmmsg(fd, udp->messages, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ECONNREFUSED)
			continue; /* the target was not there for an earlier packet */
		now_ns = poller_now_ns();
		for (int i = 0; i < n; i++)
			offer(udp, peer, (size_t)i, now_ns);
		if (n < BATCH)
			return;
	}
}

static void on_listener(void *ctx, uint32_t events)
{
	struct udp *udp = ctx;

	(void)events;
	read_all(udp, udp->listener.fd, NULL);
}

static void on_peer(void *ctx, uint32_t events)
{
	struct udp_peer *peer = ctx;

	(void)events;
	read_all(peer->link->carrier, peer->watch.fd, peer);
}

static void udp_drain(struct link *link)
{
	struct udp *udp = link->carrier;

	read_all(udp, udp->listener.fd, NULL);
	for (struct udp_peer *peer = udp->peers.all; peer; peer = peer->next)
		read_all(udp, peer->watch.fd, peer);
}

static int udp_open(struct link *link)
{
	struct udp *udp = calloc(1, sizeof(*udp));
	struct poller_watch *listener = NULL;
	int one = 1;

	if (!udp)
		return -ENOMEM;
	link->carrier = udp;
	udp->link = link;
	udp->peers.on_readable = on_peer;
	listener = &udp->listener;
	listener->fn = on_listener;
	listener->ctx = udp;
	listener->fd = socket(link->listen.u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return -errno;
	udp_enlarge_buffers(listener->fd);
	if (link->listen.u.any.sa_family == AF_INET6)
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(listener->fd, &link->listen.u.any, link->listen.len) < 0)
		return -errno;
	link->port = address_port_of(listener->fd);
	return poller_set(link->poller, listener, EPOLLIN);
}

static struct udp_peer *peer_of(const struct packet *packet)
{
	return packet->flow->owner;
}

static int socket_of(const struct udp *udp, const struct packet *packet)
{
	return packet->flow->way == LINK_UP ? peer_of(packet)->watch.fd : udp->listener.fd;
}

static void fill_message(struct udp *udp, size_t i)
{
	struct packet *packet = udp->due[i];
	struct msghdr *head = &udp->messages[i].msg_hdr;

	udp->pieces[i] = (struct iovec){ .iov_base = packet->data, .iov_len = packet->size_bytes };
	*head = (struct msghdr){ .msg_iov = &udp->pieces[i], .msg_iovlen = 1 };
	if (packet->flow->way == LINK_DOWN) {
		head->msg_name = &peer_of(packet)->client.u;
		head->msg_namelen = peer_of(packet)->client.len;
	}
}

/* Sends packets first..end-1, all through one socket. */
static void send_run(struct udp *udp, struct stats *stats, size_t first, size_t end)
{
	int fd = socket_of(udp, udp->due[first]);
	bool is_again = false;

	for (size_t i = first; i < end; i++)
		fill_message(udp, i);
	while (first < end) {
		int n = sendmmsg(fd, udp->messages + first, (unsigned)(end - first), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			/* The error may be an earlier packet's: try each once more. */
			stats->send_failed += is_again;
			first += is_again;
			is_again = !is_again;
			continue;
		}
		is_again = false;
		for (int i = 0; i < n; i++)
			stats->forwarded_bytes += udp->due[first + (size_t)i]->size_bytes;
		stats->forwarded += (uint64_t)n;
		first += (size_t)n;
	}
}

static void send_batch(struct udp *udp, struct path *path, size_t n)
{
	size_t first = 0, end = 0;

	for (; first < n; first = end) {
		int fd = socket_of(udp, udp->due[first]);

		for (end = first + 1; end < n && socket_of(udp, udp->due[end]) == fd;)
			end++;
		send_run(udp, &path->stats, first, end);
	}
	for (size_t i = 0; i < n; i++)
		packet_destroy(path->budget, &udp->due[i]);
}

static void run_path(struct udp *udp, struct path *path, int64_t now_ns)
{
	struct packet *packet = NULL;
	size_t n = 0;

	while ((packet = path_take(path, now_ns))) {
		if (peer_of(packet)->watch.fd < 0) {
			path->stats.orphaned++;
			packet_destroy(path->budget, &packet);
			continue;
		}
		udp->due[n++] = packet;
		if (n < BATCH)
			continue;
		send_batch(udp, path, n);
		n = 0;
	}
	send_batch(udp, path, n);
}

static void udp_run(struct link *link, int64_t now_ns)
{
	struct udp *udp = link->carrier;

	for (size_t i = 0; i < LINK_WAYS; i++)
		run_path(udp, &link->paths[i], now_ns);
	udp_peers_reap(&udp->peers);
}

static void udp_changed(struct link *link, int64_t now_ns)
{
	(void)link;
	(void)now_ns;
}

static int udp_rebind(struct link *link, const struct address *host)
{
	struct udp *udp = link->carrier;
	int res = 0;

	for (struct udp_peer *peer = udp->peers.all; res == 0 && peer; peer = peer->next)
		res = udp_peer_rebind(peer, host);
	return res;
}

static void udp_reset(struct link *link)
{
	(void)link; /* datagrams know no connection */
}

static void udp_print(const struct link *link, FILE *out)
{
	const struct udp *udp = link->carrier;
	uint64_t n_drops = udp_kernel_drops(udp->listener.fd);

	for (const struct udp_peer *peer = udp->peers.all; peer; peer = peer->next)
		n_drops += udp_kernel_drops(peer->watch.fd);
	fprintf(out, ", \"clients\": %zu, \"evicted\": %llu, \"kernel_drops\": %llu", udp->peers.n,
	    (unsigned long long)udp->peers.n_evicted, (unsigned long long)n_drops);
}

const struct link_ops udp_ops = {
	.kind = "udp",
	.open = udp_open,
	.close = udp_close,
	.run = udp_run,
	.drain = udp_drain,
	.changed = udp_changed,
	.rebind = udp_rebind,
	.reset = udp_reset,
	.print = udp_print,
};
