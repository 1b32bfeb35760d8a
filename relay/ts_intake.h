/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a publisher's transport stream becomes: packets for the stream's TS lane, untouched, and frames for everybody
 * else.
 *
 * Owner: the loop of the SRT thread. Lifetime: one publisher, from its grant to its end. Not here: sockets, and what is
 * done with the frames.
 */
#ifndef ISARIBI_RELAY_TS_INTAKE_H
#define ISARIBI_RELAY_TS_INTAKE_H

#include "relay/ts_lane.h"

struct ts_intake;

/* Called inside ts_intake_message and ts_intake_destroy; may not destroy the intake. */
struct ts_intake_ops {
	void (*frame)(void *arg, struct frame *frame); /* takes the reference; times raw, modulo TIMELINE_MODULUS_TS */
	void (*unsupported)(void *arg, const char *codec_name);
	void (*unreadable)(void *arg);
};

struct ts_intake_config {
	struct ts_lanes *lanes;
	const char *stream;
	uint64_t generation; /* of the publisher */
	const struct ts_intake_ops *ops;
	void *arg;
};

/* 0 or -ENOMEM. */
int ts_intake_create(struct ts_intake **out, const struct ts_intake_config *config);
/* The last access unit comes out, if it is whole. NULL is fine. */
void ts_intake_destroy(struct ts_intake **intake);
void ts_intake_message(struct ts_intake *in, const uint8_t *data, size_t len, int64_t now_us);

#endif
