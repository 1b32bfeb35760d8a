/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reading thread: waits for the disk so that delivery, or packaging, need not. It owns what is known about the inside
 * of recordings (their indexes, a few at a time), makes their playlists, and reads stretches of their files and
 * fragments of clips. Each loop that asks has a reader of its own.
 *
 * Owner: rec_reader_create, _start, _stop and _destroy belong to the composition root; rec_reader_ask and every
 * callback to the loop given. Lifetime: stopped, then destroyed while that loop does not run or on its
 * thread; jobs that were asked for belong to the reader until they are done. Bounded: so many jobs under way, and no
 * job brings more bytes than it asks for. A disk that stalls stalls the jobs, and nobody else; rec_reader_ask refuses
 * when all places are taken. Not here: HTTP, who may see what (packager/deliver_rec.h).
 */
#ifndef ISARIBI_PACKAGER_REC_READER_H
#define ISARIBI_PACKAGER_REC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "packager/rec_list.h"
#include "packager/rec_walk.h"

struct loop;
struct rec_job;
struct rec_reader;
struct shared;

enum {
	REC_READER_JOBS_MAX = 1024,
	REC_READER_CHUNK_MAX_BYTES = 256 * 1024,
	REC_READER_FRAGMENT_MAX_BYTES = 32 * 1024 * 1024, /* no cutter makes one that is longer */
};

enum rec_job_kind {
	REC_JOB_LIST,	  /* which recordings are there? */
	REC_JOB_PLAYLIST, /* the text of one of a recording's playlists */
	REC_JOB_SIZE,	  /* how long is a stretch's file, as far as fragments in it are whole? */
	REC_JOB_READ,	  /* bytes of a stretch's file */
	REC_JOB_FRAGMENT, /* one fragment of a clip, all of it */
};

/* Which playlist; also what two jobs must have in common to have the same answer. */
struct rec_wish {
	char id[ID_SIZE];
	bool is_main;	  /* index.m3u8; else main.m3u8 */
	bool is_prefixed; /* URIs stand in a folder of the recording's name */
	bool is_clip;
	int64_t in_ms; /* of a clip */
	int64_t out_ms;
	bool wants_skip;
	bool wants_gzip;
};

typedef void (*rec_job_done_fn)(void *arg, struct rec_job *job);

struct rec_job {
	enum rec_job_kind kind;
	rec_job_done_fn done; /* on the asker's loop; the job is freed when it returns */
	void *arg;
	bool is_cancelled; /* set by the asker: done is not called */

	struct rec_list *list; /* LIST: the one known; the new one in the answer, NULL: nothing new */
	struct rec_wish wish;  /* PLAYLIST; of it the id for SIZE and READ; in_ms and out_ms, too, for FRAGMENT */
	unsigned stretch;      /* SIZE, READ */
	uint64_t offset;       /* READ */
	size_t max_bytes;      /* READ */
	struct rec_walk at;    /* FRAGMENT */
	uint64_t version;      /* PLAYLIST: of the text that is known, 0: none is; in the answer, of the text now */

	int err; /* of the answer: 0, -ENOENT, -ENODATA (rec_walk_step) or another negative errno */
	bool is_gzip;
	bool is_open;	      /* the recording goes on: this is not the last answer */
	uint64_t size_bytes;  /* SIZE */
	struct shared *data;  /* PLAYLIST, READ, FRAGMENT; who wants it takes a reference */
	struct rec_step step; /* FRAGMENT */
	bool is_same;	      /* PLAYLIST: the text is the one that is known, and is not made again */

	struct rec_job *next; /* the reader's: done, and not sent back yet */
};

/* name: of its thread. It and data_dir are copied. 0 or a negative errno. */
int rec_reader_create(struct rec_reader **out, struct loop *loop, const char *name, const char *data_dir);
int rec_reader_start(struct rec_reader *reader);
void rec_reader_stop(struct rec_reader *reader); /* waits for the disk to finish what it is at */
void rec_reader_destroy(struct rec_reader **reader);

/* A zeroed job, NULL when memory is out. It is the asker's until rec_reader_ask takes it. */
struct rec_job *rec_job_create(enum rec_job_kind kind, rec_job_done_fn done, void *arg);
void rec_job_destroy(struct rec_job **job);
/* Takes the job, or answers -EAGAIN (too many under way): then it is the caller's still. */
int rec_reader_ask(struct rec_reader *reader, struct rec_job *job) ATTR_NODISCARD;
/*
 * What the recorder says: a running recording's playlists name what is synced, because what is not may be written again
 * elsewhere. On any thread, until rec_reader_stop.
 */
void rec_reader_note(struct rec_reader *reader, const struct rec_note *note);
unsigned rec_reader_jobs(const struct rec_reader *reader); /* under way */

#endif
