/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a publisher should change, in plain sentences, found in its own frames.
 *
 * Owner: the loop of the session that holds it. Lifetime: a value, advice_init() before use; nothing is allocated.
 * Frames come as the publisher sent them: raw times that may wrap and jump. Only differences of up to 3 s are believed;
 * a longer one begins the measuring anew. Each advice is said once when it turns on and once when it is over, and it is
 * over only after things were well for a while: a value on the edge does not make the sentence blink.
 * Not here: the clock (the caller's), who hears the sentence (relay/events.h).
 */
#ifndef ISARIBI_INGEST_ADVICE_H
#define ISARIBI_INGEST_ADVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/frame.h"
#include "relay/advice_turn.h"
#include "relay/events.h"

enum advice_code {
	ADVICE_KEY_INTERVAL,
	ADVICE_B_FRAMES,
	ADVICE_PORTRAIT,
	ADVICE_BITRATE_SWINGS,
	ADVICE_AV_DRIFT,
	ADVICE_NO_AUDIO,
	ADVICE_NO_VIDEO,
	ADVICE_CODES,
};

enum {
	ADVICE_WINDOWS = 12, /* of 2 s each: 20 s that are complete, and the present one */
	ADVICE_TEXT_SIZE = 256,
};

/* What arrived in 2 s of the clock. */
struct advice_window {
	uint64_t size_bytes[TRACK_KINDS];
	int64_t video_90k; /* by the publisher's own dts */
	uint32_t video_steps;
};

struct advice_track {
	bool is_seen;
	int64_t raw_90k;   /* dts of the last frame */
	int64_t clock_90k; /* sum of the steps that were believed */
	int64_t first_us;  /* arrivals */
	int64_t last_us;
};

struct advice_keys {
	bool has_interval;
	int64_t interval_90k; /* between the last two key frames */
	int64_t since_90k;    /* video's clock at the last one, or where counting began */
	bool has_key;
};

struct advice_order {
	bool has_top;
	int64_t top_90k;      /* highest pts since the last jump */
	uint32_t n_reordered; /* since the last evaluation */
};

struct advice_drift {
	bool is_running;
	uint64_t samples;
	int64_t video_from_90k;
	int64_t sum_90k; /* of sound minus picture at each frame of sound since the last evaluation */
	int64_t n_sums;
	bool is_fresh; /* the last evaluation had something to go by */
	bool has_base;
	int64_t base_90k;  /* what the difference was in the beginning: how the publisher interleaves */
	int64_t drift_90k; /* beyond that, of the last evaluation */
};

struct advice {
	bool is_started;
	int64_t started_us;
	int64_t window;	     /* number of the present one */
	int64_t steady_from; /* the first window in which a steady bitrate may be asked for */
	struct advice_window windows[ADVICE_WINDOWS];
	struct advice_track tracks[TRACK_KINDS];
	struct advice_keys keys;
	struct advice_order order;
	struct advice_drift drift;
	uint32_t width_px;
	uint32_t height_px;
	uint32_t sample_rate_hz;
	int64_t now_us;	      /* of the evaluation that is going on */
	int64_t evaluated_us; /* when the one before was */
	struct advice_turn states[ADVICE_CODES];
	char text_ja[ADVICE_TEXT_SIZE];
	char text_en[ADVICE_TEXT_SIZE];
};

/* One sentence; all pointers are valid during the call. */
struct advice_note {
	const char *code; /* "key_interval", a label in /metrics; static */
	bool is_on;	  /* false: what was advised about is over */
	const char *ja;
	const char *en;
};

typedef void advice_note_fn(void *arg, const struct advice_note *note);

void advice_init(struct advice *a);
/* Borrows the frame. */
void advice_frame(struct advice *a, const struct frame *frame);
/* About every 2 s, on the clock of frames' arrival_us. Calls visit for each advice that turned on or off. */
void advice_evaluate(struct advice *a, int64_t now_us, advice_note_fn *visit, void *arg);
/* As of the last evaluation: rates over the last 4 s that are complete. */
void advice_health(const struct advice *a, struct event_health *health);

#endif
