/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What travels: one datagram, or one segment of a stream, and the flow it belongs to.
 *
 * Owner: one thread; whoever holds the pointer. Lifetime: packet_create, then handed on until packet_destroy; the bytes
 * of all packets together never exceed the budget. This is the seam for another kind of carrier (a TUN device between
 * two namespaces): it makes packets, offers them to a path, and is given them back when they are due.
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_PACKET_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_MAX_BYTES = 65536,
	PACKET_OVERHEAD_BYTES = 128, /* what a packet costs beside its bytes, for the budget */
};

struct budget {
	size_t used_bytes;
	size_t max_bytes;
};

/* One client in one direction. Packets of a flow keep their order unless reordering is asked for. */
struct flow {
	int64_t last_release_ns;
	size_t n_packets;  /* on their way: the owner may not be freed before it is 0 */
	size_t size_bytes; /* of those */
	void *owner;	   /* the carrier's peer or connection */
	unsigned way;	   /* 0 up, 1 down */
};

enum packet_kind {
	PACKET_DATA,
	PACKET_CONNECT, /* streams only, without bytes: the client has connected */
	PACKET_END,	/* the sender has shut its side */
	PACKET_RESET,	/* the sender has reset the connection */
};

struct packet {
	struct packet *next; /* for whoever holds it in a list */
	struct flow *flow;
	int64_t in_ns;
	int64_t release_ns;
	uint64_t seq; /* among equal release times the lower one goes first */
	enum packet_kind kind;
	/* The dice, cast when the packet was offered. */
	double jitter; /* from -1 to 1 */
	bool is_held_back;
	bool is_twice;
	bool is_corrupt;
	bool is_stalled;
	uint32_t size_bytes;
	uint32_t wire_bytes; /* with the headers of IP and UDP: what rate, queue and MTU count */
	uint32_t sent_bytes; /* of a stream's segment, already written */
	uint8_t data[];
};

/* A copy of the bytes; NULL when the budget or the memory is used up. */
struct packet *packet_create(struct budget *budget, struct flow *flow, const void *data, size_t size_bytes);
/* The same again, for a duplicate. NULL as above. */
struct packet *packet_copy(struct budget *budget, const struct packet *packet);
void packet_destroy(struct budget *budget, struct packet **packet);

#endif
