/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/link_emulator/packet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void packet_destroy(struct budget *budget, struct packet **packet)
{
	struct packet *p = *packet;

	if (!p)
		return;
	*packet = NULL;
	assert(p->flow->n_packets > 0 && p->flow->size_bytes >= p->size_bytes);
	p->flow->n_packets--;
	p->flow->size_bytes -= p->size_bytes;
	budget->used_bytes -= p->size_bytes + PACKET_OVERHEAD_BYTES;
	free(p);
}

struct packet *packet_create(struct budget *budget, struct flow *flow, const void *data, size_t size_bytes)
{
	size_t cost_bytes = size_bytes + PACKET_OVERHEAD_BYTES;
	struct packet *p = NULL;

	assert(size_bytes <= PACKET_MAX_BYTES);
	if (cost_bytes > budget->max_bytes - budget->used_bytes)
		return NULL;
	p = malloc(sizeof(*p) + size_bytes);
	if (!p)
		return NULL;
	*p = (struct packet){ .flow = flow, .size_bytes = (uint32_t)size_bytes, .wire_bytes = (uint32_t)size_bytes };
	if (size_bytes > 0)
		memcpy(p->data, data, size_bytes);
	budget->used_bytes += cost_bytes;
	flow->n_packets++;
	flow->size_bytes += size_bytes;
	return p;
}

struct packet *packet_copy(struct budget *budget, const struct packet *packet)
{
	struct packet *p = packet_create(budget, packet->flow, packet->data, packet->size_bytes);

	if (!p)
		return NULL;
	p->in_ns = packet->in_ns;
	p->release_ns = packet->release_ns;
	p->kind = packet->kind;
	p->wire_bytes = packet->wire_bytes;
	return p;
}
