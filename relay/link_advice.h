/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the figures of an SRT link: the latency it needs, and a plain sentence when it goes badly.
 *
 * Owner: the loop of the session that holds it. Lifetime: a value, link_advice_init() before use; nothing is allocated.
 * The latency follows SRT's deployment guide: a multiple of the round-trip time that grows with the share of packets
 * lost, never below 120 ms; here at least 4, rounded up to 50 ms. It rises at once and falls only after a minute in
 * which less was enough. Each advice is said once when it turns on (a latency again when it has become half as much
 * more) and once when it is over, after things were well for a while. Not here: the clock (the caller's), who hears the
 * sentence (relay/events.h), what the frames say (ingest/advice.h).
 */
#ifndef ISARIBI_RELAY_LINK_ADVICE_H
#define ISARIBI_RELAY_LINK_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/advice_turn.h"
#include "relay/link_figures.h"

enum link_code {
	LINK_LATENCY, /* too short for this link */
	LINK_LOSS,    /* so much is lost that the picture suffers */
	LINK_SLOW,    /* does not carry the rate */
	LINK_CODES,
};

enum {
	LINK_WINDOWS = 10, /* intervals that are remembered: 20 s */
	LINK_TEXT_SIZE = 320,
};

/* What was added in one interval. */
struct link_window {
	uint64_t packets;
	uint64_t lost;
	uint64_t dropped_late;
};

struct link_advice {
	bool is_call; /* set after init: we dialled, so the latency stands in our plan */
	bool has_figures;
	struct link_figures last;
	struct link_window windows[LINK_WINDOWS];
	size_t n_windows; /* ever */
	int64_t rtt_us;	  /* smoothed; 0: not known */
	uint32_t loss_permille;
	uint32_t late_permille; /* of what should have come */
	uint32_t latency_ms;	/* recommended; 0: not known yet */
	uint32_t said_ms;	/* the last one that was said */
	bool is_less_enough;
	int64_t less_since_us;
	struct advice_turn states[LINK_CODES];
	char text_ja[LINK_TEXT_SIZE];
	char text_en[LINK_TEXT_SIZE];
};

/* One sentence; all pointers are valid during the call. */
struct link_note {
	const char *code; /* "link_latency", a label in /metrics; static */
	bool is_on;	  /* false: what was advised about is over */
	const char *ja;
	const char *en;
};

typedef void link_note_fn(void *arg, const struct link_note *note);

void link_advice_init(struct link_advice *a);
/* About every 2 s. Counts that go back mean a new connection: measuring begins anew. Calls visit for what turned. */
void link_advice_take(
    struct link_advice *a, const struct link_figures *figures, int64_t now_us, link_note_fn *visit, void *arg);

#endif
