/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples that lie in several places, put together to one part.
 *
 * Owner: the caller. Lifetime: stitch_fini. The samples' bytes are borrowed until then. Running out of memory is
 * remembered: stitch_part says it. Not here: which samples (packager/splice, packager/slate).
 */
#ifndef ISARIBI_PACKAGER_STITCH_H
#define ISARIBI_PACKAGER_STITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/track.h"
#include "packager/part.h"

struct stitch_sample {
	const uint8_t *data;
	int64_t at; /* decode time */
	struct fmp4_sample sample;
};

/* Of one track, by decode time, without holes. */
struct stitch_list {
	struct stitch_sample *samples;
	size_t count;
	size_t capacity;
};

struct stitch {
	struct stitch_list lists[TRACK_KINDS];
	bool is_out_of_memory;
};

void stitch_init(struct stitch *t);
void stitch_fini(struct stitch *t);
/* The sample before it, if there is one, lasts until it: at must not be before that one's end. */
void stitch_add(struct stitch *t, enum track_kind kind, const struct stitch_sample *sample);
/* Where the last sample ends; fallback when there is none. */
int64_t stitch_end(const struct stitch *t, enum track_kind kind, int64_t fallback);
/*
 * Sample table, moof and mdat; all else in it is 0. whole: a part that has exactly these samples, whose mdat is shared
 * then; or NULL. At least one sample must be there. 0 or -ENOMEM.
 */
int stitch_part(const struct stitch *t, uint32_t sequence, const struct part *whole, struct part **out);

#endif
