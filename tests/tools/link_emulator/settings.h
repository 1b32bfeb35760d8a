/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one direction of a link behaves.
 *
 * Owner: the path that holds them. Lifetime: a value. Not here: how they are written (change.h).
 */
#ifndef ISARIBI_TESTS_TOOLS_LINK_EMULATOR_SETTINGS_H
#define ISARIBI_TESTS_TOOLS_LINK_EMULATOR_SETTINGS_H

#include "tests/tools/link_emulator/loss.h"

#include <stddef.h>

#define SETTINGS_FOR_EVER INT64_MAX

struct settings {
	int64_t delay_ns;
	int64_t jitter_ns; /* the delay lies within delay +- jitter */
	bool may_reorder;  /* false: jitter changes slowly enough that packets keep their order */
	double loss;
	struct loss_bursts bursts;
	double reorder; /* held back by reorder_by_ns, so that those behind overtake */
	int64_t reorder_by_ns;
	double duplicate;
	double corrupt;
	int64_t rate_bps; /* 0: no limit */
	/* What may wait for the rate, the smaller of both; 0: no such bound. A stream is not dropped but no longer
	 * read. */
	int64_t queue_bytes;
	int64_t queue_ns;
	int64_t mtu_bytes;	 /* 0: no limit; larger IP packets vanish. Datagrams only */
	int64_t rto_ns;		 /* streams: how long a lost segment holds up the rest */
	int64_t outage_until_ns; /* 0: none. Datagrams vanish, a stream stands still */
	int64_t freeze_until_ns; /* 0: none. Everything waits */
	int64_t cut_until_ns;	 /* 0: none. Datagrams vanish, connections are reset */
};

/* A perfect wire. */
void settings_init(struct settings *settings);
/* When what stands still at a time goes on again: that time itself, or later, or SETTINGS_FOR_EVER. */
int64_t settings_blocked_until(const struct settings *settings, bool is_stream, int64_t at_ns);
/* Does a datagram vanish that is sent at this time? */
bool settings_is_out(const struct settings *settings, int64_t at_ns);
/* The time a packet takes at the rate; 0 without one. */
int64_t settings_send_ns(const struct settings *settings, uint32_t wire_bytes);
/* How much may wait, SIZE_MAX without a bound. */
size_t settings_queue_bytes(const struct settings *settings);

#endif
