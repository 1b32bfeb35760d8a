/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reader of a TS lane gets before its first whole message: tables, numbered as what follows has it, and for one
 * that comes from elsewhere in the stream a word on every PID that what follows does not continue what came before
 * (ISO 13818-1 §2.4.3.5, discontinuity_indicator).
 *
 * Owner: pure. Not here: where readers start (relay/ts_lane).
 */
#ifndef ISARIBI_RELAY_TS_INTRO_H
#define ISARIBI_RELAY_TS_INTRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shared.h"
#include "media/ts_packet.h"
#include "relay/ts_ring.h"

struct ts_intro {
	const struct ts_ring *ring;
	uint64_t seq;  /* the message where the reader starts */
	size_t offset; /* and the byte in it; the rest of that message is part of the intro when it is not 0 */
	const uint8_t (*psi)[TS_PACKET_BYTES];
	size_t n_psi;
	bool is_discontinuity;
};

/* One reference, NULL when memory is out. May have no bytes. */
struct shared *ts_intro_make(const struct ts_intro *intro);

#endif
