/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "ingest/advice.h"
#include "relay/publisher.h"

enum { EVALUATE_EVERY_US = 2 * 1000000 };

struct session {
	struct relay_local *local;
	const struct session_protocol *protocol;
	struct gate_pass pass;
	struct publisher *publisher;
	struct log_ctx *log;
	const struct session_ops *ops;
	void *arg;
	struct advice advice;
	struct session_counts counts;
	unsigned unreadable_in_a_row;
	int64_t until_told_ms; /* the end of the window as the stream's home knows it */
	bool is_granted;
	bool waits_for_key; /* a frame was lost on the way to the stream: what depends on it is of no use */
	int64_t heard_us;
	int64_t evaluated_us;
};

void session_end(struct session **session, enum close_reason reason)
{
	struct session *s = *session;

	*session = NULL;
	if (!s)
		return;
	if (s->is_granted)
		stats_add(s->local->setup->stats, s->protocol->publishers, -1);
	publisher_end(&s->publisher, reason);
	free(s);
}

static void on_granted(void *arg)
{
	struct session *s = arg;

	s->is_granted = true;
	s->heard_us = local_now_us(s->local);
	s->evaluated_us = s->heard_us;
	stats_add(s->local->setup->stats, s->protocol->publishers, 1);
	s->ops->granted(s->arg);
}

static void on_over(void *arg, enum close_reason reason)
{
	struct session *s = arg;

	s->ops->over(s->arg, reason);
}

static const struct publisher_ops publisher_ops = { .granted = on_granted, .over = on_over };

enum close_reason session_begin(struct session **out, struct relay_local *local, const struct session_config *config)
{
	struct session *s = calloc(1, sizeof(*s));
	enum close_reason reason;

	*out = NULL;
	if (!s)
		return CLOSE_NO_MEMORY;
	*s = (struct session){
		.local = local,
		.protocol = config->protocol,
		.log = config->log,
		.ops = config->ops,
		.arg = config->arg,
	};
	advice_init(&s->advice);
	reason = gate_publish(local->plan, config->key, config->key_len, local_wall_ms(local), &s->pass);
	if (reason == CLOSE_NONE) {
		const struct publisher_config publisher = {
			.pass = &s->pass,
			.session_id = s->log->id,
			.clock_modulus_90k = s->protocol->clock_modulus_90k,
			.ops = &publisher_ops,
			.arg = s,
		};

		s->until_told_ms = s->pass.until_ms;
		snprintf(s->log->stream, sizeof(s->log->stream), "%s", s->pass.stream);
		if (publisher_begin(&s->publisher, local, &publisher) != 0)
			reason = CLOSE_OVERLOAD;
	}
	if (reason != CLOSE_NONE) {
		free(s);
		return reason;
	}
	*out = s;
	return CLOSE_NONE;
}

void session_frame(struct session *s, struct frame *frame)
{
	s->heard_us = frame->arrival_us;
	s->unreadable_in_a_row = 0;
	s->counts.frames++;
	s->counts.bytes += frame->size_bytes;
	advice_frame(&s->advice, frame);
	if (s->waits_for_key && !(frame_is_video(frame) && frame_is_key(frame))) {
		if (frame_is_video(frame)) {
			stats_add(s->local->setup->stats, STAT_FRAMES_DROPPED, 1);
			frame_unref(frame);
			return;
		}
	} else {
		s->waits_for_key = false;
	}
	if (frame_is_video(frame))
		s->waits_for_key = !publisher_push(s->publisher, frame);
	else
		(void)publisher_push(s->publisher, frame); /* lost sound does not spoil what follows */
}

enum close_reason session_unreadable(struct session *s)
{
	stats_add(s->local->setup->stats, STAT_FRAMES_UNREADABLE, 1);
	return ++s->unreadable_in_a_row > SESSION_UNREADABLE_MAX ? CLOSE_MEDIA_BAD : CLOSE_NONE;
}

static void emit_advice(void *arg, const struct advice_note *note)
{
	struct session *s = arg;
	const struct event event = {
		.kind = EVENT_ADVICE,
		.stream = s->pass.stream,
		.session_id = s->log->id,
		.advice_code = note->code,
		.text_ja = note->ja,
		.text_en = note->en,
		.is_on = note->is_on,
	};

	events_emit(s->local->setup->events, &event);
}

static void evaluate(struct session *s, int64_t now_us)
{
	struct event event = { .kind = EVENT_STREAM_HEALTH, .stream = s->pass.stream, .session_id = s->log->id };

	s->evaluated_us = now_us;
	advice_evaluate(&s->advice, now_us, emit_advice, s);
	advice_health(&s->advice, &event.health);
	events_emit(s->local->setup->events, &event);
}

enum close_reason session_tick(struct session *s)
{
	const int64_t now_us = local_now_us(s->local);
	enum close_reason reason = gate_publish_again(s->local->plan, &s->pass, local_wall_ms(s->local));

	if (reason != CLOSE_NONE || !s->is_granted)
		return reason;
	if (s->pass.until_ms != s->until_told_ms)
		publisher_set_until(s->publisher, s->pass.until_ms);
	s->until_told_ms = s->pass.until_ms;
	if (now_us - s->heard_us > SESSION_SILENCE_US)
		return CLOSE_SILENT;
	if (now_us - s->evaluated_us >= EVALUATE_EVERY_US)
		evaluate(s, now_us);
	return CLOSE_NONE;
}

uint64_t session_generation(const struct session *s)
{
	return publisher_generation(s->publisher);
}

const char *session_stream(const struct session *s)
{
	return s->pass.stream;
}

struct session_counts session_counts(const struct session *s)
{
	return s->counts;
}
