/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can a channel show this stream now? (design §8 rule 7.) Pure: parts and the time go in, a verdict comes out.
 *
 * Owner: the channel, which has one for each stream of its plan. Lifetime: a value; zeroed is a stream that never came.
 * Not here: whether it should be shown (packager/channel_rules), what fits a channel (packager/channel_profile).
 *
 * A stream is left when two parts are missing: a player has three. It is good again after 2 s of good frames, after 5 s
 * when it had broken off within 60 s of its last return. One that never broke off is good with its first part. One that
 * ended and begins again within 60 s has broken off; later it is a new one.
 */
#ifndef ISARIBI_PACKAGER_CHANNEL_HEALTH_H
#define ISARIBI_PACKAGER_CHANNEL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum channel_verdict {
	CHANNEL_ABSENT, /* never came, or is over */
	CHANNEL_GOOD,
	CHANNEL_LOST,	   /* on, but silent */
	CHANNEL_RETURNING, /* was lost, and has not been good for long enough */
	CHANNEL_MISFIT,	   /* outside the channel's profile */
	CHANNEL_TAKEN_DOWN,
};

struct channel_health {
	enum channel_verdict state; /* never MISFIT: that is beside it */
	bool is_misfit;
	bool has_ended;
	bool has_returned; /* GOOD: since_us is a return, not the first part */
	int64_t heard_us;  /* the last part */
	int64_t since_us;  /* RETURNING: its good frames began; GOOD: it was let (back) in */
	int64_t good_us;   /* RETURNING: so long are the good frames that came */
	int64_t needed_us; /* RETURNING: so long must they be */
	int64_t ended_us;
};

/* So long after its last part a stream is lost: two parts and 100 ms. */
int64_t channel_health_patience_us(uint32_t part_ms);

/* The stream begins, with another publisher perhaps. */
void channel_health_begin(struct channel_health *h, int64_t now_us);
/* is_broken: there is a hole before this part. */
struct channel_health_part {
	int64_t duration_us;
	bool is_broken;
	bool is_misfit;
};
void channel_health_note(
    struct channel_health *h, const struct channel_health_part *part, uint32_t part_ms, int64_t now_us);
void channel_health_end(struct channel_health *h, uint32_t part_ms, int64_t now_us);
/* Nothing of it counts until it begins anew. */
void channel_health_take_down(struct channel_health *h);

enum channel_verdict channel_health_at(struct channel_health *h, uint32_t part_ms, int64_t now_us);
/* When the verdict changes if nothing more is heard; INT64_MAX: never. */
int64_t channel_health_next_us(const struct channel_health *h, uint32_t part_ms);

#endif
