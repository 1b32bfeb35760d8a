/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.json: what a recording is, which stretches it has and how much of each is known to be on the disk.
 *
 * Owner: whoever holds the struct; pure. Lifetime: rec_info_init, then rec_info_fini. Not here: reading and replacing
 * the file (packager/recorder writes it beside and renames it).
 *
 * What may be believed: of each stretch, its first saved_bytes. They end with a whole fragment and were synced before
 * they were called so. While a stretch is written there may be more behind them, and its index says how much; of a
 * stretch that is_damaged nothing behind them counts: what was written there stands again in the next stretch, or is
 * part of its lost_ms_before.
 */
#ifndef ISARIBI_PACKAGER_REC_INFO_H
#define ISARIBI_PACKAGER_REC_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/id.h"

enum {
	REC_STREAM_SIZE = 80, /* SEGMENT_STORE_NAME_MAX */
	REC_EPOCH_SIZE = 16,
	REC_REASON_SIZE = 32,
	REC_INFO_MAX_BYTES = 4 * 1024 * 1024, /* no reader takes more */
};

enum rec_state {
	REC_RECORDING, /* a recorder has it, or had it when it was killed */
	REC_SAVED,     /* over; every part that came was written and synced */
	REC_DAMAGED,   /* over; parts are missing, or a file failed on the way. What saved_bytes says is good */
	REC_STATES,
};

struct rec_stretch {
	unsigned number;       /* of NNNN.mp4; they rise, and some may be missing */
	int64_t begin_wall_ms; /* -1: unknown */
	int64_t duration_ms;   /* of its saved bytes */
	uint64_t bytes;	       /* whole fragments that were written */
	uint64_t saved_bytes;
	int64_t lost_ms_before; /* of media that was there and is in no file */
	bool is_damaged;	/* a write or sync of it failed */
};

struct rec_info {
	char id[ID_SIZE];
	char stream[REC_STREAM_SIZE];
	char epoch[REC_EPOCH_SIZE]; /* of the stream's HLS names */
	enum rec_state state;
	bool is_pinned; /* no rule deletes it */
	uint32_t segment_ms;
	int64_t begin_wall_ms;
	int64_t end_wall_ms;		  /* 0: not over */
	char end_reason[REC_REASON_SIZE]; /* "": not over; a word for machines */
	int64_t lost_ms;		  /* altogether */
	struct rec_stretch *stretches;
	size_t n_stretches;
};

void rec_info_init(struct rec_info *info);
void rec_info_fini(struct rec_info *info);
/* A zeroed stretch at the end, valid until the next one is added; NULL when memory is out. */
struct rec_stretch *rec_info_add(struct rec_info *info);
/* The sum of their saved bytes. */
uint64_t rec_info_saved_bytes(const struct rec_info *info);
/* Saved or damaged: what a recording is, when it is over, by its stretches and what is lost of it. */
enum rec_state rec_info_verdict(const struct rec_info *info);
const char *rec_state_name(enum rec_state state);

/* The text to write, malloc()ed, or NULL when memory is out. */
char *rec_info_format(const struct rec_info *info, size_t *len);
/* Into an info that was initialised; what it held goes. -EINVAL: not one of ours. -ENOMEM. */
int rec_info_parse(struct rec_info *info, const char *text, size_t len);

/*
 * What the recorder says about a recording whenever that changed: another second synced, recording.json replaced,
 * over, deleted. Borrowed during the call.
 */
struct rec_note {
	const char *id;
	enum rec_state state;
	unsigned stretch;     /* the newest; 0: none yet */
	uint64_t saved_bytes; /* of that one */
	bool is_gone;	      /* it is being deleted; only id is told */
};

#endif
