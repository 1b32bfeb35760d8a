/* SPDX-License-Identifier: Apache-2.0 */
#include "programs/node_channels.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "packager/channels.h"
#include "packager/clip_reader.h"

struct node_channels {
	struct clip_reader *clips;
	struct channels *channels;
};

void node_channels_destroy(struct node_channels **channels)
{
	struct node_channels *c = *channels;

	*channels = NULL;
	if (!c)
		return;
	channels_destroy(&c->channels);
	clip_reader_destroy(&c->clips);
	free(c);
}

static int create_parts(struct node_channels *c, const struct node_channels_config *config, struct plan *plan)
{
	const struct clip_reader_config clips = {
		.loop = config->packaging,
		.data_dir = config->options->data_dir,
		.part_ms = (uint32_t)config->options->part_ms,
		.segment_ms = (uint32_t)config->options->segment_ms,
	};
	struct channels_config channels = {
		.loop = config->packaging,
		.clock = clock_real(),
		.sequence = config->sequence,
		.shelf = config->shelf,
		.events = config->events,
		.plan = plan,
		.part_ms = clips.part_ms,
		.segment_ms = clips.segment_ms,
	};
	int err = clip_reader_create(&c->clips, &clips);

	channels.clips = c->clips;
	return err != 0 ? err : channels_create(&c->channels, &channels);
}

int node_channels_create(struct node_channels **out, const struct node_channels_config *config, struct plan *plan)
{
	struct node_channels *c = calloc(1, sizeof(*c));
	int err = c ? create_parts(c, config, plan) : -ENOMEM;

	if (err != 0)
		node_channels_destroy(&c);
	*out = c;
	return err;
}

int node_channels_start(struct node_channels *c)
{
	return clip_reader_start(c->clips);
}

void node_channels_begin(struct node_channels *c)
{
	channels_start(c->channels);
}

void node_channels_stop(struct node_channels *c)
{
	clip_reader_stop(c->clips);
}

void node_channels_take_plan(struct node_channels *c, struct plan *plan)
{
	channels_take_plan(c->channels, plan);
}

struct part_sink node_channels_sink(struct node_channels *c)
{
	return channels_sink(c->channels);
}

void node_channels_note_recording(struct node_channels *c, const struct rec_note *note)
{
	clip_reader_note(c->clips, note);
}
