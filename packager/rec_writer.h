/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One recording while it runs: parts in, stretches and recording.json out.
 *
 * Owner: the recording thread; every function but create may take as long as the disk does. Lifetime:
 * rec_writer_destroy; what was not synced by then is lost without a word, so end it first. The clock is read again
 * after each call to the disk. Not here: threads, plans (packager/recorder), which recordings there are.
 *
 * The law: a part that came is in a file that was synced, or in memory, or counted as lost. Nothing is called saved
 * before it was synced.
 *  - A part is written at once and synced within REC_SYNC_AFTER_MS. Until then it stays in memory.
 *  - A write or sync that failed ends its file for good: what was not synced is written again, to a new stretch, at
 *    once and then every REC_RETRY_MS. A sync is never tried twice on a file.
 *  - Beyond ring_max_bytes the oldest part that is not on the disk is lost.
 *  - A new stretch begins with another init segment, a discontinuity, a loss, or at stretch_max_bytes.
 */
#ifndef ISARIBI_PACKAGER_REC_WRITER_H
#define ISARIBI_PACKAGER_REC_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "packager/part.h"
#include "packager/rec_info.h"
#include "packager/rec_store.h"
#include "relay/events.h"
#include "relay/stats.h"

enum {
	/*
	 * Longer than a part of the usual 500 ms, so that a sync serves two of them; short enough that with the part
	 * that is being made and the syncs of others no more than 1.5 s are lost when the power goes.
	 */
	REC_SYNC_AFTER_MS = 550,
	REC_RETRY_MS = 2000,
	REC_INFO_AFTER_MS = 300,   /* recording.json can wait until others' media are synced */
	REC_INFO_EVERY_MS = 30000, /* recording.json of a running one, when nothing else happens */
	REC_GIVE_UP_MS = 300000,   /* a recording that is over waits so long for room */
	REC_RING_MAX_BYTES = 32 * 1024 * 1024,
};

struct rec_writer;

struct rec_writer_config {
	struct rec_store store;
	const struct clock *clock;
	const struct events *events;
	struct stats *stats;
	uint32_t segment_ms;
	size_t ring_max_bytes;				      /* 0: REC_RING_MAX_BYTES */
	uint64_t stretch_max_bytes;			      /* 0: 4 GB */
	void (*note)(void *arg, const struct rec_note *note); /* NULL: nobody listens */
	void *note_arg;
};

/* Touches no disk: the folder is made with the first part. 0 or -ENOMEM. */
int rec_writer_create(
    struct rec_writer **out, const struct rec_writer_config *config, const char *stream, const char *epoch);
void rec_writer_destroy(struct rec_writer **w);
/* Before the first part: goes on with a recording that was mended (rec_store_mend). Takes what info holds. */
void rec_writer_go_on(struct rec_writer *w, struct rec_info *info);

/*
 * lost_ms: of parts between this one and the one before it that never came here. A recording begins with a part that
 * can be decoded by itself; what comes before that is not counted.
 */
void rec_writer_part(struct rec_writer *w, struct part *part, int64_t lost_ms);
/* reason: a word for recording.json. No part follows. Once. */
void rec_writer_end(struct rec_writer *w, const char *reason, int64_t lost_ms);
/* Does what is due. */
void rec_writer_turn(struct rec_writer *w);
/* When rec_writer_turn has something to do; INT64_MAX: only when another part came. */
int64_t rec_writer_due_us(const struct rec_writer *w);
/* One last time, then what is left is counted as lost. After it the writer is over. */
void rec_writer_give_up(struct rec_writer *w);
/* Ended, and everything that can be done was done. */
bool rec_writer_is_over(const struct rec_writer *w);
size_t rec_writer_waiting_bytes(const struct rec_writer *w);
const struct rec_info *rec_writer_info(const struct rec_writer *w);

#endif
