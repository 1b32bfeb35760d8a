/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clips of recordings as parts, for channels: a thread reads fragments, and a cutter cuts them anew into parts of the
 * length that channels have (design §8 rule 9).
 *
 * Owner: the packaging loop, but for clip_reader_create, _start, _stop and _destroy, which are the composition root's:
 * stopped after that loop was joined and before anything it posts to is destroyed, destroyed after all clips were
 * closed. Lifetime: a clip from clip_open to clip_close. Nothing here waits for the disk: clip_want asks, and the
 * answer comes by the clip's functions on a later turn. Bounded: one fragment for each time it is wanted, one at a time
 * for each clip. Not here: which clip is wanted, how much is enough (packager/channels).
 */
#ifndef ISARIBI_PACKAGER_CLIP_READER_H
#define ISARIBI_PACKAGER_CLIP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/id.h"
#include "packager/part.h"
#include "packager/rec_walk.h"

struct clip;
struct clip_reader;
struct loop;

struct clip_reader_config {
	struct loop *loop;
	const char *data_dir; /* copied */
	uint32_t part_ms;     /* as the cutters' of streams */
	uint32_t segment_ms;
};

/* 0 or a negative errno. */
int clip_reader_create(struct clip_reader **out, const struct clip_reader_config *config);
int clip_reader_start(struct clip_reader *reader);
void clip_reader_stop(struct clip_reader *reader); /* waits for the disk to finish what it is at */
void clip_reader_destroy(struct clip_reader **reader);
/* What the recorder says: of a running recording only what is synced is read. On any thread, until clip_reader_stop. */
void clip_reader_note(struct clip_reader *reader, const struct rec_note *note);

struct clip_ops {
	void *arg;
	/* Asked before its first part: may this recording be shown? NULL: yes. Else the clip ends with -EACCES. */
	bool (*may_show)(void *arg, const char *stream, int64_t begin_wall_ms);
	void (*part)(void *arg, struct part *part); /* borrowed */
	/* Once, and nothing comes behind it. 0: that was all of it; else one of those that clip_end_en knows. */
	void (*end)(void *arg, int err);
};

struct clip_config {
	char recording[ID_SIZE];
	struct rec_span span;
	struct clip_ops ops;
};

/* Nothing is read yet. 0 or -ENOMEM. Its first part begins with the key frame at or before in. */
int clip_open(struct clip **out, struct clip_reader *reader, const struct clip_config *config);
/* May be called by the clip's own functions. None of them is called any more. NULL is fine. */
void clip_close(struct clip **clip);
/* One more fragment, unless one is on its way or it is over. Calls nothing back. When the disk is too busy: ask again.
 */
void clip_want(struct clip *clip);

/* Why a clip ended. Static text. */
const char *clip_end_ja(int err);
const char *clip_end_en(int err);

#endif
