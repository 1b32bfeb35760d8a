/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the relay on one loop thread share: the loop, the way to the others, and the tables of what lives
 * here.
 *
 * Owner: the loop's thread. Lifetime: made and ended by relay/hub. Not here: behaviour.
 */
#ifndef ISARIBI_RELAY_LOCAL_H
#define ISARIBI_RELAY_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"
#include "config/plan.h"
#include "relay/courier.h"
#include "relay/events.h"
#include "relay/slots.h"
#include "relay/stats.h"
#include "relay/tap.h"

/* Numbers of design §6 that a site may change; the same for all loops, read-only while they run. */
struct relay_limits {
	int64_t grace_us;      /* a publisher may return; then players get an end of stream */
	int64_t hold_us;       /* without a slot the stream itself ends after this */
	uint32_t batch_ms;     /* 0: adaptive */
	uint32_t max_sessions; /* connections per loop */
	bool has_bursts;       /* players are written to in bursts, where the kernel can */
};

/* Set up by the composition root before the loops run; immutable while they do. */
struct relay_setup {
	struct courier courier;
	const struct clock *clock;
	const struct events *events; /* may be NULL */
	struct stats *stats;
	const struct stream_tap *taps;
	size_t n_taps; /* at most RELAY_TAPS_MAX */
	struct relay_limits limits;
};

enum { RELAY_TAPS_MAX = 8 };

struct burst;

struct relay_local {
	const struct relay_setup *setup;
	struct loop *loop;
	struct burst *burst; /* NULL: every player is written to by itself */
	unsigned index;	     /* of this loop in the courier's list */
	struct plan *plan;
	struct slots streams;
	struct slots mirrors;
	struct slots publishers;
};

static inline int64_t local_now_us(const struct relay_local *local)
{
	return clock_mono_us(local->setup->clock);
}

static inline int64_t local_wall_ms(const struct relay_local *local)
{
	return clock_wall_ms(local->setup->clock);
}

#endif
