/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/link_advice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

enum {
	SECOND_US = 1000000,
	US_PER_MS = 1000,

	RTT_WEIGHT = 4, /* a new figure counts for a quarter */
	RTT_MAX_US = 30 * SECOND_US,

	LATENCY_MIN_MS = 120,
	LATENCY_MAX_MS = 8000,
	LATENCY_STEP_MS = 50,
	LATENCY_LESS_US = 60 * SECOND_US,

	LOSS_SEEN_PERMILLE = 1, /* without loss any latency is long enough */
	LOSS_BAD_PERMILLE = 100,
	LOSS_GOOD_PERMILLE = 30,
	LATE_BAD_PERMILLE = 2,

	SLOW_LOSS_PERMILLE = 20,
	SLOW_BUFFER_MIN_MS = 1000,
};

struct rule {
	const char *code;
	struct advice_patience patience;
	enum advice_verdict (*judge)(const struct link_advice *a);
	void (*say)(struct link_advice *a); /* fills text_ja and text_en */
	const char *over_ja;
	const char *over_en;
};

/* Measuring */

void link_advice_init(struct link_advice *a)
{
	*a = (struct link_advice){ 0 };
}

static bool is_new_connection(const struct link_figures *before, const struct link_figures *now)
{
	return now->packets < before->packets || now->lost < before->lost || now->dropped_late < before->dropped_late;
}

static void take_window(struct link_advice *a, const struct link_figures *now)
{
	a->windows[a->n_windows++ % LINK_WINDOWS] = (struct link_window){
		.packets = now->packets - a->last.packets,
		.lost = now->lost - a->last.lost,
		.dropped_late = now->dropped_late - a->last.dropped_late,
	};
}

static uint32_t permille(uint64_t part, uint64_t whole)
{
	if (part == 0 || whole == 0)
		return 0;
	if (part >= whole)
		return 1000;
	/* Half of 2^64 packets in 20 s is beyond any link, yet a figure may be anything. */
	return whole > UINT64_MAX / 1000 ? (uint32_t)(part / (whole / 1000)) : (uint32_t)(part * 1000 / whole);
}

static void measure_loss(struct link_advice *a)
{
	size_t n = a->n_windows < LINK_WINDOWS ? a->n_windows : LINK_WINDOWS;
	struct link_window sum = { 0 };
	uint64_t due;

	for (size_t i = 0; i < n; i++) {
		sum.packets += a->windows[i].packets;
		sum.lost += a->windows[i].lost;
		sum.dropped_late += a->windows[i].dropped_late;
	}
	/* A receiver counts what came, a sender what it sent. */
	due = a->last.is_receiving ? sum.packets + sum.lost : sum.packets;
	a->loss_permille = permille(sum.lost, due);
	a->late_permille = permille(sum.dropped_late, due);
}

static void measure_rtt(struct link_advice *a, int64_t rtt_us)
{
	if (rtt_us <= 0)
		return;
	if (rtt_us > RTT_MAX_US)
		rtt_us = RTT_MAX_US;
	a->rtt_us = a->rtt_us == 0 ? rtt_us : a->rtt_us + (rtt_us - a->rtt_us) / RTT_WEIGHT;
}

/* How often a packet may be sent again before it is late: SRT deployment guide, packet loss rate and RTT multiplier. */
static int64_t multiplier_of(uint32_t loss_permille)
{
	static const struct {
		uint32_t up_to_permille;
		int64_t multiplier;
	} table[] = { { 30, 4 }, { 70, 5 }, { 100, 6 } };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (loss_permille <= table[i].up_to_permille)
			return table[i].multiplier;
	}
	return 7;
}

static uint32_t latency_wanted_ms(const struct link_advice *a)
{
	const int64_t step_us = LATENCY_STEP_MS * US_PER_MS;
	int64_t wanted_us = a->rtt_us * multiplier_of(a->loss_permille);
	int64_t wanted_ms;

	if (wanted_us <= LATENCY_MIN_MS * US_PER_MS)
		return LATENCY_MIN_MS;
	wanted_ms = (wanted_us + step_us - 1) / step_us * LATENCY_STEP_MS;
	return wanted_ms > LATENCY_MAX_MS ? LATENCY_MAX_MS : (uint32_t)wanted_ms;
}

static void recommend(struct link_advice *a, int64_t now_us)
{
	uint32_t wanted_ms = a->rtt_us > 0 ? latency_wanted_ms(a) : 0;

	if (wanted_ms == 0 || wanted_ms >= a->latency_ms) {
		a->is_less_enough = false;
		if (wanted_ms > 0)
			a->latency_ms = wanted_ms;
		return;
	}
	if (!a->is_less_enough)
		a->less_since_us = now_us;
	a->is_less_enough = true;
	if (now_us - a->less_since_us >= LATENCY_LESS_US) {
		a->latency_ms = wanted_ms;
		a->is_less_enough = false;
	}
}

/* Judging */

static enum advice_verdict judge_latency(const struct link_advice *a)
{
	bool is_hurt = a->loss_permille >= LOSS_SEEN_PERMILLE || a->late_permille > 0;

	if (a->latency_ms == 0 || a->last.latency_ms == 0)
		return VERDICT_UNKNOWN;
	return is_hurt && a->latency_ms > a->last.latency_ms ? VERDICT_BAD : VERDICT_GOOD;
}

static enum advice_verdict judge_loss(const struct link_advice *a)
{
	if (a->loss_permille >= LOSS_BAD_PERMILLE || a->late_permille >= LATE_BAD_PERMILLE)
		return VERDICT_BAD;
	return a->loss_permille <= LOSS_GOOD_PERMILLE && a->late_permille == 0 ? VERDICT_GOOD : VERDICT_UNKNOWN;
}

/*
 * What we send piles up in our buffer. What we receive gets lost, and the estimate of the link is near the rate: the
 * estimate alone is too rough to go by.
 */
static enum advice_verdict judge_slow(const struct link_advice *a)
{
	const struct link_figures *f = &a->last;
	uint32_t limit_ms = 2 * f->latency_ms > SLOW_BUFFER_MIN_MS ? 2 * f->latency_ms : SLOW_BUFFER_MIN_MS;
	bool is_bad;

	if (!f->is_receiving)
		return f->buffer_ms > limit_ms	   ? VERDICT_BAD
		    : f->buffer_ms <= limit_ms / 2 ? VERDICT_GOOD
						   : VERDICT_UNKNOWN;
	if (f->bandwidth_kbps <= 0 || f->rate_kbps <= 0)
		return VERDICT_UNKNOWN;
	is_bad = f->bandwidth_kbps / 5 < f->rate_kbps / 4 && a->loss_permille >= SLOW_LOSS_PERMILLE;
	return is_bad ? VERDICT_BAD : a->loss_permille < SLOW_LOSS_PERMILLE ? VERDICT_GOOD : VERDICT_UNKNOWN;
}

/* Sentences */

/* "1,200": four digits are the most. */
static const char *with_comma(char buf[16], uint32_t value)
{
	if (value < 1000)
		snprintf(buf, 16, "%" PRIu32, value);
	else
		snprintf(buf, 16, "%" PRIu32 ",%03" PRIu32, value / 1000, value % 1000);
	return buf;
}

static void say_latency(struct link_advice *a)
{
	bool is_receiving = a->last.is_receiving;
	char wanted[16];
	char present[16];

	with_comma(wanted, a->latency_ms);
	with_comma(present, a->last.latency_ms);
	a->said_ms = a->latency_ms;
	if (a->is_call) {
		snprintf(a->text_ja, sizeof(a->text_ja),
		    "この回線では遅延 %s ms をおすすめします。いまは %s ms です。計画の latency_ms を %" PRIu32
		    " にしてください。",
		    wanted, present, a->latency_ms);
		snprintf(a->text_en, sizeof(a->text_en),
		    "This link needs a latency of %s ms; it is %s ms now. Please set latency_ms in the plan to %" PRIu32
		    ".",
		    wanted, present, a->latency_ms);
		return;
	}
	snprintf(a->text_ja, sizeof(a->text_ja),
	    "この回線では遅延 %s ms をおすすめします。いまは %s ms です。%sの遅延（latency）の設定を変えてください。",
	    wanted, present, is_receiving ? "配信アプリ" : "受け取る側のアプリ");
	snprintf(a->text_en, sizeof(a->text_en),
	    "This link needs a latency of %s ms; it is %s ms now. Please change the latency in the %s app.", wanted,
	    present, is_receiving ? "streaming" : "receiving");
}

static void say_loss(struct link_advice *a)
{
	uint32_t lost_permille = a->loss_permille > a->late_permille ? a->loss_permille : a->late_permille;
	uint32_t percent = lost_permille < 10 ? 1 : (lost_permille + 5) / 10;

	snprintf(a->text_ja, sizeof(a->text_ja),
	    "この 20 秒で、データの %" PRIu32 " %% "
	    "が回線の途中で失われ、映像が乱れることがあります。電波のよい場所に移るか、ビットレートを下げてください。",
	    percent);
	snprintf(a->text_en, sizeof(a->text_en),
	    "The link has lost %" PRIu32 " %% of the data in the last 20 s, and the picture may break up. Please go "
	    "where reception is better, or set a "
	    "lower bitrate.",
	    percent);
}

static void say_slow(struct link_advice *a)
{
	snprintf(a->text_ja, sizeof(a->text_ja), "回線の速さが映像に足りません（いまの映像は %" PRId64 " kbit/s）。%s",
	    a->last.rate_kbps, "配信アプリのビットレートを下げるか、電波のよい場所に移ってください。");
	snprintf(a->text_en, sizeof(a->text_en),
	    "The link is too slow for the stream (%" PRId64
	    " kbit/s now). Please set a lower bitrate, or go where reception is better.",
	    a->last.rate_kbps);
}

static const struct rule rules[LINK_CODES] = {
	[LINK_LATENCY] = { "link_latency", { 2, 20 * SECOND_US }, judge_latency, say_latency,
	    "遅延の設定はいまの回線に合っています。", "The latency fits the link now." },
	[LINK_LOSS] = { "link_loss", { 2, 10 * SECOND_US }, judge_loss, say_loss, "回線が落ち着きました。",
	    "The link is fine again." },
	[LINK_SLOW] = { "link_slow", { 2, 10 * SECOND_US }, judge_slow, say_slow,
	    "回線の速さが足りるようになりました。", "The link is fast enough again." },
};

static void tell(struct link_advice *a, enum link_code code, bool is_on, link_note_fn *visit, void *arg)
{
	const struct rule *rule = &rules[code];
	const struct link_note note = { .code = rule->code, .is_on = is_on, .ja = a->text_ja, .en = a->text_en };

	a->states[code] = (struct advice_turn){ .is_on = is_on };
	if (is_on) {
		rule->say(a);
	} else {
		snprintf(a->text_ja, sizeof(a->text_ja), "%s", rule->over_ja);
		snprintf(a->text_en, sizeof(a->text_en), "%s", rule->over_en);
	}
	visit(arg, &note);
}

static void judge_all(struct link_advice *a, int64_t now_us, link_note_fn *visit, void *arg)
{
	const struct advice_turn *latency = &a->states[LINK_LATENCY];

	for (size_t i = 0; i < LINK_CODES; i++) {
		struct advice_turn *state = &a->states[i];

		if (advice_turn_is_due(state, &rules[i].patience, rules[i].judge(a), now_us))
			tell(a, (enum link_code)i, !state->is_on, visit, arg);
	}
	if (latency->is_on && latency->n_bad > 0 && a->latency_ms >= a->said_ms + a->said_ms / 2)
		tell(a, LINK_LATENCY, true, visit, arg);
}

void link_advice_take(
    struct link_advice *a, const struct link_figures *figures, int64_t now_us, link_note_fn *visit, void *arg)
{
	bool is_first = !a->has_figures || is_new_connection(&a->last, figures);

	if (is_first) {
		a->n_windows = 0;
		a->rtt_us = 0;
	} else {
		take_window(a, figures);
	}
	a->has_figures = true;
	a->last = *figures;
	measure_rtt(a, figures->rtt_us);
	measure_loss(a);
	if (is_first) /* what was counted before we looked has no time */
		return;
	recommend(a, now_us);
	judge_all(a, now_us, visit, arg);
}
