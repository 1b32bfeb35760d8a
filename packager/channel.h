/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One channel: decides what is on, switches at key frames, fills with the slate, and numbers its parts.
 *
 * Owner: one thread, that of whoever calls. Lifetime: channel_destroy; parts that were published live on.
 * Not here: threads, timers, files, delay_ms (events are handed over late, packager/channels), the shelf; what is on
 * (packager/channel_rules), how a part is made to fit (packager/splice).
 *
 * Nothing in here reads a clock: now_us is the monotonic one, and never goes back. After every call the channel may
 * want to be woken at another time: channel_wake_us. Memory that is out costs what was at hand, never the channel: it
 * goes on with the slate, and with the source's next key frame.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_H
#define ISARIBI_PACKAGER_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/plan.h"
#include "packager/channel_profile.h"
#include "packager/channel_rules.h"
#include "packager/part.h"
#include "packager/sequence_image.h"

struct channel;
struct slate;

/* What a channel is doing. Valid until the next call. */
struct channel_state {
	enum channel_kind kind; /* what is on */
	enum channel_why why;
	enum channel_misfit misfit; /* for why MISFIT */
	int64_t since_wall_ms;
	char id[ID_SIZE];      /* of the stream or clip that is on; "": slate */
	char pending[ID_SIZE]; /* the stream or clip that comes next; "": none */
	int64_t ahead_ms;      /* media published minus the wall clock, at the last part */
	uint64_t switches;
	uint64_t slate_ms; /* published of it so far */
};

struct channel_ops {
	void *arg;
	/* Takes the reference. Numbers are final: msn, index, sequence, init->version; note them before it is seen. */
	void (*publish)(void *arg, struct part *part);
	/*
	 * The next channel_clip_part is this clip's, from its beginning, also when it is the same as before; what still
	 * comes of another must not be handed over any more. NULL: no clip is wanted. Must not call back.
	 */
	void (*want_clip)(void *arg, const char *clip_id);
	/* kind, id, why, misfit or pending is another. Must not call back. */
	void (*changed)(void *arg, const struct channel_state *state);
};

struct channel_config {
	const char *id;
	uint32_t part_ms; /* as the cutters' */
	uint32_t segment_ms;
	const struct slate *slate; /* borrowed; outlives the channel */
	struct channel_ops ops;
	int64_t start_wall_ms; /* the wall clock at start_mono_us; looked at once */
	int64_t start_mono_us;
	struct sequence_numbers first; /* of everything the next; epoch is not looked at */
	bool is_continued;	       /* something of this channel has gone before */
	int64_t min_start_90k;	       /* media up to here has been published before; 0: unknown */
};

/* 0 or -ENOMEM. It shows the slate from the first channel_tick on. */
int channel_create(struct channel **out, const struct channel_config *config);
void channel_destroy(struct channel **c);

/* Takes a reference of its own to the plan; a plan without this channel, or NULL, gives the slate. */
void channel_take_plan(struct channel *c, struct plan *plan, int64_t now_us);
/* Does it want to hear of this stream? Those that its plan names, and what is on until it is off. */
bool channel_cares(const struct channel *c, const char *stream);

/*
 * A stream that is not cared for is passed over. begin: also when the same one goes on under another epoch; a part
 * without one is taken as one. key: a video key frame arrived, its part comes later. The part is borrowed.
 */
void channel_stream_begin(struct channel *c, const char *stream, int64_t now_us);
void channel_stream_key(struct channel *c, const char *stream, int64_t pts_90k, int64_t now_us);
void channel_stream_part(struct channel *c, const char *stream, struct part *part, int64_t now_us);
void channel_stream_end(struct channel *c, const char *stream, int64_t now_us);

/* Of the clip that was wanted last. The part is borrowed. err: 0, it is complete; else it could not be read further. */
void channel_clip_part(struct channel *c, struct part *part, int64_t now_us);
void channel_clip_end(struct channel *c, int err, int64_t now_us);
/* So much media of the clip that was wanted last is held and not published: read ahead up to what one likes. */
int64_t channel_clip_held_90k(const struct channel *c);

/* Taken down, a stream or a clip: it is left at once, and nothing of it that is held goes out. */
void channel_drop(struct channel *c, const char *id, int64_t now_us);

/* Publishes what is due. Returns when it wants the next tick, as channel_wake_us does. */
int64_t channel_tick(struct channel *c, int64_t now_us);
int64_t channel_wake_us(const struct channel *c); /* may have passed: then at once */

const struct channel_state *channel_state(const struct channel *c);
/* The end of what was published: what min_start_90k wants to know next time. */
int64_t channel_end_90k(const struct channel *c);

#endif
