/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path of a recording, a clip or a stream's time shift names. Pure.
 *
 * Owner: the caller. Lifetime: results borrow from the path. Not here: whether it exists, whether it may be seen.
 *
 *  /rec/  [t/TOKEN/] ID/            index.m3u8 | main.m3u8 | NNNN.mp4
 *  /clip/ [t/TOKEN/] CLIP/          index.m3u8 | main.m3u8 | ID/NNNN.mp4
 *  /hls/  [t/TOKEN/] STREAM/shift/  index.m3u8 | ID/main.m3u8 | ID/NNNN.mp4
 *
 * A clip and a time shift name the recording they are of in what belongs to it: a cached range is never another
 * recording's, and who looks back goes on when the next recording has begun.
 */
#ifndef ISARIBI_PACKAGER_DELIVER_REC_PATH_H
#define ISARIBI_PACKAGER_DELIVER_REC_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum deliver_rec_form {
	DELIVER_REC_RECORDING,
	DELIVER_REC_CLIP,
	DELIVER_REC_SHIFT,
};

enum deliver_rec_kind {
	DELIVER_REC_MAIN,
	DELIVER_REC_MEDIA,
	DELIVER_REC_FILE,
};

struct deliver_rec_path {
	const char *token; /* NULL: none; none of these texts is terminated */
	size_t token_len;
	const char *name; /* the recording, the clip or the stream */
	size_t name_len;
	const char *recording; /* NULL: not named, for a clip and a time shift */
	size_t recording_len;
	enum deliver_rec_kind kind;
	unsigned stretch; /* of a file */
};

/* rest: what follows "/rec/", "/clip/" or "/hls/", terminated. */
bool deliver_rec_path_parse(struct deliver_rec_path *out, const char *rest, enum deliver_rec_form form);
/* Is this path under "/hls/" one of a time shift? */
bool deliver_rec_path_is_shift(const char *rest);

#endif
