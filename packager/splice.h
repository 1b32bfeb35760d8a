/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline of a channel: parts of sources, one behind the other, become parts of the channel.
 *
 * Owner: the channel that embeds it. Lifetime: splice_fini; the slate must outlive it. Pure: no clock, no thread.
 * Not here: what is on and when (packager/channel), numbers of segments and parts.
 *
 * Time
 *  - A position is 90 kHz since 2025-01-01T00:00:00Z. Both tracks of a channel have that timescale.
 *  - A run is a stretch of one source. Its first picture, a key frame, stands at the end of what was made: pts = tfdt.
 *    From there on everything of the source lies by its own times, one offset for pictures and sound, however long it
 *    runs. So a hole in the source is a hole in the channel (the part's start_90k is later than the last one's end); a
 *    source that jumps back stands at the end of what was made.
 *  - Pictures of a source that are shown before its first key frame are left out.
 * Pictures
 *  - A source without video is put over the slate's pictures: a key frame at the begin of the run, then at the begin of
 *    each part in which the loop would end. A part without pictures of a source that has video goes out as it is.
 *  - Cut by until_90k: by decode order, where no picture is shown before one that is left out. The last picture is
 *    shown until until_90k, which is exactly where the part ends.
 * Sound
 *  - Each track rises and nothing overlaps; between two frames there is less than one frame of nothing. Where it would
 *    be more, and where a source has no sound (48 kHz stereo then), there are silent frames, for AAC in mono and
 * stereo.
 *  - A source's sound is late, for its whole run, by what it needs not to overlap the one before: less than a frame.
 *    At a cut, sound is taken while it begins before the end of the pictures.
 */
#ifndef ISARIBI_PACKAGER_SPLICE_H
#define ISARIBI_PACKAGER_SPLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/track.h"
#include "packager/part.h"
#include "packager/slate.h"

enum {
	SPLICE_INITS = 8,	  /* init segments remembered: a source that comes back has its old one */
	SPLICE_SILENCE_BYTES = 8, /* room for a silent frame */
};

/* The source that is on. */
struct splice_run {
	bool is_on; /* between splice_begin_run and splice_jump */
	bool has_video;
	bool has_audio;
	bool is_anchored;	/* its first picture has its place */
	bool is_heard;		/* its first sound has */
	int64_t source_90k;	/* what of it stands at its begin: pts */
	int64_t pts_offset_90k; /* from its times to positions: pictures as shown, and sound */
	int64_t dts_offset_90k; /* the same for decode times */
	int64_t delay_90k;	/* of its sound */
	uint32_t slate_next;	/* over the slate: the next picture's place in the loop */
	uint32_t audio_rate;	/* ticks per second of its sound's times */
	uint32_t frame_samples; /* so many of them is one frame */
	uint8_t silence[SPLICE_SILENCE_BYTES];
	uint32_t silence_bytes; /* 0: this sound has no silent frames */
};

struct splice {
	int64_t end_90k;	    /* of what was made: where the next picture will stand */
	struct part_init *init;	    /* of the run; NULL before the first one */
	unsigned last_init_version; /* the highest one given out so far */

	/* its own */
	const struct slate *slate;
	int64_t audio_end_90k;
	int64_t shown_until_90k; /* the latest end of a picture, further than end_90k while pictures are reordered */
	struct track *silent_track;
	struct splice_run run;
	struct part_init *inits[SPLICE_INITS];
	unsigned next_init;
};

int64_t splice_position_90k(int64_t wall_ms); /* of a wall clock's time, ms since 1970 */
int64_t splice_wall_ms(int64_t position_90k);

/* Nothing is allocated yet. last_init_version: of an earlier splice of this channel in the same epoch; 0: none. */
void splice_init(struct splice *s, const struct slate *slate, int64_t start_90k, unsigned last_init_version);
void splice_fini(struct splice *s);

/* Forward, to where the next run begins: nothing stands in between, neither picture nor sound. Ends the run. */
void splice_jump(struct splice *s, int64_t to_90k);

/*
 * From here on parts of another source (or of the same one behind a break), whose key frame at source_pts_90k stands at
 * s->end_90k; of a source without video, what is heard from then on. Pictures of the old run that are still to be shown
 * are waited for: s->end_90k may rise by some pictures. tracks by kind, NULL: it has none. Equal tracks get the init
 * segment they had (of the last SPLICE_INITS). 0, or -ENOMEM or -EINVAL (a track cannot be described), and the old run
 * is still on.
 */
int splice_begin_run(struct splice *s, struct track *const tracks[TRACK_KINDS], int64_t source_pts_90k);

/* Times of the source. INT64_MIN and INT64_MAX: all of it. */
struct splice_slice {
	const struct part *part;
	int64_t from_90k;  /* pts of a key frame in it; without video: any time */
	int64_t until_90k; /* pts */
};

/*
 * *out: one reference; moof, mdat, samples, runs, bytes, init, start_90k, duration_90k, wall_ms and is_independent are
 * set, and sequence; msn, index, origin and flags are the caller's. NULL: no picture lies in the slice. What is taken
 * as it is shares the source's mdat. In a run's first part everything before the run's key frame is left out, whether
 * from_90k says so or not.
 * 0, or -ENOMEM: s is as it was, this part is lost, and the next one stands where it would have stood, behind a hole.
 * When it was the run's first, begin a run anew at a later key frame: until then there are no pictures in any slice.
 */
int splice_part(struct splice *s, const struct splice_slice *slice, uint32_t sequence, struct part **out);

#endif
