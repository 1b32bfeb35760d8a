/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this begin, and may it go on? Every protocol asks here, with the plan of the moment.
 *
 * Owner: pure functions over an immutable plan. Lifetime: a pass is a value, kept by the session it was given to.
 * A rehearsal goes to the stream `<stream>~rehearsal`: no id may hold a '~', so no channel can ever name it. It can be
 * watched with a view token only. A channel is watched as `@<channel>`, over HLS alone; a view token for it is made for
 * that name.
 */
#ifndef ISARIBI_RELAY_GATE_H
#define ISARIBI_RELAY_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/plan.h"
#include "relay/close_reasons.h"

#define GATE_REHEARSAL_SUFFIX "~rehearsal"

enum { GATE_STREAM_SIZE = ID_SIZE + sizeof(GATE_REHEARSAL_SUFFIX) - 1 };

/* A publisher's. */
struct gate_pass {
	char key_id[ID_SIZE];
	uint8_t key_hash[PLAN_HASH_BYTES];
	char stream[GATE_STREAM_SIZE]; /* where the frames go */
	bool is_rehearsal;
	int64_t until_ms; /* 0: no limit */
	size_t key_place; /* where the key stood in the plan: where it is looked for first */
};

/* key: as sent, with surrounding blanks cut by the caller. CLOSE_NONE with *pass filled, or why not. */
enum close_reason gate_publish(
    const struct plan *plan, const char *key, size_t key_len, int64_t now_ms, struct gate_pass *pass);
/* Asked again every second and with every new plan; moves pass->until_ms along with the plan. */
enum close_reason gate_publish_again(const struct plan *plan, struct gate_pass *pass, int64_t now_ms);

/* The pass of the plan's pull into this stream: nobody else's, so only the same pull takes over from it. */
void gate_pull(const char *stream, struct gate_pass *pass);

struct gate_viewer {
	const char *stream;
	const char *token; /* NULL: none */
	size_t token_len;
	bool has_channels; /* can be sent a channel: over HLS */
};

/* What the plan says about a stream or its rehearsal: borrowed, NULL when nothing. */
const struct plan_stream *gate_stream(const struct plan *plan, const char *stream);

/* CLOSE_NONE or why not. Callers must not let a client tell the refusals apart. */
enum close_reason gate_play(const struct plan *plan, const struct gate_viewer *viewer, int64_t now_ms);

#endif
