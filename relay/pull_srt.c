/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pull_srt.h"

#include <errno.h>
#include <stdlib.h>

#include "media/timeline.h"
#include "relay/publisher.h"
#include "relay/source_srt.h"

struct pull_srt {
	struct relay_local *local;
	struct ts_lanes *lanes;
	struct gate_pass pass;
	const struct log_ctx *log;
	struct poll_srt_watch *watch;
	const struct pull_srt_ops *ops;
	void *arg;
	struct publisher *publisher; /* from the first bytes on */
	struct ts_intake *intake;    /* from the grant on */
	uint64_t frames;
	struct source_srt source;
	int64_t seen_us;       /* the last frame, or when it began */
	unsigned n_unreadable; /* in a row */
	bool is_unreadable;    /* more than it bears */
	bool waits_for_key;    /* a picture was lost on the way to the stream: what depends on it is of no use */
	bool is_unsupported;   /* something in it is not relayed as frames */
};

void pull_srt_destroy(struct pull_srt **pull, enum close_reason reason)
{
	struct pull_srt *p = *pull;

	*pull = NULL;
	if (!p)
		return;
	if (p->intake)
		stats_add(p->local->setup->stats, STAT_SRT_PUBLISHERS, -1);
	ts_intake_destroy(&p->intake); /* before the publisher: its last frame goes there */
	publisher_end(&p->publisher, reason);
	free(p);
}

static bool is_of_no_use(struct pull_srt *p, const struct frame *frame)
{
	if (frame_is_video(frame) && frame_is_key(frame))
		p->waits_for_key = false;
	return p->waits_for_key && frame_is_video(frame);
}

static void on_frame(void *arg, struct frame *frame)
{
	struct pull_srt *p = arg;
	const bool is_video = frame_is_video(frame);

	p->seen_us = frame->arrival_us;
	p->n_unreadable = 0;
	p->frames++;
	if (is_of_no_use(p, frame)) {
		stats_add(p->local->setup->stats, STAT_FRAMES_DROPPED, 1);
		frame_unref(frame);
		return;
	}
	if (!publisher_push(p->publisher, frame) && is_video)
		p->waits_for_key = true;
}

static void on_unsupported(void *arg, const char *codec_name)
{
	struct pull_srt *p = arg;

	p->is_unsupported = true;
	log_info(p->log, "%s goes to SRT players only", codec_name);
}

static void on_unreadable(void *arg)
{
	struct pull_srt *p = arg;

	stats_add(p->local->setup->stats, STAT_FRAMES_UNREADABLE, 1);
	p->is_unreadable = ++p->n_unreadable > PULL_SRT_UNREADABLE_MAX;
}

static const struct ts_intake_ops intake_ops = {
	.frame = on_frame,
	.unsupported = on_unsupported,
	.unreadable = on_unreadable,
};

static void on_granted(void *arg)
{
	struct pull_srt *p = arg;
	const struct ts_intake_config config = {
		.lanes = p->lanes,
		.stream = p->pass.stream,
		.generation = publisher_generation(p->publisher),
		.ops = &intake_ops,
		.arg = p,
	};

	if (ts_intake_create(&p->intake, &config) != 0) {
		p->ops->over(p->arg, CLOSE_NO_MEMORY);
		return;
	}
	stats_add(p->local->setup->stats, STAT_SRT_PUBLISHERS, 1);
	p->seen_us = local_now_us(p->local);
	if (poll_srt_change(p->watch, IO_SRT_IN) != 0)
		p->ops->over(p->arg, CLOSE_NO_MEMORY);
}

static void on_over(void *arg, enum close_reason reason)
{
	struct pull_srt *p = arg;

	p->ops->over(p->arg, reason);
}

static const struct publisher_ops publisher_ops = { .granted = on_granted, .over = on_over };

int pull_srt_create(struct pull_srt **out, struct ts_lanes *lanes, const struct pull_srt_config *config)
{
	struct pull_srt *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	*p = (struct pull_srt){
		.local = ts_lanes_local(lanes),
		.lanes = lanes,
		.log = config->log,
		.watch = config->watch,
		.ops = config->ops,
		.arg = config->arg,
	};
	source_srt_init(&p->source, p->local, p->watch->sock);
	p->seen_us = p->source.heard_us;
	gate_pull(config->stream, &p->pass);
	err = poll_srt_change(p->watch, IO_SRT_IN);
	if (err != 0) {
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

/* Asks for the stream; what has come waits in the socket. */
static enum close_reason begin(struct pull_srt *p)
{
	const struct publisher_config config = {
		.pass = &p->pass,
		.session_id = p->log->id,
		.clock_modulus_90k = TIMELINE_MODULUS_TS,
		.ops = &publisher_ops,
		.arg = p,
	};

	p->seen_us = local_now_us(p->local);
	if (publisher_begin(&p->publisher, p->local, &config) != 0)
		return CLOSE_OVERLOAD;
	return poll_srt_change(p->watch, 0) == 0 ? CLOSE_NONE : CLOSE_NO_MEMORY;
}

static enum close_reason receive(struct pull_srt *p)
{
	const enum close_reason reason = source_srt_read(&p->source, p->intake, &p->is_unreadable);

	return p->is_unreadable ? CLOSE_MEDIA_BAD : reason;
}

enum close_reason pull_srt_readable(struct pull_srt *p)
{
	if (p->intake)
		return receive(p);
	if (io_srt_state(p->watch->sock) == IO_SRT_OVER)
		return source_srt_reason(&p->source, -ENOTCONN);
	return p->publisher ? CLOSE_NONE : begin(p);
}

enum close_reason pull_srt_tick(const struct pull_srt *p)
{
	if (local_now_us(p->local) - p->seen_us <= PULL_SRT_SILENCE_US)
		return CLOSE_NONE;
	if (!p->publisher)
		return CLOSE_NO_MEDIA;
	if (!p->intake)
		return CLOSE_OVERLOAD;
	return p->is_unsupported ? CLOSE_CODEC_UNSUPPORTED : CLOSE_SILENT;
}

struct pull_srt_counts pull_srt_counts(const struct pull_srt *p)
{
	return (struct pull_srt_counts){ p->source.messages, p->source.bytes, p->frames };
}
