/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ts_intake.h"

#include <errno.h>
#include <stdlib.h>

enum { AUDIO_ALONE_US = 1000000 }; /* without a picture for so long players may start at any sound */

struct ts_intake {
	struct ts_demux *demux;
	struct ts_direct *direct;
	const struct ts_intake_ops *ops;
	void *arg;
	int64_t now_us;
	int64_t pictured_us; /* when the last picture came, or when it began */
};

void ts_intake_destroy(struct ts_intake **intake)
{
	struct ts_intake *in = *intake;

	*intake = NULL;
	if (!in)
		return;
	if (in->demux)
		ts_demux_flush(in->demux);
	ts_demux_destroy(&in->demux);
	ts_direct_end(&in->direct);
	free(in);
}

static bool is_start(const struct ts_intake *in, const struct frame *frame)
{
	if (frame_is_video(frame))
		return frame_is_key(frame);
	return in->now_us - in->pictured_us > AUDIO_ALONE_US;
}

static void on_frame(void *arg, struct frame *frame, uint64_t first_packet)
{
	struct ts_intake *in = arg;

	if (is_start(in, frame))
		ts_direct_start(in->direct, first_packet, in->demux);
	if (frame_is_video(frame))
		in->pictured_us = in->now_us;
	in->ops->frame(in->arg, frame);
}

static void on_unsupported(void *arg, const char *codec_name)
{
	struct ts_intake *in = arg;

	in->ops->unsupported(in->arg, codec_name);
}

static void on_unreadable(void *arg)
{
	struct ts_intake *in = arg;

	in->ops->unreadable(in->arg);
}

static const struct ts_demux_ops demux_ops = {
	.frame = on_frame,
	.unsupported = on_unsupported,
	.unreadable = on_unreadable,
};

int ts_intake_create(struct ts_intake **out, const struct ts_intake_config *config)
{
	struct ts_intake *in = calloc(1, sizeof(*in));

	*out = NULL;
	if (!in)
		return -ENOMEM;
	*in = (struct ts_intake){
		.ops = config->ops,
		.arg = config->arg,
		.pictured_us = local_now_us(ts_lanes_local(config->lanes)),
	};
	if (ts_demux_create(&in->demux, &demux_ops, in) != 0 ||
	    ts_direct_begin(&in->direct, config->lanes, config->stream, config->generation) != 0) {
		ts_intake_destroy(&in);
		return -ENOMEM;
	}
	*out = in;
	return 0;
}

void ts_intake_message(struct ts_intake *in, const uint8_t *data, size_t len, int64_t now_us)
{
	in->now_us = now_us;
	ts_direct_message(in->direct, data, len, ts_demux_next_packet(in->demux), now_us);
	ts_demux_feed(in->demux, data, len, now_us);
}
