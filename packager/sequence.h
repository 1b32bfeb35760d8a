/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of streams that outlive the node: epoch, media sequence, parts, init versions, discontinuities, and where
 * their media time had got to.
 *
 * Kept in a small mapped file on a file system in memory, so that a killed process loses nothing and a stalled disk
 * stalls nobody; and copied to the data directory now and then, for the day when the machine goes down. A number stands
 * there before it is used. Where neither can be had streams are numbered by the wall clock, and one line of the log
 * says so.
 *
 * Owner: sequence_open, sequence_stop and sequence_close belong to the main thread, sequence_save to one that may wait
 * for the disk, while it runs; sequence_begin, sequence_note and sequence_end to the packaging thread. sequence_save
 * may run while they do. Lifetime: opened before packaging begins, closed after it was joined.
 */
#ifndef ISARIBI_PACKAGER_SEQUENCE_H
#define ISARIBI_PACKAGER_SEQUENCE_H

#include "packager/sequence_image.h"

struct sequence;

enum {
	SEQUENCE_ROWS_MAX = 1024, /* streams remembered; beyond them the one that was longest away is forgotten */
	SEQUENCE_NO_ROW = -1,
};

struct sequence_config {
	const char *memory_dir; /* on a file system in memory; NULL: /dev/shm */
	const char *data_dir;
	int64_t wall_ms; /* now */
};

/* 0 or -ENOMEM; whatever is wrong with the folders is said on the log and done without. */
int sequence_open(struct sequence **out, const struct sequence_config *config);
/* Lets go of the memory; what stands in the mapped file stays there. */
void sequence_close(struct sequence **seq);
/* Copies to the data directory what has changed since the last time. Blocks on the disk. */
void sequence_save(struct sequence *seq);
/* The node ends in good order, nobody numbers anything any more: saves, and when that is safe, removes the mapped file.
 */
void sequence_stop(struct sequence *seq);

struct sequence_start {
	int row;	   /* for sequence_note; SEQUENCE_NO_ROW: nothing is remembered */
	bool is_continued; /* something of this stream has gone before: a discontinuity stands before its first part */
	bool is_same_epoch;
	int64_t noted_ms; /* the wall clock when something of it was numbered last; 0: never */
	struct sequence_numbers next;
};

/*
 * A stream begins. One that was cut short by the end of the process goes on in its epoch, with the next number of
 * everything; one that had ended begins a new epoch, and media sequence, discontinuities and media time go on.
 * clock_msn: what the wall clock would number its first segment with; only an epoch that is gone on with may lie below.
 */
struct sequence_start sequence_begin(struct sequence *seq, const char *name, int64_t wall_ms, uint64_t clock_msn);
/* Which streams were cut short and go on when they come back. Called before packaging begins. */
void sequence_each_cut_short(
    const struct sequence *seq, int64_t wall_ms, void (*visit)(void *arg, const char *name), void *arg);
/* What comes next; called before that which has the numbers before is given to anybody. */
void sequence_note(struct sequence *seq, int row, const struct sequence_numbers *next, int64_t wall_ms);
/* The stream is over: its playlist gets its end. */
void sequence_end(struct sequence *seq, int row, int64_t wall_ms);

#endif
