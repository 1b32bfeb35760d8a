/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording thread: writes the parts of every stream that the plan wants recorded, and looks after the disk.
 *
 * Owner: recorder_create and recorder_destroy belong to the composition root; it runs on the loop it is given, which
 * blocks whenever the disk does and is nobody else's. The sink's functions are called on the packaging thread;
 * recorder_take_plan on any. Lifetime: longer than the packager. Not here: one recording (packager/rec_writer), those
 * that are over (packager/rec_keeper), reading them.
 *
 * When the disk stalls the thread stalls in it, and parts pile up in front of it: per stream no more than
 * REC_RING_MAX_BYTES with those that are written but not synced. What comes then is counted as lost, and said at once.
 * When the thread runs and the disk takes nothing, it is the oldest that go (packager/rec_writer).
 */
#ifndef ISARIBI_PACKAGER_RECORDER_H
#define ISARIBI_PACKAGER_RECORDER_H

#include <stdint.h>

#include "base/clock.h"
#include "config/plan.h"
#include "packager/part_sink.h"
#include "packager/rec_disk.h"
#include "packager/rec_info.h"
#include "relay/events.h"
#include "relay/stats.h"

struct loop;
struct recorder;

struct recorder_config {
	struct loop *loop; /* not running yet */
	const struct clock *clock;
	const struct rec_disk *disk;
	const char *data_dir; /* borrowed for life */
	uint32_t segment_ms;
	int32_t keep_days;
	uint64_t min_free_bytes;
	struct plan *plan;
	const struct events *events;
	struct stats *stats;
	/* Called on the recording thread; may be NULL. Posts and returns. */
	void (*note)(void *arg, const struct rec_note *note);
	void *note_arg;
};

/* 0 or -ENOMEM. */
int recorder_create(struct recorder **out, const struct recorder_config *config);
void recorder_destroy(struct recorder **r);
/* What the packager calls; borrowed, valid as long as the recorder. */
struct part_sink recorder_sink(struct recorder *r);
void recorder_take_plan(struct recorder *r, struct plan *plan);

/* The loop's first act: looks at what is there. */
void recorder_start(struct recorder *r);
/* The loop's last act, after the packager ended: writes, syncs and closes everything. */
void recorder_finish(struct recorder *r);
/* What the timers call, for a test with a clock of its own. */
void recorder_tick(struct recorder *r);
void recorder_guard(struct recorder *r);

#endif
