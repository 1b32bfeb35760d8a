/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an SRT link measured about itself: times and rates of the last interval, counts since the connection began.
 *
 * Owner: whoever holds the value. Lifetime: a value. Not here: asking the library (relay/io_srt.h), what to make of it
 * (relay/link_advice.h).
 */
#ifndef ISARIBI_RELAY_LINK_FIGURES_H
#define ISARIBI_RELAY_LINK_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

struct link_figures {
	bool is_receiving; /* the peer sends us media; false: we send it */
	int64_t rtt_us;	   /* 0: not measured yet */
	uint64_t packets;  /* arrived or sent, those sent again included */
	uint64_t lost;	   /* found missing, whether or not they came later */
	uint64_t retransmitted;
	uint64_t dropped_late; /* never made it in time */
	uint64_t undecryptable;
	uint64_t bytes;
	uint32_t latency_ms;	/* negotiated, of the receiving direction */
	int64_t bandwidth_kbps; /* estimated capacity of the link; 0: not known */
	int64_t rate_kbps;
	uint32_t buffer_ms; /* what lies in the buffer of our side */
};

#endif
