/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/advice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

enum {
	SECOND_90K = 90000,
	MS_90K = 90,
	SECOND_US = 1000000,
	WINDOW_MS = 2000,
	WINDOW_US = WINDOW_MS * 1000,

	STEP_MAX_90K = 3 * SECOND_90K, /* more is a jump */

	KEY_WANTED_S = 2,
	KEY_BAD_90K = 4 * SECOND_90K,
	KEY_GOOD_90K = 3 * SECOND_90K,

	REORDERED_BAD = 2,

	SWING_WINDOWS = 10,
	SWING_SKIPPED = 2, /* encoders begin low */
	SWING_BAD_KBPS = 200,
	SWING_GOOD_KBPS = 150,

	DRIFT_AFTER_90K = 20 * SECOND_90K,
	DRIFT_BASE_AFTER_90K = 2 * SECOND_90K,
	DRIFT_HOLE_90K = 100 * MS_90K, /* sound that is missing is no drift */
	DRIFT_FRESH_US = SECOND_US / 2,
	DRIFT_BAD_90K = 200 * MS_90K,
	DRIFT_GOOD_90K = 120 * MS_90K,

	ALONE_US = 5 * SECOND_US,
	TOGETHER_US = 1 * SECOND_US,
};

struct rule {
	const char *code;
	struct advice_patience patience;
	enum advice_verdict (*judge)(const struct advice *a);
	void (*say)(struct advice *a); /* fills text_ja and text_en */
	const char *over_ja;
	const char *over_en;
};

static void say(struct advice *a, const char *ja, const char *en)
{
	snprintf(a->text_ja, sizeof(a->text_ja), "%s", ja);
	snprintf(a->text_en, sizeof(a->text_en), "%s", en);
}

static int64_t whole(int64_t value, int64_t unit)
{
	return (value + unit / 2) / unit;
}

/* Counting windows */

static struct advice_window *window_at(struct advice *a, int64_t number)
{
	return &a->windows[number % ADVICE_WINDOWS];
}

static const struct advice_window *window_get(const struct advice *a, int64_t number)
{
	return &a->windows[number % ADVICE_WINDOWS];
}

static void go_to(struct advice *a, int64_t now_us)
{
	int64_t wanted = (now_us - a->started_us) / WINDOW_US;

	if (wanted - a->window > ADVICE_WINDOWS)
		a->window = wanted - ADVICE_WINDOWS;
	while (a->window < wanted)
		*window_at(a, ++a->window) = (struct advice_window){ 0 };
}

static uint64_t kbps_of(uint64_t size_bytes, int64_t ms)
{
	return ms > 0 ? size_bytes * 8 / (uint64_t)ms : 0;
}

/* Frames */

static void start(struct advice *a, int64_t now_us)
{
	a->is_started = true;
	a->started_us = now_us;
	a->evaluated_us = now_us;
	a->steady_from = SWING_SKIPPED;
}

static void begin_drift_anew(struct advice *a)
{
	a->drift = (struct advice_drift){ 0 };
}

/* The step since the frame before on the publisher's clock; false when there is none or it is not believed. */
static bool take_step(struct advice_track *track, const struct frame *frame, int64_t *step_90k)
{
	bool is_believed;

	*step_90k = (int64_t)((uint64_t)frame->dts_90k - (uint64_t)track->raw_90k);
	is_believed = track->is_seen && *step_90k <= STEP_MAX_90K && *step_90k >= -STEP_MAX_90K;
	if (!track->is_seen)
		track->first_us = frame->arrival_us;
	if (is_believed)
		track->clock_90k += *step_90k;
	track->is_seen = true;
	track->raw_90k = frame->dts_90k;
	track->last_us = frame->arrival_us;
	return is_believed;
}

static void take_key(struct advice_keys *keys, int64_t clock_90k)
{
	if (keys->has_key) {
		keys->interval_90k = clock_90k - keys->since_90k;
		keys->has_interval = true;
	}
	keys->has_key = true;
	keys->since_90k = clock_90k;
}

static void take_order(struct advice_order *order, const struct frame *frame)
{
	int64_t ahead_90k = (int64_t)((uint64_t)frame->pts_90k - (uint64_t)order->top_90k);

	if (order->has_top && ahead_90k < 0 && ahead_90k >= -STEP_MAX_90K) {
		order->n_reordered++;
		return;
	}
	order->has_top = true;
	order->top_90k = frame->pts_90k;
}

static void take_video(struct advice *a, const struct frame *frame)
{
	struct advice_track *track = &a->tracks[TRACK_VIDEO];
	struct advice_window *window = window_at(a, a->window);
	bool is_first = !track->is_seen;
	int64_t step_90k;

	/* A camera that was off is not a line that swings. */
	if (!is_first && frame->arrival_us - track->last_us >= ALONE_US)
		a->steady_from = a->window + SWING_SKIPPED;
	a->width_px = frame->track->width_px;
	a->height_px = frame->track->height_px;
	if (take_step(track, frame, &step_90k)) {
		window->video_90k += step_90k;
		window->video_steps++;
	} else {
		/* What was measured up to a jump stays known; what is being measured begins anew. */
		a->keys.has_key = false;
		a->keys.since_90k = track->clock_90k;
		if (!is_first)
			begin_drift_anew(a);
	}
	/* A clock that goes back would look like frames out of order. */
	if (step_90k < 0 || step_90k > STEP_MAX_90K)
		a->order.has_top = false;
	take_order(&a->order, frame);
	if (frame_is_key(frame))
		take_key(&a->keys, track->clock_90k);
}

static bool is_hole(const struct frame *frame, int64_t step_90k)
{
	int64_t wanted_90k = (int64_t)frame_samples(frame) * SECOND_90K / frame->track->sample_rate_hz;

	return llabs(step_90k - wanted_90k) > DRIFT_HOLE_90K;
}

static void take_drift(struct advice *a, const struct frame *frame)
{
	const struct advice_track *video = &a->tracks[TRACK_VIDEO];
	struct advice_drift *drift = &a->drift;
	int64_t sound_90k;

	if (!video->is_seen)
		return;
	if (!drift->is_running) {
		drift->is_running = true;
		drift->video_from_90k = video->clock_90k;
	}
	/* A picture that has just stopped says nothing about the clocks. */
	if (frame->arrival_us - video->last_us < DRIFT_FRESH_US) {
		sound_90k = (int64_t)(drift->samples * SECOND_90K / frame->track->sample_rate_hz);
		drift->sum_90k += sound_90k - (video->clock_90k - drift->video_from_90k);
		drift->n_sums++;
	}
	drift->samples += frame_samples(frame);
}

static void take_audio(struct advice *a, const struct frame *frame)
{
	int64_t step_90k;
	bool is_believed = take_step(&a->tracks[TRACK_AUDIO], frame, &step_90k);
	uint32_t rate_hz = frame->track->sample_rate_hz;

	if (rate_hz == 0 || rate_hz != a->sample_rate_hz || !is_believed || is_hole(frame, step_90k))
		begin_drift_anew(a);
	a->sample_rate_hz = rate_hz;
	if (rate_hz > 0)
		take_drift(a, frame);
}

void advice_init(struct advice *a)
{
	*a = (struct advice){ 0 };
}

void advice_frame(struct advice *a, const struct frame *frame)
{
	if (!a->is_started)
		start(a, frame->arrival_us);
	go_to(a, frame->arrival_us);
	window_at(a, a->window)->size_bytes[frame->track->kind] += frame->size_bytes;
	if (frame_is_video(frame))
		take_video(a, frame);
	else
		take_audio(a, frame);
}

/* Judging */

/* The longer of what was between the last two key frames and what passed since the last one. */
static int64_t key_wait_90k(const struct advice *a)
{
	int64_t since_90k = a->tracks[TRACK_VIDEO].clock_90k - a->keys.since_90k;

	if (since_90k < 0) /* the publisher's clock has crept back */
		since_90k = 0;
	return a->keys.has_interval && a->keys.interval_90k > since_90k ? a->keys.interval_90k : since_90k;
}

static enum advice_verdict judge_key_interval(const struct advice *a)
{
	int64_t wait_90k = key_wait_90k(a);

	if (wait_90k > KEY_BAD_90K)
		return VERDICT_BAD;
	return a->keys.has_interval && wait_90k <= KEY_GOOD_90K ? VERDICT_GOOD : VERDICT_UNKNOWN;
}

static void say_key_interval(struct advice *a)
{
	int64_t wait_s = whole(key_wait_90k(a), SECOND_90K);

	if (a->keys.has_interval && a->keys.interval_90k > KEY_BAD_90K) {
		snprintf(a->text_ja, sizeof(a->text_ja),
		    "キーフレームの間隔が %" PRId64 " 秒です。%d 秒にしてください。", wait_s, KEY_WANTED_S);
		snprintf(a->text_en, sizeof(a->text_en), "Key frames come every %" PRId64 " s. Please set %d s.",
		    wait_s, KEY_WANTED_S);
		return;
	}
	snprintf(a->text_ja, sizeof(a->text_ja),
	    "キーフレームが %" PRId64 " 秒たっても来ません。キーフレームの間隔を %d 秒にしてください。", wait_s,
	    KEY_WANTED_S);
	snprintf(a->text_en, sizeof(a->text_en),
	    "No key frame has come for %" PRId64 " s. Please set the key-frame interval to %d s.", wait_s,
	    KEY_WANTED_S);
}

static enum advice_verdict judge_b_frames(const struct advice *a)
{
	if (a->order.n_reordered >= REORDERED_BAD)
		return VERDICT_BAD;
	return a->order.n_reordered == 0 && a->tracks[TRACK_VIDEO].last_us > a->evaluated_us ? VERDICT_GOOD
											     : VERDICT_UNKNOWN;
}

static void say_b_frames(struct advice *a)
{
	say(a, "B フレームが使われています。遅れの元になるので、配信アプリで B フレームを 0 枚にしてください。",
	    "The app sends B-frames, which add delay. Please set B-frames to 0.");
}

static enum advice_verdict judge_portrait(const struct advice *a)
{
	if (a->width_px == 0 || a->height_px == 0)
		return VERDICT_UNKNOWN;
	return a->height_px > a->width_px ? VERDICT_BAD : VERDICT_GOOD;
}

static void say_portrait(struct advice *a)
{
	snprintf(a->text_ja, sizeof(a->text_ja),
	    "映像が縦長（%u×%u ピクセル）です。スマートフォンを横向きにして、配信を始め直してください。", a->width_px,
	    a->height_px);
	snprintf(a->text_en, sizeof(a->text_en),
	    "The picture is upright (%u x %u pixels). Please hold the phone sideways and start again.", a->width_px,
	    a->height_px);
}

struct swing {
	uint64_t min_kbps;
	uint64_t median_kbps;
	uint64_t max_kbps;
};

static int compare_u64(const void *left, const void *right)
{
	const uint64_t *l = left;
	const uint64_t *r = right;

	return *l < *r ? -1 : *l > *r;
}

static bool measure_swing(const struct advice *a, struct swing *swing)
{
	uint64_t kbps[SWING_WINDOWS];
	int64_t first = a->window - SWING_WINDOWS;

	if (first < a->steady_from)
		return false;
	for (size_t i = 0; i < SWING_WINDOWS; i++)
		kbps[i] = kbps_of(window_get(a, first + (int64_t)i)->size_bytes[TRACK_VIDEO], WINDOW_MS);
	qsort(kbps, SWING_WINDOWS, sizeof(kbps[0]), compare_u64);
	swing->min_kbps = kbps[0];
	swing->median_kbps = (kbps[SWING_WINDOWS / 2 - 1] + kbps[SWING_WINDOWS / 2]) / 2;
	swing->max_kbps = kbps[SWING_WINDOWS - 1];
	return true;
}

static enum advice_verdict judge_bitrate_swings(const struct advice *a)
{
	int64_t last_us = a->tracks[TRACK_VIDEO].last_us;
	struct swing swing;

	if (!measure_swing(a, &swing) || a->now_us - last_us >= ALONE_US)
		return VERDICT_UNKNOWN;
	/* With key frames that far apart a window tells whether it holds one, and nothing about the line. */
	if (judge_key_interval(a) == VERDICT_BAD)
		return VERDICT_UNKNOWN;
	if (swing.max_kbps * 2 > swing.min_kbps * 5 && swing.median_kbps > SWING_BAD_KBPS)
		return VERDICT_BAD;
	return swing.max_kbps <= swing.min_kbps * 2 || swing.median_kbps <= SWING_GOOD_KBPS ? VERDICT_GOOD
											    : VERDICT_UNKNOWN;
}

static void say_bitrate_swings(struct advice *a)
{
	struct swing swing = { 0 };

	(void)measure_swing(a, &swing);
	snprintf(a->text_ja, sizeof(a->text_ja),
	    "映像のビットレートが %" PRIu64 " から %" PRIu64 " kbit/s の間で揺れています。"
	    "電波のよい場所に移るか、配信アプリのビットレートを下げてください。",
	    swing.min_kbps, swing.max_kbps);
	snprintf(a->text_en, sizeof(a->text_en),
	    "The video bitrate swings between %" PRIu64 " and %" PRIu64 " kbit/s. "
	    "Please go where reception is better, or set a lower bitrate.",
	    swing.min_kbps, swing.max_kbps);
}

static void measure_drift(struct advice *a)
{
	struct advice_drift *drift = &a->drift;
	int64_t mean_90k;

	drift->is_fresh = drift->n_sums > 0;
	if (!drift->is_fresh)
		return;
	mean_90k = drift->sum_90k / drift->n_sums;
	drift->sum_90k = 0;
	drift->n_sums = 0;
	if (!drift->has_base && a->tracks[TRACK_VIDEO].clock_90k - drift->video_from_90k >= DRIFT_BASE_AFTER_90K) {
		drift->has_base = true;
		drift->base_90k = mean_90k;
	}
	drift->drift_90k = drift->has_base ? mean_90k - drift->base_90k : 0;
}

static enum advice_verdict judge_av_drift(const struct advice *a)
{
	int64_t size_90k = llabs(a->drift.drift_90k);

	if (!a->drift.has_base || !a->drift.is_fresh ||
	    a->tracks[TRACK_VIDEO].clock_90k - a->drift.video_from_90k < DRIFT_AFTER_90K)
		return VERDICT_UNKNOWN;
	if (size_90k > DRIFT_BAD_90K)
		return VERDICT_BAD;
	return size_90k <= DRIFT_GOOD_90K ? VERDICT_GOOD : VERDICT_UNKNOWN;
}

static void say_av_drift(struct advice *a)
{
	bool is_ahead = a->drift.drift_90k > 0;
	int64_t ms = whole(llabs(a->drift.drift_90k), MS_90K);

	snprintf(a->text_ja, sizeof(a->text_ja),
	    "音声の時計が映像より %" PRId64 " ミリ秒%sいます。配信アプリを一度止めて、始め直してください。", ms,
	    is_ahead ? "進んで" : "遅れて");
	snprintf(a->text_en, sizeof(a->text_en),
	    "The clock of the sound is %" PRId64 " ms %s the picture. Please stop the app and start again.", ms,
	    is_ahead ? "ahead of" : "behind");
}

/* Has one track run on for 5 s without a frame of the other? */
static enum advice_verdict judge_missing(const struct advice *a, enum track_kind missing, enum track_kind other)
{
	const struct advice_track *there = &a->tracks[other];
	const struct advice_track *gone = &a->tracks[missing];

	if (there->is_seen && there->last_us - (gone->is_seen ? gone->last_us : there->first_us) >= ALONE_US)
		return VERDICT_BAD;
	return gone->is_seen && there->last_us - gone->last_us <= TOGETHER_US ? VERDICT_GOOD : VERDICT_UNKNOWN;
}

static enum advice_verdict judge_no_audio(const struct advice *a)
{
	return judge_missing(a, TRACK_AUDIO, TRACK_VIDEO);
}

static void say_no_audio(struct advice *a)
{
	say(a,
	    "5 秒以上、音声が届いていません。マイクが切れていないか、配信アプリに録音の許可があるか確かめてください。",
	    "No sound has come for 5 s. Please check that the microphone is on and that the app may use it.");
}

static enum advice_verdict judge_no_video(const struct advice *a)
{
	return judge_missing(a, TRACK_VIDEO, TRACK_AUDIO);
}

static void say_no_video(struct advice *a)
{
	say(a,
	    "5 "
	    "秒以上、映像が届いていません。カメラが切れていないか、配信アプリにカメラの許可があるか確かめてください。",
	    "No picture has come for 5 s. Please check that the camera is on and that the app may use it.");
}

static const struct rule rules[ADVICE_CODES] = {
	[ADVICE_KEY_INTERVAL] = { "key_interval", { 1, 20 * SECOND_US }, judge_key_interval, say_key_interval,
	    "キーフレームの間隔がよくなりました。", "The key-frame interval is fine now." },
	[ADVICE_B_FRAMES] = { "b_frames", { 1, 10 * SECOND_US }, judge_b_frames, say_b_frames,
	    "B フレームがなくなりました。", "There are no more B-frames." },
	[ADVICE_PORTRAIT] = { "portrait", { 1, 0 }, judge_portrait, say_portrait, "映像が横長になりました。",
	    "The picture is wide now." },
	[ADVICE_BITRATE_SWINGS] = { "bitrate_swings", { 3, 6 * SECOND_US }, judge_bitrate_swings, say_bitrate_swings,
	    "ビットレートが落ち着きました。", "The bitrate is steady now." },
	[ADVICE_AV_DRIFT] = { "av_drift", { 2, 10 * SECOND_US }, judge_av_drift, say_av_drift,
	    "音声と映像の時計がそろいました。", "Sound and picture are in step again." },
	[ADVICE_NO_AUDIO] = { "no_audio", { 1, 0 }, judge_no_audio, say_no_audio, "音声が届きました。",
	    "There is sound now." },
	[ADVICE_NO_VIDEO] = { "no_video", { 1, 0 }, judge_no_video, say_no_video, "映像が届きました。",
	    "There is a picture now." },
};

static void turn(struct advice *a, const struct rule *rule, struct advice_turn *state, advice_note_fn *visit, void *arg)
{
	struct advice_note note = { .code = rule->code, .is_on = !state->is_on, .ja = a->text_ja, .en = a->text_en };

	if (note.is_on)
		rule->say(a);
	else
		say(a, rule->over_ja, rule->over_en);
	*state = (struct advice_turn){ .is_on = note.is_on };
	visit(arg, &note);
}

void advice_evaluate(struct advice *a, int64_t now_us, advice_note_fn *visit, void *arg)
{
	if (!a->is_started)
		return;
	go_to(a, now_us);
	a->now_us = now_us;
	measure_drift(a);
	for (size_t i = 0; i < ADVICE_CODES; i++) {
		if (advice_turn_is_due(&a->states[i], &rules[i].patience, rules[i].judge(a), now_us))
			turn(a, &rules[i], &a->states[i], visit, arg);
	}
	a->order.n_reordered = 0;
	a->evaluated_us = now_us;
}

void advice_health(const struct advice *a, struct event_health *health)
{
	struct advice_window sum = { 0 };
	int64_t last = a->window > 0 ? a->window - 1 : 0; /* the present one is not complete */
	int64_t first = last > 0 ? last - 1 : 0;
	int64_t ms = a->window > 0 ? (last - first + 1) * WINDOW_MS : (a->evaluated_us - a->started_us) / 1000;
	int64_t wait_90k = key_wait_90k(a);

	for (int64_t i = first; i <= last; i++) {
		const struct advice_window *window = window_get(a, i);

		for (size_t kind = 0; kind < TRACK_KINDS; kind++)
			sum.size_bytes[kind] += window->size_bytes[kind];
		sum.video_90k += window->video_90k;
		sum.video_steps += window->video_steps;
	}
	*health = (struct event_health){
		.video_kbps = (uint32_t)kbps_of(sum.size_bytes[TRACK_VIDEO], ms),
		.audio_kbps = (uint32_t)kbps_of(sum.size_bytes[TRACK_AUDIO], ms),
		.width_px = a->width_px,
		.height_px = a->height_px,
		.key_interval_ms = a->keys.has_interval ? (uint32_t)(wait_90k / MS_90K) : 0,
	};
	if (sum.video_90k > 0)
		health->fps_milli = (uint32_t)(sum.video_steps * INT64_C(1000) * SECOND_90K / sum.video_90k);
}
